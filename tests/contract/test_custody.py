"""The custodian's queue on each database: two people open a pair, nobody else learns of it, and nothing joins it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest
import sqlalchemy as sa

from asking import NOW
from gate import OPERATOR, WORKER, an_officer, give
from pages_served import Served, served
from reviewing import ANN, a_council, a_record
from samechild.errors import Conflict, Invalid, Missing, Refused, SamechildError
from samechild.index import custody_store, lifecycle
from samechild.index import store as tables
from samechild.index.actions import seal
from samechild.index.custody import Reply, State, answer, approve_pair, ask_approval, open_pair, put, queue
from samechild.index.gathering import gathered, pair_tokens
from samechild.index.models import keep_model
from samechild.index.records import Apart, Kind, Space
from samechild.index.writing import Draft, Owned, write
from samechild.linkage.models.children import children_model
from samechild.policy import ledger
from samechild.policy.people import store as people_store
from samechild.records import fields
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store
from stores import a_store

RUTH = Asker(user="ruth", organisation="council", role="adoption-custodian", factors=2)
SECOND = Asker(user="second", organisation="council", role="adoption-custodian", factors=2)
ELSEWHERE = Asker(user="elsewhere", organisation="trust", role="adoption-custodian", factors=2)
OFFICER = an_officer("council")
LATER = NOW + timedelta(minutes=1)


class Pair(msgspec.Struct, frozen=True):
    """A closed identity and the new one that looks like it."""

    old: str
    new: str


@pytest.fixture(params=("sqlite", "postgres"), name="store")
def a_store_with_custodians(request: pytest.FixtureRequest) -> Iterator[Store]:
    with a_store(request.param) as opened:
        a_council(opened)
        given = [name for name, field in fields().items() if field.given]
        keep_model(opened, "council", children_model(given), {}, NOW)
        with opened.write(Login.GATE) as gate:
            for person in (RUTH, SECOND, ELSEWHERE):
                give(gate, person)
        yield opened


def adopted(store: Store, *, sealed: bool = True) -> Pair:
    """Two records that look like one child, the first sealed, and the question about them."""
    old, _ = a_record(store)
    new, _ = a_record(store, surname="Lapwing", nhs_number="9990000026", address="9 Other Street")
    if sealed:
        seal(store, OFFICER, [old], "E11", LATER)
    put(store, "council", new, old, "looks-alike", LATER)
    return Pair(old, new)


def the_question(store: Store) -> str:
    return queue(store, RUTH, LATER).waiting[0].question


def approved(store: Store, by: Asker = OFFICER) -> str:
    question = the_question(store)
    ask_approval(store, RUTH, question, LATER)
    approve_pair(store, by, question, LATER)
    return question


def ruling(store: Store, pair: Pair) -> str:
    with store.read(Login.INDEX) as index:
        found = tables.lines_by_key(index, "council", "apart", pair_tokens(store, pair.old, pair.new))
    return next(iter(found.values()), "")


def test_the_custodian_opens_a_pair_after_somebody_else_approved(store: Store) -> None:
    adopted(store)
    assert [each.state for each in queue(store, RUTH, LATER).waiting] == [State.OPEN]
    question = the_question(store)
    with pytest.raises(Refused, match="Another person must approve"):
        open_pair(store, RUTH, question, LATER)
    ask_approval(store, RUTH, question, LATER)
    waiting = queue(store, RUTH, LATER).waiting[0]
    assert (waiting.state, waiting.approved) == (State.ASKED, False)
    approve_pair(store, OFFICER, question, LATER)
    assert queue(store, RUTH, LATER).waiting[0].approved
    both = open_pair(store, RUTH, question, LATER)
    assert {both.one["surname"], both.other["surname"]} == {"Quillfeather", "Lapwing"}
    assert both.why == "looks-alike"
    assert not {"address", "postcode"} & (both.one.keys() | both.other.keys()), "where a child lives is not needed"


def test_an_approval_ends_after_a_day(store: Store) -> None:
    adopted(store)
    question = approved(store)
    open_pair(store, RUTH, question, LATER + timedelta(hours=23))
    with pytest.raises(Refused):
        open_pair(store, RUTH, question, LATER + timedelta(hours=25))


def test_another_custodian_may_approve_and_nobody_approves_their_own(store: Store) -> None:
    adopted(store)
    question = the_question(store)
    with pytest.raises(Missing):
        approve_pair(store, OFFICER, question, LATER)
    ask_approval(store, RUTH, question, LATER)
    with pytest.raises(Refused, match="other than the person who asks"):
        approve_pair(store, RUTH, question, LATER)
    with pytest.raises(Refused):
        open_pair(store, RUTH, question, LATER)
    approve_pair(store, SECOND, question, LATER)
    open_pair(store, RUTH, question, LATER)
    with pytest.raises(Refused):
        open_pair(store, SECOND, question, LATER)


def test_two_people_are_needed_also_when_no_seal_lies_on_either(store: Store) -> None:
    adopted(store, sealed=False)
    question = the_question(store)
    with pytest.raises(Refused):
        open_pair(store, RUTH, question, LATER)
    with pytest.raises(Refused):
        answer(store, RUTH, question, Reply.SAME, "", LATER)
    assert open_pair(store, RUTH, approved(store), LATER).one


@pytest.mark.parametrize("who", [ANN, OFFICER, WORKER, OPERATOR], ids=lambda who: who.role)
def test_nobody_else_learns_whether_anything_waits(store: Store, who: Asker) -> None:
    def tried() -> list[tuple[type[SamechildError], str]]:
        found = []
        for attempt in (
            lambda: queue(store, who, LATER),
            lambda: open_pair(store, who, question, LATER),
            lambda: ask_approval(store, who, question, LATER),
            lambda: answer(store, who, question, Reply.SAME, "", LATER),
            lambda: approve_pair(store, who, question, LATER),
        ):
            with pytest.raises(SamechildError) as raised:
                attempt()
            found.append((type(raised.value), str(raised.value)))
        return found

    question = "0" * 64
    before = tried()
    assert {kind for kind, _ in before} <= {Refused, Missing}
    adopted(store)
    question = the_question(store)
    assert tried() == before


def test_another_organisations_custodian_sees_an_empty_queue(store: Store) -> None:
    adopted(store)
    assert queue(store, ELSEWHERE, LATER).count == 0
    with pytest.raises(Missing):
        open_pair(store, ELSEWHERE, the_question(store), LATER)
    ask_approval(store, RUTH, the_question(store), LATER)
    with pytest.raises(Missing, match="no such request"):
        approve_pair(store, ELSEWHERE, the_question(store), LATER)


def test_a_custodian_who_does_not_hold_the_role_is_refused(store: Store) -> None:
    for who in (msgspec.structs.replace(RUTH, user="nobody"), msgspec.structs.replace(RUTH, factors=1)):
        with pytest.raises(Refused):
            queue(store, who, LATER)


@pytest.mark.parametrize("reply", [Reply.SAME, Reply.TWO])
def test_whatever_is_answered_the_two_stay_apart_for_good(store: Store, reply: Reply) -> None:
    pair = adopted(store)
    answer(store, RUTH, approved(store), reply, "the same mother", LATER)
    assert queue(store, RUTH, LATER).count == 0
    assert ruling(store, pair) == Apart.PROTECTED
    with store.read(Login.INDEX) as index:
        last = tables.events_after(index, 0, kinds=[Kind.PART])[-1]
        members = tables.children_of(index, "council", [pair.old, pair.new])
        head = tables.head(index, "council")
    assert (last.child, last.other, last.why) == ("", "", {})
    assert head is not None
    assert last.state_hash == head[0]
    assert len(set(members.values())) == 2
    put(store, "council", pair.old, pair.new, "looks-alike", LATER)
    assert queue(store, RUTH, LATER).count == 0, "asked once"


def test_who_cannot_tell_leaves_it_in_the_queue(store: Store) -> None:
    pair = adopted(store)
    question = approved(store)
    answer(store, RUTH, question, Reply.UNSURE, "", LATER)
    assert [each.state for each in queue(store, RUTH, LATER).waiting] == [State.UNSURE]
    assert ruling(store, pair) == ""
    answer(store, RUTH, question, Reply.TWO, "", LATER)
    with pytest.raises(Missing):
        answer(store, RUTH, question, Reply.SAME, "", LATER)


def test_an_answer_needs_the_approval_too(store: Store) -> None:
    pair = adopted(store)
    with pytest.raises(Refused):
        answer(store, RUTH, the_question(store), Reply.SAME, "", LATER)
    assert ruling(store, pair) == ""


def test_a_pair_that_is_one_child_now_is_sealed_first(store: Store) -> None:
    pair = adopted(store, sealed=False)
    question = approved(store)
    with store.write(Login.INDEX) as index:
        state = gathered(store, index, "council", [], [pair.old, pair.new])
        into, gone = state["member", pair.old], state["member", pair.new]
        planned = lifecycle.merge(state, into, gone, lambda a, b: pair_tokens(store, a, b)[0])
        write(index, "council", [Draft(planned=planned)], {pair.new: Owned("council", "public task")}, NOW)
    with pytest.raises(Conflict, match="seal the former identity"):
        answer(store, RUTH, question, Reply.SAME, "", LATER)
    assert queue(store, RUTH, LATER).count == 1


def test_the_same_pair_is_asked_about_once_in_either_order(store: Store) -> None:
    pair = adopted(store)
    put(store, "council", pair.old, pair.new, "again", LATER)
    assert queue(store, RUTH, LATER).count == 1


def test_a_record_nobody_keeps_is_not_asked_about_and_an_erased_one_no_longer(store: Store) -> None:
    put(store, "council", "0" * 32, "1" * 32, "looks-alike", NOW)
    assert queue(store, RUTH, LATER).count == 0
    pair = adopted(store)
    question = the_question(store)
    with store.write(Login.INDEX) as index:
        index.execute(tables.index_records.delete().where(tables.index_records.c.record_key == pair.old))
    assert queue(store, RUTH, LATER).count == 0
    with pytest.raises(Missing):
        open_pair(store, RUTH, question, LATER)


def test_no_ledger_entry_log_row_or_error_names_the_pair(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    pair = adopted(store)
    said = []
    with pytest.raises(Refused) as raised:
        open_pair(store, RUTH, the_question(store), LATER)
    said.append(str(raised.value))
    question = approved(store)
    said.append(repr(open_pair(store, RUTH, question, LATER)))
    answer(store, RUTH, question, Reply.SAME, "the same mother", LATER)
    references = [set(ledger.references_to(store, key)) for key in (pair.old, pair.new)]
    with store.read(Login.GATE) as gate:
        entries = list(ledger.entries(gate))
    seen = [0, 0]
    for entry in entries:
        assert not all(set(entry.references) & mine for mine in references), "one entry names both"
        seen = [count + bool(set(entry.references) & mine) for count, mine in zip(seen, references, strict=True)]
        said.append(repr(entry))
    assert min(seen) > 0, "each of the two was recorded"
    said += [caplog.text, *the_rows(store)]
    for text in said:
        assert not re.search("Quillfeather|Lapwing|same mother|looks-alike", text)
    for text in (*said[:2], caplog.text, *the_rows(store)):
        assert pair.old not in text
        assert pair.new not in text


def the_rows(store: Store) -> list[str]:
    with store.read(Login.INDEX) as index:
        return [repr(tuple(row)) for row in index.execute(custody_store.index_custody.select())]


def test_a_sealed_row_that_was_moved_does_not_open(store: Store) -> None:
    adopted(store)
    table = custody_store.index_custody
    with store.write(Login.INDEX) as index:
        index.execute(table.update().values(question="0" * 64))
    with pytest.raises(Invalid):
        queue(store, RUTH, LATER)


# --- the page ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", name="server")
def a_server() -> Iterator[Served]:
    with served() as running:
        yield running


def a_pair_of(server: Served) -> Pair:
    """Two records of the custodian's organisation in its own index, and the question about them."""
    store, now = server.store, server.now
    grants = people_store.role_grants
    with store.read(Login.GATE) as gate:
        own = gate.execute(sa.select(grants.c.organisation).where(grants.c.role == RUTH.role)).scalar_one()
    with store.write(Login.INDEX) as index:
        if tables.head(index, own) is None:
            space = Space(space=own, title="Our own records", members=(own,))
            tables.keep_space(index, space, now, lifecycle.empty_hash())
    old, _ = a_record(store, space=own, owner=own, now=now)
    new, _ = a_record(store, space=own, owner=own, now=now, surname="Lapwing", nhs_number="9990000026")
    put(store, own, old, new, "looks-alike", now)
    return Pair(old, new)


def test_others_have_no_page_and_the_second_persons_tells_nothing(server: Served) -> None:
    officer = server.browser("information-governance")
    before = without_token(officer.open("/custody").text)
    assert "Approve" in before
    pair = a_pair_of(server)
    assert without_token(officer.open("/custody").text) == before
    assert "Pairs that wait" not in before
    assert pair.old not in server.log.getvalue()
    for persona in ("social-worker", "duty-desk", "access-manager"):
        assert server.browser(persona).get("/custody").status_code == 403


def without_token(page: str) -> str:
    return re.sub(r'name="token" value="[0-9a-f]+"', "", page)


def test_a_pair_from_the_list_to_an_answer_on_the_page(server: Served) -> None:
    pair = a_pair_of(server)
    custodian, officer = server.browser("custodian"), server.browser("information-governance")
    listed = custodian.open("/custody").text
    reference = re.findall(r'name="question" type="radio" value="([0-9a-f]{32})"', listed)[-1]
    assert custodian.send("/custody/pair").status_code == 400
    asked = custodian.send("/custody/pair", question=reference)
    assert asked.status_code == 403
    assert not re.search("Quillfeather|Lapwing", asked.text)
    officer.open("/custody")
    assert officer.send("/custody/approve", reference=reference).status_code == 400
    assert "Give the reference" in custodian.send("/custody/ask").text
    assert officer.send("/custody/approve", reference="").status_code == 400
    assert "You approved it" in officer.send("/custody/approve", reference=reference).text
    shown = custodian.send("/custody/pair", question=reference)
    assert {"Quillfeather", "Lapwing"} <= set(re.findall("Quillfeather|Lapwing", unmarked(shown.text)))
    assert custodian.send("/custody/answer").status_code == 400
    done = custodian.send("/custody/answer", reply=Reply.SAME.value, note="the same mother")
    assert "stay apart for good" in done.text
    assert reference not in done.text
    assert not re.search(f"Quillfeather|Lapwing|same mother|{pair.old}|{pair.new}|{reference}", server.log.getvalue())


def unmarked(page: str) -> str:
    return re.sub(r"</?(?:mark|ins|span|strong|b)\b[^>]*>", "", page)


def test_a_reference_of_nothing_is_told_as_such(server: Served) -> None:
    a_pair_of(server)
    custodian = server.browser("custodian")
    for action in ("/custody/pair", "/custody/ask", "/custody/answer"):
        custodian.open("/custody")
        token = re.search(r'name="token" value="([0-9a-f]+)"', custodian.page.text if custodian.page else "")
        assert token
        sent = {"token": token[1], "question": "0" * 32, "reply": Reply.TWO.value}
        assert custodian.client.post(action, data=sent).status_code == 400, action
        assert custodian.client.post(action, data={"token": token[1]}).status_code == 400
