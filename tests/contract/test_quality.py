"""What a council's people and systems see of their own records: counted, listed, opened, compared; nobody else's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

import gate
from asking import DAY, NOW, a_line
from collecting import a_council, a_payload, send
from samechild.cli.tables import all_tables
from samechild.collection import feeds_store
from samechild.collection.beyond import CATEGORIES
from samechild.collection.credentials import own_feeds
from samechild.collection.daily import look_again
from samechild.collection.feeds import open_feed
from samechild.collection.processing import process
from samechild.collection.reading.councils import closed_purposes, councils
from samechild.collection.reading.days import Mark
from samechild.collection.reading.issues import by_child, by_team, by_worker, file_of, listed, overview
from samechild.collection.reading.one import read_child
from samechild.collection.reading.opening import Told, errors, find_child, held, request
from samechild.collection.reading.received import cohort, cohort_file, compare, received
from samechild.collection.reading.store import Wanted, csc_teams
from samechild.collection.reading.teams import keep_teams, team_token, workers_in
from samechild.collection.records import Feed
from samechild.errors import Invalid, Missing, Refused
from samechild.policy import ledger
from samechild.policy.people.organisations import Organisation
from samechild.policy.people.store import keep_organisation
from samechild.policy.relationship_actions import set_mark
from samechild.policy.sign_in.opaque import digest
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store
from stores import a_store

VIEWER = Asker(user="viewer", organisation="council", role="quality-viewer", factors=2)
WORKERS = [{"worker_id": "SW1", "start_date": "2026-03-02"}]
WRONG = {"details": {"sex": "X"}, "episode": {"care_worker_details": WORKERS}}


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with a_store(request.param) as opened:
        yield opened


@pytest.fixture
def quick() -> Iterator[Store]:
    """One database is enough where what is tried has nothing to do with it."""
    with a_store("sqlite") as opened:
        yield opened


def a_team(store: Store, **feed: Any) -> Asker:
    """A council that sends, and somebody of its data team; the system that sends is returned."""
    by = a_council(store, **feed)
    with store.write(Login.GATE) as connection:
        gate.give(connection, VIEWER)
    return by


def feed_for(store: Store, by: Asker) -> Feed:
    """The feed of somebody's own organisation."""
    return own_feeds(store, by)[0]


def sent(store: Store, by: Asker, *them: dict[str, Any], at: Any = NOW, **given: Any) -> None:
    send(store, by, *them, now=at, **given)
    process(store, all_tables(), at)


def right(child: str, number: int = 0) -> dict[str, Any]:
    """A child in whose record there is nothing wrong but what is always asked."""
    return a_payload(child, details={"first_name": f"Robin{number}"})


def rules_in(store: Store, wanted: Wanted, now: Any = NOW) -> list[tuple[str, str]]:
    return sorted(
        (line.la_child_id, line.rule.code)
        for line in listed(store, VIEWER, feed_for(store, VIEWER), wanted, 1, now).lines
    )


def test_problems_are_new_then_old_then_fixed(store: Store) -> None:
    by = a_team(store)
    sent(store, by, a_payload("C1", **WRONG), right("C2"))
    found = overview(store, VIEWER, feed_for(store, VIEWER), NOW)
    sex = next(each for each in found.rules if each.rule.code == "CHD-06")
    assert (sex.open, sex.children, sex.new, sex.old, sex.fixed) == (1, 1, 1, 0, 0)
    assert (found.held, found.last, found.waiting) == (2, NOW, 0)
    later = NOW + 2 * DAY
    sex = next(
        each for each in overview(store, VIEWER, feed_for(store, VIEWER), later).rules if each.rule.code == "CHD-06"
    )
    assert (sex.new, sex.old) == (0, 1)
    sent(store, by, a_payload("C1", details={"sex": "F"}), at=later)
    sex = next(
        each for each in overview(store, VIEWER, feed_for(store, VIEWER), later).rules if each.rule.code == "CHD-06"
    )
    assert (sex.open, sex.fixed) == (0, 1)
    assert ("C1", "CHD-06") in rules_in(store, Wanted(state="fixed", since=NOW), later)
    assert ("C1", "CHD-06") not in rules_in(store, Wanted(), later)
    course = dict(overview(store, VIEWER, feed_for(store, VIEWER), later).course)
    assert course[later.date()] == course[NOW.date()] - 1


def test_the_list_is_filtered(store: Store) -> None:
    by = a_team(store)
    sent(store, by, a_payload("C1", **WRONG), right("C2"))
    sent(store, by, a_payload("C3", details={"sex": "Z", "first_name": "Jay"}), at=NOW + 5 * DAY)
    now = NOW + 5 * DAY
    everything = rules_in(store, Wanted(), now)
    assert {("C1", "CHD-06"), ("C3", "CHD-06")} <= set(everything)
    assert [child for child, _ in rules_in(store, Wanted(rule="CHD-06"), now)] == ["C1", "C3"]
    assert rules_in(store, Wanted(rule="CHD-06", before=NOW + DAY), now) == [("C1", "CHD-06")]
    assert rules_in(store, Wanted(rule="CHD-06", state="new", since=NOW + DAY), now) == [("C3", "CHD-06")]
    assert rules_in(store, Wanted(rule="CHD-06", state="old", since=NOW + DAY), now) == [("C1", "CHD-06")]
    grades = {
        line.grade for line in listed(store, VIEWER, feed_for(store, VIEWER), Wanted(grade="query"), 1, now).lines
    }
    assert grades == {"query"}
    assert sorted(set(everything)) == sorted(
        {*rules_in(store, Wanted(grade="query"), now), *rules_in(store, Wanted(grade="error"), now)}
        | set(rules_in(store, Wanted(grade="info"), now))
    )


def test_a_page_beyond_the_last_is_the_last(quick: Store) -> None:
    by = a_team(quick)
    sent(quick, by, *(a_payload(f"C{number}", details={"sex": "X"}) for number in range(60)))
    first = listed(quick, VIEWER, feed_for(quick, VIEWER), Wanted(rule="CHD-06"), 1, NOW)
    last = listed(quick, VIEWER, feed_for(quick, VIEWER), Wanted(rule="CHD-06"), 99, NOW)
    assert (first.pages, len(first.lines), last.page, len(last.lines)) == (2, 50, 2, 10)
    assert {line.la_child_id for line in (*first.lines, *last.lines)} == {f"C{number}" for number in range(60)}
    tallies, page, children = by_child(quick, VIEWER, feed_for(quick, VIEWER), 99, NOW)
    assert (page, children, len(tallies)) == (2, 60, 10)


def test_workers_and_teams_are_told_to_the_council(store: Store) -> None:
    by = a_team(store)
    sent(store, by, a_payload("C1", **WRONG), right("C2"))
    tallies = {each.words: each for each in by_worker(store, VIEWER, feed_for(store, VIEWER), NOW)}
    assert tallies["SW1"].errors >= 1
    assert "" in tallies, "problems of children of whom no worker is known"
    assert keep_teams(store, VIEWER, feed_for(store, VIEWER), "SW1,North\nSW2,South", NOW, os.urandom) == 2
    assert {each.words for each in by_team(by_worker(store, VIEWER, feed_for(store, VIEWER), NOW))} == {"North", ""}
    token = team_token(store, "council", "North")
    assert {child for child, _ in rules_in(store, Wanted(workers=workers_in(store, "council", token)))} == {"C1"}
    assert workers_in(store, "council", "0" * 32) == ()
    line = listed(store, VIEWER, feed_for(store, VIEWER), Wanted(rule="CHD-06"), 1, NOW).lines[0]
    assert (line.worker, line.team) == ("SW1", "North")
    with store.read(Login.CONTENT, "council") as connection:
        row = connection.execute(sa.select(csc_teams)).one()
    assert b"North" not in row.sealed
    with pytest.raises(Invalid):
        keep_teams(store, VIEWER, feed_for(store, VIEWER), "nonsense", NOW, os.urandom)


def test_a_child_is_found_by_its_own_id_and_opened(store: Store) -> None:
    by = a_team(store)
    sent(store, by, a_payload("C1", **WRONG), right("C2"))
    feed = feed_for(store, VIEWER)
    before = ledger.head(store).size
    key = find_child(store, VIEWER, feed, " C1 ", NOW)
    found = read_child(store, VIEWER, feed_for(store, VIEWER), key, NOW)
    assert ledger.head(store).size > before, "both stand in the ledger"
    assert found.held.child["la_child_id"] == "C1"
    assert found.held.child["child_details"]["surname"] == "Quillfeather"
    sex = next(fault for fault in found.faults if fault.rule.code == "CHD-06")
    assert sex.places == ("child_details/sex",)
    assert (found.first, found.seen) == (NOW, NOW)
    for nobody in ("C9", "X" * 36):
        with pytest.raises(Missing):
            find_child(store, VIEWER, feed, nobody, NOW)
    with pytest.raises(Invalid):
        find_child(store, VIEWER, feed, "  ", NOW)
    with pytest.raises(Missing):
        read_child(store, VIEWER, feed_for(store, VIEWER), "0" * 32, NOW)


def test_a_child_is_shown_as_it_was_known_on_a_day(store: Store) -> None:
    by = a_team(store)
    sent(store, by, a_payload("C1", **WRONG))
    later = NOW + 3 * DAY
    sent(store, by, a_payload("C1", details={"sex": "F"}), at=later)
    key = find_child(store, VIEWER, feed_for(store, VIEWER), "C1", later)
    then = read_child(store, VIEWER, feed_for(store, VIEWER), key, later, NOW.date())
    assert then.held.child["child_details"]["sex"] == "X"
    assert then.faults == ()
    assert read_child(store, VIEWER, feed_for(store, VIEWER), key, later).held.child["child_details"]["sex"] == "F"
    with pytest.raises(Missing):
        read_child(store, VIEWER, feed_for(store, VIEWER), key, later, (NOW - DAY).date())


def test_a_purged_child_is_nowhere(store: Store) -> None:
    by = a_team(store)
    sent(store, by, a_payload("C1", **WRONG), right("C2"))
    key = find_child(store, VIEWER, feed_for(store, VIEWER), "C1", NOW)
    sent(store, by, {"la_child_id": "C1", "purge": True}, at=NOW + DAY)
    now = NOW + DAY
    with pytest.raises(Missing):
        find_child(store, VIEWER, feed_for(store, VIEWER), "C1", now)
    with pytest.raises(Missing):
        read_child(store, VIEWER, feed_for(store, VIEWER), key, now)
    assert {child for child, _ in rules_in(store, Wanted(), now)} <= {"C2"}
    assert overview(store, VIEWER, feed_for(store, VIEWER), now).held == 1
    assert compare(store, VIEWER, feed_for(store, VIEWER), ["C1", "C2"], now).not_held == ("C1",)


def test_a_shielded_childs_place_is_not_shown(quick: Store) -> None:
    by = a_team(quick)
    placement = {"child_looked_after_placement_id": "P1", "start_date": "2026-03-03", "postcode": "ZZ99 4AA"}
    sent(quick, by, a_payload("C1", details={"sex": "X"}, episode={"child_looked_after_placements": [placement]}))
    key = find_child(quick, VIEWER, feed_for(quick, VIEWER), "C1", NOW)
    assert "ZZ99" in str(read_child(quick, VIEWER, feed_for(quick, VIEWER), key, NOW).held.child)
    set_mark(quick, gate.an_officer("council"), "council", [key], "shielded", NOW)
    assert "ZZ99" not in str(read_child(quick, VIEWER, feed_for(quick, VIEWER), key, NOW + DAY).held.child)


def test_what_came_is_told_by_day_and_what_was_not_taken(store: Store) -> None:
    by = a_team(store)
    for number in range(5):
        if number != 3:
            sent(store, by, right("C1"), right("C2"), at=NOW + number * DAY, request_id=f"r{number}")
    sent(store, by, {"la_child_id": "no id"}, at=NOW + 4 * DAY, request_id="bad")
    found = received(store, VIEWER, feed_for(store, VIEWER), NOW + 6 * DAY)
    marks = {each.day: each for each in found.days}
    assert marks[(NOW + DAY).date()].came.unchanged == 2
    assert marks[NOW.date()].came.changed == 2
    assert marks[(NOW + 3 * DAY).date()].mark is Mark.MISSING
    assert marks[(NOW + 4 * DAY).date()].came.refused == 1
    assert [(each.request, each.refused) for each in found.refusals] == [("bad", 1)]
    assert found.refusals[0].faults[0].rule == "STR-04"


def test_who_is_no_longer_sent_is_told_once_everybody_else_was(store: Store) -> None:
    by = a_team(store)
    them = [right(f"C{number}", number) for number in range(10)]
    sent(store, by, *them)
    assert cohort(store, VIEWER, feed_for(store, VIEWER), 1, NOW).unseen == 0
    sent(store, by, *them[:-1], at=NOW + DAY)
    found = cohort(store, VIEWER, feed_for(store, VIEWER), 1, NOW + DAY)
    assert (found.full, found.unseen) == ((NOW + DAY).date(), 1)
    assert [line.la_child_id for line in found.lines] == ["C9"]
    assert cohort_file(store, VIEWER, feed_for(store, VIEWER), NOW + DAY).to_pylist()[0]["Child id"] == "C9"
    assert cohort(store, VIEWER, feed_for(store, VIEWER), 1, NOW + 20 * DAY, days=30).unseen == 0
    assert cohort(store, VIEWER, feed_for(store, VIEWER), 1, NOW + 32 * DAY, days=30).unseen == 10


def test_a_council_that_sends_changes_only_is_not_told_that_children_are_gone(quick: Store) -> None:
    by = a_team(quick)
    for number in range(10):
        sent(quick, by, right(f"C{number}", number), at=NOW + number * DAY)
    found = cohort(quick, VIEWER, feed_for(quick, VIEWER), 1, NOW + 10 * DAY)
    assert (found.full, found.unseen, found.held) == (None, 0, 10)


def test_a_list_of_the_councils_own_is_compared_and_not_kept(store: Store) -> None:
    by = a_team(store)
    sent(store, by, right("C1"), right("C2"), right("C3"))
    found = compare(store, VIEWER, feed_for(store, VIEWER), ["C1", "C2", "QUILLNOWHERE"], NOW)
    assert (found.given, found.both, found.not_held, found.not_listed_count) == (3, 2, ("QUILLNOWHERE",), 1)
    assert [name for _, name in found.not_listed] == ["C3"]
    for login in (Login.GATE, Login.CONTENT, Login.IDENTITY):
        with store.read(login, "council") as connection:
            assert not kept_anywhere(connection, "QUILLNOWHERE")


def kept_anywhere(connection: sa.Connection, words: str) -> list[str]:
    """The tables that hold a text in plain."""
    found = []
    for name in sa.inspect(connection).get_table_names():
        table = sa.Table(name, sa.MetaData(), autoload_with=connection)
        try:
            with connection.begin_nested():
                rows = connection.execute(sa.select(table)).all()
        except sa.exc.DBAPIError:
            continue
        found += [name for row in rows if words in str(row)]
    return found


def test_systems_read_back_what_is_held_and_what_is_wrong(store: Store) -> None:
    by = a_team(store)
    sent(store, by, *(a_payload(f"C{number}", **WRONG) for number in range(4)), request_id="r7")
    feed = feed_for(store, by)
    back = held(store, by, feed, "C1", NOW)
    assert back["child"]["child_details"]["sex"] == "X"
    assert "CHD-06" in {problem["rule"] for problem in back["problems"]}
    told: list[Told] = []
    after, pages = "", 0
    while True:
        page = errors(store, by, feed, after, 3, NOW)
        told += page.problems
        after, pages = page.after, pages + 1
        if not after:
            break
    assert pages > 2
    assert len({(each.la_child_id, each.rule) for each in told}) == len(told)
    assert {each.la_child_id for each in told if each.rule == "CHD-06"} == {f"C{number}" for number in range(4)}
    (only,) = request(store, by, feed, "r7")
    assert (only.records, only.changed, only.status) == (4, 4, 200)
    with pytest.raises(Missing):
        request(store, by, feed, "nothing")
    for nonsense in ("x", "a~b", "~~~", "é~b~c"):
        with pytest.raises(Invalid):
            errors(store, by, feed, nonsense, 3, NOW)
    for many in (0, 501):
        with pytest.raises(Invalid):
            errors(store, by, feed, "", many, NOW)


def test_a_file_cannot_run_and_names_the_values(quick: Store, tmp_path: Any) -> None:
    from samechild.web.downloads import as_file

    by = a_team(quick)
    workers = [{"worker_id": "-SW1", "start_date": "2026-03-02"}]
    sent(quick, by, a_payload("C1", details={"sex": "X"}, episode={"care_worker_details": workers}))
    keep_teams(quick, VIEWER, feed_for(quick, VIEWER), "-SW1,=cmd()", NOW, os.urandom)
    table, problems = file_of(quick, VIEWER, feed_for(quick, VIEWER), Wanted(), NOW)
    assert table.num_rows == problems
    sex = next(row for row in table.to_pylist() if row["Code"] == "CHD-06")
    assert (sex["Child id"], sex["Where"], sex["Worker"], sex["Team"]) == (
        "C1",
        "Personal details: Sex",
        "-SW1",
        "=cmd()",
    )
    csv = as_file(table, "csv", "problems", "Problems").content.decode("utf-8-sig")
    assert "'=cmd()" in csv
    assert "'-SW1" in csv
    assert "Quillfeather" not in csv, "a file holds ids and places, never a value"
    assert as_file(table, "xlsx", "problems", "Problems").content[:2] == b"PK"


def test_who_has_no_such_role_sees_nothing(quick: Store) -> None:
    by = a_team(quick)
    sent(quick, by, a_payload("C1", **WRONG))
    key = find_child(quick, VIEWER, feed_for(quick, VIEWER), "C1", NOW)
    feed = feed_for(quick, VIEWER)
    strangers = (
        msgspec.structs.replace(VIEWER, user="nobody"),
        msgspec.structs.replace(VIEWER, factors=1),
        gate.WORKER,
        gate.an_officer("council"),
    )
    for who in strangers:
        before = ledger.head(quick).size
        with pytest.raises(Refused):
            overview(quick, who, feed, NOW)
        with pytest.raises(Refused):
            listed(quick, who, feed, Wanted(), 1, NOW)
        with pytest.raises(Refused):
            read_child(quick, who, feed, key, NOW)
        with pytest.raises(Refused):
            find_child(quick, who, feed, "C1", NOW)
        assert ledger.head(quick).size == before + 4, "each refusal stands in the ledger"


def another_council(store: Store) -> Asker:
    """A second council with a feed of its own; somebody of its data team."""
    other = Organisation(
        organisation="other",
        kind="local-authority",
        name="Another council",
        active_from=NOW - 30 * DAY,
        codes={"la-code": "846"},
    )
    viewer = Asker(user="other-viewer", organisation="other", role="quality-viewer", factors=2)
    system = Asker(user="other-system", organisation="other", role="submitting-system", factors=2)
    with store.write(Login.GATE) as connection:
        keep_organisation(connection, other)
        for person in (viewer, system, gate.an_officer("other")):
            gate.give(connection, person)
    made = gate.a_signed_agreement(store, owner="other", parties=("other", "school"))
    feed = Feed(
        feed="846",
        authority="846",
        owner="other",
        agreement=made.agreement,
        categories=CATEGORIES,
        opened_at=NOW,
    )
    open_feed(store, gate.an_officer("other"), feed, NOW)
    with store.write(Login.GATE) as connection:
        feeds_store.keep_client(
            connection,
            client=system.user,
            organisation="other",
            feed="846",
            supplier="",
            way="own build",
            valid_from=NOW,
            valid_until=None,
            added_by="test",
        )
    return viewer


def test_another_council_reaches_nothing(store: Store) -> None:
    by = a_team(store)
    sent(store, by, a_payload("C1", **WRONG), request_id="r1")
    key = find_child(store, VIEWER, feed_for(store, VIEWER), "C1", NOW)
    keep_teams(store, VIEWER, feed_for(store, VIEWER), "SW1,North", NOW, os.urandom)
    theirs, ours = another_council(store), feed_for(store, VIEWER)
    found = overview(store, theirs, feed_for(store, theirs), NOW)
    assert (found.held, found.rules, found.last) == (0, (), None)
    assert listed(store, theirs, feed_for(store, theirs), Wanted(), 1, NOW).problems == 0
    assert by_worker(store, theirs, feed_for(store, theirs), NOW) == []
    assert received(store, theirs, feed_for(store, theirs), NOW).last is None
    assert compare(store, theirs, feed_for(store, theirs), ["C1"], NOW).not_held == ("C1",)
    assert workers_in(store, "other", team_token(store, "council", "North")) == ()
    with pytest.raises(Missing):
        read_child(store, theirs, feed_for(store, theirs), key, NOW)
    with pytest.raises(Missing):
        find_child(store, theirs, feed_for(store, theirs), "C1", NOW)
    system = Asker(user="other-system", organisation="other", role="submitting-system", factors=2)
    with pytest.raises(Refused):
        held(store, system, ours, "C1", NOW)
    with pytest.raises(Refused):
        errors(store, system, ours, "", 10, NOW)
    with pytest.raises(Missing):
        request(store, system, ours, "r1")


def test_the_department_sees_counts_for_its_closed_purposes_alone(store: Store) -> None:
    with store.write(Login.GATE) as connection:
        dfe = Organisation(
            organisation="dfe", kind="department-for-education", name="The department", active_from=NOW - 30 * DAY
        )
        keep_organisation(connection, dfe)
        analyst = Asker(user="analyst", organisation="dfe", role="analyst", factors=2)
        for person in (analyst, gate.an_officer("dfe")):
            gate.give(connection, person)
    by = a_team(store)
    sent(store, by, *(a_payload(f"C{number}", **WRONG) for number in range(8)))
    (none,) = councils(store, analyst, "development", NOW)
    assert (none.allowed, none.held) == (False, 0)
    line = a_line(
        modes=("existence",),
        purposes=("development",),
        powers=("CA1989-s83",),
        bases=("6(1)(e)",),
        conditions=("Sch1-4",),
    )
    gate.a_signed_agreement(store, parties=("council", "dfe"), rules=(line,))
    (seen,) = councils(store, analyst, "development", NOW)
    assert (seen.allowed, seen.held, seen.records) == (True, 8, 8)
    assert ("CHD-06", 8) in [(rule.code, number) for rule, number in seen.rules]
    for purpose in ("evaluation", "service-planning", "performance-management"):
        (refused,) = councils(store, analyst, purpose, NOW)
        assert not refused.allowed
    assert set(closed_purposes(analyst)) == {"research", "evaluation", "development"}
    assert own_feeds(store, analyst) == []
    with pytest.raises(Refused):
        overview(store, analyst, feed_for(store, VIEWER), NOW)


def test_what_is_unusual_about_the_whole_council_is_told(quick: Store) -> None:
    by = a_team(quick)
    sent(quick, by, *(right(f"C{number}", number) for number in range(30)))
    look_again(quick, feed_for(quick, VIEWER), NOW + timedelta(days=20))
    found = overview(quick, VIEWER, feed_for(quick, VIEWER), NOW + timedelta(days=20))
    assert "LAX" in {rule.code[:3] for rule in found.whole}


def test_an_organisation_that_sends_nothing_has_nothing_to_look_at(quick: Store) -> None:
    a_team(quick)
    lead = Asker(user="lead", organisation="school", role="safeguarding-lead", factors=2)
    assert own_feeds(quick, lead) == []
    for reads in (overview, by_worker, received):
        with pytest.raises(Refused):
            reads(quick, lead, feed_for(quick, VIEWER), NOW)
    with pytest.raises(Refused):
        compare(quick, lead, feed_for(quick, VIEWER), ["C1"], NOW)


# --- the sandbox ------------------------------------------------------------------------------------------------------


def a_sandbox(store: Store) -> tuple[Asker, Feed]:
    """The sandbox of the council, and the system that sends to it."""
    live = feed_for(store, VIEWER)
    made = msgspec.structs.replace(live, feed="845-sandbox", owner="council-sandbox")
    system = Asker(user="sandbox-system", organisation="council-sandbox", role="submitting-system", factors=2)
    open_feed(store, gate.an_officer("council"), made, NOW)
    with store.write(Login.GATE) as connection:
        gate.give(connection, system)
        feeds_store.keep_client(
            connection,
            client=system.user,
            organisation="council-sandbox",
            feed="845-sandbox",
            supplier="",
            way="own build",
            valid_from=NOW,
            valid_until=None,
            added_by="test",
        )
        feeds_store.keep_key(connection, digest("sandbox-key"), system.user, NOW)
    return system, made


def test_a_council_sees_its_sandbox_as_it_sees_its_live_records(store: Store) -> None:
    by = a_team(store)
    system, sandbox = a_sandbox(store)
    sent(store, by, right("C1"), request_id="live")
    sent(store, system, a_payload("T1", **WRONG), sandbox=True, supplier_key="sandbox-key", request_id="trial")
    live = feed_for(store, VIEWER)
    assert own_feeds(store, VIEWER) == [live, sandbox]
    assert ("T1", "CHD-06") in [
        (line.la_child_id, line.rule.code) for line in listed(store, VIEWER, sandbox, Wanted(), 1, NOW).lines
    ]
    assert "T1" not in {line.la_child_id for line in listed(store, VIEWER, live, Wanted(), 1, NOW).lines}
    before = ledger.head(store).size
    key = find_child(store, VIEWER, sandbox, "T1", NOW)
    assert read_child(store, VIEWER, sandbox, key, NOW).held.child["la_child_id"] == "T1"
    assert ledger.head(store).size > before, "looking into the sandbox stands in the ledger too"
    assert (overview(store, VIEWER, sandbox, NOW).held, overview(store, VIEWER, live, NOW).held) == (1, 1)
    assert compare(store, VIEWER, sandbox, ["T1", "C1"], NOW).not_held == ("C1",)
    assert [each.request for each in request(store, VIEWER, sandbox, "trial")] == ["trial"]
    keep_teams(store, VIEWER, sandbox, "SW1,Trial team", NOW, os.urandom)
    assert {each.team for each in by_worker(store, VIEWER, sandbox, NOW)} >= {"Trial team"}
    assert workers_in(store, "council", team_token(store, "council-sandbox", "Trial team")) == ()
    with pytest.raises(Missing):
        find_child(store, VIEWER, live, "T1", NOW)
    with pytest.raises(Missing):
        read_child(store, VIEWER, live, key, NOW)


def test_nobody_else_comes_into_a_sandbox_and_nobody_comes_out_of_it(store: Store) -> None:
    by = a_team(store)
    system, sandbox = a_sandbox(store)
    sent(store, by, right("C1"))
    sent(store, system, a_payload("T1", **WRONG), sandbox=True, supplier_key="sandbox-key", request_id="trial")
    theirs, live = another_council(store), feed_for(store, VIEWER)
    key = find_child(store, VIEWER, sandbox, "T1", NOW)
    for who, feed in (
        (theirs, sandbox),
        (theirs, live),
        (msgspec.structs.replace(VIEWER, organisation="council-sandbox"), sandbox),
        (msgspec.structs.replace(VIEWER, factors=1), sandbox),
        (gate.WORKER, sandbox),
        (gate.an_officer("council"), sandbox),
    ):
        for reads in (overview, by_worker, received):
            with pytest.raises(Refused):
                reads(store, who, feed, NOW)
        with pytest.raises(Refused):
            listed(store, who, feed, Wanted(), 1, NOW)
        with pytest.raises(Refused):
            cohort_file(store, who, feed, NOW, days=7)
        with pytest.raises(Refused):
            keep_teams(store, who, feed, "SW1,North", NOW, os.urandom)
        with pytest.raises((Refused, Missing)):
            read_child(store, who, feed, key, NOW)
    with pytest.raises(Missing):
        request(store, theirs, sandbox, "trial")
    with pytest.raises(Refused):
        held(store, system, live, "C1", NOW)
    with pytest.raises(Missing):
        request(store, system, live, "r1")
