"""Which names can belong to one person: Bill and William, Mohammed and Maxamed, Kowalski and Kowalska.

The pairs come from published lists (``data/DATA_LICENCES.md``). Every pair has a mark of its own, and a name carries
the marks of all its pairs, so two different names share a mark exactly when they are a listed pair: Ali and Alexandra
do not meet through Alison. A few regular patterns of surnames (Mc and Mac; endings that differ for men and women) give
marks by rule. A shared mark is a small piece of evidence, never proof, and nothing about a person is guessed from a
name.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from samechild.demographics.letters import to_letters

FORENAME, SURNAME = "first", "surname"
_PREFIX = {FORENAME: "F", SURNAME: "S"}
_ENDINGS = (
    ("SKAYA", "SKI"), ("SKIY", "SKI"), ("SKA", "SKI"), ("SKY", "SKI"), ("SKI", "SKI"),
    ("CKA", "CKI"), ("CKY", "CKI"), ("CKI", "CKI"), ("OVA", "OV"), ("OV", "OV"), ("EVA", "EV"), ("EV", "EV"),
    ("AITE", "AS"), ("AITIS", "AS"), ("YTE", "AS"), ("IENE", "AS"), ("UTE", "AS"),
    ("AS", "AS"), ("IS", "AS"), ("YS", "AS"), ("US", "AS"),
)  # fmt: skip
_SHORTEST_STEM = 3
RULE_PATTERN = rf"\A(?:MA?C.*|.*(?:{'|'.join(ending for ending, _ in _ENDINGS)}))\z"
"""Matches every surname that :func:`surname_rule_mark` may have a mark for."""


@cache
def pairs() -> tuple[tuple[str, str, str, str], ...]:
    """The listed pairs: mark, name, other name (both in capitals A to Z), and what the pair applies to."""
    text = files("samechild.demographics").joinpath("data/name_variants.csv").read_text(encoding="utf-8")
    numbers = {FORENAME: 0, SURNAME: 0}
    listed = []
    for line in text.splitlines()[1:]:
        name_a, name_b, applies_to, _ = line.split(",", 3)  # quotation marks stand only in what follows
        numbers[applies_to] += 1
        listed.append((f"{_PREFIX[applies_to]}{numbers[applies_to]}", _joined(name_a), _joined(name_b), applies_to))
    return tuple(listed)


def _joined(name: str) -> str:
    if name.isalpha() and name.isascii():
        return name.upper()
    return to_letters(name).text.replace(" ", "").replace("-", "")


@cache
def marks(applies_to: str) -> dict[str, tuple[str, ...]]:
    """For each listed name in capitals, the sorted marks of its pairs; ``applies_to`` is "first" or "surname"."""
    found: dict[str, set[str]] = {}
    for mark, name_a, name_b, kind in pairs():
        if kind == applies_to and name_a != name_b:
            found.setdefault(name_a, set()).add(mark)
            found.setdefault(name_b, set()).add(mark)
    return {name: tuple(sorted(given)) for name, given in found.items()}


def forename_marks(name: str) -> tuple[str, ...]:
    """The marks a forename shares with names that can mean the same person; empty when none is listed."""
    return marks(FORENAME).get(name, ())


def surname_marks(name: str) -> tuple[str, ...]:
    """The marks a surname shares with other spellings and forms of it, listed or by rule; empty when there is none."""
    listed, rule = marks(SURNAME).get(name, ()), surname_rule_mark(name)
    return tuple(sorted((*listed, rule))) if rule else listed


def surname_rule_mark(name: str) -> str | None:
    """A mark shared by the regular forms of one surname: MCDONALD and MACDONALD, KOWALSKI and KOWALSKA.

    Lithuanian endings (-as, -is, -ys, -us; -aite, -yte, -ute; -iene) need a stem of five letters, because shorter ones
    are common in English names.
    """
    for prefix in ("MAC", "MC"):
        if name.startswith(prefix) and len(name) >= len(prefix) + _SHORTEST_STEM:
            return f"MC:{name[len(prefix) :]}"
    for ending, root in _ENDINGS:
        shortest = 5 if root == "AS" else _SHORTEST_STEM
        if name.endswith(ending) and len(name) >= len(ending) + shortest:
            return f"{root}:{name[: -len(ending)]}"
    return None
