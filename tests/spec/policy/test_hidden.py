"""A refusal tells nothing about a hidden child: neither its answer nor its code differs from anybody else's.

``may_know`` decides whether a door answers "refused" or "no such child". When an ask fails whoever the child is (nobody
signed in, no agreement, a power that does not fit), that answer must be the same for a shielded child, for one with a
sealed identity and for any other: else an ask made to fail on purpose finds out which children are hidden.
"""

from __future__ import annotations

from functools import cache

import msgspec
import pytest

from samechild.policy.decide import decide
from spec.policy.combinations import combinations, verdict
from spec.policy.shrinking import in_words, smallest
from spec.policy.situations import Situation, ask_of, facts_of
from spec.policy.truth import compiled

pytestmark = pytest.mark.xdist_group("truth table")

CHILDS = {"involvement", "harm", "override", "shielded", "sealed", "opted-out", "approval", "notice"} | {
    f"consent.{column}" for column in ("given", "implied", "conversation", "stops")
}
PERSONAL = {"oneself", "own-family"}


@cache
def rows_about_a_child() -> frozenset[str]:
    """The rows that depend on which child it is."""
    return frozenset(
        row
        for row, conditions in compiled("requirements", "when")
        if any(condition.feature in CHILDS | PERSONAL for condition in conditions)
    )


def may_know(situation: Situation) -> bool:
    """Whether the door may say that it refused."""
    return decide(ask_of(situation), facts_of(situation)).may_know


def tells(situation: Situation, mark: str) -> bool:
    """Whether an ask that fails for anybody gets another answer because the child is hidden."""
    if not getattr(situation, mark) or not set(verdict(situation).refusing) - rows_about_a_child():
        return False
    return may_know(situation) != may_know(msgspec.structs.replace(situation, **{mark: False}))


@pytest.mark.slow
@pytest.mark.parametrize("mark", ["shielded", "sealed"])
def test_an_ask_that_fails_for_anybody_fails_alike_for_a_hidden_child(mark: str) -> None:
    hidden = [c.situation for c in combinations() if getattr(c.situation, mark) and not c.verdict.allowed]
    assert len(hidden) > 1_000
    telling = [situation for situation in hidden if tells(situation, mark)]
    shown = [smallest(situation, lambda s: tells(s, mark), lambda s: False) for situation in telling[:20]]
    assert not telling, f"{len(telling)} asks tell, such as {in_words(min(shown, key=lambda s: len(in_words(s))))}"


def test_this_would_be_noticed() -> None:
    assert "R17.whole" in rows_about_a_child()
    assert not {"R8.silent", "R2.sign-in", "R9.none"} & rows_about_a_child()
    hidden = Situation(record_type="personal.address", shielded=True)
    assert smallest(hidden, lambda s: s.shielded, lambda s: False) == Situation(shielded=True)
