"""The judge is the same for both programs, counts add up over towns, and an easy town is told."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench import quality, side_by_side
from bench.quality import Found
from bench.side_by_side import GUARDED, OURS, OURS_STORED, STORED, TUNED, Turn, command, hard_enough
from bench.towns import TownFolder
from bench.twins import Seed, total
from samechild.errors import Invalid
from samechild.town.truth import TwinSets

# Records 0 and 1 are one twin, 2 and 3 the other; 4 and 5 another child.
TRUE = ["K1", "K1", "K2", "K2", "K3", "K3"]


def truth() -> pa.Table:
    ids = [str(number) for number in range(6)]
    twins = ["T1"] * 4 + [None] * 2
    return pa.table({"source": ["health"] * 6, "record_id": ids, "true_child_id": TRUE, "twin_set": twins})


def of_splink(folder: Path, pairs: list[tuple[int, int, float]], cluster: list[int]) -> Found:
    """Judge made-up predictions: two records and a match weight each."""
    left, right, weight = (list(part) for part in zip(*pairs, strict=True))
    odds = [2.0**value for value in weight]
    predictions = {
        "match_weight": weight,
        "match_probability": [value / (1 + value) for value in odds],
        "unique_id_l": pa.array(left, pa.int64()),
        "unique_id_r": pa.array(right, pa.int64()),
    }
    pq.write_table(pa.table(predictions), folder / "predictions.parquet")
    order = [5, 0, 3, 1, 4, 2]  # Splink writes clusters in no order
    ids = pa.array(order, pa.int64())
    pq.write_table(
        pa.table({"cluster_id": [cluster[row] for row in order], "unique_id": ids}), folder / "clusters.parquet"
    )
    keys = pa.table(
        {"unique_id": pa.array(range(6), pa.int64()), "source": ["health"] * 6, "record_id": list("012345")}
    )
    pq.write_table(keys, folder / "keys.parquet")
    return quality.of_splink(folder, folder / "keys.parquet", truth())


def test_splink_is_judged_at_its_own_line_and_at_the_best(tmp_path: Path) -> None:
    pairs = [(0, 1, 9.0), (2, 3, 8.0), (4, 5, 3.0), (1, 2, 1.0)]  # 3.0 is below 0.95; 1.0 joins two twins
    found = of_splink(tmp_path, pairs, [0, 0, 2, 2, 4, 5])
    assert (found.unaided.pairs.correct, found.unaided.pairs.joined) == (2, 2)
    assert found.unaided.clusters.within.recall == pytest.approx(2 / 3)
    assert found.best_weight == 3.0
    assert found.best is not None
    assert (found.best.pairs.f1, found.best.clusters.within.f1) == (1.0, 1.0)
    assert (found.unaided.twins.sets, found.best.twins.merged.found) == (1, 0)


def test_a_chain_of_pairs_merges_twins(tmp_path: Path) -> None:
    found = of_splink(tmp_path, [(0, 1, 9.0), (2, 3, 8.0), (1, 2, 7.0)], [0, 0, 0, 0, 4, 5])
    assert found.unaided.twins.merged.found == 1
    assert found.unaided.clusters.within.joined == 6
    assert found.unaided.pairs.joined == 3


def test_predictions_of_other_records_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="other records"):
        of_splink(tmp_path, [(0, 6, 9.0)], [0, 1, 2, 3, 4, 5])


def test_an_easy_town_is_told(tmp_path: Path) -> None:
    easy = of_splink(tmp_path, [(0, 1, 9.0), (2, 3, 8.0), (4, 5, 7.0)], [0, 0, 2, 2, 4, 4])
    assert [check.kept for check in hard_enough(easy)] == [False, False]
    hard = of_splink(tmp_path, [(0, 1, 9.0), (2, 3, 9.0), (1, 2, 9.0), (0, 3, 9.0)], [0, 0, 0, 0, 4, 5])
    assert [check.kept for check in hard_enough(hard)] == [True, True]


def test_towns_are_added_and_not_averaged(tmp_path: Path) -> None:
    good = of_splink(tmp_path, [(0, 1, 9.0), (2, 3, 8.0), (4, 5, 7.0)], [0, 0, 2, 2, 4, 4])
    bad = of_splink(tmp_path, [(0, 1, 9.0), (2, 3, 8.0), (1, 2, 7.0)], [0, 0, 0, 0, 4, 5])
    one = Seed(1, "usual", 6, 1.0, TwinSets(1, 0, 1), good, bad)
    added = total("usual", [one, msgspec.structs.replace(one, seed=2, found=bad, guarded=None)])
    assert (added.twin_sets_merged.found, added.twin_sets_merged.of) == (1, 2)
    assert added.cluster_precision == pytest.approx(5 / 9)  # 3 of 3 and 2 of 6
    assert added.cluster_recall == pytest.approx(5 / 6)
    assert added.pairs_f1 == pytest.approx(2 * 5 / 12)
    assert (added.twin_sets_unplaceable.found, added.twin_sets_alike.found, added.records) == (2, 0, 12)
    assert added.twin_sets_merged_guarded is not None
    assert (added.twin_sets_merged_guarded.found, added.twin_sets_merged_guarded.of) == (1, 1)


def test_no_program_is_shown_who_is_who(tmp_path: Path) -> None:
    town = TownFolder(tmp_path / "town", 10, 30, 1, "usual")
    turn = Turn(town, tmp_path / "cleaned.parquet", tmp_path / "keys.parquet", tmp_path / "runs", date(2025, 8, 31))
    for name in (*side_by_side.IN_TURN, GUARDED, side_by_side.WIDEST):
        line = command(name, turn)
        assert str(town.truth()) not in line
        assert (str(turn.records) in line) != (str(town.combined) in line)
    assert "--no-report" not in command(GUARDED, turn)
    assert command(OURS_STORED, turn)[-1] == str(turn.out(OURS) / "model.json")
    assert command(STORED, turn)[-1] == str(turn.out(TUNED) / "model.json")
