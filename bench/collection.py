"""The daily collection under load: a council's whole history, the same again, and many councils' days at once.

Run as ``python -m bench.collection --children 10000 --database sqlite``: makes a council's children, sends them through
HTTP to a server that waits for the disk (SQLite synchronous FULL, PostgreSQL fsync on) while its worker merges, checks
and identifies them beside it, as ``samechild serve`` does. Then the same is sent again, and then ten posts a second of
changed children for a while. Receipts are timed at the client; visible means merged, checked, identified and kept.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import click
import httpx
import msgspec
import sqlalchemy as sa

from bench.machine import KEEP_HELP, ROOT, Program, Shown, keep, results_folder, show

sys.path.insert(0, str(ROOT / "tests"))

from collecting import a_council
from samechild.cli.serve import TURN_SECONDS
from samechild.cli.tables import all_tables
from samechild.collection import store as tables
from samechild.collection.credentials import Credentials, add_client
from samechild.collection.feeds import feeds_of
from samechild.collection.processing import keep_up
from samechild.collection.records import Way
from samechild.errors import Conflict, Unavailable
from samechild.policy.people.actions import operator
from samechild.settings import Settings
from samechild.storage import Login, Store
from samechild.town.social_care import children as made_children
from stores import a_store

PORT = 8766
BATCH = 100
A_SECOND = 10
"""Posts a second in the last part."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What one run found."""

    database: str
    children: int
    bytes_each: float
    load_per_second: float  # from the first post until all are visible
    receipts_per_second: float  # from the first post until the last receipt
    load_receipt_p95: float  # milliseconds, posts of 100 one after the other
    again_per_second: float  # unchanged, until the last is worked off
    deltas: int  # children changed in the last part
    delta_posts: int
    receipt_p50: float  # milliseconds, at ten posts a second
    receipt_p95: float
    receipt_p99: float
    late_posts: int  # that began over a second after their time
    visible_last: float  # seconds from the last receipt until everything was visible
    memory_before_mib: float
    memory_loaded_mib: float
    memory_after_mib: float


def at(values: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Sender:
    """A council's system on the other side of HTTP."""

    def __init__(self, made: Credentials) -> None:
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{PORT}", timeout=120, limits=httpx.Limits(max_connections=40)
        )
        form = {
            "grant_type": "client_credentials",
            "client_id": made.client_id,
            "client_secret": made.secret,
            "scope": "submit",
        }
        token = self.http.post("/oauth2/token", data=form).raise_for_status().json()["access_token"]
        self.headers = {
            "Authorization": f"Bearer {token}",
            "SupplierKey": made.supplier_key,
            "Content-Type": "application/json",
        }

    def post(self, some: Sequence[dict[str, Any]]) -> float:
        """Send some children; returns after how many milliseconds the receipts were here."""
        return self.body(msgspec.json.encode(some), len(some))

    def body(self, written: bytes, count: int) -> float:
        """Send a body of so many children, again after a while when the server says that they come too fast."""
        while True:
            began = time.perf_counter()
            answer = self.http.post("/children_social_care_data/845/children", content=written, headers=self.headers)
            if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
                break
            time.sleep(int(answer.headers["retry-after"]))
        took = (time.perf_counter() - began) * 1000
        if answer.status_code != 200 or len(answer.json()) != count:
            raise click.ClickException(f"{answer.status_code}: {answer.text[:300]}")
        return took


def bodies(children: int, seed: int, today: date) -> list[tuple[bytes, int]]:
    """Everything that will be sent, written beforehand: making it up is not part of what is measured."""
    made, found = made_children(children, seed, today), []
    while some := list(islice(made, BATCH)):
        found.append((msgspec.json.encode(some), len(some)))
    return found


def waiting(store: Store) -> int:
    """How many submissions are not worked off."""
    asked = sa.select(sa.func.count()).select_from(tables.submissions).where(tables.submissions.c.state == "received")
    with store.read(Login.CONTENT, "council") as connection:
        return int(connection.scalar(asked) or 0)


def until_visible(store: Store) -> None:
    """Wait until everything that was received is worked off."""
    while waiting(store):
        time.sleep(0.05)


def worker(store: Store, stop: threading.Event) -> None:
    """Work off what comes in, as ``samechild serve`` does."""
    declared = all_tables()
    while not stop.is_set():
        try:
            keep_up(store, declared, lambda: datetime.now(UTC), stop)
        except (Unavailable, Conflict):
            time.sleep(0.2)


def changed(child: dict[str, Any], number: int) -> dict[str, Any]:
    """A child as a client sends one of whom something is new: details whole, episodes with the one that changed."""
    episodes = [dict(each) for each in child.get("social_care_episodes", [])]
    day = (datetime(2025, 6, 1, tzinfo=UTC) + timedelta(days=number % 300)).date().isoformat()
    new = {"child_and_family_assessment_id": f"NEW{number}", "start_date": day, "factors": []}
    if episodes:
        episodes[-1]["child_and_family_assessments"] = [
            *(
                {"child_and_family_assessment_id": each["child_and_family_assessment_id"]}
                for each in episodes[-1].get("child_and_family_assessments", [])
            ),
            new,
        ]
    return {**child, "social_care_episodes": episodes}


def under_load(sender: Sender, them: Sequence[dict[str, Any]], seconds: int, most: int) -> tuple[list[float], int, int]:
    """Ten posts a second, each of 1 to ``most`` changed children: milliseconds of each, late ones, children sent."""
    draw = random.Random(3)
    took: list[float] = []
    late = sent = 0
    start = time.perf_counter()

    def one(number: int, some: list[dict[str, Any]]) -> float:
        nonlocal late
        due = start + number / A_SECOND
        pause = due - time.perf_counter()
        if pause > 0:
            time.sleep(pause)
        late += time.perf_counter() - due > 1
        return sender.post(some)

    with ThreadPoolExecutor(16) as pool:
        jobs = []
        for number in range(seconds * A_SECOND):
            some = [changed(each, number) for each in draw.sample(list(them), draw.randint(1, most))]
            sent += len(some)
            jobs.append(pool.submit(one, number, some))
        took = [job.result() for job in jobs]
    return took, late, sent


def tables_of(found: Found) -> list[Shown]:
    """The figures as a table."""
    title = (
        f"{found.database}: {found.children:,} children of {found.bytes_each:,.0f} bytes, "
        f"{found.memory_loaded_mib:,.0f} MiB loaded, {found.memory_after_mib:,.0f} MiB after all"
    )
    rows = [
        ["first load, children a second until visible", f"{found.load_per_second:,.0f}"],
        ["first load, children a second until receipted", f"{found.receipts_per_second:,.0f}"],
        ["first load, receipt of 100 children, 95%, ms", f"{found.load_receipt_p95:,.0f}"],
        ["the same again, children a second", f"{found.again_per_second:,.0f}"],
        [
            f"ten posts a second, {found.deltas:,} children in {found.delta_posts}: receipt, median, ms",
            f"{found.receipt_p50:,.0f}",
        ],
        ["receipt, 95%, ms", f"{found.receipt_p95:,.0f}"],
        ["receipt, 99%, ms", f"{found.receipt_p99:,.0f}"],
        ["posts begun over a second late", str(found.late_posts)],
        ["seconds after the last receipt until all was visible", f"{found.visible_last:,.1f}"],
    ]
    return [Shown(title, ("figure", "value"), rows)]


def mib() -> float:
    """The memory this program has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@click.command(cls=Program, help=__doc__)
@click.option("--children", default=10_000, show_default=True)
@click.option("--database", type=click.Choice(["sqlite", "postgres"]), default="sqlite", show_default=True)
@click.option("--seconds", default=60, show_default=True, help="How long the last part lasts.")
@click.option("--most", default=40, show_default=True, help="The most children in a post of the last part.")
@click.option("--index/--no-index", default=True, help="Whether the council has an index space of its own.")
@click.option("--seed", default=20_701, show_default=True)
@click.option("--keep", "wanted", is_flag=True, help=KEEP_HELP)
def main(children: int, database: str, seconds: int, most: int, index: bool, seed: int, wanted: bool) -> None:
    """Measure one database."""
    import uvicorn

    from samechild.web.app import create_app

    today = datetime.now(UTC).date()
    with a_store(database, durable=True) as store:
        a_council(store, index=index)
        made = add_client(
            store, operator(), feeds_of(store)[0], "the council's own", Way.OWN, datetime.now(UTC), os.urandom
        )
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(store, Settings(home=store.home, address=f"127.0.0.1:{PORT}")),
                host="127.0.0.1",
                port=PORT,
                log_level="error",
            )
        )
        stop = threading.Event()
        sys.setswitchinterval(TURN_SECONDS)  # as samechild serve does
        threads = [
            threading.Thread(target=server.run, daemon=True),
            threading.Thread(target=worker, args=(store, stop), daemon=True),
        ]
        for thread in threads:
            thread.start()
        while not server.started:
            time.sleep(0.05)
        sender = Sender(made)
        written = bodies(children, seed, today)
        before = mib()
        began = time.perf_counter()
        took = []
        for number, (body, count) in enumerate(written, start=1):
            took.append(sender.body(body, count))
            if number % 50 == 0:
                so_far = f"{number * BATCH:,} sent after {time.perf_counter() - began:.0f} s"
                click.echo(f"{so_far}, {waiting(store)} waiting, {mib():,.0f} MiB", err=True)
        received = time.perf_counter() - began
        until_visible(store)
        loaded = time.perf_counter() - began
        memory_loaded = mib()
        click.echo(f"loaded {children / loaded:,.0f} a second; now the same again", err=True)
        began = time.perf_counter()
        for body, count in written:
            sender.body(body, count)
        until_visible(store)
        again = time.perf_counter() - began
        click.echo(f"again {children / again:,.0f} a second; now {A_SECOND} posts a second", err=True)
        them = [
            child for _, child in zip(range(min(children, 4000)), made_children(children, seed, today), strict=False)
        ]
        posts, late, sent = under_load(sender, them, seconds, most)
        last = time.perf_counter()
        until_visible(store)
        lag = time.perf_counter() - last
        memory_after = mib()
        stop.set()
        server.should_exit = True
        for thread in threads:
            thread.join(10)
    found = Found(
        database=database,
        children=children,
        bytes_each=sum(len(body) for body, _ in written) / children,
        load_per_second=children / loaded,
        receipts_per_second=children / received,
        load_receipt_p95=at(took, 0.95),
        again_per_second=children / again,
        deltas=sent,
        delta_posts=len(posts),
        receipt_p50=at(posts, 0.5),
        receipt_p95=at(posts, 0.95),
        receipt_p99=at(posts, 0.99),
        late_posts=late,
        visible_last=lag,
        memory_before_mib=before,
        memory_loaded_mib=memory_loaded,
        memory_after_mib=memory_after,
    )
    show(tables_of(found))
    command = f"python -m bench.collection --children {children} --database {database}"
    keep(f"collection-{database}-{children}", command, found, results_folder(wanted))


if __name__ == "__main__":
    main()
