"""What outranks scores, in its order; and pairs of numbers that are plainly two."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from samechild.linkage.coded import CodedTable, code_table
from samechild.linkage.constraints import Constraints, Why, forbids, identities_differ, pair_list
from samechild.linkage.presence import Presence

NONE = pair_list(np.zeros(0, np.int64), np.zeros(0, np.int64), 4)


def table(**columns: list[str | None]) -> CodedTable:
    return code_table(pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()}), columns)


def reason(records: CodedTable, twin: float = 0.0, **lists: tuple[int, int]) -> Why:
    """What decides about records 0 and 1. ``lists``: pairs on the lists of the constraints."""
    single = np.array([0] if "single" in lists else [], np.int32)
    known = {
        name: pair_list(np.array([pair[0]]), np.array([pair[1]]), records.rows)
        for name, pair in lists.items()
        if name != "single"
    }
    constraints = Constraints(known.get("never", NONE), known.get("same", NONE), known.get("different", NONE), single)
    left, right = np.array([0], np.int32), np.array([1], np.int32)
    return Why(int(constraints.why(records, left, right, np.array([twin]))[0]))


VERIFIED = table(source=["a", "a"], nhs_number=["9990000018", "9990000026"], nhs_number_status=["01", "01"])
PLAIN = table(source=["a", "a"], nhs_number=["9990000018", "9990000026"], nhs_number_status=["01", "02"])


@pytest.mark.parametrize(
    ("records", "twin", "lists", "why"),
    [
        (PLAIN, 0.0, {}, Why.NOTHING),
        (PLAIN, 0.95, {}, Why.TWINS),
        (PLAIN, 0.95, {"single": (0, 0)}, Why.ONE_RECORD_PER_CHILD),
        (VERIFIED, 0.95, {"single": (0, 0)}, Why.VERIFIED_NUMBERS_DIFFER),
        (VERIFIED, 0.95, {"same": (1, 0)}, Why.SAID_SAME),
        (VERIFIED, 0.95, {"same": (0, 1), "different": (0, 1)}, Why.SAID_DIFFERENT),
        (PLAIN, 0.0, {"same": (0, 1), "different": (0, 1), "never": (1, 0)}, Why.NEVER_LINK),
    ],
)
def test_the_stronger_reason_counts(
    records: CodedTable, twin: float, lists: dict[str, tuple[int, int]], why: Why
) -> None:
    assert reason(records, twin, **lists) is why


def test_only_nothing_and_a_persons_same_allow_a_join() -> None:
    allowed = [why for why in Why if not forbids(np.array([why], np.int8))[0]]
    assert allowed == [Why.NOTHING, Why.SAID_SAME]


def test_a_list_holds_each_pair_once_and_no_record_with_itself() -> None:
    pairs = pair_list(np.array([2, 0, 3, 1]), np.array([0, 2, 3, 0]), 4)
    assert list(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)) == [(0, 1), (0, 2)]
    assert pairs.has(np.array([2, 1], np.int32), np.array([0, 2], np.int32)).tolist() == [True, False]


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        ({"upn": "A1", "upn_kind": "permanent"}, {"upn": "B2", "upn_kind": "permanent"}, True),
        ({"upn": "A1", "upn_kind": "permanent"}, {"upn": "B2", "upn_kind": "temporary"}, False),
        ({"upn": "A1", "upn_kind": "permanent"}, {"upn": "A1", "upn_kind": "permanent"}, False),
        ({"upn": "A1", "upn_kind": "permanent"}, {"upn": None, "upn_kind": None}, False),
        ({"nhs_number": "1"}, {"nhs_number": "2"}, True),
    ],
)
def test_two_numbers_contradict_unless_one_is_missing_or_temporary(
    one: dict[str, str | None], other: dict[str, str | None], differ: bool
) -> None:
    records = table(**{name: [one[name], other[name]] for name in one})
    assert identities_differ(records, np.array([0], np.int32), np.array([1], np.int32)).tolist() == [differ]


# --- where a child would be expected to be seen -----------------------------------------------------------------------


def evidence(children: list[str], one: str, other: str) -> float:
    """What the files say for two children's being one; children by the sources that see them: ``"ab"`` for a and b."""
    rows = [(source, number) for number, sources in enumerate(children) for source in sources]
    first: dict[int, int] = {}
    child = np.array([first.setdefault(number, place) for place, (_, number) in enumerate(rows)])
    presence = Presence(table(source=[source for source, _ in rows]), child)
    left, right = (first[children.index(sources)] for sources in (one, other))
    return float(presence.evidence(np.array([left]), np.array([right]))[0])


def test_two_files_that_each_lack_one_child_speak_for_one_child() -> None:
    assert evidence([*["ab"] * 50, "a", "b"], "a", "b") > 3


def test_two_children_in_every_file_are_two() -> None:
    assert evidence(["ab"] * 50, "ab", "ab") < -3


def test_files_that_hardly_overlap_say_nothing_of_one_who_is_missing() -> None:
    assert abs(evidence([*["a"] * 50, *["b"] * 50, "ab"], "a", "b")) < 1


def test_one_file_alone_says_nothing() -> None:
    assert evidence(["a", "a"], "a", "a") == 0.0
