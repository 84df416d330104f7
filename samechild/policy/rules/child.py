"""What stands in the way for this child: no involvement, one's own family, a shield, a sensitive service, a seal.

Some of these must not be told. To a person who may not know, a shielded child's school, a visit to a sexual health
clinic and an adopted child's other identity do not exist: not in the answer, its reasons or the work done.
"""

from __future__ import annotations

from samechild.policy.purposes import purposes
from samechild.policy.records import Consent, Facts, Involvement
from samechild.policy.roles import roles
from samechild.policy.rules.grounds import consent_of, outside
from samechild.policy.rules.rule import forbids
from samechild.records.disclosure import Ask, Mode
from samechild.records.types import Sector, record_types

ADOPTION = "social-care.adoption"
CUSTODIAN = "adoption-custodian"
PLACES = (
    Sector.EDUCATION, Sector.EARLY_YEARS, Sector.HEALTH, Sector.CARE_PROVIDER, Sector.HOUSING, Sector.VOLUNTARY,
)  # fmt: skip
"""Organisations that are places: to know that one of them knows a child is to know where the child is."""


def shield_overridden(ask: Ask) -> bool:
    """Whether a named role has broken the glass on a shield."""
    return ask.emergency is not None and roles()[ask.who.role].override_shield


@forbids("involved", "Caldicott principle 4, need to know")
def involved(ask: Ask, facts: Facts) -> str:
    """What a record says is for those involved with the child now, unless the glass is broken."""
    role = roles()[ask.who.role]
    if ask.mode is Mode.EXISTENCE or not role.involved or facts.involvement is Involvement.CURRENT:
        return ""
    return "" if ask.emergency is not None else "You are not involved with this child now."


@forbids("not-oneself", "ContactPoint's breaches: staff looking up themselves and their own families")
def not_oneself(ask: Ask, facts: Facts) -> str:
    """Nobody looks up themselves or their own family, not even to try it out."""
    return "Ask a colleague: this is you or your own family." if facts.oneself or facts.own_family else ""


@forbids("shielded", "SI 2007/2182 reg. 6(5): a search on any hidden field returns nothing", hides=True)
def shielded(ask: Ask, facts: Facts) -> str:
    """Where a shielded child is stays hidden: address, school, practice, setting and placement alike."""
    if facts.shielded and record_types()[ask.record_type].location and not shield_overridden(ask):
        return "The child is shielded."
    return ""


@forbids(
    "place-told-by-holder", "SI 2007/2182 reg. 6(5): that a place holds anything tells where the child is", hides=True
)
def place_told_by_holder(ask: Ask, facts: Facts) -> str:
    """That a school, practice, home or refuge holds anything at all about a shielded child tells where the child is."""
    apart = outside(ask) and facts.owner.sector in PLACES and facts.involvement is not Involvement.CURRENT
    return "The child is shielded." if facts.shielded and apart and not shield_overridden(ask) else ""


@forbids("sensitive-service", "SI 2007/2182 regs 6(3) and 11(3)", hides=True)
def sensitive_service(ask: Ask, facts: Facts) -> str:
    """A sensitive service is listed only with consent or reasonable cause to suspect significant harm."""
    if not record_types()[ask.record_type].sensitive:
        return ""
    if not outside(ask):
        known = facts.involvement is Involvement.CURRENT or not roles()[ask.who.role].involved
        return "" if known else "A sensitive service is known only to those involved."
    if consent_of(facts) is Consent.GIVEN or (ask.mode is Mode.EXISTENCE and facts.harm_suspected):
        return ""
    return "A sensitive service is not told without consent."


@forbids("sealed-identity", "Adoption and Children Act 2002; two identities are never joined", hides=True)
def sealed_identity(ask: Ask, facts: Facts) -> str:
    """An adopted child's two identities come together only for a named custodian, with another person's approval."""
    if not facts.sealed_identity:
        return ""
    return "" if _custodian(ask, facts) else "An adopted child's identity is sealed."


@forbids("adoption-records", "Disclosure of Adoption Information Regulations 2005")
def adoption_records(ask: Ask, facts: Facts) -> str:
    """Adoption records are opened by their named custodian, with another person's approval."""
    if ask.record_type != ADOPTION or _custodian(ask, facts):
        return ""
    return "Adoption records are opened by their named custodian, with another person's approval."


def approved_by_another(ask: Ask, facts: Facts) -> bool:
    """Whether somebody other than the asker approved this question."""
    return any(person.strip() not in ("", ask.who.user) for person in facts.approvals)


def _custodian(ask: Ask, facts: Facts) -> bool:
    return ask.who.role == CUSTODIAN and approved_by_another(ask, facts)


@forbids("opted-out", "National data opt-out: research and planning", hides=True)
def opted_out(ask: Ask, facts: Facts) -> str:
    """Whoever opted out is left out of research and planning."""
    return (
        "The person opted out of research and planning." if facts.opted_out and purposes()[ask.purpose].opt_out else ""
    )


RULES = (
    involved,
    not_oneself,
    shielded,
    place_told_by_holder,
    sensitive_service,
    sealed_identity,
    adoption_records,
    opted_out,
)
