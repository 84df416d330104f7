"""The rules that the door keeps: the shape of what is sent, as the declared types say it; what breaks one is refused.

None has a test of its own: :mod:`samechild.collection.structure` reads against the types and names the rule that a
fault breaks. ``STR-21`` (may this caller send for this authority?) is the feed's question, ``STR-22`` a flag.
Source: the specification of the Department for Education, version 1.0.1.
"""

from __future__ import annotations

from functools import cache

from samechild.collection.records import (
    MOST_CHILDREN,
    SPECIFICATION,
    Assessment,
    CareWorker,
    Child,
    Details,
    Enquiry,
    Episode,
    NeedPlan,
    Placement,
    ProtectionPlan,
    SdqAssessment,
)
from samechild.collection.rules.rule import Grade, Rule

_KEY = "Send 1 to 36 letters, digits, _ or -."


def _rule(
    code: str,
    on: type,
    fields: tuple[str, ...],
    message: str,
    mend: str,
    *,
    analogue: str = "schema",
    grade: Grade = Grade.REJECT,
) -> Rule:
    return Rule(code=code, grade=grade, on=on, fields=fields, message=message, mend=mend, analogue=analogue)


STRUCTURAL: tuple[Rule, ...] = (
    _rule("STR-01", Child, (), "The body is not a JSON array", "Send a JSON array of children, even for one child."),
    _rule(
        "STR-02",
        Child,
        (),
        f"More than {MOST_CHILDREN} children in one request",
        f"Send at most {MOST_CHILDREN} children in one request.",
        analogue="schema maxItems; HTTP 413 in specification",
    ),
    _rule(
        "STR-03",
        Child,
        (),
        "The text is not UTF-8",
        "Send the bytes of UTF-8. Windows PowerShell 5.1 sends text as ISO-8859-1 unless it is given bytes: "
        "[System.Text.Encoding]::UTF8.GetBytes($body), with the content type application/json; charset=utf-8.",
        analogue="JSON standard",
    ),
    _rule(
        "STR-04",
        Child,
        ("la_child_id",),
        "The child has no id, or one that is not 1 to 20 letters or digits",
        "Send 1 to 20 letters or digits.",
        analogue="schema; CIN 8500, 1570, 1580",
    ),
    _rule(
        "STR-05",
        Child,
        ("mis_child_id",),
        "The case system's own id is not well formed",
        "Send at most 36 letters, digits, _ or -.",
    ),
    _rule(
        "STR-06",
        Child,
        (),
        f"A property that specification {SPECIFICATION} does not know, or a value of another kind than it says",
        "Send each property as the specification says, and no other.",
        analogue="schema additionalProperties false",
    ),
    _rule(
        "STR-07", Episode, ("social_care_episode_id",), "The episode has no id, or one that is not well formed", _KEY
    ),
    _rule(
        "STR-08",
        Assessment,
        ("child_and_family_assessment_id",),
        "The assessment has no id, or one that is not well formed",
        _KEY,
    ),
    _rule(
        "STR-09",
        NeedPlan,
        ("child_in_need_plan_id",),
        "The child in need plan has no id, or one that is not well formed",
        _KEY,
    ),
    _rule(
        "STR-10",
        Enquiry,
        ("section_47_assessment_id",),
        "The section 47 enquiry has no id, or one that is not well formed",
        _KEY,
    ),
    _rule(
        "STR-11",
        ProtectionPlan,
        ("child_protection_plan_id",),
        "The child protection plan has no id, or one that is not well formed",
        _KEY,
    ),
    _rule(
        "STR-12",
        Placement,
        ("child_looked_after_placement_id",),
        "The placement has no id, or one that is not well formed",
        _KEY,
    ),
    _rule(
        "STR-13",
        Child,
        (),
        "A date is not a real calendar day written YYYY-MM-DD",
        "Send a real calendar day as text, YYYY-MM-DD.",
        analogue="schema format date; 903 102,112,113,115,141,147",
    ),
    _rule(
        "STR-14",
        Child,
        (),
        "A flag is not true or false",
        "Send true or false, without quotation marks.",
    ),
    _rule(
        "STR-15",
        SdqAssessment,
        ("score",),
        "The score is not a whole number",
        "Send a whole number, without quotation marks or decimal point.",
    ),
    _rule(
        "STR-16",
        Details,
        ("unique_pupil_number", "former_unique_pupil_number"),
        "The UPN does not have exactly 13 characters",
        "Send exactly 13 characters, or leave it out.",
    ),
    _rule(
        "STR-17",
        Child,
        (),
        "A code or postcode is longer than it may be",
        "Send the code itself, no longer than it may be.",
        analogue="schema maxLength",
    ),
    _rule(
        "STR-18",
        Details,
        ("disabilities",),
        "Disabilities are not at most 12 codes of at most 4 characters, each once",
        "Send a list of at most 12 codes, each once.",
        analogue="schema; CIN 8794",
    ),
    _rule(
        "STR-19",
        Assessment,
        ("factors",),
        "Factors are not at most 41 codes of at most 3 characters, each once",
        "Send a list of at most 41 codes, each once.",
        analogue="schema; CIN 8898",
    ),
    _rule(
        "STR-20",
        CareWorker,
        ("worker_id",),
        "The worker's id is not well formed",
        "Send at most 12 letters, digits, _ or -.",
    ),
    _rule(
        "STR-21",
        Child,
        (),
        "The authority in the address is not one that this system may send for",
        "Check the authority's number, and ask its access manager which authorities your system may send for.",
        analogue="specification 403",
    ),
    _rule(
        "STR-22",
        Child,
        ("la_child_id",),
        "The same child stands in one request more than once",
        "Send each child once in a request. What was sent is taken in its order.",
        analogue="CIN 8510",
        grade=Grade.ERROR,
    ),
)
"""Every rule about structure, in order."""


@cache
def mends() -> dict[str, str]:
    """What to do, by rule."""
    return {rule.code: rule.mend for rule in STRUCTURAL}
