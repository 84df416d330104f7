"""What people have decided: a filled-in review sheet, the never-link list, replaced numbers, and an earlier run.

A person's answer outranks every score, so it is read strictly: an answer nobody can understand, or two answers for
one pair that contradict each other, stops the run and names the row, rather than being half obeyed. Answers are
matched by the two records they speak of, never by their place in the sheet. No message repeats what a row holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from samechild.errors import Invalid, Missing
from samechild.files.read import read
from samechild.files.records import ReadFile
from samechild.files.run_record import read_run_record
from samechild.files.write import as_given

SAME, DIFFERENT, CANNOT_TELL = "same", "different", "cannot tell"
ANSWERS = (SAME, DIFFERENT, CANNOT_TELL)
"""What a person may answer about a pair of records."""

PAIR = ("source_a", "record_a", "source_b", "record_b")
"""The columns that name the two records of a pair."""

Named = tuple[str, str, str, str]
_UNDERSTOOD = {"".join(answer.split()): answer for answer in ANSWERS}


class Answer(msgspec.Struct, frozen=True):
    """One answer about two records, and the note beside it."""

    pair: Named
    answer: str
    note: str = ""


class Reviewed(msgspec.Struct, frozen=True):
    """A filled-in sheet: its answers, each pair once, and how many of its rows were left empty."""

    answers: tuple[Answer, ...]
    unanswered: int


class Earlier(msgspec.Struct, frozen=True):
    """What a new run takes over from an earlier one: the ids of its children, and what people had decided."""

    children: pa.Table
    answers: tuple[Answer, ...]


def read_reviewed(path: Path | str) -> Reviewed:
    """Read a review sheet (.xlsx, .csv or any format that is read) with its answers filled in.

    Needs the columns source_a, record_a, source_b, record_b and answer; note is optional. Capitals and spaces in an
    answer do not matter. Raises Invalid, naming the row, for an answer that is none of same, different and cannot
    tell, for a row that does not name two records, and for two answers about one pair that contradict each other.
    """
    file = read(path)
    columns = _columns(file, (*PAIR, "answer"), ("note",))
    found: dict[Named, tuple[int, Answer]] = {}
    unanswered = 0
    for row, cells in _rows(file, columns):
        if not cells["answer"]:
            unanswered += 1
            continue
        answer = _UNDERSTOOD.get("".join(cells["answer"].lower().split()))
        if answer is None:
            raise Invalid(
                f"{file.path.name}, row {row}: the answer is none of same, different, cannot tell; correct it, or "
                "leave it empty."
            )
        pair = _pair(file, row, cells)
        earlier = found.get(pair)
        if earlier is not None and earlier[1].answer != answer:
            raise Invalid(
                f"{file.path.name}, rows {earlier[0]} and {row}: two different answers about the same two records; "
                "decide for one and empty the other."
            )
        notes = [part for part in (earlier[1].note if earlier else "", cells["note"]) if part]
        found[pair] = earlier[0] if earlier else row, Answer(pair, answer, "; ".join(dict.fromkeys(notes)))
    return Reviewed(tuple(sorted((one for _, one in found.values()), key=lambda one: one.pair)), unanswered)


def read_never_link(path: Path | str) -> tuple[Named, ...]:
    """Read the list of pairs of records that must never be joined: source_a, record_a, source_b, record_b.

    Each pair once, in no meaningful order. Raises Invalid, naming the row, when a row does not name two records: a
    protection that cannot be read must not be passed over.
    """
    file = read(path)
    columns = _columns(file, PAIR)
    return tuple(sorted({_pair(file, row, cells) for row, cells in _rows(file, columns)}))


def read_superseded(path: Path | str) -> tuple[tuple[str, str], ...]:
    """Read a list of NHS numbers that were replaced: columns old and new.

    Raises Invalid, naming the row, for a number that is not a valid NHS number, and for one replaced by itself.
    """
    from samechild.identifiers import nhs_number

    file = read(path)
    columns = _columns(file, ("old", "new"))
    found = set()
    for row, cells in _rows(file, columns):
        numbers = []
        for name in ("old", "new"):
            checked = nhs_number.check(cells[name])
            if checked.value is None:
                raise Invalid(f"{file.path.name}, row {row}: {name} is not a valid NHS number; correct it.")
            numbers.append(str(checked.value))
        if numbers[0] == numbers[1]:
            raise Invalid(f"{file.path.name}, row {row}: old and new are the same number; take the row out.")
        found.add((numbers[0], numbers[1]))
    return tuple(sorted(found))


def read_earlier(folder: Path | str) -> Earlier:
    """Read the children of an earlier run's results folder, and every answer people had given by then.

    Raises Missing when the folder holds no such run, Invalid when it was written by something else.
    """
    import pyarrow.parquet as pq

    folder = Path(folder)
    if read_run_record(folder).command != "link":
        raise Invalid(f"{folder} was not written by samechild link, so it holds no children to keep the ids of.")
    for name in ("children.parquet", "links.parquet"):
        if not (folder / name).is_file():
            raise Missing(f"{folder} no longer holds {name}: give the earlier results whole.")
    try:
        children = pq.read_table(folder / "children.parquet", columns=["source", "record_id", "child_id"])
        decided = pq.read_table(folder / "links.parquet", columns=[*PAIR, "human_answer", "human_note"])
    except (pa.ArrowInvalid, KeyError):
        raise Invalid(f"The tables in {folder} are damaged or were changed: run the earlier link again.") from None
    answered = decided.filter(pc.is_valid(decided["human_answer"])).to_pylist()
    answers: dict[Named, Answer] = {}
    for row in answered:
        pair = _ordered(tuple(row[name] for name in PAIR))
        answers[pair] = Answer(pair, row["human_answer"], row["human_note"] or "")
    return Earlier(children, tuple(answers[pair] for pair in sorted(answers)))


def together(earlier: Sequence[Answer], now: Sequence[Answer]) -> tuple[Answer, ...]:
    """Put earlier answers and new ones together; where both speak of a pair the new one counts."""
    found = {one.pair: one for one in (*earlier, *now)}
    return tuple(found[pair] for pair in sorted(found))


def _columns(file: ReadFile, needed: Sequence[str], optional: Sequence[str] = ()) -> dict[str, str]:
    """Find the columns by name, forgiving capitals and spaces around it."""
    present = {"_".join(heading.lower().split()): heading for heading in file.table.column_names}
    lacking = [name for name in needed if name not in present]
    if lacking:
        raise Invalid(f"{file.path.name} has no column {', '.join(lacking)}; it needs {', '.join(needed)}.")
    return {name: present[name] for name in (*needed, *optional) if name in present}


def _rows(file: ReadFile, columns: dict[str, str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Give each row's number and its cells, blanks as empty text."""
    undo = as_given if file.format == "csv" else str
    numbers = file.rows.to_pylist()
    cells = {name: file.table.column(heading).to_pylist() for name, heading in columns.items()}
    for place, row in enumerate(numbers):
        found = {name: undo((values[place] or "").strip()).strip() for name, values in cells.items()}
        yield row, {"note": "", **found}


def _pair(file: ReadFile, row: int, cells: dict[str, str]) -> Named:
    """Take the two records a row names, always in one order."""
    named = tuple(cells[name] for name in PAIR)
    blank = [name for name in PAIR if not cells[name]]
    if blank:
        raise Invalid(f"{file.path.name}, row {row}: {', '.join(blank)} is empty; name both records, or take it out.")
    if named[:2] == named[2:]:
        raise Invalid(f"{file.path.name}, row {row}: both sides name the same record; correct it, or take it out.")
    return _ordered(named)


def _ordered(named: tuple[str, ...]) -> Named:
    one, other = sorted([(named[0], named[1]), (named[2], named[3])])
    return (*one, *other)
