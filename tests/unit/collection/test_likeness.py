"""What children of one extract share is found as the receiver finds it, and nothing of them is kept for it."""

from __future__ import annotations

import pickle
from collections import Counter
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from samechild.collection.check import check
from samechild.collection.likeness import Likeness, problems_of_sharing
from samechild.collection.records import Child
from samechild.collection.rules.catalogue import RULES
from samechild.collection.rules.examples import a_child
from samechild.collection.rules.parts import alike
from samechild.collection.rules.rule import At

TODAY = date(2026, 6, 10)
NAMES, NUMBERS = st.sampled_from(["Ash", "ash ", "Elm", "Eļm", None]), st.sampled_from(["X1", "x1", "X2", None])


def _child(own: int, surname: str | None, number: str | None) -> Child:
    made = a_child(surname=surname, unique_pupil_number=number)
    return Child(la_child_id=f"C{own}", child_details=made.child_details)


@given(st.lists(st.tuples(NAMES, NUMBERS, st.booleans()), max_size=12))
def test_it_is_what_counting_the_values_themselves_gives(told: list[tuple[str | None, str | None, bool]]) -> None:
    children = [(_child(own, name, number), is_new) for own, (name, number, is_new) in enumerate(told)]
    likeness = Likeness()
    for child, is_new in children:
        likeness.take(child, is_new=is_new)
    everybody = Counter(mark for child, _ in children for mark in alike(child).items())
    new = Counter(mark for child, is_new in children if is_new for mark in alike(child).items())
    expected = {
        child.la_child_id: {
            kind for kind, value in alike(child).items() if everybody[kind, value] > 1 and new[kind, value]
        }
        for child, _ in children
    }
    assert likeness.shared() == {own: kinds for own, kinds in expected.items() if kinds}


def test_nothing_that_a_child_says_is_kept() -> None:
    likeness = Likeness()
    likeness.take(_child(1, "Quillfeather", "X000123418007"))
    held = pickle.dumps(vars(likeness))
    assert b"Quill" not in held
    assert b"quill" not in held
    assert b"X0001234" not in held
    assert len(held) < 1000


def test_every_rule_about_two_children_is_told_of_one_that_is_not_at_hand() -> None:
    """The problems of a bare child that shares are those of the failing examples: codes, grades and places."""
    found = 0
    for rule in RULES:
        for example in rule.fails:
            at = example.at
            if not isinstance(at, At) or not at.shared:
                continue
            found += 1
            usual = {each for each in check(at) if each.rule == rule.code}
            assert usual == set(problems_of_sharing(at.shared, at.today, at.window))
    assert found >= 2
    assert problems_of_sharing(frozenset(), TODAY, TODAY) == []
