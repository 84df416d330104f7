"""The parts of a child's page as tables: what is known and who says so, what differs, who knows the child, family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from samechild.identifiers.nhs_number import STATUS_MEANINGS
from samechild.index.core_fields import Claim
from samechild.index.differences import WORDS
from samechild.index.families import Connected
from samechild.index.households import Relative
from samechild.index.known_to import Known
from samechild.index.records import ChildRead, Event, Kind
from samechild.index.survivorship import Beside, Chosen, Core, status_of
from samechild.index.viewing import Misplaced
from samechild.records.disclosure import Ask
from samechild.records.types import record_types
from samechild.web.blocks import Block, Cell, Code, Link, Table, Tag, Warn, day
from samechild.web.pages.asking import address_of
from samechild.web.words import NOBODY_KNOWS, title

Names = Mapping[str, str]

_HAPPENED = {
    Kind.FOUND: "A child of whom nothing was known before",
    Kind.LINK: "A record was put with this child",
    Kind.UNLINK: "A record was taken out: it is another child's",
    Kind.MERGE: "Two children turned out to be one",
    Kind.SPLIT: "One child turned out to be two",
    Kind.UNDO: "An earlier step was taken back",
    Kind.BORN: "The unborn child was born",
    Kind.PART: "Two records were ruled to be of two children",
    Kind.ALLOW: "Such a ruling was lifted",
    Kind.RENUMBER: "A number was replaced or withdrawn",
    Kind.ERASE: "A record was erased",
    Kind.CHANGE: "A record says something else than before",
}
_NUMBERS = ("nhs_number", "chi_number", "hc_number", "upn", "uln", "ucrn", "scn", "nino", "la_child_id", "other_id")


def whose(names: Names, claim: Claim) -> str:
    """Who says it: the agency and its source."""
    return f"{names.get(claim.owner, NOBODY_KNOWS)} ({claim.source})"


def said(claim: Claim) -> str:
    """A value as a page shows it: dates as people say them."""
    if claim.field == "date_of_birth" and len(claim.text) == 10:
        return day(date.fromisoformat(claim.text))
    return claim.text


def status_tag(claim: Claim) -> Cell:
    """The verification status of an NHS number; empty for everything else."""
    if claim.field != "nhs_number":
        return ""
    status = status_of(claim)
    if not status:
        return Tag("status not told", "grey")
    return Tag(f"{status}: {STATUS_MEANINGS[status]}", "green" if status == "01" else "yellow")


def core_table(core: Core, names: Names) -> Table:
    """What is known, who says so, and why this value was chosen."""
    return Table(
        "What is known of this child",
        ("What", "Value", "Who says so", "Received", "Why this one"),
        tuple(_core_row(chosen, names) for chosen in core.fields),
    )


def _core_row(chosen: Chosen, names: Names) -> tuple[Cell, ...]:
    others = chosen.agencies - 1
    more = f", and {others} other {'agency' if others == 1 else 'agencies'}" if others else ""
    return (
        chosen.title,
        said(chosen.value),
        whose(names, chosen.value) + more,
        day(chosen.value.received_at),
        f"{chosen.rule.words[0].upper()}{chosen.rule.words[1:]}.",
    )


def number_table(core: Core, names: Names) -> list[Block]:
    """Every NHS number given for the child, each with how far it was verified."""
    rows = [
        (said(claim), status_tag(claim), whose(names, claim), day(claim.received_at))
        for chosen in core.of("nhs_number")
        for claim in (chosen.value, *chosen.agreeing, *(each.claim for each in (*chosen.conflicts, *chosen.variants)))
    ]
    head = ("Number", "Verified?", "Who says so", "Received")
    return [Table("The NHS number and how far it is verified", head, tuple(rows))] if rows else []


def differing_table(core: Core, names: Names) -> Table:
    """What contradicts the values chosen; other forms of the same value stand below, and say so."""
    conflicts = [(chosen, beside) for chosen in core.fields for beside in chosen.conflicts]
    variants = [(chosen, beside) for chosen in core.fields for beside in chosen.variants]
    rows = [_beside_row(chosen, beside, names, "red") for chosen, beside in conflicts]
    rows += [_beside_row(chosen, beside, names, "grey") for chosen, beside in variants]
    return Table(
        "What others say differently",
        ("What", "Their value", "How it differs", "Who says so", "Received"),
        tuple(rows),
        empty="No record that you may see says anything else.",
    )


def _beside_row(chosen: Chosen, beside: Beside, names: Names, colour: str) -> tuple[Cell, ...]:
    claim = beside.claim
    differs = Tag(WORDS[beside.difference], colour)
    return (chosen.title, said(claim), differs, whose(names, claim), day(claim.received_at))


def former_table(core: Core, names: Names) -> list[Block]:
    """Earlier names, addresses and numbers, with who holds them since when."""
    rows = [
        (chosen.title, said(claim), whose(names, claim), day(claim.received_at))
        for chosen in core.fields
        for claim in chosen.former
    ]
    return [Table("Earlier values", ("What", "Value", "Who holds it", "Received"), tuple(rows))] if rows else []


def numbers_over_time(core: Core, names: Names) -> list[Block]:
    """Every number of the child in the order in which it came."""
    claims = [
        (chosen.title, claim)
        for chosen in core.fields
        if chosen.field in _NUMBERS
        for claim in (
            chosen.value,
            *chosen.agreeing,
            *(each.claim for each in (*chosen.variants, *chosen.conflicts)),
            *chosen.former,
        )
    ]
    claims.sort(key=lambda each: (each[1].received_at, each[0], each[1].text))
    rows = tuple((day(claim.received_at), words, said(claim), whose(names, claim)) for words, claim in claims)
    return [Table("Numbers over time", ("Received", "Kind", "Number", "Who says so"), rows)] if rows else []


def known_table(known: Sequence[Known]) -> Table:
    """Who knows the child, and whom to ring."""
    return Table(
        "Who knows this child, and whom to ring",
        ("Who", "Service", "Since", "Last heard", "Whom to ring"),
        tuple(_known_row(each) for each in known),
        empty="There is nobody of whom you may know.",
    )


def _known_row(known: Known) -> tuple[Cell, ...]:
    if known.brokered:
        return (known.name, "Not told", "", "", "They have been told that you asked, and get in touch with you.")
    service = title(record_types(), known.service) if known.service else "A record of the child"
    ring = f"{known.route.who}: {known.route.how}" if known.route else "No number was given"
    return (known.name, service, day(known.since), day(known.last), ring)


def people_table(people: Sequence[Connected], names: Names, today: date) -> Table:
    """Parents, carers and others, and who holds parental responsibility."""
    return Table(
        "People connected with this child",
        ("Who", "What they are to the child", "Parental responsibility", "How to reach them", "How it is known"),
        tuple(_person_row(each, names, today) for each in people),
        empty="There is nobody of whom you may know.",
    )


def _person_row(person: Connected, names: Names, today: date) -> tuple[Cell, ...]:
    tie = person.tie.value.capitalize()
    if person.until is not None and not person.holds(today):
        tie += f", until {day(person.until)}"
    held = person.responsibility
    words = "Not recorded"
    if held is not None:
        words = f"{'Yes' if held.holds(today) else 'Not now'}: {held.source.value}, since {day(held.since)}"
        words += f" until {day(held.until)}" if held.until else ""
        words += f". Seen: {person.evidence}"
    known = f"{names.get(person.owner, NOBODY_KNOWS)}: {person.told_by}, {day(person.received_at)}"
    return (person.name, tie, words, person.phone or "Not recorded", known)


def family_table(relatives: Sequence[Relative], space: str, ask: Ask) -> Table:
    """Other children who seem to be of the same family or household."""
    rows = [
        (
            Link("Open the record", address_of(space, each.child, ask), f"of the other child, number {number}"),
            "May be a brother or sister" if each.sibling else "May live in the same home",
            "; ".join(piece.value for piece in each.evidence),
        )
        for number, each in enumerate(relatives, start=1)
    ]
    return Table(
        "Other children who may be family",
        ("Child", "What they may be", "Because the records give"),
        tuple(rows),
        empty="The records that you may see point to no other child.",
    )


def record_table(read: ChildRead, names: Names) -> Table:
    """Which records were put together, with the key by which an officer finds who looked at one."""
    rows = tuple(
        (
            names.get(held.owner, NOBODY_KNOWS),
            held.source,
            held.values.get("record_id", ""),
            day(held.received_at),
            Code(held.record_key),
        )
        for held in read.records
    )
    return Table("The records put together here", ("Agency", "Source", "Record there", "Received", "Key"), rows)


def history_table(events: Sequence[Event]) -> Table:
    """What happened to this child's record, in words."""
    rows = tuple(
        (
            day(event.at),
            _HAPPENED.get(event.kind, "Something was changed"),
            "A person decided it" if event.by else "Found by comparing records",
            str(event.number),
        )
        for event in events
    )
    return Table("How the record came to be", ("When", "What happened", "How", "Step"), rows)


def misplaced_warnings(them: Sequence[Misplaced], names: Names) -> list[Block]:
    """Numbers of somebody else that stand as the child's."""
    return [
        Warn(
            f"{whose(names, each.claim)} gives an NHS number for the child that is the number of the "
            f"{each.tie.value}. It is not the child's: ask them to take it out."
        )
        for each in them
    ]
