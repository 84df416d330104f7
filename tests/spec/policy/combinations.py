"""Tens of thousands of situations, chosen so that every rule is met, at its edges and on its own.

Picked at random, nearly every combination is refused for six reasons at once and tells nothing. So most of these start
from a situation that is allowed and change one thing, or two. The same seed gives the same situations.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import product

import msgspec

from samechild.policy.records import Consent, Involvement
from samechild.records.types import Sector
from spec.policy.situations import (
    AGREEMENTS,
    ASKING,
    COLLEAGUE,
    EMERGENCIES,
    ENTRIES,
    JUDGEMENTS,
    MOMENTS,
    THIRD,
    USER,
    Situation,
    ask_of,
    facts_of,
)
from spec.policy.truth import Verdict, cell, column, compiled, judge, observe, requirements, table, words_in

SEED = 20260329
ALLOWED_OWN, ALLOWED_ANOTHER, CHANGED, WILD = 5_000, 9_000, 14_000, 5_000
ALONE = 100
"""Each requirement is the only reason of a refusal in at least so many combinations."""

YES_NO: tuple[object, ...] = (False, True)
SECTORS = tuple(sector.value for sector in Sector)

DOMAINS: dict[str, tuple[object, ...]] = {
    "role": (*column("roles"), "", "headteacher"),
    "purpose": (*column("purposes"), "", "curiosity"),
    "mode": ("existence", "content"),
    "record_type": (*column("record_types"), "", "health.everything"),
    "space": ("own", "another"),
    "asker_sector": SECTORS,
    "owner_sector": SECTORS,
    "power": (*column("powers"), "", "CA1989-s999"),
    "basis": (*column("bases"), "", "6(1)(b)"),
    "condition": (*column("conditions"), "", "9(2)(z)"),
    "confidence": (*column("confidences"), "", "goodwill"),
    "consent": tuple(state.value for state in Consent),
    "involvement": tuple(state.value for state in Involvement),
    "role_from": ("", *MOMENTS),
    "role_until": ("", *MOMENTS),
    "role_giver": (ASKING, THIRD, ""),
    "factors": (0, 1, 2, 3),
    "policy_ahead": (-1, 0, 1),
    "judgement": ("", *JUDGEMENTS),
    "emergency": ("", *EMERGENCIES),
    "on_behalf_of": ("", USER, COLLEAGUE),
    "approvals": ((), (USER,), (COLLEAGUE,), (USER, COLLEAGUE), (USER, USER)),
    "entries": ((), *((name,) for name in ENTRIES), ("ends now", "in force")),
    "agreements": ((), *((name,) for name in AGREEMENTS)),
    "spread": ("child", "batch", "search"),
} | {field: YES_NO for field in Situation.__struct_fields__ if isinstance(getattr(Situation(), field), bool)}
"""Every value each part of a situation may take."""


def verdict(situation: Situation) -> Verdict:
    """What the tables say to a situation."""
    return judge(ask_of(situation), facts_of(situation))


def change(rng: random.Random, situation: Situation, fields: int) -> Situation:
    """The same situation with some of its parts drawn afresh."""
    chosen = rng.sample(sorted(DOMAINS), fields)
    return msgspec.structs.replace(situation, **{field: rng.choice(DOMAINS[field]) for field in chosen})


def wild(rng: random.Random) -> Situation:
    """Anything at all."""
    agreements = tuple(rng.sample(sorted(AGREEMENTS), rng.randrange(4)))
    parts = {field: rng.choice(values) for field, values in DOMAINS.items()}
    return Situation(**(parts | {"agreements": agreements}))  # type: ignore[arg-type]


def _pick(rng: random.Random, choices: frozenset[str], otherwise: str = "") -> str:
    return rng.choice(sorted(choices)) if choices else otherwise


@cache
def _serving(name: str, purpose: str, **needed: str) -> frozenset[str]:
    """The rows of a table that serve a purpose and whose other cells hold what is needed."""
    return frozenset(
        row["name"]
        for row in table(name)
        if words_in(row["purposes"]) & {purpose, "any"}
        and all(wanted in words_in(row[heading]) for heading, wanted in needed.items())
    )


def _basis(rng: random.Random, power: str, purpose: str, public: bool) -> str:
    if rng.random() < 0.25:
        return rng.choice(column("bases"))
    if purpose == "crime-prevention" and rng.random() < 0.5:
        return "DPA-Part-3"
    if power and cell("powers", power, "duty") == "yes" and rng.random() < 0.5:
        return "6(1)(c)"
    return "6(1)(e)" if public else rng.choice(("6(1)(ea)", "6(1)(f)"))


def _condition(rng: random.Random, record_type: str, purpose: str, basis: str) -> str:
    special, criminal = (cell("record_types", record_type, heading) == "yes" for heading in ("special", "criminal"))
    if not (special or criminal) and rng.random() < 0.8:
        return ""
    if basis == "DPA-Part-3" and rng.random() < 0.8:
        return "Part3-35(5)"
    needed = {"special": "yes"} if special else {"criminal": "yes"}
    return _pick(rng, _serving("conditions", purpose, **needed) - {"Part3-35(5)"})


def likely(rng: random.Random, role: str, purpose: str, space: str) -> Situation:
    """A situation that has a good chance of being allowed, for a role and a purpose."""
    record_type = rng.choice(column("record_types"))
    holders = words_in(cell("record_types", record_type, "holders"))
    sectors = words_in(cell("roles", role, "sectors"))
    own = space == "own"
    asker_sector = _pick(rng, sectors & holders if own and sectors & holders else sectors)
    owner_sector = asker_sector if own else _pick(rng, holders)
    owed = not own and cell("record_types", record_type, "confidential") == "yes"
    named = not own or rng.random() < 0.5
    public = rng.random() < 0.7
    power = _pick(rng, _serving("powers", purpose, holders=owner_sector)) if named else ""
    if power == "CA2004-s16LC" and record_type != "personal.identity":
        power = "CA2004-s16LA"
    basis = _basis(rng, power, purpose, public) if named else ""
    approved = cell("record_types", record_type, "adoption") == "yes" or rng.random() < 0.2
    return Situation(
        role=role,
        purpose=purpose,
        mode=_pick(rng, words_in(cell("roles", role, "modes")), "existence"),
        record_type=record_type,
        space=space,
        asker_sector=asker_sector,
        owner_sector=owner_sector,
        power=power,
        basis=basis,
        condition=_condition(rng, record_type, purpose, basis) if named else "",
        confidence=rng.choice(column("confidences")) if owed or (named and rng.random() < 0.3) else "",
        consent=rng.choice(("given", "given", "given", "given", *(state.value for state in Consent))),
        notice=rng.random() < 0.7,
        override=rng.random() < 0.6,
        harm=rng.random() < 0.5,
        involvement="current" if rng.random() < 0.8 else rng.choice(list(Involvement)).value,
        public=public,
        competent=basis == "DPA-Part-3" or rng.random() < 0.5,
        judgement=rng.choice(("recorded", "made now")),
        entries=rng.choice((("in force",), ("begins now",), ("ends just after",))),
        approvals=(COLLEAGUE,) if approved else (),
        role_until=rng.choice(("", "just after", "much later")),
        role_from=rng.choice(("long ago", "just before", "now")),
        agreements=rng.choice(((), ("forbid all",), ("allow default",))) if own else _agreed(rng),
        emergency="broken" if rng.random() < 0.1 else "",
        shielded=rng.random() < 0.1,
        on_behalf_of=COLLEAGUE if rng.random() < 0.1 else "",
        spread=rng.choice(("child", "child", "batch", "search")),
        shadow=rng.random() < 0.1,
    )


def _agreed(rng: random.Random) -> tuple[str, ...]:
    allowing = ("allow default", "allow named", "allow exception", "three parties", "begins now", "line begins now")
    others = rng.sample(sorted(AGREEMENTS), 1) if rng.random() < 0.2 else []
    return (rng.choice(allowing), *others)


class Combination(msgspec.Struct, frozen=True):
    """A situation, what the tables say to it, and how it came to be chosen."""

    situation: Situation
    verdict: Verdict
    chosen: str


def _combination(situation: Situation, chosen: str) -> Combination:
    return Combination(situation, verdict(situation), chosen)


def allowed(rng: random.Random, space: str, wanted: int) -> list[Combination]:
    """Situations that are allowed, going round every role with each of its purposes."""
    corners = [
        (role, purpose)
        for role in column("roles")
        for purpose in sorted(words_in(cell("roles", role, "purposes")))
        if cell("purposes", purpose, "forbidden") == "no"
    ]
    found: list[Combination] = []
    while len(found) < wanted:
        for role, purpose in corners:
            combination = _combination(likely(rng, role, purpose, space), f"allowed, {space}")
            if combination.verdict.allowed:
                found.append(combination)
    return found


MATRICES: tuple[tuple[str, ...], ...] = (
    ("role", "purpose", "mode"),
    ("role", "asker_sector"),
    ("role", "record_type", "mode"),
    ("role", "emergency", "shielded"),
    ("power", "purpose"),
    ("power", "owner_sector"),
    ("power", "basis", "consent"),
    ("power", "consent", "override"),
    ("power", "judgement"),
    ("power", "entries"),
    ("power", "record_type"),
    ("condition", "purpose"),
    ("condition", "record_type"),
    ("condition", "basis", "record_type"),
    ("basis", "purpose", "condition"),
    ("confidence", "consent", "notice", "override"),
    ("confidence", "record_type", "mode"),
    ("record_type", "owner_sector"),
    ("record_type", "consent", "harm", "mode"),
    ("record_type", "involvement", "mode"),
    ("record_type", "shielded", "emergency"),
    ("record_type", "sealed", "approvals"),
    ("purpose", "dfe"),
    ("purpose", "opted_out"),
    ("purpose", "emergency"),
    ("agreements", "mode", "space"),
    ("role_from", "role_until"),
    ("spread", "keys", "mode"),
    ("on_behalf_of", "mediator"),
)
"""Parts whose every combination is met, each laid over situations that are allowed otherwise."""


def matrices(rng: random.Random, pool: list[Combination]) -> Iterator[Combination]:
    """Every combination of some parts, over an allowed situation that agrees with it in as much as it can."""
    for parts in MATRICES:
        by_first: dict[object, list[Situation]] = {}
        for combination in pool:
            by_first.setdefault(getattr(combination.situation, parts[0]), []).append(combination.situation)
        everybody = [combination.situation for combination in pool]
        for values in product(*(DOMAINS[part] for part in parts)):
            under = rng.choice(by_first.get(values[0], everybody))
            changed = msgspec.structs.replace(under, **dict(zip(parts, values, strict=True)))
            yield _combination(changed, " x ".join(parts))


SPEAKS_OF: dict[str, tuple[str, ...]] = {
    "an-agreement-allows": ("agreements",),
    "an-agreement-forbids": ("agreements",),
    "policy": ("policy_ahead",),
    "clock": ("clock_sound",),
    "signed-in": ("signed_in",),
    "grant": ("role_from", "role_until"),
    "grant-by": ("role_giver",),
    "asker.sector": ("asker_sector",),
    "owner.sector": ("owner_sector",),
    "owner.place": ("owner_sector",),
    "asker.active": ("active",),
    "asker.dfe": ("dfe",),
    "asker.relevant": ("asker_relevant",),
    "owner.relevant": ("owner_relevant",),
    "owner.public": ("public",),
    "owner.competent": ("competent",),
    "type": ("record_type",),
    "detriment": ("judgement",),
    "entry": ("entries",),
    "glass": ("emergency",),
    "own-family": ("own_family",),
    "approval": ("approvals",),
    "opted-out": ("opted_out",),
    "mediated": ("on_behalf_of",),
}
"""Which parts of a situation the features of the tables come from, where the names differ."""


def parts_of(condition: str) -> tuple[str, ...]:
    """The parts of a situation that a condition of the requirements speaks of."""
    features = [word.removeprefix("@").removeprefix("word.") for word in condition.split()]
    parts: set[str] = set()
    for feature in features:
        first = feature.partition(".")[0]
        parts.update(SPEAKS_OF.get(feature) or SPEAKS_OF.get(first) or ((first,) if first in DOMAINS else ()))
    return tuple(sorted(parts))


Near = tuple[Situation, tuple[str, ...]]
"""An allowed situation, and the parts to change so that one more condition of a row holds."""


def nearly(rows: list[str], pool: list[Combination]) -> dict[str, list[Near]]:
    """For each row the allowed situations in which all its conditions but one hold."""
    texts = {requirement.row: requirement.when.split(";") for requirement in requirements()}
    read = dict(compiled("requirements", "when"))
    near: dict[str, list[Near]] = {row: [] for row in rows}
    for combination in pool:
        seen = observe(ask_of(combination.situation), facts_of(combination.situation))
        for row in rows:
            unmet = [text for text, known in zip(texts[row], read[row], strict=True) if not known.holds(seen)]
            if len(unmet) == 1:
                near[row].append((combination.situation, parts_of(unmet[0])))
    return near


def alone(rng: random.Random, row: str, near: list[Near], wanted: int) -> Iterator[Combination]:
    """Situations that one row alone refuses: what it speaks of is changed where nearly everything it needs holds."""
    found: set[Situation] = set()
    worked: dict[tuple[str, ...], list[dict[str, object]]] = {}
    for _ in range(wanted * 500):
        if len(found) >= wanted:
            return
        under, parts = rng.choice(near)
        values: dict[str, object] = {part: rng.choice(DOMAINS[part]) for part in parts}
        if parts in worked and rng.random() < 0.8:  # what refused before is likely to refuse again
            values = rng.choice(worked[parts])
        changed = msgspec.structs.replace(under, **values)
        if changed in found:
            continue
        combination = _combination(changed, f"alone, {row}")
        if combination.verdict.refusing == (row,):
            found.add(changed)
            worked.setdefault(parts, []).append(values)
            yield combination


def refused_alone(combinations: Iterable[Combination]) -> Counter[str]:
    """How often each row is the only one that refuses."""
    return Counter(c.verdict.refusing[0] for c in combinations if len(c.verdict.refusing) == 1)


@cache
def combinations() -> tuple[Combination, ...]:
    """All of them, no two alike, the same each time."""
    rng = random.Random(SEED)
    pool = [*allowed(rng, "own", ALLOWED_OWN), *allowed(rng, "another", ALLOWED_ANOTHER)]
    found = [*pool, *matrices(rng, pool)]
    found += [_combination(change(rng, rng.choice(pool).situation, 1), "one change") for _ in range(CHANGED)]
    found += [_combination(change(rng, rng.choice(pool).situation, 2), "two changes") for _ in range(CHANGED)]
    found += [_combination(wild(rng), "anything at all") for _ in range(WILD)]
    found = list({combination.situation: combination for combination in found}.values())
    counts = refused_alone(found)
    short = [known.row for known in requirements() if known.alone == "yes" and counts[known.row] < ALONE]
    for row, near in nearly(short, pool).items():
        found += alone(rng, row, near, 3 * (ALONE - counts[row]) // 2)
    return tuple({combination.situation: combination for combination in found}.values())
