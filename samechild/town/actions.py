"""Make a town, in memory or as the files its agencies would hand over.

Large towns are made in blocks of families, so that ten million records fit in the memory of a laptop: each block
depends on the seed and its own number alone.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa

from samechild.errors import Invalid
from samechild.files.folder import OutputFolder
from samechild.files.run_record import RunRecord, versions, write_run_record
from samechild.town.adoptions import adopt
from samechild.town.agencies import contacts
from samechild.town.chance import Chance
from samechild.town.families import make_families
from samechild.town.filing import Filing
from samechild.town.names import load_names
from samechild.town.places import TOWN_NAMES, Places, choose_places
from samechild.town.rates import AGENCIES, Rates, load_rates
from samechild.town.records import Ints, Town, concatenated
from samechild.town.truth import never_link, scrambled, superseded, truth_table
from samechild.town.writing import COLUMNS, Writer

BLOCK = 100_000
MOST_CHILDREN = 5_000_000
Progress = Callable[[int, int], None]


class TownWritten(msgspec.Struct, frozen=True):
    """What :func:`write_town` wrote."""

    files: tuple[Path, ...]
    children: int
    records: int


def make_town(
    children: int, authorities: int = 2, seed: int = 1, rates: Rates | None = None, progress: Progress | None = None
) -> Town:
    """Make a town of so many children, with everything its agencies hold about them, in memory.

    ``children``: 1 to 5,000,000 (about three records each); ``authorities``: 1 to 10; ``rates``: as in ``rates.toml``.
    The same arguments give the same town on any machine. Raises :class:`~samechild.errors.Invalid` for a size out of
    range. Adopted children's second identities come on top of ``children``.
    """
    return concatenated(list(town_blocks(children, authorities, seed, rates, progress)))


def town_blocks(
    children: int, authorities: int = 2, seed: int = 1, rates: Rates | None = None, progress: Progress | None = None
) -> Iterator[Town]:
    """The same town block by block, for towns larger than memory; ``progress`` hears (children made, of how many)."""
    _check_size(children, authorities, seed)
    return _blocks(children, authorities, seed, rates or load_rates(), progress)


def _check_size(children: int, authorities: int, seed: int) -> None:
    if not 1 <= children <= MOST_CHILDREN:
        raise Invalid(f"A town has 1 to {MOST_CHILDREN:,} children; ask for a number in between.")
    if not 0 <= seed < 2**63:
        raise Invalid("A seed is a whole number from 0 upwards; name another.")
    if not 1 <= authorities <= len(TOWN_NAMES):
        raise Invalid(f"A town has 1 to {len(TOWN_NAMES)} authorities; ask for one of those numbers.")


def _blocks(children: int, authorities: int, seed: int, rates: Rates, progress: Progress | None) -> Iterator[Town]:
    places = choose_places(children, authorities, seed, load_names())
    held = np.zeros(authorities * len(AGENCIES), dtype=np.int64)
    for first in range(0, children, BLOCK):
        count = min(BLOCK, children - first)
        yield _block(count, first, seed, places, rates, held)
        if progress:
            progress(first + count, children)


def _block(count: int, first: int, seed: int, places: Places, rates: Rates, held: Ints) -> Town:
    """One block of families and their records; ``held`` counts each source's records so far, and is moved on."""
    names = load_names()
    as_at = (rates.as_at - datetime.date(1970, 1, 1)).days
    part = first // BLOCK
    children = make_families(count, first, Chance(seed, 1, part), places, names, rates)
    children = adopt(children, first, as_at, Chance(seed, 2, part), places, names, rates)
    columns: dict[str, list[pa.Array]] = {name: [] for name in COLUMNS}
    child_parts: list[Ints] = []
    source_parts: list[Ints] = []
    for number, agency in enumerate(AGENCIES):
        chance = Chance(seed, 3, part, number)
        known = contacts(agency, children, as_at, chance, rates)
        written = Writer(agency, known, children, as_at, chance, places, names, rates).columns()
        for name in COLUMNS:
            columns[name].append(written[name])
        child_parts.append(known.child)
        source_parts.append(known.authority * len(AGENCIES) + number)
    chance = Chance(seed, 4, part)
    child, source_code = np.concatenate(child_parts), np.concatenate(source_parts)
    order = chance.order(len(child))
    child, source_code = child[order], source_code[order]
    source = pa.array(source_names(places.authorities)).take(pa.array(source_code))
    record_id = scrambled(_running_number(source_code, held) * len(held) + source_code, "R", 3)
    shuffled = pa.array(order)
    table = {"source": source, "record_id": record_id}
    table |= {
        name: pa.concat_arrays([_plain(part) for part in parts]).take(shuffled) for name, parts in columns.items()
    }
    return Town(
        records=pa.table(table),
        truth=truth_table(source, record_id, child, children, first),
        never_link=never_link(source, record_id, child, children, chance, rates.families.adoption_team_knows),
        superseded=superseded(children),
    )


def _plain(part: pa.Array | pa.ChunkedArray) -> pa.Array:
    return part.combine_chunks() if isinstance(part, pa.ChunkedArray) else part


def source_names(authorities: int) -> list[str]:
    """The sources of a town: each authority's agencies."""
    return [f"{place}_{agency}" for place in TOWN_NAMES[:authorities] for agency in AGENCIES]


def _running_number(source: Ints, held: Ints) -> Ints:
    """Number the records of each source one after another, on from those ``held`` already."""
    order = np.argsort(source, kind="stable")
    counts = np.bincount(source, minlength=len(held))
    within = np.arange(len(source)) - np.repeat(np.cumsum(counts) - counts, counts)
    number = np.empty(len(source), dtype=np.int64)
    number[order] = within + np.repeat(held, counts)
    held += counts
    return number


def write_town(
    out: Path,
    children: int,
    authorities: int = 2,
    seed: int = 1,
    rates: Rates | None = None,
    *,
    form: str | None = None,
    combined: bool = False,
    force: bool = False,
    started: datetime.datetime | None = None,
    progress: Progress | None = None,
) -> TownWritten:
    """Write the files that a town's agencies keep into a new folder, and the truth into a folder of its own inside it.

    Each agency has its own columns and format: schools CSV, health Parquet, early years NDJSON and so on; ``form``
    ("csv" or "parquet") makes them all one format. ``combined`` writes one Parquet file of all records under common
    column names in place of the agencies' files. ``truth/`` holds truth.csv, never_link.csv and superseded.csv.
    The folder appears when all of it is written; ``started`` goes into its ``run.json``. Raises
    :class:`~samechild.errors.Refused` when something is there already, unless ``force`` and samechild wrote it.
    """
    if form not in (None, "csv", "parquet"):
        raise Invalid("A town is written as csv or parquet, or in each agency's own format.")
    blocks = town_blocks(children, authorities, seed, rates, progress)
    records, begun = 0, time.monotonic()
    with OutputFolder(out, force) as folder:
        with Filing(folder, source_names(authorities), children, form=form, combined=combined) as filing:
            for block in blocks:
                filing.add(block)
                records += block.records.num_rows
        asked = {"children": children, "authorities": authorities, "seed": seed, "form": form, "combined": combined}
        write_run_record(
            folder,
            RunRecord(
                command="synth",
                started=started.isoformat() if started else "",
                duration_seconds=round(time.monotonic() - begun, 1),
                parameters=asked,
                counts={"children": children, "records": records},
                versions=versions(),
            ),
        )
    return TownWritten(tuple(out / name for name in filing.written), children, records)
