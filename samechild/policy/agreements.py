"""What a sharing agreement says of one question: exceptions first, then defaults, else nothing.

An agreement is a list of lines. The first exception that fits decides; if none does, the first default that fits; if
none does, the agreement says nothing, and nothing allows by default. That something exists and what it says are
separate permissions: a pointer to a police record is already a disclosure.
"""

from __future__ import annotations

from datetime import datetime

from samechild.policy.records import Agreement, Body, Rule
from samechild.records.disclosure import Ask


def in_force(agreement: Agreement, ask: Ask) -> bool:
    """Whether an agreement binds owner and asker now: neither withdrawn, unsigned, ended nor yet to begin."""
    both = {ask.owner, ask.who.organisation}
    return (
        not agreement.withdrawn
        and agreement.owner == ask.owner
        and both <= set(agreement.parties)
        and both <= set(agreement.signed_by)
        and agreement.starts <= ask.now < agreement.ends
    )


def fits(line: Rule, ask: Ask, asker: Body) -> bool:
    """Whether one line speaks of this question: an empty list of a line means any."""
    wanted = (
        (line.record_types, ask.record_type),
        (line.sectors, asker.sector),
        (line.organisations, ask.who.organisation),
        (line.purposes, ask.purpose),
        (line.powers, ask.power),
        (line.bases, ask.basis),
        (line.conditions, ask.condition),
        (line.confidences, ask.confidence),
    )
    return (
        ask.mode in line.modes
        and all(not allowed or value in allowed for allowed, value in wanted)
        and between(ask.now, line.valid_from, line.valid_until)
    )


def between(now: datetime, start: datetime | None, end: datetime | None) -> bool:
    """Whether ``now`` is within two dates, of which either may be open; the end itself is no longer within."""
    return (start is None or start <= now) and (end is None or now < end)


def deciding_line(agreement: Agreement, ask: Ask, asker: Body) -> Rule | None:
    """The one line of an agreement that decides a question, or None when it says nothing."""
    for exception in (True, False):
        for line in agreement.rules:
            if line.exception is exception and fits(line, ask, asker):
                return line
    return None


def deciding_lines(agreements: tuple[Agreement, ...], ask: Ask, asker: Body) -> list[tuple[Agreement, Rule]]:
    """Every agreement in force that says something about a question, with the line that decides."""
    found = ((each, deciding_line(each, ask, asker)) for each in agreements if in_force(each, ask))
    return [(agreement, line) for agreement, line in found if line is not None]


def name_of(agreement: Agreement) -> str:
    """An agreement and its version, as decisions and the ledger name it."""
    return f"{agreement.agreement}/{agreement.version}"
