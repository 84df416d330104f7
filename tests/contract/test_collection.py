"""The collection on real databases: what has a receipt is kept, merged, checked, identified, and purged for good."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

import gate
from asking import DAY, NOW
from collecting import KEY, a_council, a_payload, send
from samechild.cli.tables import all_tables
from samechild.collection import store as tables
from samechild.collection import who_store
from samechild.collection.daily import look_again
from samechild.collection.feeds import close_feed, feeds_of, processor_of
from samechild.collection.merge import Held
from samechild.collection.processing import process
from samechild.collection.purging import finish_purges, replay_purges
from samechild.collection.states import put_right, rebuilt, received, states_of
from samechild.errors import Conflict, Missing, Refused
from samechild.index import store as index_tables
from samechild.policy import ledger
from samechild.policy.received import both_keys
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store
from stores import a_store

SOON = timedelta(minutes=1)


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with a_store(request.param) as opened:
        yield opened


@pytest.fixture
def quick() -> Iterator[Store]:
    """One database is enough where what is tried has nothing to do with it."""
    with a_store("sqlite") as opened:
        yield opened


def keys_of(store: Store) -> list[str]:
    with store.read(Login.CONTENT, "council") as connection:
        return tables.all_children(connection, "council", "", 1000)


def held(store: Store) -> dict[str, Held]:
    """What is held, by the authority's own id; and that it is what was received adds up to."""
    record_keys = keys_of(store)
    keys = both_keys(store, record_keys)
    states = states_of(store, "council", record_keys, keys)
    for key, state in states.items():
        assert rebuilt(store, "council", key, keys) == state
    return {state.held.child["la_child_id"]: state.held for state in states.values()}


def sealed_of(store: Store, record_key: str) -> list[bytes]:
    """Every sealed value kept of a child, in both vaults."""
    found: list[bytes] = []
    for login, kept in (
        (Login.CONTENT, (tables.slices, tables.csc_states)),
        (Login.IDENTITY, (who_store.csc_identities,)),
    ):
        with store.read(login, "council") as connection:
            for table in kept:
                found += connection.scalars(sa.select(table.c.sealed).where(table.c.record_key == record_key))
    return found


def lies_in(store: Store, sealed: bytes) -> bool:
    """Whether these bytes are still to be found: in a SQLite installation's files, the logs included, else in a row."""
    piece = sealed[:200]  # a long value runs on in another page of the file
    if store.engines[Login.CONTENT].dialect.name == "sqlite":
        return any(piece in file.read_bytes() for file in store.home.iterdir() if file.is_file())
    for login, kept in (
        (Login.CONTENT, (tables.slices, tables.csc_states)),
        (Login.IDENTITY, (who_store.csc_identities,)),
    ):
        with store.read(login, "council") as connection:
            for table in kept:
                if sealed in connection.scalars(sa.select(table.c.sealed)).all():
                    return True
    return False


def key_called(store: Store, child: str) -> str:
    """The opaque key of a child, by the authority's own id."""
    record_keys = keys_of(store)
    states = states_of(store, "council", record_keys, both_keys(store, record_keys))
    return next(key for key, state in states.items() if state.held.child["la_child_id"] == child)


def work_off(store: Store, now: Any = NOW) -> int:
    return process(store, all_tables(), now)


def rules_open(store: Store) -> list[str]:
    with store.read(Login.CONTENT, "council") as connection:
        return sorted(row.rule for row in tables.issues_of(connection, "council", keys_of(store)))


def test_what_has_a_receipt_is_kept_and_merged(store: Store) -> None:
    by = a_council(store)
    taken = send(store, by, a_payload("C1"), a_payload("C2"))
    assert len(taken.receipts) == 2
    assert all(receipt.endswith(".json") and receipt.count("_") == 2 for receipt in taken.receipts)
    assert work_off(store) == 1
    assert set(held(store)) == {"C1", "C2"}
    send(store, by, {"la_child_id": "C1", "child_details": {"first_name": "Zoë"}}, now=NOW + DAY)
    assert work_off(store, NOW + DAY) == 1
    found = held(store)["C1"]
    assert found.child["child_details"]["first_name"] == "Zoë"
    assert found.child["child_details"]["surname"] == "Quillfeather", "absence deletes nothing"
    assert found.unreported["child_details/surname"] == (NOW + DAY).date().isoformat()
    assert work_off(store, NOW + DAY) == 0


def test_the_same_again_is_seen_and_not_kept(store: Store) -> None:
    by = a_council(store)
    send(store, by, a_payload("C1"))
    again = send(store, by, a_payload("C1"), now=NOW + SOON)
    assert (again.unchanged, len(again.receipts)) == (1, 1)
    with store.read(Login.CONTENT, "council") as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(tables.slices)) == 1
        assert connection.scalar(sa.select(tables.csc_children.c.seen_at)) == NOW + SOON
    assert work_off(store) == 1


def test_the_same_idempotency_key_is_answered_as_before(quick: Store) -> None:
    by = a_council(quick)
    first = send(quick, by, a_payload("C1"), idempotency_key="k1")
    again = send(quick, by, a_payload("C1"), idempotency_key="k1", now=NOW + SOON)
    assert again.again
    assert again.receipts == first.receipts
    with pytest.raises(Conflict):
        send(quick, by, a_payload("C2"), idempotency_key="k1", now=NOW + SOON)


def test_one_fault_refuses_all_unless_it_is_asked_otherwise(quick: Store) -> None:
    by = a_council(quick)
    bad = {"la_child_id": "C2", "colour": "red"}
    refused = send(quick, by, a_payload("C1"), bad)
    assert refused.receipts == ()
    assert {fault.position for fault in refused.faults} == {1}
    assert work_off(quick) == 0
    assert held(quick) == {}
    partly = send(quick, by, a_payload("C1"), bad, partial=True)
    assert [bool(receipt) for receipt in partly.receipts] == [True, False]
    assert work_off(quick) == 1
    assert set(held(quick)) == {"C1"}


def test_without_an_agreement_or_a_feed_nothing_is_taken(quick: Store) -> None:
    by = a_council(quick)
    with pytest.raises(Refused):
        send(quick, by, a_payload(), supplier_key="another")
    with pytest.raises(Missing):
        send(quick, by, a_payload(), authority="846")
    with pytest.raises(Refused):
        send(quick, by, a_payload(), now=NOW + 4000 * DAY)
    close_feed(quick, gate.an_officer("council"), "845", NOW + 4001 * DAY)
    with pytest.raises(Refused):
        send(quick, by, a_payload(), now=NOW + 4002 * DAY)
    assert keys_of(quick) == []
    with quick.read(Login.GATE) as connection:
        refusals = [e for e in ledger.entries(connection) if e.kind == "submission" and "refused" in e.body]
    assert len(refusals) == 4


def test_a_purged_child_is_gone_everywhere_and_the_others_stay(store: Store) -> None:
    by = a_council(store, index=True)
    canary = "Xylophaneria"
    send(store, by, *[a_payload(f"C{n}", details={"surname": f"Quill{n}"}) for n in range(5)])
    send(store, by, a_payload("K1", details={"surname": canary}, episode={"social_care_episode_id": canary}))
    work_off(store)
    before = held(store)
    canarys = key_called(store, "K1")
    as_kept = sealed_of(store, canarys)
    assert len(as_kept) >= 3, "the slice and both halves of the state"
    assert all(lies_in(store, each) for each in as_kept), "what is looked for below can be found"
    with store.read(Login.INDEX) as connection:
        assert index_tables.records_by_key(connection, [canarys])
    send(store, by, {"la_child_id": "K1", "purge": True}, now=NOW + SOON)
    again = send(store, by, a_payload("K1", details={"surname": "Another"}), now=NOW + SOON)
    assert again.receipts
    work_off(store, NOW + SOON)
    assert canarys not in keys_of(store)
    after = held(store)
    assert after.pop("K1").child["child_details"]["surname"] == "Another", "what was sent after the purge stays"
    before.pop("K1")
    assert after == before
    with store.read(Login.INDEX) as connection:
        assert not index_tables.records_by_key(connection, [canarys])
    assert both_keys(store, [canarys]) == {}
    assert not any(lies_in(store, each) for each in as_kept), "not even sealed"


def test_a_purge_within_a_child_is_cut_out_of_what_was_received(store: Store) -> None:
    by = a_council(store)
    plan = {"child_protection_plan_id": "PLAN-TO-GO", "start_date": "2026-04-01"}
    stays = {"child_protection_plan_id": "P2", "start_date": "2026-05-01"}
    send(store, by, a_payload("C1", episode={"child_protection_plans": [plan, stays]}))
    work_off(store)
    gone = [{"social_care_episode_id": "EC1", "child_protection_plans": [{**plan, "purge": True}]}]
    send(store, by, {"la_child_id": "C1", "social_care_episodes": gone}, now=NOW + SOON)
    work_off(store, NOW + SOON)
    [key] = keys_of(store)
    plans = held(store)["C1"].child["social_care_episodes"][0]["child_protection_plans"]
    assert [each["child_protection_plan_id"] for each in plans] == ["P2"]
    slices = received(store, "council", [key], both_keys(store, [key]))
    assert "2026-04-01" not in str([each.sent for each in slices])
    with store.read(Login.GATE) as connection:
        assert [e.body["slices"] for e in ledger.entries(connection) if e.kind == "purge"] == [2]


def test_a_backup_put_back_comes_out_without_what_was_purged(quick: Store) -> None:
    by = a_council(quick)
    plan = {"child_protection_plan_id": "PLANTOGO", "start_date": "2026-04-01"}
    send(quick, by, a_payload("C1", episode={"child_protection_plans": [plan]}))
    work_off(quick)
    [key] = keys_of(quick)
    with quick.read(Login.CONTENT, "council") as connection:
        slices = [dict(row._mapping) for row in connection.execute(sa.select(tables.slices))]
        states = [dict(row._mapping) for row in connection.execute(sa.select(tables.csc_states))]
    gone = [{"social_care_episode_id": "EC1", "child_protection_plans": [{**plan, "purge": True}]}]
    send(quick, by, {"la_child_id": "C1", "social_care_episodes": gone}, now=NOW + SOON)
    work_off(quick, NOW + SOON)
    with quick.write(Login.CONTENT, "council") as connection:  # as a backup from before would have it
        for table in (tables.slices, tables.csc_states, tables.csc_purges):
            connection.execute(table.delete())
        connection.execute(tables.slices.insert(), slices)
        connection.execute(tables.csc_states.insert(), states)
    assert put_right(quick, "council", [key], NOW) == [key]
    assert "child_protection_plans" in str(held(quick)["C1"].child)
    assert replay_purges(quick, NOW + 2 * SOON) == 1
    [feed] = feeds_of(quick)
    assert finish_purges(quick, feed, NOW + 2 * SOON) == 1
    assert "child_protection_plans" not in str(held(quick)["C1"].child)
    assert replay_purges(quick, NOW + 2 * SOON) == 0


def test_the_rules_look_at_the_merged_child(store: Store) -> None:
    by = a_council(store)
    send(store, by, a_payload("C1", episode={"closure_date": "2026-01-01", "closure_reason": "RC1"}))
    work_off(store)
    assert "EPI-05" in rules_open(store)
    fixed = [{"social_care_episode_id": "EC1", "closure_date": "2026-06-01"}]
    send(store, by, {"la_child_id": "C1", "social_care_episodes": fixed}, now=NOW + SOON)
    work_off(store, NOW + SOON)
    assert "EPI-05" not in rules_open(store)


def test_one_upn_on_two_children_is_told_of_both_until_it_is_mended(store: Store) -> None:
    by = a_council(store)
    upn = {"unique_pupil_number": "A000000000001"}
    send(store, by, a_payload("C1", details=upn))
    work_off(store)
    assert "CHD-33" not in rules_open(store)
    send(store, by, a_payload("C2", details={**upn, "first_name": "Other"}), now=NOW + SOON)
    work_off(store, NOW + SOON)
    assert rules_open(store).count("CHD-33") == 2
    send(store, by, {"la_child_id": "C2", "purge": True}, now=NOW + 2 * SOON)
    work_off(store, NOW + 2 * SOON)
    assert "CHD-33" not in rules_open(store)


def test_a_upn_that_many_carry_brings_nobody_back_who_is_told_of_it_already(quick: Store) -> None:
    by = a_council(quick)
    upn = {"unique_pupil_number": "A000000000001"}
    send(quick, by, *[a_payload(f"C{n}", details={**upn, "surname": f"Quill{n}"}) for n in range(6)])
    work_off(quick)
    assert rules_open(quick).count("CHD-33") == 6
    with quick.write(Login.CONTENT, "council") as connection:
        connection.execute(tables.csc_issues.delete())  # whoever is looked at again has an issue again
    send(quick, by, a_payload("C9", details={**upn, "surname": "Quill9"}), now=NOW + SOON)
    work_off(quick, NOW + SOON)
    assert rules_open(quick).count("CHD-33") == 1


def test_what_was_found_in_a_step_stays_when_another_child_changes(quick: Store) -> None:
    by = a_council(quick)
    send(quick, by, a_payload("C1"))
    work_off(quick)
    upn = {"unique_pupil_number": "A000000000001"}
    send(quick, by, a_payload("C1", details={"date_of_birth": "2015-03-15", **upn}), now=NOW + SOON)
    work_off(quick, NOW + SOON)
    assert "CHD-35" in rules_open(quick)
    send(quick, by, a_payload("C2", details={"first_name": "Thea", **upn}), now=NOW + 2 * SOON)
    work_off(quick, NOW + 2 * SOON)
    assert rules_open(quick).count("CHD-33") == 2
    assert "CHD-35" in rules_open(quick), "nothing was sent of that child since"


def test_children_are_identified_in_the_councils_own_space(store: Store) -> None:
    by = a_council(store, index=True)
    send(store, by, a_payload("C1"), a_payload("C2", details={"first_name": "Thea", "date_of_birth": "2011-11-30"}))
    work_off(store)
    record_keys = keys_of(store)
    with store.read(Login.INDEX) as connection:
        children = index_tables.children_of(connection, "council", record_keys)
    assert set(children) == set(record_keys)
    assert len(set(children.values())) == 2


def test_an_adoption_closes_the_former_identity(quick: Store) -> None:
    by = a_council(quick, index=True)
    placement = {
        "child_looked_after_placement_id": "P1",
        "start_date": "2024-01-01",
        "start_reason": "S",
        "placement_type": "A3",
        "end_date": "2026-05-05",
        "end_reason": "E11",
    }
    send(quick, by, a_payload("C1", episode={"child_looked_after_placements": [placement]}))
    work_off(quick)
    [key] = keys_of(quick)
    with quick.read(Login.INDEX) as connection:
        assert index_tables.lines_by_key(connection, "council", "sealed", [key])


def test_a_kill_between_the_vaults_is_put_right(quick: Store) -> None:
    by = a_council(quick)
    send(quick, by, a_payload("C1"))
    work_off(quick)
    send(quick, by, {"la_child_id": "C1", "child_details": {"first_name": "Thea"}}, now=NOW + SOON)
    with quick.read(Login.CONTENT, "council") as connection:
        before = [dict(row._mapping) for row in connection.execute(sa.select(tables.csc_states))]
    work_off(quick, NOW + SOON)
    with quick.write(Login.CONTENT, "council") as connection:  # the identity vault is one submission ahead
        connection.execute(tables.csc_states.delete())
        connection.execute(tables.csc_states.insert(), before)
        connection.execute(tables.submissions.update().values(state="received"))
    work_off(quick, NOW + SOON)
    assert held(quick)["C1"].child["child_details"]["first_name"] == "Thea"


def test_a_request_and_the_worker_do_not_wait_for_each_other_for_good() -> None:
    with a_store("postgres") as store:
        by = a_council(store)
        send(store, by, a_payload("C1"), a_payload("C2"))
        one, two = keys_of(store)

        def identified() -> None:
            with store.write(Login.CONTENT, "council") as worker:
                tables.identified(worker, "council", [one, two], 1)

        for first, second in ((one, two), (two, one)):  # whichever the worker comes to first
            with ThreadPoolExecutor(1) as pool:
                with store.write(Login.CONTENT, "council") as request:
                    tables.hold(request, "council")
                    tables.children_changed(request, [{"its_key": first, "digest": "", "now": NOW}])
                    beside = pool.submit(identified)
                    time.sleep(0.3)
                    tables.children_changed(request, [{"its_key": second, "digest": "", "now": NOW}])
                beside.result()


class _Stopped(Exception):
    """The program ended just before it would have committed."""


def _stopped_before(store: Store, commit: int, now: Any) -> bool:
    """Work off what is waiting, and end before this commit of it; False when there were not so many."""
    left = [commit]

    def count(connection: sa.Connection) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise _Stopped

    engines = list(store.engines.values())
    for engine in engines:
        sa.event.listen(engine, "commit", count)
    try:
        work_off(store, now)
    except _Stopped:
        return True
    finally:
        for engine in engines:
            sa.event.remove(engine, "commit", count)
    return False


@pytest.mark.slow
def test_wherever_it_is_interrupted_the_rules_come_to_the_same(quick: Store) -> None:
    by = a_council(quick, index=True)

    def told() -> list[str]:
        """Whose UPN is said to be another child's too."""
        names = {key_called(quick, name): name for name in held(quick)}
        with quick.read(Login.CONTENT, "council") as connection:
            rows = tables.issues_of(connection, "council", keys_of(quick))
        return sorted(names[row.record_key] for row in rows if row.rule == "CHD-33")

    def a_turn(number: int) -> bool:
        """Three pairs: one parted by another number, one by a purge, one made by a new child."""
        called = [f"{letter}{number}" for letter in "ABCDEF"]
        now = NOW + number * timedelta(hours=1)

        def whole(at: int) -> dict[str, Any]:
            upn = f"A{number:08}000{at // 2}"
            return a_payload(called[at], details={"surname": f"Quill{called[at]}", "unique_pupil_number": upn})

        send(quick, by, *[whole(at) for at in range(5)], now=now)
        work_off(quick, now)
        assert told() == called[:4]
        renumbered = {"la_child_id": called[0], "child_details": {"unique_pupil_number": f"A{number:08}0009"}}
        purged = {"la_child_id": called[2], "purge": True}
        send(quick, by, renumbered, purged, whole(5), now=now + SOON)
        stopped = _stopped_before(quick, number, now + SOON)
        work_off(quick, now + SOON)
        assert told() == called[4:], f"interrupted before commit {number}"
        rest = [{"la_child_id": name, "purge": True} for name in called if name != called[2]]
        send(quick, by, *rest, now=now + 2 * SOON)
        work_off(quick, now + 2 * SOON)
        assert told() == []
        return stopped

    commits = 0
    while a_turn(commits + 1):
        commits += 1
    assert commits > 5


def test_a_purge_of_nobody_known_is_answered_and_keeps_nothing(quick: Store) -> None:
    by = a_council(quick)
    assert len(send(quick, by, {"la_child_id": "C9", "purge": True}).receipts) == 1
    assert work_off(quick) == 0
    assert keys_of(quick) == []


def test_another_organisations_system_reaches_nothing(quick: Store) -> None:
    a_council(quick)
    other = Asker(user="sender-trust", organisation="trust", role="submitting-system", factors=2)
    with quick.write(Login.GATE) as connection:
        gate.give(connection, other)
    with pytest.raises(Refused):
        send(quick, other, a_payload(), supplier_key=KEY)
    assert processor_of(feeds_of(quick)[0]).organisation == "council"


def test_a_new_day_alone_changes_what_the_rules_say_and_is_counted(store: Store) -> None:
    by = a_council(store)
    assessment = {"child_and_family_assessment_id": "A1", "start_date": NOW.date().isoformat()}
    send(store, by, a_payload("C1", episode={"child_and_family_assessments": [assessment]}), a_payload("C2"))
    work_off(store)
    assert "ASM-12" not in rules_open(store)
    [feed] = feeds_of(store)
    numbers = look_again(store, feed, NOW)
    assert (numbers["held"], numbers["records"], numbers["new"]) == (2, 2, 2)
    later = look_again(store, feed, NOW + 100 * DAY)
    assert "ASM-12" in rules_open(store)
    assert later["rule.LAX-06"] == 1, "nothing was received for days"


def test_a_problem_that_comes_and_goes_within_one_moment_is_there(store: Store) -> None:
    by = a_council(store)
    wrong = {"closure_date": "2026-01-01", "closure_reason": "RC1"}
    for closed in ("2026-01-01", "2026-06-01", "2026-01-01"):
        episode = {"social_care_episode_id": "EC1", **wrong, "closure_date": closed}
        send(store, by, a_payload("C1", episode=episode))
        work_off(store)
    assert "EPI-05" in rules_open(store)
