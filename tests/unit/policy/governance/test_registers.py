"""Registers: every state can be reached and left, nothing is reviewed by who did it, clocks run as the law says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samechild.policy.ledger import Entry
from samechild.policy.registers.actions import cases_from
from samechild.policy.registers.cases import (
    OUTCOMES,
    OWNERS,
    REASON_NEEDED,
    TRANSITIONS,
    Case,
    Register,
    Step,
    due_at,
    first_state,
    how_it_stands,
    state_of,
    taken,
    why_not,
)
from samechild.policy.roles import roles

NOW = datetime(2026, 9, 3, 10, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OFFICER = "information-governance"
R = Register


def a_case(register: Register, **given: Any) -> Case:
    """A case that began on 3 September 2026."""
    usual = {"id": "k", "register": register, "organisation": "council", "started": NOW, "opened_at": NOW,
             "opened_by": "worker"}  # fmt: skip
    return Case(**{**usual, **given})


def steps(*taken_: tuple[str, timedelta] | tuple[str, timedelta, str]) -> list[Step]:
    """Steps by what was done and how long after the start."""
    return [
        Step(case="k", number=number, at=NOW + each[1], by="officer", action=each[0], note="because",
             outcome=each[2] if len(each) > 2 else "")
        for number, each in enumerate(taken_, start=1)
    ]  # fmt: skip


@pytest.mark.parametrize("register", Register)
def test_every_state_is_reached_and_leads_to_declared_ones(register: Register) -> None:
    table = TRANSITIONS[register]
    reached, todo = set(), [first_state(register)]
    while todo:
        state = todo.pop()
        if state not in reached:
            reached.add(state)
            todo += table[state].values()
    assert reached == set(table)
    assert set(OWNERS[register]) <= set(roles())
    assert {action for each in TRANSITIONS.values() for may in each.values() for action in may} >= REASON_NEEDED
    assert not [state for state in table if "review" in table[state] and register not in OUTCOMES]


def test_an_incident_has_seventy_two_hours_from_awareness() -> None:
    case = a_case(R.INCIDENT)
    assert due_at(case, []) == NOW + 72 * HOUR
    reportable = steps(("assess as reportable", HOUR))
    assert due_at(case, reportable) == NOW + 72 * HOUR
    assert how_it_stands(case, reportable, NOW + 72 * HOUR).late
    assert not how_it_stands(case, reportable, NOW + 72 * HOUR - timedelta(seconds=1)).late
    told = [*reportable, *steps(("x", HOUR), ("notify the Commissioner", 3 * HOUR))[1:]]
    assert how_it_stands(case, told, NOW + 99 * DAY).at is None
    assert due_at(case, steps(("assess as not reportable", HOUR))) is None


def test_a_late_notification_says_why() -> None:
    case, before = a_case(R.INCIDENT), steps(("assess as reportable", HOUR))
    late = Step(case="k", number=2, at=NOW + 80 * HOUR, by="officer", action="notify the Commissioner")
    assert "late" in why_not(case, before, late, OFFICER)
    in_time = Step(case="k", number=2, at=NOW + 8 * HOUR, by="officer", action="notify the Commissioner")
    assert why_not(case, before, in_time, OFFICER) == ""


def test_a_request_has_one_calendar_month_and_the_next_working_day() -> None:
    case = a_case(R.REQUEST, kind="access")
    assert due_at(case, []) == datetime(2026, 10, 5, 23, 0, tzinfo=UTC)  # 3 October is a Saturday; summer time
    confirmed = steps(("confirm identity", DAY))
    assert due_at(case, confirmed) == datetime(2026, 10, 5, 23, 0, tzinfo=UTC)


def test_the_clock_waits_for_identity_and_for_clarification() -> None:
    case = a_case(R.REQUEST, kind="access")
    asked = steps(("ask for identity", HOUR))
    assert due_at(case, asked) is None
    proved = steps(("ask for identity", HOUR), ("confirm identity", 10 * DAY))
    assert due_at(case, proved) == datetime(2026, 10, 13, 23, 0, tzinfo=UTC)
    paused = steps(("confirm identity", HOUR), ("ask for clarification", DAY))
    assert due_at(case, paused) is None
    clear = steps(("confirm identity", HOUR), ("ask for clarification", DAY), ("clarified", 5 * DAY))
    assert due_at(case, clear) == datetime(2026, 10, 9, 23, 0, tzinfo=UTC)  # Monday the 5th and four days


def test_a_request_may_be_extended_by_two_months_within_the_first() -> None:
    case = a_case(R.REQUEST, kind="access")
    extended = steps(("confirm identity", HOUR), ("extend", 20 * DAY))
    assert due_at(case, extended) == datetime(2026, 12, 4, 0, 0, tzinfo=UTC)  # winter time
    before = steps(("confirm identity", HOUR))
    late = Step(case="k", number=2, at=NOW + 40 * DAY, by="officer", action="extend", note="complex")
    assert "first month" in why_not(case, before, late, OFFICER)
    paused = steps(("confirm identity", HOUR), ("extend", 20 * DAY), ("ask for clarification", 21 * DAY))
    assert state_of(case, paused) == "paused while extended"


def test_identity_is_confirmed_before_anything_is_answered() -> None:
    answer = Step(case="k", number=1, at=NOW, by="officer", action="answer")
    assert "next: ask for identity, confirm identity, refuse" in why_not(a_case(R.REQUEST), [], answer, OFFICER)


def test_a_concern_is_acknowledged_within_thirty_days() -> None:
    case = a_case(R.CONCERN)
    assert due_at(case, []) == datetime(2026, 10, 3, 23, 0, tzinfo=UTC)
    assert due_at(case, steps(("acknowledge", DAY))) is None


@pytest.mark.parametrize(
    ("register", "kind", "due"),
    [
        (R.REFUSED, "child-protection", NOW + 4 * HOUR),
        (R.REFUSED, "safeguarding", datetime(2026, 9, 4, 23, 0, tzinfo=UTC)),
        (R.GLASS, "", NOW + DAY),
        (R.SHIELD, "", NOW + DAY),
        (R.OVERRIDE, "", NOW + DAY),
        (R.DISAGREEMENT, "", datetime(2026, 9, 4, 23, 0, tzinfo=UTC)),
    ],
)
def test_what_the_gate_sends_is_looked_at_soon(register: Register, kind: str, due: datetime) -> None:
    case = a_case(register, kind=kind)
    assert due_at(case, []) == due
    reviewed = steps(("take up", HOUR), ("review", 2 * HOUR, OUTCOMES[register][0]))
    assert due_at(case, reviewed) is None
    assert taken(case, reviewed) == 2 * HOUR
    assert taken(case, []) is None


def test_who_may_not_take_a_step() -> None:
    case = a_case(R.GLASS, about_user="worker")
    review = Step(case="k", number=1, at=NOW + HOUR, by="officer", action="review", outcome="justified", note="seen")
    assert why_not(case, [], review, OFFICER) == ""
    assert "information-governance" in why_not(case, [], review, "social-worker")
    own = Step(case="k", number=1, at=NOW, by="worker", action="review", outcome="justified", note="mine")
    assert "themselves" in why_not(case, [], own, OFFICER)


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"action": "close"}, "next"),
        ({"number": 2}, "meanwhile"),
        ({"at": NOW - HOUR}, "meanwhile"),
        ({"outcome": ""}, "found"),
        ({"outcome": "whatever"}, "found"),
        ({"note": " "}, "reasons"),
        ({"action": "take up", "outcome": "justified"}, "Only a review"),
    ],
)
def test_why_a_step_may_not_be_taken(given: dict[str, Any], word: str) -> None:
    usual = {"case": "k", "number": 1, "at": NOW + HOUR, "by": "officer", "action": "review", "outcome": "justified",
             "note": "seen"}  # fmt: skip
    assert word in why_not(a_case(R.GLASS), [], Step(**{**usual, **given}), OFFICER)


def test_a_step_before_the_last_one_is_not_taken() -> None:
    case, before = a_case(R.GLASS), steps(("take up", 3 * HOUR))
    step = Step(case="k", number=2, at=NOW + HOUR, by="officer", action="raise", note="odd")
    assert "meanwhile" in why_not(case, before, step, OFFICER)


def test_nothing_is_left_to_do_at_the_end() -> None:
    case = a_case(R.GLASS)
    done = steps(("review", HOUR, "justified"))
    assert "nothing" in why_not(case, done, Step(case="k", number=2, at=NOW + DAY, by="o", action="review"), OFFICER)


@given(st.data())
def test_any_walk_through_the_states_has_a_due_date_or_none(data: st.DataObject) -> None:
    register = data.draw(st.sampled_from(list(Register)))
    case = a_case(register, kind="safeguarding")
    walk: list[Step] = []
    for number in range(1, data.draw(st.integers(1, 8))):
        may = sorted(TRANSITIONS[register][state_of(case, walk)])
        if not may:
            break
        action = data.draw(st.sampled_from(may))
        outcome = OUTCOMES[register][0] if action == "review" else ""
        step = Step(case="k", number=number, at=NOW + number * HOUR, by="officer", action=action, outcome=outcome,
                    note="because")  # fmt: skip
        assert why_not(case, walk, step, OFFICER) == ""
        walk.append(step)
        stands = how_it_stands(case, walk, NOW)
        assert stands.late is False
        assert stands.at is None or stands.at > NOW


def an_entry(**given: Any) -> Entry:
    """A decision of the ledger."""
    usual = {"allowed": False, "purpose": "safeguarding", "owner": "council", "organisation": "school", "user": "lead",
             "emergency": None, "duties": [], "known": True}  # fmt: skip
    return Entry(at=NOW, body={**usual, **given}, kind="decision", number=7, references=())


@pytest.mark.parametrize(
    ("given", "registers"),
    [
        ({}, [R.REFUSED]),
        ({"purpose": "child-protection"}, [R.REFUSED]),
        ({"purpose": "early-help"}, []),
        ({"allowed": True}, []),
        ({"allowed": True, "emergency": {"supervisor": "s"}, "duties": ["tell-supervisor"]}, [R.GLASS]),
        ({"allowed": True, "emergency": {"supervisor": "s"}, "duties": ["investigate-override"]}, [R.SHIELD]),
        ({"purpose": "early-help", "emergency": {"supervisor": "s"}}, []),
    ],
)
def test_which_decisions_become_cases(given: dict[str, Any], registers: list[Register]) -> None:
    cases = cases_from(an_entry(**given))
    assert [case.register for case in cases] == registers
    assert all((case.about_user, case.about_entry, case.asking) == ("lead", 7, "school") for case in cases)


@pytest.mark.parametrize("how", [{"known": False}, {"allowed": True, "withheld": [{"rules": ["shielded"]}]}])
def test_a_refusal_that_the_asker_must_not_know_of_is_the_owners_case_alone(how: dict[str, Any]) -> None:
    broken = {"emergency": {"supervisor": "s"}, "duties": [], **how}
    assert [(case.register, case.asking) for case in cases_from(an_entry(**how))] == [(R.REFUSED, "")]
    cases = cases_from(an_entry(**broken))
    assert [(case.register, case.asking) for case in cases] == [(R.REFUSED, ""), (R.GLASS, "school")]
