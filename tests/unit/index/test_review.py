"""The rules of review: who may take what, when two must agree, and kappa against values worked out by hand."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asking import DAY, NOW
from samechild.index.review import (
    DOUBTS,
    LEASE,
    PASSED_ON,
    SECOND_LOOKS,
    Asked,
    Doubt,
    Question,
    Reply,
    Said,
    Stage,
    Verdict,
    ageing,
    agreements,
    in_turn,
    kappa,
    looked_at_twice,
    may_take,
    standing,
    verdict,
)

SAME, DIFFERENT, UNSURE = Reply.SAME, Reply.DIFFERENT, Reply.CANNOT_TELL


def asked(question: str = "q", **given: Any) -> Asked:
    plain = Question(
        question=question, space="council", kind=Doubt.DOUBT, record_key="a", owner="council", child="ca",
        other_key="b", other_owner="council", other_child="cb", weight=3.0, probability=0.9,
        opened_at=given.pop("opened_at", NOW),
    )  # fmt: skip
    return Asked(asked=plain, **given)


def said(*answers: tuple[str, Reply], question: str = "q", blind: bool = True, **given: Any) -> list[Said]:
    return [
        Said(
            question=question, number=number, who=who, organisation="council", answer=answer,
            blind=blind and number > 1, at=given.get("at", NOW),
        )
        for number, (who, answer) in enumerate(answers, 1)
    ]  # fmt: skip


def test_every_reason_for_asking_has_its_words() -> None:
    assert set(DOUBTS) == set(Doubt)


@pytest.mark.parametrize(
    ("answers", "second", "expected"),
    [
        ([], False, Verdict()),
        ([("ann", SAME)], False, Verdict(settled=SAME)),
        ([("ann", UNSURE)], False, Verdict(passed_on=True)),
        ([("ann", UNSURE), ("bob", DIFFERENT)], False, Verdict(settled=DIFFERENT)),
        ([("ann", SAME)], True, Verdict(blind=True)),
        ([("ann", SAME), ("bob", SAME)], True, Verdict(settled=SAME)),
        ([("ann", SAME), ("bob", DIFFERENT)], True, Verdict(blind=True)),
        ([("ann", SAME), ("bob", DIFFERENT), ("cem", DIFFERENT)], True, Verdict(settled=DIFFERENT)),
        ([("ann", SAME), ("bob", UNSURE)], True, Verdict(blind=True, passed_on=True)),
        ([("ann", SAME), ("ann", SAME)], True, Verdict(blind=True)),  # one person twice is one person
    ],
)
def test_what_answers_amount_to(answers: list[tuple[str, Reply]], second: bool, expected: Verdict) -> None:
    assert verdict(said(*answers), second) == expected


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(list(Reply))), max_size=6))
def test_nothing_is_settled_where_two_must_agree_before_two_do(answers: list[tuple[str, Reply]]) -> None:
    found = verdict(said(*answers), True)
    if found.settled is not None:
        agreeing = {each.who for each in standing(said(*answers)) if each.answer is found.settled}
        assert len(agreeing) >= 2
        assert found.settled is not UNSURE


def test_what_was_taken_back_no_longer_counts() -> None:
    one, two = said(("ann", SAME), ("bob", DIFFERENT))
    gone = Said(**{**{name: getattr(one, name) for name in one.__struct_fields__}, "taken_back_at": NOW})
    assert verdict([gone, two], False) == Verdict(settled=DIFFERENT)


def test_nobody_answers_twice_or_takes_what_another_holds() -> None:
    assert may_take(asked(), [], "ann", {}, NOW)
    assert not may_take(asked(), said(("ann", SAME)), "ann", {}, NOW)
    held = asked(assigned_to="ann", leased_until=NOW + LEASE)
    assert may_take(held, [], "ann", {}, NOW)
    assert not may_take(held, [], "bob", {}, NOW)
    assert may_take(held, [], "bob", {}, NOW + LEASE)
    assert not may_take(asked(stage=Stage.WITHDRAWN), [], "ann", {}, NOW)


def test_what_somebody_cannot_tell_goes_to_the_more_experienced_then_to_anybody_else() -> None:
    unsure, given_so_far = said(("ann", UNSURE)), {"ann": 40, "bob": 3, "cem": 400}
    assert not may_take(asked(), unsure, "bob", given_so_far, NOW)
    assert may_take(asked(), unsure, "cem", given_so_far, NOW)
    assert may_take(asked(), unsure, "bob", given_so_far, NOW + PASSED_ON)
    assert not may_take(asked(), unsure, "ann", given_so_far, NOW + PASSED_ON)


def test_held_first_then_half_answered_then_oldest() -> None:
    them = [
        asked("new", opened_at=NOW - DAY),
        asked("old", opened_at=NOW - 9 * DAY),
        asked("half", opened_at=NOW),
        asked("held", opened_at=NOW, assigned_to="ann", leased_until=NOW + LEASE),
        asked("let go", opened_at=NOW - 2 * DAY, assigned_to="ann", leased_until=NOW - LEASE),
    ]
    found = [each.asked.question for each in in_turn(them, "ann", frozenset({"half"}), NOW)]
    assert found == ["held", "half", "old", "let go", "new"]


def test_waiting_is_counted_in_days() -> None:
    opened = [NOW, NOW - 6 * DAY, NOW - 7 * DAY, NOW - 28 * DAY, NOW + DAY]
    found = ageing(opened, 5, NOW)
    assert found.waiting == (("today", 2), ("1 to 6 days", 1), ("7 to 27 days", 1), ("28 days or more", 1))
    assert (found.oldest, found.closed, found.opened) == (28, 5, 3)
    assert ageing([], 0, NOW).oldest is None


def test_the_sample_is_a_tenth_and_always_the_same() -> None:
    tokens = [sha256(str(number).encode()).hexdigest() for number in range(20_000)]
    share = sum(map(looked_at_twice, tokens)) / len(tokens)
    assert share == pytest.approx(SECOND_LOOKS, abs=0.01)
    assert list(map(looked_at_twice, tokens)) == list(map(looked_at_twice, tokens))


# Cohen (1960) by hand: 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: agreement 0.7, by luck 0.5, kappa 0.4.
BY_HAND = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15


@pytest.mark.parametrize(
    ("pairs", "value", "words"),
    [
        (BY_HAND, 0.4, "moderate"),
        ([("y", "y"), ("n", "n")], 1.0, "almost perfect"),
        ([("y", "n"), ("n", "y")], -1.0, "worse than luck"),
        ([("y", "y"), ("y", "n"), ("n", "y"), ("n", "n")], 0.0, "slight"),
        # three answers: 0.8 agreed; by luck (6*6 + 3*2 + 1*2) / 100 = 0.44; (0.8 - 0.44) / 0.56 = 9/14
        ([("s", "s")] * 5 + [("s", "u"), ("d", "s")] + [("d", "d")] * 2 + [("u", "u")], 9 / 14, "substantial"),
    ],
)
def test_kappa_is_what_it_is_by_hand(pairs: list[tuple[str, str]], value: float, words: str) -> None:
    found, told = kappa(pairs)
    assert found == pytest.approx(value)
    assert told == words


def test_where_kappa_is_undefined_words_say_why() -> None:
    assert kappa([]) == (None, "nothing was answered by two people yet")
    undefined, words = kappa([("same", "same")] * 30)
    assert undefined is None
    assert "same answer throughout" in words
    assert kappa([("same", "same"), ("same", "different")])[0] == 0.0  # one of them varies: defined


@given(st.lists(st.tuples(st.sampled_from("sdu"), st.sampled_from("sdu")), max_size=30))
def test_kappa_does_not_depend_on_who_is_first_and_is_at_most_one(pairs: list[tuple[str, str]]) -> None:
    found = kappa(pairs)[0]
    assert found == kappa([(other, one) for one, other in pairs])[0]
    assert found is None or found <= 1.0


def test_agreement_of_each_two_people_and_of_all() -> None:
    answers = [
        *said(("ann", SAME), ("bob", SAME), question="q1"),
        *said(("bob", DIFFERENT), ("ann", DIFFERENT), question="q2"),
        *said(("ann", SAME), ("bob", DIFFERENT), ("cem", SAME), question="q3"),
        *said(("ann", SAME), ("cem", SAME), question="q4"),
        *said(("ann", SAME), ("cem", SAME), question="q5", blind=False),  # saw the first answer: does not count
        *said(("ann", SAME), question="q6"),
    ]
    found = {each.who: each for each in agreements(answers)}
    assert set(found) == {("ann", "bob"), ("ann", "cem"), ()}
    # ann: same, different, same; bob: same, different, different: agreed 2/3, by luck (2*1 + 1*2) / 9, kappa 2/5
    assert (found["ann", "bob"].both, found["ann", "bob"].alike) == (3, 2)
    assert found["ann", "bob"].kappa == pytest.approx(0.4)
    assert found["ann", "cem"].kappa is None
    assert (found[()].both, found[()].alike) == (4, 3)
    assert agreements([])[0].kappa is None


def test_a_lease_is_short_enough_to_come_back_the_same_day() -> None:
    assert timedelta(minutes=5) < LEASE < timedelta(hours=4)
