"""The single core record: of each thing that agencies say of a child the best, with who says it and who says otherwise.

It is worked out anew from the records that one reader may see, and kept nowhere: the agencies' records stay the truth.
Conflicts stand beside what was chosen and are never resolved in silence. A record the reader may not see counts for
nothing: not as a value, not as agreement, not as a conflict. The order of records changes nothing.

Survivorship by "first value that is not empty", without telling where it came from, is the commonest fault of such
single views; here each value carries its source, its date and the rule that chose it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import msgspec

from samechild.demographics.conventions import Convention
from samechild.demographics.dates import DateReading
from samechild.demographics.standardise import standardise_one
from samechild.index.core_fields import (
    AGREED,
    ALONE,
    FIELDS,
    ORDER,
    RULES,
    Among,
    Claim,
    CoreField,
    Rule,
    is_superseded,
    wholeness,
)
from samechild.index.differences import MILD, Difference
from samechild.index.records import Held
from samechild.records import Record
from samechild.records.types import Sector

_SEXES = {"M": "Male", "F": "Female"}


class Beside(msgspec.Struct, frozen=True):
    """A value that was not chosen, and how it differs from the one that was."""

    claim: Claim
    difference: Difference


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """One field of the core record: the value chosen and why, who agrees, other forms of it, and what contradicts it.

    ``former`` are earlier values: those that records give as such, and those that another record names as one.
    """

    field: str
    title: str
    value: Claim
    rule: Rule
    agreeing: tuple[Claim, ...] = ()
    variants: tuple[Beside, ...] = ()
    conflicts: tuple[Beside, ...] = ()
    former: tuple[Claim, ...] = ()

    @property
    def agencies(self) -> int:
        """How many agencies hold the value that was chosen."""
        return len({each.owner for each in (self.value, *self.agreeing)})


class Core(msgspec.Struct, frozen=True):
    """The core record of one child for one reader. A field that nobody holds is not there."""

    fields: tuple[Chosen, ...]

    def of(self, field: str) -> tuple[Chosen, ...]:
        """What was chosen for a field: one value, several for what each agency gives its own, or nothing."""
        return tuple(chosen for chosen in self.fields if chosen.field == field)


def core_record(records: Sequence[Held], sectors: Mapping[str, Sector], today: date) -> Core:
    """Work out the core record from the records that a reader may see.

    Args:
        records: the child's records, in any order.
        sectors: the sector of each organisation, by its id; says who knows a field best.
        today: the day, by which dates are read.
    """
    made = made_comparable(records, today)
    fields: list[Chosen] = []
    for field in FIELDS:
        claims = claims_of(field, made)
        apart = sorted({claim.owner for claim in claims}) if field.per_owner else [""]
        for owner in apart:
            some = [claim for claim in claims if not owner or claim.owner == owner]
            if some:
                fields.append(_chosen(Among(field=field, claims=some, sectors=sectors), made))
    return Core(tuple(fields))


def made_comparable(records: Sequence[Held], today: date) -> list[tuple[Held, Record]]:
    """Each record with the same made comparable, in an order that does not depend on how they came."""
    convention = Convention(DateReading(today))
    ordered = sorted(records, key=lambda held: (held.owner, held.source, held.record_key))
    return [
        (held, standardise_one({**held.values, "source": held.source, "record_id": held.record_key}, convention))
        for held in ordered
    ]


def claims_of(field: CoreField, made: Sequence[tuple[Held, Record]]) -> list[Claim]:
    """What each record says of a field; one that says nothing usable is left out."""
    return [
        _claim(field.name, held, record, _text(field, held, record), _given(field, held))
        for held, record in made
        if any(getattr(record, name) for name in field.needs)
    ]


def best(among: Among) -> tuple[Claim, Rule]:
    """Choose one of several values, and say by which rule."""
    left = list(among.claims)
    if len(left) == 1:
        return left[0], ALONE
    decided = AGREED
    for name in among.field.rules:
        if _alike(left, among.field):
            break
        places = {claim.record_key: RULES[name].place(claim, among) for claim in left}
        first = min(places.values())
        kept = [claim for claim in left if places[claim.record_key] == first]
        decided = RULES[name] if len(kept) < len(left) else decided
        left = kept
    if not _alike(left, among.field):
        decided = ORDER
        left = sorted(left, key=lambda claim: (claim.text, claim.record_key))[:1]
    chosen = min(left, key=lambda claim: (_newest_first(claim), claim.record_key))
    alike = [each for each in among.claims if among.field.compare(chosen.record, each.record) is None]
    return min(alike, key=lambda each: (wholeness(each, among), each is not chosen, _newest_first(each))), decided


def _alike(claims: Sequence[Claim], field: CoreField) -> bool:
    return all(field.compare(a.record, b.record) is None for at, a in enumerate(claims) for b in claims[at + 1 :])


def _newest_first(claim: Claim) -> tuple[float, str]:
    return (-claim.received_at.timestamp(), claim.record_key)


def _chosen(among: Among, made: Sequence[tuple[Held, Record]]) -> Chosen:
    field = among.field
    value, rule = best(among)
    agreeing: list[Claim] = []
    variants: list[Beside] = []
    conflicts: list[Beside] = []
    former = _called_former(among, value, made)
    for claim in among.claims:
        if claim is value:
            continue
        difference = field.compare(value.record, claim.record)
        if difference is None:
            agreeing.append(claim)
        elif difference is Difference.FORMER and is_superseded(claim, among):
            former.append(claim)
        elif difference in MILD - {Difference.FORMER}:
            variants.append(Beside(claim, difference))
        else:
            conflicts.append(Beside(claim, difference))
    return Chosen(
        field=field.name,
        title=field.title,
        value=value,
        rule=rule,
        agreeing=tuple(agreeing),
        variants=tuple(variants),
        conflicts=tuple(conflicts),
        former=tuple(sorted(former, key=lambda each: (each.received_at, each.record_key, each.text))),
    )


def _called_former(among: Among, value: Claim, made: Sequence[tuple[Held, Record]]) -> list[Claim]:
    """The earlier values that records give as such, where a record of the same field's values says them."""
    them = {claim.record_key for claim in among.claims}
    return [
        _claim(name, held, record, _show(name, getattr(record, name), held.values.get(name, "")), "")
        for held, record in made
        if held.record_key in them
        for name in among.field.former
        if getattr(record, name)
    ]


def _claim(field: str, held: Held, record: Record, text: str, given: str) -> Claim:
    return Claim(
        field=field,
        record_key=held.record_key,
        owner=held.owner,
        source=held.source,
        received_at=held.received_at,
        text=text,
        given=given,
        status=record.nhs_number_status or "",
        record=record,
    )


def _given(field: CoreField, held: Held) -> str:
    """What the agency wrote, in the order of the field's parts."""
    parts = [held.values[name].strip() for name in field.takes if held.values.get(name, "").strip()]
    return (" " if field.name == "name" else ", ").join(parts)


def _text(field: CoreField, held: Held, record: Record) -> str:
    """A value as it is shown: names and addresses as they were written, numbers and dates in one form."""
    if field.name == "name":
        parts = [held.values.get(name, "").strip() for name in ("forename", "middle_names", "surname")]
        return " ".join(part for part in parts if part) or held.values.get("full_name", "").strip()
    if field.name == "address":
        written = {name: held.values.get(name, "").strip() for name in ("address", "town")}
        parts = [*written.values(), record.postcode or ""]
        return ", ".join(part for part in parts if part) or f"UPRN {record.uprn}"
    if field.name == "date_of_birth":
        return record.date_of_birth or record.birth_month or record.birth_year or ""
    return _show(field.name, getattr(record, field.name) or "", held.values.get(field.name, ""))


def _show(name: str, made: str, written: str) -> str:
    if name == "sex":
        return _SEXES.get(made, made)
    if name in ("nhs_number", "hc_number") and len(made) == 10:
        return f"{made[:3]} {made[3:6]} {made[6:]}"
    if name in ("known_as", "former_surname", "la_child_id"):
        return written.strip() or made
    return made


def status_of(claim: Claim) -> str:
    """The verification status that belongs to a value, 01 to 08; only the NHS number has one."""
    return claim.status if claim.field == "nhs_number" else ""


def latest(records: Sequence[Held]) -> datetime | None:
    """When the newest of some records was received; None when there are none."""
    return max((held.received_at for held in records), default=None)
