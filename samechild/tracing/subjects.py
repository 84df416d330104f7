"""Gathering what is known here of the children whose numbers are asked for: through the gate, as every reading is.

To ask a national service about a child is to tell it of the child, so the decision stands in the ledger before
anything is read. What a decision hides, such as where a shielded child is, is not asked about either.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime

import msgspec

from samechild.demographics.conventions import Convention
from samechild.demographics.dates import DateReading
from samechild.demographics.one import standardise_one
from samechild.policy.numbers import NUMBER
from samechild.policy.roles import roles
from samechild.policy.vault_actions import ADDRESS, IDENTITY, read_what_may_be
from samechild.records.disclosure import Ask, Asker, Mode, Scope, Spread
from samechild.storage import Store
from samechild.tracing.records import Obtained, Subject

PURPOSE = "linkage-quality"
AT_ONCE = 2000
"""So many records are asked about in one question to the gate."""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What one record says, as far as the asker may see it, and whose and how it is held. It does not print it.

    ``noted`` holds the values beside the record (numbers, the national record) by the row they lie in.
    """

    record_key: str
    owner: str
    basis: str
    retention: str
    values: Mapping[str, str] = {}
    noted: Mapping[str, Mapping[str, str]] = {}

    def __repr__(self) -> str:
        return f"Known(record_key={self.record_key!r}, values=hidden)"


def ask_of(by: Asker, record_type: str, record_keys: Sequence[str], now: datetime, batch: str = "") -> Ask:
    """The question of who looks after the numbers of their own organisation's records: what do these records say?

    Whoever's role has nothing to do with keeping records together asks for the first thing their role is for.
    """
    declared = roles().get(by.role)
    wanted = declared.purposes if declared else ()
    return Ask(
        who=by,
        purpose=PURPOSE if PURPOSE in wanted or not wanted else wanted[0],
        mode=Mode.CONTENT,
        record_type=record_type,
        owner=by.organisation,
        scope=Scope(Spread.BATCH, tuple(record_keys), batch=batch),
        now=now,
    )


def known(
    store: Store, by: Asker, record_keys: Sequence[str], now: datetime, *, batch: str = "", ask: Ask | None = None
) -> dict[str, Known]:
    """Read what some records of the asker's organisation say; what the gate does not let them see is left out.

    ``ask`` gives the purpose and grounds of somebody who asks for another reason than keeping numbers right.
    """
    found: dict[str, Known] = {}
    keys = list(dict.fromkeys(record_keys))
    for start in range(0, len(keys), AT_ONCE):
        some = keys[start : start + AT_ONCE]
        for record_type in (IDENTITY, ADDRESS, NUMBER):
            question = ask_of(by, record_type, some, now, batch)
            if ask is not None:
                about = Scope(Spread.BATCH if len(some) > 1 else Spread.CHILD, tuple(some), batch=batch)
                question = msgspec.structs.replace(ask, record_type=record_type, scope=about)
            for _, rows in read_what_may_be(store, question):
                for row in rows:
                    values = msgspec.json.decode(row.plain, type=dict[str, str])
                    heading = row.heading
                    was = found.get(heading.record_key)
                    if was is None and record_type != IDENTITY:
                        continue  # where a child is says nothing without who it is
                    before = was or Known(
                        record_key=heading.record_key,
                        owner=heading.owner,
                        basis=heading.basis,
                        retention=heading.retention,
                    )
                    found[heading.record_key] = _with(before, record_type, row.row_id, values)
    return found


def _with(before: Known, record_type: str, row_id: str, values: dict[str, str]) -> Known:
    """Take over one row; the newest of each kind counts, because rows come oldest first."""
    if record_type == NUMBER:
        return msgspec.structs.replace(before, noted={**before.noted, row_id: values})
    if record_type == IDENTITY:
        return msgspec.structs.replace(before, values=values)
    return msgspec.structs.replace(before, values={**before.values, **values})


def subjects(
    them: Mapping[str, Known], claims: Mapping[str, tuple[str, Obtained]], now: datetime
) -> dict[str, Subject]:
    """What is asked of a national service about some children.

    Args:
        them: what is known, by record.
        claims: a number that somebody noted, and how it was obtained, where there is one beside the record's own.
        now: the time, for reading dates.
    """
    made = {key: _subject(each, claims.get(key), now) for key, each in them.items()}
    alike: dict[tuple[str, date | None], set[str]] = defaultdict(set)
    for subject in made.values():
        alike[subject.family.casefold(), subject.birth_date].add(" ".join(subject.given).casefold())
    return {
        key: msgspec.structs.replace(
            subject,
            one_of_several=subject.one_of_several
            or (
                bool(subject.birth_date and subject.family)
                and len(alike[subject.family.casefold(), subject.birth_date]) > 1
            ),
        )
        for key, subject in made.items()
    }


def _subject(known: Known, claim: tuple[str, Obtained] | None, now: datetime) -> Subject:
    get = known.values.get
    read = standardise_one({**known.values, "source": "trace", "record_id": "1"}, Convention(DateReading(now.date())))
    given = get("forename", "") or (read.forename or "")
    family = get("surname", "") or (read.surname or "")
    number, how = claim or (get("nhs_number", ""), Obtained.SYSTEM if get("nhs_number") else Obtained.UNKNOWN)
    return Subject(
        given=tuple(name for name in (given, *get("middle_names", "").split()) if name),
        also_called=tuple(name for name in (get("known_as", ""),) if name),
        family=family,
        former_families=tuple(name for name in (get("former_surname", ""),) if name),
        birth_date=date.fromisoformat(read.date_of_birth) if read.date_of_birth else None,
        sex=read.sex or "",
        postcode=get("postcode", ""),
        earlier_postcodes=tuple(place for place in (get("previous_postcode", ""),) if place),
        gp_practice=get("gp_practice", ""),
        claimed=number,
        obtained=how,
        one_of_several=bool(read.birth_order),
    )
