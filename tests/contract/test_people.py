"""Organisations, people and roles on each kind of database, with the ledger beside them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from threading import Thread

import msgspec
import pytest

from samechild.errors import Conflict, Invalid, Missing, Refused, Unauthenticated, Unavailable
from samechild.policy import ledger
from samechild.policy.people import access_review
from samechild.policy.people import actions as people_actions
from samechild.policy.people import store as people_store
from samechild.policy.people.rules import ACCESS_MANAGER
from samechild.policy.sign_in import accounts, clients, sessions, tokens
from samechild.policy.sign_in.sessions import Arrival
from samechild.records.disclosure import Asker, Route
from samechild.storage import Login, Store
from staff import DAY, NOW, QUICK, Office, an_office, an_office_at_work
from stores import KINDS, a_store


@pytest.fixture(params=KINDS)
def office(request: pytest.FixtureRequest) -> Iterator[Office]:
    with a_store(request.param) as store:
        yield an_office(store)


@pytest.fixture
def small() -> Iterator[Office]:
    """On SQLite alone, for what does not depend on the database."""
    with an_office_at_work() as filled:
        yield filled


def signed_in(store: Store, user: str, factors: int = 2) -> str:
    with store.read(Login.GATE) as connection:
        found = people_store.user_of(connection, user)
    assert found is not None
    arrival = Arrival(user=found, factors=factors, method="local")
    return sessions.start(store, arrival, NOW, os.urandom, QUICK)


def actions_in(store: Store) -> list[str]:
    with store.read(Login.GATE) as connection:
        return [str(entry.body.get("action")) for entry in reversed(ledger.entries(connection, limit=1000))]


def held(store: Store, user: str, organisation: str, role: str, after: timedelta = timedelta(0)) -> bool:
    now = NOW + after
    with store.read(Login.GATE) as connection:
        facts = people_actions.role_facts(connection, user, organisation, role, now)
    begun = facts.role_from is not None and facts.role_from <= now
    return begun and (facts.role_until is None or now < facts.role_until) and facts.body.active


def test_a_role_is_given_by_the_own_access_manager_and_written_in_the_ledger(office: Office) -> None:
    store = office.store
    worker = office.somebody("social-worker")
    assert held(store, worker, office.council, "social-worker")
    assert not held(store, worker, office.other, "social-worker")
    assert not held(store, worker, office.council, "duty-desk")
    assert actions_in(store)[-2:] == ["person-added", "role-given"]
    for by in (office.other_manager, office.school_manager):
        with pytest.raises(Refused, match="own access manager"):
            people_actions.grant_role(store, by, worker, "duty-desk", NOW, os.urandom)
    with pytest.raises(Refused, match="themselves"):
        people_actions.grant_role(store, office.manager, office.manager.user, "social-worker", NOW, os.urandom)
    with pytest.raises(Invalid, match="sector"):
        people_actions.grant_role(store, office.manager, worker, "doctor", NOW, os.urandom)
    with pytest.raises(Missing):
        people_actions.grant_role(store, office.manager, "nobody", "social-worker", NOW, os.urandom)


def test_what_an_access_manager_says_of_themselves_is_not_believed(small: Office) -> None:
    worker = small.somebody("social-worker")
    forged = Asker(user=worker, organisation=small.council, role=ACCESS_MANAGER, factors=2)
    with pytest.raises(Refused, match="any more"):
        people_actions.add_user(small.store, forged, small.council, "N", "n@staff.example", NOW, os.urandom)
    foreign = msgspec.structs.replace(small.other_manager, organisation=small.council)
    with pytest.raises(Refused, match="any more"):
        people_actions.add_user(small.store, foreign, small.council, "N", "n@staff.example", NOW, os.urandom)
    nowhere = msgspec.structs.replace(small.manager, organisation="nowhere")
    with pytest.raises(Refused):
        people_actions.add_user(small.store, nowhere, small.council, "N", "n@staff.example", NOW, os.urandom)


def test_a_role_has_dates(small: Office) -> None:
    worker = small.somebody()
    people_actions.grant_role(
        small.store,
        small.manager,
        worker,
        "social-worker",
        NOW,
        os.urandom,
        valid_from=NOW + DAY,
        valid_until=NOW + 2 * DAY,
    )
    days = [held(small.store, worker, small.council, "social-worker", n * DAY) for n in range(4)]
    assert days == [False, True, False, False]


def test_a_role_taken_away_ends_the_next_request(office: Office) -> None:
    worker = office.somebody("social-worker")
    token = signed_in(office.store, worker)
    assert sessions.signed_in(office.store, token, NOW).asker.role == "social-worker"
    with office.store.read(Login.GATE) as connection:
        (grant,) = people_store.grants_to(connection, worker)
    with pytest.raises(Refused):
        people_actions.revoke_role(office.store, office.other_manager, grant.grant_id, NOW)
    people_actions.revoke_role(office.store, office.manager, grant.grant_id, NOW)
    people_actions.revoke_role(office.store, office.manager, grant.grant_id, NOW)
    with pytest.raises(Unauthenticated, match="role"):
        sessions.signed_in(office.store, token, NOW)
    assert not held(office.store, worker, office.council, "social-worker")
    with pytest.raises(Missing):
        people_actions.revoke_role(office.store, office.manager, "nothing", NOW)


def test_a_leaver_is_out_at_once_everywhere(office: Office) -> None:
    worker = office.somebody("social-worker", "duty-desk")
    first, second = signed_in(office.store, worker), signed_in(office.store, worker)
    invitation = people_actions.invite(office.store, office.manager, worker, NOW, os.urandom)
    people_actions.leaver(office.store, office.manager, worker, NOW)
    for token in (first, second):
        with pytest.raises(Unauthenticated):
            sessions.signed_in(office.store, token, NOW)
    with pytest.raises(Unauthenticated):
        accounts.begin_account(office.store, invitation, NOW, os.urandom)
    assert not held(office.store, worker, office.council, "social-worker")
    with pytest.raises(Unauthenticated):
        signed_in(office.store, worker)
    with pytest.raises(Missing):
        people_actions.grant_role(office.store, office.manager, worker, "social-worker", NOW, os.urandom)
    people_actions.leaver(office.store, office.manager, worker, NOW)
    assert actions_in(office.store)[-1] == "left"
    with pytest.raises(Missing):
        people_actions.leaver(office.store, office.manager, "nobody", NOW)


def test_an_address_is_free_again_when_somebody_left(office: Office) -> None:
    worker = office.somebody(email="Kim@staff.example")
    with pytest.raises(Conflict):
        office.somebody(email=" kim@STAFF.example", by=office.other_manager)
    people_actions.leaver(office.store, office.manager, worker, NOW)
    office.somebody(email="kim@staff.example", by=office.other_manager)


def test_two_who_add_the_same_address_at_once_add_one(office: Office) -> None:
    found: list[object] = []

    def add() -> None:
        try:
            found.append(office.somebody(email="twin@staff.example"))
        except (Conflict, Unavailable) as error:
            found.append(error)

    threads = [Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([each for each in found if isinstance(each, str)]) == 1


@pytest.mark.parametrize(("name", "email"), [("", "a@staff.example"), ("Kim", "nothing"), ("K" * 201, "a@x.example")])
def test_a_person_needs_a_name_and_an_address(name: str, email: str) -> None:
    with an_office_at_work() as office, pytest.raises(Invalid):
        people_actions.add_user(office.store, office.manager, office.council, name, email, NOW, os.urandom)


def test_a_childminder_has_access_while_the_council_vouches(office: Office) -> None:
    store = office.store
    with pytest.raises(Refused, match="own access manager"):
        office.somebody(organisation=office.childminder)
    people_actions.vouch(store, office.manager, office.childminder, NOW + 2 * DAY, NOW + 9 * DAY, NOW)
    minder = office.somebody("early-years-worker", organisation=office.childminder)
    token = signed_in(store, minder)
    assert sessions.signed_in(store, token, NOW).asker.role == "early-years-worker"
    assert held(store, minder, office.childminder, "early-years-worker", DAY)
    assert not held(store, minder, office.childminder, "early-years-worker", 2 * DAY)
    with pytest.raises(Refused, match="Another council"):
        people_actions.vouch(store, office.other_manager, office.childminder, NOW + DAY, NOW + DAY, NOW)
    with pytest.raises(Refused, match="does not vouch"):
        people_actions.end_vouching(store, office.other_manager, office.childminder, NOW)
    with pytest.raises(Refused, match="own access manager"):
        office.somebody(organisation=office.childminder, by=office.other_manager)
    people_actions.end_vouching(store, office.manager, office.childminder, NOW)
    with pytest.raises(Unauthenticated):
        sessions.signed_in(store, token, NOW)
    people_actions.vouch(store, office.other_manager, office.childminder, NOW + DAY, NOW + DAY, NOW)
    with pytest.raises(Invalid, match="sole provider"):
        people_actions.vouch(store, office.manager, office.school, NOW + DAY, NOW + DAY, NOW)
    with pytest.raises(Invalid, match="Only the council"):
        people_actions.vouch(store, office.school_manager, office.school, NOW + DAY, NOW + DAY, NOW)


def test_a_childminder_is_out_when_the_council_that_vouches_ends(small: Office) -> None:
    people_actions.vouch(small.store, small.other_manager, small.childminder, NOW + 9 * DAY, NOW + 9 * DAY, NOW)
    minder = small.somebody("early-years-worker", organisation=small.childminder, by=small.other_manager)
    token = signed_in(small.store, minder)
    people_actions.end_organisation(small.store, small.manager, small.other, NOW)
    with pytest.raises(Unauthenticated, match="organisation"):
        sessions.signed_in(small.store, token, NOW)


def test_an_organisation_that_ended_takes_no_part(office: Office) -> None:
    lead = office.somebody("safeguarding-lead", by=office.school_manager)
    token = signed_in(office.store, lead)
    with pytest.raises(Refused, match="runs this installation"):
        people_actions.end_organisation(office.store, office.other_manager, office.school, NOW)
    people_actions.end_organisation(office.store, office.manager, office.school, NOW)
    people_actions.end_organisation(office.store, office.manager, office.school, NOW + DAY)
    with pytest.raises(Unauthenticated):
        sessions.signed_in(office.store, token, NOW)
    with pytest.raises(Unauthenticated, match="organisation"):
        signed_in(office.store, lead)
    assert not held(office.store, lead, office.school, "safeguarding-lead")
    with pytest.raises(Refused):
        office.somebody(by=office.school_manager)
    with pytest.raises(Refused, match="cannot be ended"):
        people_actions.end_organisation(office.store, office.manager, office.council, NOW)
    with pytest.raises(Missing):
        people_actions.end_organisation(office.store, office.manager, "nowhere", NOW)


def test_organisations_are_added_by_the_host(small: Office) -> None:
    store = small.store

    def add(by: Asker, kind: str = "academy", name: str = "New", **codes: str) -> str:
        return people_actions.add_organisation(
            store, by, kind=kind, name=name, codes=codes, now=NOW, random=os.urandom, route=Route("Lead", "Ring")
        )

    added = add(small.manager, urn="999998")
    with store.read(Login.GATE) as connection:
        found = people_store.organisation_of(connection, added)
        names = {each.name for each in people_store.all_organisations(connection)}
        academies = people_store.all_organisations(connection, "academy")
        bodies = people_store.bodies(connection, [added, small.council, "nowhere"], NOW)
    assert found is not None
    assert (found.codes, found.route, found.host) == ({"urn": "999998"}, Route("Lead", "Ring"), False)
    assert names >= {"New", "Northmoor Council"}
    assert {each.kind for each in academies} == {"academy"}
    assert bodies.keys() == {added, small.council}
    with pytest.raises(Refused):
        add(small.other_manager)
    with pytest.raises(Invalid):
        add(small.manager, kind="circus")
    with pytest.raises(Invalid):
        add(small.manager, name=" ")
    with pytest.raises(Missing), store.read(Login.GATE) as connection:
        people_actions.role_facts(connection, "somebody", "nowhere", "nurse", NOW)


def test_the_first_access_manager_is_named_once(small: Office) -> None:
    store, email = small.store, "first@staff.example"
    name = people_actions.begin_access
    with pytest.raises(Refused, match="ask them"):
        name(store, small.manager, small.school, "First", email, NOW, os.urandom)
    with pytest.raises(Refused, match="runs this"):
        name(store, small.other_manager, small.trust, "First", email, NOW, os.urandom)
    small.somebody(organisation=small.trust, by=people_actions.operator(), email=email)  # an interrupted try
    invitation = name(store, small.manager, small.trust, "First", email, NOW, os.urandom)
    assert accounts.begin_account(store, invitation, NOW, os.urandom).uri.startswith("otpauth://totp/")
    with pytest.raises(Refused, match="ask them"):
        name(store, people_actions.operator(), small.trust, "First", email, NOW, os.urandom)


def test_a_route_says_who_can_decide(small: Office) -> None:
    people_actions.set_route(small.store, small.manager, small.council, Route("Duty officer", "01632 960001"), NOW)
    with small.store.read(Login.GATE) as connection:
        found = people_store.organisation_of(connection, small.council)
    assert found is not None
    assert found.route == Route("Duty officer", "01632 960001")
    with pytest.raises(Invalid):
        people_actions.set_route(small.store, small.manager, small.council, Route("Duty officer", " "), NOW)
    with pytest.raises(Refused):
        people_actions.set_route(small.store, small.manager, small.school, Route("Lead", "Ring"), NOW)


def test_nobody_invites_themselves_and_systems_are_not_invited(small: Office) -> None:
    with pytest.raises(Refused):
        people_actions.invite(small.store, small.manager, small.manager.user, NOW, os.urandom)
    system = clients.register_client(small.store, small.manager, small.council, "S", ["submit"], NOW, os.urandom)
    with pytest.raises(Missing):
        people_actions.invite(small.store, small.manager, system.client_id, NOW, os.urandom)


def test_a_team_has_members_of_several_organisations_each_added_by_their_own(office: Office) -> None:
    store = office.store
    team = access_review.make_team(store, office.manager, "Missing children", NOW, os.urandom)
    worker, lead = office.somebody("social-worker"), office.somebody("safeguarding-lead", by=office.school_manager)
    access_review.join_team(store, office.manager, team, worker, NOW, os.urandom)
    access_review.join_team(store, office.school_manager, team, lead, NOW, os.urandom, NOW + DAY)
    with pytest.raises(Refused, match="own access manager"):
        access_review.join_team(store, office.manager, team, lead, NOW, os.urandom)
    with store.read(Login.GATE) as connection:
        assert access_review.teams_of(connection, lead, NOW) == (team,)
        assert access_review.teams_of(connection, lead, NOW + DAY) == ()
    present = access_review.team_members(store, office.school_manager, team, NOW)
    assert [member.user_id for member in present] == sorted(
        [worker, lead], key=lambda user: next(m.membership for m in present if m.user_id == user)
    )
    with pytest.raises(Missing):
        access_review.team_members(store, office.other_manager, team, NOW)
    with pytest.raises(Refused):
        access_review.leave_team(store, office.other_manager, team, lead, NOW)
    access_review.leave_team(store, office.manager, team, lead, NOW)
    with pytest.raises(Missing, match="not in"):
        access_review.leave_team(store, office.school_manager, team, lead, NOW)
    people_actions.leaver(store, office.manager, worker, NOW)
    assert access_review.team_members(store, office.manager, team, NOW) == []


def test_bad_input_about_teams(small: Office) -> None:
    store, worker = small.store, small.somebody()
    with pytest.raises(Invalid):
        access_review.make_team(store, small.manager, " ", NOW, os.urandom)
    team = access_review.make_team(store, small.manager, "Team", NOW, os.urandom)
    with pytest.raises(Missing):
        access_review.join_team(store, small.manager, "none", worker, NOW, os.urandom)
    with pytest.raises(Missing):
        access_review.join_team(store, small.manager, team, "nobody", NOW, os.urandom)
    with pytest.raises(Invalid):
        access_review.join_team(store, small.manager, team, worker, NOW, os.urandom, NOW)
    with pytest.raises(Missing):
        access_review.leave_team(store, small.manager, "none", worker, NOW)
    with pytest.raises(Missing):
        access_review.team_members(store, small.manager, "none", NOW)


def test_the_access_review_lists_who_has_what_and_what_is_due(office: Office) -> None:
    store, worker = office.store, office.somebody("social-worker", name="Ola Nobody")
    signed_in(store, worker)
    later = NOW + 91 * DAY
    rows = {
        (row.name, row.grant.role): row
        for row in access_review.access_review(store, office.manager, office.council, later)
    }
    row = rows["Ola Nobody", "social-worker"]
    assert (row.due, row.last_used, row.last_reviewed) == (True, NOW, None)
    assert rows["Access Manager", "access-manager"].last_used is None
    access_review.confirm_review(store, office.manager, office.council, [row.grant.grant_id], later, os.urandom)
    rows_after = access_review.access_review(store, office.manager, office.council, later)
    (after,) = [each for each in rows_after if each.grant == row.grant]
    assert (after.due, after.last_reviewed) == (False, later)
    assert rows_after[-1] == after, "what is due stands first"
    people_actions.revoke_role(store, office.manager, row.grant.grant_id, later)
    left = access_review.access_review(store, office.manager, office.council, later)
    assert row.grant.grant_id not in {each.grant.grant_id for each in left}
    with pytest.raises(Invalid):
        access_review.confirm_review(store, office.manager, office.council, [row.grant.grant_id], later, os.urandom)


def test_a_role_yet_to_begin_is_in_the_review(small: Office) -> None:
    worker = small.somebody()
    people_actions.grant_role(
        small.store, small.manager, worker, "social-worker", NOW, os.urandom, valid_from=NOW + DAY
    )
    rows = access_review.access_review(small.store, small.manager, small.council, NOW)
    assert worker in {row.grant.holder for row in rows}


def test_what_cannot_be_confirmed(small: Office) -> None:
    store = small.store
    own = next(
        row.grant.grant_id
        for row in access_review.access_review(store, small.manager, small.council, NOW)
        if row.grant.holder == small.manager.user
    )
    for keep, words in (([], "load the review"), (["nothing"], "load the review"), ([own], "their own|of their own")):
        with pytest.raises(Invalid, match=words):
            access_review.confirm_review(store, small.manager, small.council, keep, NOW, os.urandom)
    with pytest.raises(Refused):
        access_review.access_review(store, small.other_manager, small.council, NOW)


def test_a_system_of_a_leaver_stops(office: Office) -> None:
    store = office.store
    system = clients.register_client(store, office.manager, office.council, "Sender", ["submit"], NOW, os.urandom)
    people_actions.grant_role(store, office.manager, system.client_id, "submitting-system", NOW, os.urandom)
    form = {
        "grant_type": "client_credentials",
        "client_id": system.client_id,
        "client_secret": system.secret,
    }
    issued = tokens.issue_token(store, form, "", ["here"], NOW, os.urandom)
    assert isinstance(issued, tokens.IssuedToken)
    machine = tokens.client_of(store, issued.access_token, NOW)
    assert (machine.asker.role, machine.asker.organisation) == ("submitting-system", office.council)
    people_actions.leaver(store, office.manager, system.client_id, NOW)
    with pytest.raises(Unauthenticated):
        tokens.client_of(store, issued.access_token, NOW)
    assert isinstance(tokens.issue_token(store, form, "", ["here"], NOW, os.urandom), tokens.TokenRefused)


def test_no_name_or_address_of_staff_lies_open(office: Office) -> None:
    office.somebody(name="Zebulon Quarkington", email="zebulon@staff.example")
    with office.store.read(Login.GATE) as connection:
        rows = connection.execute(people_store.users.select()).all()
        entries = ledger.entries(connection, limit=1000)
    assert "uarkington" not in repr(rows).casefold() + repr(entries).casefold()
    assert "zebulon" not in repr(rows).casefold() + repr(entries).casefold()


def test_nothing_is_given_while_the_ledger_cannot_be_written_but_access_ends(office: Office) -> None:
    store, worker = office.store, office.somebody("social-worker")
    token = signed_in(store, worker)
    ledger_engine = store.engines[Login.LEDGER]
    store.engines[Login.LEDGER] = _broken(store)
    try:
        with pytest.raises(Unavailable):
            people_actions.grant_role(store, office.manager, worker, "duty-desk", NOW, os.urandom)
        with pytest.raises(Unavailable):
            signed_in(store, worker)
        with pytest.raises(Unavailable):
            people_actions.leaver(store, office.manager, worker, NOW)
    finally:
        store.engines[Login.LEDGER] = ledger_engine
    assert not held(store, worker, office.council, "duty-desk")
    with pytest.raises(Unauthenticated):
        sessions.signed_in(store, token, NOW)


def _broken(store: Store):  # type: ignore[no-untyped-def]
    import sqlalchemy as sa

    return sa.create_engine(f"sqlite:///{store.home / 'no' / 'such' / 'folder' / 'gate.db'}")
