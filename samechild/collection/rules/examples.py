"""Builders for the examples that rules carry: an example states only what it is about, and the usual stands around it.

The usual child is eleven, has one open episode that began a week ago, and breaks no rule. Days are written as ISO text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any, TypeVar

import msgspec

from samechild.collection.records import (
    Adoption,
    Assessment,
    CareLeaver,
    CareWorker,
    Child,
    Details,
    Enquiry,
    Episode,
    NeedPlan,
    Placement,
    ProtectionPlan,
    SdqAssessment,
    Wellbeing,
)
from samechild.collection.rules.days import window_start
from samechild.collection.rules.parts import dated, parts
from samechild.collection.rules.rule import At, Day, Example

TODAY = "2026-06-10"
"""The day on which the examples are looked at, a Wednesday; the history window begins on 1 April 2024."""

T = TypeVar("T", bound=msgspec.Struct)

_USUAL_DETAILS: dict[str, Any] = {
    "unique_pupil_number": "X000123418007",
    "first_name": "Robin",
    "surname": "Ashdown",
    "date_of_birth": "2015-05-20",
    "sex": "F",
    "ethnicity": "WBRI",
    "disabilities": ("NONE",),
    "postcode": "LS1 4AP",
}


def _made(kind: type[T], fields: dict[str, Any]) -> T:
    days = dated(kind)
    return kind(
        **{
            name: date.fromisoformat(value) if name in days and isinstance(value, str) else value
            for name, value in fields.items()
        }
    )


def _id(letter: str, *given: str | None) -> str:
    """An id that differs where the days differ."""
    return letter + "-".join(each.replace("-", "") for each in given if each)


def details(**fields: Any) -> Details:
    """The usual personal details, with these fields instead; None takes one away."""
    return _made(Details, {**_USUAL_DETAILS, **fields})


def a_child(*episodes: Episode, sdq: Sequence[SdqAssessment] = (), **fields: Any) -> Child:
    """The usual child with these episodes (none given: the usual one) and these personal details."""
    return Child(
        la_child_id="C1",
        child_details=details(**fields),
        health_and_wellbeing=Wellbeing(sdq_assessments=tuple(sdq)) if sdq else None,
        social_care_episodes=episodes or (an_episode(),),
    )


def an_episode(
    referral_date: str | None = "2026-06-03",
    closure_date: str | None = None,
    closure_reason: str | None = None,
    **fields: Any,
) -> Episode:
    """The usual episode, open, with these fields instead.

    ``plans``, ``need_plans``, ``enquiries``, ``assessments``, ``placements``, ``workers`` and ``leaver`` are short for
    the names of the specification.
    """
    given = {_SHORT.get(name, name): tuple(held) if isinstance(held, list) else held for name, held in fields.items()}
    usual = {
        "social_care_episode_id": _id("E", referral_date, closure_date),
        "referral_date": referral_date,
        "referral_source": "1A",
        "referral_no_further_action_flag": False,
        "closure_date": closure_date,
        "closure_reason": closure_reason,
    }
    return _made(Episode, {**usual, **given})


_SHORT = {
    "plans": "child_protection_plans",
    "need_plans": "child_in_need_plans",
    "enquiries": "section_47_assessments",
    "assessments": "child_and_family_assessments",
    "placements": "child_looked_after_placements",
    "workers": "care_worker_details",
    "leaver": "care_leavers",
}


def assessment(
    start: str | None, authorised: str | None = None, factors: Sequence[str] | None = None, **fields: Any
) -> Assessment:
    """A child and family assessment."""
    usual = {
        "child_and_family_assessment_id": _id("A", start, authorised),
        "start_date": start,
        "authorisation_date": authorised,
        "factors": None if factors is None else tuple(factors),
    }
    return _made(Assessment, {**usual, **fields})


def need_plan(start: str | None, end: str | None = None, **fields: Any) -> NeedPlan:
    """A child in need plan."""
    usual = {"child_in_need_plan_id": _id("N", start, end), "start_date": start, "end_date": end}
    return _made(NeedPlan, {**usual, **fields})


def enquiry(
    start: str | None, icpc: str | None = None, end: str | None = None, required: bool | None = None, **fields: Any
) -> Enquiry:
    """A section 47 enquiry; ``icpc`` is the day of the initial child protection conference."""
    usual = {
        "section_47_assessment_id": _id("Q", start, icpc, end),
        "start_date": start,
        "icpc_required_flag": required,
        "icpc_date": icpc,
        "end_date": end,
    }
    return _made(Enquiry, {**usual, **fields})


def plan(start: str | None, end: str | None = None, **fields: Any) -> ProtectionPlan:
    """A child protection plan."""
    usual = {"child_protection_plan_id": _id("P", start, end), "start_date": start, "end_date": end}
    return _made(ProtectionPlan, {**usual, **fields})


def placement(
    start: str | None,
    end: str | None = None,
    end_reason: str | None = None,
    start_reason: str | None = "S",
    **fields: Any,
) -> Placement:
    """A placement with a foster carer."""
    usual = {
        "child_looked_after_placement_id": _id("L", start, end),
        "start_date": start,
        "start_reason": start_reason,
        "placement_type": "U6",
        "postcode": "LS6 2TX",
        "end_date": end,
        "end_reason": end_reason,
    }
    return _made(Placement, {**usual, **fields})


def adoption(decision: str | None = None, matched: str | None = None, placed: str | None = None) -> Adoption:
    """Adoption milestones."""
    return _made(Adoption, {"initial_decision_date": decision, "matched_date": matched, "placed_date": placed})


def leaver(
    contact: str | None = "2026-05-04", activity: str | None = "F2", accommodation: str | None = "U"
) -> CareLeaver:
    """The latest contact with a care leaver."""
    return _made(CareLeaver, {"contact_date": contact, "activity": activity, "accommodation": accommodation})


def sdq(day: str | None, score: int | None = 12) -> SdqAssessment:
    """One result of a strengths and difficulties questionnaire."""
    return _made(SdqAssessment, {"date": day, "score": score})


def worker(worker_id: str | None, start: str | None = None, end: str | None = None) -> CareWorker:
    """One allocation of a worker."""
    return _made(CareWorker, {"worker_id": worker_id, "start_date": start, "end_date": end})


_PLACES: dict[type, str] = {
    Assessment: "child_and_family_assessments",
    NeedPlan: "child_in_need_plans",
    Enquiry: "section_47_assessments",
    ProtectionPlan: "child_protection_plans",
    Placement: "child_looked_after_placements",
    CareWorker: "care_worker_details",
}


def look(
    thing: Any,
    *,
    today: str = TODAY,
    before: Child | None = None,
    shared: Iterable[str] = (),
    miles: Callable[[str, str], float | None] | None = None,
    exists: Callable[[str], bool | None] | None = None,
    child: Child | None = None,
    episode: Episode | None = None,
    **around: Any,
) -> Example:
    """An example: a thing, and what stands around it where that matters.

    ``around`` holds fields of the episode or of the personal details that the thing stands in. A ``child`` or
    ``episode`` given whole is taken as it is.
    """
    in_details = {name: value for name, value in around.items() if name in Details.__struct_fields__}
    in_episode = {name: value for name, value in around.items() if name not in in_details}
    if isinstance(thing, Day):
        return Example(thing=thing)
    if isinstance(thing, Child):
        child = thing
    elif isinstance(thing, Episode):
        episode = thing
    elif episode is None and (type(thing) in _PLACES or isinstance(thing, Adoption | CareLeaver)):
        episode = _episode_with(thing, in_episode)
    elif episode is None and in_episode:
        episode = an_episode(**in_episode)
    if child is None:
        child = _child_with(thing, episode, in_details)
    day = date.fromisoformat(today)
    at = At(
        child=child,
        today=day,
        window=window_start(day),
        episode=episode,
        before=before,
        shared=frozenset(shared),
        miles=miles or (lambda one, other: None),
        exists=exists or (lambda value: None),
    )
    return Example(thing=thing, at=at)


def _episode_with(thing: Any, fields: dict[str, Any]) -> Episode:
    """The usual episode with a thing in it, begun before the thing began."""
    if isinstance(thing, Adoption):
        return an_episode(**{"referral_date": "2020-01-06", "adoption": thing, **fields})
    if isinstance(thing, CareLeaver):
        return an_episode(**{"referral_date": "2020-01-06", "care_leavers": thing, **fields})
    name = _PLACES[type(thing)]
    others = next((tuple(fields[key]) for key in (name, *_short_for(name)) if fields.get(key)), ())
    kept = {key: value for key, value in fields.items() if _SHORT.get(key, key) != name}
    start = getattr(thing, "start_date", None)
    referred = str(start) if start else "2026-06-03"
    held = others if any(each is thing for each in others) else (thing, *others)
    return an_episode(**{"referral_date": referred, name: held, **kept})


def _short_for(name: str) -> list[str]:
    return [short for short, long in _SHORT.items() if long == name]


def _child_with(thing: Any, episode: Episode | None, fields: dict[str, Any]) -> Child:
    if isinstance(thing, Details):
        return Child(la_child_id="C1", child_details=thing, social_care_episodes=(episode or an_episode(),))
    results = (thing,) if isinstance(thing, SdqAssessment) else ()
    made = a_child(*((episode,) if episode else ()), sdq=results, **fields)
    if isinstance(thing, Wellbeing):
        return Child(
            la_child_id="C1",
            child_details=made.child_details,
            health_and_wellbeing=thing,
            social_care_episodes=made.social_care_episodes,
        )
    return made


def placed(example: Example) -> Example:
    """An example with its surroundings: those given, or the usual ones."""
    return example if example.at is not None or isinstance(example.thing, Day) else look(example.thing)


def stands_in(example: Example) -> bool:
    """Whether the thing of an example is really a part of its child (a test asks)."""
    if example.at is None:
        return isinstance(example.thing, Day)
    return any(thing is example.thing for thing, _ in parts(example.at.child))
