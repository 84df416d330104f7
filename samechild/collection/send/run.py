"""One night's run: check every child here, send what changed in batches, keep the receipts, tell of the rest.

The whole extract is read and checked before the first request: some rules need all of its children. A run may be cut at
any moment: what was answered is kept in the state file batch by batch, what was under way is sent whole the next time,
and sending the same twice adds nothing. Children whose record is malformed are held back before they can spoil a batch.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from samechild.collection.check import Problem, check
from samechild.collection.likeness import Likeness, problems_of_sharing
from samechild.collection.records import Child
from samechild.collection.rules.catalogue import RULES
from samechild.collection.rules.rule import At
from samechild.collection.send.config import Config
from samechild.collection.send.connection import Around, Connection
from samechild.collection.send.deltas import delta, print_of, purge_of
from samechild.collection.send.report import GONE, HELD_BACK, REFUSED, RULE, UNSURE, Note, Report
from samechild.collection.send.sender import Delivered, Failing, Item, body_of, deliver
from samechild.collection.send.status import Kept, Known, Status
from samechild.collection.send.values import canonical
from samechild.collection.send.waiting import Waiting
from samechild.collection.send.window import window_of
from samechild.collection.structure import read_batch
from samechild.errors import SamechildError
from samechild.files.postcodes import NO_DIRECTORY, PostcodeDirectory

MOST_BYTES = 3_000_000
"""Of one request's body; services take 4 MB."""

FAILING = 3
"""After so many batches in a row at which the service fails, a run gives up."""

_LOOKED_AT = 100
_READING = 0.5  # of a run's progress; the rest is sending
_MOST_RULE_NOTES = 200_000

Say = Callable[[str, float], None]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """How one run differs from the usual: everything again, purges beyond the limit, or nothing sent at all."""

    full: bool = False
    allow_purge: bool = False
    dry_run: Path | None = None
    """A folder into which is written what would be sent."""


class Job(msgspec.Struct):
    """What one run works with."""

    config: Config
    status: Status
    connection: Connection | None
    """None: nothing is sent."""
    around: Around
    wanted: Wanted
    report: Report
    failed: int = 0  # in a row
    failures: int = 0
    batch: int = 0
    seen: set[str] = set()
    likeness: Likeness = msgspec.field(default_factory=Likeness)
    postcodes: PostcodeDirectory = NO_DIRECTORY


class Checked(msgspec.Struct, frozen=True):
    """A child of the extract that may be sent: as it was put together, and as the specification reads it."""

    tree: dict[str, Any]
    child: Child


def submit(job: Job, children: Iterable[dict[str, Any]], say: Say = lambda what, share: None) -> Report:
    """Send what changed among ``children``, and tell what became of each.

    An error that ends the run early (the service, the source) stands in the report's ``stopped`` and is raised again
    after it; what was answered before is kept.
    """
    began = job.around.clock()
    today = began.date()
    try:
        with Waiting() as waiting:
            for item in _changed(job, _checked(job, children, today), say):
                waiting.put(item)
            _note_shared(job, today)
            sent = 0
            for batch in _batches(job, waiting.items()):
                say(f"{sent:,} of {len(waiting):,} children sent", _READING + (1 - _READING) * sent / len(waiting))
                _deliver(job, batch)
                sent += len(batch)
        _see_to_gone(job)
        if job.failures:
            raise Failing(f"{job.report.warnings[-1]} Requests not answered for: {job.failures}.")
    except SamechildError as error:
        job.report.stopped = str(error)
        raise
    finally:
        job.report.seconds = round((job.around.clock() - began).total_seconds(), 2)
        if job.connection is not None:
            for name in ("requests", "retries", "sent_bytes"):
                job.report.counts[name] = getattr(job.connection, name)
    return job.report


def _checked(job: Job, children: Iterable[dict[str, Any]], today: date) -> Iterator[Checked]:
    """Hold back children that a service would refuse for their shape; the others go on."""
    iterator = iter(children)
    while some := list(itertools.islice(iterator, _LOOKED_AT)):
        job.report.add("children", len(some))
        body = b"[" + b",".join(map(canonical, some)) + b"]"
        read = read_batch(body, long_ids=job.config.send.long_ids)
        for fault in read.faults:
            own = str(some[fault.position].get("la_child_id", ""))[:40] if fault.position >= 0 else ""
            job.report.notes.append(Note(own, HELD_BACK, fault.rule, "reject", fault.place, fault.words))
        held_back = []
        for tree, child in zip(some, read.children, strict=True):
            if child is None:
                job.report.add("held_back")
                held_back.append(str(tree.get("la_child_id", "")))
            elif child.la_child_id in job.seen:
                words = "stands in the extract more than once; only the first was sent."
                job.report.notes.append(Note(child.la_child_id, HELD_BACK, "STR-22", "error", "", words))
                job.report.add("held_back")
            else:
                job.seen.add(child.la_child_id)
                yield Checked(tree, child)
        if job.wanted.dry_run is None:
            job.status.see(held_back)


def _changed(job: Job, children: Iterator[Checked], say: Say) -> Iterator[Item]:
    """Of each child that changed, what is sent of it."""
    config, status, unchanged = job.config, job.status, list[str]()
    today, expected = job.around.clock().date(), job.status.held()
    for number, checked in enumerate(children, start=1):
        own, known = checked.child.la_child_id, status.known(checked.child.la_child_id)
        now = print_of(checked.tree, status.mark, steady_ids=config.send.steady_ids)
        before = known.print if known is not None else None
        is_new = before is None or before.whole != now.whole or job.wanted.full
        job.likeness.take(checked.child, is_new=is_new)
        if not is_new:
            job.report.add("unchanged")
            unchanged.append(own)
        else:
            job.report.add("new" if before is None else "changed")
            part = before is not None and config.send.mode == "delta" and not job.wanted.full
            tree = delta(checked.tree, before, status.mark) if part and before is not None else checked.tree
            _note_rules(job, checked.child, today)
            yield Item(own, canonical(tree), now)
        if len(unchanged) >= _LOOKED_AT:
            _see(job, unchanged)
        if number % _LOOKED_AT == 0:
            say(f"{number:,} children looked at", _READING * min(1.0, number / expected) if expected else 0.0)
    _see(job, unchanged)


def _see(job: Job, ids: list[str]) -> None:
    if job.wanted.dry_run is None:
        job.status.see(ids)
    ids.clear()


_WORDS = {rule.code: f"{rule.message} {rule.mend}" for rule in RULES}


def _note_rules(job: Job, child: Child, today: date) -> None:
    """Apply the rules that the receiver will apply, so that the list of problems is there at once."""
    start = window_of(today, job.config.source.months).start
    at = At(child=child, today=today, window=start, miles=job.postcodes.miles, exists=job.postcodes.exists)
    for problem in check(at):
        _note(job, child.la_child_id, problem)


def _note_shared(job: Job, today: date) -> None:
    """Apply the rules about two children of an authority, once all of the extract was seen and nothing was sent.

    What a child that is sent shares is told of everybody who shares it, as the receiver will.
    """
    start = window_of(today, job.config.source.months).start
    told: dict[frozenset[str], list[Problem]] = {}
    for own, kinds in job.likeness.shared().items():
        if kinds not in told:
            told[kinds] = problems_of_sharing(kinds, today, start)
        for problem in told[kinds]:
            _note(job, own, problem)


def _note(job: Job, own: str, problem: Problem) -> None:
    job.report.add(f"rules_{problem.grade}")
    if len(job.report.notes) < _MOST_RULE_NOTES:
        words = _WORDS.get(problem.rule, "")
        place = "; ".join(problem.places)
        job.report.notes.append(Note(own, RULE, problem.rule, str(problem.grade), place, words))


def _batches(job: Job, items: Iterable[Item]) -> Iterator[list[Item]]:
    batch: list[Item] = []
    size = 0
    for item in items:
        if batch and (len(batch) == job.config.send.batch or size + len(item.body) > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += len(item.body) + 1
    if batch:
        yield batch


def _deliver(job: Job, batch: Sequence[Item]) -> None:
    """Send one batch and keep what became of it."""
    job.batch += 1
    if job.connection is None:
        if job.wanted.dry_run is not None:
            (job.wanted.dry_run / f"batch-{job.batch:05d}.json").write_bytes(body_of(batch))
        job.report.add("would_be_sent", len(batch))
        return
    before = [(item.la_child_id, job.status.known(item.la_child_id)) for item in batch]
    job.status.about_to_send([item.la_child_id for item in batch])
    delivered: list[Delivered] = []
    try:
        for each in deliver(job.connection, batch):
            delivered.append(each)
    except Failing as error:
        job.failed += 1
        job.failures += 1
        if job.failed >= FAILING:
            raise
        job.report.warnings.append(str(error))
    else:
        job.failed = 0
    finally:
        _keep(job, delivered, before)


def _keep(job: Job, delivered: Sequence[Delivered], before: Sequence[tuple[str, Known | None]]) -> None:
    kept = [Kept(each.item.la_child_id, each.item.print, each.receipt) for each in delivered if each.kept]
    job.status.keep(kept, job.around.clock())
    refused = {each.item.la_child_id for each in delivered if not each.kept and each.sure}
    job.status.not_sent([(own, known) for own, known in before if own in refused])
    for each in delivered:
        if each.kept:
            job.report.add("purged" if each.item.print is None else "kept")
            continue
        became = REFUSED if each.sure else UNSURE
        job.report.add("refused" if each.sure else "not_sure")
        words = f"{each.words} (request {each.request_id})" if each.request_id else each.words
        job.report.notes.append(Note(each.item.la_child_id, became, words=words))


def _see_to_gone(job: Job) -> None:
    """Tell of children that are no longer in the extract; purge them where the settings say so and they are few."""
    if job.wanted.dry_run is not None:
        return
    gone, held = job.status.gone(), job.status.held()
    if not gone:
        return
    job.report.add("gone", len(gone))
    share = 100 * len(gone) / max(held, 1)
    purge = job.config.send.deletions == "purge"
    if purge and share > job.config.send.most_deleted and not job.wanted.allow_purge:
        job.report.warnings.append(
            f"{len(gone):,} of {held:,} children are no longer in the extract, more than most_deleted allows: nothing "
            "was purged. Is the extract whole? If so, run once with --allow-purge."
        )
        purge = False
    if not purge:
        words = "was sent before and is not in the extract; deletions under [send] says whether to purge."
        job.report.notes += [Note(own, GONE, words=words) for own in gone]
        return
    items = [Item(own, canonical(purge_of(own)), None) for own in gone]
    for batch in _batches(job, items):
        _deliver(job, batch)
