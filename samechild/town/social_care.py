"""A council's daily children's social care data, made up: what a case system would send on any day, and the day after.

For tests, demonstrations and benchmarks. The records have the shape of the daily submission (the specification of the
Department for Education, version 1.0.1) and hold together as the rules of the statutory returns ask; faults are put
in by name (:mod:`samechild.town.case_errors`), so that everybody knows which rule should find them. Every child is
made up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

import msgspec

from samechild.town.case_errors import slip_of, slipped
from samechild.town.case_lives import Life, birthday, life_of
from samechild.town.case_people import Person, made_people
from samechild.town.draw import Draw

NEW_EACH_YEAR = 0.2
"""Children who were never known before, in a year, for each child whom the council sends."""

_LISTS = {
    "care_worker_details": ("start_date",),
    "child_and_family_assessments": ("start_date",),
    "child_in_need_plans": ("start_date",),
    "section_47_assessments": ("start_date",),
    "child_protection_plans": ("start_date",),
    "child_looked_after_placements": ("start_date",),
}
_COMES_WITH = {
    "factors": "authorisation_date",
    "icpc_required_flag": "end_date",
    "end_reason": "end_date",
    "change_reason": "end_date",
    "closure_reason": "closure_date",
}
"""What is written down on the day of another thing."""


def children(count: int, seed: int, today: date, *, mistakes: float = 0.0) -> Iterator[dict[str, Any]]:
    """So many children as one council sends them on ``today``, each a record of the daily submission with ISO days.

    The same arguments give the same children on any machine, and fewer children are the first of more. Another seed
    is another council. Memory stays the same however many are asked for. Nothing in a record breaks a rule but for
    information, unless ``mistakes`` asks that for this share of children a mistake is made at some time
    (:data:`samechild.town.case_errors.MISTAKES`); about half of those stand on one day.
    """
    return on_day(lives(made_people(count, seed, today), seed, today, mistakes=mistakes), today)


def on_day(known: Iterable[Life], day: date) -> Iterator[dict[str, Any]]:
    """Those of these lives whom the council sends on a day, as it sends them; for a town's children see ``people_of``.

    ``on_day(lives(people_of(town, "alder_social_care", day), seed, day), day)`` are the children of a town.
    """
    return (shown for life in known if (shown := sent(life, day)) is not None)


def lives(people: Iterable[Person], seed: int, today: date, *, mistakes: float = 0.0) -> Iterator[Life]:
    """What social care did and will do for each of these people, all of them known by ``today``."""
    for person in people:
        yield _with_slip(life_of(person, seed, today), seed, mistakes)


def _with_slip(life: Life, seed: int, mistakes: float) -> Life:
    if not mistakes:
        return life
    begun = life.episodes[0]["referral_date"]
    slip = slip_of(life.person.number, seed, mistakes, begun, lambda day: as_at(life, day))
    return msgspec.structs.replace(life, slip=slip)


def days_of(
    count: int, seed: int, today: date, days: int, *, partial: bool = False, mistakes: float = 0.0
) -> Iterator[tuple[date, list[dict[str, Any]]]]:
    """The days after ``today``: each with the children of whom something is new, as they stand then.

    They follow on :func:`children` of the same arguments; now and then a child is referred who was never known.
    ``partial`` gives only what is new of a child, as :func:`delta` writes it. One or two in a hundred children are new
    or changed on a working day.
    """
    known = list(lives(made_people(count, seed, today), seed, today, mistakes=mistakes))
    known += newcomers(count, seed, today, days, mistakes=mistakes)
    yield from following(known, today, days, partial=partial)


def following(
    known: Iterable[Life], today: date, days: int, *, partial: bool = False
) -> Iterator[tuple[date, list[dict[str, Any]]]]:
    """The days after ``today`` of these lives: each with the children of whom something is new."""
    due: dict[date, list[Life]] = {}
    last = today + timedelta(days=days)
    for life in known:
        for day in _days_in(life):
            if today < day <= last:
                due.setdefault(day, []).append(life)
    for number in range(1, days + 1):
        day = today + timedelta(days=number)
        changed = []
        for life in due.get(day, ()):
            before, after = sent(life, day - timedelta(days=1)), sent(life, day)
            if after is not None and after != before:
                changed.append(delta(before, after) if partial and before else after)
        yield day, changed


def sent(life: Life, day: date) -> dict[str, Any] | None:
    """One child as the council sends it on a day, with the mistake that stands in its record then."""
    shown = as_at(life, day)
    return shown and slipped(shown, life.slip, day)


def newcomers(count: int, seed: int, today: date, days: int, *, mistakes: float = 0.0) -> list[Life]:
    """Children first referred in the days after ``today`` to a council of so many."""
    wanted = round(count * NEW_EACH_YEAR * days / 365)
    found = []
    for person in made_people(wanted + count, seed, today) if wanted else ():
        if person.number < count:
            continue
        draw = Draw(seed, person.number, "arrives")
        day = today + timedelta(days=draw.between(1, days))
        day -= timedelta(days=max(0, day.weekday() - 4))
        young = person.born - timedelta(days=90) <= day <= birthday(person.born, 17)
        if young and day > today:
            found.append(_with_slip(life_of(person, seed, today, arrives=day), seed, mistakes))
    return found


def as_at(life: Life, today: date) -> dict[str, Any] | None:
    """One child as the council knows it on a day: what had happened by then. None before the first referral."""
    if life.episodes[0]["referral_date"] > today:
        return None
    episodes = [_cut(each, today) for each in life.episodes if each["referral_date"] <= today]
    adoption = {name: day.isoformat() for name, day in life.adoption.items() if day <= today}
    contact = next((each for each in reversed(life.contacts) if each[0] <= today), None)
    for episode in episodes:  # the latest of each child stands in every episode, as extracts have it
        if adoption:
            episode["adoption"] = adoption
        if contact:
            day, activity, lodging = contact
            episode["care_leavers"] = {
                "contact_date": day.isoformat(),
                "activity": activity,
                "accommodation": lodging,
            }
    shown: dict[str, Any] = {
        "la_child_id": life.person.la_child_id,
        "mis_child_id": f"M{life.person.number:07d}",
        "child_details": _details(life, today),
    }
    sdq = [{"date": day.isoformat(), "score": score} for day, score in life.sdq if day <= today]
    if sdq:
        shown["health_and_wellbeing"] = {"sdq_assessments": sdq}
    shown["social_care_episodes"] = episodes
    return shown


def _details(life: Life, today: date) -> dict[str, Any]:
    person = life.person
    if person.born > today:
        return {
            "unique_pupil_number_unknown_reason": "UN1",
            "surname": person.surname,
            "expected_date_of_birth": (person.born + timedelta(days=person.number % 11 - 5)).isoformat(),
            "sex": "U",
            "disabilities": ["NONE"],
            "postcode": person.postcode,
        }
    autumn = date(today.year - (today.month < 9), 8, 31)
    at_school = birthday(person.born, 4) <= autumn
    found: dict[str, Any] = {}
    if life.uasc:
        found["unique_pupil_number_unknown_reason"] = "UN2"
    elif at_school and person.upn:
        found["unique_pupil_number"] = person.upn
    elif not at_school:
        found["unique_pupil_number_unknown_reason"] = "UN1"
    elif person.no_upn:
        found["unique_pupil_number_unknown_reason"] = person.no_upn
    moved = life.moved is not None and life.moved <= today and person.next_postcode
    found |= {
        "first_name": person.first_name,
        "surname": person.surname,
        "date_of_birth": person.born.isoformat(),
        "sex": "M" if person.male else "F",
        "ethnicity": person.ethnicity,
        "disabilities": list(life.disabilities),
        "postcode": person.next_postcode if moved else person.postcode,
    }
    if life.uasc:
        found["uasc_flag"] = True
        if birthday(person.born, 18) <= today:
            found["uasc_end_date"] = birthday(person.born, 18).isoformat()
    return {name: value for name, value in found.items() if value is not None}


def _cut(thing: dict[str, Any], today: date) -> dict[str, Any]:
    """A thing with what had happened by a day, its dates as ISO text."""
    shown: dict[str, Any] = {}
    for name, value in thing.items():
        if name in _LISTS:
            listed = [_cut(each, today) for each in value if each["start_date"] <= today]
            if listed:
                shown[name] = listed
        elif isinstance(value, date):
            if value <= today:
                shown[name] = value.isoformat()
        elif name not in _COMES_WITH or thing.get(_COMES_WITH[name], date.max) <= today:
            shown[name] = list(value) if isinstance(value, list) else value
    return shown


def _days_in(life: Life) -> set[date]:
    """Every day on which something may be new about a child."""
    person = life.person
    found = {person.born, birthday(person.born, 18), *life.adoption.values(), *(day for day, _ in life.sdq)}
    found |= {day for day, _, _ in life.contacts}
    fourth = birthday(person.born, 4)
    found.add(date(fourth.year + ((fourth.month, fourth.day) > (8, 31)), 9, 1))
    if life.moved:
        found.add(life.moved)
    if life.slip:
        found |= {life.slip.since, life.slip.until or life.slip.since}
    waiting: list[Any] = list(life.episodes)
    while waiting:
        for value in waiting.pop().values():
            if isinstance(value, date):
                found.add(value)
            elif isinstance(value, list):
                waiting.extend(each for each in value if isinstance(each, dict))
    return found


def delta(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What is new of a child, as the sector's client for deltas writes it.

    Personal details go whole; of every other section what changed. A list that changed names all its items, those
    without change by their id alone; results of questionnaires and workers go whole.
    """
    found = {"la_child_id": after["la_child_id"]}
    found |= {name: after[name] for name in ("mis_child_id", "child_details") if name in after}
    found |= _changed({name: value for name, value in before.items() if name not in found},
                      {name: value for name, value in after.items() if name not in found})  # fmt: skip
    return found


def _changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in after.items():
        old = before.get(name)
        if value == old:
            continue
        if isinstance(value, dict) and isinstance(old, dict):
            found[name] = _changed(old, value)
        elif isinstance(value, list) and isinstance(old, list) and _key(value):
            key = _key(value)
            earlier = {each[key]: each for each in old}
            found[name] = [
                {key: each[key], **_changed(earlier[each[key]], each)} if each[key] in earlier else each
                for each in value
            ]
        else:
            found[name] = value
    return found


def _key(items: list[Any]) -> str:
    """The name of the id by which the items of a list are told apart, or nothing."""
    first = items[0] if items and isinstance(items[0], dict) else {}
    return next((name for name in first if name.endswith("_id") and name != "worker_id"), "")
