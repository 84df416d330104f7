"""Loading what a run of linking wrote: its records become known, its children get identifiers that last.

A run's own child ids stay as aliases. What is known already is not moved: where a run puts together what stands apart
here, a person is asked; a record that is here has its child. Loading the same folder again changes nothing, and one
that was interrupted goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from samechild.errors import Invalid, Missing
from samechild.index import lifecycle
from samechild.index import review_store as questions
from samechild.index import store as tables
from samechild.index.gathering import asked_before, gathered, pair_in
from samechild.index.keeping import ALIAS, Coming, coming, keep, known_records, record_keys
from samechild.index.lifecycle import Planned
from samechild.index.models import keep_model, model_in
from samechild.index.records import Apart, Kind, Piece, Space
from samechild.index.review import Doubt, Question
from samechild.index.spaces import ask_of, space_of
from samechild.index.writing import Draft, Owned, write
from samechild.linkage.request import stored_model
from samechild.policy.actions import permit
from samechild.policy.identities import keys_for
from samechild.records import GIVEN, fields
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store

Progress = Callable[[str, float], None]
AT_ONCE = 10_000
"""About so many records are kept in one transaction; all of a child's in the same."""
BASIS = "public task"
Named = tuple[str, str]
"""A record of the run: its source and its own id there."""


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """What loading did: records that came, those that were new here, children made, questions and rulings kept."""

    space: str
    records: int
    new_records: int
    new_children: int
    linked: int
    asked: int
    apart: int


class _Count:
    """What has been done so far."""

    def __init__(self) -> None:
        self.new_records = self.new_children = self.linked = self.asked = self.apart = 0


def load(
    store: Store,
    by: Asker,
    folder: Path,
    now: datetime,
    *,
    space: str = "",
    owners: Mapping[str, str] | None = None,
    only: Collection[str] = (),
    never_link: Sequence[tuple[Named, Named]] = (),
    progress: Progress = lambda words, share: None,
) -> Loaded:
    """Load the folder that ``samechild link`` wrote into a space; twice changes nothing.

    Args:
        store: the open installation.
        by: who loads.
        folder: the run's folder.
        now: when.
        space: where to; the asker's own organisation's when left out.
        owners: whose the records of each source are; the asker's organisation's where nothing is said.
        never_link: pairs that are never to be one child (an adopted child's two identities); named nowhere afterwards.
        progress: is told in words and a share of 1 how far it is.

    Raises:
        Missing: when the folder, a file of it or the space is not there.
        Invalid: when it is no run of ``samechild link``, or damaged.
        Refused: when the asker may not.
    """
    if not (folder / "records.parquet").is_file():
        raise Missing(f"{folder} holds no records.parquet: name the folder that `samechild link` wrote.")
    wanted = space or by.organisation
    records = _table(folder / "records.parquet", ("source", "record_id", "child_id"))
    if only:
        records = records.filter(pa.compute.is_in(records["source"].cast(pa.string()), pa.array(sorted(only))))
    whose = {source: (owners or {}).get(source, by.organisation) for source in _distinct(records["source"])}
    if wanted == by.organisation:
        _open_own(store, by, now)
    here = space_of(store, wanted, by.organisation)
    strangers = sorted(set(whose.values()) - set(here.members))
    if strangers:
        raise Invalid("A source's owner is no member of this space: " + ", ".join(strangers))
    for owner in sorted(set(whose.values())):
        permit(store, ask_of(by, owner, now, batch="load"))
    if model_in(store, here.space) is None:
        model, frequencies = stored_model(folder / "model.json")
        keep_model(store, here.space, model, frequencies or {}, now)
    count = _Count()
    keys: dict[Named, str] = {}
    order = records["child_id"].combine_chunks().cast(pa.string()).dictionary_encode()
    ranked = records.take(pa.compute.array_sort_indices(order.indices))
    for at, batch in _by_child(ranked):
        progress(f"loading {records.num_rows:,} records", at / max(records.num_rows, 1))
        keys |= _load_some(store, here, whose, batch, now, count)
    progress("keeping rulings and questions", 0.95)
    _keep_rulings(store, here, keys, never_link, Apart.PROTECTED, now, count)
    links = folder / "links.parquet"
    if links.is_file():
        _keep_answers(store, here, keys, _table(links, ("source_a", "record_a", "source_b", "record_b")), now, count)
    progress("loaded", 1.0)
    return Loaded(
        space=here.space,
        records=records.num_rows,
        new_records=count.new_records,
        new_children=count.new_children,
        linked=count.linked,
        asked=count.asked,
        apart=count.apart,
    )


def _open_own(store: Store, by: Asker, now: datetime) -> None:
    with store.read(Login.INDEX) as connection:
        if tables.spaces(connection, [by.organisation]):
            return
    permit(store, ask_of(by, by.organisation, now, batch="open space"))
    with store.write(Login.INDEX) as connection:
        tables.hold(connection)
        if not tables.spaces(connection, [by.organisation]):
            own = Space(space=by.organisation, title="Our own records", members=(by.organisation,))
            tables.keep_space(connection, own, now, lifecycle.empty_hash())


def _table(path: Path, needed: Sequence[str]) -> pa.Table:
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException):
        raise Invalid(f"{path.name} cannot be read as Parquet: link again, or copy the folder again.") from None
    lacking = [name for name in needed if name not in table.column_names]
    if lacking:
        raise Invalid(f"{path.name} has no column {', '.join(lacking)}: it was not written by `samechild link`.")
    return table


def _distinct(column: pa.ChunkedArray) -> list[str]:
    return [str(value) for value in pa.compute.unique(column.cast(pa.string())).to_pylist()]


def _by_child(ranked: pa.Table) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """The rows, some thousands at a time, never parting those of one child."""
    names = [name for name in ranked.column_names if _is_given(name)]
    narrow = ranked.select(["source", "record_id", "child_id", *names])
    held: list[dict[str, Any]] = []
    done = 0
    for batch in narrow.to_batches(max_chunksize=AT_ONCE):
        rows = held + batch.to_pylist()
        last = rows[-1]["child_id"] if rows else None
        cut = next((at for at, row in enumerate(rows) if row["child_id"] == last), 0)
        held = rows[cut:]
        if cut:
            done += cut
            yield done, rows[:cut]
    if held:
        yield done + len(held), held


def _load_some(
    store: Store, here: Space, whose: Mapping[str, str], rows: Sequence[dict[str, Any]], now: datetime, count: _Count
) -> dict[Named, str]:
    them = [_coming(store, whose[row["source"]], row) for row in rows]
    with store.read(Login.INDEX) as connection:
        known = known_records(connection, them)
    fresh = record_keys()
    drawn = {each.known[0]: next(fresh) for each in them if (each.owner, each.known[0]) not in known}
    again = [
        row.record_key
        for each in them
        if (row := known.get((each.owner, each.known[0]))) is not None and row.digest != each.digest
    ]
    opened = keys_for(store, [*drawn.values(), *again])
    with store.write(Login.INDEX) as connection:
        tables.hold(connection)
        known = known_records(connection, them)
        key_of = [
            known[each.owner, each.known[0]].record_key
            if (each.owner, each.known[0]) in known
            else drawn[each.known[0]]
            for each in them
        ]
        new = [(key, each) for key, each in zip(key_of, them, strict=True) if (each.owner, each.known[0]) not in known]
        changed = [
            (row.record_key, each)
            for each in them
            if (row := known.get((each.owner, each.known[0]))) is not None and row.digest != each.digest
        ]
        keep(connection, opened, new, changed, [], now)
        child_of = tables.children_of(connection, here.space, key_of)
        drafts = [
            Draft(planned=Planned(Kind.CHANGE, child_of.get(key, ""), "", ()), why={"records": [key]})
            for key, _ in changed
        ]
        aliases: list[tuple[str, str]] = []
        for run_child, its in _grouped(rows, key_of):
            there = [child_of[key] for key in its if key in child_of]
            child = max(sorted(set(there)), key=there.count) if there else token_hex(16)
            drafts += _placed(store, connection, here.space, child, its, child_of)
            aliases.append((store.keys.token(ALIAS, run_child), child))
        owned = {key: Owned(each.owner, each.basis) for key, each in zip(key_of, them, strict=True)}
        write(connection, here.space, drafts, owned, now)
        tables.keep_aliases(connection, here.space, aliases)
    count.new_records += len(new)
    count.new_children += sum(draft.planned.kind is Kind.FOUND for draft in drafts)
    count.linked += sum(draft.planned.kind is Kind.LINK for draft in drafts)
    return {(row["source"], row["record_id"]): key for row, key in zip(rows, key_of, strict=True)}


def _is_given(column: str) -> bool:
    return column.startswith(GIVEN) and column.removeprefix(GIVEN) in fields()


def _coming(store: Store, owner: str, row: Mapping[str, Any]) -> Coming:
    given = {name.removeprefix(GIVEN): str(value) for name, value in row.items() if value and _is_given(name)}
    return coming(store, owner, str(row["source"]), str(row["record_id"]), given, BASIS)


def _grouped(rows: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> Iterable[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for row, key in zip(rows, keys, strict=True):
        found.setdefault(str(row["child_id"]), []).append(key)
    return found.items()


def _placed(
    store: Store, connection: Any, space: str, child: str, keys: Sequence[str], child_of: Mapping[str, str]
) -> list[Draft]:
    """Let those of a child's records that have no child here yet be of this one."""
    free = [key for key in dict.fromkeys(keys) if key not in child_of]
    if not free:
        return []
    if len(free) == len(keys):  # nobody has ruled about records that are all new here
        return [Draft(planned=lifecycle.found({}, child, free, pair=lambda a, b: ""))]
    state = gathered(store, connection, space, [child], keys)
    drafts = []
    for key in free:
        planned = lifecycle.link(state, key, child, partial(pair_in, store, state))
        drafts.append(Draft(planned=planned))
        lifecycle.apply(state, planned.changes)
    return drafts


def _keep_rulings(
    store: Store,
    here: Space,
    keys: Mapping[Named, str],
    pairs: Sequence[tuple[Named, Named]],
    why: Apart,
    now: datetime,
    count: _Count,
) -> None:
    """Rule records apart that a list or a person says are of two children."""
    wanted = [(keys[one], keys[other]) for one, other in pairs if one in keys and other in keys]
    for start in range(0, len(wanted), 200):
        with store.write(Login.INDEX) as connection:
            tables.hold(connection)
            drafts = []
            for one, other in wanted[start : start + 200]:
                state = gathered(store, connection, here.space, [], [one, other])
                token = pair_in(store, state, one, other)
                together = state.get(("member", one)) == state.get(("member", other))
                if ("apart", token) in state or together:
                    continue  # what stands together here is for a person to take apart
                pair = partial(pair_in, store, state)
                drafts.append(Draft(planned=lifecycle.part(state, one, other, why, pair)))
            write(connection, here.space, drafts, {}, now)
            count.apart += len(drafts)


def _keep_answers(
    store: Store, here: Space, keys: Mapping[Named, str], links: pa.Table, now: datetime, count: _Count
) -> None:
    """Keep what people answered in the run, and what the run would ask a person."""
    said = (
        pa.compute.equal(links["human_answer"].cast(pa.string()), "different")
        if "human_answer" in links.column_names
        else None
    )
    if said is not None:
        different = links.filter(pa.compute.fill_null(said, False)).to_pylist()
        _keep_rulings(store, here, keys, [_ends(row) for row in different], Apart.SAID, now, count)
    open_now = links.filter(pa.compute.equal(links["decision"].cast(pa.string()), "ask")).to_pylist()
    for start in range(0, len(open_now), 500):
        some = [(row, *(keys.get(end, "") for end in _ends(row))) for row in open_now[start : start + 500]]
        some = [each for each in some if each[1] and each[2]]
        with store.write(Login.INDEX) as connection:
            child_of = tables.children_of(connection, here.space, [key for _, a, b in some for key in (a, b)])
            rows = tables.records_by_key(connection, list(child_of))
            asked = [
                _question(here.space, row, (a, b), child_of, rows, now) for row, a, b in some if a in rows and b in rows
            ]
            before = asked_before(connection, [(q.record_key, q.other_key) for q in asked])
            fresh = [q for q in asked if frozenset((q.record_key, q.other_key)) not in before]
            questions.open_questions(connection, fresh)
            count.asked += len(fresh)


def _ends(row: Mapping[str, Any]) -> tuple[Named, Named]:
    return (str(row["source_a"]), str(row["record_a"])), (str(row["source_b"]), str(row["record_b"]))


def _question(
    space: str, row: Mapping[str, Any], ends: tuple[str, str], child_of: Mapping[str, str], rows: Mapping[str, Any],
    now: datetime,
) -> Question:  # fmt: skip
    one, other = ends
    pieces = tuple(
        Piece(name.removeprefix("weight_"), str(row.get(name.replace("weight_", "level_", 1)) or ""), float(value))
        for name, value in row.items()
        if name.startswith("weight_") and value
    )
    return Question(
        question=token_hex(16),
        space=space,
        kind=Doubt.CONTRADICTION if child_of.get(one) == child_of.get(other) else Doubt.DOUBT,
        record_key=one,
        owner=rows[one].owner,
        child=child_of[one],
        other_key=other,
        other_owner=rows[other].owner,
        other_child=child_of[other],
        weight=float(row["match_weight"]),
        probability=float(row["match_probability"]),
        opened_at=now,
        ground=str(row.get("reason") or "").split(":")[0],
        evidence=tuple(sorted(pieces, key=lambda piece: -abs(piece.weight))),
    )
