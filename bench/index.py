"""The living index at a million children: search and identify in memory, durably, and through HTTP; Splink beside it.

Run as ``python -m bench.index --children 1000000 --database sqlite``: makes a town, links all but the last records of
it, loads what linking wrote into an installation that waits for the disk (SQLite synchronous FULL, PostgreSQL fsync and
synchronous_commit on), and then lets the records that were left out arrive. Splink 5's ``predict_between`` is asked
about single records against the same records, with a model of its own, trained on them.
"""

from __future__ import annotations

import os
import random
import resource
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import httpx
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from bench.machine import KEEP_HELP, ROOT, WORK, Program, Shown, keep, results_folder, show

sys.path.insert(0, str(ROOT / "tests"))

import gate
from asking import NOW
from samechild.index.identifying import identify
from samechild.index.keeping import coming, standardised
from samechild.index.live import Live, into_memory, live
from samechild.index.loading import load
from samechild.index.query import parse
from samechild.index.records import Arrival
from samechild.index.searching import search
from samechild.index.taking import Arrivals
from samechild.linkage.actions import Options, link
from samechild.policy.people.actions import grant_role, operator
from samechild.policy.sign_in.clients import register_client
from samechild.records import GIVEN, Record, fields
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store
from stores import a_store

OFFICER = Asker(user="dq", organisation="council", role="data-quality-officer", factors=2)
Pairs = tuple[list[float], list[float]]
HELD_BACK = 12_000
BATCH, THROUGH_HTTP, BY_SPLINK = 500, 400, 12
FOR_SPLINK = ("forename", "surname", "date_of_birth", "postcode", "sex", "nhs_number", "upn")
ONLY = ("health",)


class Found(msgspec.Struct, frozen=True):
    """Milliseconds at the median and the 99th percentile unless the name says otherwise."""

    database: str
    children: int
    records: int
    load_per_second: float
    fill_seconds: float
    memory_mib: float
    search_p50: float
    search_p99: float
    identify_p50: float
    identify_p99: float
    identify_durable_per_second: float
    http_search_p50: float
    http_search_p99: float
    http_identify_p50: float
    http_identify_p99: float
    splink_p50: float


def at(values: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def timed(calls: Sequence[Callable[[], object]], untimed: int = 30) -> list[float]:
    """Milliseconds of each call but the first few."""
    found = []
    for number, call in enumerate(calls):
        began = time.perf_counter()
        call()
        if number >= untimed:
            found.append((time.perf_counter() - began) * 1000)
    return found


def is_given(column: str) -> bool:
    """Whether a column holds a field as an agency gave it."""
    return column.startswith(GIVEN) and column.removeprefix(GIVEN) in fields()


def make_linked(folder: Path, children: int, seed: int) -> tuple[Path, pa.Table]:
    """Link a town's records but those held back; returns the linked folder and the records held back."""
    from samechild.linkage.writing import write_model
    from samechild.town import make_town

    linked, held = folder / "linked", folder / "held.parquet"
    if not held.exists():
        town = make_town(children, 10, seed)
        sources = town.records["source"].cast(pa.string())
        wanted = pa.compute.match_substring_regex(sources, "|".join(ONLY))
        records = town.records.filter(wanted)
        records = records.append_column("row", pa.array(range(1, records.num_rows + 1), pa.int64()))
        order = list(range(records.num_rows))
        random.Random(seed).shuffle(order)
        many = min(HELD_BACK, len(order) // 4)
        held_rows, rest = order[:many], sorted(order[many:])
        given = records.take(pa.array(rest))
        result = link(given, Options(today=datetime.now(UTC).date(), seed=seed, summed=False))
        linked.mkdir(parents=True, exist_ok=True)
        plain = ["source", "record_id", "child_id", *(n for n in result.records.column_names if is_given(n))]
        columns = {name: result.records[name].cast(pa.string()) for name in (*plain, *FOR_SPLINK)}
        pq.write_table(pa.table(columns), linked / "records.parquet")
        write_model(result, linked / "model.json")
        pq.write_table(records.take(pa.array(held_rows)), held)
    return linked, pq.read_table(held)


def arrivals(held: pa.Table, owner: str = "council") -> list[Arrival]:
    """The records held back, as they arrive."""
    declared = {name for name, field in fields().items() if field.given} - {"source", "record_id"}
    return [
        Arrival(
            owner=owner,
            source=row["source"],
            record_id=row["record_id"],
            given={name: value for name, value in row.items() if value and name in declared},
        )
        for row in held.to_pylist()
    ]


def whole(each: Arrival) -> dict[str, str]:
    """What a record says, its source and its id with it."""
    return {**each.given, "source": each.source, "record_id": each.record_id}


def queries(them: Sequence[Record], draw: random.Random) -> list[str]:
    """What people type: names with and without a slip, birth dates, ages, postcodes, numbers."""
    found = []
    for each in them:
        forename, surname, born = each.forename or "", each.surname or "", each.date_of_birth or ""
        slip = surname[:2] + surname[3:] if len(surname) > 4 else surname
        kinds = (
            f"{forename} {surname} {born}",
            f"{surname} {forename}",
            f"{slip} {forename} {born}",
            f"{forename} {surname} {each.postcode or ''}",
            f"{surname} {born}",
            each.nhs_number or f"{surname} {born[:4]}",
            f"{surname}",
        )
        found.append(draw.choice(kinds))
    return found


def in_memory(store: Store, alive: Live, them: Sequence[Arrival], now: datetime) -> Pairs:
    """Search, and find a record its place among the children, in this process, with nothing written."""
    made = [
        standardised({**each.given, "source": each.source, "record_id": each.record_id}, now.date()) for each in them
    ]
    asked = [parse(text, now.date()) for text in queries(made, random.Random(5)) if text.strip()]
    searching = timed([lambda query=query: search(alive.copy, query) for query in asked])  # type: ignore[misc]

    def one(arrival: Arrival) -> None:
        each = coming(store, arrival.owner, arrival.source, arrival.record_id, arrival.given, arrival.basis)
        record = standardised(each.values, now.date())
        work = Arrivals(store, alive, {}, {}, now)
        newcomer = work._member("new", each, record, "")
        work._place(newcomer, work._groups(newcomer, record))

    placing = timed([lambda each=each: one(each) for each in them])  # type: ignore[misc]
    return searching, placing


def through_http(
    store: Store, settings: Any, them: Sequence[Arrival], texts: Sequence[str]
) -> tuple[list[float], list[float]]:
    """Search and identify over a connection to a server of this process: decision, both ledger entries, commit."""
    import uvicorn

    from samechild.web.app import create_app

    client = register_client(
        store, operator(), "council", "Case system", ["submit", "index"], datetime.now(UTC), os.urandom
    )
    for role in ("submitting-system",):
        grant_role(store, operator(), client.client_id, role, datetime.now(UTC), os.urandom)
    app = create_app(store, settings)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=8765, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    try:
        with httpx.Client(base_url="http://127.0.0.1:8765", timeout=60) as http:
            form = {"grant_type": "client_credentials", "client_id": client.client_id, "client_secret": client.secret}
            token = http.post("/oauth2/token", data=form).raise_for_status().json()["access_token"]
            headers = {"authorization": f"Bearer {token}"}

            def post(path: str, body: object) -> None:
                answer = http.post(path, json=body, headers=headers)
                if answer.status_code != 200:
                    raise click.ClickException(f"{path}: {answer.status_code} {answer.text[:300]}")

            searching = timed([lambda t=t: post("/api/v1/index/search", {"text": t}) for t in texts])  # type: ignore[misc]
            sending = timed(
                [
                    lambda each=each: post(  # type: ignore[misc]
                        "/api/v1/index/identify",
                        {"source": each.source, "records": [{"record_id": each.record_id, "given": dict(each.given)}]},
                    )
                    for each in them
                ]
            )
    finally:
        server.should_exit = True
        thread.join(10)
    return searching, sending


def by_splink(linked: Path, many: int) -> list[float]:
    """Milliseconds in which Splink's ``predict_between`` finds single records' candidates among the same records."""
    import duckdb
    from splink import DuckDBAPI, Linker

    from bench.splink_run import settings, train

    connection = duckdb.connect()
    cast = "cast(date_of_birth as date) as dob"
    connection.execute(
        f"create table records as select source || record_id as unique_id, forename, surname, {cast}, postcode, sex, "
        f"nhs_number, upn from read_parquet('{linked / 'records.parquet'}')"
    )
    api = DuckDBAPI(connection)
    everything = api.register("records")
    linker = Linker(everything, settings("tuned"), log_level="ERROR")
    train(linker, "tuned")
    linker.table_management.compute_tf_table("postcode")
    for column in ("forename", "surname"):
        linker.table_management.compute_tf_table(column)
    found = []
    for number in range(many):
        connection.execute(
            f"create or replace table one{number} as select * replace ('x' || unique_id as unique_id) from records "
            f"where surname is not null and dob is not null limit 1 offset {number * 997 + 13}"
        )
        one = api.register(f"one{number}")
        began = time.perf_counter()
        predicted: Any = linker.inference.predict_between(one, everything)
        predicted.as_pandas_dataframe()
        found.append((time.perf_counter() - began) * 1000)
    return found[2:]


@click.command(cls=Program, help=__doc__)
@click.option("--children", type=click.IntRange(1000), default=1_000_000, show_default=True)
@click.option("--database", type=click.Choice(["sqlite", "postgres"]), default="sqlite", show_default=True)
@click.option("--seed", default=20_501, show_default=True)
@click.option("--splink/--no-splink", default=True, help="Whether Splink is asked as well.")
@click.option("--keep", "wanted", is_flag=True, help=KEEP_HELP)
def main(children: int, database: str, seed: int, splink: bool, wanted: bool) -> None:
    """Measure one database."""
    folder = WORK / f"index-{children}-{seed}"
    linked, held = make_linked(folder, children, seed)
    them = arrivals(held)
    third = len(them) // 3
    now = NOW
    with a_store(database, durable=True) as store:
        gate.a_world(store)
        with store.write(Login.GATE) as connection:
            gate.give(connection, OFFICER)
        began = time.perf_counter()
        loaded = load(store, OFFICER, linked, now, progress=lambda words, share: None)
        rate = loaded.records / (time.perf_counter() - began)
        click.echo(
            f"loaded {loaded.records:,} records, {loaded.new_children:,} children, {rate:,.0f} a second", err=True
        )
        began = time.perf_counter()
        into_memory(store, now)  # as `samechild serve` does before it listens
        alive = live(store, "council", now)
        fill = time.perf_counter() - began
        click.echo(f"in memory after {fill:.1f} s", err=True)
        searching, placing = in_memory(store, alive, them[:third], now)
        click.echo(f"search p99 {at(searching, 0.99):.2f} ms, place p99 {at(placing, 0.99):.2f} ms", err=True)
        sent = them[third : 2 * third]
        began = time.perf_counter()
        for start in range(0, len(sent), BATCH):
            identify(store, OFFICER, sent[start : start + BATCH], now + timedelta(seconds=start))
        durable = len(sent) / (time.perf_counter() - began)
        click.echo(f"identified {durable:,.0f} a second", err=True)
        last = them[2 * third :][:THROUGH_HTTP]
        made = [standardised(whole(each), now.date()) for each in last]
        texts = [text for text in queries(made, random.Random(9)) if text.strip()]
        from samechild.settings import Settings

        asking, sending = through_http(store, Settings(home=store.home), last, texts)
    beside = by_splink(linked, BY_SPLINK) if splink else [0.0]
    found = Found(
        database=database,
        children=loaded.new_children,
        records=loaded.records,
        load_per_second=rate,
        fill_seconds=fill,
        memory_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        search_p50=at(searching, 0.5),
        search_p99=at(searching, 0.99),
        identify_p50=at(placing, 0.5),
        identify_p99=at(placing, 0.99),
        identify_durable_per_second=durable,
        http_search_p50=at(asking, 0.5),
        http_search_p99=at(asking, 0.99),
        http_identify_p50=at(sending, 0.5),
        http_identify_p99=at(sending, 0.99),
        splink_p50=at(beside, 0.5),
    )
    show(tables_of(found))
    command = f"python -m bench.index --children {children} --database {database} --seed {seed}"
    keep(f"index-{database}-{children}", command, found, results_folder(wanted))


def tables_of(found: Found) -> list[Shown]:
    """Set the figures out as a table."""
    names = [
        ("search in process", found.search_p50, found.search_p99),
        ("identify in process, nothing written", found.identify_p50, found.identify_p99),
        ("search through HTTP", found.http_search_p50, found.http_search_p99),
        ("identify through HTTP", found.http_identify_p50, found.http_identify_p99),
    ]
    rows = [[name, f"{p50:.2f}", f"{p99:.2f}"] for name, p50, p99 in names]
    rows.append(["Splink predict_between, one record", f"{found.splink_p50:.0f}", ""])
    title = (
        f"{found.database}: {found.children:,} children, {found.records:,} records; loaded "
        f"{found.load_per_second:,.0f} a second, in memory in {found.fill_seconds:.0f} s, "
        f"{found.memory_mib:,.0f} MiB; identified durably {found.identify_durable_per_second:,.0f} a second"
    )
    return [Shown(title, ("ms", "median", "99%"), rows)]


if __name__ == "__main__":
    main()
