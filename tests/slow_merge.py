"""What a council's submissions add up to, as slow and plain as can be: a table of places and values.

Written from the table at the top of ``samechild.collection.merge``, without anything of that module: every field is
named here. The tests hold the real one against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

DETAILS = (
    "unique_pupil_number former_unique_pupil_number unique_pupil_number_unknown_reason first_name surname "
    "date_of_birth expected_date_of_birth sex ethnicity disabilities postcode uasc_flag uasc_end_date"
)
EPISODE = "referral_date referral_source referral_no_further_action_flag closure_date closure_reason"
ITEMS = {
    "child_and_family_assessments": ("child_and_family_assessment_id", "start_date authorisation_date factors"),
    "child_in_need_plans": ("child_in_need_plan_id", "start_date end_date"),
    "section_47_assessments": ("section_47_assessment_id", "start_date icpc_required_flag icpc_date end_date"),
    "child_protection_plans": ("child_protection_plan_id", "start_date end_date"),
    "child_looked_after_placements": (
        "child_looked_after_placement_id",
        "start_date start_reason placement_type postcode end_date end_reason change_reason",
    ),
}
SECTIONS = {
    "adoption": "initial_decision_date matched_date placed_date",
    "care_leavers": "contact_date activity accommodation",
}
CODES = ("disabilities", "factors")


class Slow:
    """A child: the value at every place, and since when places are no longer sent."""

    def __init__(self) -> None:
        self.cells: dict[str, Any] = {}
        self.marks: dict[str, str] = {}

    def wipe(self, place: str) -> None:
        """Erase a place, everything below it and the marks on them."""
        for table in (self.cells, self.marks):
            for path in list(table):
                if path == place or path.startswith(place + "/"):
                    del table[path]

    def put(self, place: str, field: str, value: Any) -> None:
        """Write a value."""
        self.cells[f"{place}/{field}"] = sorted(set(value)) if field in CODES else value


def slow_merge(held: Slow | None, sent: dict[str, Any], at: str) -> Slow | None:
    """Put one more record to what is held."""
    if sent.get("purge") is True:
        return None
    child = Slow()
    if held is not None:
        child.cells, child.marks = dict(held.cells), dict(held.marks)
    for field in ("la_child_id", "mis_child_id"):
        if sent.get(field) is not None:
            child.cells[field] = sent[field]
    details = sent.get("child_details")
    if details is not None and details.get("purge") is True:
        child.wipe("child_details")
    elif details is not None:
        for field in DETAILS.split():
            place = f"child_details/{field}"
            if details.get(field) is not None:
                child.put("child_details", field, details[field])
                child.marks.pop(place, None)
            elif place in child.cells and place not in child.marks:
                child.marks[place] = at
    wellbeing = sent.get("health_and_wellbeing")
    if wellbeing is not None and wellbeing.get("purge") is True:
        child.wipe("health_and_wellbeing")
    elif wellbeing is not None and wellbeing.get("sdq_assessments") is not None:
        rows = sorted(
            wellbeing["sdq_assessments"], key=lambda row: (row.get("date", ""), row.get("score", -1)), reverse=True
        )
        child.cells["health_and_wellbeing/sdq_assessments"] = rows
    if sent.get("social_care_episodes") is not None:
        _list(child, "social_care_episodes", "social_care_episode_id", sent["social_care_episodes"], at, _episode)
    return child


def _list(child: Slow, place: str, key: str, sent: Sequence[dict[str, Any]], at: str, put: Any) -> None:
    names = []
    for item in sent:
        if item[key] not in names:
            names.append(item[key])
    for name in names:
        path = f"{place}/{name}"
        same = [item for item in sent if item[key] == name]
        if any(item.get("purge") is True for item in same):
            child.wipe(path)
            continue
        child.marks.pop(path, None)
        child.cells[f"{path}/{key}"] = name
        put(child, path, same, at)
    for path in list(child.cells):
        if path.startswith(place + "/") and path.endswith("/" + key):
            name = path[len(place) + 1 :].split("/")[0]
            if name not in names and f"{place}/{name}" not in child.marks:
                child.marks[f"{place}/{name}"] = at


def _fields(child: Slow, path: str, same: Sequence[dict[str, Any]], fields: Sequence[str]) -> None:
    for item in same:
        for field in fields:
            if item.get(field) is not None:
                child.put(path, field, item[field])


def _episode(child: Slow, path: str, same: Sequence[dict[str, Any]], at: str) -> None:
    _fields(child, path, same, EPISODE.split())
    for name, (key, fields) in ITEMS.items():
        lists = [episode[name] for episode in same if episode.get(name) is not None]
        if lists:

            def put(child: Slow, path: str, same: Any, at: str, fields: str = fields) -> None:
                _fields(child, path, same, fields.split())

            _list(child, f"{path}/{name}", key, [item for each in lists for item in each], at, put)
    for name, fields in SECTIONS.items():
        sections = [episode[name] for episode in same if episode.get(name) is not None]
        if any(section.get("purge") is True for section in sections):
            child.wipe(f"{path}/{name}")
        else:
            _fields(child, f"{path}/{name}", sections, fields.split())
    lists = [episode["care_worker_details"] for episode in same if episode.get("care_worker_details") is not None]
    if lists:
        _workers(child, f"{path}/care_worker_details", [row for each in lists for row in each], at)


def _workers(child: Slow, place: str, sent: Sequence[dict[str, Any]], at: str) -> None:
    def kept() -> list[str]:
        return sorted({path[len(place) + 1 :].split("/")[0] for path in child.cells if path.startswith(place + "/")})

    def end_of(step: str) -> Any:
        return child.cells.get(f"{place}/{step}/end_date")

    dated = [f"{row.get('worker_id', '')}@{row['start_date']}" for row in sent if row.get("start_date")]
    undated = {row.get("worker_id", "") for row in sent if not row.get("start_date")}
    for row in sent:
        if row.get("start_date"):
            step = f"{row.get('worker_id', '')}@{row['start_date']}"
            for field in row:
                child.cells[f"{place}/{step}/{field}"] = row[field]
            child.marks.pop(f"{place}/{step}", None)
    told = set(dated)
    for row in sent:
        if row.get("start_date") or not row.get("end_date"):
            continue
        worker = row.get("worker_id", "")
        rows = [step for step in kept() if step.split("@")[0] == worker and step not in dated]
        ended = [step for step in rows if end_of(step) == row["end_date"]]
        unended = [step for step in rows if not end_of(step)]
        step = f"{worker}@"
        if step not in rows:
            if ended:
                step = ended[0]
            elif len(rows) == 1:
                step = rows[0]
            elif len(unended) == 1:
                step = unended[0]
        for field in row:
            child.cells[f"{place}/{step}/{field}"] = row[field]
        child.marks.pop(f"{place}/{step}", None)
        told.add(step)
    for step in kept():
        if step not in told and step.split("@")[0] not in undated and f"{place}/{step}" not in child.marks:
            child.marks[f"{place}/{step}"] = at
