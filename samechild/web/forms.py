"""Forms declared once: what is asked decides both how a form looks and what is accepted when it comes back.

Answers are trimmed, checked and told back with what to do next; a wrong answer is never repeated in an error message.
Nothing that was not asked for is taken.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal

import msgspec

TOKEN_FIELD = "token"
"""The hidden field in which every form carries the token of the sign-in."""

Kind = Literal[
    "text", "email", "password", "code", "lines", "choice", "select", "many", "tick", "date", "number", "file"
]


class Choice(msgspec.Struct, frozen=True):
    """One of the answers a person may pick."""

    value: str
    words: str
    hint: str = ""


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One question of a form. ``longest`` is in characters; ``missing`` is said when a needed answer is not there.

    A ``file`` is read as text, on a page that says how many bytes it takes; it is never told back.
    """

    name: str
    label: str
    kind: Kind = "text"
    hint: str = ""
    needed: bool = True
    longest: int = 200
    choices: tuple[Choice, ...] = ()
    missing: str = ""
    autocomplete: str = ""


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """Questions and the button that sends them; ``risky`` makes the button one that warns."""

    button: str
    fields: tuple[Field, ...] = ()
    risky: bool = False


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with one answer."""

    field: str
    words: str


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """A form with answers, as text, and what is wrong with them. Passwords and codes are never told back."""

    form: Form
    answers: Mapping[str, str] = {}
    picked: Mapping[str, tuple[str, ...]] = {}
    problems: tuple[Problem, ...] = ()

    def one(self, name: str) -> str:
        """The answer to a question, empty when there is none."""
        return self.answers.get(name, "")

    def many(self, name: str) -> tuple[str, ...]:
        """Every answer picked for a question."""
        return self.picked.get(name, ())

    def day(self, name: str) -> date | None:
        """The date given, or None."""
        text = self.answers.get(name, "")
        return date.fromisoformat(text) if text else None

    def part(self, name: str, piece: int) -> str:
        """Day, month or year of a date as the person wrote it."""
        return self.picked.get(name, ("", "", ""))[piece]


def blank(form: Form, **answers: str) -> Filled:
    """A form nobody has filled in yet, but for the answers given here."""
    return Filled(form=form, answers=answers)


def wrong(filled: Filled, words: str, field: str = "") -> Filled:
    """The same form with one more problem, found by whoever tried to act on it."""
    name = field or (filled.form.fields[0].name if filled.form.fields else "")
    return msgspec.structs.replace(filled, problems=(*filled.problems, Problem(name, words)))


def read(form: Form, sent: Mapping[str, Sequence[str]]) -> Filled:
    """Take the answers a form asks for out of what was sent, checking each; nothing else is looked at."""
    answers: dict[str, str] = {}
    picked: dict[str, tuple[str, ...]] = {}
    problems: list[Problem] = []
    for field in form.fields:
        words = _read_one(field, sent, answers, picked)
        if words:
            problems.append(Problem(field.name, words))
    return Filled(form=form, answers=answers, picked=picked, problems=tuple(problems))


def _read_one(
    field: Field, sent: Mapping[str, Sequence[str]], answers: dict[str, str], picked: dict[str, tuple[str, ...]]
) -> str:
    """Read one question; returns what is wrong, or nothing."""
    if field.kind == "date":
        return _read_date(field, sent, answers, picked)
    given = [_tidy(value, field.kind) for value in sent.get(field.name, ())]
    if field.kind == "many":
        known = {choice.value for choice in field.choices}
        picked[field.name] = tuple(value for value in dict.fromkeys(given) if value in known)
        if set(given) - known:
            return "Pick only from the list"
        return _missing(field, "pick at least one") if field.needed and not picked[field.name] else ""
    answer = given[0] if given else ""
    if field.kind == "tick":
        answers[field.name] = "yes" if answer == "yes" else ""
    elif len(answer) > field.longest:
        answers[field.name] = answer[: field.longest]
        return f"Shorten it to {field.longest} characters or fewer"
    else:
        answers[field.name] = answer
    return _check(field, answers[field.name])


def _check(field: Field, answer: str) -> str:
    if not answer:
        return _missing(field, "answer this question") if field.needed else ""
    if field.kind in ("choice", "select") and answer not in {choice.value for choice in field.choices}:
        return "Pick one from the list"
    if field.kind == "number" and not (answer.isascii() and answer.isdigit() and len(answer) <= 15):
        return "Write a whole number, such as 12"
    if field.kind == "email" and not _looks_like_email(answer):
        return "Write an email address, such as name@example.org"
    if field.kind not in ("lines", "file") and any(unicodedata.category(letter) == "Cc" for letter in answer):
        return "Take out the characters that cannot be seen"
    return ""


def _missing(field: Field, words: str) -> str:
    """Say which question has no answer: error messages must make sense in a list of their own."""
    return field.missing or f"{field.label.rstrip(':')}{' ' if field.label.endswith('?') else ': '}{words}"


def _tidy(value: str, kind: Kind) -> str:
    if kind == "password":
        return value
    text = unicodedata.normalize("NFC", value.replace("\r\n", "\n")).strip()
    return text.replace(" ", "") if kind == "code" else text


def _looks_like_email(text: str) -> bool:
    name, at, place = text.rpartition("@")
    return bool(name and at and "." in place and " " not in text)


def _read_date(
    field: Field, sent: Mapping[str, Sequence[str]], answers: dict[str, str], picked: dict[str, tuple[str, ...]]
) -> str:
    parts = [(sent.get(f"{field.name}-{piece}") or [""])[0].strip()[:4] for piece in ("day", "month", "year")]
    picked[field.name] = tuple(parts)
    if not any(parts):
        return _missing(field, "give the date") if field.needed else ""
    if not all(part.isascii() and part.isdigit() for part in parts) or len(parts[2]) != 4:
        return "Give the day, month and year as numbers, such as 27 3 2026"
    try:
        answers[field.name] = date(int(parts[2]), int(parts[1]), int(parts[0])).isoformat()
    except ValueError:
        return "There is no such day: give a real date"
    return ""
