"""How long one question to the gate takes: the decision with its facts, and with both entries in the ledger on disk.

Run as ``python -m bench.decisions``: 200 organisations and 10,000 signed agreements on SQLite (synchronous FULL) and
PostgreSQL (fsync and synchronous_commit on). Each question is about another child, by another person.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import click
import msgspec

from bench.machine import KEEP_HELP, ROOT, Program, Shown, keep, results_folder, show

sys.path.insert(0, str(ROOT / "tests"))

from asking import a_line
from postgres_server import own_server, server_in
from samechild.policy import ledger
from samechild.policy import store as tables
from samechild.policy.actions import gather_facts, recorded, taken
from samechild.policy.book import book_of
from samechild.policy.decide import decide
from samechild.policy.people.organisations import Organisation
from samechild.policy.people.rules import Grant
from samechild.policy.people.store import keep_grant, keep_organisation
from samechild.policy.records import Agreement
from samechild.records.disclosure import Ask, Asker, Mode, Scope, Spread
from samechild.storage import Login, Store
from stores import a_store

START = datetime(2026, 11, 2, 9, tzinfo=UTC)
SCHOOLS = 160


class Timed(msgspec.Struct, frozen=True):
    """One kind of database: milliseconds at the median and the 99th percentile."""

    database: str
    organisations: int
    agreements: int
    book_seconds: float
    decision_p50: float
    decision_p99: float
    whole_p50: float
    whole_p99: float
    pure_p50_us: float


class Decisions(msgspec.Struct, frozen=True):
    """What was measured on each database."""

    questions: int
    timed: list[Timed]


def fill(store: Store, organisations: int, agreements: int) -> None:
    """Make organisations, one person in each, agreements between them, and a child each person is involved with."""
    kinds = ["local-authority"] * (organisations - SCHOOLS) + ["maintained-school"] * SCHOOLS
    now = START - timedelta(days=10)
    with store.write(Login.GATE) as gate:
        for number, kind in enumerate(kinds):
            name = f"o{number}"
            keep_organisation(gate, Organisation(organisation=name, kind=kind, name=name, active_from=now))
            role = "social-worker" if kind == "local-authority" else "safeguarding-lead"
            keep_grant(
                gate,
                Grant(
                    grant_id=f"g{number}",
                    holder=f"u{number}",
                    role=role,
                    organisation=name,
                    valid_from=now,
                    valid_until=None,
                    granted_by="operator",
                    granted_at=now,
                ),
            )
        councils = organisations - SCHOOLS
        for number in range(agreements):
            owner, party = f"o{number % councils}", f"o{councils + number // councils % SCHOOLS}"
            made = Agreement(
                agreement=f"a{number}",
                version=1,
                owner=owner,
                parties=(owner, party),
                rules=(a_line(purposes=("safeguarding",), powers=("CA2004-s10",), bases=("6(1)(e)",)),),
                starts=now,
                ends=START + timedelta(days=365),
            )
            tables.write_agreement(gate, made, "An agreement", "operator", now)
            for signer in (owner, party):
                values = {"agreement": made.agreement, "version": 1, "event": "signed", "organisation": signer}
                tables.write_event(gate, **values, person="operator", at=now, policy_version=1)
        tables.relate(
            gate,
            [
                {
                    "id": f"r{number}",
                    "owner": f"o{number % councils}",
                    "record_key": f"child{number}",
                    "received_at": now,
                    "basis": "public task",
                    "retention": "as the record it belongs to",
                    "person": f"u{councils + number % SCHOOLS}",
                    "organisation": f"o{councils + number % SCHOOLS}",
                    "team": "",
                    "kind": "involved",
                    "since": now,
                    "until": None,
                    "source": "a bench",
                }
                for number in range(20_000)
            ],
        )
        tables.bump(gate, now)


def questions(many: int, organisations: int) -> Iterator[Ask]:
    """Questions of schools to councils, each a little later than the one before."""
    draw, councils = random.Random(7), organisations - SCHOOLS
    for number in range(many):
        child = draw.randrange(20_000)
        school = councils + child % SCHOOLS
        yield Ask(
            who=Asker(user=f"u{school}", organisation=f"o{school}", role="safeguarding-lead", factors=2),
            purpose="safeguarding",
            mode=Mode.CONTENT,
            record_type="education.setting",
            owner=f"o{child % councils}",
            scope=Scope(Spread.CHILD, (f"child{child}",)),
            now=START + timedelta(milliseconds=20 * number),
            power="CA2004-s10",
            basis="6(1)(e)",
        )


def one_database(kind: str, many: int, organisations: int, agreements: int) -> Timed:
    """Time questions on one kind of database."""
    with a_store(kind, durable=True) as store:
        fill(store, organisations, agreements)
        began = time.perf_counter()
        book_of(store, 1)
        book_seconds = time.perf_counter() - began
        asked = list(questions(many, organisations))
        facts = [gather_facts(store, ask) for ask in asked[:200]]
        allowed = sum(decide(ask, known).allowed for ask, known in zip(asked[:200], facts, strict=True))
        if allowed != 200:
            raise click.ClickException("Some questions of the bench are not allowed: it would time refusals.")
        pure = timed([partial(decide, ask, known) for ask, known in zip(asked[:200], facts, strict=True)])
        deciding = timed([partial(taken, store, ask) for ask in asked])

        def whole(ask: Ask) -> None:
            permit = recorded(store, taken(store, ask))
            ledger.outcome(store, permit, permit.record_keys, {"records": 1}, ask.now)

        afterwards = [msgspec.structs.replace(ask, now=ask.now + timedelta(days=1)) for ask in asked]
        together = timed([partial(whole, ask) for ask in afterwards])
    return Timed(
        kind, organisations, agreements, book_seconds,
        at(deciding, 50), at(deciding, 99), at(together, 50), at(together, 99), at(pure, 50) * 1000,
    )  # fmt: skip


def timed(calls: list[Callable[[], object]]) -> list[float]:
    """Milliseconds of each call, sorted, after fifty that are not counted."""
    for call in calls[:50]:
        call()
    found = []
    for call in calls[50:]:
        began = time.perf_counter()
        call()
        found.append((time.perf_counter() - began) * 1000)
    return sorted(found)


def at(values: list[float], share: int) -> float:
    """The value below which so many in a hundred lie."""
    return values[min(len(values) - 1, len(values) * share // 100)]


def tables_of(found: Decisions) -> list[Shown]:
    """Set the figures out as a table."""
    rows = [
        [
            each.database,
            f"{each.decision_p50:.2f}",
            f"{each.decision_p99:.2f}",
            f"{each.whole_p50:.1f}",
            f"{each.whole_p99:.1f}",
            f"{each.pure_p50_us:.0f}",
        ]
        for each in found.timed
    ]
    headings = (
        "",
        "facts and decision p50, ms",
        "p99, ms",
        "with both commits p50, ms",
        "p99, ms",
        "decision alone, µs",
    )
    title = f"One question, {found.questions:,} of them; 200 organisations, 10,000 agreements"
    return [Shown(title, headings, rows)]


@click.command(cls=Program)
@click.option("--questions", "many", default=5_000, show_default=True, help="On each database.")
@click.option("--organisations", default=200, show_default=True)
@click.option("--agreements", default=10_000, show_default=True)
@click.option("--keep/--no-keep", "wanted", default=False, help=KEEP_HELP)
def main(many: int, organisations: int, agreements: int, wanted: bool) -> None:
    """Time questions to the gate on SQLite and PostgreSQL."""
    timed_ones = [one_database("sqlite", many, organisations, agreements)]
    with own_server() as folder:
        os.environ["TEST_DATABASE_URL"] = server_in(folder).render_as_string(hide_password=False)
        timed_ones.append(one_database("postgres", many, organisations, agreements))
    found = Decisions(many, timed_ones)
    show(tables_of(found))
    line = f"python -m bench.decisions --questions {many} --organisations {organisations} --agreements {agreements}"
    keep(f"decisions-{agreements}", line, found, results_folder(wanted))


if __name__ == "__main__":
    main()
