"""May this person, in this role, for this purpose, ask at all? What forbids before the child is even thought of."""

from __future__ import annotations

from samechild.policy.agreements import between
from samechild.policy.bases import bases, conditions, confidences, powers
from samechild.policy.purposes import purposes
from samechild.policy.records import Facts
from samechild.policy.roles import roles
from samechild.policy.rules.rule import forbids
from samechild.records import Sensitivity
from samechild.records.disclosure import Ask, Mode, Spread
from samechild.records.types import record_types

_NAMES_SOMEBODY = (Sensitivity.IDENTITY, Sensitivity.THIRD_PARTY)
BREAKABLE = ("child-protection", "safeguarding", "health-care")
OVERRIDE_ALSO = ("peoples-rights", "audit")


@forbids("known-words", "Only what is declared can be decided")
def known_words(ask: Ask, facts: Facts) -> str:
    """Every purpose, role, record type, power, basis, condition and confidence named must be a declared one."""
    needed = ((ask.purpose, purposes()), (ask.who.role, roles()), (ask.record_type, record_types()))
    if any(word not in declared for word, declared in needed):
        return "The purpose, role or record type is not one of those declared."
    named = ((ask.power, powers()), (ask.basis, bases()), (ask.condition, conditions()))
    grounds = (*named, (ask.confidence, confidences()))
    if any(word and word not in declared for word, declared in grounds):
        return "The power, basis, condition or confidence is not one of those declared."
    return ""


@forbids("facts-fit", "Facts of somebody else are no ground to allow")
def facts_fit(ask: Ask, facts: Facts) -> str:
    """What is known must be about the person, the organisations and the records that the question names."""
    named = (ask.who.user, ask.who.organisation, ask.owner, *ask.scope.record_keys)
    about = (facts.asker.organisation, facts.owner.organisation)
    if all(word.strip() for word in named) and about == (ask.who.organisation, ask.owner):
        return ""
    return "The question does not say who asks whom about what."


@forbids("policy-in-force", "Find and Fetch: a stale enforcement point fails closed")
def policy_in_force(ask: Ask, facts: Facts) -> str:
    """The rules applied must be those in force now."""
    return "" if facts.policy_version == facts.policy_head else "The agreements changed: ask again."


@forbids("sound-clock", "Dates decide, so the clock must be right")
def sound_clock(ask: Ask, facts: Facts) -> str:
    """The clock must not have been moved back."""
    return "" if facts.clock_sound else "This computer's clock is wrong: have it set right, then ask again."


@forbids("signed-in", "UK GDPR Article 32")
def signed_in(ask: Ask, facts: Facts) -> str:
    """Whoever asks must be signed in now."""
    return "" if facts.signed_in else "You are not signed in any more."


@forbids("role-held", "Children Act 2004 Information Database Regulations 2007, reg. 9 to 11: access is given by name")
def role_held(ask: Ask, facts: Facts) -> str:
    """The role must be held today, and given by the person's own organisation."""
    if facts.role_from is None or not between(ask.now, facts.role_from, facts.role_until):
        return "You do not hold this role now: ask your organisation's access manager."
    if facts.role_organisation != ask.who.organisation:
        return "The role was given by another organisation than the one you ask for."
    return ""


@forbids("role-in-sector", "A role exists only in some kinds of organisation")
def role_in_sector(ask: Ask, facts: Facts) -> str:
    """The role must exist in this kind of organisation."""
    return "" if facts.asker.sector in roles()[ask.who.role].sectors else "Your organisation cannot give this role."


@forbids("organisation-active", "Access ends with the registration, contract or vouching")
def organisation_active(ask: Ask, facts: Facts) -> str:
    """Both organisations must be registered, contracted or vouched for today."""
    if not facts.asker.active:
        return "Your organisation's registration, contract or vouching has ended."
    return "" if facts.owner.active else "The organisation that held the records has ended: ask who took them over."


@forbids("role-has-purpose", "UK GDPR Article 5(1)(b), purpose limitation; Caldicott principle 1")
def role_has_purpose(ask: Ask, facts: Facts) -> str:
    """The role must be one that works for this purpose."""
    return "" if ask.purpose in roles()[ask.who.role].purposes else "Your role does not ask for this purpose."


@forbids("role-has-mode", "Caldicott principle 4, need to know")
def role_has_mode(ask: Ask, facts: Facts) -> str:
    """The role must be allowed what is asked: that something exists, or what it says."""
    if ask.mode in roles()[ask.who.role].modes:
        return ""
    return "Your role may learn that a record exists and whom to ask, not what it says."


@forbids(
    "audit-by-ledger", "Notes on separation of duties: an auditor sees that things were looked at, not what they say"
)
def audit_by_ledger(ask: Ask, facts: Facts) -> str:
    """Checking that records are used rightly needs the ledger, not what the records say."""
    if ask.purpose == "audit" and ask.mode is Mode.CONTENT:
        return "To check how records are used, read the ledger: what they say is not needed."
    return ""


@forbids("never-for-this", "The early-adopter scheme's closed list of purposes")
def never_for_this(ask: Ask, facts: Facts) -> str:
    """Performance management and accountability are not what these records are for."""
    return "These records are never used for this purpose." if purposes()[ask.purpose].forbidden else ""


@forbids("dfe-closed-list", "The early-adopter scheme's closed list: research, evaluation, development")
def dfe_closed_list(ask: Ask, facts: Facts) -> str:
    """The Department for Education asks only for research, evaluation and development."""
    if facts.asker.dfe and not purposes()[ask.purpose].dfe:
        return "The Department may ask only for research, evaluation and development."
    return ""


@forbids("two-factors", "Roles that see who a child is need two factors")
def two_factors(ask: Ask, facts: Facts) -> str:
    """A role that sees identity needs a sign-in with two factors."""
    role = roles()[ask.who.role]
    if role.identity and not role.machine and ask.who.factors < 2:
        return "Sign in with your second factor to see who a child is."
    return ""


@forbids("identity-kept-apart", "Kelman, Bass and Holman 2002, the separation principle; UK GDPR Article 89")
def identity_kept_apart(ask: Ask, facts: Facts) -> str:
    """Who a child is goes to people who look after that child, never to analysis."""
    if record_types()[ask.record_type].sensitivity not in _NAMES_SOMEBODY:
        return ""
    purpose = purposes()[ask.purpose]
    if not roles()[ask.who.role].identity or not (purpose.individual or purpose.name == "statutory-return"):
        return "Who a child is, and who is connected to the child, is not given for this."
    return ""


@forbids("owner-holds-it", "Only a holder can share")
def owner_holds_it(ask: Ask, facts: Facts) -> str:
    """The organisation asked must be of a kind that holds such records."""
    if facts.owner.sector in record_types()[ask.record_type].holders:
        return ""
    return "An organisation of this kind does not hold such records: ask another."


@forbids("mediated-by-another", "ContactPoint: mediated access names both people, each proven")
def mediated_by_another(ask: Ask, facts: Facts) -> str:
    """Looking something up for a colleague needs both people to have shown who they are."""
    if not ask.who.on_behalf_of:
        return ""
    if ask.who.on_behalf_of == ask.who.user:
        return "Looking up for somebody means for another person than yourself."
    return "" if facts.mediator_signed_in else "The colleague you ask for has not shown who they are."


@forbids("glass-rightly-broken", "ContactPoint reg. 6(5): an override tells the supervisor and is investigated")
def glass_rightly_broken(ask: Ask, facts: Facts) -> str:
    """Breaking the glass needs a role that may, a purpose that justifies it, a reason and a supervisor to tell."""
    if ask.emergency is None:
        return ""
    role = roles()[ask.who.role]
    supervisor = ask.emergency.supervisor.strip()
    if not ask.emergency.reason.strip() or not supervisor or supervisor == ask.who.user:
        return "Breaking the glass needs your reason, and a supervisor other than yourself."
    allowed = BREAKABLE if role.break_glass or role.override_shield else ()
    if role.override_shield:
        allowed = (*allowed, *OVERRIDE_ALSO)
    return "" if ask.purpose in allowed else "Your role cannot break the glass for this purpose."


@forbids("about-somebody", "A search shows that records exist; reading one is a question of its own")
def about_somebody(ask: Ask, facts: Facts) -> str:
    """A question is about named records; a search only tells that they exist."""
    if ask.scope.spread is Spread.SEARCH:
        return "" if ask.mode is Mode.EXISTENCE else "A search only tells that records exist: open one to read it."
    if ask.scope.spread is Spread.CHILD and not ask.scope.record_keys:
        return "Say about which child you ask."
    return ""


FIRST = (known_words,)
"""Asked alone and first: the others rely on every word being declared."""

RULES = (
    facts_fit,
    policy_in_force,
    sound_clock,
    signed_in,
    role_held,
    role_in_sector,
    organisation_active,
    role_has_purpose,
    role_has_mode,
    audit_by_ledger,
    never_for_this,
    dfe_closed_list,
    two_factors,
    identity_kept_apart,
    owner_holds_it,
    mediated_by_another,
    glass_rightly_broken,
    about_somebody,
)
