"""What a follower is told of an event, and what never."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from samechild.errors import Invalid
from samechild.index.records import Change, Event, Kind
from samechild.index.telling import WORDS, Changed, Sight, Standing, cursor, follow, mark, told

AT = datetime(2026, 11, 22, tzinfo=UTC)
WHOLE = Sight(whole=True)


def an_event(kind: Kind, *changes: Change, number: int = 7, **given: Any) -> Event:
    return Event(number=number, space="council", at=AT, kind=kind, changes=changes, state_hash="h", **given)


def member(key: str, before: str, after: str) -> Change:
    return Change("member", key, before, after)


MERGE = an_event(
    Kind.MERGE,
    member("r1", "gone", "into"),
    member("r2", "gone", "into"),
    Change("child", "gone", "live", "merged:into"),
    child="into",
    other="gone",
)


def test_a_merge_says_where_records_went_and_where_the_identifier_leads() -> None:
    change = told(MERGE, WHOLE)
    assert change is not None
    assert (change.kind, change.child, change.other) == ("merged", "into", "gone")
    assert [(move.record_key, move.child) for move in change.moved] == [("r1", "into"), ("r2", "into")]
    assert change.children == (Standing(child="gone", state="merged", leads_to="into"),)


def test_a_follower_of_a_joint_space_hears_of_its_own_records_only() -> None:
    change = told(MERGE, Sight(whole=False, own={"r2"}))
    assert change is not None
    assert [move.record_key for move in change.moved] == ["r2"]
    assert told(MERGE, Sight(whole=False, own={"elsewhere"})) is None


def test_that_another_agency_has_a_record_of_a_child_is_not_told() -> None:
    """Another's record joins a child of ours: nothing changes for us, and nothing is said."""
    joined = an_event(Kind.LINK, member("theirs", "", "ours"), child="ours")
    assert told(joined, Sight(whole=False, own={"mine"}, children={"ours"})) is None
    merged = an_event(
        Kind.MERGE,
        member("theirs", "c2", "ours"),
        Change("child", "c2", "live", "merged:ours"),
        child="ours",
        other="c2",
    )
    assert told(merged, Sight(whole=False, own={"mine"})) is None


def test_what_was_erased_is_named_only_as_gone() -> None:
    sight = Sight(whole=True, erased={"r1"})
    linked = told(an_event(Kind.LINK, member("r1", "", "c"), child="c"), sight)
    assert linked is not None
    assert linked.moved == ()
    gone = told(an_event(Kind.ERASE, member("r1", "c", ""), Change("child", "c", "live", "erased"), child="c"), sight)
    assert gone is not None
    assert (gone.kind, gone.gone, gone.child) == ("erased", ("r1",), "")
    assert gone.children == (Standing(child="c", state="erased"),)


SEAL = an_event(
    Kind.SEAL,
    Change("sealed", "former", "", "E11"),
    Change("child", "both", "live", "erased"),
    Change("child", "fresh", "", "live"),
    Change("child", "rest", "", "live"),
    member("former", "both", "fresh"),
    member("stays", "both", "rest"),
    Change("apart", "token", "", "protected"),
    child="both",
)


@pytest.mark.parametrize("sight", [WHOLE, Sight(whole=True, sealed={"former"}), Sight(whole=False, own={"stays"})])
def test_when_an_identity_is_closed_the_two_never_stand_together(sight: Sight) -> None:
    change = told(SEAL, msgspec.structs.replace(sight, sealed={"former"}))
    assert change is not None
    assert [(move.record_key, move.child) for move in change.moved] == [("stays", "rest")]
    assert {standing.child: standing.state for standing in change.children} == {"both": "erased", "rest": "live"}
    text = msgspec.json.encode(change).decode()
    assert "fresh" not in text
    assert "former" not in text
    copy = {"former": "both", "stays": "both"}
    follow(copy, {}, [change])
    assert copy == {"stays": "rest"}


def test_an_identity_closed_alone_reads_as_erased() -> None:
    alone = an_event(Kind.SEAL, Change("sealed", "former", "", "E11"), child="c")
    change = told(alone, Sight(whole=True, sealed={"former"}))
    erased = told(an_event(Kind.ERASE, member("former", "c", ""), child="c"), Sight(whole=True, erased={"former"}))
    assert change is not None
    assert change.gone == ("former",)
    assert change == erased


def test_a_sealed_record_is_named_in_no_later_move() -> None:
    later = an_event(Kind.LINK, member("former", "fresh", "elsewhere"), child="elsewhere")
    change = told(later, Sight(whole=True, sealed={"former"}))
    assert change is None or "former" not in msgspec.json.encode(change).decode()


def test_a_protected_ruling_alone_is_not_told() -> None:
    ruling = an_event(Kind.PART, Change("apart", "token", "", "protected"), child="a", other="b")
    assert told(ruling, WHOLE) is None


def test_a_seal_taken_back_moves_the_record_and_names_no_other_child() -> None:
    back = an_event(
        Kind.UNDO,
        member("former", "fresh", "adopted"),
        Change("child", "fresh", "live", ""),
        Change("sealed", "former", "E11", ""),
        child="adopted",
        other="fresh",
        undoes=7,
    )
    change = told(back, WHOLE)
    assert change is not None
    assert "fresh" not in msgspec.json.encode(change).decode()
    assert [(move.record_key, move.child) for move in change.moved] == [("former", "adopted")]


def test_a_copy_that_follows_is_right() -> None:
    copy: dict[str, str] = {}
    children: dict[str, Standing] = {}
    events = [
        an_event(Kind.FOUND, member("r1", "", "gone"), Change("child", "gone", "", "live"), child="gone"),
        an_event(Kind.LINK, member("r2", "", "gone"), child="gone"),
        MERGE,
        an_event(Kind.ERASE, member("r2", "into", ""), child="into"),
    ]
    page: list[Changed] = [change for change in (told(event, WHOLE) for event in events) if change is not None]
    follow(copy, children, page)
    assert copy == {"r1": "into"}
    assert children["gone"].leads_to == "into"


def test_a_number_that_changed_names_the_child_only_to_who_has_a_record_of_it() -> None:
    renumbered = an_event(Kind.RENUMBER, Change("number", "token", "", "superseded"), child="c")
    assert told(renumbered, Sight(whole=False, children=set())) is None
    change = told(renumbered, Sight(whole=False, children={"c"}))
    assert change is not None
    assert (change.kind, change.child) == ("renumbered", "c")
    assert "token" not in msgspec.json.encode(change).decode()


def test_a_record_that_says_something_else_is_told_to_its_own_organisation() -> None:
    changed = an_event(Kind.CHANGE, child="c", why={"records": ["r1"]})
    for sight, heard in (
        (WHOLE, True),
        (Sight(whole=False, own={"r1"}), True),
        (Sight(whole=False, own={"r2"}, children={"c"}), False),
        (Sight(whole=True, sealed={"r1"}), False),
    ):
        change = told(changed, sight)
        assert (change is not None) is heard
        assert change is None or (change.kind, change.child) == ("changed", "c")


def test_every_kind_of_event_has_a_word() -> None:
    assert set(WORDS) == set(Kind)


@pytest.mark.parametrize("text", ["", "-1", "x", "1-", "1-xyz", "1" * 16, "٣", "1 "])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        cursor(text)


def test_a_cursor_says_of_which_index_it_is() -> None:
    number, check = cursor(mark(MERGE))
    assert number == 7
    assert check != cursor(mark(msgspec.structs.replace(MERGE, state_hash="another")))[1]
