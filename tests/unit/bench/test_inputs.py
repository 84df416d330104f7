"""What the programs are given: the same cleaned values for both, towns used again, and no truth in a blind file."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench import towns
from bench.cleaned import NAMED, cleaned
from bench.real_data import historical
from samechild.errors import Invalid
from samechild.files.read import read


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> towns.TownFolder:
    return towns.town(300, 4, work=tmp_path_factory.mktemp("work"))


def test_a_town_is_made_once_and_found_again(town: towns.TownFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    assert town.records > town.children == 300
    monkeypatch.setattr(towns, "measure", None)  # making it again would fail
    assert towns.town(300, 4, work=town.folder.parent) == town
    monkeypatch.setattr(towns, "_generator", lambda: "another")
    with pytest.raises(TypeError):
        towns.town(300, 4, work=town.folder.parent)


def test_both_programs_compare_the_same_records(town: towns.TownFolder) -> None:
    records, keys = (pq.read_table(path) for path in cleaned(town, date(2025, 8, 31)))
    assert set(records.column_names) == {"unique_id", *NAMED.values()}
    assert records["unique_id"].to_pylist() == keys["unique_id"].to_pylist() == list(range(town.records))
    given = pq.read_table(town.combined)
    assert keys["record_id"].to_pylist() == given["record_id"].to_pylist()
    surnames = zip(records["surname"].to_pylist(), given["surname"].to_pylist(), strict=True)
    plain = [(made, was) for made, was in surnames if was and was.isascii() and was.isalpha()]
    assert len(plain) > town.records / 2
    assert all(made in (was.upper(), None) for made, was in plain)
    assert records.schema.field("dob").type == pa.date32()


def test_twins_are_counted_from_the_truth_in_its_order(town: towns.TownFolder) -> None:
    counted = towns.twins_alike(town)
    truth = read(town.truth()).table
    sets = {row["twin_set"] for row in truth.to_pylist() if row["twin_set"]}
    assert 0 < counted.sets <= len(sets)
    assert counted.indistinguishable <= counted.with_unplaceable_record <= counted.sets


def test_a_truth_of_another_order_is_refused(town: towns.TownFolder, tmp_path: Path) -> None:
    other = towns.TownFolder(tmp_path, town.children, town.records, town.seed, town.rates)
    (tmp_path / "truth").mkdir()
    pq.write_table(pq.read_table(town.combined).slice(0, 3).take([2, 1, 0]), other.combined)
    lines = town.truth().read_bytes().splitlines(keepends=True)[:4]
    other.truth().write_bytes(b"".join(lines))
    with pytest.raises(Invalid, match="not in the order"):
        towns.twins_alike(other)


def test_a_blind_file_holds_no_truth(tmp_path: Path) -> None:
    people = {
        "unique_id": ["Q7-1", "Q7-2", "Q9-1"],
        "cluster": ["Q7", "Q7", "Q9"],
        "full_name": ["ann bly", "ann blie", "zoe orr"],
    }
    pq.write_table(pa.table(people), tmp_path / "figures.parquet")
    plain = historical(tmp_path / "figures.parquet", tmp_path, False)
    assert plain.files == (tmp_path / "figures.parquet",)
    assert plain.truth["record_id"].to_pylist() == people["unique_id"]
    blind = historical(tmp_path / "figures.parquet", tmp_path, True)
    table = pq.read_table(blind.files[0])
    assert table.column_names == ["unique_id", "full_name"]
    assert "Q" not in "".join(table["unique_id"].to_pylist())
    person = dict(zip(blind.truth["record_id"].to_pylist(), blind.truth["true_child_id"].to_pylist(), strict=True))
    who = dict(zip(people["full_name"], people["cluster"], strict=True))
    assert all(person[row["unique_id"]] == who[row["full_name"]] for row in table.to_pylist())
    assert set(blind.truth["source"].to_pylist()) == {"blind"}
