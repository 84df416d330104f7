"""The copy in memory: the candidates the reference finds, and the same copy whichever way its records came."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pyarrow as pa
from hypothesis import given
from hypothesis import settings as tried
from hypothesis import strategies as st

from samechild.index.copy import SpaceCopy
from samechild.index.keying import SEARCH_COLUMNS
from samechild.linkage import reference
from samechild.linkage.model import BlockingRule, KeyPart, Model
from samechild.linkage.models.children import BLOCKING
from samechild.records import Record, fields

some = tried(max_examples=60, deadline=None)
LARGEST = 4
BLOCKED = tuple(part.column for rule in BLOCKING for part in rule.parts)
COLUMNS = tuple(dict.fromkeys([*BLOCKED, *SEARCH_COLUMNS]))
RULES = (
    *BLOCKING,
    BlockingRule((KeyPart("surname", 1, 1),), most_pairs=12),
    BlockingRule((KeyPart("given_names", 1, 2), KeyPart("surname_parts", 2), KeyPart("postcodes")), most_pairs=9),
)

_texts = {name: st.sampled_from([None, None, "", "A", "AB", "ABC", "BA", "X:1", "2010-01-03"]) for name in COLUMNS}
_lists = st.sampled_from([None, (), ("A",), ("A", "AB"), ("AB", "ABC"), ("BA", "C"), ("AB", "AB")])


@st.composite
def a_record(draw: st.DrawFn) -> Record:
    held = {name: draw(_lists if fields()[name].many else _texts[name]) for name in COLUMNS}
    return msgspec.convert({"source": "s", "record_id": "1", **held}, Record)


records = st.lists(a_record(), max_size=14)


def as_table(them: Sequence[Record]) -> pa.Table:
    """Records as standardised columns."""
    return pa.table(
        {
            name: pa.array(
                [getattr(record, name) for record in them],
                pa.list_(pa.string()) if fields()[name].many else pa.string(),
            )
            for name in COLUMNS
        }
    )


def an_empty_copy(largest: int = LARGEST) -> SpaceCopy:
    return SpaceCopy(COLUMNS, RULES, largest)


def filled(them: Sequence[Record], children: Sequence[str] | None = None, largest: int = LARGEST) -> SpaceCopy:
    """A copy filled at once."""
    copy = an_empty_copy(largest)
    count = len(them)
    copy.fill(
        as_table(them),
        [f"key-{number}" for number in range(count)],
        ["council"] * count,
        ["social care"] * count,
        children or [f"child-{number % 3}" for number in range(count)],
    )
    return copy


def put_one_by_one(them: Sequence[Record]) -> SpaceCopy:
    copy = an_empty_copy()
    for number, record in enumerate(them):
        copy.put(f"key-{number}", "council", "social care", record, f"child-{number % 3}")
    return copy


def told(copy: SpaceCopy) -> dict[str, object]:
    """All that a copy says of its records, by their keys."""
    rows = [row for number in range(40) if (row := copy.row_of(f"key-{number}")) is not None]
    found: dict[str, object] = {
        copy.record_key(row): (
            copy.values(row),
            copy.child(row),
            copy.owner(row),
            copy.source(row),
            sorted(copy.record_key(near) for near in copy.near(copy.values(row))),
            sorted(copy.record_key(other) for other in copy.members(copy.child(row))),
        )
        for row in rows
    }
    return found | {
        "counts": (len(copy), copy.children, copy.closed()),
        "searched": {name: len(postings) for name, postings in copy.found_by.items()},
        "pairs": [postings.pairs for postings in copy._blocks],
    }


@some
@given(records)
def test_the_candidates_are_those_of_the_reference(them: list[Record]) -> None:
    model = Model("any", (), RULES, largest_block=LARGEST)
    expected = reference.blocked_pairs(model, them)
    for copy in (filled(them), put_one_by_one(them)):
        rows = [copy.row_of(f"key-{number}") for number in range(len(them))]
        found = {
            (one, other)
            for one, row in enumerate(rows)
            for near in copy.near(copy.values(row or 0))
            for other in [rows.index(near)]
            if one < other
        }
        assert found == expected


@some
@given(records)
def test_filled_at_once_is_the_same_as_one_by_one(them: list[Record]) -> None:
    assert told(filled(them)) == told(put_one_by_one(them))


@some
@given(records, st.integers(0, 14))
def test_filled_twice_is_the_same_as_once(them: list[Record], first: int) -> None:
    copy = an_empty_copy()
    for part, start in ((them[:first], 0), (them[first:], min(first, len(them)))):
        numbers = range(start, start + len(part))
        copy.fill(
            as_table(part),
            [f"key-{number}" for number in numbers],
            ["council"] * len(part),
            ["social care"] * len(part),
            [f"child-{number % 3}" for number in numbers],
        )
    assert told(copy) == told(filled(them))


_steps = st.lists(
    st.tuples(
        st.sampled_from(["put", "put", "put", "drop", "move", "settle", "hide"]),
        st.integers(0, 9),
        st.integers(0, 3),
        a_record(),
        st.sampled_from([(), ("surname",), ("postcode", "postcodes"), COLUMNS]),
    ),
    max_size=25,
)


@some
@given(records.map(lambda them: them[:6]), _steps)
def test_what_is_put_dropped_and_moved_ends_as_if_filled_from_scratch(
    them: list[Record], steps: list[tuple[str, int, int, Record, tuple[str, ...]]]
) -> None:
    copy = filled(them)
    now = {f"key-{number}": (record, f"child-{number % 3}") for number, record in enumerate(them)}
    hidden: dict[str, tuple[str, ...]] = {}
    for step, number, child, record, away in steps:
        key = f"key-{number}"
        if step == "put":
            copy.put(key, "council", "social care", record, f"child-{child}")
            now[key] = (record, f"child-{child}")
        elif step == "hide":
            copy.hide(key, away)
            hidden[key] = away
        elif step == "settle":
            for postings in (*copy._blocks, *copy.found_by.values(), copy._by_child, copy._by_key):
                postings.settle()
        elif key in now and step == "drop":
            copy.drop(key)
            del now[key]
        elif key in now:
            copy.move(key, f"child-{child}")
            now[key] = (now[key][0], f"child-{child}")
    fresh = an_empty_copy()
    for key, fields_away in hidden.items():
        fresh.hide(key, fields_away)
    fresh.fill(
        as_table([record for record, _ in now.values()]),
        list(now),
        ["council"] * len(now),
        ["social care"] * len(now),
        [child for _, child in now.values()],
    )
    assert told(copy) == told(fresh)
    for name, postings in copy.found_by.items():
        for row in {row for key in now if (row := copy.row_of(key)) is not None}:
            again = fresh.row_of(copy.record_key(row))
            for posted in _keys(copy, row):
                assert (row in postings.rows(posted)) == (again in fresh.found_by[name].rows(posted))


def _keys(copy: SpaceCopy, row: int) -> set[int]:
    return {key for _, part in copy._searched for key in part.hashes(copy.values(row)[part.column])}


@some
@given(a_record())
def test_what_is_empty_is_missing(record: Record) -> None:
    held = dict(zip(COLUMNS, an_empty_copy().values_of(record), strict=True))
    assert held == {name: value or None for name, value in msgspec.structs.asdict(record).items() if name in held}
