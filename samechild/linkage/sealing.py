"""The sealed list: pairs that look like one child and must be seen by one named person only.

A child whose two valid identities look like one may be an adopted child, or a child in hiding. Writing the pair where
an analyst can read it would disclose what the law protects (Adoption and Children Act 2002, sections 56 to 65). So
the list is encrypted to the key of the person who may know, outside the results, and can be opened by nobody else, not
even by whoever ran the command. Format: age (age-encryption.org/v1).
"""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from samechild.errors import Invalid, Missing, Refused
from samechild.files.write import harmless

SEALED = "restricted.csv.age"
_HOW = "give the person's public key (age1... or ssh-ed25519 ...), or a file that holds it"


def recipients(key: str) -> list[Any]:
    """Read the public keys of whoever may open the list: a key, or the name of a file with one on each line.

    Raises Invalid for something that is no public key, and for a secret key, which should never be lent to a command.
    """
    path = Path(key)
    lines = [key]
    if not key.startswith(("age1", "ssh-")):
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError):
            raise Missing(f"The key for the restricted list is no key and no file that can be read: {_HOW}.") from None
    wanted = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if any("SECRET-KEY" in line or "PRIVATE KEY" in line for line in wanted):
        raise Invalid("That is a secret key, which only its owner should hold: give the public key, which starts age1.")
    if not wanted:
        raise Invalid(f"The key file for the restricted list holds no key: {_HOW}.")
    return [_recipient(line) for line in wanted]


def _recipient(line: str) -> Any:
    import pyrage

    try:
        if line.startswith("ssh-"):
            return pyrage.ssh.Recipient.from_str(line)
        return pyrage.x25519.Recipient.from_str(line)
    except pyrage.RecipientError:
        raise Invalid(f"The key for the restricted list is not a public key that age knows: {_HOW}.") from None


def sealed(restricted: pa.Table, keys: Sequence[Any]) -> bytes:
    """Write the list as CSV and encrypt it to the keys, in memory: the plain list is never on the disk."""
    import pyrage

    return bytes(pyrage.encrypt(csv_bytes(restricted), list(keys)))


def csv_bytes(table: pa.Table) -> bytes:
    """Write a small table as the bytes of a CSV that a spreadsheet shows and cannot run."""
    text = io.StringIO(newline="")
    lines = csv.writer(text)
    lines.writerow(table.column_names)
    for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
        lines.writerow(["" if cell is None else harmless(str(cell)) for cell in row])
    return text.getvalue().encode("utf-8-sig")


def check_place(folder: Path, out: Path, force: bool) -> None:
    """Refuse a place for the sealed list that is inside the results, or where an earlier list would be lost."""
    inside, results = folder.resolve(), out.resolve()
    if inside == results or results in inside.parents:
        raise Invalid(f"The restricted list may not lie inside {out}: name a folder of its own for it.")
    if (folder / SEALED).exists() and not force:
        raise Refused(f"{folder / SEALED} is there already: move it away, or replace it with --force.")


def write_sealed(content: bytes, folder: Path) -> Path:
    """Put the sealed list in its folder, whole or not at all; readable by its owner only."""
    folder.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(prefix=".samechild-", dir=folder)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, folder / SEALED)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return folder / SEALED
