"""What a person is asked about two records, in which order, and how far the people who answer agree.

Linking leaves out what it cannot tell; a person then looks at the two records side by side. The rules of that work are
here, as plain functions: who may take which question, when two people must agree before anything is done, what a set
of answers amounts to, and Cohen's kappa (Cohen 1960), which says how much of an agreement is more than luck.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from samechild.index.records import Piece

SECOND_LOOKS = 0.10
"""This share of all questions is answered by a second person who does not know what the first one said."""

LEASE = timedelta(minutes=30)
"""So long a question belongs to whoever took it; then somebody else may have it."""

PASSED_ON = timedelta(days=3)
"""So long a question that somebody could not answer waits for somebody who has answered more; then for anybody else."""


class Doubt(StrEnum):
    """Why a person is asked."""

    DOUBT = "doubt"  # neither surely the same child nor surely not
    RIVALS = "rivals"  # the record fits two children about as well
    CONTRADICTION = "contradiction"  # much agrees, and something speaks against it
    CHANGED = "changed"  # a record now says something quite different under the same id
    CLAIMS = "claims"  # two children are held under one number
    NUMBER = "contested number"  # one number moved from one child to another


DOUBTS = {
    Doubt.DOUBT: "Not sure either way",
    Doubt.RIVALS: "Fits two children about as well",
    Doubt.CONTRADICTION: "Much agrees, something speaks against it",
    Doubt.CHANGED: "A record has changed beyond recognition",
    Doubt.CLAIMS: "Two children under one number",
    Doubt.NUMBER: "A number has moved from one child to another",
}
"""Each reason for asking, as a reviewer reads it."""


class Reply(StrEnum):
    """What a person may answer about two records."""

    SAME = "same"
    DIFFERENT = "different"
    CANNOT_TELL = "cannot tell"


class Stage(StrEnum):
    """Where a question stands."""

    OPEN = "open"
    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"  # the engine no longer asks
    SUPERSEDED = "superseded"  # something else has answered it, such as a merge of the two children


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Two records about which a person is asked, as the engine asks it.

    ``question`` is a new opaque id (``secrets.token_hex(16)``). ``weight`` is the match weight in bits; ``evidence``
    holds names of comparisons, levels in words and bits, never a value of a record. ``ground`` is a code or words that
    say what made it a question.
    """

    question: str
    space: str
    kind: Doubt
    record_key: str
    owner: str
    child: str
    other_key: str
    other_owner: str
    other_child: str
    weight: float
    probability: float
    opened_at: datetime
    ground: str = ""
    prior: float = 0.0  # bits
    evidence: tuple[Piece, ...] = ()
    basis: str = "public task"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question as it stands in the queue: the engine's question and what has become of it."""

    asked: Question
    stage: Stage = Stage.OPEN
    stage_at: datetime | None = None
    assigned_to: str = ""
    leased_until: datetime | None = None
    second: bool = False  # two people must agree
    outcome: str = ""
    event: int = 0  # the newest event of the index that the answer brought about; 0: none


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One person's answer. ``blind``: they saw no other answer. ``taken_back_at``: it no longer counts since then."""

    question: str
    number: int
    who: str
    organisation: str
    answer: Reply
    blind: bool
    at: datetime
    note: bytes = b""  # sealed
    taken_back_at: datetime | None = None


# --- what a set of answers amounts to ---------------------------------------------------------------------------------


class Verdict(msgspec.Struct, frozen=True):
    """What the answers to a question amount to: ``settled`` is the answer to act on, or None while people are needed.

    ``blind``: the next person must not see what was said before. ``passed_on``: somebody could not tell.
    """

    settled: Reply | None = None
    blind: bool = False
    passed_on: bool = False


def verdict(answers: Sequence[Said], second: bool) -> Verdict:
    """Say what the answers so far amount to.

    One answer settles a question; where ``second`` is set two people must agree, and the second of them is blind to the
    first. When two disagree, a third decides between them by agreeing with one. Whoever cannot tell settles nothing.
    """
    counted = standing(answers)
    firm = [each for each in counted if each.answer is not Reply.CANNOT_TELL]
    passed_on = bool(counted) and counted[-1].answer is Reply.CANNOT_TELL
    needed = 2 if second else 1
    for answer, said in Counter(each.answer for each in firm).most_common(1):
        if said >= needed:
            return Verdict(settled=answer)
    return Verdict(blind=second and bool(counted), passed_on=passed_on)


def standing(answers: Iterable[Said]) -> list[Said]:
    """The answers that still count, in the order they were given: of each person the newest that was not taken back."""
    newest = {each.who: each for each in sorted(answers, key=lambda each: each.number) if each.taken_back_at is None}
    return sorted(newest.values(), key=lambda each: each.number)


def looked_at_twice(token: str) -> bool:
    """Whether a question belongs to the sample that two people answer.

    Args:
        token: a keyed reference of the question's id, in hexadecimal: the same question is always in the sample or
            always out of it, and no reviewer can work out which.
    """
    return int(token[:8], 16) < SECOND_LOOKS * 2**32


# --- whose turn it is -------------------------------------------------------------------------------------------------


def may_take(asked: Asked, answers: Sequence[Said], who: str, experience: Mapping[str, int], now: datetime) -> bool:
    """Whether somebody may take a question now, as far as the queue is concerned; the gate decides on its own.

    Nobody answers twice, or takes what another person holds. What somebody could not tell goes to a person who has
    given more answers than they have; after :data:`PASSED_ON`, to anybody else.

    Args:
        asked: the question.
        answers: what was said about it.
        who: the person.
        experience: answers given so far by each person of the space.
        now: when.
    """
    if asked.stage is not Stage.OPEN:
        return False
    if asked.assigned_to not in ("", who) and asked.leased_until is not None and asked.leased_until > now:
        return False
    counted = standing(answers)
    if any(each.who == who for each in counted):
        return False
    unsure = [each for each in counted if each.answer is Reply.CANNOT_TELL]
    if not unsure or now - max(each.at for each in unsure) >= PASSED_ON:
        return True
    most = max(experience.get(each.who, 0) for each in unsure)
    return experience.get(who, 0) > most


def in_turn(questions: Iterable[Asked], who: str, half_answered: frozenset[str], now: datetime) -> list[Asked]:
    """Put questions in the order in which a person should answer them.

    First what they hold already, then what waits for a second opinion, then the oldest: so nothing is begun and left,
    and nothing waits for ever.
    """

    def turn(each: Asked) -> tuple[bool, bool, datetime, str]:
        held = each.assigned_to == who and each.leased_until is not None and each.leased_until > now
        return (not held, each.asked.question not in half_answered, each.asked.opened_at, each.asked.question)

    return sorted(questions, key=turn)


class Ageing(msgspec.Struct, frozen=True):
    """How long questions wait: counts by days waited, the oldest in days, and questions closed in the last 7 days."""

    waiting: tuple[tuple[str, int], ...]
    oldest: int | None
    closed: int
    opened: int


_AGES = ((1, "today"), (7, "1 to 6 days"), (28, "7 to 27 days"), (None, "28 days or more"))


def ageing(opened: Sequence[datetime], closed_lately: int, now: datetime) -> Ageing:
    """Say how long questions have waited.

    Args:
        opened: when each question that is still open was asked.
        closed_lately: how many questions were closed in the last seven days.
        now: when.
    """
    days = [max(0, (now - each).days) for each in opened]
    counts: list[tuple[str, int]] = []
    least = 0
    for most, words in _AGES:
        counts.append((words, sum(least <= each and (most is None or each < most) for each in days)))
        least = most or 0
    lately = sum(now - each < timedelta(days=7) for each in opened)
    return Ageing(tuple(counts), max(days, default=None), closed_lately, lately)


# --- how far people agree ---------------------------------------------------------------------------------------------


class Agreement(msgspec.Struct, frozen=True):
    """How far two people, or all, agree: pairs both answered, those answered alike, and Cohen's kappa.

    ``kappa`` is None where it is undefined; ``words`` then say why, and otherwise what it means (Landis and Koch 1977).
    """

    who: tuple[str, ...]
    both: int
    alike: int
    kappa: float | None
    words: str


_MEANT = ((0.0, "worse than luck"), (0.2, "slight"), (0.4, "fair"), (0.6, "moderate"), (0.8, "substantial"))


def kappa(pairs: Sequence[tuple[str, str]]) -> tuple[float | None, str]:
    """Cohen's kappa of two people's answers to the same questions, and what it means in a word.

    Kappa is the share of agreement beyond what luck would bring, given how often each person gives each answer: 1 is
    full agreement, 0 what luck brings. It is undefined (None) without answers, and when both gave one and the same
    answer throughout, because luck alone would then agree as well.

    Args:
        pairs: the first and the second person's answer to each question.

    Source: J. Cohen, A coefficient of agreement for nominal scales, 1960; words: Landis and Koch 1977.
    """
    if not pairs:
        return None, "nothing was answered by two people yet"
    total = len(pairs)
    first, second = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    by_luck = sum(first[answer] * second[answer] for answer in first)
    alike = sum(one == other for one, other in pairs)
    if by_luck == total * total:
        return None, "everybody gave the same answer throughout, so luck cannot be told from agreement"
    value = (alike * total - by_luck) / (total * total - by_luck)
    return value, next((words for most, words in _MEANT if value < most), "almost perfect")


def agreements(answers: Iterable[Said]) -> list[Agreement]:
    """How far each two reviewers agree, and last all of them together, from answers given without knowing another's.

    Of each question the first two people's firm or unsure answers count, taken-back ones not. Overall the two sides are
    the first and the second answer.
    """
    by_question: dict[str, list[Said]] = {}
    for each in answers:
        by_question.setdefault(each.question, []).append(each)
    couples: dict[tuple[str, str], list[tuple[str, str]]] = {}
    everyone: list[tuple[str, str]] = []
    for question in sorted(by_question):
        counted = standing(by_question[question])
        if len(counted) < 2 or not counted[1].blind:
            continue
        one, other = counted[:2]
        everyone.append((one.answer, other.answer))
        left, right = sorted((one, other), key=lambda each: each.who)
        couples.setdefault((left.who, right.who), []).append((left.answer, right.answer))
    found = [_agreement(who, pairs) for who, pairs in sorted(couples.items())]
    return [*found, _agreement((), everyone)]


def _agreement(who: tuple[str, ...], pairs: Sequence[tuple[str, str]]) -> Agreement:
    value, words = kappa(pairs)
    return Agreement(who, len(pairs), sum(one == other for one, other in pairs), value, words)
