"""A council's own extracts as children of the specification: one table for each list, columns named in the settings.

Nobody has to write JSON or nest anything: each table is a flat extract with the keys of what it belongs to, as any
reporting database gives. The tables and their fields are derived from the declared types, so the specification stands
in one place. What belongs to nothing that was extracted is counted and told, never sent somewhere at a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from samechild.collection import records as kinds
from samechild.collection.records import KEYS
from samechild.collection.send.config import Config
from samechild.collection.send.sources import Row, Tables, chosen_columns
from samechild.collection.send.values import Convert, codes_of, conversions, text_of, whole_child
from samechild.errors import Invalid

CHILD, EPISODE = "la_child_id", KEYS["social_care_episodes"]
ASSESSMENT = KEYS["child_and_family_assessments"]


class Section(msgspec.Struct, frozen=True):
    """One table that a council may give: its fields, and the keys by which its rows find their place.

    ``needed`` are the keys without which a row has no place; ``belongs`` further keys that may stand in it.
    """

    name: str
    fields: dict[str, Convert]
    needed: tuple[str, ...]
    belongs: tuple[str, ...] = ()


def _of_episode(name: str, kind: type) -> Section:
    own = (KEYS[name],) if name in KEYS else ()
    return Section(name, conversions(kind), (EPISODE, *own), (CHILD,))


SECTIONS = {
    section.name: section
    for section in (
        Section("children", {**conversions(kinds.Child), **conversions(kinds.Details)}, (CHILD,)),
        Section("disabilities", {"code": text_of}, (CHILD, "code")),
        Section("sdq_assessments", conversions(kinds.SdqAssessment), (CHILD,)),
        Section("social_care_episodes", conversions(kinds.Episode), (CHILD, EPISODE)),
        _of_episode("care_worker_details", kinds.CareWorker),
        _of_episode("child_and_family_assessments", kinds.Assessment),
        Section("factors", {"code": text_of}, (ASSESSMENT, "code"), (EPISODE, CHILD)),
        _of_episode("child_in_need_plans", kinds.NeedPlan),
        _of_episode("section_47_assessments", kinds.Enquiry),
        _of_episode("child_protection_plans", kinds.ProtectionPlan),
        _of_episode("child_looked_after_placements", kinds.Placement),
        Section("adoption", conversions(kinds.Adoption), (), (EPISODE, CHILD)),
        Section("care_leavers", conversions(kinds.CareLeaver), (), (EPISODE, CHILD)),
    )
}
"""Every table a council may give, in the order in which they are put together."""

_LISTS = (
    "care_worker_details", "child_and_family_assessments", "child_in_need_plans", "section_47_assessments",
    "child_protection_plans", "child_looked_after_placements",
)  # fmt: skip
_OWN = frozenset(conversions(kinds.Child))


class Astray(msgspec.Struct, frozen=True, order=True):
    """Rows of a table that could not be placed: why, and how many. Holds no value."""

    table: str
    why: str
    rows: int


class Built:
    """Children put together from tables, and what could not be placed, counted while they are taken."""

    def __init__(self) -> None:
        self._astray: dict[tuple[str, str], int] = {}

    def astray(self, table: str, why: str, rows: int = 1) -> None:
        """Count rows that found no place."""
        self._astray[table, why] = self._astray.get((table, why), 0) + rows

    @property
    def left_out(self) -> tuple[Astray, ...]:
        """What could not be placed."""
        return tuple(sorted(Astray(table, why, rows) for (table, why), rows in self._astray.items()))


def wanted_columns(config: Config, name: str, there: Iterable[str]) -> dict[str, str]:
    """Which column each field of a table is read from.

    A field that the settings leave out is read from the column of its own name, when there is one. Raises Invalid when
    the settings name an unknown field, or a key without which no row has a place is missing.
    """
    section, given = SECTIONS[name], config.tables[name]
    known = {*section.fields, *section.needed, *section.belongs}
    strange = [field for field in (*given.columns, *given.codes) if field not in known]
    if strange:
        raise Invalid(f'[tables.{name}] has no field "{strange[0]}"; it has: {", ".join(sorted(known))}.')
    columns = {column.strip().lower() for column in there}
    found = dict(given.columns)
    for field in sorted(known - set(found)):
        if field in columns:
            found[field] = field
    absent = [field for field in section.needed if field not in found]
    if not section.needed and not found.keys() & set(section.belongs):
        absent = [CHILD]
    if absent:
        raise Invalid(f"[tables.{name}.columns] does not say which column holds {', '.join(absent)}.")
    return found


def check_settings(config: Config) -> None:
    """Refuse tables that are unknown, or a set of tables that makes no child. Raises Invalid."""
    strange = [name for name in config.tables if name not in SECTIONS]
    if strange:
        raise Invalid(f'There is no table "{strange[0]}"; the tables are: {", ".join(SECTIONS)}.')
    if "children" not in config.tables:
        raise Invalid("[tables.children] is missing: it says who the children are.")
    inner = set(config.tables) - {"children", "disabilities", "sdq_assessments", "social_care_episodes"}
    if inner and "social_care_episodes" not in config.tables:
        raise Invalid(f"[tables.{min(inner)}] belongs to episodes: [tables.social_care_episodes] is missing.")


def children_of_tables(tables: Tables, built: Built) -> Iterator[dict[str, Any]]:
    """The children of a council's own extracts, one after the other, each whole and in one order.

    ``built`` counts what could not be placed. Raises Invalid, Missing or Unavailable when a table cannot be read.
    """
    config = tables.config
    check_settings(config)
    read = {name: list(section_rows(tables, name)) for name in SECTIONS if name in config.tables}
    yield from put_together(read, built)


def section_rows(tables: Tables, name: str) -> Iterator[Row]:
    """The rows of one table with the fields of the specification, converted and with codes replaced."""
    config, section = tables.config, SECTIONS[name]
    given = config.tables[name]
    for row in tables.rows(given, lambda there: wanted_columns(config, name, there)):
        values = {}
        for field, value in row.items():
            convert: Convert = section.fields.get(field, text_of)
            values[field] = convert(_recoded(value, given.codes.get(field)))
        yield {field: value for field, value in values.items() if value is not None}


def check_columns(tables: Tables) -> dict[str, dict[str, str]]:
    """Every table with the columns it will be read from; raises Invalid when one is not there. Reads no row."""
    check_settings(tables.config)
    found = {}
    for name in tables.config.tables:
        there = tables.columns_of(tables.config.tables[name])
        found[name] = chosen_columns(f"[tables.{name}]", there, wanted_columns(tables.config, name, there))
    return found


def _recoded(value: Any, codes: Mapping[str, str] | None) -> Any:
    if not codes:
        return value
    text = text_of(value)
    if text is None or text in codes:
        return codes.get(text or "", None)
    listed = codes_of(text)
    return [codes.get(code, code) for code in listed] if listed and len(listed) > 1 else value


def put_together(read: Mapping[str, list[Row]], built: Built) -> Iterator[dict[str, Any]]:
    """Children from the rows of each table. Rows are used up."""
    children = _unique(read.get("children", []), (CHILD,), "children", built)
    for child, code in _pairs(read.get("disabilities", []), children, "disabilities", built):
        child.setdefault("disabilities", []).append(code)
    scores: dict[str, list[Row]] = {}
    for row in read.get("sdq_assessments", []):
        owner = row.pop(CHILD, None)
        if owner not in children:
            built.astray("sdq_assessments", "of a child that was not extracted")
        elif row:
            scores.setdefault(owner, []).append(row)
    episodes = _episodes(read, children, built)
    for key, row in children.items():
        yield _whole(row, scores.get(key), episodes.get(key, []))


def _unique(rows: list[Row], keys: tuple[str, ...], table: str, built: Built) -> dict[Any, Row]:
    """Rows by their key; of several with the same key the first counts."""
    found: dict[Any, Row] = {}
    for row in rows:
        if any(key not in row for key in keys):
            built.astray(table, f"without {' or '.join(keys)}")
            continue
        key = row[keys[0]] if len(keys) == 1 else tuple(row[name] for name in keys)
        if key in found:
            if found[key] != row:
                built.astray(table, "with a key that stands there before, and other values")
            continue
        found[key] = row
    return found


def _pairs(rows: list[Row], owners: Mapping[Any, Row], table: str, built: Built) -> Iterator[tuple[Row, str]]:
    for row in rows:
        owner = owners.get(row.get(CHILD))
        if owner is None:
            built.astray(table, "of a child that was not extracted")
        elif "code" in row:
            yield owner, row["code"]


def _episodes(read: Mapping[str, list[Row]], children: Mapping[str, Row], built: Built) -> dict[str, list[Row]]:
    """Each child's episodes with everything in them."""
    own = _unique(read.get("social_care_episodes", []), (CHILD, EPISODE), "social_care_episodes", built)
    of_child: dict[str, list[Row]] = {}
    by_id: dict[str, list[Row]] = {}
    for (child, episode), row in own.items():
        if child not in children:
            built.astray("social_care_episodes", "of a child that was not extracted")
            continue
        of_child.setdefault(child, []).append(row)
        by_id.setdefault(episode, []).append(row)
    assessments: dict[str, list[Row]] = {}
    for name in _LISTS:
        _fill(name, read.get(name, []), by_id, assessments, built)
    for row in read.get("factors", []):
        found = [each for each in assessments.get(row.get(ASSESSMENT, ""), []) if each["factors_of"] == _owner(row)]
        found = found or assessments.get(row.get(ASSESSMENT, ""), [])
        if len(found) != 1:
            built.astray("factors", "of an assessment that was not extracted")
        elif "code" in row:
            found[0].setdefault("factors", []).append(row["code"])
    for rows in assessments.values():
        for row in rows:
            row.pop("factors_of", None)
    for name in ("adoption", "care_leavers"):
        _set(name, read.get(name, []), by_id, of_child, built)
    for rows in of_child.values():
        for row in rows:
            row.pop(CHILD, None)
    return of_child


def _owner(row: Row) -> tuple[Any, Any]:
    return row.get(CHILD), row.get(EPISODE)


def _place_of(row: Row, by_id: Mapping[str, list[Row]]) -> Row | None:
    """The episode that a row belongs to; None when there is none, or several and the row names no child."""
    found = by_id.get(row.get(EPISODE, ""), [])
    if CHILD in row:
        found = [episode for episode in found if episode.get(CHILD) == row[CHILD]]
    return found[0] if len(found) == 1 else None


def _fill(
    name: str, rows: list[Row], by_id: Mapping[str, list[Row]], assessments: dict[str, list[Row]], built: Built
) -> None:
    """Put the rows of one list into their episodes."""
    key = KEYS.get(name)
    seen: dict[tuple[int, str], Row] = {}
    for row in rows:
        episode = _place_of(row, by_id)
        if episode is None:
            built.astray(name, "of an episode that was not extracted")
            continue
        owner = (row.pop(CHILD, None), row.pop(EPISODE))
        if not row or (key is not None and key not in row):
            built.astray(name, f"without {key}" if key else "without a value")
            continue
        if key is not None:
            before = seen.setdefault((id(episode), row[key]), row)
            if before is not row:
                if {k: v for k, v in before.items() if k != "factors_of"} != row:
                    built.astray(name, "with a key that stands there before, and other values")
                continue
        if name == "child_and_family_assessments":
            assessments.setdefault(row[ASSESSMENT], []).append(row)
            row["factors_of"] = owner
        episode.setdefault(name, []).append(row)


def _set(
    name: str,
    rows: list[Row],
    by_id: Mapping[str, list[Row]],
    of_child: Mapping[str, list[Row]],
    built: Built,
) -> None:
    """Put adoption or care leaver details into the episode they name, else into the child's newest one."""
    for row in rows:
        if EPISODE in row:
            episode = _place_of(row, by_id)
        else:
            own = of_child.get(row.get(CHILD, ""), [])
            episode = max(own, key=lambda each: (str(each.get("referral_date", "")), str(each[EPISODE])), default=None)
        row.pop(EPISODE, None)
        row.pop(CHILD, None)
        if episode is None:
            built.astray(name, "of an episode that was not extracted")
        elif name in episode and episode[name] != row:
            built.astray(name, "second one of the same episode")
        elif row:
            episode[name] = row


def _whole(row: Row, scores: list[Row] | None, episodes: list[Row]) -> dict[str, Any]:
    child: dict[str, Any] = {name: row[name] for name in row if name in _OWN}
    details = {name: value for name, value in row.items() if name not in _OWN}
    if "disabilities" in details:
        details["disabilities"] = sorted(set(details["disabilities"]))
    if details:
        child["child_details"] = details
    if scores:
        child["health_and_wellbeing"] = {"sdq_assessments": scores}
    if episodes:
        for episode in episodes:
            for assessment in episode.get("child_and_family_assessments", []):
                if "factors" in assessment:
                    assessment["factors"] = sorted(set(assessment["factors"]))
        child["social_care_episodes"] = episodes
    return whole_child(child)
