"""Which children may somebody's description be of? Answered without keeping anything: for ``$match`` and the like.

The same comparison as when a record arrives, but nothing is written but the ledger's entries, and what a mark hides
counts for nothing. Grades follow FHIR: *certain* only when one child stands alone above the line at which records are
joined without a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from samechild.demographics.conventions import Convention
from samechild.demographics.dates import DateReading
from samechild.demographics.one import standardise_one
from samechild.errors import Invalid, Refused
from samechild.index.grounds import grounded
from samechild.index.live import Live, live
from samechild.index.records import WHO, Piece, Space
from samechild.index.spaces import space_of
from samechild.linkage.constraints import Why
from samechild.policy.vault_actions import comparable, searched
from samechild.records import Record
from samechild.records.disclosure import Ask, Asker, Mode, Permit, Scope, Spread
from samechild.storage import Store

MOST = 50
"""So many children are answered at most."""

CERTAIN, PROBABLE, POSSIBLE, NOT = "certain", "probable", "possible", "certainly-not"
_APART = {Why.NEVER_LINK, Why.SAID_DIFFERENT, Why.VERIFIED_NUMBERS_DIFFER, Why.TWO_IDENTITIES}
_DOUBTFUL = {Why.TWINS, Why.NAMES_AND_NUMBERS_DIFFER, Why.ONE_RECORD_PER_CHILD}
_ENOUGH = ("surname", "forename", "full_name", "nhs_number", "chi_number", "hc_number", "upn", "uln", "la_child_id")


class Likely(msgspec.Struct, frozen=True, kw_only=True):
    """A child the description may be of: how surely, FHIR's grade, and the evidence of its strongest record."""

    child: str
    weight: float  # match weight in bits
    probability: float
    grade: str
    evidence: tuple[Piece, ...] = ()


class Weighed(msgspec.Struct, frozen=True, kw_only=True):
    """One record compared with the description."""

    child: str
    record_key: str
    weight: float
    why: Why = Why.NOTHING
    evidence: tuple[Piece, ...] = ()


def likely(store: Store, by: Asker, space: str, ask: Ask, given: Mapping[str, str], most: int = 10) -> list[Likely]:
    """Find the children that a description may be of, the likeliest first, as far as the asker may know of them.

    Args:
        store: the open installation.
        by: who asks.
        space: the space to look in; the organisation's own when empty.
        ask: purpose, power, basis and time; owner, mode and scope are filled in for each organisation.
        given: what is known of the child, by field, as it is written somewhere; none of it is kept.
        most: at most so many children.

    Raises:
        Invalid: when too little is given to look with.
        Missing: when there is no such space for this asker. Refused: when nobody lets them look.
    """
    here = space_of(store, space or by.organisation, by.organisation)
    terms = comparable(given, ask.now)
    if not set(terms) & set(_ENOUGH):
        raise Invalid("Too little is given: send a name with a date of birth, or a whole number.")
    alive = live(store, here.space, ask.now)
    alive.marks_up_to_date(ask.now)
    made = standardise_one({**given, "source": "match", "record_id": "1"}, Convention(DateReading(ask.now.date())))
    near = compared(alive, made)
    allowed = _allowed(store, here, by, ask, terms, {each.record_key: _owner(alive, each.record_key) for each in near})
    return graded([each for each in near if each.record_key in allowed], alive.limits.join)[: min(most, MOST)]


def holding(store: Store, by: Asker, space: str, ask: Ask, field: str, value: str) -> list[str]:
    """The children of whom a record holds exactly this number, as far as the asker may know of them.

    Raises:
        Invalid: when the value is none of that kind. Missing, Refused: as :func:`likely`.
    """
    here = space_of(store, space or by.organisation, by.organisation)
    terms = comparable({field: value}, ask.now)
    if field not in terms:
        raise Invalid("That is not a whole number of this kind: check it.")
    alive = live(store, here.space, ask.now)
    alive.marks_up_to_date(ask.now)
    copy = alive.copy
    at = copy.columns.index(field)
    rows = [row for row in copy.with_value(field, terms[field]) if copy.searchable(row)[at] == terms[field]]
    child_of = {copy.record_key(row): copy.child(row) for row in rows if not alive.is_sealed(copy.record_key(row))}
    allowed = _allowed(store, here, by, ask, terms, {key: _owner(alive, key) for key in child_of})
    return sorted({child for key, child in child_of.items() if key in allowed})


def _allowed(
    store: Store, here: Space, by: Asker, ask: Ask, terms: Mapping[str, str], owner_of: Mapping[str, str]
) -> set[str]:
    """Of the records found those that each organisation, asked for itself, lets the asker know of."""
    words = [f"{name}\x1f{value}" for name, value in sorted(terms.items())]
    allowed: set[str] = set()
    refused: list[Refused] = []
    for owner in sorted(here.members, key=lambda member: member != by.organisation):
        own = sorted(key for key, its in owner_of.items() if its == owner)
        scope = Scope(Spread.SEARCH, batch=ask.scope.batch)
        question = msgspec.structs.replace(
            ask, who=by, owner=owner, mode=Mode.EXISTENCE, record_type=WHO[0], scope=scope
        )
        try:
            seen = searched(store, grounded(store, question), sorted(terms), words, partial(_these, own))
        except Refused as refusal:
            refused.append(refusal)
            continue
        allowed |= set(seen.record_keys)
    if len(refused) == len(here.members):
        raise refused[0]
    return allowed


def _these(found: list[str], permit: Permit) -> list[str]:
    return found


def _owner(alive: Live, record_key: str) -> str:
    row = alive.copy.row_of(record_key)
    return "" if row is None else alive.copy.owner(row)


def compared(alive: Live, record: Record) -> list[Weighed]:
    """Compare a description with every record of the space that it shares a key with; what is hidden is not looked at.

    Records of a closed identity are left out: no answer may lead to them.
    """
    prepared, copy = alive.matcher.prepare(record), alive.copy
    found = []
    for row in copy.near(copy.values_of(record)):
        key = copy.record_key(row)
        if alive.is_sealed(key):
            continue
        other = copy.searchable(row)[: len(prepared)]
        weighed = alive.matcher.weigh(prepared, other)
        if weighed.weight < alive.limits.ask:
            continue
        pieces = tuple(Piece(*piece) for piece in alive.matcher.evidence(weighed.levels, prepared, other))
        found.append(
            Weighed(child=copy.child(row), record_key=key, weight=weighed.weight, why=Why(weighed.why), evidence=pieces)
        )
    return found


def graded(found: Sequence[Weighed], join: float) -> list[Likely]:
    """Grade the children that some records are of. Pure.

    Certain: it alone stands above the line of joining, and nothing speaks against it. Probable: above that line, with a
    rival or a doubt (a twin, numbers that differ). Possible: above the line of asking. Certainly not: verified numbers
    that differ, whatever else agrees.
    """
    of_child: dict[str, list[Weighed]] = {}
    for each in found:
        of_child.setdefault(each.child, []).append(each)
    above = {
        child
        for child, them in of_child.items()
        if max(each.weight for each in them) >= join and not any(each.why in _APART for each in them)
    }
    answers = []
    for child, them in of_child.items():
        best = max(them, key=lambda each: (each.weight, each.record_key))
        apart = any(each.why in _APART for each in them)
        doubt = any(each.why in _DOUBTFUL for each in them) or len(above) > 1
        grade = NOT if apart else (PROBABLE if doubt else CERTAIN) if best.weight >= join else POSSIBLE
        answers.append(
            Likely(
                child=child,
                weight=best.weight,
                probability=0.0 if apart else chance(best.weight),
                grade=grade,
                evidence=best.evidence,
            )
        )
    return sorted(answers, key=lambda each: (each.grade == NOT, -each.weight, each.child))


def chance(weight: float) -> float:
    """The probability that a match weight in bits stands for."""
    if weight > 60:
        return 1.0
    return 0.0 if weight < -60 else 2.0**weight / (1.0 + 2.0**weight)
