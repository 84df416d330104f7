"""Whatever the door takes, an authority's numbers add up child by child, and come off again without a trace."""

from __future__ import annotations

from datetime import date
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from samechild.collection.check import check_day
from samechild.collection.day import counts_of, day_of, moved, total
from samechild.collection.records import Child
from samechild.collection.rules.catalogue import BROKEN, by_code

TODAY = date(2026, 6, 10)
CODES = (
    "S",
    "P",
    "T",
    "L",
    "X1",
    "E2",
    "E4A",
    "E11",
    "E17",
    "T1",
    "A6",
    "K3",
    "U6",
    "H5",
    "NONE",
    "21",
    "RC8",
    "U",
    "",
    "?",
)
DAYS = st.sampled_from([date.min, date(1900, 1, 1), date(2008, 2, 29), date(9999, 12, 31), TODAY]) | st.dates(
    date(2024, 1, 1), date(2026, 12, 31)
)
TEXTS = st.sampled_from(CODES) | st.sampled_from(["A000123418007", "JB1 4AP", "SSD_PH", "SW1", "é" * 20, "\x00"])


def of(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a declared type, whatever they say."""
    origin = get_origin(hint)
    if origin is Annotated:
        return of(get_args(hint)[0])
    if origin in (Union, UnionType):
        return st.one_of([of(each) for each in get_args(hint)])
    if origin is tuple:
        return st.lists(of(get_args(hint)[0]), max_size=3).map(tuple)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return a(hint)
    plain: dict[Any, st.SearchStrategy[Any]] = {
        NoneType: st.none(),
        date: DAYS,
        str: TEXTS,
        bool: st.booleans(),
        int: st.integers(-5, 10**18),
    }
    return plain[hint]


def a(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Records of a type with any of its fields."""
    hints = get_type_hints(kind, include_extras=True)
    return st.builds(kind, **{name: of(hint) for name, hint in hints.items()})


CHILDREN = a(Child)


@given(st.lists(CHILDREN, max_size=3))
@settings(max_examples=60, deadline=None)
def test_the_day_adds_up_whatever_the_children(children: list[Child]) -> None:
    counts = total(counts_of(each) for each in children)
    assert {each.rule for each in check_day(day_of(TODAY, counts, authority="845"))} <= set(by_code()) - {BROKEN.code}
    for each in children:
        counts = moved(counts, counts_of(each), {})
    assert counts == {}
