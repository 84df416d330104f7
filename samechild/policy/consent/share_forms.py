"""The share form: a decision to share, and a decision *not* to share, recorded with the same care.

The golden rules ask that the decision and its reasons are recorded whether or not something was shared, and that what
is shared is necessary, proportionate, relevant, adequate, accurate, timely and secure. The form begins with no more
than its purpose needs, and says of each thing whether it is fact or somebody's opinion.

Sources: HM Government, *Information sharing: advice for practitioners providing safeguarding services* (May 2024), the
seven golden rules and the principles; UK GDPR Article 5(1)(c) (minimisation) and 5(2) (accountability).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from functools import cache

import msgspec

from samechild.policy.bases import bases, powers
from samechild.policy.purposes import purposes
from samechild.records import Issue, Severity
from samechild.records.types import record_types


class Test(StrEnum):
    """The seven tests of what is shared."""

    __test__ = False  # not a test of ours

    NECESSARY = "necessary"
    PROPORTIONATE = "proportionate"
    RELEVANT = "relevant"
    ADEQUATE = "adequate"
    ACCURATE = "accurate"
    TIMELY = "timely"
    SECURE = "secure"


QUESTIONS = {
    Test.NECESSARY: "Is it needed for the purpose, and is there no other way?",
    Test.PROPORTIONATE: "Does the reason outweigh what it takes from the child's and family's privacy?",
    Test.RELEVANT: "Does everything in it bear on the purpose?",
    Test.ADEQUATE: "Is it enough to be understood rightly?",
    Test.ACCURATE: "Is it right and up to date, and is opinion marked as opinion?",
    Test.TIMELY: "Does it arrive in time?",
    Test.SECURE: "Does it go a safe way, to the right person?",
}
"""What each test asks."""


class Answer(msgspec.Struct, frozen=True):
    """The answer to one test; ``why`` is kept sealed, and needed when the answer is no."""

    met: bool
    why: str = ""


class Item(msgspec.Struct, frozen=True):
    """One field or record type on the form, and whether it is somebody's opinion rather than fact."""

    name: str
    opinion: bool = False


class ShareForm(msgspec.Struct, frozen=True, kw_only=True):
    """A decision to share or not, about one child: what, with whom, why, and how each test was answered.

    ``beyond`` are the items that the preset of the purpose does not hold, each needing ``why_beyond``. ``told`` says
    that child and family were told; else ``why_not_told``. ``text`` are the reasons, kept sealed.
    """

    id: str
    record_key: str
    organisation: str
    shared: bool
    purpose: str
    recipient: str
    items: tuple[Item, ...]
    answers: dict[Test, Answer]
    decided_by: str
    decided_at: datetime
    text: str
    power: str = ""
    basis: str = ""
    advice_from: str = ""
    told: bool = False
    why_not_told: str = ""
    why_beyond: str = ""
    review_at: datetime | None = None  # when a decision not to share is looked at again


_WHO = ("personal.identity",)
_CARE = (*_WHO, "social-care.involvement")


@cache
def presets() -> dict[str, tuple[str, ...]]:
    """For each purpose, the record types its form begins with: what that purpose usually needs and no more."""
    return {
        "child-protection": (
            *_CARE,
            "personal.address",
            "personal.connected",
            "social-care.episode",
            "social-care.protection-plan",
            "social-care.looked-after",
            "education.setting",
            "education.attendance",
            "health.practice",
            "health.attendance",
            "justice.involvement",
        ),
        "safeguarding": (*_CARE, "personal.connected", "education.setting", "education.attendance", "health.practice"),
        "early-help": (*_CARE, "education.setting", "education.attendance"),
        "education-welfare": (*_WHO, "education.setting", "education.attendance", "education.support"),
        "health-care": (*_WHO, "health.practice", "health.attendance"),
        "crime-prevention": (*_WHO, "justice.involvement"),
        "linkage-quality": _WHO,
        "peoples-rights": _WHO,
        "audit": (),
        "statutory-return": (
            *_WHO,
            "social-care.episode",
            "social-care.protection-plan",
            "social-care.looked-after",
        ),
        "service-planning": ("social-care.episode", "education.attendance"),
        "research": (),
        "evaluation": (),
        "development": (),
        "performance-management": (),
        "accountability": (),
    }


_NAMED = ("forename", "surname", "date_of_birth")
_LINKED = (*_NAMED, "known_as", "former_surname", "sex", "postcode", "nhs_number", "upn")


@cache
def field_presets() -> dict[str, tuple[str, ...]]:
    """For each purpose, the fields of who a child is that its form begins with; none where identity is not needed.

    Names of fields are those of :class:`samechild.records.Record`. What tells where a child is comes only with the
    purposes that cannot do without.
    """
    return {
        "child-protection": (*_LINKED, "address"),
        "safeguarding": (*_NAMED, "known_as", "nhs_number"),
        "early-help": (*_NAMED, "known_as"),
        "education-welfare": (*_NAMED, "known_as", "upn"),
        "health-care": (*_NAMED, "sex", "nhs_number"),
        "crime-prevention": _NAMED,
        "linkage-quality": _LINKED,
        "peoples-rights": _NAMED,
        "statutory-return": ("date_of_birth", "sex", "ethnicity", "upn", "la_child_id"),
    }


def beyond(form: ShareForm) -> tuple[str, ...]:
    """The items of a form that its purpose does not usually need."""
    usual = presets().get(form.purpose, ())
    return tuple(item.name for item in form.items if item.name not in usual)


def check_form(form: ShareForm, now: datetime) -> list[Issue]:
    """List everything wrong with a form before it is kept: a decision not to share is asked as much as one to share."""
    return [
        Issue("share form", 0, column, f"share-{code}", Severity.ERROR, words)
        for wrong, column, code, words in (*_asked_of_both(form, now), *_asked_of_one(form))
        if wrong
    ]


_Found = tuple[bool, str, str, str]


def _asked_of_both(form: ShareForm, now: datetime) -> list[_Found]:
    purpose = purposes().get(form.purpose)
    unsaid = [test for test in Test if test not in form.answers]
    bare = [test for test, answer in form.answers.items() if not answer.met and not answer.why.strip()]
    return [
        (not form.text.strip(), "text", "reasons", "Record the reasons, whether or not you share."),
        (purpose is None or purpose.forbidden, "purpose", "purpose", "Choose a declared purpose that may be served."),
        (not form.recipient, "recipient", "recipient", "Say with whom it is, or is not, shared."),
        (not form.items, "items", "items", "Say what it is about."),
        (any(item.name not in record_types() for item in form.items), "items", "item", "Choose declared record types."),
        (bool(unsaid), "answers", "answers", f"Answer all seven tests; not answered: {', '.join(unsaid)}."),
        (bool(bare), "answers", "why-not", f"Say why it is not: {', '.join(bare)}."),
        (form.decided_at > now, "decided at", "future", "A decision cannot lie in the future."),
        (form.power not in ("", *powers()), "power", "power", "Choose a declared power or duty, or none."),
        (form.basis not in ("", *bases()), "basis", "basis", "Choose a declared lawful basis, or none."),
    ]


def _asked_of_one(form: ShareForm) -> list[_Found]:
    failed = [test for test, answer in form.answers.items() if not answer.met]
    extra = beyond(form)
    return [
        (form.shared and not form.basis, "basis", "basis-needed", "Nothing is shared without a lawful basis."),
        (
            form.shared and bool(failed),
            "answers",
            "failed",
            f"It may not be shared while it is not: {', '.join(failed)}. Mend that, or record that it is not shared.",
        ),
        (
            form.shared and bool(extra) and not form.why_beyond.strip(),
            "items",
            "beyond",
            f"The purpose does not usually need {', '.join(extra)}: leave it out, or say why it is needed.",
        ),
        (
            form.shared and not form.told and not form.why_not_told.strip(),
            "told",
            "told",
            "Say that child and family were told, or why telling them was not safe.",
        ),
        (
            not form.shared and form.review_at is None,
            "review date",
            "review",
            "Say when the decision not to share is looked at again.",
        ),
    ]
