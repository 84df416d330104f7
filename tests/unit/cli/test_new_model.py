"""What is kept of a trial of a new model: ids and counts, as a table, a picture and the whole answer."""

from __future__ import annotations

import csv
from pathlib import Path
from xml.etree import ElementTree

import msgspec

from samechild.cli.new_model import picture, save
from samechild.index.dry_run import DryRun, difference


def a_run() -> DryRun:
    now = {"a1": "A", "b1": "B", "c1": "C", "c2": "C", "d1": "D"}
    then = {"a1": "1", "b1": "1", "c1": "2", "c2": "3", "d1": "4"}
    return DryRun(
        space="council", model="newer", state_hash="0", records=5, children_now=4, children_then=4,
        diff=difference(now, then), held_apart=0, new_questions=(("a1", "d1"),), dropped_questions=2, labels=0,
        labels_right=0,
    )  # fmt: skip


def test_a_trial_is_kept_whole(tmp_path: Path) -> None:
    save(a_run(), tmp_path / "trial")
    with (tmp_path / "trial" / "dry-run.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["what"] for row in rows} == {"merged", "split"}
    assert sorted(row["record"] for row in rows if row["record"]) == ["a1", "b1", "c1", "c2"]
    kept = msgspec.json.decode((tmp_path / "trial" / "dry-run.json").read_bytes(), type=DryRun)
    assert kept == a_run()


def test_the_picture_says_in_words_what_it_shows() -> None:
    drawn = ElementTree.fromstring(picture(a_run()))
    assert drawn.attrib["aria-label"].startswith("Of 4 ")
    for words in ("as they are: 1", "put together: 2", "taken apart: 1"):
        assert words in drawn.attrib["aria-label"]
    assert "rearranged" not in drawn.attrib["aria-label"]
