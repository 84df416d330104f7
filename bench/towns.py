"""Synthetic towns to measure on, made once and used again, with the truth in a folder of its own."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import msgspec
import pyarrow.parquet as pq

from bench.machine import WORK, measure, samechild
from samechild.errors import Invalid
from samechild.files.read import read
from samechild.files.run_record import read_run_record
from samechild.town import actions
from samechild.town.actions import make_town
from samechild.town.rates import load_rates
from samechild.town.records import Town
from samechild.town.truth import TwinSets, indistinguishable_twin_sets

_SAMPLE = 4_000


class TownFolder(msgspec.Struct, frozen=True):
    """A town on disk: all records in one Parquet file, and what is true about them."""

    folder: Path
    children: int
    records: int
    seed: int
    rates: str

    @property
    def combined(self) -> Path:
        """Every record of every agency."""
        return self.folder / "combined.parquet"

    def truth(self, name: str = "truth") -> Path:
        """One file of the truth: truth, never_link or superseded."""
        return self.folder / "truth" / f"{name}.csv"


def town_of_records(records: int, seed: int, rates: str = "usual", work: Path = WORK) -> TownFolder:
    """Make, or find again, a town that holds about so many records (within a few in a hundred)."""
    return town(max(1, round(records / _records_per_child(rates))), seed, rates, work)


def town(children: int, seed: int, rates: str = "usual", work: Path = WORK) -> TownFolder:
    """Make, or find again, a town of so many children; a changed generator makes it anew.

    ``rates``: usual or harder, the two committed files of rates.
    """
    folder = work / f"town-{children}-{rates}-{seed}-{_generator()}"
    if not (folder / "run.json").is_file():
        sizes = ("--children", str(children), "--seed", str(seed), "--combined")
        measure(samechild("synth", folder, *sizes, *(("--harder",) if rates == "harder" else ())), work / "town.log")
    counts = read_run_record(folder).counts
    return TownFolder(folder, int(counts["children"]), int(counts["records"]), seed, rates)


def twins_alike(made: TownFolder) -> TwinSets:
    """Count the twin sets of a town, and those that no field of any record could tell apart."""
    records, truth = pq.read_table(made.combined), read(made.truth()).table
    if not all(records[name].equals(truth[name]) for name in ("source", "record_id")):
        raise Invalid(f"The truth of {made.folder.name} is not in the order of its records: delete the folder.")
    return indistinguishable_twin_sets(Town(records, truth, None, None))


@cache
def _records_per_child(rates: str) -> float:
    small = make_town(_SAMPLE, seed=1, rates=load_rates(harder=rates == "harder"))
    return int(small.records.num_rows) / _SAMPLE


@cache
def _generator() -> str:
    """Name the generator by everything it is made of, so that no measurement is of an earlier one."""
    room = Path(actions.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(room.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(path.relative_to(room).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:8]
