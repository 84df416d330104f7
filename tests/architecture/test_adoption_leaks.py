"""Nothing a run writes or says lets a reader pair an adopted child's old identity with the new one.

A town with adopted children is linked with its never-link list and without. Then every file of the results is opened,
whatever its format, and read row by row together with everything the command said: no row may hold something of both
identities (a record id, a child id, an NHS number, a UPN), and no third record may be paired with both.
"""

from __future__ import annotations

import atexit
import re
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pyrage

from commands import SMALL_TOWN, Outcome, files_of, read_rows, run
from samechild.linkage.evidence import NOTHING
from samechild.town import load_rates
from samechild.town.actions import write_town

pytestmark = SMALL_TOWN

Key = tuple[str, str]
NUMBERS = ("nhs_number", "upn")


class Adopted(msgspec.Struct, frozen=True):
    """The records of one adopted child, by identity."""

    old: frozenset[Key]
    new: frozenset[Key]


class Run(msgspec.Struct, frozen=True):
    """A finished run: where it is and everything it said."""

    folder: Path
    said: Outcome


@cache
def adopting_town() -> Path:
    """A folder with a small town in which adoption is a hundred times as common as in life."""
    rates = load_rates()
    many = msgspec.structs.replace(rates.families, adopted=0.06, adopted_former_upn_kept=0.3, adoption_team_knows=0.8)
    place = Path(tempfile.mkdtemp(prefix="samechild-test-adoptions-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    write_town(place / "town", 900, 2, 11, msgspec.structs.replace(rates, families=many))
    return place / "town"


OWNER = pyrage.x25519.Identity.generate()


@cache
def linked(with_list: bool) -> Run:
    """The town linked with its never-link list, or without."""
    town = adopting_town()
    out = town.parent / ("protected" if with_list else "unprotected")
    words: list[object] = ["link", *files_of(town), "--out", out]
    if with_list:
        words += ["--never-link", town / "truth" / "never_link.csv"]
    words += ["--restricted", out.with_name(out.name + "-sealed"), "--restricted-key", str(OWNER.to_public())]
    done = run(*words)
    assert done.code == 0, done.err
    return Run(out, done)


@cache
def adopted() -> tuple[Adopted, ...]:
    """Every adopted child of the town with records under both identities."""
    of_child: dict[str, set[Key]] = defaultdict(set)
    now: dict[str, str] = {}
    for row in read_rows(adopting_town() / "truth" / "truth.csv"):
        of_child[row["true_child_id"]].add((row["source"], row["record_id"]))
        if row["former_identity_of"]:
            now[row["true_child_id"]] = row["former_identity_of"]
    both = [Adopted(frozenset(of_child[old]), frozenset(of_child[new])) for old, new in now.items() if new in of_child]
    assert len(both) > 5
    return tuple(both)


def rows_of(path: Path) -> Iterator[tuple[str, ...]]:
    """Every row or line of a file of results, as texts."""
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
            yield tuple(str(cell) for cells in row for cell in (cells if isinstance(cells, list) else [cells]))
    elif path.suffix == ".xlsx":
        for sheet in openpyxl.load_workbook(path, read_only=True):
            for line in sheet.iter_rows(values_only=True):
                yield tuple(str(cell) for cell in line if cell is not None)
    else:
        for line in path.read_text(encoding="utf-8-sig").splitlines():
            yield (line,)


WORD = re.compile(r"[A-Za-z0-9]+")


def words_of(row: tuple[str, ...]) -> set[str]:
    return {word for cell in row for word in WORD.findall(cell)}


@cache
def marks(folder: Path) -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
    """For each adopted child what names the old and what the new identity: ids and numbers held by it alone."""
    records = pq.read_table(
        folder / "records.parquet", columns=["source", "record_id", "child_id", *NUMBERS]
    ).to_pylist()
    of_record = {(row["source"], row["record_id"]): row for row in records}
    holders: dict[str, set[str]] = defaultdict(set)
    for row in records:
        for name in NUMBERS:
            if row[name]:
                holders[row[name]].add(row["child_id"])

    def names(keys: frozenset[Key]) -> frozenset[str]:
        rows = [of_record[key] for key in keys]
        numbers = {row[name] for row in rows for name in NUMBERS if row[name] and len(holders[row[name]]) == 1}
        return frozenset({row["record_id"] for row in rows} | {row["child_id"] for row in rows} | numbers)

    return tuple((names(each.old), names(each.new)) for each in adopted())


def leaks(run_: Run, which: tuple[int, ...]) -> list[str]:
    """Places in which something of both identities of a child stands in one row, and third records beside both."""
    owners: dict[str, set[tuple[int, str]]] = defaultdict(set)
    for number in which:
        for side, names in zip(("old", "new"), marks(run_.folder)[number], strict=True):
            for name in names:
                owners[name].add((number, side))
    found = []
    for path in sorted(path for path in run_.folder.rglob("*") if path.is_file()):
        for place, row in enumerate(rows_of(path), 1):
            told = {owner for word in words_of(row) for owner in owners.get(word, ())}
            if any((number, "old") in told and (number, "new") in told for number, _ in told):
                found.append(f"{path.name}, row {place}")
    for line in run_.said.said.splitlines():
        if words_of((line,)) & set(owners):
            found.append("a message")
    for name in ("pairs.parquet", "links.parquet"):
        found += third_records(pq.read_table(run_.folder / name), which, name)
    return found


def third_records(pairs: pa.Table, which: tuple[int, ...], name: str) -> list[str]:
    beside: dict[Key, set[Key]] = defaultdict(set)
    ends = (pairs[column].to_pylist() for column in ("source_a", "record_a", "source_b", "record_b"))
    for source_a, record_a, source_b, record_b in zip(*ends, strict=True):
        beside[source_a, record_a].add((source_b, record_b))
        beside[source_b, record_b].add((source_a, record_a))
    found = []
    for number in which:
        child = adopted()[number]
        old = set().union(*(beside[key] for key in child.old))
        new = set().union(*(beside[key] for key in child.new))
        found += [f"{name}, a third record" for _ in (old & new) - child.old - child.new]
    return found


def listed() -> tuple[int, ...]:
    """Which adopted children the never-link list speaks of."""
    pairs = [
        {(row["source_a"], row["record_a"]), (row["source_b"], row["record_b"])}
        for row in read_rows(adopting_town() / "truth" / "never_link.csv")
    ]
    return tuple(
        number for number, child in enumerate(adopted()) if any(pair & child.old and pair & child.new for pair in pairs)
    )


def two_valid_identities(folder: Path) -> set[frozenset[Key]]:
    """Pairs of records of one adopted child, one under each identity, that hold two different valid numbers."""
    table = pq.read_table(folder / "records.parquet", columns=["source", "record_id", *NUMBERS])
    held = {(row["source"], row["record_id"]): row for row in table.to_pylist()}
    return {
        frozenset({one, other})
        for child in adopted()
        for one in child.old
        for other in child.new
        if any(held[one][name] and held[other][name] and held[one][name] != held[other][name] for name in NUMBERS)
    }


def test_with_the_never_link_list_nothing_pairs_the_two_identities() -> None:
    assert listed()
    assert leaks(linked(True), listed()) == []


def test_without_the_list_two_valid_identities_are_neither_joined_nor_asked_about() -> None:
    folder = linked(False).folder
    guarded = two_valid_identities(folder)
    assert guarded
    child = {(row["source"], row["record_id"]): row["child_id"] for row in read_rows(folder / "children.csv")}
    assert [pair for pair in guarded if len({child[key] for key in pair}) == 1] == []
    pairs = pq.read_table(folder / "pairs.parquet").to_pylist() + pq.read_table(folder / "links.parquet").to_pylist()
    told = {ends(row) for row in pairs if row["decision"] != "different"}
    told |= {ends(row) for row in read_rows(folder / "review.csv")}
    assert told & guarded == set()


def ends(row: dict[str, str]) -> frozenset[Key]:
    return frozenset({(row["source_a"], row["record_a"]), (row["source_b"], row["record_b"])})


def test_a_list_that_comes_later_takes_identities_apart_without_saying_so(tmp_path: Path) -> None:
    before = linked(False).folder
    apart = tmp_path / "apart"
    done = run(
        "link", *files_of(adopting_town()), "--out", apart, "--previous", before, "--no-report",
        "--never-link", adopting_town() / "truth" / "never_link.csv",
    )  # fmt: skip
    assert done.code == 0, done.err
    earlier = {(row["source"], row["record_id"]): row["child_id"] for row in read_rows(before / "children.csv")}
    joined = [child for child in adopted() if {earlier[key] for key in child.old} & {earlier[key] for key in child.new}]
    assert joined  # so that there was something to take apart
    assert leaks(Run(apart, done), listed()) == []
    of_earlier: dict[str, set[str]] = defaultdict(set)
    for row in read_rows(apart / "changes.csv"):
        of_earlier[row["previous_child_id"]].add(row["child_id"])
    now = {(row["source"], row["record_id"]): row["child_id"] for row in read_rows(apart / "children.csv")}
    for child in joined:
        old, new = ({now[key] for key in keys} for keys in (child.old, child.new))
        assert not any(parts & old and parts & new for before_id, parts in of_earlier.items() if before_id)


def test_explain_answers_about_the_two_as_about_strangers() -> None:
    folder = linked(True).folder
    for number in listed()[:3]:
        child = adopted()[number]
        one, other = min(child.old), min(child.new)
        done = run("explain", folder, ":".join(one), ":".join(other))
        assert (done.code, done.out, done.err) == (0, NOTHING + "\n", "")


def test_the_sealed_list_is_where_they_are() -> None:
    sealed = linked(False).folder.with_name("unprotected-sealed") / "restricted.csv.age"
    content = pyrage.decrypt(sealed.read_bytes(), [OWNER]).decode("utf-8-sig")
    rows = [set(line.split(",")) for line in content.splitlines()[1:]]
    both = [
        number
        for number, child in enumerate(adopted())
        if any({r for _, r in child.old} & row and {r for _, r in child.new} & row for row in rows)
    ]
    assert both  # some adopted child looks like one child by its records, and only the named person is told


def test_a_leak_is_noticed(tmp_path: Path) -> None:
    run_ = linked(True)
    old, new = marks(run_.folder)[listed()[0]]
    one, other = min(old), min(new)
    for path in run_.folder.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "problems.csv").unlink()
    (tmp_path / "problems.csv").write_text(f"source,row\n{one} is also {other}\n")
    assert leaks(Run(tmp_path, run_.said), listed()) == ["problems.csv, row 2"]
