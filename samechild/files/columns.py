"""What each column of a file means, from its heading and, for the record's own id, from its values.

An analyst should not have to describe files that use the usual names; but a guess between two candidates would put
wrong evidence into every comparison, so that is asked, not guessed.
"""

from __future__ import annotations

from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from samechild.errors import Invalid
from samechild.files.records import Columns, FileMap, Mapping, ReadFile, whole_file
from samechild.files.text_values import in_one, trimmed
from samechild.files.usual_names import (
    ADDRESS_PARTS,
    LAST_RESORT_IDS,
    NEVER_USED,
    OTHERWISE,
    RECORD_IDS,
    USUAL,
    are_headings,
    meanings,
    plain,
    shorter,
)
from samechild.records import Issue, Severity, fields

Claims = dict[str, tuple[str, ...]]


def recognise(file: ReadFile, mapping: Mapping | None = None, source_column: str | None = None) -> Columns:
    """Say which column of a file is the forename, the date of birth, the record's own id, and which have no use.

    What the map names comes first; the rest is recognised by the usual names. Raises Invalid when two columns claim
    one meaning, when the map names a column or field that does not exist, or when no column can be used.
    """
    entry = mapping.of(file.path) if mapping is not None else FileMap(file.path.name)
    given = _given_fields()
    fixed, own_id = _from_map(file, entry, given)
    taken = {heading for headings in fixed.values() for heading in headings}
    taken |= {*entry.ignore, *entry.group_columns} | ({source_column} if source_column else set())
    free = [heading for heading in file.table.column_names if heading not in taken and heading != own_id]
    found = {**_recognised(file, free, fixed), **fixed}
    record_id, whole, issues = (own_id, False, []) if own_id else _record_id(file, free, found)
    if not found:
        raise Invalid(_nothing_usable(file))
    used = {heading for headings in found.values() for heading in headings} | {record_id}
    unused = tuple(heading for heading in free if heading not in used)
    ordered = {name: found[name] for name in given if name in found}
    return Columns(ordered, record_id, whole, entry.group_columns, unused, tuple(issues))


def _given_fields() -> list[str]:
    return [name for name, field in fields().items() if field.given and name not in ("source", "record_id")]


def _from_map(file: ReadFile, entry: FileMap, given: list[str]) -> tuple[Claims, str | None]:
    """Take what the map says, refusing fields and columns that do not exist."""
    headings = set(file.table.column_names)
    claims: Claims = {}
    own_id = None
    for field, named in entry.mapped.items():
        columns = (named,) if isinstance(named, str) else tuple(named)
        if field != "record_id" and field not in given:
            raise Invalid(f'The map gives {file.path.name} a field "{field}", which does not exist; the fields are: '
                          + ", ".join(["record_id", *given]) + ".")  # fmt: skip
        if field != "address" and len(columns) != 1:
            raise Invalid(f'The map names {len(columns)} columns of {file.path.name} for "{field}": name one.')
        for heading in columns:
            _refuse_unknown(file, heading, headings)
        if field == "record_id":
            own_id = columns[0]
        else:
            claims[field] = columns
    for heading in (*entry.ignore, *entry.group_columns):
        _refuse_unknown(file, heading, headings)
    return claims, own_id


def _refuse_unknown(file: ReadFile, heading: str, headings: set[str]) -> None:
    if heading not in headings:
        raise Invalid(
            f'The map names a column "{heading}" that {file.path.name} does not have; it has: '
            + ", ".join(f'"{one}"' for one in sorted(headings)[:30])
            + "."
        )


@cache
def _index() -> dict[str, tuple[str, int]]:
    """Every usual name in its reduced form, with its field and rank."""
    index: dict[str, tuple[str, int]] = {}
    for field, ranks in USUAL.items():
        for rank, names in enumerate(ranks):
            for name in meanings(names):
                index.setdefault(name, (field, rank))
    return index


@cache
def _known_elsewhere() -> frozenset[str]:
    return meanings(NEVER_USED).union(*(meanings(names) for names in RECORD_IDS), meanings("source"))


def _meaning(heading: str) -> tuple[str, int] | None:
    """Find the field and rank a heading usually means."""
    name = plain(heading)
    if name in _index():
        return _index()[name]
    if name in _known_elsewhere():
        return None
    return next((_index()[less] for less in shorter(name) if less in _index()), None)


def _recognised(file: ReadFile, free: list[str], fixed: Claims) -> Claims:
    """Recognise the columns the map leaves open."""
    claims: dict[str, dict[int, list[str]]] = {}
    for heading in free:
        meaning = _meaning(heading)
        if meaning and meaning[0] not in fixed:
            claims.setdefault(meaning[0], {}).setdefault(meaning[1], []).append(heading)
    found: Claims = {}
    for field, ranks in claims.items():
        best = min(ranks)
        found[field] = (_the_only(file, field, ranks[best]),)
    for field, instead in OTHERWISE.items():
        lower = sorted(claims.get(field, {}).items())[1:]
        if lower and instead not in found and instead not in fixed:
            found[instead] = (_the_only(file, instead, lower[0][1]),)
    if "address" not in found and "address" not in fixed and (parts := _address_parts(free)):
        found["address"] = parts
    return found


def _the_only(file: ReadFile, field: str, headings: list[str]) -> str:
    """Return the one column that claims a field; columns without a single value do not count."""
    filled = [heading for heading in headings if file.table.column(heading).null_count < file.table.num_rows]
    if len(filled) <= 1:
        return filled[0] if filled else headings[0]
    if all(file.table.column(filled[0]).equals(file.table.column(other)) for other in filled[1:]):
        return filled[0]
    named = " and ".join(f'"{heading}"' for heading in filled)
    raise Invalid(
        f"{file.path.name}: the columns {named} both claim to be {fields()[field].title.lower()}. Choose one in the "
        f'map: file = "{file.path.name}", then under [file.columns] {field} = "{filled[0]}", and put the other under '
        "ignore = [...]."
    )


@cache
def _address_order() -> dict[str, int]:
    return {name: place for place, names in enumerate(ADDRESS_PARTS) for name in meanings(names)}


def _address_parts(free: list[str]) -> tuple[str, ...]:
    """Find the parts of an address in the order in which they are written; a bare "number" alone is no address."""
    order = _address_order()
    found: dict[int, str] = {}
    for heading in free:
        name = plain(heading)
        place = next((order[one] for one in [name, *shorter(name)] if one in order), None)
        if place is not None:
            found.setdefault(place, heading)
    parts = tuple(found[place] for place in sorted(found))
    return () if len(parts) == 1 and 2 in found else parts


def _record_id(file: ReadFile, free: list[str], found: Claims) -> tuple[str | None, bool, list[Issue]]:
    """Choose the column that names the records: by its usual name, and by being different in every row.

    A column that is chosen and is also an identifier of its own (a local authority child id) serves as both.
    """
    ranks = [meanings(names) for names in RECORD_IDS]
    named = [heading for names in ranks for heading in free if plain(heading) in names]
    local = list(found.get("la_child_id", ()))
    candidates = [*named, *[heading for heading in local if heading not in named]]
    shares: dict[str, float] = {}
    for heading in candidates:
        shares[heading] = _share_different(file.table.column(heading))
        if shares[heading] == 1.0:
            return heading, True, []
    good = [heading for heading, share in shares.items() if share >= 0.5]
    if good:
        return good[0], False, []
    for field in LAST_RESORT_IDS:
        for heading in found.get(field, ()):
            if _share_different(file.table.column(heading)) == 1.0:
                return heading, True, []
    if candidates and file.table.num_rows == 0:
        return candidates[0], True, []
    message = (
        "No column names each record, so records are called row-1, row-2 and so on; name one in the map (record_id) "
        "if there is one, or the names change when the rows do."
    )
    return None, True, [whole_file(file.name, "no-record-id", Severity.WARNING, message)]


def _share_different(column: pa.ChunkedArray) -> float:
    """How many rows have a value of their own, as a share of all rows."""
    if len(column) == 0:
        return 0.0
    ids = trimmed(in_one(column))
    return float(pc.count_distinct(ids, mode="only_valid").as_py() / len(column))


def _nothing_usable(file: ReadFile) -> str:
    """Say that no column can be used; the first row is repeated only when it is surely not somebody's record."""
    names = file.table.column_names
    headings = ", ".join(f'"{heading}"' for heading in names[:12])
    found = f"it has: {headings}" if are_headings(names) else f"it has {len(names)} columns without a usual name"
    return (
        f"{file.path.name} has no column that says who a child is ({found}). Is its first row the headings? If so, say "
        "in a map what they mean; if not, add a row of headings."
    )
