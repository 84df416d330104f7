"""The ledger's benchmark measures what it says, on a ledger small enough for a test."""

from __future__ import annotations

from bench.ledger import Costs, measured, tables, timed
from bench.machine import WORK


def test_percentiles_are_in_milliseconds() -> None:
    found = timed([n / 1_000 for n in range(1, 101)])
    assert (round(found.p50), round(found.p99), round(found.most), found.runs) == (50, 100, 100, 100)


def test_a_small_ledger_is_measured_and_set_out() -> None:
    WORK.mkdir(exist_ok=True)
    found = Costs(600, [measured("sqlite", 600, 16)])
    appending, proving = tables(found)
    assert [row[1] for row in appending.rows] == ["1", "8"]
    assert all(len(row) == len(shown.headings) for shown in (appending, proving) for row in shown.rows)
    assert found.databases[0].single[1].pair.runs == 16
