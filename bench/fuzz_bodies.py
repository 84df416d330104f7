"""Very many garbled bodies sent to a served installation: how each is answered, how fast, and whether memory grows.

Run as ``python -m bench.fuzz_bodies --bodies 100000``: the bodies of ``tests/garbled.py`` go to the daily operation and
the first load of an application in this process. What is taken is merged, checked and identified every thousand bodies.
It ends with an error when any answer is a mistake of ours.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import timedelta
from itertools import islice
from pathlib import Path

import click
import httpx
import msgspec

from bench.machine import KEEP_HELP, ROOT, Program, Shown, keep, results_folder, show

sys.path.insert(0, str(ROOT / "tests"))

from collection_door import DAILY, Door, a_door
from garbled import JSON, WAYS, Garbled, garbled
from pages_served import ADDRESS
from samechild.cli.tables import all_tables
from samechild.collection.processing import process

LOAD = "/api/collection/845/load"
TAKEN, TOLD = "taken", "told"
_EACH = 1_000


class Told(msgspec.Struct):
    """What became of bodies: how many of each status, which kinds were taken or told of, milliseconds of each."""

    statuses: Counter[int]
    kinds: dict[str, Counter[str]]
    times: list[float]


class Fuzzed(msgspec.Struct, frozen=True):
    """The figures of one run; memory in MiB after the first thousand bodies and at the end."""

    bodies: int
    seed: int
    database: str
    statuses: dict[str, int]
    taken: dict[str, int]
    p50_ms: float
    p99_ms: float
    most_ms: float
    memory_early_mib: float
    memory_late_mib: float
    seconds: float


def sent_all(door: Door, bodies: Iterable[Garbled]) -> Told:
    """Send bodies one after the other, each in one of the ways that clients ask for the answer."""
    found = Told(Counter(), defaultdict(Counter), [])
    asyncio.run(_sent(door, bodies, found))
    return found


async def _sent(door: Door, bodies: Iterable[Garbled], found: Told) -> None:
    transport = httpx.ASGITransport(door.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as client:
        for number, each in enumerate(bodies):
            accept = ("*/*", "application/json", "application/problem+json")[number % 3]
            headers = door.headers(content_type=each.media, accept=accept)
            if number % 4 == 0:
                headers["prefer"] = "handling=lenient"
            if each.coding:
                headers["content-encoding"] = each.coding
            began = time.perf_counter()
            answer = await client.post(DAILY if each.media == JSON else LOAD, content=each.body, headers=headers)
            found.times.append((time.perf_counter() - began) * 1000)
            found.statuses[answer.status_code] += 1
            found.kinds[TAKEN if answer.status_code == 200 else TOLD][each.kind] += 1


def worked_off(door: Door) -> None:
    """Merge, check and identify what was taken, a moment later."""
    door.now += timedelta(seconds=1)
    process(door.store, all_tables(), door.now)


def memory_mib() -> float:
    """The resident memory of this process, after what is garbage was collected."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def shown(found: Fuzzed) -> list[Shown]:
    """Set the figures out as tables."""
    times = [f"{value:.1f}" for value in (found.p50_ms, found.p99_ms, found.most_ms)]
    grown = [f"{found.memory_early_mib:.0f}", f"{found.memory_late_mib:.0f}"]
    headings = ("bodies", "p50, ms", "p99, ms", "longest, ms", "memory early, MiB", "late, MiB", "seconds")
    row = [f"{found.bodies:,}", *times, *grown, f"{found.seconds:.0f}"]
    statuses = [[status, f"{count:,}"] for status, count in sorted(found.statuses.items())]
    ways = [[way, f"{found.taken.get(way, 0):,}"] for way in WAYS]
    return [
        Shown(f"Garbled bodies on {found.database}", headings, [row]),
        Shown("Answers", ("status", "bodies"), statuses),
        Shown("Taken, or told line by line", ("garbled how", "bodies"), ways),
    ]


@click.command(cls=Program)
@click.option("--bodies", default=100_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--database", type=click.Choice(["sqlite", "postgres"]), default="sqlite", show_default=True)
@click.option("--keep/--no-keep", "wanted", default=False, help=KEEP_HELP)
def main(bodies: int, seed: int, database: str, wanted: bool) -> None:
    """Send garbled bodies and look at the answers."""
    chance, found, early = random.Random(seed), Told(Counter(), defaultdict(Counter), []), 0.0
    source, began = (garbled(chance) for _ in range(bodies)), time.perf_counter()
    with a_door(database, index=True) as door:
        while some := list(islice(source, _EACH)):
            part = sent_all(door, some)
            found.statuses += part.statuses
            found.times += part.times
            for kind, counts in part.kinds.items():
                found.kinds[kind] += counts
            worked_off(door)
            door.log.seek(0)
            door.log.truncate()
            early = early or memory_mib()
            click.echo(f"{len(found.times):,} of {bodies:,}", err=True)
        late = memory_mib()
    times = sorted(found.times)
    result = Fuzzed(
        bodies=bodies,
        seed=seed,
        database=database,
        statuses={str(status): count for status, count in found.statuses.items()},
        taken=dict(found.kinds[TAKEN]),
        p50_ms=times[len(times) // 2],
        p99_ms=times[len(times) * 99 // 100],
        most_ms=times[-1],
        memory_early_mib=early,
        memory_late_mib=late,
        seconds=time.perf_counter() - began,
    )
    show(shown(result))
    keep(
        f"fuzz_bodies-{database}-{bodies}",
        f"python -m bench.fuzz_bodies --bodies {bodies}",
        result,
        results_folder(wanted),
    )
    if not found.statuses.keys() <= {200, 400, 413}:
        raise click.ClickException("An answer was none that a body can have.")


if __name__ == "__main__":
    main()
