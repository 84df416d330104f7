"""Named lives of children and records: what each step plans, what it refuses, and how it is taken back."""

from __future__ import annotations

import pytest

from lives import Space, pair
from samechild.errors import Conflict, Invalid, Missing
from samechild.index import lifecycle, numbers
from samechild.index.planned import RULED_APART
from samechild.index.records import Apart, Change, Kind
from samechild.index.state import APART, CHILD, ERASED, LIVE, MERGED, UNBORN, State, members, resolve, standing
from samechild.index.undoing import concerned


class TestFound:
    def test_an_identifier_is_never_used_twice(self) -> None:
        space = Space(a="r")
        with pytest.raises(Conflict, match="never used twice"):
            lifecycle.found(space.state, "a", ["s"])
        space.undoes(1)
        with pytest.raises(Conflict, match="never used twice"):
            lifecycle.found(space.state, "a", ["s"])
        with pytest.raises(Conflict):
            lifecycle.found({}, "", ["s"])

    def test_several_records_need_the_rulings_between_them(self) -> None:
        ruled = {(APART, "r+s"): "split"}
        with pytest.raises(Conflict, match="A ruling"):
            lifecycle.found(ruled, "a", ["r", "s"], pair=pair)
        with pytest.raises(Invalid):
            lifecycle.found({}, "a", ["r", "s"])

    @pytest.mark.parametrize("records", [[], ["r", "r"], [""]])
    def test_names_each_record_once(self, records: list[str]) -> None:
        with pytest.raises(Invalid):
            lifecycle.found({}, "a", records, pair=pair)

    def test_a_record_has_one_child(self) -> None:
        with pytest.raises(Conflict, match="has a child already"):
            lifecycle.found(Space(a="r").state, "b", ["r"])


class TestLink:
    def test_goes_where_a_merged_identifier_leads(self) -> None:
        space = Space(a="r", b="s")
        space.merge("a", "b")
        assert lifecycle.link(space.state, "t", "b", pair).changes == (Change("member", "t", "", "a"),)

    def test_refuses_a_ruling_a_seal_and_an_erased_child(self) -> None:
        space = Space(a="r", b="s")
        space.does(lifecycle.part(space.state, "r", "x", Apart.SAID, pair))
        with pytest.raises(Conflict, match="A ruling") as ruled:
            lifecycle.link(space.state, "x", "a", pair)
        space.does(lifecycle.seal(space.state, ["s"], "f", "g", "E12", pair))
        with pytest.raises(Conflict) as sealed:
            lifecycle.link(space.state, "y", "b", pair)
        assert str(ruled.value) == str(sealed.value), "what kind of ruling it is stays untold"
        space.does(lifecycle.erase(space.state, "r"))
        with pytest.raises(Conflict, match="erased"):
            lifecycle.link(space.state, "x", "a", pair)
        with pytest.raises(Missing):
            lifecycle.link(space.state, "x", "never", pair)


class TestUnlinkAndSplit:
    def test_an_unlinked_record_is_not_matched_again_until_somebody_lifts_it(self) -> None:
        space = Space(a="r s t")
        space.unlink("t", "b")
        assert {key: value for (what, key), value in space.state.items() if what == APART} == {
            "r+t": "split",
            "s+t": "split",
        }
        with pytest.raises(Conflict):
            lifecycle.merge(space.state, "a", "b", pair)
        space.does(lifecycle.allow(space.state, "t", "r", pair))
        with pytest.raises(Conflict):
            lifecycle.merge(space.state, "a", "b", pair)
        space.does(lifecycle.allow(space.state, "s", "t", pair))
        space.merge("a", "b")
        assert members(space.state, "a") == ["r", "s", "t"]

    def test_there_must_be_something_to_part(self) -> None:
        space = Space(a="r s")
        for leaving in (["r", "s"], ["x"], ["r", "x"]):
            with pytest.raises(Invalid):
                lifecycle.split(space.state, "a", leaving, "b", pair)
        with pytest.raises(Missing):
            lifecycle.unlink(space.state, "x", "b", pair)
        with pytest.raises(Invalid):
            lifecycle.unlink(Space(a="r").state, "r", "b", pair)


class TestMerge:
    def test_a_merge_of_merged_follows_the_redirects(self) -> None:
        space = Space(a="r", b="s", c="t", d="u")
        space.merge("b", "a")
        space.merge("d", "c")
        planned = lifecycle.merge(space.state, "a", "c", pair)
        assert (planned.child, planned.other) == ("b", "d")
        space.does(planned)
        assert {resolve(space.state, each) for each in "abcd"} == {"b"}

    def test_into_itself_also_by_a_redirect_is_malformed(self) -> None:
        space = Space(a="r", b="s")
        space.merge("a", "b")
        for into, gone in (("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")):
            with pytest.raises(Invalid):
                lifecycle.merge(space.state, into, gone, pair)

    def test_a_born_child_makes_the_unborn_one_born(self) -> None:
        space = Space(a="r")
        space.does(lifecycle.found(space.state, "u", ["s"], unborn=True))
        merged = space.merge("u", "a")
        assert standing(space.state, "u") == LIVE
        space.undoes(merged)
        assert standing(space.state, "u") == UNBORN


class TestBorn:
    def test_an_unborn_child_is_born_once(self) -> None:
        space = Space()
        space.does(lifecycle.found(space.state, "u", ["r"], unborn=True))
        space.does(lifecycle.born(space.state, "u"))
        with pytest.raises(Conflict, match="born already"):
            lifecycle.born(space.state, "u")

    def test_twins_become_two_and_are_never_matched(self) -> None:
        space = Space()
        space.does(lifecycle.found(space.state, "u", ["r", "s"], unborn=True, pair=pair))
        before = space.hash_after(1)
        number = space.does(lifecycle.twins_born(space.state, "u", ["s"], "v", pair))
        assert [standing(space.state, each) for each in "uv"] == [LIVE, LIVE]
        with pytest.raises(Conflict):
            lifecycle.merge(space.state, "u", "v", pair)
        space.undoes(number)
        assert lifecycle.hash_of(space.state) == before


class TestPartAndAllow:
    def test_records_of_one_child_are_taken_apart_first(self) -> None:
        space = Space(a="r s")
        with pytest.raises(Conflict, match="unlink"):
            lifecycle.part(space.state, "r", "s", Apart.SAID, pair)
        with pytest.raises(Invalid):
            lifecycle.part(space.state, "r", "r", Apart.SAID, pair)

    def test_what_protects_a_child_is_neither_lifted_nor_weakened_nor_told(self) -> None:
        space = Space(a="r", b="s", c="t")
        with pytest.raises(Conflict) as none:
            lifecycle.allow(space.state, "r", "s", pair)
        planned = lifecycle.part(space.state, "r", "s", Apart.PROTECTED, pair)
        assert (planned.child, planned.other) == ("", "")
        space.does(planned)
        with pytest.raises(Conflict) as protected:
            lifecycle.allow(space.state, "r", "s", pair)
        assert str(none.value) == str(protected.value)
        space.does(lifecycle.part(space.state, "r", "t", Apart.SAID, pair))
        said = []
        for other in "st":
            with pytest.raises(Conflict) as again:
                lifecycle.part(space.state, "r", other, Apart.SAID, pair)
            said.append(str(again.value))
        assert said[0] == said[1]


class TestErase:
    def test_what_leads_to_an_erased_child_says_so(self) -> None:
        space = Space(a="r", b="s")
        space.merge("a", "b")
        space.does(lifecycle.erase(space.state, "r"))
        assert standing(space.state, "b") == LIVE
        space.does(lifecycle.erase(space.state, "s"))
        assert [standing(space.state, each) for each in "ab"] == [ERASED, ERASED]
        assert resolve(space.state, "b") == "a"

    def test_is_never_undone_and_the_rest_of_a_merge_still_is(self) -> None:
        space = Space(a="r", b="s t")
        merged = space.merge("a", "b")
        erased = space.does(lifecycle.erase(space.state, "s"))
        with pytest.raises(Conflict, match="final"):
            space.undoes(erased)
        space.undoes(merged)
        assert members(space.state, "b") == ["t"]
        assert ("member", "s") not in space.state

    def test_a_child_left_without_records_by_an_undo_is_erased(self) -> None:
        space = Space(a="r", b="s")
        merged = space.merge("a", "b")
        space.does(lifecycle.erase(space.state, "r"))
        space.undoes(merged)
        assert (standing(space.state, "a"), standing(space.state, "b")) == (ERASED, LIVE)

    def test_nothing_goes_back_to_an_erased_child(self) -> None:
        space = Space(a="r s")
        apart = space.unlink("r", "b")
        space.does(lifecycle.erase(space.state, "s"))
        with pytest.raises(Conflict, match="erased"):
            space.undoes(apart)

    def test_when_all_was_erased_there_is_nothing_to_undo(self) -> None:
        space = Space(a="r")
        linked = space.does(lifecycle.link(space.state, "s", "a", pair))
        space.does(lifecycle.erase(space.state, "s"))
        with pytest.raises(Conflict, match="has been erased"):
            space.undoes(linked)


class TestUndo:
    def test_an_undo_can_be_undone_again_and_again(self) -> None:
        space = Space(a="r", b="s")
        apart, merged = space.hash_after(2), space.merge("a", "b")
        together = space.hash_after(merged)
        last = merged
        for turn in range(5):
            last = space.undoes(last)
            assert lifecycle.hash_of(space.state) == (together if turn % 2 else apart)

    def test_an_identifier_whose_making_was_undone_still_leads_somewhere(self) -> None:
        space = Space(a="r s")
        number = space.unlink("s", "b")
        space.undoes(number)
        assert resolve(space.state, "b") == "a"
        space.undoes(1)
        assert standing(space.state, "b") == ERASED
        assert lifecycle.hash_of(space.state) == lifecycle.empty_hash()

    def test_out_of_order_names_what_to_undo_first(self) -> None:
        space = Space(a="r", b="s")
        merged = space.merge("a", "b")
        first = space.unlink("s", "c")
        space.does(lifecycle.link(space.state, "t", "c", pair))
        with pytest.raises(Conflict, match=f"undo first {first}"):
            space.undoes(merged)
        with pytest.raises(Conflict, match=f"undo first {first + 1}"):
            space.undoes(first)
        space.undoes(first + 1)
        space.undoes(first)
        space.undoes(merged)
        assert lifecycle.hash_of(space.state) == space.hash_after(2)

    def test_what_touched_other_lines_does_not_stand_in_the_way(self) -> None:
        space = Space(a="r", b="s", c="t")
        merged = space.merge("a", "b")
        space.does(lifecycle.link(space.state, "u", "a", pair))
        space.merge("a", "c")
        space.undoes(merged)
        assert (members(space.state, "a"), members(space.state, "b")) == (["r", "t", "u"], ["s"])

    def test_twice_is_told_with_the_undo_to_undo(self) -> None:
        space = Space(a="r", b="s")
        merged = space.merge("a", "b")
        undone = space.undoes(merged)
        with pytest.raises(Conflict, match=f"already, by event {undone}"):
            space.undoes(merged)

    def test_never_joins_what_was_ruled_apart_since(self) -> None:
        space = Space(a="r", b="s")
        undone = space.undoes(space.merge("a", "b"))
        space.does(lifecycle.part(space.state, "r", "s", Apart.SAID, pair))
        with pytest.raises(Conflict, match="A ruling"):
            space.undoes(undone)

    def test_a_lifted_ruling_does_not_come_back_over_a_join(self) -> None:
        space = Space(a="r", b="s")
        space.does(lifecycle.part(space.state, "r", "s", Apart.SAID, pair))
        lifted = space.does(lifecycle.allow(space.state, "r", "s", pair))
        space.merge("a", "b")
        with pytest.raises(Conflict, match="split that child first"):
            space.undoes(lifted)

    def test_only_the_custodian_takes_a_seal_back_and_others_find_no_such_event(self) -> None:
        space = Space(a="r s")
        sealed = space.does(lifecycle.seal(space.state, ["r"], "f", "g", "E11", pair))
        with pytest.raises(Missing):
            space.undoes(sealed)
        undone = space.undoes(sealed, by_custodian=True)
        assert lifecycle.hash_of(space.state) == space.hash_after(1)
        with pytest.raises(Missing):
            space.undoes(undone)

    def test_what_a_seal_rests_on_is_refused_without_naming_the_seal(self) -> None:
        space = Space(a="r", b="s")
        merged = space.merge("a", "b")
        space.does(lifecycle.seal(space.state, ["r"], "f", "g", "E11", pair))
        with pytest.raises(Conflict) as refused:
            space.undoes(merged)
        assert str(refused.value) == RULED_APART

    def test_lines_that_no_event_explains_are_refused(self) -> None:
        space = Space(a="r", b="s")
        merged = space.merge("a", "b")
        space.state["member", "s"] = "elsewhere"
        with pytest.raises(Conflict, match="Something later"):
            space.undoes(merged)

    def test_a_ruling_changed_by_an_event_that_was_not_given_stays_untold(self) -> None:
        space = Space(a="r s")
        apart = space.unlink("s", "b")
        space.does(lifecycle.part(space.state, "r", "s", Apart.PROTECTED, pair))
        with pytest.raises(Conflict) as refused:
            lifecycle.undo(space.state, space.events[apart - 1], [], pair)
        assert str(refused.value) == RULED_APART

    def test_a_seal_does_not_come_back_over_a_join(self) -> None:
        space = Space(a="r", b="s")
        undone = space.undoes(space.does(lifecycle.seal(space.state, ["r"], "f", "g", "E11", pair)), by_custodian=True)
        space.merge("a", "b")
        with pytest.raises(Conflict, match="joined since"):
            space.undoes(undone, by_custodian=True)

    def test_a_child_that_got_records_since_is_not_taken_away_under_them(self) -> None:
        space = Space(a="r s")
        apart = space.unlink("s", "b")
        space.does(lifecycle.link(space.state, "t", "b", pair))
        with pytest.raises(Conflict, match="move them elsewhere"):
            lifecycle.undo(space.state, space.events[apart - 1], [], pair)

    def test_a_child_is_not_left_without_records_by_what_moved_them_on(self) -> None:
        space = Space(a="r", b="s")
        merged = space.merge("a", "b")
        moved = space.unlink("r", "c")
        with pytest.raises(Conflict, match=f"undo first {moved}"):
            space.undoes(merged)

    def test_the_children_an_event_is_about(self) -> None:
        space = Space(a="r", b="s")
        number = space.merge("a", "b")
        assert concerned(space.events[number - 1].changes) == {"a", "b"}


class TestRedirects:
    def test_a_circle_in_stored_lines_says_what_to_do(self) -> None:
        circle = {(CHILD, "a"): MERGED + "b", (CHILD, "b"): MERGED + "c", (CHILD, "c"): MERGED + "a"}
        with pytest.raises(Invalid, match="index rebuild"):
            resolve(circle, "b")
        with pytest.raises(Invalid):
            resolve({(CHILD, "a"): MERGED + "a"}, "a")

    def test_a_change_that_does_not_follow_changes_nothing(self) -> None:
        state = {(CHILD, "a"): LIVE}
        with pytest.raises(Conflict):
            lifecycle.apply(state, [Change(CHILD, "b", "", LIVE), Change(CHILD, "a", UNBORN, LIVE)])
        assert state == {(CHILD, "a"): LIVE}


class TestNumbers:
    def test_a_chain_is_followed_and_a_circle_is_its_smallest(self) -> None:
        state: State = {}
        for number, by in ("ab", "bc"):
            lifecycle.apply(state, numbers.supersede(state, number, by).changes)
        assert [numbers.current(state, each) for each in "abc"] == ["c", "c", "c"]
        lifecycle.apply(state, numbers.supersede(state, "c", "b").changes)
        assert [numbers.current(state, each) for each in "abcd"] == ["b", "b", "b", "d"]

    def test_a_withdrawn_number_speaks_for_nobody(self) -> None:
        state: State = {}
        lifecycle.apply(state, numbers.supersede(state, "a", "b").changes)
        lifecycle.apply(state, numbers.invalidate(state, "b").changes)
        assert [numbers.current(state, each) for each in "ab"] == ["", ""]
        lifecycle.apply(state, numbers.restore(state, "b").changes)
        assert numbers.current(state, "a") == "b"

    def test_a_number_moves_from_one_child_to_another_and_back(self) -> None:
        space = Space(a="r", b="s", c="t")
        before = lifecycle.hash_of(space.state)
        first = space.does(numbers.reissue(space.state, "n", "a"))
        there = numbers.reissue(space.state, "n", "b")
        assert (there.kind, there.child, there.other) == (Kind.RENUMBER, "a", "b")
        moved = space.does(there)
        assert [numbers.speaks_for(space.state, "n", each) for each in "ab"] == ["", "n"]
        with pytest.raises(Conflict, match=f"undo first {moved}"):
            space.undoes(first)
        space.does(numbers.reissue(space.state, "n", "a"))
        assert numbers.owner(space.state, "n") == "a"
        space.merge("c", "a")
        assert numbers.owner(space.state, "n") == "c"
        for number in (7, 6, 5, 4):
            space.undoes(number)
        assert lifecycle.hash_of(space.state) == before

    def test_two_claims_are_both_kept_and_are_a_question(self) -> None:
        space = Space(a="r", b="s", c="t")
        space.does(numbers.supersede(space.state, "old", "n"))
        held = {"a": ["old"], "b": ["n", "m"], "c": ["m"]}
        assert numbers.contested(space.state, held) == [
            numbers.Claim("m", ("b", "c")),
            numbers.Claim("n", ("a", "b")),
        ]
        space.does(numbers.reissue(space.state, "n", "b"))
        assert [each.number for each in numbers.contested(space.state, held)] == ["m"]
        space.merge("b", "c")
        assert numbers.contested(space.state, held) == []

    def test_what_cannot_be_said_of_a_number(self) -> None:
        space = Space(a="r")
        for by in ("n", ""):
            with pytest.raises(Invalid):
                numbers.supersede(space.state, "n", by)
        with pytest.raises(Conflict):
            numbers.restore(space.state, "n")
        space.does(lifecycle.erase(space.state, "r"))
        with pytest.raises(Conflict, match="erased"):
            numbers.reissue(space.state, "n", "a")
