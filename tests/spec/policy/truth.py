"""What the gate ought to answer, read from tables, so that ``decide`` has something independent to agree with.

The tables beside this file hold the statute notes as rows. Each row of ``requirements.csv`` says in a few plain
conditions when something is refused (or allowed); this module observes an ask and its facts as words (``clock:
unsound``, ``role.involved: yes``) and looks which rows hold. Nothing in it knows what any row is about. An ask is
allowed when some row allows and no row refuses.
"""

from __future__ import annotations

import csv
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec

from samechild.policy.records import Agreement, Body, Facts, Rule
from samechild.records.disclosure import Ask, Effect

TABLES = Path(__file__).parent / "tables"

Seen = dict[str, str]
"""What was observed, as words: the name of a feature and its value."""

NONE = "none"


class Requirement(msgspec.Struct, frozen=True):
    """One row of a table: what it says when all its conditions hold, in which words, and on what authority."""

    row: str
    effect: str
    when: str
    words: str
    cites: str
    alone: str

    @property
    def number(self) -> str:
        """The requirement the row belongs to, such as R9."""
        return self.row.partition(".")[0]


class Verdict(msgspec.Struct, frozen=True):
    """The expected answer, and every row that refuses."""

    allowed: bool
    refusing: tuple[str, ...]


@cache
def table(name: str) -> tuple[dict[str, str], ...]:
    """Every row of a table by its columns."""
    with (TABLES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file, strict=True))


@cache
def column(name: str, heading: str = "name") -> tuple[str, ...]:
    """One column of a table, in its order."""
    return tuple(row[heading] for row in table(name))


@cache
def cells(name: str, prefix: str) -> dict[str, Seen]:
    """The rows of a vocabulary table as features: ``role.involved`` and so on, by the row's name."""
    return {
        row["name"]: {f"{prefix}.{heading}": value for heading, value in row.items() if heading != "name"}
        for row in table(name)
    }


@cache
def cell(name: str, row: str, heading: str) -> str:
    """One cell of a vocabulary table."""
    return next(found[heading] for found in table(name) if found["name"] == row)


@cache
def words_in(text: str) -> frozenset[str]:
    """The words of a cell that holds a list."""
    return frozenset(text.split("|")) if text else frozenset()


@cache
def requirements() -> tuple[Requirement, ...]:
    """Every requirement, in the order of the table."""
    return tuple(Requirement(*row.values()) for row in table("requirements"))


class Condition(NamedTuple):
    """One condition, read: a feature, and either the values it may have or another feature that its list holds."""

    feature: str
    wanted: bool
    values: frozenset[str]
    other: str

    def holds(self, seen: Seen) -> bool:
        """Whether it holds; a feature not observed (the columns of an undeclared word) satisfies no condition."""
        found = seen.get(self.feature)
        if found is None:
            return False
        if self.other:
            return _lists(found, seen[self.other]) is self.wanted
        return (found in self.values) is self.wanted


def condition(text: str) -> Condition:
    """Read one condition: ``feature is a|b``, ``feature not a|b``, ``feature has @other``, ``feature lacks @other``."""
    feature, operator, right = text.strip().split(" ", 2)
    wanted = {"is": True, "not": False, "has": True, "lacks": False}[operator]
    if operator in {"is", "not"}:
        return Condition(feature, wanted, words_in(right), "")
    return Condition(feature, wanted, frozenset(), right.removeprefix("@"))


@cache
def _lists(text: str, word: str) -> bool:
    listed = words_in(text)
    return word in listed or "any" in listed


@cache
def compiled(name: str, heading: str) -> tuple[tuple[str, tuple[Condition, ...]], ...]:
    """The rows of a table of conditions, read once: row and its conditions, all of which must hold."""
    return tuple((row["row"], tuple(condition(part) for part in row[heading].split(";"))) for row in table(name))


def holding(name: str, heading: str, seen: Seen) -> tuple[str, ...]:
    """The rows of a table of conditions that hold for what was seen."""
    found = []
    for row, conditions in compiled(name, heading):
        for feature, wanted, values, other in conditions:  # as in `holds`, in a plain loop: here the time goes
            value = seen.get(feature)
            if value is None or (_lists(value, seen[other]) if other else value in values) is not wanted:
                break
        else:
            found.append(row)
    return tuple(found)


@cache
def _allowing() -> frozenset[str]:
    return frozenset(requirement.row for requirement in requirements() if requirement.effect == "allow")


def judge(ask: Ask, facts: Facts) -> Verdict:
    """The answer the tables give to one ask with its facts, and every row that refuses it."""
    held = holding("requirements", "when", observe(ask, facts))
    refusing = tuple(row for row in held if row not in _allowing())
    return Verdict(bool(_allowing().intersection(held)) and not refusing, refusing)


def observe(ask: Ask, facts: Facts) -> Seen:
    """Everything the tables may ask about, as words."""
    seen = _named(ask)
    seen |= _of_bodies(ask, facts)
    seen |= _of_the_asker(ask, facts)
    seen |= _of_the_child(ask, facts)
    seen |= _of_emergencies(ask)
    seen |= _of_consent(facts)
    seen |= _of_judgements(ask)
    seen["entry"] = _yes(
        any(
            _period(e.in_force_from, e.in_force_until, ask.now) == "now" and e.name == seen.get("power.legal_entry")
            for e in facts.entries
        )
    )
    said = [what_it_says(agreement, ask, seen) for agreement in facts.agreements]
    seen["an-agreement-allows"] = _yes(Effect.ALLOW in said)
    seen["an-agreement-forbids"] = _yes(Effect.FORBID in said)
    return seen


VOCABULARY = (
    ("purpose", "purposes", "purpose"),
    ("record_type", "record_types", "type"),
    ("power", "powers", "power"),
    ("basis", "bases", "basis-row"),
    ("condition", "conditions", "condition"),
    ("confidence", "confidences", "confidence-row"),
)
MAY_BE_EMPTY = frozenset({"power", "basis", "condition", "confidence"})


def _named(ask: Ask) -> Seen:
    seen = {"mode": ask.mode.value, "role": ask.who.role, "word.role": "undeclared"}
    if ask.who.role in cells("roles", "role"):
        seen |= cells("roles", "role")[ask.who.role]
        seen["word.role"] = "declared"
    for field, name, prefix in VOCABULARY:
        word: str = getattr(ask, field)
        found = cells(name, prefix).get(word)
        empty = not word and field in MAY_BE_EMPTY
        seen[field] = NONE if empty else word
        seen[f"word.{field}"] = NONE if empty else "undeclared" if found is None else "declared"
        seen |= found or {}
    return seen


def _of_bodies(ask: Ask, facts: Facts) -> Seen:
    def of(body: Body, side: str) -> Seen:
        return {
            f"{side}.organisation": body.organisation,
            f"{side}.sector": body.sector.value,
            f"{side}.public": _yes(body.public_authority),
            f"{side}.relevant": _yes(body.relevant_person),
            f"{side}.competent": _yes(body.competent_authority),
            f"{side}.dfe": _yes(body.dfe),
            f"{side}.place": cells("sectors", "body")[body.sector.value]["body.place"],
            f"{side}.active": _yes(body.active),
        }

    own = ask.owner == ask.who.organisation
    return of(facts.asker, "asker") | of(facts.owner, "owner") | {"space": "own" if own else "another"}


def _of_the_asker(ask: Ask, facts: Facts) -> Seen:
    given = NONE if facts.role_from is None else _period(facts.role_from, facts.role_until, ask.now)
    return {
        "policy": "current" if facts.policy_version == facts.policy_head else "stale",
        "clock": "sound" if facts.clock_sound else "unsound",
        "signed-in": _yes(facts.signed_in),
        "grant": given,
        "grant-by": "own" if facts.role_organisation == facts.asker.organisation else "another",
        "factors": str(ask.who.factors),
        "mediated": _who(ask.who.on_behalf_of, ask),
        "mediator": _yes(facts.mediator_signed_in),
        "oneself": _yes(facts.oneself),
        "own-family": _yes(facts.own_family),
        "spread": ask.scope.spread.value,
        "keys": "some" if ask.scope.record_keys else NONE,
    }


def _of_the_child(ask: Ask, facts: Facts) -> Seen:
    return {
        "involvement": facts.involvement.value,
        "harm": _yes(facts.harm_suspected),
        "override": _yes(facts.override),
        "shielded": _yes(facts.shielded),
        "sealed": _yes(facts.sealed_identity),
        "opted-out": _yes(facts.opted_out),
        "approval": _yes(any(approver != ask.who.user for approver in facts.approvals)),
    }


def _of_emergencies(ask: Ask) -> Seen:
    if ask.emergency is None:
        return {"glass": "whole"}
    return {
        "glass": "broken",
        "glass.reason": "given" if ask.emergency.reason else NONE,
        "glass.supervisor": _who(ask.emergency.supervisor, ask),
    }


@cache
def _consents() -> dict[tuple[str, str], Seen]:
    return {
        (row["state"], row["notice"]): {
            f"consent.{heading}": row[heading] for heading in ("given", "implied", "conversation", "stops")
        }
        for row in table("consents")
    }


def _of_consent(facts: Facts) -> Seen:
    notice = _yes(facts.notice)
    return {"notice": notice} | _consents()[facts.consent.value, notice]


def _of_judgements(ask: Ask) -> Seen:
    judgement = ask.judgement
    if judgement is None:
        return {"judgement": NONE, "detriment": "no"}
    faults = {
        "nobody's": not judgement.made_by,
        "unreasoned": not judgement.reason,
        "later": judgement.made_at > ask.now,
    }
    state = next((name for name, faulty in faults.items() if faulty), "recorded")
    return {"judgement": state, "detriment": _yes(judgement.more_detrimental)}


def what_it_says(agreement: Agreement, ask: Ask, seen: Seen) -> Effect | None:
    """What one agreement says to an ask: the effect of its deciding line, or None when it says nothing."""
    period = _period(agreement.starts, agreement.ends, ask.now)
    about = {
        "withdrawn": _yes(agreement.withdrawn),
        "starts": period,
        "ends": period,
        "source": "own" if agreement.owner == ask.owner else "another",
        "names-owner": _yes(ask.owner in agreement.parties),
        "names-asker": _yes(ask.who.organisation in agreement.parties),
        "signed-by-owner": _yes(ask.owner in agreement.signed_by),
        "signed-by-asker": _yes(ask.who.organisation in agreement.signed_by),
    }
    if holding("agreement", "void_when", about):
        return None
    in_order = sorted(agreement.rules, key=lambda line: not line.exception)  # exceptions first; sorting keeps order
    return next((line.effect for line in in_order if matches(line, ask, seen)), None)


def matches(line: Rule, ask: Ask, seen: Seen) -> bool:
    """Whether one line of an agreement is about an ask: each of its lists names it, and its dates include now."""
    for row in table("line"):
        listed = [str(getattr(entry, "value", entry)) for entry in getattr(line, row["list"])]
        if seen[row["asked"]] not in listed and (listed or row["empty_means"] != "any"):
            return False
    begun = line.valid_from is None or line.valid_from <= ask.now
    return begun and (line.valid_until is None or ask.now < line.valid_until)


def _period(begins: datetime, ends: datetime | None, now: datetime) -> str:
    if now < begins:
        return "later"
    return "over" if ends is not None and ends <= now else "now"


def _who(user: str, ask: Ask) -> str:
    return "self" if user and user == ask.who.user else "another" if user else NONE


def _yes(true: bool) -> str:
    return "yes" if true else "no"
