"""Opening a results folder again: what the commands that look at a finished run need of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from samechild.errors import Invalid, Missing

if TYPE_CHECKING:
    import pyarrow as pa

    from samechild.files.run_record import RunRecord
    from samechild.linkage.summary import Summary


def run_of(folder: Path) -> RunRecord:
    """Read what a results folder says of its run. Raises Missing or Invalid when it holds no linkage."""
    from samechild.files.run_record import read_run_record

    if not folder.is_dir():
        raise Missing(f"There is no folder {folder}: name one that samechild link wrote.")
    record = read_run_record(folder)
    if record.command != "link":
        raise Invalid(f"{folder} was not written by samechild link: name a folder that was.")
    return record


def table_of(folder: Path, name: str, columns: list[str] | None = None) -> pa.Table:
    """Read one Parquet table of a results folder."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / name
    try:
        return pq.read_table(path, columns=columns)
    except FileNotFoundError:
        raise Missing(f"{folder} no longer holds {name}: run samechild link again.") from None
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        raise Invalid(f"{path} is damaged or was changed: run samechild link again.") from None


def summary_of(record: RunRecord, folder: Path) -> Summary:
    """Read the counts and shares a run told of itself."""
    import msgspec

    from samechild.linkage.summary import Summary

    try:
        return msgspec.convert(record.counts.get("summary"), Summary)
    except msgspec.ValidationError:
        raise Invalid(f"{folder / 'run.json'} holds no summary that can be read: run samechild link again.") from None
