"""What people do with decisions about sharing: record them, withdraw them, look at them, list what was shared.

Whoever records something about a child holds a permit for that child, so that nobody can write consent onto a record
they have no business with. The ledger's entry comes first, with codes and keyed references only; then the row. What
somebody must look at (an override, a disagreement, a decision made void) goes into a register in the same step.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, TypeVar

import msgspec

from samechild.errors import Conflict, Invalid, Missing, Refused
from samechild.keys.actions import salt_for_child, salt_of_child
from samechild.keys.seal import Random
from samechild.policy import ledger
from samechild.policy import store as messages
from samechild.policy.consent import store as rows
from samechild.policy.consent.check import check
from samechild.policy.consent.overrides import (
    EVERYONE,
    DoNotTell,
    Harm,
    Notice,
    Override,
    check_flag,
    check_harm,
    check_notice,
    check_override,
)
from samechild.policy.consent.share_forms import ShareForm, check_form
from samechild.policy.consent.standing import ConsentRecord, Disagreement, Response, State, disagreements, state_of
from samechild.policy.consent.store import Kept
from samechild.policy.registers.actions import open_case
from samechild.policy.registers.cases import Case, Register
from samechild.policy.sealed_texts import is_reference, open_texts, person_reference, seal_texts
from samechild.records import Issue
from samechild.records.disclosure import Permit
from samechild.storage import Login, Store

OFFICER = "information-governance"
TABLE = "sharing_records"
NO_RECORD = "There is no such record of a decision."
K = TypeVar("K", ConsentRecord, Override, Notice, Harm, DoNotTell, ShareForm)


class Recorded(msgspec.Struct, frozen=True):
    """What was kept: its id, its ledger entry, and whoever disagrees with it now."""

    id: str
    entry: int
    disagreements: tuple[Disagreement, ...] = ()


class Shared(msgspec.Struct, frozen=True):
    """One disclosure that consent may have carried: what stands in the ledger, without a name of anybody."""

    entry: int
    at: datetime
    organisation: str
    purpose: str
    record_type: str
    mode: str
    confidence: str


class Withdrawn(msgspec.Struct, frozen=True):
    """A withdrawal that was kept, and what had been shared before: so that those who hold it can be told."""

    recorded: Recorded
    shared: tuple[Shared, ...]


class Listed(msgspec.Struct, frozen=True):
    """One row as a page shows it, with its words; ``state`` only for decisions about consent."""

    record: Kept
    kind: str
    entry: int
    state: State | None


def record_consent(
    store: Store,
    permit: Permit,
    record: ConsentRecord,
    now: datetime,
    random: Random,
    *,
    eighteenth: date | None = None,
    named: str = "",
) -> Recorded:
    """Keep what a child or parent decided, or why nobody was asked; a disagreement goes to a named person at once.

    Id, organisation and who recorded it are filled in from the permit. ``eighteenth`` is the child's eighteenth
    birthday when known; ``named`` the user who looks at disagreements, information governance when left out.

    Raises:
        Invalid: when something is missing; every gap is named.
        Refused: when the permit is not for this child.
        Missing: when the record it withdraws or makes void is not there.
        Conflict: when that record was withdrawn or made void meanwhile.
    """
    made, said = _made(store, permit, record, random)
    previous = _previous(store, made)
    _all_right(check(made, now, previous, eighteenth))
    kept = _keep(store, permit, made, said, now, random)
    against = _disagreements(store, made, now)
    words = " ".join(each.words for each in against)
    if words:
        _to_review(store, permit, _review(Register.DISAGREEMENT, made, words, named), kept.entry, now, random)
    if made.response is Response.INVALIDATED:
        _to_review(store, permit, _review(Register.OVERRIDE, made, made.reason), kept.entry, now, random)
    return msgspec.structs.replace(kept, disagreements=tuple(against))


def withdraw(
    store: Store, permit: Permit, identity: str, change: ConsentRecord, now: datetime, random: Random
) -> Withdrawn:
    """Withdraw consent: nothing is shared on it from this moment on, and what was shared is listed.

    Args:
        store: the open installation.
        permit: leave for the child's record.
        identity: the record that is withdrawn.
        change: way, details, and who withdraws (a parent may object to what was only implied); the topic, the
            assessment and the rest are those of the record withdrawn, so that withdrawing is as easy as consenting.
        now: the moment of withdrawal.
        random: where random bytes come from.

    Raises:
        As :func:`record_consent`.
    """
    before = _record(store, identity)
    if not isinstance(before, ConsentRecord):
        raise Missing(NO_RECORD)
    same: dict[str, Any] = {}
    if change.decider is before.decider:
        same = {
            "person": before.person,
            "age": before.age,
            "competence": before.competence,
            "responsibility": before.responsibility,
        }
    made = msgspec.structs.replace(
        change,
        record_key=before.record_key,
        topic=before.topic,
        response=Response.WITHDRAWN,
        succeeds=before.id,
        decided_at=now,
        valid_until=None,
        **same,
    )
    recorded = record_consent(store, permit, made, now, random)
    return Withdrawn(recorded, tuple(shared_under(store, permit, before, now)))


def record_override(store: Store, permit: Permit, override: Override, now: datetime, random: Random) -> Recorded:
    """Keep that confidence gives way, or that it no longer does; information governance sees it within a day.

    Raises:
        Invalid, Refused, Conflict: as :func:`record_consent`; the second person must be another than who records it.
    """
    made, said = _made(store, permit, override, random)
    _all_right(check_override(made, now))
    if made.second == permit.who.user:
        raise Refused("The second person is somebody other than who records it.")
    kept = _keep(store, permit, made, said, now, random)
    _to_review(store, permit, _review(Register.OVERRIDE, made, made.text), kept.entry, now, random)
    return kept


def give_notice(store: Store, permit: Permit, notice: Notice, now: datetime, random: Random) -> Recorded:
    """Keep that a family was given a notice about a purpose; raises as :func:`record_consent`."""
    made, said = _made(store, permit, notice, random)
    _all_right(check_notice(made, now))
    return _keep(store, permit, made, said, now, random)


def record_harm(store: Store, permit: Permit, harm: Harm, now: datetime, random: Random) -> Recorded:
    """Keep that significant harm is, or is no longer, suspected; raises as :func:`record_consent`."""
    made, said = _made(store, permit, harm, random)
    _all_right(check_harm(made, now))
    return _keep(store, permit, made, said, now, random)


def set_do_not_tell(store: Store, permit: Permit, flag: DoNotTell, now: datetime, random: Random) -> Recorded:
    """Keep that somebody must not be told, or may be told again; raises as :func:`record_consent`."""
    made, said = _made(store, permit, flag, random)
    _all_right(check_flag(made, now))
    return _keep(store, permit, made, said, now, random)


def record_form(store: Store, permit: Permit, form: ShareForm, now: datetime, random: Random) -> Recorded:
    """Keep a decision to share, or not to share, with its reasons; raises as :func:`record_consent`."""
    made, said = _made(store, permit, form, random)
    _all_right(check_form(made, now))
    return _keep(store, permit, made, said, now, random)


def decisions_about(store: Store, permit: Permit, now: datetime, kinds: Sequence[str] = ()) -> list[Listed]:
    """List what was decided about sharing a child's records, with the words, the oldest first.

    Raises:
        Missing: when the child was erased.
    """
    with store.read(Login.GATE) as gate:
        found = rows.rows_about(gate, permit.record_keys, kinds or rows.KINDS)
        opened = [
            rows.joined(row.record, open_texts(gate, store.keys, row.record.record_key, _place(row.record), row.sealed))
            for row in found
        ]
    consents = [row.record for row in found if isinstance(row.record, ConsentRecord)]
    return [
        Listed(
            record,
            row.kind,
            row.entry,
            state_of(row.record, consents, now) if isinstance(row.record, ConsentRecord) else None,
        )
        for row, record in zip(found, opened, strict=True)
    ]


def flags_about(store: Store, record_keys: Sequence[str], person: str = "") -> list[DoNotTell]:
    """The do-not-tell flags of some records, without their words: for letters, parents' views and previews.

    With ``person`` the flags for that person bear the words given, however they were typed when the flag was set; every
    other flag bears a reference.
    """
    with store.read(Login.GATE) as gate:
        found = rows.rows_about(gate, record_keys, ("do-not-tell",))
        theirs = {key: person_reference(salt_of_child(gate, store.keys, key), person) for key in record_keys if person}
    flags = [row.record for row in found if isinstance(row.record, DoNotTell)]
    return [
        msgspec.structs.replace(flag, person=person) if flag.person == theirs.get(flag.record_key) else flag
        for flag in flags
    ]


def shared_under(store: Store, permit: Permit, record: ConsentRecord, now: datetime) -> list[Shared]:
    """List what was disclosed of a child's records for the purpose and to the recipients of a decision, since then."""
    topic = record.topic
    found: list[Shared] = []
    references = [each for key in permit.record_keys for each in ledger.references_to(store, key)]
    before: int | None = None
    with store.read(Login.GATE) as gate:
        while page := ledger.entries_about(gate, references, before=before, kind="decision", limit=_PAGE):
            before = page[-1].number
            found += [
                Shared(
                    entry=entry.number,
                    at=entry.at,
                    organisation=entry.body["organisation"],
                    purpose=entry.body["purpose"],
                    record_type=entry.body["type"],
                    mode=entry.body["mode"],
                    confidence=entry.body["confidence"],
                )
                for entry in page
                if entry.body["allowed"] and not entry.body["shadow"] and record.decided_at <= entry.at <= now
            ]
    return [
        each
        for each in reversed(found)
        if each.purpose == topic.purpose
        and (not topic.record_types or each.record_type in topic.record_types)
        and (not topic.recipients or each.organisation in topic.recipients)
    ]


_PAGE = 500


def _made(store: Store, permit: Permit, record: K, random: Random) -> tuple[K, dict[str, str]]:
    """Fill in what the permit says, and nothing the person typed: id, organisation, who records it.

    Whoever is named around the child becomes a reference; the words are returned, to be sealed.
    """
    if record.record_key not in permit.record_keys:
        raise Refused("This leave is for another record.")
    who = {"recorded_by", "given_by", "set_by", "decided_by"} & set(record.__struct_fields__)
    filled: dict[str, Any] = dict.fromkeys(who, permit.who.user)
    said = {}
    person = getattr(record, "person", "")
    if person not in ("", EVERYONE) and not is_reference(person):
        with store.write(Login.GATE) as gate:
            salt = salt_for_child(gate, store.keys, record.record_key, random)
        filled["person"] = person_reference(salt, person)
        said["person"] = person
    made = msgspec.structs.replace(record, id=random(16).hex(), organisation=permit.who.organisation, **filled)
    return made, said


def _all_right(issues: list[Issue]) -> None:
    if issues:
        raise Invalid(" ".join(issue.message for issue in issues))


def _record(store: Store, identity: str) -> Kept:
    with store.read(Login.GATE) as gate:
        found = rows.row_of(gate, identity)
    if found is None:
        raise Missing(NO_RECORD)
    return found.record


def _previous(store: Store, made: ConsentRecord) -> ConsentRecord | None:
    if not made.succeeds:
        return None
    found = _record(store, made.succeeds)
    if not isinstance(found, ConsentRecord):
        raise Missing(NO_RECORD)
    return found


def _keep(store: Store, permit: Permit, made: Kept, said: dict[str, str], now: datetime, random: Random) -> Recorded:
    """Write the ledger's entry, then the row with its words sealed."""
    kind, ends = rows.kind_of(made), rows.ends_of(made)
    with store.write(Login.GATE) as gate:
        if ends and rows.is_succeeded(gate, ends):
            raise Conflict("Somebody withdrew, ended or lifted this already: look at it again.")
        salt = salt_for_child(gate, store.keys, made.record_key, random)
    body = {"by": permit.who.user, "kind": kind, "leave": permit.entry, "record": made.id, **_told(made)}
    entry = ledger.append(store, "consent", body, now, [store.keys.reference(made.record_key, salt)])
    blank, texts = rows.parted(made)
    with store.write(Login.GATE) as gate:
        sealed = seal_texts(gate, store.keys, made.record_key, _place(made), texts | said, random)
        rows.keep(gate, rows.Row(blank, kind, sealed, entry), now)
    return Recorded(made.id, entry)


def _told(made: Kept) -> dict[str, Any]:
    """What the ledger says of a row: codes only."""
    said: dict[str, Any] = {"purpose": rows.purpose_of(made), "succeeds": rows.ends_of(made)}
    if isinstance(made, ConsentRecord):
        said |= {"decider": made.decider, "response": made.response}
    if isinstance(made, Override):
        said |= {"authoriser": made.authoriser, "reason": made.reason.name.lower(), "second": made.second}
    if isinstance(made, Harm):
        said["suspected"] = made.suspected
    if isinstance(made, ShareForm):
        said["shared"] = made.shared
    return said


def _place(record: Kept) -> tuple[str, str]:
    return TABLE, record.id


def _disagreements(store: Store, made: ConsentRecord, now: datetime) -> list[Disagreement]:
    with store.read(Login.GATE) as gate:
        found = rows.rows_about(gate, (made.record_key,), ("consent",))
    records = [row.record for row in found if isinstance(row.record, ConsentRecord)]
    return [each for each in disagreements(records, made.topic, now) if made.id in (each.stands, each.against)]


def _review(register: Register, made: Kept, words: str, named: str = "") -> Case:
    """The case somebody must look at; whose it is, and by whom and when it was opened, is filled in with the permit."""
    return Case(
        id="",
        register=register,
        organisation="",
        started=rows.moment_of(made),
        opened_at=rows.moment_of(made),
        opened_by="",
        kind=rows.purpose_of(made),
        record_key=made.record_key,
        named=named,
        text=words,
    )


def _to_review(store: Store, permit: Permit, case: Case, entry: int, now: datetime, random: Random) -> None:
    """Open a case and tell the person, or whoever has the role, that it waits."""
    who = permit.who
    open_case(store, who, msgspec.structs.replace(case, about_user=who.user, started=now), now, random)
    role = "" if case.named else OFFICER
    with store.write(Login.GATE) as gate:
        told: dict[str, Any] = {"person": case.named, "role": role, "kind": "look-at-case", "entry": entry}
        messages.tell(gate, id=random(16).hex(), organisation=who.organisation, at=now, **told)
