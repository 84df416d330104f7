"""What a rule of the gate is: a name, its source in law or guidance, and one question."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from samechild.policy.records import Facts
from samechild.records.disclosure import Ask

Question = Callable[[Ask, Facts], str]


class Forbidding(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that can forbid: its question answers with the reason in words, or with nothing.

    ``hides``: that it forbids must not be told, because telling would say that the child, or something about the child,
    exists; the asker is then answered as if there were nothing.
    """

    name: str
    source: str
    title: str
    question: Question
    hides: bool = False


def forbids(name: str, source: str, *, hides: bool = False) -> Callable[[Question], Forbidding]:
    """Declare a rule from its question; the first line of the question's docstring is the rule's title."""

    def declared(question: Question) -> Forbidding:
        title = (question.__doc__ or name).strip().splitlines()[0]
        return Forbidding(name=name, source=source, title=title, question=question, hides=hides)

    return declared
