"""What the ledger costs: appends a second, a decision with its outcome, and a proof, on both databases, to disk.

Run as ``python -m bench.ledger``. Nothing is turned off: SQLite with ``synchronous=FULL``, PostgreSQL with ``fsync``
and ``synchronous_commit`` on, the witness written. The ledger is first filled to its full size, in commits of 256
entries, so that everything is measured at that size.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from bench.machine import KEEP_HELP, ROOT, Program, Shown, keep, results_folder, show
from samechild.cli.tables import all_tables
from samechild.policy.ledger import append, append_all, outcome, prove, record, verify
from samechild.records.disclosure import Ask, Asker, Decision, Effect, Mode, Reason, Scope, Spread
from samechild.settings import Settings
from samechild.storage import Store, open_store

KINDS = ("sqlite", "postgres")
AT_ONCE = 10_000


class Timed(msgspec.Struct, frozen=True):
    """Many measurements of one thing, in milliseconds."""

    p50: float
    p99: float
    most: float
    runs: int


class Concurrent(msgspec.Struct, frozen=True):
    """So many threads at once: entries a second, and how long each waited for a decision and its outcome, committed."""

    threads: int
    entries_a_second: float
    pair: Timed


class OnDatabase(msgspec.Struct, frozen=True):
    """Everything about one kind of database."""

    kind: str
    version: str
    filled_a_second: float
    single: list[Concurrent]
    proof: Timed
    verify_seconds: float


class Costs(msgspec.Struct, frozen=True):
    """What was measured, at so many entries."""

    entries: int
    databases: list[OnDatabase]


def timed(seconds: list[float]) -> Timed:
    """Sum up measurements."""
    cuts = statistics.quantiles(seconds, n=100)
    return Timed(1e3 * cuts[49], 1e3 * cuts[98], 1e3 * max(seconds), len(seconds))


def a_decision(now: datetime) -> Decision:
    """A decision of the usual size about one child."""
    ask = Ask(
        who=Asker(user="u" * 32, organisation="o" * 32, role="social worker", factors=2),
        purpose="safeguarding",
        mode=Mode.CONTENT,
        record_type="education.setting",
        owner="p" * 32,
        scope=Scope(Spread.CHILD, ("k" * 32,)),
        now=now,
        power="children-act-2004-section-11",
        basis="6(1)(e)",
        condition="9(2)(g)",
        confidence="safeguarding",
    )
    reasons = tuple(Reason(f"rule-number-{n}", Effect.ALLOW, "Because it is allowed.") for n in range(3))
    return Decision(ask=ask, allowed=True, reasons=reasons, policy_version=1, agreement="a" * 32)


def disclose(store: Store) -> None:
    """One disclosure as the ledger sees it: the decision committed, then the outcome."""
    now = datetime.now(UTC)
    permit = record(store, a_decision(now), now)
    outcome(store, permit, permit.record_keys, {"records": 1}, datetime.now(UTC))


def at_once(store: Store, threads: int, pairs: int) -> Concurrent:
    """Let so many threads disclose, each so often."""
    waits: list[float] = []

    def work() -> None:
        for _ in range(pairs):
            begun = time.perf_counter()
            disclose(store)
            waits.append(time.perf_counter() - begun)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    begun = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return Concurrent(threads, 2 * len(waits) / (time.perf_counter() - begun), timed(waits))


def fill(store: Store, entries: int, say: Callable[[str], None]) -> float:
    """Fill a ledger with small entries; returns entries a second."""
    begun = time.perf_counter()
    for start in range(0, entries, AT_ONCE):
        told = [({"n": n}, [f"{n % 50_000:032x}"]) for n in range(start, min(entries, start + AT_ONCE))]
        append_all(store, "outcome", told, datetime.now(UTC))
        if start % 100_000 == 0:
            say(f"{start:,} entries")
    return entries / (time.perf_counter() - begun)


def proofs(store: Store, entries: int, count: int) -> Timed:
    """Prove entries drawn at random, each proof from a new transaction."""
    dice, found = random.Random(6962), []
    for _ in range(count):
        number = dice.randrange(entries)
        begun = time.perf_counter()
        prove(store, number)
        found.append(time.perf_counter() - begun)
    return timed(found)


@contextmanager
def installation(kind: str) -> Iterator[tuple[Store, str]]:
    """Open a new installation of one kind that keeps what it commits, and say which database it is."""
    with tempfile.TemporaryDirectory(prefix="samechild-bench-", dir=ROOT / "bench" / "work") as folder:
        settings = Settings(home=Path(folder) / "home")
        if kind == "sqlite":
            import sqlite3

            store = open_store(settings, all_tables())
            yield store, f"SQLite {sqlite3.sqlite_version}"
            store.close()
            return
        sys.path.insert(0, str(ROOT / "tests"))
        import postgres_server

        with (
            postgres_server.own_server() as place,
            postgres_server.databases(all_tables(), postgres_server.server_in(place)) as urls,
        ):
            store = open_store(msgspec.structs.replace(settings, **urls), all_tables())
            yield store, f"PostgreSQL {_server_version(store)}"
            store.close()


def _server_version(store: Store) -> str:
    from samechild.storage import Login

    with store.read(Login.GATE) as gate:
        on = [gate.exec_driver_sql(f"SHOW {name}").scalar_one() for name in ("fsync", "synchronous_commit")]
        if on != ["on", "on"]:
            raise click.ClickException("This server does not wait for its disk: nothing measured on it would count.")
        return str(gate.exec_driver_sql("SHOW server_version").scalar_one()).split()[0]


def measured(kind: str, entries: int, pairs: int) -> OnDatabase:
    """Measure one kind of database."""
    with installation(kind) as (store, version):
        click.echo(f"{version}:")
        append(store, "sign-in", {}, datetime.now(UTC))
        filled = fill(store, entries - 1, lambda what: click.echo(f"  {what}"))
        single = [at_once(store, threads, pairs // threads) for threads in (1, 8)]
        proved = proofs(store, entries, 500)
        begun = time.perf_counter()
        problems = verify(store)
        seconds = time.perf_counter() - begun
        if problems:
            raise click.ClickException(f"The ledger is not whole: {problems[0].words}")
    return OnDatabase(kind, version, filled, single, proved, seconds)


def tables(found: Costs) -> list[Shown]:
    """Set the figures out."""
    headings = ("database", "threads", "entries a second", "decision and outcome p50 ms", "p99 ms", "most ms")
    rows = [
        [on.version, str(one.threads), f"{one.entries_a_second:,.0f}", *_three(one.pair)]
        for on in found.databases
        for one in on.single
    ]
    others = [
        [on.version, *_three(on.proof), f"{on.filled_a_second:,.0f}", f"{on.verify_seconds:.0f}"]
        for on in found.databases
    ]
    return [
        Shown(f"Appending to a ledger of {found.entries:,} entries, every commit on disk", headings, rows),
        Shown(
            f"Proofs in a ledger of {found.entries:,} entries",
            ("database", "proof p50 ms", "p99 ms", "most ms", "entries a second, 256 a commit", "verify s"),
            others,
        ),
    ]


def _three(of: Timed) -> list[str]:
    return [f"{value:.2f}" for value in (of.p50, of.p99, of.most)]


@click.command(cls=Program)
@click.option("--entries", default=1_000_000, show_default=True, help="How large the ledger is when it is measured.")
@click.option("--pairs", default=2_000, show_default=True, help="How many disclosures are timed.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), help="Which databases [default: both].")
@click.option("--keep/--no-keep", "wanted", default=False, help=KEEP_HELP)
def main(entries: int, pairs: int, kinds: tuple[str, ...], wanted: bool) -> None:
    """Fill a ledger, then time what a disclosure waits for; print and keep the figures."""
    (ROOT / "bench" / "work").mkdir(exist_ok=True)
    found = Costs(entries, [measured(kind, entries, pairs) for kind in kinds or KINDS])
    show(tables(found))
    asked = "".join(f" --kind {kind}" for kind in kinds)
    keep(
        f"ledger-{entries}",
        f"python -m bench.ledger{asked} --entries {entries} --pairs {pairs}",
        found,
        results_folder(wanted),
    )


if __name__ == "__main__":
    main()
