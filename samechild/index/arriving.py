"""Arriving with everything: what another installation wrote is taken in, with the same children.

Records keep their opaque keys and children their identifiers, so that whatever was given out stays right. Rulings are
made again under this installation's own keys. Taking the same folder in twice changes nothing, and one that was
interrupted goes on where it stopped.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import sqlalchemy as sa

from samechild.errors import Conflict, Invalid
from samechild.index import actions
from samechild.index import store as tables
from samechild.index.everything import check_sums
from samechild.index.gathering import pair_tokens
from samechild.index.going_out import NOT_GIVEN
from samechild.index.keeping import coming, keep
from samechild.index.live import forget_all
from samechild.index.models import keep_model, model_in
from samechild.index.planned import Planned
from samechild.index.records import Apart, Change, Kind, Space
from samechild.index.spaces import ask_of
from samechild.index.state import CHILD, LIVE, MEMBER, MERGED, UNBORN, State, hash_of
from samechild.index.writing import Draft, Owned, write
from samechild.linkage.request import stored_model
from samechild.policy.actions import permit
from samechild.policy.identities import keys_for
from samechild.policy.vault_actions import Kept, keep_record
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store

AT_ONCE = 500
"""So many children are taken in together."""

Say = Callable[[str, float], None]
Row = dict[str, Any]


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """What was taken in, and the digest of the children that the space has now."""

    records: int
    children: int
    rulings: int
    content: int
    digest: str


def take_in(
    store: Store, by: Asker, folder: Path, now: datetime, title: str, say: Say = lambda what, share: None
) -> Arrived:
    """Take in the folder that ``samechild export --everything`` wrote, into the asker's organisation's own space.

    Args:
        store: the open installation.
        by: who keeps records of the same child together in the organisation.
        folder: the export.
        now: the time.
        title: what the space is called, if it is still to be opened.
        say: is told how far it is.

    Raises:
        Invalid: when the folder is not whole. Refused: when the asker may not.
        Conflict: when a record or child of the export is something else here already.
    """
    check_sums(folder)
    permit(store, ask_of(by, by.organisation, now, batch="arriving"))
    here = by.organisation
    with store.read(Login.INDEX) as connection:
        opened = tables.head(connection, here) is not None
    if not opened:
        actions.open_space(store, by, Space(space=here, title=title, members=(here,)), now)
    if model_in(store, here) is None and (folder / "model.json").is_file():
        model, frequencies = stored_model(folder / "model.json")
        keep_model(store, here, model, frequencies or {}, now)
    records, children = _rows(folder, "records"), _rows(folder, "children")
    members: dict[str, list[Row]] = {}
    for row in records:
        members.setdefault(row["child"] or "", []).append(row)
    order, content = sorted(child for child in members if child), _Content(folder)
    with store.read(Login.INDEX) as connection:
        begun = bool(tables.every_child(connection, here))
    for row in members.get("", []) if not begun else []:
        _take_alone(store, by, row, now)
        content.take(store, by, row["record_key"], now)
    for at in range(0, len(order), AT_ONCE):
        say("taking in children", 0.7 * at / len(order))
        some = {child: members[child] for child in order[at : at + AT_ONCE]}
        for row in _not_here(store, here, some):
            content.take(store, by, row["record_key"], now)
        _take_children(store, by, some, children, now)
    _take_redirects(store, by, children, now)
    say("taking in rulings", 0.75)
    rulings = _take_rulings(store, by, _lines(folder / "rulings.ndjson"), now)
    for line in _lines(folder / "numbers.ndjson"):
        if line["what"] != "taken back":
            actions.renumber(
                store, by, here, line["old"], line["new"], line["what"], now, child=str(line.get("child", ""))
            )
    forget_all(store)
    say("done", 1.0)
    return Arrived(
        records=len(records),
        children=len(order),
        rulings=rulings,
        content=content.taken,
        digest=children_digest(store, here),
    )


def children_digest(store: Store, space: str) -> str:
    """The digest of which record is of which child in a space and how each identifier stands.

    The same in two installations if and only if their children are the same; rulings are left out, because they are
    kept under each installation's own keys, and so are the records of closed identities.
    """
    with store.read(Login.INDEX) as connection:
        lines = tables.every_line(connection, space)
        closed = {key for what, key in lines if what == "sealed"}
        rows = [row for row in tables.every_member(connection, space) if row[0] not in closed]
        states = tables.every_child(connection, space)
    apart = {child for child in states if states[child] in (LIVE, UNBORN)} - {row[3] for row in rows}
    state: State = {(MEMBER, row[0]): row[3] for row in rows}
    state |= {(CHILD, child): its for child, its in states.items() if child not in apart and its != "erased"}
    return hash_of(state)


def _take_children(
    store: Store, by: Asker, members: Mapping[str, list[Row]], states: Sequence[Row], now: datetime
) -> None:
    """Keep the records of some children and found the children, in one transaction; those here already are left."""
    here = by.organisation
    state_of = {row["child"]: row["state"] for row in states}
    every = [row["record_key"] for rows in members.values() for row in rows]
    keys = keys_for(store, every)
    with store.write(Login.INDEX) as connection:
        tables.hold(connection)
        present = tables.children_of(connection, here, every)
        known = tables.states_of(connection, here, sorted(members))
        drafts, new = [], []
        for child, rows in members.items():
            mine = [row["record_key"] for row in rows]
            if child in known:
                if any(present.get(key) != child for key in mine):
                    raise Conflict("A child of the export is another child here: import into an empty installation.")
                continue
            if any(key in present for key in mine):
                raise Conflict("A record of the export is of another child here: import into an empty installation.")
            new += [(row["record_key"], _coming(store, by, row)) for row in rows]
            state = UNBORN if state_of.get(child) == UNBORN else LIVE
            changes = (Change(CHILD, child, "", state), *(Change(MEMBER, key, "", child) for key in sorted(mine)))
            drafts.append(Draft(planned=Planned(Kind.FOUND, child, "", changes), why={"by": "import"}))
        keep(connection, keys, new, [], [], now)
        write(connection, here, drafts, {key: Owned(here, each.basis) for key, each in new}, now)


def _not_here(store: Store, space: str, members: Mapping[str, list[Row]]) -> list[Row]:
    """The records of children that are not here yet: what is known of them is kept before they are found."""
    with store.read(Login.INDEX) as connection:
        known = tables.states_of(connection, space, sorted(members))
    return [row for child, rows in members.items() if child not in known for row in rows]


def _take_alone(store: Store, by: Asker, row: Row, now: datetime) -> None:
    """Keep a record that was of no child of the index."""
    given = {name: value for name, value in row.items() if value and name not in NOT_GIVEN}
    basis = row.get("basis") or "public task"
    keep_record(store, Kept(owner=by.organisation, basis=basis, identity=given, record_key=row["record_key"]), now)


def _coming(store: Store, by: Asker, row: Row) -> Any:
    given = {name: value for name, value in row.items() if value and name not in NOT_GIVEN}
    record_id, source = row.get("record_id") or row["record_key"], row.get("source") or "import"
    return coming(store, by.organisation, source, record_id, given, row.get("basis") or "public task")


def _take_redirects(store: Store, by: Asker, children: Sequence[Row], now: datetime) -> None:
    """Let merged identifiers lead where they led."""
    here = by.organisation
    with store.write(Login.INDEX) as connection:
        tables.hold(connection)
        known = tables.states_of(connection, here, [row["child"] for row in children])
        drafts = [
            Draft(
                planned=Planned(
                    Kind.MERGE,
                    row["leads_to"],
                    row["child"],
                    (Change(CHILD, row["child"], "", MERGED + row["leads_to"]),),
                ),
                why={"by": "import"},
            )
            for row in children
            if row["state"] == "merged" and row["child"] not in known
        ]
        write(connection, here, drafts, {}, now)


def _take_rulings(store: Store, by: Asker, lines: Iterator[Row], now: datetime) -> int:
    """Rule the same records apart again, under this installation's own keys."""
    here, count = by.organisation, 0
    with store.write(Login.INDEX) as connection:
        tables.hold(connection)
        drafts = []
        for line in lines:
            if line["ruling"] not in (Apart.SPLIT, Apart.SAID):
                raise Invalid("rulings.ndjson holds a ruling that cannot be taken in.")
            tokens = pair_tokens(store, line["record_a"], line["record_b"])
            count += 1
            if not tables.lines_by_key(connection, here, "apart", tokens):
                drafts.append(_ruled(connection, here, line, tokens[0]))
        write(connection, here, drafts, {}, now)
    return count


def _ruled(connection: sa.Connection, space: str, line: Row, token: str) -> Draft:
    child = tables.children_of(connection, space, [line["record_a"], line["record_b"]])
    planned = Planned(
        Kind.PART,
        child.get(line["record_a"], ""),
        child.get(line["record_b"], ""),
        (Change("apart", token, "", line["ruling"]),),
    )
    return Draft(planned=planned, why={"by": "import"})


class _Content:
    """Where the lines of content of each record stand in the files of an export."""

    def __init__(self, folder: Path) -> None:
        self.taken = 0
        self._places: dict[str, list[tuple[Path, int]]] = {}
        for path in sorted((folder / "content").glob("*.ndjson")) if (folder / "content").is_dir() else []:
            with path.open("rb") as file:
                at = 0
                for line in file:
                    key = str(_line(line, path)["record_key"])
                    self._places.setdefault(key, []).append((path, at))
                    at += len(line)

    def take(self, store: Store, by: Asker, record_key: str, now: datetime) -> None:
        """Keep what is known of one record."""
        for path, at in self._places.get(record_key, ()):
            with path.open("rb") as file:
                file.seek(at)
                line = _line(file.readline(), path)
            plain = line["text"].encode() if "text" in line else b64decode(line["base64"])
            kept = Kept(
                owner=by.organisation,
                basis=line["basis"],
                identity={},
                content={line["record_type"]: plain},
                record_key=record_key,
            )
            keep_record(store, kept, now)
            self.taken += 1


def _line(line: bytes, path: Path) -> Row:
    try:
        return msgspec.json.decode(line, type=Row)
    except msgspec.MsgspecError:
        raise Invalid(f"{path.name} of the export cannot be read.") from None


def _rows(folder: Path, name: str) -> list[Row]:
    try:
        rows: list[Row] = pq.read_table(folder / f"{name}.parquet").to_pylist()
    except (OSError, ValueError):
        raise Invalid(f"{name}.parquet of the export cannot be read.") from None
    return rows


def _lines(path: Path) -> Iterator[Row]:
    if not path.is_file():
        return
    with path.open("rb") as file:
        for line in file:
            yield _line(line, path)
