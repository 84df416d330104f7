"""The measurements measure: memory and time of the started process alone, and errors that are not taken for results."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from bench import machine
from bench.growth import Size, exponent, picture, rows
from bench.machine import Measured, Program, cost, in_words, keep, measure, percent, spread
from samechild.errors import Missing, Unavailable


def python(words: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", words]


def test_peak_memory_is_that_of_the_process_and_not_of_its_parent(tmp_path: Path) -> None:
    held = bytearray(300 << 20)
    held[:: 1 << 12] = b"x" * len(held[:: 1 << 12])  # every page touched
    small = measure(python("pass"), tmp_path / "log")
    large = measure(python("held = b'x' * (200 << 20)"), tmp_path / "log")
    assert small.peak_mib < 100
    assert 200 < large.peak_mib < 300
    assert len(held) == 300 << 20


def test_cpu_of_children_counts(tmp_path: Path) -> None:
    busy = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    through = f"import subprocess, sys; subprocess.run([sys.executable, '-I', '-S', '-c', {busy!r}])"
    assert measure(python(through), tmp_path / "log").cpu >= 0.3
    assert measure(python("import time; time.sleep(0.3)"), tmp_path / "log").wall >= 0.3


def test_a_failed_run_is_no_measurement(tmp_path: Path) -> None:
    log = tmp_path / "deep" / "log"
    with pytest.raises(Unavailable, match=r"ended with an error: see .*log"):
        measure(python("print('why'); raise SystemExit(3)"), log)
    assert log.read_text(encoding="utf-8") == "why\n"
    with pytest.raises(Missing):
        measure([tmp_path / "no such program"], log)


@given(st.lists(st.floats(0.001, 1e6), min_size=1, max_size=9))
def test_a_spread_holds_every_value(values: list[float]) -> None:
    found = spread(values)
    assert found.low <= found.median <= found.high
    assert (found.low, found.high, found.runs) == (min(values), max(values), len(values))


def test_cost_takes_the_median_of_each_thing_apart() -> None:
    runs = [Measured(1.0, 9.0, 50.0, 0.1), Measured(3.0, 7.0, 70.0, 0.2), Measured(2.0, 8.0, 60.0, 0.3)]
    found = cost(runs)
    assert [found.wall.median, found.cpu.median, found.peak_mib.median] == [2.0, 8.0, 60.0]
    assert in_words(found.wall) == "2.0 (1.0 to 3.0)"
    assert in_words(cost(runs[:1]).wall) == "1.0"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "-"),
        (0.0, "0.00%"),
        (1.0, "100.00%"),
        (0.98765, "98.77%"),
        (0.000001, "under 0.01%"),
        (0.9999999, "over 99.99%"),
        (0.0003, "0.03%"),
    ],
)
def test_a_share_is_never_rounded_to_all_or_nothing(value: float | None, words: str) -> None:
    assert percent(value) == words


def test_figures_are_kept_with_their_command_and_machine(tmp_path: Path) -> None:
    path = keep("some", "python -m bench.some", spread([1.0, 2.0]), tmp_path)
    kept = json.loads(path.read_bytes())
    assert kept["command"] == "python -m bench.some"
    assert kept["found"]["high"] == 2.0
    assert {"date", "cores", "memory_gib", "versions", "commit", "load"} <= set(kept["machine"])
    assert str(machine.ROOT) not in path.read_text(encoding="utf-8")


def size(records: int, wall: float, before: Size | None = None) -> Size:
    grown = None if before is None else exponent(before, records, wall)
    return Size(records, Measured(wall, wall, 512.0, 0.0), 7, {}, grown)


def test_growth_names_the_power() -> None:
    small = size(10_000, 2.0)
    assert exponent(small, 100_000, 20.0) == pytest.approx(1)
    assert exponent(small, 100_000, 200.0) == pytest.approx(2)
    told = rows([small, size(100_000, 20.0, small)])
    assert told[0][-1] == "-"
    assert told[1][-1] == "1.00"
    assert picture([small, size(100_000, 20.0, small)]).startswith("<svg")


def test_what_stops_a_benchmark_is_told_in_one_sentence() -> None:
    @click.command(cls=Program)
    def stopped() -> None:
        raise Unavailable("Splink ended with an error: see the log.")

    done = CliRunner().invoke(stopped)
    assert done.exit_code == Unavailable.exit_code
    assert done.stderr == "bench: Splink ended with an error: see the log.\n"
