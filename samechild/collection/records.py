"""What a council sends about a child every day, declared once: structure, code sets and how private each field is.

The shape is that of the Department for Education's specification, version 1.0.1 (``openapi.json`` of
``DFE-Digital/children-in-social-care-schemas``, MIT). What the door refuses, the columns of tables, the data
dictionary and the split between the two vaults are derived from these declarations. A field that is left out is None:
the specification knows no null.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, get_args, get_type_hints

import msgspec

from samechild.records import Sensitivity

SPECIFICATION = "1.0.1"
"""The version of the specification in force."""

MOST_CHILDREN = 100
"""So many children are sent at once."""

CHILD_ID = r"^[A-Za-z0-9]{1,20}$(?!\n)"
ITEM_ID = r"^[A-Za-z0-9_-]{1,36}$(?!\n)"
_MAYBE_ID = r"^[A-Za-z0-9_-]*$(?!\n)"  # Python's $ also stands before a last line break

_I, _C, _T = Sensitivity.IDENTITY, Sensitivity.CONTENT, Sensitivity.TECHNICAL
_THIRD = Sensitivity.THIRD_PARTY


def _field(title: str, sensitivity: Sensitivity = _C, *, codes: str = "", item: int = 0, **limits: Any) -> msgspec.Meta:
    """Describe a field: ``codes`` names its code set, ``item`` is its number in the published list of data items."""
    return msgspec.Meta(title=title, extra={"sensitivity": sensitivity, "codes": codes, "item": item}, **limits)


Day = date | None
Flag = bool | None
Code = Annotated[str, msgspec.Meta(max_length=1)] | None
Code2 = Annotated[str, msgspec.Meta(max_length=2)] | None
Code3 = Annotated[str, msgspec.Meta(max_length=3)] | None
Code4 = Annotated[str, msgspec.Meta(max_length=4)] | None
Code6 = Annotated[str, msgspec.Meta(max_length=6)] | None
Name = Annotated[str, msgspec.Meta(max_length=1000)] | None
Postcode = Annotated[str, msgspec.Meta(max_length=8)] | None
Score = Annotated[int, msgspec.Meta(ge=-999_999, le=999_999)] | None
Upn = Annotated[str, msgspec.Meta(min_length=13, max_length=13)] | None
WorkerId = Annotated[str, msgspec.Meta(max_length=12, pattern=_MAYBE_ID)] | None
SecondId = Annotated[str, msgspec.Meta(max_length=36, pattern=_MAYBE_ID)] | None
Disabilities = Annotated[tuple[Annotated[str, msgspec.Meta(max_length=4)], ...], msgspec.Meta(max_length=12)] | None
Factors = Annotated[tuple[Annotated[str, msgspec.Meta(max_length=3)], ...], msgspec.Meta(max_length=41)] | None


class _Sent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Something that is sent. It does not print what it holds."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(hidden)"


class Details(_Sent, frozen=True, kw_only=True):
    """Personal details of a child; sent whole."""

    unique_pupil_number: Annotated[Upn, _field("Current UPN", _I, codes="upn_check", item=3)] = None
    former_unique_pupil_number: Annotated[Upn, _field("Former UPN", _I, item=4)] = None
    unique_pupil_number_unknown_reason: Annotated[
        Code4, _field("Why there is no UPN", codes="upn_unknown_reason", item=5)
    ] = None
    first_name: Annotated[Name, _field("First name", _I, item=6)] = None
    surname: Annotated[Name, _field("Surname", _I, item=7)] = None
    date_of_birth: Annotated[Day, _field("Date of birth", _I, item=8)] = None
    expected_date_of_birth: Annotated[Day, _field("Expected date of birth", _I, item=9)] = None
    sex: Annotated[Code, _field("Sex", codes="sex", item=10)] = None
    ethnicity: Annotated[Code4, _field("Ethnicity", codes="ethnicity", item=11)] = None
    disabilities: Annotated[Disabilities, _field("Disabilities", codes="disability", item=12)] = None
    postcode: Annotated[Postcode, _field("Home postcode", _I, item=13)] = None
    uasc_flag: Annotated[Flag, _field("Unaccompanied asylum-seeking child", item=14)] = None
    uasc_end_date: Annotated[Day, _field("Date unaccompanied asylum-seeking status ended", item=15)] = None
    purge: Annotated[Flag, _field("Erase the personal details", _T)] = None


class SdqAssessment(_Sent, frozen=True, kw_only=True):
    """One result of a strengths and difficulties questionnaire; it has no identifier."""

    date: Annotated[Day, _field("Date completed", item=45)] = None
    score: Annotated[Score, _field("Total difficulties score", item=46)] = None


class Wellbeing(_Sent, frozen=True, kw_only=True):
    """Health and wellbeing."""

    sdq_assessments: Annotated[tuple[SdqAssessment, ...] | None, _field("SDQ results")] = None
    purge: Annotated[Flag, _field("Erase the wellbeing section", _T)] = None


class CareWorker(_Sent, frozen=True, kw_only=True):
    """One allocation of a worker to an episode; it has neither identifier nor purge flag."""

    worker_id: Annotated[WorkerId, _field("Worker id", _THIRD, item=53)] = None
    start_date: Annotated[Day, _field("Allocation started", item=54)] = None
    end_date: Annotated[Day, _field("Allocation ended", item=55)] = None


class Assessment(_Sent, frozen=True, kw_only=True):
    """A child and family assessment."""

    child_and_family_assessment_id: Annotated[str, _field("Assessment id", _T, item=22, pattern=ITEM_ID)]
    start_date: Annotated[Day, _field("Assessment started", item=23)] = None
    authorisation_date: Annotated[Day, _field("Assessment authorised", item=24)] = None
    factors: Annotated[
        Factors, _field("Factors found at the end of the assessment", codes="assessment_factor", item=25)
    ] = None
    purge: Annotated[Flag, _field("Erase this assessment", _T)] = None


class NeedPlan(_Sent, frozen=True, kw_only=True):
    """A child in need plan."""

    child_in_need_plan_id: Annotated[str, _field("Child in need plan id", _T, item=26, pattern=ITEM_ID)]
    start_date: Annotated[Day, _field("Child in need plan started", item=27)] = None
    end_date: Annotated[Day, _field("Child in need plan ended", item=28)] = None
    purge: Annotated[Flag, _field("Erase this plan", _T)] = None


class Enquiry(_Sent, frozen=True, kw_only=True):
    """A section 47 enquiry (Children Act 1989), with the initial child protection conference that followed."""

    section_47_assessment_id: Annotated[str, _field("Section 47 enquiry id", _T, item=29, pattern=ITEM_ID)]
    start_date: Annotated[Day, _field("Section 47 enquiry started", item=30)] = None
    icpc_required_flag: Annotated[Flag, _field("Initial child protection conference required", item=31)] = None
    icpc_date: Annotated[Day, _field("Initial child protection conference", item=32)] = None
    end_date: Annotated[Day, _field("Section 47 enquiry ended", item=33)] = None
    purge: Annotated[Flag, _field("Erase this enquiry", _T)] = None


class ProtectionPlan(_Sent, frozen=True, kw_only=True):
    """A child protection plan."""

    child_protection_plan_id: Annotated[str, _field("Child protection plan id", _T, item=34, pattern=ITEM_ID)]
    start_date: Annotated[Day, _field("Child protection plan started", item=35)] = None
    end_date: Annotated[Day, _field("Child protection plan ended", item=36)] = None
    purge: Annotated[Flag, _field("Erase this plan", _T)] = None


class Placement(_Sent, frozen=True, kw_only=True):
    """A placement of a looked-after child."""

    child_looked_after_placement_id: Annotated[str, _field("Placement id", _T, item=37, pattern=ITEM_ID)]
    start_date: Annotated[Day, _field("Placement started", item=38)] = None
    start_reason: Annotated[Code, _field("Why it started", codes="cla_start_reason", item=39)] = None
    placement_type: Annotated[Code3, _field("Placement type", codes="placement_type", item=41)] = None
    postcode: Annotated[Postcode, _field("Placement postcode", _I, item=40)] = None
    end_date: Annotated[Day, _field("Placement ended", item=42)] = None
    end_reason: Annotated[Code3, _field("Why it ended", codes="cla_end_reason", item=43)] = None
    change_reason: Annotated[Code6, _field("Why the placement changed", codes="placement_change_reason", item=44)] = (
        None
    )
    purge: Annotated[Flag, _field("Erase this placement", _T)] = None


class Adoption(_Sent, frozen=True, kw_only=True):
    """Adoption milestones."""

    initial_decision_date: Annotated[Day, _field("Decision that the child should be placed for adoption", item=47)] = (
        None
    )
    matched_date: Annotated[Day, _field("Matched with adopters", item=48)] = None
    placed_date: Annotated[Day, _field("Placed for adoption", item=49)] = None
    purge: Annotated[Flag, _field("Erase the adoption section", _T)] = None


class CareLeaver(_Sent, frozen=True, kw_only=True):
    """The latest contact with a care leaver."""

    contact_date: Annotated[Day, _field("Latest contact", item=50)] = None
    activity: Annotated[Code2, _field("Main activity", codes="care_leaver_activity", item=51)] = None
    accommodation: Annotated[Code, _field("Accommodation", codes="care_leaver_accommodation", item=52)] = None
    purge: Annotated[Flag, _field("Erase the care leaver section", _T)] = None


class Episode(_Sent, frozen=True, kw_only=True):
    """A social care episode, from referral to closure."""

    social_care_episode_id: Annotated[str, _field("Episode id", _T, item=16, pattern=ITEM_ID)]
    referral_date: Annotated[Day, _field("Referral date", item=17)] = None
    referral_source: Annotated[Code2, _field("Referral source", codes="referral_source", item=18)] = None
    referral_no_further_action_flag: Annotated[Flag, _field("Referral led to no further action", item=21)] = None
    closure_date: Annotated[Day, _field("Closure date", item=19)] = None
    closure_reason: Annotated[Code3, _field("Closure reason", codes="closure_reason", item=20)] = None
    care_worker_details: Annotated[tuple[CareWorker, ...] | None, _field("Workers")] = None
    child_and_family_assessments: Annotated[tuple[Assessment, ...] | None, _field("Assessments")] = None
    child_in_need_plans: Annotated[tuple[NeedPlan, ...] | None, _field("Child in need plans")] = None
    section_47_assessments: Annotated[tuple[Enquiry, ...] | None, _field("Section 47 enquiries")] = None
    child_protection_plans: Annotated[tuple[ProtectionPlan, ...] | None, _field("Child protection plans")] = None
    child_looked_after_placements: Annotated[tuple[Placement, ...] | None, _field("Placements")] = None
    adoption: Annotated[Adoption | None, _field("Adoption")] = None
    care_leavers: Annotated[CareLeaver | None, _field("Care leaver")] = None
    purge: Annotated[Flag, _field("Erase this episode and everything in it", _T)] = None


class Child(_Sent, frozen=True, kw_only=True):
    """Everything sent about one child, or everything held once it is merged."""

    la_child_id: Annotated[str, _field("The authority's own id of the child", _I, item=2, pattern=CHILD_ID)]
    mis_child_id: Annotated[SecondId, _field("Second id, of the case system's supplier", _I)] = None
    child_details: Annotated[Details | None, _field("Personal details")] = None
    health_and_wellbeing: Annotated[Wellbeing | None, _field("Health and wellbeing")] = None
    social_care_episodes: Annotated[tuple[Episode, ...] | None, _field("Social care episodes")] = None
    purge: Annotated[Flag, _field("Erase everything held of this child", _T)] = None


Thing = (
    Child
    | Details
    | Wellbeing
    | SdqAssessment
    | Episode
    | CareWorker
    | Assessment
    | NeedPlan
    | Enquiry
    | ProtectionPlan
    | Placement
    | Adoption
    | CareLeaver
)
"""Anything of a child that a rule can look at."""

KEYS: dict[str, str] = {
    "social_care_episodes": "social_care_episode_id",
    "child_and_family_assessments": "child_and_family_assessment_id",
    "child_in_need_plans": "child_in_need_plan_id",
    "section_47_assessments": "section_47_assessment_id",
    "child_protection_plans": "child_protection_plan_id",
    "child_looked_after_placements": "child_looked_after_placement_id",
}
"""The field by which the items of a list are told apart."""


class Declared(msgspec.Struct, frozen=True):
    """A field as it is declared: its title, how private it is, its code set, and its number in the published list."""

    name: str
    title: str
    sensitivity: Sensitivity
    codes: str
    item: int


@cache
def declared(kind: type) -> dict[str, Declared]:
    """The fields of one of the types above, in order."""
    found = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        meta = next(each for each in get_args(hint)[1:] if isinstance(each, msgspec.Meta))
        extra = meta.extra or {}
        found[name] = Declared(name, str(meta.title), extra["sensitivity"], extra["codes"], extra["item"])
    return found


class Way(StrEnum):
    """How a council's records get here: the three routes that the collection compares."""

    OWN = "own build"
    SSD = "standard safeguarding dataset"
    SUPPLIER = "supplier"


ATTENDANCE = "attendance"
"""The only section of a feed that brings a school's attendance register; such a feed bears the school's URN."""


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """What one authority sends: whose records they become, and what the agreement lets it send.

    ``feed`` is the authority's three-digit number, with ``-sandbox`` behind it for trying out; ``owner`` is the
    organisation whose rows the records become. Nothing is taken before the agreement is in force. ``months`` is the
    length of the history window, from the 1 April that precedes so many months ago; ``categories`` are the sections
    that may be sent. ``long_ids`` lets a council whose system is older than specification 1.0.1 (19 May 2026) go on
    sending its own ids of children with up to 36 characters, _ and - among them.
    """

    feed: str
    authority: str  # three-digit number, or the URN of a school
    owner: str
    agreement: str
    categories: tuple[str, ...] = ()
    months: int = 24
    long_ids: bool = False
    opened_at: datetime
    closed_at: datetime | None = None

    @property
    def sandbox(self) -> bool:
        """Whether it is one for trying out: identical, and nothing in it counts."""
        return self.feed.endswith("-sandbox")

    @property
    def attendance(self) -> bool:
        """Whether it brings a school's attendance register instead of a council's children."""
        return self.categories == (ATTENDANCE,)


class Fault(msgspec.Struct, frozen=True, order=True):
    """Why a record cannot be taken: its position in what was sent (-1: the whole), where in it, which rule, in words.

    ``place`` is a JSON pointer below the record (RFC 6901) without any value; ``words`` say what to do.
    """

    position: int
    place: str
    rule: str
    words: str


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a submission: a receipt for each record that is kept, in the order sent (empty: not taken).

    ``again`` says that the same idempotency key came before: the receipts are those given then.
    """

    submission: str
    receipts: tuple[str, ...]
    faults: tuple[Fault, ...] = ()
    unchanged: int = 0
    flags: tuple[
        Fault, ...
    ] = ()  # taken, but somebody should know: beyond the agreed window, sent twice in one request
    again: bool = False
