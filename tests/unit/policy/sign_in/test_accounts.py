"""Accounts of the installation itself: password and second factor, one try at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta

import pyotp
import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from samechild.errors import Invalid, Missing, Refused, TooMany, Unauthenticated
from samechild.policy.people import actions as people_actions
from samechild.policy.sign_in import accounts, sessions
from samechild.policy.sign_in import store as kept
from samechild.policy.sign_in.rules import FREE_FAILURES, LONGEST_LOCK, SignInRules, lock_for
from samechild.storage import Login
from staff import NOW, QUICK, Office, an_office_at_work

PASSWORD = "violet anchor teapot"
STEP = timedelta(seconds=30)


@pytest.fixture
def office() -> Iterator[Office]:
    with an_office_at_work() as filled:
        yield filled


class Person:
    """Somebody with an account, their authenticator and their recovery codes."""

    def __init__(self, office: Office, *roles: str) -> None:
        self.store = office.store
        self.email = f"{os.urandom(5).hex()}@staff.example"
        self.user = office.somebody(*(roles or ("social-worker",)), email=self.email)
        self.invitation = people_actions.invite(office.store, office.manager, self.user, NOW, os.urandom)
        self.seed = accounts.begin_account(office.store, self.invitation, NOW, os.urandom).seed
        self.codes = self.finish(self.code(NOW))

    def finish(self, code: str, password: str = PASSWORD) -> tuple[str, ...]:
        return accounts.finish_account(self.store, self.invitation, password, code, NOW, os.urandom, QUICK)

    def code(self, now: datetime) -> str:
        return pyotp.TOTP(self.seed).at(now)

    def sign_in(
        self, now: datetime, *, password: str = PASSWORD, code: str | None = None, rules: SignInRules = QUICK
    ) -> str:
        code = self.code(now) if code is None else code
        return accounts.sign_in_locally(self.store, self.email, password, code, now, os.urandom, rules)


def test_an_account_is_made_once_and_signs_in(office: Office) -> None:
    person = Person(office)
    assert len(set(person.codes)) == accounts.RECOVERY_CODES
    found = sessions.signed_in(office.store, person.sign_in(NOW + STEP), NOW + STEP)
    assert (found.asker.user, found.asker.factors, found.method) == (person.user, 2, "local")
    person.email = f"  {person.email.upper()} "
    assert person.sign_in(NOW + 2 * STEP)
    with pytest.raises(Unauthenticated, match="does not hold"):
        person.finish(person.code(NOW))


def test_an_invitation_opened_twice_shows_the_same_seed_until_it_is_used(office: Office) -> None:
    user = office.somebody("social-worker")
    invitation = people_actions.invite(office.store, office.manager, user, NOW, os.urandom)
    with pytest.raises(Unauthenticated, match="beginning"):
        accounts.finish_account(office.store, invitation, PASSWORD, "000000", NOW, os.urandom, QUICK)
    first = accounts.begin_account(office.store, invitation, NOW, os.urandom)
    assert first == accounts.begin_account(office.store, invitation, NOW, os.urandom)
    expired = NOW + QUICK.invitation
    for wrong, now in (("forged", NOW), (invitation, expired)):
        with pytest.raises(Unauthenticated):
            accounts.begin_account(office.store, wrong, now, os.urandom)
    newer = people_actions.invite(office.store, office.manager, user, NOW, os.urandom)
    with pytest.raises(Unauthenticated):
        accounts.begin_account(office.store, invitation, NOW, os.urandom)
    seed = accounts.begin_account(office.store, newer, NOW, os.urandom).seed
    wrong_code = pyotp.TOTP(seed).at(NOW + 9 * STEP)
    with pytest.raises(Refused, match="code"):
        accounts.finish_account(office.store, newer, PASSWORD, wrong_code, NOW, os.urandom, QUICK)


def test_an_invitation_used_meanwhile_is_void(office: Office) -> None:
    user = office.somebody("social-worker")
    invitation = people_actions.invite(office.store, office.manager, user, NOW, os.urandom)
    seed = accounts.begin_account(office.store, invitation, NOW, os.urandom).seed

    class Meanwhile(PasswordHasher):
        """Uses the invitation while the password is being hashed."""

        def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
            with office.store.write(Login.GATE) as connection:
                connection.execute(kept.invitations.update().values(used_at=NOW))
            return super().hash(password, salt=salt)

    rules = SignInRules(hasher=Meanwhile(time_cost=1, memory_cost=8, parallelism=1))
    with pytest.raises(Unauthenticated, match="was used"):
        accounts.finish_account(office.store, invitation, PASSWORD, pyotp.TOTP(seed).at(NOW), NOW, os.urandom, rules)


def test_nobody_gone_is_invited(office: Office) -> None:
    with pytest.raises(Missing):
        accounts.invite(office.store, "nobody", "m", NOW, os.urandom, QUICK)
    with pytest.raises(Missing):
        people_actions.invite(office.store, office.manager, "nobody", NOW, os.urandom)


def test_wrong_answers_are_all_alike(office: Office) -> None:
    person, other = Person(office), Person(office)
    now = NOW + STEP
    said = set()
    for email, password, code in (
        (person.email, "wrong password here", person.code(now)),
        (person.email, PASSWORD, person.code(now + 5 * STEP)),
        (person.email, PASSWORD, other.code(now)),
        ("nobody@staff.example", PASSWORD, person.code(now)),
        (person.email, "\ud800" * 300, ""),
    ):
        with pytest.raises(Unauthenticated) as wrong:
            accounts.sign_in_locally(office.store, email, password, code, now, os.urandom, QUICK)
        said.add(str(wrong.value))
        with office.store.write(Login.GATE) as connection:
            connection.execute(kept.attempts.delete())
    assert said == {accounts.WRONG}


def test_somebody_without_an_account_is_told_no_more(office: Office) -> None:
    email = "bare@staff.example"
    office.somebody("social-worker", email=email)
    with pytest.raises(Unauthenticated, match="not right"):
        accounts.sign_in_locally(office.store, email, PASSWORD, "000000", NOW, os.urandom)


def test_a_code_is_good_once_and_never_an_older_one(office: Office) -> None:
    person = Person(office)
    now = NOW + 5 * STEP
    code = person.code(now)
    assert person.sign_in(now, code=code)
    for again in (code, person.code(now - STEP)):
        with pytest.raises(Unauthenticated):
            person.sign_in(now, code=again)
    with pytest.raises(Unauthenticated):
        person.sign_in(now - 3 * STEP)  # the clock went back
    assert person.sign_in(now + STEP, code=f" {person.code(now + STEP)[:3]} {person.code(now + STEP)[3:]} ")


def test_a_recovery_code_is_good_once_and_only_for_its_owner(office: Office) -> None:
    person, other = Person(office), Person(office)
    assert person.sign_in(NOW, code=person.codes[0].lower())
    for wrong in (person.codes[0], other.codes[0], "", "-", "x" * 500):
        with pytest.raises(Unauthenticated):
            person.sign_in(NOW, code=wrong)
    assert other.sign_in(NOW, code=other.codes[0])


def test_many_failures_make_everybody_wait_known_or_not(office: Office) -> None:
    person = Person(office)
    for email in (person.email, "unknown@staff.example"):
        for _ in range(FREE_FAILURES):
            with pytest.raises(Unauthenticated):
                accounts.sign_in_locally(office.store, email, "no", "000000", NOW, os.urandom, QUICK)
        with pytest.raises(TooMany, match="wait 1 minute,"):
            accounts.sign_in_locally(office.store, email, PASSWORD, person.code(NOW), NOW, os.urandom, QUICK)
    after = NOW + 2 * STEP
    assert person.sign_in(after)
    with pytest.raises(Unauthenticated):
        person.sign_in(after, password="no")  # the count began again


def test_the_wait_doubles_up_to_a_quarter_of_an_hour(office: Office) -> None:
    waits = [lock_for(failures) for failures in range(30)]
    assert waits[:FREE_FAILURES] == [timedelta(0)] * FREE_FAILURES
    assert waits[FREE_FAILURES : FREE_FAILURES + 3] == [STEP, 2 * STEP, 4 * STEP]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_LOCK == lock_for(10**9)
    person, now = Person(office), NOW
    for _ in range(FREE_FAILURES + 6):
        with pytest.raises(Unauthenticated):
            person.sign_in(now, password="no")
        now += LONGEST_LOCK
    with pytest.raises(TooMany, match="wait 15 minutes,"):
        person.sign_in(now - LONGEST_LOCK)


def test_a_password_hashed_too_cheaply_is_hashed_again(office: Office) -> None:
    person = Person(office)
    dearer = SignInRules(hasher=PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    person.sign_in(NOW + STEP, rules=dearer)
    with office.store.read(Login.GATE) as connection:
        row = kept.one(connection, kept.accounts, person.user)
    assert row is not None
    assert "m=16,t=2" in row["password_hash"]
    assert PASSWORD not in repr(row)
    assert person.seed.encode() not in row["sealed_seed"]


def test_changing_the_password_ends_every_other_sign_in(office: Office) -> None:
    person = Person(office)
    here, elsewhere = person.sign_in(NOW + STEP), person.sign_in(NOW + 2 * STEP)
    now, fresh = NOW + 3 * STEP, "seven orange kettles"
    with pytest.raises(Unauthenticated, match="old password"):
        accounts.change_password(office.store, here, "wrong one here", fresh, now, os.urandom, QUICK)
    with pytest.raises(Invalid):
        accounts.change_password(office.store, here, PASSWORD, "short", now, os.urandom, QUICK)
    changed = accounts.change_password(office.store, here, PASSWORD, fresh, now, os.urandom, QUICK)
    for ended in (here, elsewhere):
        with pytest.raises(Unauthenticated):
            sessions.signed_in(office.store, ended, now)
    assert sessions.signed_in(office.store, changed, now).asker.user == person.user
    with pytest.raises(Unauthenticated):
        person.sign_in(now)
    assert person.sign_in(now + STEP, password=fresh)
    with pytest.raises(Unauthenticated):
        accounts.change_password(office.store, "forged", fresh, PASSWORD, now, os.urandom)


def test_who_signs_in_elsewhere_has_no_password_to_change(office: Office) -> None:
    token = _one_factor(office, office.somebody("social-worker"))
    with pytest.raises(Unauthenticated, match="old password"):
        accounts.change_password(office.store, token, PASSWORD, "seven orange kettles", NOW, os.urandom)


def test_a_second_factor_can_be_given_after_signing_in_with_one(office: Office) -> None:
    person = Person(office)
    token, without = _one_factor(office, person.user), _one_factor(office, office.somebody("social-worker"))
    now = NOW + STEP
    with pytest.raises(Unauthenticated, match="not right"):
        accounts.step_up(office.store, token, person.code(now + 9 * STEP), now, os.urandom)
    stepped = accounts.step_up(office.store, token, person.code(now), now, os.urandom)
    assert sessions.signed_in(office.store, stepped, now).asker.factors == 2
    assert sessions.choose_role(office.store, stepped, "social-worker", now, os.urandom)
    with pytest.raises(Unauthenticated):
        accounts.step_up(office.store, without, "000000", now, os.urandom)


def test_a_new_invitation_replaces_the_account_and_signs_out(office: Office) -> None:
    person = Person(office)
    token = person.sign_in(NOW, code=person.codes[0])
    old_codes = person.codes
    person.invitation = people_actions.invite(office.store, office.manager, person.user, NOW, os.urandom)
    person.seed = accounts.begin_account(office.store, person.invitation, NOW, os.urandom).seed
    person.finish(person.code(NOW), "seven orange kettles")
    with pytest.raises(Unauthenticated):
        sessions.signed_in(office.store, token, NOW)
    with pytest.raises(Unauthenticated):
        person.sign_in(NOW + STEP, password="seven orange kettles", code=old_codes[1])


@pytest.mark.parametrize(
    "password",
    ["", "short", "x" * 257, "aaaaaaaaaaaaaaa", "Password12345!", "samechild-2026-x", "somebodylong2026"],
)
def test_a_weak_password_is_refused(password: str) -> None:
    with pytest.raises(Invalid):
        accounts.check_password(password, "somebodylong@staff.example")


@given(st.text(max_size=300))
def test_a_refused_password_is_not_repeated(password: str) -> None:
    try:
        accounts.check_password(password, "kim@staff.example")
    except Invalid as wrong:
        said = str(wrong)
    else:
        said = ""
    assert len(password) < 6 or password not in said


def _one_factor(office: Office, user: str) -> str:
    from samechild.policy.people import store as people_store
    from samechild.policy.sign_in.sessions import Arrival

    with office.store.read(Login.GATE) as connection:
        found = people_store.user_of(connection, user)
    assert found is not None
    return sessions.start(office.store, Arrival(user=found, factors=1, method="x"), NOW, os.urandom, QUICK)
