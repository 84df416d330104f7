"""What carries the disclosure to another organisation: agreement, power, basis, condition, confidence, each by itself.

Whatever is named must fit, also within one organisation; between organisations each must be named. Consent is not the
basis of a duty, and a basis does not answer the question of confidence.
"""

from __future__ import annotations

from samechild.policy.agreements import between, deciding_lines
from samechild.policy.bases import bases, conditions, confidences, powers
from samechild.policy.people.organisations import SANDBOX
from samechild.policy.records import Consent, Facts
from samechild.policy.rules.rule import forbids
from samechild.records.disclosure import Ask, Effect, Mode
from samechild.records.types import record_types


def outside(ask: Ask) -> bool:
    """Whether the records asked for are another organisation's; those of one's own sandbox are one's own.

    It holds one way only: who works for a sandbox, as the systems that send to it, reaches nothing of the council's.
    """
    return ask.owner not in (ask.who.organisation, f"{ask.who.organisation}{SANDBOX}")


def consent_of(facts: Facts) -> Consent:
    """How consent stands, implied consent without a notice being none."""
    return Consent.NOT_ASKED if facts.consent is Consent.IMPLIED and not facts.notice else facts.consent


@forbids("agreement-forbids", "Find and Fetch: exceptions, then defaults, else refused")
def agreement_forbids(ask: Ask, facts: Facts) -> str:
    """An agreement in force must not forbid this."""
    if any(line.effect is Effect.FORBID for _, line in deciding_lines(facts.agreements, ask, facts.asker)):
        return "The sharing agreement between the two organisations excludes this."
    return ""


@forbids("power-named", "Every sharing rests on a statutory power or duty")
def power_named(ask: Ask, facts: Facts) -> str:
    """A statutory power or duty of the holder must carry the sharing, for this purpose."""
    if not ask.power:
        return "Name the statutory power or duty that carries the sharing." if outside(ask) else ""
    power = powers()[ask.power]
    if facts.owner.sector not in power.holders:
        return "The organisation that holds the record does not have this power."
    return "" if ask.purpose in power.purposes else "This power does not serve this purpose."


@forbids("between-relevant-persons", "Children Act 2004 sections 16LA(1) and 16LC")
def between_relevant_persons(ask: Ask, facts: Facts) -> str:
    """The duty to share binds only the bodies the Act names."""
    if not ask.power or not powers()[ask.power].relevant_persons:
        return ""
    if facts.asker.relevant_person and facts.owner.relevant_person:
        return ""
    return "One of the two organisations is not one the duty to share binds."


@forbids("detriment-judged", "Children Act 2004 sections 16LA and 16LC: unless more detrimental to the child")
def detriment_judged(ask: Ask, facts: Facts) -> str:
    """A person must have judged, and recorded, that sharing is not worse for the child than not sharing."""
    judged = ask.judgement
    if judged is not None and judged.more_detrimental:
        return "It is recorded that sharing would be worse for the child than not sharing."
    if not ask.power or not powers()[ask.power].judgement:
        return ""
    if judged is None or not judged.made_by.strip() or not judged.reason.strip() or judged.made_at > ask.now:
        return "Record first your judgement that sharing is not worse for the child, with your reason."
    return ""


@forbids("power-in-force", "Children Act 2004 section 16LC needs regulations that name the identifier")
def power_in_force(ask: Ask, facts: Facts) -> str:
    """A power that waits for regulations is off until these are entered with their date."""
    if not ask.power or not powers()[ask.power].entry:
        return ""
    if any(e.name == ask.power and between(ask.now, e.in_force_from, e.in_force_until) for e in facts.entries):
        return ""
    return "This duty is not in force: no regulations have been entered."


@forbids("identifier-alone", "Children Act 2004 section 16LC: the duty is to include the identifier")
def identifier_alone(ask: Ask, facts: Facts) -> str:
    """The duty about the consistent identifier carries the identifier, and nothing else that is known."""
    if not ask.power or not powers()[ask.power].entry or ask.record_type == "personal.identity":
        return ""
    return "This duty carries only who the child is, with the identifier: name another power for the rest."


@forbids("conversation-recorded", "Children Act 1989 section 17; notes on consent, row 2")
def conversation_recorded(ask: Ask, facts: Facts) -> str:
    """Under section 17 the consent conversation, or the reason there was none, must be recorded."""
    none = (Consent.NOT_ASKED, Consent.EXPIRED, Consent.INVALIDATED)
    if ask.power and powers()[ask.power].conversation and consent_of(facts) in none:
        return "Record the conversation about consent, or why there was none."
    return ""


@forbids("lawful-basis", "UK GDPR Article 6; DPA 2018 Part 3")
def lawful_basis(ask: Ask, facts: Facts) -> str:
    """The lawful basis must be named, and be one the holder can rely on for this."""
    if not ask.basis:
        return "Name the lawful basis." if outside(ask) else ""
    basis = bases()[ask.basis]
    if basis.public_only and not facts.owner.public_authority:
        return "Only a public authority can rely on a public task."
    if basis.private_only and facts.owner.public_authority:
        return "A public authority cannot rely on legitimate interests for its tasks."
    if basis.part_3 and not (facts.owner.competent_authority and ask.purpose == "crime-prevention"):
        return "Part 3 is for the law enforcement of a competent authority."
    duty = bool(ask.power) and powers()[ask.power].duty
    if basis.name == "6(1)(c)" and not duty:
        return "A legal obligation needs a power that is a duty."
    if basis.name == "6(1)(d)" and ask.purpose not in ("child-protection", "health-care"):
        return "Vital interests serve only to protect a life."
    if basis.name == "6(1)(a)" and (duty or consent_of(facts) is not Consent.GIVEN):
        return "Consent must have been given, and is not the basis of a duty."
    return ""


@forbids("special-condition", "UK GDPR Articles 9 and 10; DPA 2018 Schedule 1 and section 35")
def special_condition(ask: Ask, facts: Facts) -> str:
    """Special category and criminal offence content needs a condition of its own that covers the purpose."""
    kind = record_types()[ask.record_type]
    condition = conditions().get(ask.condition)
    part_3 = ask.basis == "DPA-Part-3"
    if condition is not None:
        if condition.purposes and ask.purpose not in condition.purposes:
            return "This condition does not cover this purpose."
        if (condition.name == "Part3-35(5)") is not part_3 and (kind.special or condition.name == "Part3-35(5)"):
            return "Part 3 and its own condition go together."
        if condition.name == "9(2)(a)" and consent_of(facts) is not Consent.GIVEN:
            return "Explicit consent has not been given."
        if kind.criminal and not condition.criminal and not part_3:
            return "This condition does not cover content about offences."
    if not outside(ask):
        return ""
    if kind.special and (condition is None or not condition.special):
        return "Name the condition under which such sensitive content may be shared."
    if kind.criminal and not part_3 and condition is None:
        return "Name the condition under which content about offences may be shared."
    return ""


@forbids("confidence-met", "The common-law duty of confidence; Human Rights Act 1998, Article 8")
def confidence_met(ask: Ask, facts: Facts) -> str:
    """What was told in confidence needs consent, an overriding public interest or a statute to be passed on."""
    if not ask.confidence:
        kept = record_types()[ask.record_type].confidential and ask.mode is Mode.CONTENT and outside(ask)
        return "Say how the duty of confidence is met." if kept else ""
    named = confidences()[ask.confidence]
    consent = consent_of(facts)
    if named.notice and not (facts.notice and consent in (Consent.GIVEN, Consent.IMPLIED)):
        return "Implied consent needs a notice that explained the sharing at the outset."
    if named.consent and not named.notice and consent is not Consent.GIVEN:
        return "Explicit consent has not been given."
    if named.overriding and not facts.override:
        return "An overriding public interest needs a recorded override."
    if named.statute and not (ask.power and powers()[ask.power].duty):
        return "Only a statutory duty sets confidence aside."
    return ""


@forbids("consent-not-refused", "A refusal or withdrawal stops sharing at once, unless a duty or an override holds")
def consent_not_refused(ask: Ask, facts: Facts) -> str:
    """A refused or withdrawn consent stops sharing with others, unless a duty or a recorded override sets it aside."""
    if not outside(ask) or facts.consent not in (Consent.REFUSED, Consent.WITHDRAWN) or facts.override:
        return ""
    if ask.power and powers()[ask.power].despite_refusal:
        return ""
    return "Consent was refused or withdrawn."


RULES = (
    agreement_forbids,
    power_named,
    between_relevant_persons,
    detriment_judged,
    power_in_force,
    identifier_alone,
    conversation_recorded,
    lawful_basis,
    special_condition,
    confidence_met,
    consent_not_refused,
)
