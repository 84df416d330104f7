"""What a new model would change in an index, told before anything does: a diff of the children, not a promise.

A model is linked over the whole space beside the index, with what people decided, and compared with how the records
stand: which children would be put together, which would come apart, what people would be asked anew. Nothing is written
until somebody applies it; then each change is a step of the index like any other, and can be taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from samechild.errors import Conflict, Invalid, Missing
from samechild.index import actions
from samechild.index import review_store as questions
from samechild.index import store as tables
from samechild.index.gathering import pair_tokens
from samechild.index.models import keep_model
from samechild.index.review_labels import Label, as_said, labels_in
from samechild.index.review_queue import check_reviewer
from samechild.linkage.actions import Options, link
from samechild.linkage.frequencies import Frequencies
from samechild.linkage.model import Model
from samechild.linkage.request import stored_model
from samechild.policy import ledger
from samechild.policy.identities import who_they_are
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store

EXAMPLES = 20
Progress = Callable[[str, float], None]


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """Children that would be one, or fall apart, together: the children now, and the groups their records would form.

    Ids only: who they are is opened through the gate.
    """

    children: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]

    @property
    def kind(self) -> str:
        """``merged``, ``split``, or ``rearranged`` when both happen."""
        if len(self.groups) == 1:
            return "merged"
        return "split" if len(self.children) == 1 else "rearranged"


class Diff(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between how records stand and how they would: in the order of children's ids."""

    unchanged: int
    shifts: tuple[Shift, ...]

    def count(self, kind: str) -> int:
        """How many children now are concerned by shifts of a kind."""
        return sum(len(shift.children) for shift in self.shifts if shift.kind == kind)


class DryRun(msgspec.Struct, frozen=True, kw_only=True):
    """The whole answer of a dry run. ``state_hash`` is the state of the space that it was made from.

    ``held_apart`` counts shifts left out because people ruled two of the records apart; ``new_questions`` are pairs
    people would be asked about and are not asked about now, ``dropped_questions`` those no longer in doubt.
    ``labels_right`` of ``labels`` decisions of people the model comes to by itself.
    """

    space: str
    model: str
    state_hash: str
    records: int
    children_now: int
    children_then: int
    diff: Diff
    held_apart: int
    new_questions: tuple[tuple[str, str], ...]
    dropped_questions: int
    labels: int
    labels_right: int


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What applying did: steps of the index by number, and how many could not be done."""

    merged: tuple[int, ...]
    split: tuple[int, ...]
    left_out: int


def difference(now: Mapping[str, str], then: Mapping[str, str]) -> Diff:
    """Compare two ways in which the same records form children.

    Args:
        now: the child of each record.
        then: the group of each record under the new model; a record that is not in it stays as it is.
    """
    group_of = {key: then.get(key, f"as now {child}") for key, child in now.items()}
    top = {("child", child): ("child", child) for child in now.values()}
    top |= {("group", group): ("group", group) for group in group_of.values()}

    def find(node: tuple[str, str]) -> tuple[str, str]:
        while top[node] != node:
            top[node] = top[top[node]]
            node = top[node]
        return node

    for key, child in now.items():
        top[find(("child", child))] = find(("group", group_of[key]))
    parts: dict[tuple[str, str], list[str]] = {}
    for key in sorted(now):
        parts.setdefault(find(("child", now[key])), []).append(key)
    shifts: list[Shift] = []
    unchanged = 0
    for keys in parts.values():
        children = tuple(sorted({now[key] for key in keys}))
        groups: dict[str, list[str]] = {}
        for key in keys:
            groups.setdefault(group_of[key], []).append(key)
        if len(children) == 1 and len(groups) == 1:
            unchanged += 1
        else:
            shifts.append(Shift(children=children, groups=tuple(sorted(map(tuple, groups.values())))))
    return Diff(unchanged=unchanged, shifts=tuple(sorted(shifts, key=lambda shift: shift.children)))


def read_model(path: Path) -> tuple[Model, dict[str, Frequencies]]:
    """Read a model file that ``samechild link`` wrote: ``model.json`` with ``model.extra.json`` beside it.

    Raises:
        Missing: when there is no such file.
        Invalid: when it cannot be read, is not trained, or comes without the frequencies of names.
    """
    model, frequencies = stored_model(path)
    if not model.is_trained or frequencies is None:
        raise Invalid(f"{path.name} is not whole: give the model.json of a run, with model.extra.json beside it.")
    return model, frequencies


def dry_run(
    store: Store,
    by: Asker,
    space: str,
    model: Model,
    frequencies: Mapping[str, Frequencies],
    now: datetime,
    progress: Progress = lambda words, share: None,
) -> DryRun:
    """Say what a model would change in a space, and change nothing.

    Closed identities take no part, and what people ruled stays ruled.

    Raises:
        Missing: when the asker's organisation is no member of the space.
        Refused: when the asker is no reviewer.
        Invalid: when the space has no records, or the model cannot be used.
    """
    check_reviewer(store, by, space, now)
    _note(store, by, space, "dry-run", model.name, now)
    with store.read(Login.INDEX) as index:
        head = tables.head(index, space)
        members = {row[0]: row for row in tables.every_member(index, space)}
        lines = tables.every_line(index, space)
        labels = labels_in(index, space)
        asked = {_both(each.asked.record_key, each.asked.other_key) for each in questions.open_in(index, space, 10**6)}
        taken = {key: row for key, row in members.items() if ("sealed", key) not in lines}
        given = _given(store, index, taken)
    if head is None or not given:
        raise Invalid("This space holds no records yet: load a linked folder into it first.")
    named = {key: (_source(row), key) for key, row in taken.items()}
    options = Options(today=now.date(), model=model, frequencies=frequencies, said=as_said(labels, named), summed=False)
    result = link(_table(given, taken), options, progress)
    then = dict(zip(_texts(result.children, "record_id"), _texts(result.children, "child_id"), strict=True))
    free = link(_table(given, taken), msgspec.structs.replace(options, said=())) if labels else result
    now_of = {key: row[3] for key, row in taken.items()}
    diff = difference(now_of, then)
    kept, held_apart = _as_ruled(store, diff, lines)
    review = {
        _both(one, other)
        for one, other in zip(_texts(result.review, "record_a"), _texts(result.review, "record_b"), strict=True)
    }
    return DryRun(
        space=space,
        model=model.name,
        state_hash=head[0],
        records=len(taken),
        children_now=len(set(now_of.values())),
        children_then=len(set(now_of.values())) + sum(len(s.groups) - len(s.children) for s in kept.shifts),
        diff=kept,
        held_apart=held_apart,
        new_questions=tuple(sorted(review - asked)),
        dropped_questions=len(asked - review),
        labels=len(labels),
        labels_right=_right(labels, free.children),
    )


def apply(
    store: Store,
    by: Asker,
    run: DryRun,
    model: Model,
    frequencies: Mapping[str, Frequencies],
    now: datetime,
) -> Applied:
    """Let a space use the model from now on, and do what its dry run showed; each change is a step of its own.

    Raises:
        Conflict: when the space has changed since the dry run: run it again.
        Missing, Refused: as :func:`dry_run`.
    """
    check_reviewer(store, by, run.space, now)
    with store.read(Login.INDEX) as index:
        head = tables.head(index, run.space)
    if head is None or head[0] != run.state_hash or model.name != run.model:
        raise Conflict("The index has changed since this dry run, or it was of another model: make it again first.")
    _note(store, by, run.space, "apply-model", model.name, now)
    keep_model(store, run.space, model, frequencies, now)
    merged: list[int] = []
    split: list[int] = []
    left_out = 0
    for shift in run.diff.shifts:
        try:
            split += _taken_apart(store, by, run.space, shift, now)
            merged += _put_together(store, by, run.space, shift, now)
        except (Conflict, Missing):
            left_out += 1
    return Applied(merged=tuple(merged), split=tuple(split), left_out=left_out)


def _taken_apart(store: Store, by: Asker, space: str, shift: Shift, now: datetime) -> list[int]:
    """Take each child apart along the groups; of each child the largest part keeps the identifier."""
    done = []
    with store.read(Login.INDEX) as index:
        child_of = tables.children_of(index, space, [key for group in shift.groups for key in group])
    for child in shift.children:
        parts = [[key for key in group if child_of.get(key) == child] for group in shift.groups]
        for part in sorted((each for each in parts if each), key=lambda each: (-len(each), each))[1:]:
            done.append(actions.split(store, by, space, child, part, "", now).number)
    return done


def _put_together(store: Store, by: Asker, space: str, shift: Shift, now: datetime) -> list[int]:
    """Put together what each group brings together; the child with most records keeps its identifier."""
    done = []
    for group in shift.groups:
        with store.read(Login.INDEX) as index:
            child_of = tables.children_of(index, space, group)
        sizes: dict[str, int] = {}
        for child in child_of.values():
            sizes[child] = sizes.get(child, 0) + 1
        first, *others = sorted(sizes, key=lambda child: (-sizes[child], child))
        done += [actions.merge(store, by, space, first, other, "", now).number for other in others]
    return done


def _as_ruled(store: Store, diff: Diff, lines: Mapping[tuple[str, str], str]) -> tuple[Diff, int]:
    """Leave out what would bring together records that people ruled apart."""
    if not any(what == "apart" for what, _ in lines):
        return diff, 0

    def ruled(group: Sequence[str]) -> bool:
        return any(
            ("apart", token) in lines
            for one, other in combinations(group, 2)
            for token in pair_tokens(store, one, other)
        )

    kept = tuple(shift for shift in diff.shifts if not any(ruled(group) for group in shift.groups))
    return msgspec.structs.replace(diff, shifts=kept), len(diff.shifts) - len(kept)


def _right(labels: Iterable[Label], children: pa.Table) -> int:
    """Of people's decisions those the model comes to by itself."""
    then = dict(zip(_texts(children, "record_id"), _texts(children, "child_id"), strict=True))
    return sum(
        (then[each.record_key] == then[each.other_key]) is each.same
        for each in labels
        if each.record_key in then and each.other_key in then
    )


def _both(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one <= other else (other, one)


def _source(row: Sequence[str]) -> str:
    """One name for a source of one owner: two organisations may call their files alike."""
    return f"{row[1]} {row[2]}"


def _given(store: Store, index: Any, taken: Mapping[str, Any]) -> dict[str, Mapping[str, str]]:
    return {who.record_key: who.values for some in who_they_are(store, index, list(taken)) for who in some}


def _table(given: Mapping[str, Mapping[str, str]], taken: Mapping[str, Any]) -> pa.Table:
    """The records as the table that linking takes, each under its opaque key."""
    names = sorted({name for values in given.values() for name in values} - {"source", "record_id", "row"})
    columns: dict[str, pa.Array] = {
        "source": pa.array([_source(taken[key]) for key in given], pa.string()),
        "record_id": pa.array(list(given), pa.string()),
        "row": pa.array(range(1, len(given) + 1), pa.int64()),
    }
    for name in names:
        columns[name] = pa.array([values.get(name) for values in given.values()], pa.string())
    return pa.table(columns)


def _texts(table: pa.Table, name: str) -> list[str]:
    return list(table.column(name).cast(pa.string()).to_pylist())


def _note(store: Store, by: Asker, space: str, event: str, model: str, now: datetime) -> None:
    body = {"event": event, "space": space, "model": model, "by": by.user, "organisation": by.organisation}
    ledger.append(store, "index", body, now)


def in_words(run: DryRun) -> list[str]:
    """The dry run as lines to read, with examples by id."""
    diff = run.diff
    told = [
        f"Model {run.model} over {run.records:,} records of {run.children_now:,} children; nothing was changed.",
        f"Stay as they are: {diff.unchanged:,} children.",
        f"Would be put together: {diff.count('merged'):,} children into "
        f"{sum(shift.kind == 'merged' for shift in diff.shifts):,}.",
        f"Would come apart: {diff.count('split'):,} children into "
        f"{sum(len(shift.groups) for shift in diff.shifts if shift.kind == 'split'):,}.",
        f"Would be rearranged: {diff.count('rearranged'):,} children.",
        f"Left alone because people ruled records apart: {run.held_apart:,}.",
        f"People would be asked about {len(run.new_questions):,} pairs more; {run.dropped_questions:,} open questions "
        "would no longer be in doubt.",
    ]
    if run.labels:
        told.append(f"Of {run.labels:,} decisions people have made, the model alone comes to {run.labels_right:,}.")
    for shift in diff.shifts[:EXAMPLES]:
        told.append(f"  {shift.kind}: {' '.join(shift.children)}")
    return told
