"""The rules about who gives which role to whom, without a database."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samechild.policy.people.organisations import Organisation, body_of
from samechild.policy.people.rules import (
    REVIEW_EVERY,
    Grant,
    RoleFacts,
    end_of,
    facts_of,
    holds,
    is_due,
    may_manage,
    why_not_grant,
    why_not_manage,
    why_not_vouch,
)
from samechild.records.disclosure import Asker
from staff import DAY, NOW

COUNCIL = Organisation(organisation="council", kind="local-authority", name="Council", active_from=NOW - DAY)
SCHOOL = Organisation(organisation="school", kind="academy", name="School", active_from=NOW - DAY)
CHILDMINDER = Organisation(
    organisation="minder",
    kind="childminder",
    name="Childminder",
    active_from=NOW - DAY,
    vouched_by="council",
    registered_until=NOW + 9 * DAY,
    contract_until=NOW + 9 * DAY,
)
MANAGER = Asker(user="manager", organisation="council", role="access-manager", factors=2)
HELD = RoleFacts(body=body_of(COUNCIL, NOW), role_from=NOW - DAY, role_organisation="council")


def a_grant(**changes: object) -> Grant:
    given = {
        "grant_id": "g",
        "holder": "somebody",
        "role": "social-worker",
        "organisation": "council",
        "valid_from": NOW,
        "valid_until": None,
        "granted_by": "manager",
        "granted_at": NOW,
        **changes,
    }
    return Grant(**given)  # type: ignore[arg-type]


moments = st.integers(-5, 5).map(lambda days: NOW + days * DAY)
grants = st.builds(
    a_grant,
    grant_id=st.text("abc", min_size=1, max_size=3),
    valid_from=moments,
    valid_until=st.none() | moments,
    ended_at=st.none() | moments,
)


@given(grants, moments)
def test_a_role_is_held_between_its_dates_and_before_it_was_taken_away(grant: Grant, now: datetime) -> None:
    within = grant.valid_from <= now and (grant.valid_until is None or now < grant.valid_until)
    assert holds(grant, now) is (within and (grant.ended_at is None or now < grant.ended_at))
    assert end_of(grant) in (None, grant.valid_until, grant.ended_at)


@given(st.lists(grants, max_size=4, unique_by=lambda grant: grant.grant_id), moments)
def test_the_facts_say_that_a_role_is_held_when_any_grant_of_it_holds(held: list[Grant], now: datetime) -> None:
    facts = facts_of(body_of(COUNCIL, now), held, now)
    stands = (
        facts.role_from is not None and facts.role_from <= now and (facts.role_until is None or now < facts.role_until)
    )
    assert stands is any(holds(grant, now) for grant in held)
    assert (facts.role_from is None) is (not held)
    assert facts == facts_of(body_of(COUNCIL, now), reversed(held), now)


def test_an_access_manager_looks_after_their_own_organisation() -> None:
    assert why_not_manage(MANAGER, HELD, COUNCIL, NOW) == ""
    assert "own access manager" in why_not_manage(MANAGER, HELD, SCHOOL, NOW)


def test_a_council_looks_after_the_childminder_it_vouches_for_and_no_other() -> None:
    assert may_manage(MANAGER, CHILDMINDER)
    assert not may_manage(MANAGER, msgspec.structs.replace(CHILDMINDER, vouched_by="other"))
    assert not may_manage(MANAGER, msgspec.structs.replace(SCHOOL, vouched_by="council"))


@pytest.mark.parametrize(
    ("by", "held", "words"),
    [
        (msgspec.structs.replace(MANAGER, role="social-worker"), HELD, "Only an access manager"),
        (MANAGER, None, "any more"),
        (MANAGER, RoleFacts(body=HELD.body), "any more"),
        (MANAGER, msgspec.structs.replace(HELD, role_from=NOW + DAY), "any more"),
        (MANAGER, msgspec.structs.replace(HELD, role_until=NOW), "any more"),
        (MANAGER, msgspec.structs.replace(HELD, role_organisation="school"), "any more"),
        (MANAGER, msgspec.structs.replace(HELD, body=body_of(COUNCIL, NOW - 2 * DAY)), "any more"),
        (msgspec.structs.replace(MANAGER, factors=1), HELD, "two factors"),
    ],
)
def test_who_is_no_access_manager_now_gives_nothing(by: Asker, held: RoleFacts | None, words: str) -> None:
    assert words in why_not_manage(by, held, COUNCIL, NOW)


@pytest.mark.parametrize(
    ("changes", "machine", "organisation", "words"),
    [
        ({"role": "magician"}, False, COUNCIL, "no such role"),
        ({"holder": "manager"}, False, COUNCIL, "to themselves"),
        ({"role": "doctor"}, False, COUNCIL, "sector"),
        ({"role": "submitting-system"}, False, COUNCIL, "for systems"),
        ({}, True, COUNCIL, "cannot hold a person"),
        ({}, False, msgspec.structs.replace(COUNCIL, active_until=NOW), "not active"),
        ({"valid_until": NOW}, False, COUNCIL, "dates"),
        ({"valid_from": NOW + 2 * DAY, "valid_until": NOW + DAY}, False, COUNCIL, "dates"),
    ],
)
def test_a_role_that_may_not_be_given(
    changes: dict[str, object], machine: bool, organisation: Organisation, words: str
) -> None:
    assert words in why_not_grant(MANAGER, organisation, a_grant(**changes), machine=machine, now=NOW)


def test_a_role_that_may_be_given() -> None:
    assert why_not_grant(MANAGER, COUNCIL, a_grant(), machine=False, now=NOW) == ""
    assert why_not_grant(MANAGER, COUNCIL, a_grant(role="submitting-system"), machine=True, now=NOW) == ""


def test_only_a_council_vouches_and_only_for_a_sole_provider() -> None:
    later = NOW + DAY
    assert why_not_vouch(COUNCIL, CHILDMINDER, later, later, NOW) == ""
    assert "Only the council" in why_not_vouch(SCHOOL, CHILDMINDER, later, later, NOW)
    ended = msgspec.structs.replace(COUNCIL, active_until=NOW)
    assert "Only the council" in why_not_vouch(ended, CHILDMINDER, later, later, NOW)
    assert "Only a sole provider" in why_not_vouch(COUNCIL, SCHOOL, later, later, NOW)
    assert "ended" in why_not_vouch(COUNCIL, CHILDMINDER, later, NOW, NOW)


def test_a_role_is_due_ninety_days_after_it_was_given_or_confirmed() -> None:
    moment = timedelta(microseconds=1)
    assert not is_due(a_grant(), None, NOW + REVIEW_EVERY - moment)
    assert is_due(a_grant(), None, NOW + REVIEW_EVERY)
    assert not is_due(a_grant(), NOW + DAY, NOW + REVIEW_EVERY)
