"""A postcode directory that somebody brings: which postcodes exist, and how far one is from another.

Two questions about a child's addresses cannot be answered from the record: whether a postcode exists, and how far a
placement is from home. The Office for National Statistics (Postcode Directory) and Ordnance Survey (Code-Point Open)
publish directories free of charge; none is shipped with samechild. Theirs are large tables for people: here they are
read once into a small file of sorted numbers, which opens in no time and is looked up without being read into memory.

Distances are in a straight line, in miles (1,609.344 metres): over the globe where the directory gives latitude and
longitude, else over the national grid, which is right to one part in a thousand.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from samechild.errors import Invalid, Missing, Unavailable
from samechild.files.folder import is_disk_full
from samechild.identifiers import postcode as postcodes

DEGREES, METRES = "degrees", "metres"
"""What places are told in: longitude and latitude (WGS 84), or easting and northing (British national grid)."""

METRES_A_MILE = 1609.344
EARTH = 6_371_008.8
"""Mean radius of the earth in metres (IUGG)."""

_VERSION = b"samechild postcodes 1"
_NAMES: dict[str, tuple[str, ...]] = {
    "postcode": ("pcds", "postcode", "pcd7", "pcd8", "pcd", "pcd2", "pc"),
    "lat": ("lat", "latitude"),
    "long": ("long", "longitude", "lng", "lon"),
    "east": ("oseast1m", "east1m", "eastings", "easting", "ea"),
    "north": ("osnrth1m", "north1m", "northings", "northing", "no"),
}
_WITHOUT_HEADINGS = {"postcode": 0, "east": 2, "north": 3}  # the tables of Code-Point Open
_NO_LATITUDE = 99.0  # the Postcode Directory writes 99.999999 where it knows none
_LETTERS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LENGTH = 7
_IRISH = "BT"  # the Postcode Directory tells these on the Irish grid

Numbers = npt.NDArray[np.float32]
Keys = npt.NDArray[np.uint64]


class PostcodeDirectory:
    """An open directory: sorted keys, and a place for each (not a number where the directory knows none)."""

    def __init__(self, keys: Keys, x: Numbers, y: Numbers, told_in: str) -> None:
        self._keys, self._x, self._y, self.told_in = keys, x, y, told_in

    def __len__(self) -> int:
        return len(self._keys)

    def exists(self, value: str) -> bool | None:
        """Whether a postcode is in the directory; None where the directory cannot say.

        It cannot of codes such as *no fixed abode*, of what has not the form of a postcode, and of a whole area that
        it does not cover (Northern Ireland, the islands, the forces).
        """
        found = postcodes.check(value).value
        if found is None:
            return None
        if self._row(found) is not None:
            return True
        return False if _area(found) in self._areas else None

    def miles(self, one: str, other: str) -> float | None:
        """The straight line between two postcodes in miles; None where one of them has no place here."""
        here, there = self._place(one), self._place(other)
        if here is None or there is None:
            return None
        metres = _over_the_globe(here, there) if self.told_in == DEGREES else math.dist(here, there)
        return metres / METRES_A_MILE

    def _place(self, value: str) -> tuple[float, float] | None:
        found = postcodes.check(value).value
        row = None if found is None else self._row(found)
        if row is None or math.isnan(self._x[row]):
            return None
        return float(self._x[row]), float(self._y[row])

    def _row(self, canonical: str) -> int | None:
        key = np.uint64(_key(canonical))
        row = int(np.searchsorted(self._keys, key))
        return row if row < len(self._keys) and self._keys[row] == key else None

    @cached_property
    def _areas(self) -> frozenset[str]:
        """The areas (the letters in front) of which the directory holds a postcode."""
        first, second = self._keys // 37**6, self._keys // 37**5 % 37
        pairs = np.unique(first * 37 + second)
        return frozenset("".join(chr(_LETTERS[at - 1]) for at in divmod(int(pair), 37) if at > 10) for pair in pairs)


def load(files: Sequence[Path]) -> tuple[PostcodeDirectory, int]:
    """Read the tables of a directory, CSV or Parquet; returns it, and how many rows held no postcode of a child's home.

    Columns are found by the names that the two publishers use; tables without headings are those of Code-Point Open.

    Raises Missing, or Invalid with what to do next.
    """
    told_in = ""
    keys: list[Keys] = []
    xs: list[Numbers] = []
    ys: list[Numbers] = []
    left_out = 0
    for file in files:
        columns, batches = _table(file)
        here = DEGREES if "lat" in columns else METRES
        if told_in not in ("", here):
            raise Invalid(f"{file.name} tells places in {here}, the others in {told_in}: load files of one kind.")
        told_in = here
        for batch in batches:
            found = postcodes.check_many(batch.column(0).cast(pa.string()))
            known = found.values.is_valid()
            left_out += len(known) - (known.true_count or 0)
            x, y = _places(batch, known, told_in)
            here_keys = _keys_of(found.values.filter(known))
            if told_in == METRES:
                irish = here_keys // 37**5 == _pair(_IRISH)
                x[irish] = np.nan
            keys.append(here_keys)
            xs.append(x)
            ys.append(y)
    if not keys or not sum(map(len, keys)):
        raise Invalid("There is no postcode in what was given: load the tables of a postcode directory.")
    ordered, first = np.unique(np.concatenate(keys), return_index=True)
    return PostcodeDirectory(ordered, np.concatenate(xs)[first], np.concatenate(ys)[first], told_in), left_out


def keep(directory: PostcodeDirectory, path: Path) -> None:
    """Write a directory into one file; what stood there before is replaced at once. Raises Unavailable."""
    columns = {"key": directory._keys, "x": directory._x, "y": directory._y}
    table = pa.table({name: pa.array(values) for name, values in columns.items()}).combine_chunks()
    table = table.replace_schema_metadata({b"version": _VERSION, b"told in": directory.told_in.encode()})
    beside = path.with_name(f"{path.name}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with pa.OSFile(str(beside), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
        beside.replace(path)
    except OSError as error:
        why = "the disk is full" if is_disk_full(error) else error.strerror or type(error).__name__
        raise Unavailable(f"{path} cannot be written ({why}).") from None


def open_directory(path: Path) -> PostcodeDirectory:
    """Open what :func:`keep` wrote. Raises Missing when it is not there, Invalid when it is something else."""
    wrong = f"{path} is no postcode directory: make it anew with `samechild postcodes load`."
    if not path.is_file():
        raise Missing(f"There is no postcode directory {path}: make one with `samechild postcodes load`.")
    try:
        with pa.memory_map(str(path)) as file:
            table = pa.ipc.open_file(file).read_all()
        told = table.schema.metadata or {}
        if told.get(b"version") != _VERSION:
            raise Invalid(wrong)
        keys, x, y = (table.column(name).combine_chunks() for name in ("key", "x", "y"))
        return PostcodeDirectory(
            np.asarray(keys.to_numpy(zero_copy_only=True), np.uint64),
            np.asarray(x.to_numpy(zero_copy_only=True), np.float32),
            np.asarray(y.to_numpy(zero_copy_only=True), np.float32),
            told[b"told in"].decode(),
        )
    except (OSError, ValueError, KeyError):  # Arrow's errors are ValueErrors or KeyErrors
        raise Invalid(wrong) from None


def _table(file: Path) -> tuple[list[str], Iterator[pa.RecordBatch]]:
    """The wanted columns of one table, the postcode first, and its rows."""
    if not file.is_file():
        raise Missing(f"There is no file {file}: correct its name.")
    try:
        with file.open("rb") as opened:
            starts = opened.read(4)
        if starts == b"PAR1":
            parquet = pq.ParquetFile(file)
            chosen = _chosen(file, parquet.schema_arrow.names)
            names = list(chosen.values())
            return list(chosen), (batch.select(names) for batch in parquet.iter_batches(1 << 16, columns=names))
        return _csv(file)
    except (OSError, pa.ArrowInvalid) as error:
        raise Invalid(f"{file.name} cannot be read ({type(error).__name__}): give a CSV or Parquet table.") from None


def _csv(file: Path) -> tuple[list[str], Iterator[pa.RecordBatch]]:
    with file.open("rb") as opened:
        line = opened.readline(1 << 16).decode("utf-8-sig", errors="replace")
    cells = [cell.strip().strip('"') for cell in line.split(",")]
    bare = len(cells) > max(_WITHOUT_HEADINGS.values()) and postcodes.check(cells[0]).value is not None
    chosen = {name: f"f{at}" for name, at in _WITHOUT_HEADINGS.items()} if bare else _chosen(file, cells)
    names = list(chosen.values())
    reader = arrow_csv.open_csv(
        file,
        read_options=arrow_csv.ReadOptions(
            autogenerate_column_names=bare, column_names=None if bare else cells, skip_rows=0 if bare else 1
        ),
        convert_options=arrow_csv.ConvertOptions(
            include_columns=names, column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True
        ),
    )
    return list(chosen), _batches(file, reader)


def _batches(file: Path, reader: arrow_csv.CSVStreamingReader) -> Iterator[pa.RecordBatch]:
    try:
        yield from reader
    except (OSError, pa.ArrowInvalid):
        raise Invalid(f"{file.name} is damaged: fetch it anew from its publisher.") from None


def _chosen(file: Path, there: Sequence[str]) -> dict[str, str]:
    """The columns that are wanted, by what they hold; degrees are preferred, because they also tell of Ireland."""
    by_name = {name.strip().lower(): name for name in reversed(there)}
    found = {field: next((by_name[name] for name in names if name in by_name), "") for field, names in _NAMES.items()}
    for pair in (("long", "lat"), ("east", "north")):
        if found["postcode"] and all(found[name] for name in pair):
            return {name: found[name] for name in ("postcode", *pair)}
    raise Invalid(
        f"{file.name} does not look like a postcode directory. It needs the columns pcds or postcode, and lat and long "
        "or oseast1m and osnrth1m (or eastings and northings)."
    )


def _places(batch: pa.RecordBatch, known: pa.Array, told_in: str) -> tuple[Numbers, Numbers]:
    """Both numbers of each row that holds a postcode; not a number where the directory knows no place."""
    x, y = (_numbers(batch.column(at).filter(known)) for at in (1, 2))
    nowhere = np.isnan(x) | np.isnan(y) | ((x == 0) & (y == 0))
    if told_in == DEGREES:
        nowhere |= np.abs(y) >= _NO_LATITUDE
    x[nowhere] = y[nowhere] = np.nan
    return x, y


def _numbers(column: pa.Array) -> Numbers:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        told = column.to_numpy(zero_copy_only=False)
        found = np.array([_number(each) for each in told], np.float32)
    else:
        found = column.cast(pa.float32()).to_numpy(zero_copy_only=False).astype(np.float32)
    found[~np.isfinite(found)] = np.nan
    return found


def _number(told: str | None) -> float:
    try:
        return float(told or "nan")
    except ValueError:
        return math.nan


def _keys_of(canonical: pa.Array) -> Keys:
    """Canonical postcodes as numbers that sort as they do: seven places of 37 characters, without the space."""
    plain = pc.replace_substring(canonical, " ", "")
    fixed = np.array(plain.to_numpy(zero_copy_only=False), dtype=f"S{_LENGTH}")
    letters = _PLACE_OF[fixed.view(np.uint8).reshape(len(fixed), _LENGTH)]
    return np.asarray((letters * _WEIGHTS).sum(axis=1, dtype=np.uint64), np.uint64)


def _key(canonical: str) -> int:
    """The same of one postcode."""
    key = 0
    for letter in canonical.replace(" ", "").ljust(_LENGTH, "\0"):
        key = key * 37 + _PLACES[letter]
    return key


def _places_of_letters() -> npt.NDArray[np.uint64]:
    found = np.zeros(256, np.uint64)
    for at, letter in enumerate(_LETTERS, start=1):
        found[letter] = at
    return found


_PLACE_OF = _places_of_letters()
_PLACES = {chr(code): int(at) for code, at in enumerate(_PLACE_OF)}
_WEIGHTS = np.array([37 ** (_LENGTH - 1 - at) for at in range(_LENGTH)], np.uint64)


def _pair(letters: str) -> int:
    first, second = (_PLACES[letter] for letter in letters)
    return first * 37 + second


def _area(canonical: str) -> str:
    return canonical[: 2 if canonical[1].isalpha() else 1]


def _over_the_globe(here: tuple[float, float], there: tuple[float, float]) -> float:
    """Great-circle distance in metres between two places of longitude and latitude (haversine)."""
    (west, south), (east, north) = (tuple(map(math.radians, place)) for place in (here, there))
    half = math.sin((north - south) / 2) ** 2 + math.cos(south) * math.cos(north) * math.sin((east - west) / 2) ** 2
    return 2 * EARTH * math.asin(min(1.0, math.sqrt(half)))


NO_DIRECTORY = PostcodeDirectory(np.zeros(0, np.uint64), np.zeros(0, np.float32), np.zeros(0, np.float32), DEGREES)
"""What is asked where nobody brought a directory: it holds nothing, denies nothing and knows no distance."""
