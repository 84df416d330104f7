"""The whole ledger as one file that others can check, with the program that checks it beside it.

NDJSON: a header (which ledger, the keys that signed it), every entry in its exact bytes, and after each commit's
entries its signed checkpoint. The entries hold no names; the file still says who worked with how many children, and is
kept as other records of access are.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from samechild.errors import Missing, Refused, Unavailable
from samechild.policy.ledger import store as tables
from samechild.policy.ledger.checkpoint import Checkpoint, in_text
from samechild.policy.ledger.standalone import FORMAT
from samechild.policy.ledger.witness import line_of
from samechild.storage import Login, Store

VERIFIER = "verify_ledger.py"
"""What the program for third parties is called beside an export."""

Say = Callable[[str, float], None]
"""What is being done, in words, and the share of the whole that is done (0 to 1)."""

NOTHING_YET = "The ledger holds no entry yet."


def export(store: Store, path: Path, say: Say, force: bool = False) -> Checkpoint:
    """Write the ledger as it is now into a file, whole or not at all, and the verifier beside it.

    Returns the checkpoint the file ends with.

    Raises:
        Refused: when there is a file of that name, unless ``force``.
        Missing: when the ledger holds no entry yet.
        Unavailable: when the file cannot be written.
    """
    if path.exists() and not force:
        raise Refused(f"{path} is there already: name another file, or add --force.")
    unfinished = path.with_name(f".{path.name}.unfinished")
    with store.read(Login.GATE) as connection:
        last = tables.last_checkpoint(connection)
        if last is None:
            raise Missing(NOTHING_YET)
        try:
            with unfinished.open("wb") as file:
                file.write(header_of(connection, last))
                for rows, checkpoints in commits(connection, last.size):
                    file.writelines(lines_of(rows, checkpoints))
                    say("writing the ledger", (rows[-1].number + 1) / last.size)
                file.flush()
                os.fsync(file.fileno())
            path.with_name(VERIFIER).write_bytes(Path(__file__).with_name("standalone.py").read_bytes())
            unfinished.replace(path)
        except OSError:
            raise Unavailable(f"{path} cannot be written: is the folder there, and is there room?") from None
        finally:
            unfinished.unlink(missing_ok=True)
    return last


def header_of(connection: sa.Connection, last: Checkpoint) -> bytes:
    """The first line of an export: which ledger, and the keys that signed it in the order they came into use."""
    keys = [in_text(public) for public in tables.public_keys(connection, last.size)]
    header = {"format": FORMAT, "keys": keys, "origin": last.origin}
    return json.dumps(header, separators=(",", ":"), sort_keys=True).encode() + b"\n"


def commits(connection: sa.Connection, size: int) -> Iterator[tuple[list[sa.Row[Any]], list[Checkpoint]]]:
    """Rows of entries and the checkpoints that fall among them, page by page, up to ``size`` entries."""
    rows: list[sa.Row[Any]] = []
    for row in tables.rows_from(connection, 0, size):
        rows.append(row)
        if len(rows) == tables.PAGE:
            yield rows, _among(connection, rows)
            rows = []
    if rows:
        yield rows, _among(connection, rows)


def _among(connection: sa.Connection, rows: list[sa.Row[Any]]) -> list[Checkpoint]:
    """Checkpoints over entries up to any of these rows; never more than there are rows, so one page holds them."""
    return [found for found, _ in tables.checkpoints(connection, rows[0].number, rows[-1].number + 1)]


def lines_of(rows: list[sa.Row[Any]], checkpoints: list[Checkpoint]) -> Iterator[bytes]:
    """The lines of some entries, each checkpoint after the last entry it vouches for."""
    after = {each.size: each for each in checkpoints}
    for row in rows:
        yield row.entry + b"\n"
        if row.number + 1 in after:
            yield line_of(after[row.number + 1])
