"""Leaving with everything: all that an organisation holds here, in open formats, so that nobody is kept by their data.

Asked for by information governance and approved by a second person; the gate decides, the ledger holds it, and it is
looked at afterwards, because the whereabouts of shielded children are in it. Sealed identities of adopted children are
not: nothing here may tie two identities together, and they leave by their custodian's own hand.

The files are CSV, NDJSON and Parquet with a data dictionary made from the declarations, and a list of SHA-256 digests.
:mod:`samechild.index.arriving` takes them in again with the same children.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import sqlalchemy as sa

from samechild.errors import Invalid, Refused
from samechild.files.write import write_csv, write_parquet
from samechild.index import store as tables_of_index
from samechild.index.everything_tables import (
    LOGINS,
    Tables,
    agreement_rows,
    as_table,
    dictionary_rows,
    is_taken,
    rows_of,
)
from samechild.index.families import connected
from samechild.index.feed import sight_of
from samechild.index.gathering import pair_tokens
from samechild.index.going_out import children_table, read_lines, records_table
from samechild.index.live import NUMBERS
from samechild.index.models import opened_model
from samechild.index.records import WHO, Apart, Event, Kind
from samechild.index.telling import records_named, told
from samechild.keys.register import Purpose
from samechild.linkage.frequencies import write_frequencies
from samechild.linkage.model_extra import write_extra
from samechild.linkage.splink_settings import write_settings
from samechild.policy import ledger
from samechild.policy.actions import gather_facts, permit, question_of
from samechild.policy.registers.actions import cases, one_case
from samechild.policy.registers.cases import OWNERS
from samechild.policy.rules.child import approved_by_another
from samechild.policy.shown import organisation, staff_of
from samechild.policy.vault_actions import read_what_may_be
from samechild.records import Sensitivity
from samechild.records.disclosure import Ask, Asker, Emergency, Mode, Permit, Scope, Spread
from samechild.records.types import record_types
from samechild.sql.columns import moment_text
from samechild.storage import Login, Store
from samechild.storage.databases import Database

PURPOSE = "peoples-rights"
BATCH = "export-everything"
SUMS = "SHA256SUMS"
Say = Callable[[str, float], None]


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """What was written: how many of what, by file."""

    counts: dict[str, int]


def leaving_ask(by: Asker, supervisor: str, reason: str, now: datetime) -> Ask:
    """The question: everything this organisation holds, shielded whereabouts too, with the supervisor who is told."""
    return Ask(
        who=by,
        purpose=PURPOSE,
        mode=Mode.CONTENT,
        record_type=WHO[0],
        owner=by.organisation,
        scope=Scope(Spread.BATCH, batch=BATCH),
        now=now,
        emergency=Emergency(reason=reason, supervisor=supervisor),
    )


def question(store: Store, by: Asker, now: datetime) -> str:
    """The reference that a second person approves (``policy.relationship_actions.approve``); it holds for a day."""
    return question_of(store, leaving_ask(by, "", "", now))


def export_everything(
    store: Store, by: Asker, folder: Path, tables: Tables, now: datetime, *, supervisor: str, reason: str,
    say: Say = lambda what, share: None,
) -> Left:  # fmt: skip
    """Write everything an organisation holds into a folder, which the caller puts in place when all of it is there.

    Args:
        store: the open installation.
        by: an information governance officer of the organisation.
        folder: an empty folder to write into.
        tables: what every room declares.
        now: the time.
        supervisor: the user who is told, and looks at it afterwards.
        reason: why; it is not written into the ledger.
        say: is told how far it is.

    Raises:
        Refused: when no second person approved, or the gate says no. Unavailable: when it cannot be recorded.
    """
    ask = leaving_ask(by, supervisor, reason, now)
    if not approved_by_another(ask, gather_facts(store, ask)):
        ledger.append(store, "export", {"event": "not approved", "by": by.user, "organisation": by.organisation}, now)
        raise Refused(
            "A second person must approve this first: an information governance officer or the custodian of adoption "
            f"records. They approve the question {question(store, by, now)}; it holds for a day."
        )
    given = permit(store, ask)
    out = _Folder(folder)
    say("reading who the children are", 0.05)
    keys = _keys_held(store, tables, by.organisation)
    child_of = _children_of(store, by.organisation)
    lines = read_lines(store, ask, by, {key: child_of.get(key, ("", ""))[0] for key in keys},
                       {key: child_of.get(key, ("", ""))[1] for key in keys})  # fmt: skip
    known = {line.record_key for line in lines}
    out.table("records", records_table(lines))
    say("writing the children", 0.3)
    _write_index(store, by, given, out, known, {line.child for line in lines})
    say("reading what is known of them", 0.4)
    _write_content(store, ask, out, sorted(known))
    say("writing the tables", 0.7)
    _write_tables(store, by, tables, out, known)
    _write_people(store, by, out, now)
    say("writing the ledger", 0.85)
    _write_ledger(store, by, out, say)
    out.table("dictionary", as_table(("what", "where", "name", "meaning"), dictionary_rows(tables)))
    (folder / "README.txt").write_text(_README, encoding="utf-8", newline="\r\n")
    ledger.outcome(store, given, sorted(known), {"records": len(known)}, now)
    write_sums(folder)
    say("done", 1.0)
    return Left(counts=out.counts)


class _Folder:
    """The folder being written, and how many rows each file got."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.counts: dict[str, int] = {}

    def table(self, name: str, table: pa.Table) -> None:
        """Write a table as CSV for people and Parquet for programs."""
        place = self.path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        write_csv(table, place.with_name(f"{place.name}.csv"))
        write_parquet(table, place.with_name(f"{place.name}.parquet"))
        self.counts[name] = table.num_rows

    def lines(self, name: str, lines: Iterable[Any]) -> None:
        """Write values as NDJSON, one to a line."""
        place = self.path / f"{name}.ndjson"
        place.parent.mkdir(parents=True, exist_ok=True)
        count = 0
        with place.open("wb") as file:
            for line in lines:
                file.write(msgspec.json.encode(line) + b"\n")
                count += 1
        self.counts[name] = count


def _keys_held(store: Store, tables: Tables, organisation: str) -> list[str]:
    """Every record an organisation holds anything of, in the two vaults."""
    found: set[str] = set()
    for database in (Database.IDENTITY, Database.CONTENT):
        for metadata in tables:
            for table in metadata.sorted_tables:
                here = (table.info.get("database") or metadata.info.get("database")) == database.value
                if here and {"owner", "record_key"} <= set(table.c.keys()):
                    with store.read(LOGINS[database], organisation) as connection:
                        asked = sa.select(table.c.record_key).where(table.c.owner == organisation).distinct()
                        found |= set(connection.execute(asked).scalars())
    return sorted(found)


def _children_of(store: Store, organisation: str) -> dict[str, tuple[str, str]]:
    """The child of each of an organisation's records in its own space, and its source."""
    with store.read(Login.INDEX) as connection:
        return {
            key: (child, source)
            for key, owner, source, child in tables_of_index.every_member(connection, organisation)
            if owner == organisation
        }


# --- the index --------------------------------------------------------------------------------------------------------


def _write_index(store: Store, by: Asker, given: Permit, out: _Folder, known: Collection[str], shown: set[str]) -> None:
    space = by.organisation
    with store.read(Login.INDEX) as connection:
        every = tables_of_index.every_child(connection, space)
        events = _all_events(connection, space)
        lines = tables_of_index.every_line(connection, space)
        sight = sight_of(connection, by.organisation, space, events)
        trained = opened_model(store, connection, space) if every else None
    sight = msgspec.structs.replace(sight, sealed={*sight.sealed, *_unopened(events, known, sight.erased)})
    out.table("children", children_table(every, shown))
    out.lines("events", (change for change in (told(event, sight) for event in events) if change is not None))
    out.lines("rulings", _rulings(store, events, lines, known))
    out.lines("numbers", _numbers(store, events, given))
    if trained is not None:
        model, frequencies = trained
        (out.path / "model.json").write_bytes(msgspec.json.encode(write_settings(model)))
        extra = write_extra(model) | {"frequencies": write_frequencies(frequencies)}
        (out.path / "model.extra.json").write_bytes(msgspec.json.encode(extra))


def _all_events(connection: sa.Connection, space: str) -> list[Event]:
    events: list[Event] = []
    while some := tables_of_index.events_after(connection, events[-1].number if events else 0, space=space):
        events += some
    return events


def _unopened(events: Sequence[Event], known: Collection[str], erased: Collection[str]) -> set[str]:
    """Records that are in the index and that the gate did not open: told of in no event."""
    keys = {key for event in events for key in records_named(event)}
    return keys - set(known) - set(erased)


def _rulings(
    store: Store, events: Sequence[Event], lines: dict[tuple[str, str], str], known: Collection[str]
) -> list[dict[str, str]]:
    """The rulings that stand, by the records themselves: a token is found again among the records of its event."""
    standing = {key: value for (what, key), value in lines.items() if what == "apart" and value != Apart.PROTECTED}
    members: dict[str, str] = {}
    found: dict[tuple[str, str], str] = {}
    for event in events:
        touched = {event.child, event.other}
        touched |= {side for c in event.changes if c.what == "member" for side in (c.before, c.after)}
        before = {key for key, child in members.items() if child in touched}
        members |= {change.key: change.after for change in event.changes if change.what == "member"}
        tokens = {change.key for change in event.changes if change.what == "apart"} & set(standing)
        if tokens:
            around = sorted((before | {key for key, child in members.items() if child in touched}) & set(known))
            for one, other in combinations(around, 2):
                for token in set(pair_tokens(store, one, other)) & tokens:
                    found[one, other] = standing[token]
    return [{"record_a": a, "record_b": b, "ruling": value} for (a, b), value in sorted(found.items())]


def _numbers(store: Store, events: Sequence[Event], permit: Permit) -> list[dict[str, str]]:
    """What became of NHS numbers, in the order in which it was noted; read under the permit of the whole export."""
    found = []
    for event in events:
        sealed = str(event.why.get("numbers", "")) if event.kind is Kind.RENUMBER and permit.space else ""
        if sealed:
            plain = store.keys.unseal(Purpose.GATE, bytes.fromhex(sealed), NUMBERS)
            old, new = (*msgspec.json.decode(plain, type=list[str]), "")[:2]
            became = next((change.after for change in event.changes if change.what == "number"), "")
            what = "superseded" if new else "settled" if event.child else "invalidated"
            found.append({"old": old, "new": new, "what": what if became else "taken back", "child": event.child})
    return found


# --- what is known, and the rest ----------------------------------------------------------------------------------


def _write_content(store: Store, ask: Ask, out: _Folder, record_keys: Sequence[str]) -> None:
    scope = msgspec.structs.replace(ask.scope, record_keys=tuple(record_keys))
    for kind in record_types().values():
        if kind.sensitivity in (Sensitivity.IDENTITY, Sensitivity.THIRD_PARTY) or not record_keys:
            continue
        about = msgspec.structs.replace(ask, record_type=kind.name, scope=scope)
        rows = [row for _, opened in read_what_may_be(store, about) for row in opened]
        if rows:
            out.lines(f"content/{kind.name}", (_content(row.heading, row.plain) for row in rows))
    if record_keys:
        people = connected(store, ask, ask.owner, record_keys)
        out.lines("connected", people)


def _content(heading: Any, plain: bytes) -> dict[str, str]:
    """One row of content: text where it is text, else base64."""
    row = {
        "record_key": heading.record_key,
        "record_type": heading.record_type,
        "received_at": moment_text(heading.received_at),
        "basis": heading.basis,
        "retention": heading.retention,
    }
    try:
        return {**row, "text": plain.decode("utf-8")}
    except UnicodeDecodeError:
        return {**row, "base64": b64encode(plain).decode()}


def _write_tables(store: Store, by: Asker, tables: Tables, out: _Folder, known: Collection[str]) -> None:
    agreements: set[str] = set()
    for metadata in tables:
        for table in metadata.sorted_tables:
            database = Database(table.info.get("database") or metadata.info["database"])
            found = rows_of(store, database, table, by.organisation, known) if is_taken(table) else None
            if found is not None:
                out.table(f"tables/{table.name}", found)
                if table.name == "agreements":
                    agreements = set(found.column("agreement").to_pylist())
    happened = agreement_rows(store, tables, by.organisation, agreements) if agreements else None
    if happened is not None:
        out.table("tables/agreement_events", happened)


def _write_people(store: Store, by: Asker, out: _Folder, now: datetime) -> None:
    staff = staff_of(store, by, organisation(store, by.organisation))
    rows = [
        (each.user.user_id, each.name, each.user.machine, grant.role, grant.valid_from, grant.valid_until)
        for each in staff
        for grant in each.grants
    ]
    out.table("staff", as_table(("user", "name", "system", "role", "valid_from", "valid_until"), rows))
    own = [register for register, owners in OWNERS.items() if by.role in owners]
    shown = [one_case(store, by, each.case.id, now) for register in own for each in cases(store, by, register, now)]
    out.lines("cases", ({"case": each.case, "steps": each.steps} for each in shown))


def _write_ledger(store: Store, by: Asker, out: _Folder, say: Say) -> None:
    """The whole ledger for who runs the installation, with its verifier; for others the entries that name them."""
    if organisation(store, by.organisation).host:
        last = ledger.export(store, out.path / "ledger.ndjson", lambda what, share: say(what, 0.85 + share / 10))
        out.counts["ledger"] = last.size
        return
    with store.read(Login.GATE) as gate:
        entries, before = [], None
        while page := ledger.entries(gate, before=before, limit=1000):
            entries += page
            before = page[-1].number
    named = ("organisation", "owner", "by_organisation", "space")
    own = {each.number for each in entries if by.organisation in [each.body.get(name) for name in named]}
    mine = [each for each in reversed(entries) if each.number in own or each.body.get("decision") in own]
    out.lines("ledger", mine)


def write_sums(folder: Path) -> None:
    """Write the SHA-256 of every file, as ``sha256sum --check`` reads it."""
    lines = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != SUMS and not path.name.startswith("."):
            lines.append(f"{digest_of(path)}  {path.relative_to(folder).as_posix()}\n")
    (folder / SUMS).write_text("".join(lines), encoding="utf-8", newline="\n")


def check_sums(folder: Path) -> None:
    """Check a folder against its digests.

    Raises:
        Invalid: when a file was changed or is missing, or there is no list.
    """
    path = folder / SUMS
    if not path.is_file():
        raise Invalid(f"{folder} holds no {SUMS}: it is no export of everything, or it is not whole.")
    for line in path.read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        file = folder / name
        if ".." in Path(name).parts or Path(name).is_absolute() or not file.is_file() or digest_of(file) != digest:
            raise Invalid(f"{name} is missing from the export or was changed since it was written.")


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


_README = """Everything this organisation held, written by `samechild export --everything`.

dictionary.csv says what every file, column and code means. SHA256SUMS lists each file's digest:
    sha256sum --check SHA256SUMS
records and children belong together by `child`; everything about a record by `record_key`.
Take it into another installation:
    samechild index import --everything THIS-FOLDER
The sealed identities of adopted children are not here: their custodian hands them over.
Keep it as you keep the records themselves: it names children.
"""
