"""A space of many children in memory: filling it, finding candidates for a record, and a practitioner's search.

Run as ``python -m bench.searching --children 1000000``: the records of a generated town are standardised, laid out in
memory and searched in this process, with wall-clock times. Each search is for a child of the town, typed as people do:
with a slip, a nickname's worth of freedom, an age, a postcode. With ``--cpu`` times are of the processor, for a
machine that others use as well.
"""

from __future__ import annotations

import ctypes
import gc
import random
import resource
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import click
import msgspec
import numpy as np
import pyarrow as pa

from bench.machine import KEEP_HELP, Program, Shown, keep, results_folder, show
from bench.towns import town
from samechild.demographics.standardise import standardise
from samechild.errors import Invalid
from samechild.files.gather import gather
from samechild.files.read import read, read_files
from samechild.index.copy import SpaceCopy
from samechild.index.keying import SEARCH_COLUMNS
from samechild.index.query import parse
from samechild.index.searching import search
from samechild.linkage.models.children import children_model
from samechild.records import Record, fields

TODAY = date(2026, 11, 22)


class Timed(msgspec.Struct, frozen=True):
    """One kind of work: how often, microseconds at three points, and the share that found the child meant."""

    work: str
    times: int
    p50_us: float
    p99_us: float
    most_us: float
    found: float | None = None


class Searching(msgspec.Struct, frozen=True):
    """What was measured."""

    children: int
    records: int
    fill_seconds: float
    copy_mib: float
    process_peak_mib: float
    candidates_p50: float
    candidates_p99: float
    rules_closed: int
    timed: list[Timed]


def filled(children: int, seed: int) -> tuple[SpaceCopy, float, float]:
    """Fill a copy with a town; the seconds that took, and the memory the copy keeps, in MiB."""
    made = town(children, seed)
    table = standardise(gather(read_files([str(made.combined)]), source_column="source").given, today=TODAY).table
    truth = read(made.truth()).table["true_child_id"].combine_chunks().cast(pa.string())
    model = children_model([name for name in fields() if name in table.column_names])
    compared = [name for comparison in model.comparisons for name in comparison.columns]
    blocked = [part.column for rule in model.blocking for part in rule.parts]
    columns = [name for name in dict.fromkeys([*compared, *blocked, *SEARCH_COLUMNS]) if name in table.column_names]
    draw = random.Random(seed)
    keys = pa.array([f"{draw.getrandbits(128):032x}" for _ in range(table.num_rows)])
    sources = table["source"].combine_chunks().cast(pa.string())
    table = table.select(columns)
    before = resident_mib()
    copy = SpaceCopy(columns, model.blocking, model.largest_block)
    began = time.perf_counter()
    copy.fill(table, keys, sources, sources, truth)
    seconds = time.perf_counter() - began
    return copy, seconds, resident_mib() - before


def resident_mib() -> float:
    """What this process keeps in memory now, with what is free handed back first."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux":
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    told = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(told.split("VmRSS:")[1].split()[0]) / 1024


def typed(kind: str, held: dict[str, Any], draw: random.Random) -> str | None:
    """What somebody types who looks for the child of a record; None when the record lacks what is typed."""
    forename, surname, born = held.get("forename"), held.get("surname"), held.get("date_of_birth")
    if not (forename and surname and born):
        return None
    place = draw.randrange(len(surname))
    older = TODAY.year - int(born[:4])
    texts: dict[str, str | None] = {
        "name and date of birth": f"{forename} {surname} {born}",
        "name with a slip and date": f"{forename} {surname[:place] + surname[place + 1 :]} {born}",
        "name and date with a slip": f"{forename} {surname} {born[:9]}{(int(born[9]) + 1) % 10}",
        "name": f"{surname} {forename}",
        "surname": surname,
        "number": held.get("nhs_number") or held.get("upn"),
        "surname and postcode": f"{surname} {held['postcode']}" if held.get("postcode") else None,
        "name and district": f"{forename} {surname} {held.get('postcode_district') or ''}",
        "name and age": f"{forename} {surname} age {max(older - 1, 0)} to {older + 1}",
        "nobody": f"{surname[::-1]} {forename[::-1]} {born}",
    }
    return texts[kind]


KINDS = (
    "name and date of birth", "name with a slip and date", "name and date with a slip", "name", "surname", "number",
    "surname and postcode", "name and district", "name and age", "nobody",
)  # fmt: skip


def searches(copy: SpaceCopy, many: int, clock: Callable[[], float], draw: random.Random) -> list[Timed]:
    """Time searches of every kind, parsing included; the last line is of all together."""
    spent: dict[str, list[float]] = {kind: [] for kind in KINDS}
    right: dict[str, int] = dict.fromkeys(KINDS, 0)
    while min(map(len, spent.values())) < many:
        row = draw.randrange(len(copy))
        held = dict(zip(copy.columns, copy.values(row), strict=True))
        for kind in KINDS:
            text = typed(kind, held, draw)
            if text is None or len(spent[kind]) >= many:
                continue
            began = clock()
            try:
                hits = search(copy, parse(text, TODAY)).hits
            except Invalid:  # a name that reads as none
                continue
            spent[kind].append((clock() - began) * 1e6)
            right[kind] += copy.child(row) in {hit.child for hit in hits}
    each = [_timed(f"search: {kind}", spent[kind], right[kind] / many) for kind in KINDS]
    return [*each, _timed("search: all of these", [one for some in spent.values() for one in some])]


def _timed(work: str, spent: list[float], found: float | None = None) -> Timed:
    p50, p99, most = np.percentile(spent, [50, 99, 100]).tolist()
    return Timed(work, len(spent), p50, p99, most, found)


def measured(children: int, seed: int, many: int, clock: Callable[[], float]) -> Searching:
    """Fill a copy and time everything that is asked of it."""
    copy, seconds, memory = filled(children, seed)
    draw = random.Random(seed + 1)
    rows = [draw.randrange(len(copy)) for _ in range(4 * many)]
    values, near, put, sizes = [], [], [], []
    for row in rows:
        began = clock()
        held = copy.values(row)
        middle = clock()
        found = copy.near(held)
        near.append((clock() - middle) * 1e6)
        values.append((middle - began) * 1e6)
        sizes.append(len(found))
    timed = searches(copy, many, clock, draw)
    for number, row in enumerate(rows[:many]):
        given = {name: value for name, value in zip(copy.columns, copy.values(row), strict=True) if value}
        record = msgspec.convert({"source": "s", "record_id": "1", **given}, Record)
        began = clock()
        copy.put(f"new-{number}", "o", "s", record, f"new-{number}")
        put.append((clock() - began) * 1e6)
    p50, p99 = np.percentile(sizes, [50, 99]).tolist()
    return Searching(
        children=copy.children - many, records=len(copy) - many, fill_seconds=seconds, copy_mib=memory,
        process_peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        candidates_p50=p50, candidates_p99=p99, rules_closed=len(copy.closed()),
        timed=[_timed("values of a row", values), _timed("candidates", near), *timed, _timed("one record put", put)],
    )  # fmt: skip


def tables_of(found: Searching) -> list[Shown]:
    """Set the figures out as tables."""
    size = [
        ["children", f"{found.children:,}"],
        ["records", f"{found.records:,}"],
        ["filled in, s", f"{found.fill_seconds:.1f}"],
        ["memory of the copy, MiB", f"{found.copy_mib:,.0f}"],
        [
            "candidates of a record, median and 99th percentile",
            f"{found.candidates_p50:.0f}, {found.candidates_p99:.0f}",
        ],
    ]
    rows = [
        [
            each.work,
            f"{each.times:,}",
            f"{each.p50_us:,.0f}",
            f"{each.p99_us:,.0f}",
            "" if each.found is None else f"{100 * each.found:.1f}%",
        ]
        for each in found.timed
    ]
    return [
        Shown("A space in memory", ("what", "figure"), size),
        Shown("Microseconds in process", ("work", "times", "p50", "p99", "found among the first 20"), rows),
    ]


@click.command(cls=Program)
@click.option("--children", default=100_000, show_default=True, help="Children of the town.")
@click.option("--seed", default=20401, show_default=True, help="Seed of the town.")
@click.option("--searches", "many", default=1_000, show_default=True, help="Searches of each kind.")
@click.option("--cpu", is_flag=True, help="Time the processor, not the clock on the wall.")
@click.option("--keep", "kept", is_flag=True, help=KEEP_HELP)
def main(children: int, seed: int, many: int, cpu: bool, kept: bool) -> None:
    """Time filling, candidates and searches at a number of children."""
    found = measured(children, seed, many, time.thread_time if cpu else time.perf_counter)
    show(tables_of(found))
    command = f"python -m bench.searching --children {children} --seed {seed} --searches {many}" + " --cpu" * cpu
    keep(f"searching-{children}", command, found, results_folder(kept))


if __name__ == "__main__":
    main()
