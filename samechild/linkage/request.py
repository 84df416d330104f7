"""From what a person asks for to what linking needs: files read, lists read, options put together.

The command line and the notebook ask for the same things, so both come through here. Lists that name records are
checked against the records at hand; what they name and this run does not hold is counted, never shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from os import PathLike
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from samechild.errors import Invalid, Missing
from samechild.files.gather import gather
from samechild.files.mapping import load_map
from samechild.files.read import read_files
from samechild.files.records import Gathered, ReadFile
from samechild.files.run_record import Input, inputs_of, is_run_record
from samechild.linkage.decisions import (
    CANNOT_TELL,
    SAME,
    Answer,
    Named,
    read_earlier,
    read_never_link,
    read_reviewed,
    read_superseded,
    together,
)

if TYPE_CHECKING:
    from samechild.linkage.actions import Options, Result
    from samechild.linkage.frequencies import Frequencies
    from samechild.linkage.model import Model

Say = Callable[[str, float], None]
_REPEAT = re.compile(r"#\d+\Z")


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that may be asked of a linkage; only the files are needed. Paths are as the person gave them."""

    files: tuple[str, ...]
    map_file: Path | None = None
    source_column: str | None = None
    model: Path | None = None
    model_frequencies: bool = False
    superseded: Path | None = None
    never_link: Path | None = None
    decisions: Path | None = None
    previous: Path | None = None
    engine: str = "local"
    seed: int = 1
    threads: int = 2
    review_limit: float | None = None
    join: float | None = None
    ask: float | None = None
    today: date | None = None
    summed: bool = True


class Prepared(msgspec.Struct, frozen=True):
    """Everything read and ready to link."""

    gathered: Gathered
    inputs: tuple[Input, ...]
    options: Options
    counts: dict[str, int]
    """What the lists held: pairs, answers, and how many of them speak of records that are not here."""


class Linked(msgspec.Struct, frozen=True):
    """A finished run and what it was made from."""

    result: Result
    prepared: Prepared
    reading: float
    """Seconds that reading the files and lists took."""


def run(request: Request, say: Say) -> Linked:
    """Read what is asked for and link it. ``say`` hears what is being done and the share of the whole that is done.

    Raises the errors of reading files and lists, each naming the file and the row.
    """
    from samechild.linkage.actions import link

    say("Reading the files", 0.0)
    begun = perf_counter()
    prepared = prepare(request)
    reading = perf_counter() - begun
    result = link(prepared.gathered.given, prepared.options, lambda what, share: say(what, 0.1 + 0.9 * share))
    return Linked(result, prepared, reading)


def prepare(request: Request) -> Prepared:
    """Read files and lists, and put the options together."""
    from samechild.linkage.actions import Options, Said

    _check_numbers(request)
    mapping = load_map(request.map_file) if request.map_file else None
    named = [path for path in request.files if not is_run_record(Path(path))]  # it lies beside a town's files
    files = read_files(named, mapping)
    gathered = gather(files, mapping, request.source_column)
    if not gathered.given.num_rows:
        raise Invalid("None of the files holds a single record, so there is nothing to link: were the exports empty?")
    counts: dict[str, int] = {}
    never = _protected(request.never_link, gathered.given, counts)
    said, previous = _decided(request, gathered.given, counts)
    model, frequencies = stored_model(request.model) if request.model else (None, None)
    options: dict[str, Any] = {
        "today": request.today or datetime.now(UTC).date(),
        "model": model,
        "frequencies": frequencies if request.model_frequencies else None,
        "seed": request.seed,
        "threads": request.threads,
        "engine": request.engine,
        "superseded": read_superseded(request.superseded) if request.superseded else (),
        "never_link": never,
        "said": tuple(Said(*one.pair, one.answer == SAME, one.note) for one in said if one.answer != CANNOT_TELL),
        "single_sources": tuple(source for source, entry in gathered.settings.items() if entry.one_record_per_child),
        "previous": previous,
        "summed": request.summed,
        "join": request.join,
        "ask": request.ask,
        "date_orders": {
            source: entry.date_order for source, entry in gathered.settings.items() if entry.date_order is not None
        },
    }
    if request.superseded:
        counts["superseded_numbers"] = len(options["superseded"])
    if request.review_limit is not None:
        options["review_limit"] = request.review_limit
    return Prepared(gathered, _inputs(files, gathered), Options(**options), counts)


def _check_numbers(request: Request) -> None:
    """Refuse numbers that mean nothing, before an hour of work rather than after it."""
    for name in ("join", "ask"):
        value = getattr(request, name)
        if value is not None and not 0 < value < 1:
            raise Invalid(f"--{name} is a probability between 0 and 1, such as 0.95; {value} is not.")
    if request.join is not None and request.ask is not None and request.ask > request.join:
        raise Invalid("--ask may not be above --join: a person is asked about pairs that are not sure enough to join.")
    if request.threads < 1 or request.seed < 0:
        raise Invalid("--threads counts from 1 and --seed from 0.")
    if request.review_limit is not None and not request.review_limit >= 0:
        raise Invalid("--review-limit is a number of pairs for each 1,000 children, 0 or more.")
    if request.model_frequencies and request.model is None:
        raise Invalid("--model-frequencies needs a --model to take them from.")


def stored_model(path: Path) -> tuple[Model, dict[str, Frequencies] | None]:
    """Read a stored model: Splink's settings and, when it stands beside them, what Splink has no word for.

    Returns the model and the term frequencies stored with it (None for a model without them).
    """
    from samechild.linkage.frequencies import read_frequencies
    from samechild.linkage.model_extra import read_extra
    from samechild.linkage.splink_settings import read_settings
    from samechild.linkage.writing import extra_path

    if not path.is_file():
        raise Missing(f"There is no model {path}: check the name and the folder.")
    model = read_settings(path)
    beside = extra_path(path)
    if not beside.is_file():
        return model, None
    try:
        extra = msgspec.json.decode(beside.read_bytes())
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Invalid(f"{beside.name} is damaged: store the model again, or take the file away.") from None
    frequencies = extra.get("frequencies") if isinstance(extra, dict) else None
    return read_extra(model, extra), read_frequencies(frequencies) if frequencies else None


def _protected(path: Path | None, given: pa.Table, counts: dict[str, int]) -> tuple[Named, ...]:
    """Read the never-link list, and let it hold for every row of a record id that its source uses twice.

    A record id that comes twice has the marks ``#2``, ``#3`` in a run; whoever wrote the list cannot know them.
    """
    if path is None:
        return ()
    listed = read_never_link(path)
    present = _present(given, {(named[side], named[side + 1]) for named in listed for side in (0, 2)})
    pairs = {
        (*one, *other)
        for named in listed
        for one in present.get(named[:2], ())
        for other in present.get(named[2:], ())
        if one != other
    }
    counts["never_link_listed"] = len(listed)
    counts["never_link_not_here"] = sum(not (present.get(named[:2]) and present.get(named[2:])) for named in listed)
    return tuple(sorted(pairs))


def _decided(request: Request, given: pa.Table, counts: dict[str, int]) -> tuple[list[Answer], pa.Table | None]:
    """Read the answers of people, now and in an earlier run, and that run's children."""
    earlier = read_earlier(request.previous) if request.previous else None
    reviewed = read_reviewed(request.decisions) if request.decisions else None
    answers = together(earlier.answers if earlier else (), reviewed.answers if reviewed else ())
    present = _present(given, {side for one in answers for side in (one.pair[:2], one.pair[2:])})
    here = [one for one in answers if one.pair[:2] in present and one.pair[2:] in present]
    if reviewed is not None:
        counts["answers_read"] = len(reviewed.answers)
        counts["answers_empty"] = reviewed.unanswered
        known = sum(one.pair[:2] in present and one.pair[2:] in present for one in reviewed.answers)
        counts["answers_not_here"] = len(reviewed.answers) - known
        if reviewed.answers and not known:
            raise Invalid(
                f"{Path(request.decisions or '').name} speaks of no record of this run: is it another run's sheet? "
                "A spreadsheet program may also have changed the record ids of a .csv; fill in the .xlsx instead."
            )
    if earlier is not None:
        counts["earlier_answers"] = len(earlier.answers)
    return here, earlier.children if earlier else None


def _present(given: pa.Table, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """Find the rows that records stand for: usually one, more where a source uses a record id twice."""
    if not wanted:
        return {}
    ids = pc.cast(given["record_id"], pa.string())
    bare = pc.replace_substring_regex(ids, r"#\d+$", "")
    names = pa.array(sorted({name for _, name in wanted} | {_REPEAT.sub("", name) for _, name in wanted}), pa.string())
    some = given.select(["source", "record_id"]).filter(pc.or_(pc.is_in(ids, names), pc.is_in(bare, names)))
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    rows = zip(pc.cast(some["source"], pa.string()).to_pylist(), some["record_id"].to_pylist(), strict=True)
    for source, record in rows:
        for key in {(source, record), (source, _REPEAT.sub("", record))} & wanted:
            found.setdefault(key, []).append((source, record))
    return found


def _inputs(files: Sequence[ReadFile], gathered: Gathered) -> tuple[Input, ...]:
    """Describe the files that were read, each with its source where it is one."""
    own = {entry.file: source for source, entry in gathered.settings.items()}
    return inputs_of(files, [own.get(file.path.name, file.name) for file in files])


def asked_for(files: Sequence[str | PathLike[str]] | str | PathLike[str], asked: Mapping[str, Any]) -> Request:
    """Put together a request made in Python. Raises Invalid naming an option that does not exist."""
    known = set(Request.__struct_fields__) - {"files"}
    strange = sorted(set(asked) - known)
    if strange:
        raise Invalid(f"There is no option {strange[0]}; the options are: {', '.join(sorted(known))}.")
    places = {"map_file", "model", "superseded", "never_link", "decisions", "previous"}
    named: dict[str, Any] = {
        name: Path(value) if name in places and value is not None else value for name, value in asked.items()
    }
    listed = (files,) if isinstance(files, str | PathLike) else tuple(files)
    return Request(files=tuple(str(file) for file in listed), **named)
