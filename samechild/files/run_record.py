"""``run.json``: what a run read, did and wrote, so that a result can be traced and repeated years later.

It also marks a folder as ours: only a folder whose ``run.json`` lists every file in it, unchanged, is ever replaced.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec

from samechild.errors import Invalid, Missing
from samechild.files.records import ReadFile

RUN_RECORD = "run.json"
_LARGEST = 1 << 24
FORMAT_VERSION = 1
"""Of everything in a results folder; raised when a program that reads the old one would be misled."""

_NAMED = ("samechild", "numpy", "pyarrow", "scipy", "rapidfuzz", "msgspec")
_HASHED_UP_TO = 16 << 20


class Input(msgspec.Struct, frozen=True):
    """One file that was read, named without its folder."""

    file: str
    sha256: str
    rows: int
    format: str
    encoding: str = "utf-8"
    source: str | None = None
    sheet: str | None = None


class Output(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file that was written: its size, and its SHA-256 when it is small enough for a person to have edited it."""

    bytes: int
    sha256: str | None = None


class RunRecord(msgspec.Struct, frozen=True):
    """The whole record of one run; ``outputs`` is filled in when the folder is put in place."""

    command: str
    started: str
    """UTC, ISO 8601."""
    duration_seconds: float
    inputs: tuple[Input, ...] = ()
    parameters: dict[str, Any] = {}
    counts: dict[str, Any] = {}
    versions: dict[str, str] = {}
    outputs: dict[str, Output] = {}
    format_version: int = FORMAT_VERSION
    made_by: str = "samechild"


def inputs_of(files: Sequence[ReadFile], sources: Sequence[str] | None = None) -> tuple[Input, ...]:
    """Describe the files that were read, each with the name its source has in the results."""
    named: Sequence[str | None] = sources or [None] * len(files)
    return tuple(
        Input(file.path.name, file.sha256, file.table.num_rows, file.format, file.encoding, source, file.sheet)
        for file, source in zip(files, named, strict=True)
    )


def versions() -> dict[str, str]:
    """Return the versions of the program, of Python and of the libraries that results depend on."""
    found = {"python": platform.python_version()}
    for name in _NAMED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def write_run_record(folder: Path, record: RunRecord) -> None:
    """Write ``run.json`` into a folder, readable by people."""
    (folder / RUN_RECORD).write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")


def is_run_record(path: Path) -> bool:
    """Whether a file is the ``run.json`` of a samechild command: it lies beside a town's files, and is no agency's."""
    if path.name != RUN_RECORD or not path.is_file() or path.stat().st_size > _LARGEST:
        return False
    try:
        found = msgspec.json.decode(path.read_bytes())
    except msgspec.DecodeError:
        return False
    return isinstance(found, dict) and "made_by" in found and "format_version" in found


def read_run_record(folder: Path) -> RunRecord:
    """Read the ``run.json`` of a results folder. Raises Missing when there is none, Invalid when it is not ours."""
    path = folder / RUN_RECORD
    try:
        record = msgspec.json.decode(path.read_bytes(), type=RunRecord)
    except (FileNotFoundError, NotADirectoryError):
        raise Missing(f"{folder} holds no {RUN_RECORD}, so it is not a folder that samechild wrote.") from None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Invalid(f"{path} is damaged, or was written by another program.") from None
    if record.made_by != "samechild" or record.format_version > FORMAT_VERSION:
        raise Invalid(f"{path} was written by a newer samechild (format {record.format_version}): use that one.")
    return record


def describe_outputs(folder: Path) -> dict[str, Output]:
    """List every file of a folder except ``run.json``, by its path inside the folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != RUN_RECORD:
            size = path.stat().st_size
            digest = hashlib.sha256(path.read_bytes()).hexdigest() if size <= _HASHED_UP_TO else None
            found[name] = Output(size, digest)
    return found
