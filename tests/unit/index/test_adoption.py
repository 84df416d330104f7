"""Closing an adopted child's former identity: by which signs, what becomes of its records, and what is told after."""

from __future__ import annotations

import pytest

from lives import NOW, Space, pair
from samechild.errors import Conflict, Invalid, Missing
from samechild.index import lifecycle
from samechild.index.adoption import closed_in, former, seals, told, without_joining_numbers
from samechild.index.records import Apart, Change, Event, Kind
from samechild.index.state import APART, SEALED, members, standing


@pytest.mark.parametrize(
    ("signs", "code"),
    [
        ((), ""),
        (("E4A", "unborn"), ""),
        (("E11",), "E11"),
        (("adopted", "E12"), "E12"),
        ((" e11 ",), "E11"),
        (("Adopted",), "adopted"),
        (("RC1", "A3", "A6"), ""),
    ],
)
def test_which_signs_close_an_identity(signs: tuple[str, ...], code: str) -> None:
    assert seals(signs) == code


def test_the_former_identity_is_what_the_sign_stands_on_and_what_shows_the_same() -> None:
    signs = {"care": ("E11",), "school": (), "new": (), "unknown": ()}
    shown = {"care": "old", "school": "old", "new": "other", "unknown": ""}
    assert former(signs, shown) == ["care", "school"]
    assert former({"care": ("E11",), "unknown": ()}, {}) == ["care"]
    assert former({"new": ()}, shown) == []


def test_a_former_number_never_joins_across_a_seal() -> None:
    given = {"surname": "Lapwing", "upn": "N", "former_upn": "F", "upns": "N F"}
    assert without_joining_numbers(given) == {"surname": "Lapwing", "upn": "N"}


class TestSeal:
    def test_a_wholly_former_child_keeps_its_identifier_and_nothing_joins_it(self) -> None:
        space = Space(a="r s", b="t")
        space.does(lifecycle.seal(space.state, ["r", "s"], "f", "g", "E11", pair))
        assert members(space.state, "a") == ["r", "s"]
        assert ("child", "f") not in space.state
        for into, gone in (("a", "b"), ("b", "a")):
            with pytest.raises(Conflict, match="A ruling"):
                lifecycle.merge(space.state, into, gone, pair)

    def test_an_identifier_that_stood_for_both_leads_to_neither(self) -> None:
        space = Space(a="r s", b="t u")
        space.merge("a", "b")
        space.does(lifecycle.seal(space.state, ["r", "t"], "f", "g", "E11", pair))
        assert (members(space.state, "f"), members(space.state, "g")) == (["r", "t"], ["s", "u"])
        assert [standing(space.state, each) for each in "abfg"] == ["erased", "erased", "live", "live"]
        ruled = {key for (what, key), value in space.state.items() if what == APART and value == Apart.PROTECTED}
        assert ruled == {"r+s", "r+u", "s+t", "t+u"}
        assert closed_in(space.state) == {"a", "b", "f"}

    def test_what_stays_behind_goes_on_as_any_child(self) -> None:
        space = Space(a="r s", b="t")
        space.does(lifecycle.seal(space.state, ["r"], "f", "g", "E11", pair))
        space.merge("g", "b")
        space.does(lifecycle.link(space.state, "u", "b", pair))
        assert members(space.state, "g") == ["s", "t", "u"]

    def test_malformed(self) -> None:
        space = Space(a="r s", b="t")
        with pytest.raises(Invalid):
            lifecycle.seal(space.state, ["r", "t"], "f", "g", "E11", pair)
        with pytest.raises(Invalid):
            lifecycle.seal(space.state, ["r"], "f", "g", "", pair)
        with pytest.raises(Invalid):
            lifecycle.seal(space.state, ["r"], "f", "f", "E11", pair)
        with pytest.raises(Missing):
            lifecycle.seal(space.state, ["x"], "f", "g", "E11", pair)
        space.does(lifecycle.seal(space.state, ["t"], "f", "g", "E11", pair))
        with pytest.raises(Conflict, match="already"):
            lifecycle.seal(space.state, ["t"], "f", "g", "E12", pair)

    def test_an_erased_record_takes_its_seal_along(self) -> None:
        space = Space(a="r")
        space.does(lifecycle.seal(space.state, ["r"], "f", "g", "E11", pair))
        space.does(lifecycle.erase(space.state, "r"))
        assert not [key for what, key in space.state if what == SEALED]


class TestTold:
    def everything(self, space: Space) -> list[Event]:
        sealed = {key for what, key in space.state if what == SEALED}
        closed = closed_in(space.state)
        return [one for event in space.events if (one := told(event, sealed, closed)) is not None]

    def test_a_whole_seal_is_told_to_nobody(self) -> None:
        space = Space(a="r", b="t")
        space.does(lifecycle.seal(space.state, ["r"], "f", "g", "E11", pair))
        assert [(event.kind, event.child) for event in self.everything(space)] == [(Kind.FOUND, "b")]

    def test_a_closed_identifier_reads_as_erased_and_nothing_says_where_its_records_are(self) -> None:
        space = Space(a="r s", b="t")
        space.does(lifecycle.seal(space.state, ["r"], "f", "g", "E11", pair))
        space.merge("g", "b")
        shown = self.everything(space)
        assert [(event.kind, event.child, event.other) for event in shown] == [
            (Kind.FOUND, "b", ""),
            (Kind.ERASE, "a", ""),
            (Kind.MERGE, "g", "b"),
        ]
        assert shown[1].changes == ()
        assert shown[1].why == {}
        assert shown[1].state_hash == ""

    def test_a_split_from_a_closed_child_keeps_only_what_lives_on(self) -> None:
        space = Space(a="r s t")
        space.does(lifecycle.split(space.state, "a", ["t"], "b", pair))
        space.does(lifecycle.seal(space.state, ["r"], "f", "g", "E11", pair))
        split = self.everything(space)[0]
        assert (split.kind, split.child, split.other, split.changes) == (Kind.SPLIT, "", "b", ())

    def test_a_protected_ruling_and_what_takes_a_seal_back_are_told_to_nobody(self) -> None:
        space = Space(a="r", b="s")
        space.does(lifecycle.part(space.state, "r", "s", Apart.PROTECTED, pair))
        sealed = space.does(lifecycle.seal(space.state, ["r"], "f", "g", "E11", pair))
        space.undoes(sealed, by_custodian=True)
        assert [event.kind for event in self.everything(space)] == [Kind.FOUND, Kind.FOUND]

    def test_lines_of_sealed_records_are_left_out(self) -> None:
        changes = (Change("member", "r", "", "x"), Change("member", "s", "", "x"), Change("sealed", "s", "", "E11"))
        event = Event(number=1, space="s", at=NOW, kind=Kind.ERASE, child="x", changes=changes)
        shown = told(event, {"r"}, set())
        assert shown is not None
        assert shown.changes == (Change("member", "s", "", "x"),)
