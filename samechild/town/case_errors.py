"""Mistakes that councils' records really hold, by name, each with the rule that should find it.

A demonstration in which nothing is wrong shows nothing, and a rule is only known to work when somebody has made the
mistake it is for. Mistakes are made after the fact in a record that was right: so it is known which rule each sets
off. A child keeps its mistake from day to day until somebody mends it at source, as in life.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import msgspec

from samechild.town.case_shares import NEVER_MENDED
from samechild.town.draw import Draw

Thing = dict[str, Any]
Change = Callable[[Thing, Thing], bool]
"""Spoils a thing, given the episode (or the child) it stands in; False when this one cannot be spoilt so."""


class Mistake(msgspec.Struct, frozen=True):
    """A mistake: what it is in words, the code of the rule that finds it, where it is made, and how."""

    name: str
    rule: str
    where: str  # a list or a section of an episode, "episode", "child_details", "sdq_assessments"
    change: Change


def _gone(*fields: str) -> Change:
    """A value that is not there."""

    def change(thing: Thing, around: Thing) -> bool:
        found = all(name in thing for name in fields)
        for name in fields if found else ():
            del thing[name]
        return found

    return change


def _is(field: str, value: Any, *, needs: str = "") -> Change:
    """A value that cannot be."""

    def change(thing: Thing, around: Thing) -> bool:
        if thing.get(field) == value or (needs and needs not in thing):
            return False
        thing[field] = value
        return True

    return change


def _apart(field: str, other: str, days: int) -> Change:
    """A day so many days from another one of the thing, or of the episode (``episode.FIELD``)."""

    def change(thing: Thing, around: Thing) -> bool:
        known = around.get(other.partition(".")[2]) if other.startswith("episode.") else thing.get(other)
        if known is None or field not in thing:
            return False
        thing[field] = (date.fromisoformat(known) + timedelta(days=days)).isoformat()
        return True

    return change


def _all(*changes: Change) -> Change:
    """Several changes at once; all are possible, or none is made."""

    def change(thing: Thing, around: Thing) -> bool:
        kept = deepcopy(thing)
        if all(each(thing, around) for each in changes):
            return True
        thing.clear()
        thing.update(kept)
        return False

    return change


def _copied(field: str) -> Change:
    """The first item of a list is there twice, under another id and without an end."""

    def change(thing: Thing, around: Thing) -> bool:
        held = thing.get(field)
        if not held or "closure_date" in thing:
            return False
        again = {name: value for name, value in held[-1].items() if not name.startswith("end_")}
        key = next(name for name in again if name.endswith("_id"))
        again[key] += "c"
        held[-1].pop("end_date", None)
        held.append(again)
        return True

    return change


def _wrong_letter(thing: Thing, around: Thing) -> bool:
    held = thing.get("unique_pupil_number")
    if held:
        thing["unique_pupil_number"] = ("B" if held[0] == "A" else "A") + held[1:]
    return bool(held)


def _nfa_with_work(thing: Thing, around: Thing) -> bool:
    worked = "child_and_family_assessments" in thing and thing.get("referral_no_further_action_flag") is False
    if worked:
        thing["referral_no_further_action_flag"] = True
    return worked


def _closed_too_early(thing: Thing, around: Thing) -> bool:
    assessed = thing.get("closure_reason") == "RC7" and "section_47_assessments" in thing
    if assessed:
        thing["closure_reason"] = "RC8"
    return assessed


def _plan_left_open(thing: Thing, around: Thing) -> bool:
    plans = thing.get("child_in_need_plans")
    if not plans or "closure_date" not in thing or "end_date" not in plans[-1]:
        return False
    del plans[-1]["end_date"]
    return True


def _on_saturday(thing: Thing, around: Thing) -> bool:
    if "icpc_date" not in thing:
        return False
    day = date.fromisoformat(thing["icpc_date"])
    thing["icpc_date"] = (day - timedelta(days=(day.weekday() - 5) % 7)).isoformat()
    return bool(thing["icpc_date"] >= thing["start_date"])


def _gap(thing: Thing, around: Thing) -> bool:
    """Between a placement that moved on and the next one a day is missing."""
    held = thing.get("child_looked_after_placements", [])
    for each in held[:-1]:
        day = date.fromisoformat(each["end_date"]) - timedelta(days=1)
        if each.get("end_reason") == "X1" and day.isoformat() > each["start_date"]:
            each["end_date"] = day.isoformat()
            return True
    return False


def _overlap(thing: Thing, around: Thing) -> bool:
    """A placement ends days after the next one began."""
    for each, following in _pairs(thing):
        if following.get("end_date", "9") > each["end_date"]:
            day = date.fromisoformat(each["end_date"]) + timedelta(days=2)
            each["end_date"] = min(day.isoformat(), following.get("end_date", "9"))
            return True
    return False


def _no_reason(thing: Thing, around: Thing) -> bool:
    for each, following in _pairs(thing):
        told = "T" in (each["placement_type"][0], following["placement_type"][0]) or "change_reason" in following
        if following["start_reason"] in ("P", "T", "B") and not told and each.pop("change_reason", None):
            return True
    return False


def _pairs(episode: Thing) -> Iterator[tuple[Thing, Thing]]:
    held = episode.get("child_looked_after_placements", [])
    yield from ((one, two) for one, two in pairwise(held) if one.get("end_reason") == "X1")


def _workers_overlap(thing: Thing, around: Thing) -> bool:
    held = thing.get("care_worker_details", [])
    for each in held[:-1]:
        each.pop("end_date", None)
        return True
    return False


def _retired(thing: Thing, around: Thing) -> bool:
    recent = bool(thing["start_date"] >= "2025-04-01") and thing["placement_type"] not in ("P1", "Z1")
    if recent:
        thing["placement_type"] = "Z1"
    return recent


def _at_home(thing: Thing, around: Thing) -> bool:
    home = around.get("home")
    wrong = bool(home) and thing["placement_type"] != "P1" and thing.get("postcode") != home
    if wrong:
        thing["postcode"] = home
    return wrong


MISTAKES: tuple[Mistake, ...] = (
    Mistake("Sex missing", "CHD-06", "child_details", _gone("sex")),
    Mistake("Sex not known", "CHD-08", "child_details", _is("sex", "U", needs="date_of_birth")),
    Mistake("Ethnicity missing", "CHD-09", "child_details", _gone("ethnicity")),
    Mistake("Disability none and learning", "CHD-12", "child_details", _is("disabilities", ["NONE", "LD"])),
    Mistake("Wrong letter in the UPN", "CHD-13", "child_details", _wrong_letter),
    Mistake("UPN and why there is none", "CHD-20", "child_details",
            _is("unique_pupil_number_unknown_reason", "UN3", needs="unique_pupil_number")),
    Mistake("Reason for no UPN not on the list", "CHD-21", "child_details",
            _all(_gone("unique_pupil_number"), _is("unique_pupil_number_unknown_reason", "UN0"))),
    Mistake("Half a home postcode", "CHD-25", "child_details", _is("postcode", "JA1", needs="postcode")),
    Mistake("Unaccompanied status ended, never begun", "CHD-27", "child_details",
            _all(_is("uasc_flag", False, needs="date_of_birth"), _is("uasc_end_date", "2026-01-05"))),
    Mistake("First name missing", "CHD-31", "child_details", _gone("first_name")),
    Mistake("Placeholder for a name", "CHD-32", "child_details", _is("surname", "SSD_PH", needs="first_name")),
    Mistake("Referral source not on the list", "EPI-03", "episode", _is("referral_source", "BB")),
    Mistake("No further action flag missing", "EPI-04", "episode", _gone("referral_no_further_action_flag")),
    Mistake("Closed before referral", "EPI-05", "episode", _apart("closure_date", "referral_date", -3)),
    Mistake("Closure without a reason", "EPI-06", "episode", _gone("closure_reason")),
    Mistake("Closure reason not on the list", "EPI-08", "episode", _is("closure_reason", "RC0", needs="closure_date")),
    Mistake("No further action, yet assessed", "EPI-12", "episode", _nfa_with_work),
    Mistake("Closed after assessment, yet an enquiry", "EPI-13", "episode", _closed_too_early),
    Mistake("Plan left open at closure", "EPI-18", "episode", _plan_left_open),
    Mistake("Assessment before referral", "ASM-02", "child_and_family_assessments",
            _apart("start_date", "episode.referral_date", -2)),
    Mistake("Assessment authorised before its start", "ASM-03", "child_and_family_assessments",
            _apart("authorisation_date", "start_date", -1)),
    Mistake("Completed assessment without factors", "ASM-06", "child_and_family_assessments",
            _is("factors", [], needs="factors")),
    Mistake("Factor not on the list", "ASM-08", "child_and_family_assessments",
            _is("factors", ["99"], needs="factors")),
    Mistake("No factors, and one", "ASM-09", "child_and_family_assessments",
            _is("factors", ["16A", "21"], needs="factors")),
    Mistake("Old code of abuse", "ASM-11", "child_and_family_assessments", _is("factors", ["18A"], needs="factors")),
    Mistake("Plan of need before referral", "CNP-02", "child_in_need_plans",
            _apart("start_date", "episode.referral_date", -5)),
    Mistake("Plan of need ends before its start", "CNP-03", "child_in_need_plans",
            _apart("end_date", "start_date", -4)),
    Mistake("Conference at a weekend", "S47-04", "section_47_assessments", _on_saturday),
    Mistake("Conference held although not required", "S47-05", "section_47_assessments",
            _is("icpc_required_flag", False, needs="icpc_date")),
    Mistake("Enquiry ends before its start", "S47-07", "section_47_assessments", _apart("end_date", "start_date", -1)),
    Mistake("Protection plan without a start", "CPP-01", "child_protection_plans", _gone("start_date")),
    Mistake("Protection plan ends before its start", "CPP-03", "child_protection_plans",
            _apart("end_date", "start_date", -7)),
    Mistake("Protection plan of one day", "CPP-04", "child_protection_plans", _apart("end_date", "start_date", 0)),
    Mistake("Protection plan open twice", "CPP-05", "episode", _copied("child_protection_plans")),
    Mistake("Protection plan not from the conference", "CPP-07", "child_protection_plans",
            _apart("start_date", "start_date", 3)),
    Mistake("Placement without a start", "CLA-01", "child_looked_after_placements", _gone("start_date")),
    Mistake("Placement ends before its start", "CLA-03", "child_looked_after_placements",
            _apart("end_date", "start_date", -1)),
    Mistake("Placement ended without a reason", "CLA-04", "child_looked_after_placements", _gone("end_reason")),
    Mistake("Start reason not on the list", "CLA-05", "child_looked_after_placements", _is("start_reason", "X")),
    Mistake("Placement type missing", "CLA-06", "child_looked_after_placements", _gone("placement_type")),
    Mistake("End reason not on the list", "CLA-07", "child_looked_after_placements",
            _is("end_reason", "E4", needs="end_date")),
    Mistake("Placements overlap", "CLA-09", "episode", _overlap),
    Mistake("Placement open twice", "CLA-10", "episode", _copied("child_looked_after_placements")),
    Mistake("A day between placements", "CLA-13", "episode", _gap),
    Mistake("Moved, and nobody says why", "CLA-17", "episode", _no_reason),
    Mistake("Adopted from foster care", "CLA-25", "child_looked_after_placements",
            _all(_is("end_reason", "E11", needs="end_date"), _is("placement_type", "U6"))),
    Mistake("Placement without a postcode", "CLA-32", "child_looked_after_placements", _gone("postcode")),
    Mistake("Placed at the home postcode", "CLA-33", "child_looked_after_placements", _at_home),
    Mistake("Retired placement code", "CLA-36", "child_looked_after_placements", _retired),
    Mistake("Matched before the decision", "ADO-01", "adoption", _apart("matched_date", "initial_decision_date", -9)),
    Mistake("Placed before the match", "ADO-02", "adoption", _apart("placed_date", "matched_date", -9)),
    Mistake("Care leaver without activity", "CLV-01", "care_leavers", _gone("activity")),
    Mistake("Activity not on the list", "CLV-02", "care_leavers", _is("activity", "F9")),
    Mistake("Old contact with a care leaver", "CLV-10", "care_leavers", _apart("contact_date", "contact_date", -500)),
    Mistake("Questionnaire without a score", "SDQ-01", "sdq_assessments", _gone("score")),
    Mistake("Score above 40", "SDQ-01", "sdq_assessments", _is("score", 44)),
    Mistake("Questionnaire without a date", "SDQ-03", "sdq_assessments", _gone("date")),
    Mistake("Worker ends before the start", "WRK-01", "care_worker_details", _apart("end_date", "start_date", -1)),
    Mistake("Worker's id from the payroll", "WRK-02", "care_worker_details", _is("worker_id", "P0042")),
    Mistake("Worker without a start", "WRK-03", "care_worker_details", _gone("start_date")),
    Mistake("Two workers at once", "WRK-05", "episode", _workers_overlap),
)  # fmt: skip
"""All of them. A mistake may set off other rules beside its own."""

BY_NAME = {each.name: each for each in MISTAKES}


def put_in(child: dict[str, Any], name: str) -> dict[str, Any] | None:
    """A copy of a record with a mistake of :data:`MISTAKES` in it; None when this child has nothing to spoil so."""
    mistake = BY_NAME[name]
    spoilt = deepcopy(child)
    for thing, around in _things(spoilt, mistake.where):
        if mistake.change(thing, around):
            return spoilt
    return None


def _things(child: dict[str, Any], where: str) -> Iterator[tuple[Thing, Thing]]:
    """The things a mistake can be made in, each with its surroundings; the oldest first, so that it stays in place."""
    details = child["child_details"]
    if where == "child_details":
        yield details, child
    elif where == "sdq_assessments":
        yield from ((each, child) for each in child.get("health_and_wellbeing", {}).get("sdq_assessments", ()))
    for episode in child["social_care_episodes"]:
        around = {**episode, "home": details.get("postcode")}
        held = episode if where == "episode" else episode.get(where, [])
        for thing in held if isinstance(held, list) else [held]:
            yield thing, around


class Slip(msgspec.Struct, frozen=True):
    """The mistake that is made about one child: which, from which day, until which (None: nobody mends it)."""

    name: str
    since: date
    until: date | None

    def stands(self, day: date) -> bool:
        """Whether it stands in the record on a day."""
        return self.since <= day and (self.until is None or day < self.until)


def slip_of(number: int, seed: int, share: float, begun: date, shown: Callable[[date], Thing | None]) -> Slip | None:
    """Draw whether a mistake is made about a child first referred on ``begun``, which one, and how long it stays.

    ``shown`` gives the record as it is without a mistake on a day. The mistake is one that can be made on the day it
    is made.
    """
    draw = Draw(seed, number, "mistake")
    if not draw.happens(share):
        return None
    since = begun + timedelta(days=draw.mostly_short(0, 400))
    until = None if draw.happens(NEVER_MENDED) else since + timedelta(days=draw.mostly_short(2, 700))
    record = shown(since)
    for _ in range(20):
        name = draw.pick(MISTAKES).name
        if record is not None and put_in(record, name) is not None:
            return Slip(name, since, until)
    return None


def slipped(child: Thing, slip: Slip | None, day: date) -> Thing:
    """A record as it is sent on a day: with its mistake, from the day it was made until it is mended."""
    if slip is None or not slip.stands(day):
        return child
    return put_in(child, slip.name) or child
