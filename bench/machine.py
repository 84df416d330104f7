"""Measure whole processes, describe the machine, and set results out for people and for other programs."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from samechild.errors import Missing, SamechildError, Unavailable

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "bench" / "work"
"""Towns and runs, which may be deleted at any time; git does not look here."""
RESULTS = ROOT / "bench" / "results"
"""Figures that docs/benchmarks.md quotes."""
KEEP_HELP = "Write the figures to bench/results, for docs/benchmarks.md, instead of bench/work/results."
LAUNCH = Path(__file__).with_name("launch.py")
SAMECHILD = Path(sys.executable).with_name("samechild")
PEERS = ("samechild", "splink", "duckdb", "numpy", "scipy", "pyarrow", "rapidfuzz", "recordlinkage")


class Program(click.Command):
    """A benchmark as a command: what stops it is told in one sentence, with the exit code of its kind."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run it, and turn samechild's errors into words."""
        try:
            return super().invoke(ctx)
        except SamechildError as error:
            click.echo(f"bench: {error}", err=True)
            ctx.exit(error.exit_code)


class Measured(msgspec.Struct, frozen=True):
    """One whole process: clock, CPU seconds (user and system), peak resident MiB, and the load before it began."""

    wall: float
    cpu: float
    peak_mib: float
    load: float


class Spread(msgspec.Struct, frozen=True):
    """Several measurements of one thing."""

    median: float
    low: float
    high: float
    runs: int


class Cost(msgspec.Struct, frozen=True):
    """What a program needed over all its runs."""

    wall: Spread
    cpu: Spread
    peak_mib: Spread
    load: Spread


def _installed(name: str) -> str:
    """The version of a package, or that it is not here: not every run needs every peer."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def measure(command: Sequence[str | Path], log: Path) -> Measured:
    """Run a command as a fresh process and measure it; what it prints goes to ``log``.

    Raises:
        Missing: when there is no such program.
        Unavailable: when it ends with an error; the message names the log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "measured.json"
        line = [sys.executable, "-I", "-S", str(LAUNCH), str(told), *map(str, command)]
        with log.open("wb") as out:
            subprocess.run(line, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=ROOT, check=False)
        if not told.is_file():
            raise Missing(f"{Path(str(command[0])).name} could not be started: see {log}, and run make bench once.")
        found = json.loads(told.read_bytes())
    if found.pop("code"):
        raise Unavailable(f"{Path(str(command[0])).name} ended with an error: see {log}.")
    return Measured(**found)


def samechild(*words: str | Path) -> list[str]:
    """Put together the command line of samechild as installed beside this Python."""
    return [str(SAMECHILD), *map(str, words)]


def module(name: str, *words: str | Path) -> list[str]:
    """Put together the command line of another of these programs, in a process of its own."""
    return [sys.executable, "-m", f"bench.{name}", *map(str, words)]


def spread(values: Sequence[float]) -> Spread:
    """Median, least and greatest of some measurements (at least one)."""
    return Spread(statistics.median(values), min(values), max(values), len(values))


def cost(runs: Sequence[Measured]) -> Cost:
    """Sum up the runs of one program."""
    return Cost(
        wall=spread([run.wall for run in runs]),
        cpu=spread([run.cpu for run in runs]),
        peak_mib=spread([run.peak_mib for run in runs]),
        load=spread([run.load for run in runs]),
    )


def machine() -> dict[str, Any]:
    """Describe where and when something was measured: processor, memory, load, versions, commit."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "load": round(os.getloadavg()[0], 2),
        "versions": {"python": platform.python_version(), **{name: _installed(name) for name in PEERS}},
        "commit": commit(),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def commit() -> str:
    """Name the commit that is measured, with a plus when the package has changes that are not in it."""
    head = _git("rev-parse", "--short", "HEAD")
    return head + ("+" if _git("status", "--porcelain", "--", "samechild", "bench/*.py") else "") if head else "unknown"


def _git(*words: str) -> str:
    asked = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return asked.stdout.strip() if asked.returncode == 0 else ""


def keep(name: str, command: str, found: msgspec.Struct, folder: Path) -> Path:
    """Write figures into a folder with the command and the machine they come from; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    whole = {"command": command, "machine": machine(), "found": found}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(whole), indent=2) + b"\n")
    click.echo(f"Figures are in {path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}.")
    return path


def results_folder(wanted: bool) -> Path:
    """Where figures go: with those that are quoted, when that is wanted, and otherwise where git does not look."""
    return RESULTS if wanted else WORK / "results"


class Shown(msgspec.Struct, frozen=True):
    """A table for people, on a terminal and in a page alike; the first heading is of what each row is about."""

    title: str
    headings: tuple[str, ...]
    rows: list[list[str]]


def show(shown: Sequence[Shown]) -> None:
    """Print tables, as wide as they are, so that nothing is cut when they go to a file."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    for one in shown:
        table = Table(title=one.title, title_justify="left", title_style="bold")
        for place, heading in enumerate(one.headings):
            table.add_column(heading, justify="left" if place == 0 else "right", no_wrap=True)
        for row in one.rows:
            table.add_row(*row)
        console.print(table)


def in_words(of: Spread, form: str = ".1f") -> str:
    """Write a median with its range: ``5.9 (5.8 to 6.4)``."""
    if of.runs == 1:
        return format(of.median, form)
    return f"{of.median:{form}} ({of.low:{form}} to {of.high:{form}})"


def percent(value: float | None, digits: int = 2) -> str:
    """Write a share as a percentage, never rounded to all or to nothing."""
    if value is None:
        return "-"
    least = 0.5 * 10.0 ** -(digits + 2)
    if 0 < value < least:
        return f"under {100 * 2 * least:.{digits}f}%"
    if 1 - least < value < 1:
        return f"over {100 - 200 * least:.{digits}f}%"
    return f"{100 * value:.{digits}f}%"
