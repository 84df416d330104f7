"""The benchmarks run from beginning to end on something small, as a person would start them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.machine import ROOT

pytestmark = pytest.mark.slow


def run(program: str, *words: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", f"bench.{program}", *words]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)


def test_side_by_side() -> None:
    pytest.importorskip("splink", reason="the bench extra is not installed")
    done = run("side_by_side", "--records", "12000", "--seed", "505", "--runs", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    for words in ("Splink, tuned, at best pair F1", "Is the town hard enough?", "times as fast as tuned Splink"):
        assert words in done.stdout


def test_twins() -> None:
    done = run("twins", "--sets", "30", "--children", "1500", "--first-seed", "505", "--rates", "usual")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "usual seed 506" in done.stdout  # one town of this size has too few sets
    assert "adopted identities joined, with the list" in done.stdout


def test_growth() -> None:
    done = run("growth", "--sizes", "1500", "--sizes", "3000", "--seed", "505")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "grows with power" in done.stdout


def test_a_missing_file_is_told() -> None:
    done = run("real_data", "historical", "--file", "no such file")
    assert done.returncode == 2
    assert "Say where the historical file lies" in done.stderr
    assert "Traceback" not in done.stderr
