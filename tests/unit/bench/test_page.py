"""The page of benchmarks holds the kept figures and nothing copied by hand."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from bench import page, real_data, side_by_side, twins
from bench.growth import Growth, Size
from bench.machine import ROOT, Measured, Shown, cost, keep
from bench.quality import Found, Point
from bench.side_by_side import GUARDED, OURS, OURS_STORED, STORED, TUNED
from samechild.errors import Invalid
from samechild.linkage.evaluation import Adoptions, Clusters, Quality, Review, Twins
from samechild.linkage.proportions import share
from samechild.town.truth import TwinSets

ONCE = Measured(2.0, 3.0, 400.0, 0.5)


def found(merged: int, f1: float) -> Found:
    some = Quality(correct=9, joined=10, true=10, precision=0.9, recall=0.9, f1=f1)
    point = Point(
        some,
        Clusters(some, 0.9, 0.9, 0.9, share(9, 10)),
        Twins(100, share(merged, 100), 400, 3, 2, 4, None, None),
        Adoptions(20, share(0, 20), 0, 0),
    )
    return Found(1000, 300, point, 1.5, some, point, Review(3, 10.0, share(1, 3)))


def compared() -> side_by_side.Compared:
    names = (OURS, TUNED, OURS_STORED, STORED, GUARDED)
    every = {name: found(90 if "Splink" in name else 1, 0.97) for name in names}
    costs = {name: cost([ONCE]) for name in names}
    aims = side_by_side.aims(costs, every)
    hard = side_by_side.hard_enough(every[TUNED])
    return side_by_side.Compared(1000, 300, 7, "usual", {OURS: [ONCE]}, costs, every, 1.0, hard, aims)


def test_every_kind_of_figure_comes_back_from_its_file(tmp_path: Path) -> None:
    seed = twins.Seed(1, "usual", 1000, 2.0, TwinSets(100, 0, 1), found(1, 0.97), None)
    kept: dict[str, msgspec.Struct] = {
        "side_by_side-1000-usual-7": compared(),
        "twins-usual-9001": twins.Twins([twins.total("usual", [seed])], [seed]),
        "real_data-febrl4": real_data.Outcome("febrl4", ONCE, found(0, 1.0), found(0, 1.0), ()),
        "growth-usual-7": Growth("usual", 7, [Size(1000, ONCE, 5, {"link": 1.0}, None)]),
    }
    for name, one in kept.items():
        keep(name, f"python -m bench.{name}", one, tmp_path)
    text = page.figures(tmp_path)
    for name in kept:
        assert f"`python -m bench.{name}`" in text
    for words in ("90 of 100 (90.00%)", "1 of 100: 1.00%", "best published: pair F1 0.9996", "| 1,000 | 2.0 |"):
        assert words in text
    for row in (line for line in text.splitlines() if line.startswith("|")):
        assert row.endswith("|")


def test_missed_aims_are_told() -> None:
    told = {row[0]: row[-1] for row in side_by_side.tables(compared())[-1].rows}
    assert told["times as fast as tuned Splink, whole run"] == "missed"
    assert told["share of twin sets merged"] == "missed"
    assert told["memory as a share of tuned Splink's"] == "kept"


def test_figures_go_between_the_marks_and_nowhere_else() -> None:
    text = f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n"
    once = page.rewritten(text, "new")
    assert once == f"before\n{page.BEGIN}\n\nnew\n\n{page.END}\nafter\n"
    assert page.rewritten(once, "new") == once
    for broken in ("no marks", f"{page.END}{page.BEGIN}", text + page.BEGIN, text + page.END):
        with pytest.raises(Invalid):
            page.rewritten(broken, "new")


def test_a_table_is_written_so_that_no_cell_breaks_it() -> None:
    lines = page.markdown(Shown("Title", ("", "a", "b"), [["x|y", "1", "2"]])).splitlines()
    assert lines[2:] == ["|  | a | b |", "| --- | --: | --: |", "| x\\|y | 1 | 2 |"]


def test_the_page_holds_the_figures_that_are_committed(tmp_path: Path) -> None:
    asked = ["git", "ls-files", "-z", "bench/results"]
    told = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    kept = [ROOT / name for name in told.stdout.split("\0") if name]
    for path in kept:  # a figure that was measured and is not committed yet need not stand in the page
        shutil.copy(path, tmp_path)
    text = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    if told.returncode == 0:  # without git nobody can tell what is committed
        assert page.rewritten(text, page.figures(tmp_path)) == text, "run: python -m bench.page"
