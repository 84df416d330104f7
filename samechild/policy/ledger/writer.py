"""One commit to the ledger: entries, the subtrees they complete and a signed checkpoint, or nothing at all.

Threads that ask at the same moment share one commit, processes take turns, and before anything is added the ledger's
end is compared with what the witness knows, so that a ledger put back to an older state is never continued.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from threading import Condition
from weakref import WeakKeyDictionary, finalize

import msgspec
import sqlalchemy as sa

from samechild.errors import SamechildError, Unavailable
from samechild.keys.register import Signer
from samechild.keys.store import wrapped_keys
from samechild.policy.ledger import store as tables
from samechild.policy.ledger.checkpoint import (
    FIRST,
    Checkpoint,
    in_text,
    is_signed_by,
    key_hash,
    origin_of,
    read_checkpoint,
    sign,
)
from samechild.policy.ledger.entry import ACCEPT, Draft, announcement, draft, entry_bytes
from samechild.policy.ledger.tree import ARITY_BITS, EMPTY_ROOT, Peak, grow, leaf_hash, peak_ranges, root_of
from samechild.policy.ledger.witness import Witness
from samechild.sql.columns import moment_text
from samechild.storage import Login, Store

TOLERANCE = timedelta(seconds=5)
"""Clocks of several machines may differ by so much; an entry is never dated before the one it follows."""

MOST_TOGETHER = 256
"""So many entries share one commit at most."""

_CLOCK = (
    "This machine's clock stands before the last entry of the ledger, so nothing is disclosed: set the clock right. If "
    "the ledger's last time is the wrong one, an officer runs `samechild ledger accept`."
)
_OLDER = (
    "The ledger is older than its witness knows it, so nothing is disclosed: a backup was restored, or entries were "
    "taken away. Restore a newer one; if none exists, an officer runs `samechild ledger accept`."
)
_FORKED = (
    "The ledger and its witness tell two different pasts, so nothing is disclosed: run `samechild ledger verify` and "
    "find out which of them was changed."
)
_NO_WITNESS = (
    "The ledger's witness is not where the settings say, so nothing is disclosed: bring back its folder; if it is lost "
    "or the installation has moved, an officer runs `samechild ledger accept`."
)
_CHANGED = (
    "The ledger's rows do not fit its last checkpoint, so nothing is disclosed: run `samechild ledger verify`, then "
    "restore a backup."
)
_STRANGER = (
    "The key that would sign the ledger was never announced in it, so nothing is disclosed: restore the keys that "
    "belong to this ledger."
)
_FAILED = "The ledger could not be written, so nothing is disclosed: try again shortly, then look at its database."


class _Waiting:
    """One entry on its way, and what became of it."""

    __slots__ = ("draft", "error", "number")

    def __init__(self, prepared: Draft) -> None:
        self.draft = prepared
        self.number = -1
        self.error: SamechildError | None = None

    @property
    def is_done(self) -> bool:
        return self.number >= 0 or self.error is not None


class _Tip(msgspec.Struct, frozen=True):
    """The end of the ledger: its newest checkpoint and the complete subtrees the next entry is added to."""

    checkpoint: Checkpoint | None
    peaks: list[Peak]
    signed_by: bytes = b""  # the key whose signature of the checkpoint this process made or checked

    @property
    def size(self) -> int:
        return self.checkpoint.size if self.checkpoint else 0

    @property
    def head(self) -> str:
        return self.checkpoint.head if self.checkpoint else f"0:{in_text(EMPTY_ROOT)}"


class Writer:
    """What one process remembers of the ledger's end, and the queue of those who want to add to it."""

    def __init__(self) -> None:
        self._turn = Condition()
        self._queue: list[_Waiting] = []
        self._busy = False
        self._tip: _Tip | None = None
        self._witness: Witness | None = None
        self._behind = True  # whether the witness may lack checkpoints that the ledger has

    def append(self, store: Store, prepared: Sequence[Draft]) -> list[int]:
        """Queue entries, share commits with whoever else is waiting, and return their numbers."""
        mine = [_Waiting(each) for each in prepared]
        with self._turn:
            self._queue += mine
        while together := self._take_lead(mine):
            self._lead(store, together)
        for each in mine:
            if each.error is not None:
                raise type(each.error)(*each.error.args)  # afresh: several threads may be told of one failure
        return [each.number for each in mine]

    def _take_lead(self, mine: list[_Waiting]) -> list[_Waiting]:
        """Wait until all of ``mine`` is done (empty), or until it is this thread's turn to commit for others too."""
        with self._turn:
            self._turn.wait_for(lambda: not self._busy or all(each.is_done for each in mine))
            if all(each.is_done for each in mine):
                return []
            together, self._queue = self._queue[:MOST_TOGETHER], self._queue[MOST_TOGETHER:]
            self._busy = True
            return together

    def _lead(self, store: Store, together: list[_Waiting]) -> None:
        """Commit for several; each is then done, one way or the other."""
        failed: SamechildError = Unavailable(_FAILED)
        try:
            numbers = self._commit(store, together)
        except (SamechildError, sa.exc.SQLAlchemyError, OSError) as error:
            failed = error if isinstance(error, Unavailable) else failed
            numbers = {}
        except BaseException:
            self._forget(together, failed)
            raise
        if not numbers:
            self._forget(together, failed)
            return
        with self._turn:
            for each in together:
                each.number = numbers.get(id(each), -1)
            self._busy = False
            self._turn.notify_all()

    def _forget(self, together: list[_Waiting], failed: SamechildError) -> None:
        """After a failure nothing remembered counts: the next commit reads the ledger's end afresh."""
        with self._turn:
            for each in together:
                each.error = each.error or failed
            self._tip, self._behind, self._busy = None, True, False
            self._turn.notify_all()

    def accept(self, store: Store, who: str, now: datetime) -> int:
        """Write an officer's word that the ledger as it stands is the true one, in the witness and in the ledger."""
        with self._turn:
            self._turn.wait_for(lambda: not self._busy)
            self._busy = True
        waiting: list[_Waiting] = []
        try:
            with store.write(Login.LEDGER) as connection:
                tables.take_turn(connection)
                tip = _tip_of(connection, None)
                signer = _signer(store, connection, tip)
                witness = Witness(store.witness, _origin(store, tip))
                waiting = [_Waiting(_acceptance(tip, witness, who, now))]
                witness.accept(tip.head)
                tip, numbers = _add(connection, tip, _origin(store, tip), signer, waiting)
            witness.write([tip.checkpoint] if tip.checkpoint else [])
            return numbers[id(waiting[0])]
        finally:
            self._witness = None
            self._forget(waiting, Unavailable(_FAILED))

    def _commit(self, store: Store, together: list[_Waiting]) -> dict[int, int]:
        """Append in one transaction, then tell the witness; returns numbers by the identity of who waits."""
        with store.write(Login.LEDGER) as connection:
            tables.take_turn(connection)
            tip = _tip_of(connection, self._tip)
            signer = _signer(store, connection, tip)
            witness = self._witness_of(store, tip)
            missed = self._agree(connection, witness, tip)
            grown, numbers = _add(connection, tip, _origin(store, tip), signer, together)
        if grown.checkpoint is not None and grown is not tip:
            witness.write([*missed, grown.checkpoint])
            self._behind = False
        self._tip = grown
        return numbers

    def _witness_of(self, store: Store, tip: _Tip) -> Witness:
        if self._witness is None:
            self._witness = Witness(store.witness, _origin(store, tip))
            finalize(store, self._witness.sync)  # at close, and when the program ends
        return self._witness

    def _agree(self, connection: sa.Connection, witness: Witness, tip: _Tip) -> list[Checkpoint]:
        """Compare the ledger's end with the witness; returns the checkpoints the witness still lacks."""
        known = witness.look()
        if known is None:
            if tip.size:
                raise Unavailable(_NO_WITNESS)
            witness.begin()
            return []
        if known.size > tip.size:
            raise Unavailable(_OLDER)
        if not self._behind:
            return []
        if known.note:
            same = tables.checkpoints(connection, known.size - 1, known.size)
            if [each.note for each, _ in same] != [known.note]:
                raise Unavailable(_FORKED)
        missed: list[Checkpoint] = []
        while page := tables.checkpoints(connection, missed[-1].size if missed else known.size, tip.size):
            missed += [each for each, _ in page]
        return missed


_WRITERS: WeakKeyDictionary[Store, Writer] = WeakKeyDictionary()
"""One writer for each open installation of this process, so that its threads share commits; gone when it is closed."""


def writer_of(store: Store) -> Writer:
    """The writer that all threads working with an open installation share."""
    return _WRITERS.setdefault(store, Writer())


def _tip_of(connection: sa.Connection, remembered: _Tip | None) -> _Tip:
    """The ledger's end: as remembered when nobody else added, else read and checked."""
    note = tables.last_note(connection)
    if note is None:
        return _Tip(None, [])
    if remembered and remembered.checkpoint and remembered.checkpoint.note == note:
        return remembered
    checkpoint = read_checkpoint(note)
    ranges = peak_ranges(checkpoint.size)
    hashes = tables.hashes_of(connection, ranges)
    peaks = [((end - start).bit_length() - 1, top) for (start, end), top in zip(ranges, hashes, strict=True) if top]
    if root_of(peaks) != checkpoint.root:
        raise Unavailable(_CHANGED)
    return _Tip(checkpoint, peaks)


def _origin(store: Store, tip: _Tip) -> str:
    """Which ledger this is: named after the first key that ever signed it."""
    return tip.checkpoint.origin if tip.checkpoint else origin_of(next(iter(store.keys.public_keys().values())))


def _signer(store: Store, connection: sa.Connection, tip: _Tip) -> Signer:
    """Who signs: the key of the last checkpoint, or one that was announced; another process may have changed keys."""
    signer = store.keys.signer()
    if tip.checkpoint is None:
        return signer
    if tip.signed_by == signer.public:
        return signer
    if key_hash(tip.checkpoint.origin, signer.public) != tip.checkpoint.key_hash:
        store.keys.take(wrapped_keys(connection))
        signer = store.keys.signer()
    if is_signed_by(tip.checkpoint, signer.public):
        return signer
    if not tables.is_referred_to(connection, announcement(signer.public)):
        raise Unavailable(_STRANGER)
    return signer


def _acceptance(tip: _Tip, witness: Witness, who: str, now: datetime) -> Draft:
    known = witness.look()
    body = {
        "by": who,
        "head": tip.head,
        "last": moment_text(tip.checkpoint.at) if tip.checkpoint else "",
        "witness": "none" if known is None else known.size,
    }
    return draft(ACCEPT, body, now, [])


def _add(
    connection: sa.Connection, tip: _Tip, origin: str, signer: Signer, together: list[_Waiting]
) -> tuple[_Tip, dict[int, int]]:
    """Append what is waiting, and a checkpoint; who comes with a clock gone back is left out, with the reason."""
    number, peaks, last = tip.size, tip.peaks, tip.checkpoint.at if tip.checkpoint else None
    entries, references, subtrees, numbers = [], [], [], {}
    for each in together:
        at = each.draft.now
        if last and at < last and each.draft.kind != ACCEPT:
            if at < last - TOLERANCE:
                each.error = Unavailable(_CLOCK)
                continue
            at = last
        written = entry_bytes(each.draft, number, at)
        leaf = leaf_hash(written)
        peaks, made = grow(peaks, leaf)
        entries.append((number, leaf, at, each.draft.kind, written))
        references += [(reference, number) for reference in each.draft.references]
        subtrees += [
            (height // ARITY_BITS, number >> height, top) for height, top in made[1:] if height % ARITY_BITS == 0
        ]
        numbers[id(each)], number, last = number, number + 1, at
    if last is None or not entries:
        return tip, numbers
    before = tip.checkpoint.chain if tip.checkpoint else FIRST
    checkpoint = sign(signer.private, origin, number, root_of(peaks), last, before)
    tables.add(connection, entries, references, subtrees)
    tables.add_checkpoint(connection, checkpoint, signer.public)
    return _Tip(checkpoint, peaks, signer.public), numbers
