"""Running the command line as a person would, on files small enough to read, or on one small town made once."""

from __future__ import annotations

import atexit
import csv
import itertools
import shutil
import tempfile
from functools import cache
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from samechild.cli.main import main
from samechild.identifiers import nhs_number
from samechild.town.actions import write_town

FORENAMES = ("Amina", "Tom", "Zofia", "Noah", "Imogen", "Yusuf", "Freya", "Oscar", "Mabel", "Rohan", "Ciara", "Leon")
SURNAMES = ("Okafor", "Whitcombe", "Nowak", "Rahman", "Pritchard", "Delacroix", "Ferris", "Stannard", "Quill", "Abbot",
            "Tandy", "Marlow", "Ibbotson", "Yardley", "Kaur", "Moss")  # fmt: skip


class Outcome(msgspec.Struct, frozen=True):
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Everything on the screen."""
        return self.out + self.err

    @property
    def message(self) -> str:
        """The one message of an error: the last thing on standard error."""
        lines = [line for line in self.err.splitlines() if line.strip()]
        return lines[-1] if lines else ""


def run(*words: object) -> Outcome:
    """Run ``samechild`` with these words."""
    done = CliRunner().invoke(main, [str(word) for word in words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Outcome(done.exit_code, done.stdout, done.stderr)


Rows = list[dict[str, str]]


def some_children(count: int = 60) -> Rows:
    """Children with everything known about them, each different; NHS numbers from the range kept for fixtures."""
    names = itertools.product(SURNAMES, FORENAMES)
    return [
        {
            "id": f"{number:04d}",
            "forename": forename,
            "surname": surname,
            "dob": f"20{10 + number % 9}-{1 + number % 12:02d}-{1 + number % 28:02d}",
            "sex": "F" if number % 2 else "M",
            "postcode": f"JA{1 + number % 9} {number % 10}{'XYZ'[number % 3]}T",  # no such area is in use
            "nhs_number": str(nhs_number.from_serial(nhs_number.FIRST_FIXTURE_SERIAL + number)),
        }
        for number, (surname, forename) in enumerate(itertools.islice(names, 0, count * 3, 3))
    ]


def write_rows(path: Path, rows: Rows, headings: list[str] | None = None) -> Path:
    """Write rows as an ordinary CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.DictWriter(file, headings or list(rows[0]))
        lines.writeheader()
        lines.writerows(rows)
    return path


def two_files(folder: Path, count: int = 60) -> tuple[Path, Path]:
    """Two agencies' files about the same children: schools and health, each with its own headings and ids."""
    children = some_children(count)
    school = [
        {
            "Pupil ID": "E" + child["id"],
            "Forename": child["forename"],
            "Surname": child["surname"],
            "DOB": child["dob"],
            "Gender": child["sex"],
            "Postcode": child["postcode"],
        }
        for child in children
    ]
    health = [
        {
            "record_id": "H" + child["id"],
            "given_name": child["forename"].upper(),
            "family_name": child["surname"].upper(),
            "date_of_birth": child["dob"],
            "sex": child["sex"],
            "nhs_number": child["nhs_number"],
            "postcode": child["postcode"],
        }
        for child in reversed(children)
    ]
    return write_rows(folder / "education.csv", school), write_rows(folder / "health.csv", health)


def read_rows(path: Path) -> Rows:
    """Read a CSV that samechild wrote."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def children_of(folder: Path) -> set[frozenset[tuple[str, str]]]:
    """Which records a run put together."""
    found: dict[str, set[tuple[str, str]]] = {}
    for row in read_rows(folder / "children.csv"):
        found.setdefault(row["child_id"], set()).add((row["source"], row["record_id"]))
    return {frozenset(records) for records in found.values()}


SMALL_TOWN = pytest.mark.xdist_group("small town")
"""For tests that share the small town below: it is made once."""


@cache
def small_town() -> Path:
    """A folder with a town of 1,500 children, two authorities and some adopted children."""
    place = Path(tempfile.mkdtemp(prefix="samechild-test-town-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    write_town(place / "town", 1_500, 2, 7)
    return place / "town"


def files_of(town: Path) -> list[Path]:
    """The agencies' files of a town."""
    return sorted(path for path in town.iterdir() if path.is_file() and path.name != "run.json")


@cache
def linked_town() -> Path:
    """The results of linking the small town with the lists its agencies hold."""
    town, out = small_town(), small_town().parent / "linked"
    lists = ("--never-link", town / "truth" / "never_link.csv", "--superseded", town / "truth" / "superseded.csv")
    done = run("link", *files_of(town), "--out", out, *lists)
    assert done.code == 0, done.err
    return out
