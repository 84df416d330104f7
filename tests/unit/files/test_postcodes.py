"""A postcode directory somebody brings: read from either publisher's tables, kept small, asked for places."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samechild.errors import Invalid, Missing
from samechild.files.postcodes import (
    DEGREES,
    METRES,
    NO_DIRECTORY,
    PostcodeDirectory,
    keep,
    load,
    open_directory,
)

HEAD = "pcd7,pcds,doterm,oseast1m,osnrth1m,lat,long\n"
DIRECTORY = (
    HEAD + '"JB1 4AP","JB1 4AP",,530000,180000,51.5,-0.12\n'
    '"JB6 2TX","JB6 2TX",200512,325000,673000,55.95,-3.19\n'  # no longer in use, and still a place
    '"JB7 1AA","JB7 1AA",,,,99.999999,0.000000\n'  # known, and nobody knows where
    '"ZZ993VZ","ZZ99 3VZ",,1,1,51.0,0.0\n'  # never a place, whatever a file says
    '"nonsense","",,1,1,51.0,0.0\n'
    '"BT1 1AA","BT1 1AA",,333000,374000,54.6,-5.93\n'
)


def made(folder: Path, text: str = DIRECTORY, name: str = "onspd.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_postcode_directory_is_read_and_kept_and_opened(tmp_path: Path) -> None:
    directory, left_out = load([made(tmp_path)])
    assert (len(directory), left_out, directory.told_in) == (4, 2, DEGREES)
    keep(directory, tmp_path / "kept" / "postcodes.arrow")
    opened = open_directory(tmp_path / "kept" / "postcodes.arrow")
    for each in (directory, opened):
        assert (len(each), each.told_in) == (4, DEGREES)
        miles = each.miles("jb14ap", "JB6 2TX")
        assert miles is not None
        assert 330 < miles < 334  # London to Edinburgh
        assert each.miles("JB1 4AP", "jb1  4ap") == 0
        assert each.miles("JB1 4AP", "BT1 1AA") == pytest.approx(322.4, abs=0.5)
        assert each.miles("JB1 4AP", "JB7 1AA") is None
        assert each.miles("JB1 4AP", "ZZ99 3VZ") is None
        assert each.miles("JB1 4AP", "JB9 9ZZ") is None
        assert each.miles("JB1", "") is None
    keep(directory, tmp_path / "kept" / "postcodes.arrow")  # again, in its place
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["postcodes.arrow"]


def test_what_a_directory_does_not_cover_is_not_denied(tmp_path: Path) -> None:
    directory, _ = load([made(tmp_path)])
    assert directory.exists("jb1 4ap")
    assert directory.exists("JB7 1AA"), "without a place it is still a postcode"
    assert directory.exists("JB1 4AB") is False
    assert directory.exists("BT9 9ZZ") is False
    for value in ("B1 1AA", "BF1 2AA", "JE2 3AA", "ZZ99 3VZ", "JB1", "", "N/A"):
        assert directory.exists(value) is None, value


def test_the_grid_gives_the_same_distances_nearly_and_leaves_the_irish_grid_alone(tmp_path: Path) -> None:
    grid, _ = load([made(tmp_path, DIRECTORY.replace(",lat,long", ",other,another"))])
    assert grid.told_in == METRES
    assert grid.miles("JB1 4AP", "JB6 2TX") == pytest.approx(331.7, abs=1.0)
    assert grid.exists("BT1 1AA")
    assert grid.miles("JB1 4AP", "BT1 1AA") is None
    assert grid.miles("JB1 4AP", "JB7 1AA") is None


def test_code_point_open_needs_no_headings(tmp_path: Path) -> None:
    one = made(tmp_path, '"JB1 4AP",10,530000,180000,"E92000001","",""\n"JB1 4AB",90,0,0,"E92000001","",""\n', "jb.csv")
    other = made(tmp_path, "Postcode,PQ,Eastings,Northings\nJB6 2TX,10,325000,673000\n", "jc.csv")
    directory, left_out = load([one, other])
    assert (len(directory), left_out) == (3, 0)
    assert directory.miles("JB1 4AP", "JB6 2TX") == pytest.approx(331.7, abs=1.0)
    assert directory.exists("JB1 4AB")
    assert directory.miles("JB1 4AP", "JB1 4AB") is None


def test_parquet_with_numbers_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "directory.parquet"
    columns = {
        "Postcode": ["JB1 4AP", "JB6 2TX", None],
        "Latitude": [51.5, 55.95, 1.0],
        "Longitude": [-0.12, -3.19, None],
    }
    pq.write_table(pa.table(columns), path)
    directory, left_out = load([path])
    assert (len(directory), left_out) == (2, 1)
    assert directory.miles("JB1 4AP", "JB6 2TX") == pytest.approx(331.7, abs=1.5)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a,b,c\n1,2,3\n",
        "pcds,lat\nJB1 4AP,51\n",
        HEAD,
        HEAD + "nonsense,nonsense,,1,1,1,1\n",
        HEAD + "JB1 4AP\n",
        "\x00\x01",
    ],
)
def test_what_is_no_directory_is_refused_with_what_to_do(tmp_path: Path, text: str) -> None:
    with pytest.raises(Invalid):
        load([made(tmp_path, text)])


def test_files_of_two_kinds_and_files_that_are_not_there_are_refused(tmp_path: Path) -> None:
    one, other = made(tmp_path), made(tmp_path, "JB1 4AP,10,530000,180000\n", "jb.csv")
    with pytest.raises(Invalid, match="one kind"):
        load([one, other])
    with pytest.raises(Missing):
        load([tmp_path / "nowhere.csv"])
    with pytest.raises(Missing, match="postcodes load"):
        open_directory(tmp_path / "nowhere.arrow")
    with pytest.raises(Invalid, match="postcodes load"):
        open_directory(one)
    whole = tmp_path / "postcodes.arrow"
    keep(load([one])[0], whole)
    whole.write_bytes(whole.read_bytes()[:-40])
    with pytest.raises(Invalid):
        open_directory(whole)


def test_without_a_directory_nobody_knows() -> None:
    assert len(NO_DIRECTORY) == 0
    assert NO_DIRECTORY.miles("JB1 4AP", "JB6 2TX") is None
    assert NO_DIRECTORY.exists("JB1 4AP") is None


@given(
    st.dictionaries(
        st.from_regex(r"[A-PR-UWY][0-9]{1,2}[0-9][ABD-H]{2}", fullmatch=True),
        st.tuples(st.integers(1, 700_000), st.integers(1, 1_200_000)),
        min_size=1,
        max_size=40,
    )
)
def test_every_postcode_is_found_where_it_was_put(
    tmp_path_factory: pytest.TempPathFactory, told: dict[str, tuple[int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("directory")
    lines = [f"{one[:-3]} {one[-3:]},{east},{north}" for one, (east, north) in told.items()]
    kept = folder / "postcodes.arrow"
    keep(load([made(folder, "pcds,oseast1m,osnrth1m\n" + "\n".join(lines))])[0], kept)
    directory: PostcodeDirectory = open_directory(kept)
    assert len(directory) == len(told)
    first = next(iter(told))
    for one, place in told.items():
        assert directory.exists(one)
        miles = directory.miles(first, one)
        assert miles == pytest.approx(math.dist(told[first], place) / 1609.344, abs=0.001)
    assert np.all(np.diff(directory._keys.astype(np.int64)) > 0)
