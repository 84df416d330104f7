"""Signed in on the server: begun, used, rotated and ended, whatever somebody sends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from threading import Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from samechild.errors import Refused, Unauthenticated, Unavailable
from samechild.policy import ledger
from samechild.policy.people import actions as people_actions
from samechild.policy.people import store as people_store
from samechild.policy.people.store import User
from samechild.policy.sign_in import accounts, clients, personas, sessions
from samechild.policy.sign_in import store as kept
from samechild.policy.sign_in.opaque import digest, new_token
from samechild.policy.sign_in.rules import CLOCK_TOLERANCE, SEEN_EVERY, rules_of
from samechild.policy.sign_in.sessions import Arrival
from samechild.settings import Settings
from samechild.storage import Login
from staff import DAY, NOW, QUICK, Office, an_office_at_work
from stores import a_store

SECOND = timedelta(seconds=1)


@pytest.fixture
def office() -> Iterator[Office]:
    with an_office_at_work() as filled:
        yield filled


def the_user(office: Office, user: str) -> User:
    with office.store.read(Login.GATE) as connection:
        found = people_store.user_of(connection, user)
    assert found is not None
    return found


def arrive(office: Office, user: str, *, factors: int = 2, limited_to: tuple[str, ...] | None = None) -> str:
    arrival = Arrival(user=the_user(office, user), factors=factors, method="local", limited_to=limited_to)
    return sessions.start(office.store, arrival, NOW, os.urandom, QUICK)


def test_somebody_with_one_role_works_in_it_at_once(office: Office) -> None:
    worker = office.somebody("social-worker", name="Ines Nobody")
    found = sessions.signed_in(office.store, arrive(office, worker), NOW)
    assert (found.asker.user, found.asker.organisation, found.asker.role, found.asker.factors) == (
        worker,
        office.council,
        "social-worker",
        2,
    )
    assert (found.name, found.organisation.name, found.roles, found.need_second) == (
        "Ines Nobody",
        "Northmoor Council",
        ("social-worker",),
        (),
    )
    assert (found.started_at, found.ends_at, found.method) == (NOW, NOW + QUICK.longest, "local")
    assert (sessions.title_of("social-worker"), sessions.title_of("")) == ("Social worker", "")


def test_a_role_is_chosen_and_the_token_changes(office: Office) -> None:
    token = arrive(office, office.somebody("social-worker", "duty-desk"))
    before = sessions.signed_in(office.store, token, NOW)
    assert (before.asker.role, before.roles) == ("", ("social-worker", "duty-desk"))
    chosen = sessions.choose_role(office.store, token, "duty-desk", NOW, os.urandom)
    after = sessions.signed_in(office.store, chosen, NOW)
    assert after.asker.role == "duty-desk"
    assert after.csrf != before.csrf
    with pytest.raises(Unauthenticated):
        sessions.signed_in(office.store, token, NOW)
    for role in ("doctor", "operator", ""):
        with pytest.raises(Refused):
            sessions.choose_role(office.store, chosen, role, NOW, os.urandom)


def test_a_role_that_sees_identity_needs_two_factors(office: Office) -> None:
    user = office.somebody("social-worker", "analyst")
    token = arrive(office, user, factors=1)
    found = sessions.signed_in(office.store, token, NOW)
    assert (found.roles, found.need_second, found.asker.role) == (("analyst",), ("social-worker",), "")
    with pytest.raises(Refused, match="second factor"):
        sessions.choose_role(office.store, token, "social-worker", NOW, os.urandom)
    only = arrive(office, office.somebody("social-worker"), factors=1)
    assert sessions.signed_in(office.store, only, NOW).asker.role == ""


def test_a_provider_limits_roles_and_adds_none(office: Office) -> None:
    token = arrive(office, office.somebody("social-worker", "duty-desk"), limited_to=("duty-desk", "doctor"))
    found = sessions.signed_in(office.store, token, NOW)
    assert found.roles == ("duty-desk",)
    assert found.asker.role == "duty-desk"


@pytest.mark.parametrize("token", ["", "x", "x" * 10_000, "\ud800", "é", new_token(bytes)])
def test_a_forged_token_signs_nobody_in(office: Office, token: str) -> None:
    with pytest.raises(Unauthenticated):
        sessions.signed_in(office.store, token, NOW)
    sessions.sign_out(office.store, token, NOW)


def test_the_digest_that_is_kept_is_worth_nothing(office: Office) -> None:
    token = arrive(office, office.somebody("social-worker"))
    with pytest.raises(Unauthenticated):
        sessions.signed_in(office.store, digest(token), NOW)


def test_signing_out_ends_it(office: Office) -> None:
    token = arrive(office, office.somebody("social-worker"))
    sessions.sign_out(office.store, token, NOW)
    sessions.sign_out(office.store, token, NOW)
    with pytest.raises(Unauthenticated):
        sessions.signed_in(office.store, token, NOW)
    with pytest.raises(Unauthenticated):
        sessions.rotate(office.store, token, NOW, os.urandom)


def test_it_ends_when_nothing_is_done(office: Office) -> None:
    token = arrive(office, office.somebody("social-worker"))
    busy = NOW + QUICK.idle - SECOND
    sessions.signed_in(office.store, token, busy)
    sessions.signed_in(office.store, token, busy + QUICK.idle - SECOND)
    with pytest.raises(Unauthenticated, match="nothing was done"):
        sessions.signed_in(office.store, token, busy + 2 * QUICK.idle)


def test_it_ends_after_a_working_day_whatever_is_done(office: Office) -> None:
    token = arrive(office, office.somebody("social-worker", "duty-desk"))
    now = NOW
    while now + QUICK.idle / 2 < NOW + QUICK.longest:
        now += QUICK.idle / 2
        sessions.signed_in(office.store, token, now)
    chosen = sessions.choose_role(office.store, token, "duty-desk", now, os.urandom)
    assert sessions.signed_in(office.store, chosen, now).ends_at == NOW + QUICK.longest
    with pytest.raises(Unauthenticated, match="working day"):
        sessions.signed_in(office.store, chosen, NOW + QUICK.longest)


def test_what_is_done_is_noted_every_so_often(office: Office) -> None:
    token = arrive(office, office.somebody("social-worker"))

    def seen_at() -> object:
        with office.store.read(Login.GATE) as connection:
            row = kept.one(connection, kept.sign_ins, digest(token))
        return row and row["seen_at"]

    sessions.signed_in(office.store, token, NOW + SEEN_EVERY - SECOND)
    assert seen_at() == NOW
    sessions.signed_in(office.store, token, NOW + SEEN_EVERY)
    assert seen_at() == NOW + SEEN_EVERY


def test_a_clock_that_went_back_lets_nobody_in_until_it_is_right(office: Office) -> None:
    token = arrive(office, office.somebody("social-worker"))
    seen = NOW + QUICK.idle / 2
    sessions.signed_in(office.store, token, seen)
    with pytest.raises(Unavailable, match="clock"):
        sessions.signed_in(office.store, token, seen - CLOCK_TOLERANCE - SECOND)
    assert sessions.signed_in(office.store, token, seen - CLOCK_TOLERANCE).asker.role == "social-worker"


def test_a_role_that_ends_by_its_date_ends_the_request(office: Office) -> None:
    worker = office.somebody()
    until = NOW + timedelta(minutes=5)
    people_actions.grant_role(office.store, office.manager, worker, "social-worker", NOW, os.urandom, valid_until=until)
    token = arrive(office, worker)
    sessions.signed_in(office.store, token, until - SECOND)
    with pytest.raises(Unauthenticated, match="role"):
        sessions.signed_in(office.store, token, until)


def test_a_form_carries_the_token_of_this_sign_in_and_no_other(office: Office) -> None:
    worker = office.somebody("social-worker")
    first = sessions.signed_in(office.store, arrive(office, worker), NOW)
    second = sessions.signed_in(office.store, arrive(office, worker), NOW)
    sessions.check_csrf(first, first.csrf)
    for wrong in ("", second.csrf, first.csrf.upper(), first.csrf + "0", "é"):
        with pytest.raises(Refused, match="form"):
            sessions.check_csrf(first, wrong)


def test_of_two_who_rotate_a_token_at_once_one_succeeds(office: Office) -> None:
    token = arrive(office, office.somebody("social-worker"))
    found: list[object] = []

    def rotate() -> None:
        try:
            found.append(sessions.rotate(office.store, token, NOW, os.urandom))
        except Unauthenticated as error:
            found.append(error)

    threads = [Thread(target=rotate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([each for each in found if isinstance(each, str)]) == 1


def test_a_sign_in_whose_person_is_gone_or_a_system_is_nobodys(office: Office) -> None:
    token = arrive(office, office.somebody("social-worker"))
    with office.store.write(Login.GATE) as connection:
        kept.change(connection, kept.sign_ins, digest(token), user_id="nobody")
    with pytest.raises(Unauthenticated):
        sessions.signed_in(office.store, token, NOW)
    system = clients.register_client(office.store, office.manager, office.council, "S", ["submit"], NOW, os.urandom)
    machine = the_user(office, system.client_id)
    with pytest.raises(Unauthenticated):
        sessions.start(office.store, Arrival(user=machine, factors=2, method="x"), NOW, os.urandom, QUICK)


def test_old_sign_ins_are_forgotten_and_present_ones_are_not(office: Office) -> None:
    token = arrive(office, office.somebody("social-worker"))

    def kept_still() -> bool:
        with office.store.read(Login.GATE) as connection:
            return kept.one(connection, kept.sign_ins, digest(token)) is not None

    sessions.forget_old(office.store, NOW + 400 * DAY)
    assert kept_still()
    sessions.forget_old(office.store, NOW + 401 * DAY)
    assert not kept_still()


EVENTS = ("grant", "revoke", "sign out", "leave", "idle", "see", "choose")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(st.sampled_from(EVENTS), min_size=2, max_size=8))
def test_whatever_happens_somebody_is_signed_in_exactly_while_everything_holds(
    office: Office, events: list[str]
) -> None:
    """A sign-in in the role of social worker, against a few lines that say when it should hold."""
    store, now = office.store, _after(office)
    user = people_actions.add_user(
        store, office.manager, office.council, "Jo Fictive", f"{os.urandom(6).hex()}@staff.example", now, os.urandom
    )
    grants = [people_actions.grant_role(store, office.manager, user, "social-worker", now, os.urandom)]
    arrival = Arrival(user=the_user(office, user), factors=2, method="local")
    token = sessions.start(store, arrival, now, os.urandom, QUICK)
    over = False
    for event in events:
        if event == "grant" and not over:
            grants.append(people_actions.grant_role(store, office.manager, user, "social-worker", now, os.urandom))
        elif event == "revoke" and grants:
            people_actions.revoke_role(store, office.manager, grants.pop(), now)
        elif event == "sign out":
            sessions.sign_out(store, token, now)
            over = True
        elif event == "leave":
            people_actions.leaver(store, office.manager, user, now)
            over, grants = True, []
        elif event == "idle":
            now += QUICK.idle
            over = True
        elif event == "choose" and grants and not over:
            token = sessions.choose_role(store, token, "social-worker", now, os.urandom)
        if over or not grants:
            with pytest.raises(Unauthenticated):
                sessions.signed_in(store, token, now)
        else:
            assert sessions.signed_in(store, token, now).asker.user == user
        if event == "idle":
            break


def _after(office: Office) -> datetime:
    """The time of the ledger's last entry: no later act may be dated before it."""
    with office.store.read(Login.GATE) as connection:
        return ledger.entries(connection, limit=1)[0].at


def test_the_rules_come_from_the_settings(tmp_path: object) -> None:
    from pathlib import Path

    rules = rules_of(Settings(home=Path(str(tmp_path)), idle_minutes=5, signed_in_hours=2))
    assert (rules.idle, rules.longest) == (timedelta(minutes=5), timedelta(hours=2))


LATER = NOW + 99 * DAY


def test_everybody_of_the_demonstration_can_be_tried() -> None:
    with a_store() as store:
        own = Settings(home=store.home)
        personas.make_personas(store, own, NOW, os.urandom, LATER)
        personas.make_personas(store, own, NOW, os.urandom, LATER)
        for persona in personas.personas():
            token = personas.sign_in_as(store, own, persona.persona, NOW, os.urandom)
            found = sessions.signed_in(store, token, NOW)
            assert set(found.roles) == set(persona.roles)
            assert found.name == persona.name
            assert found.asker.factors == 2
        with pytest.raises(Unauthenticated):
            accounts.sign_in_locally(store, "social-worker@personas.example", "", "", NOW, os.urandom, QUICK)


def test_an_interrupted_making_is_finished() -> None:
    with a_store() as store:
        own = Settings(home=store.home)
        personas.make_personas(store, own, NOW, os.urandom, LATER)
        with store.write(Login.GATE) as connection:
            connection.execute(kept.personas.delete().where(kept.personas.c.persona != "doctor"))
        personas.make_personas(store, own, NOW, os.urandom, LATER)
        personas.sign_in_as(store, own, "social-worker", NOW, os.urandom)


def test_personas_are_never_made_among_real_people(office: Office) -> None:
    with pytest.raises(Refused, match="Real people"):
        personas.make_personas(office.store, Settings(home=office.store.home), NOW, os.urandom, LATER)
    with pytest.raises(Exception, match="nobody of that name"):
        personas.sign_in_as(office.store, Settings(home=office.store.home), "doctor", NOW, os.urandom)


@pytest.mark.parametrize(
    ("address", "public_url", "here"),
    [
        ("127.0.0.1:8000", "", True),
        ("[::1]:8000", "", True),
        ("localhost:8000", "http://localhost:8000", True),
        ("0.0.0.0:8000", "", False),
        (":8000", "", False),
        ("192.0.2.7:8000", "", False),
        ("127.0.0.1:8000", "https://gate.example", False),
        ("127.0.0.1.example:8000", "", False),
        ("localhost.example:80", "", False),
    ],
)
def test_personas_are_for_ones_own_machine(office: Office, address: str, public_url: str, here: bool) -> None:
    settings = Settings(home=office.store.home, address=address, public_url=public_url)
    assert personas.is_loopback(settings) is here
    if not here:
        with pytest.raises(Refused, match="own machine"):
            personas.sign_in_as(office.store, settings, "doctor", NOW, os.urandom)
        with pytest.raises(Refused, match="own machine"):
            personas.make_personas(office.store, settings, NOW, os.urandom, LATER)
