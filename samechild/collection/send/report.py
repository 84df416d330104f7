"""What a run did, for the council's data team: counts for whoever watches, and the children to mend at source.

The counts hold nothing of a child and may stand in a log. The list of problems names children by the council's own id,
for the council's own eyes: it is written only into the folder that the settings name.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from samechild.collection.records import SPECIFICATION
from samechild.errors import Unavailable
from samechild.files.write import write_csv

HELD_BACK, REFUSED, UNSURE, RULE, GONE = "held back", "refused", "not sure", "kept, with a problem", "no longer there"
"""What became of a child that stands in the list of problems."""

NEEDS_MENDING = (HELD_BACK, REFUSED, UNSURE)


class Note(msgspec.Struct, frozen=True, order=True):
    """One line of the list of problems."""

    la_child_id: str
    became: str
    rule: str = ""
    grade: str = ""
    place: str = ""
    words: str = ""


class Report(msgspec.Struct, kw_only=True):
    """What a run did. ``counts`` and ``left_out`` hold no value of a record; ``notes`` name children."""

    began: str
    mode: str
    seconds: float = 0.0
    stopped: str = ""
    """Why the run ended before its end; empty when it did not."""
    counts: dict[str, int] = {}
    left_out: list[str] = []
    """Rows of extracts that found no place, in words."""
    warnings: list[str] = []
    notes: list[Note] = []

    def add(self, name: str, number: int = 1) -> None:
        """Count something."""
        self.counts[name] = self.counts.get(name, 0) + number

    @property
    def found_problems(self) -> bool:
        """Whether something must be mended: a child that was not kept, rows without a place, a purge held back."""
        return bool(self.warnings or self.left_out) or any(note.became in NEEDS_MENDING for note in self.notes)


def write_report(report: Report, folder: Path, name: str) -> tuple[Path, Path]:
    """Write the counts as JSON and the problems as CSV; returns both paths. Raises Unavailable when it cannot."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        counts, problems = folder / f"{name}.json", folder / f"{name}.problems.csv"
        told: dict[str, Any] = {"specification": SPECIFICATION, **msgspec.to_builtins(report)}
        told["problems"] = _by_kind(told.pop("notes"))
        for path in (counts, problems):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        counts.write_bytes(msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n")
        write_csv(problems_table(report.notes), problems)
    except OSError as error:
        raise Unavailable(f"The report cannot be written to {folder} ({error.strerror}).") from None
    return counts, problems


def _by_kind(notes: Iterable[dict[str, Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for note in notes:
        kind = " ".join(part for part in (note["became"], note["rule"]) if part)
        found[kind] = found.get(kind, 0) + 1
    return dict(sorted(found.items()))


def problems_table(notes: Sequence[Note]) -> pa.Table:
    """The problems as a table of text, worst first, then by child."""
    order = {kind: place for place, kind in enumerate((HELD_BACK, REFUSED, UNSURE, GONE, RULE))}
    rows = sorted(notes, key=lambda note: (order.get(note.became, 9), note))
    return pa.table(
        {name: pa.array([getattr(row, name) for row in rows], pa.string()) for name in Note.__struct_fields__}
    )
