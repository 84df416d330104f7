"""Ledgers for tests: made by hand from entries and a key, whole or forged, and what a decision about a child says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from samechild.policy.ledger import append, append_all, export
from samechild.policy.ledger.checkpoint import FIRST, in_text, origin_of, sign
from samechild.policy.ledger.entry import Draft, draft, entry_bytes
from samechild.policy.ledger.proofs import Proof
from samechild.policy.ledger.standalone import FORMAT
from samechild.policy.ledger.tree import Peak, grow, inclusion_ranges, leaf_hash, root_of, root_of_leaves
from samechild.policy.ledger.witness import line_of
from samechild.records.disclosure import Ask, Asker, Decision, Effect, Emergency, Judgement, Mode, Reason, Scope, Spread
from samechild.storage import Store

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def public_of(key: Ed25519PrivateKey = KEY) -> bytes:
    """The 32 public bytes of a key."""
    return key.public_key().public_bytes_raw()


def drafts(count: int) -> list[Draft]:
    """Entries of several kinds and sizes, a second apart."""
    kinds = ("decision", "outcome", "sign-in")
    return [
        draft(kinds[n % 3], {"count": n, "rules": ["a"] * (n % 4)}, NOW + timedelta(seconds=n), [f"{n % 5:032x}"])
        for n in range(count)
    ]


def signed_lines(
    made: Sequence[Draft],
    commits: Sequence[int],
    key: Ed25519PrivateKey = KEY,
    origin: str = "",
    keys: Sequence[bytes] = (),
) -> list[bytes]:
    """An export of these entries, put together by hand with ``commits`` saying how many each commit holds."""
    origin = origin or origin_of(public_of(key))
    names = ",".join(f'"{in_text(each)}"' for each in keys or [public_of(key)])
    lines = [f'{{"format":"{FORMAT}","keys":[{names}],"origin":"{origin}"}}\n'.encode()]
    peaks: list[Peak] = []
    before, number = FIRST, 0
    for commit in commits:
        for each in made[number : number + commit]:
            written = entry_bytes(each, number, each.now)
            peaks, _ = grow(peaks, leaf_hash(written))
            lines.append(written + b"\n")
            number += 1
        checkpoint = sign(key, origin, number, root_of(peaks), made[number - 1].now, before)
        before = checkpoint.chain
        lines.append(line_of(checkpoint))
    return lines


def head_of(lines: Sequence[bytes]) -> tuple[int, bytes]:
    """Size and root of the entries in an export."""
    peaks: list[Peak] = []
    entries = [line for line in lines[1:] if line.startswith(b'{"at"')]
    for line in entries:
        peaks, _ = grow(peaks, leaf_hash(line.rstrip(b"\n")))
    return len(entries), root_of(peaks)


def proof_of(lines: Sequence[bytes], number: int, key: Ed25519PrivateKey = KEY) -> Proof:
    """A proof of one entry of an export made by hand."""
    entries = [line[:-1] for line in lines[1:] if line.startswith(b'{"at"')]
    leaves = [leaf_hash(each) for each in entries]
    hashes = [in_text(root_of_leaves(leaves[start:end])) for start, end in inclusion_ranges(number, len(leaves))]
    note = json.loads(lines[-1])["checkpoint"]
    entry, public = entries[number].decode(), in_text(public_of(key))
    return Proof(number=number, entry=entry, hashes=hashes, checkpoint=note, key=public)


def fill(store: Store, count: int, start: int = 0) -> None:
    """Write some entries, one commit each, a second apart."""
    for each in range(start, start + count):
        append(store, "sign-in", {"count": each}, NOW + timedelta(seconds=each), [f"{each % 3:032x}"])


def fill_at_once(store: Store, count: int, start: int = 0) -> None:
    """Write many entries in few commits."""
    told = [({"count": each}, [f"{each % 3:032x}"]) for each in range(start, start + count)]
    append_all(store, "sign-in", told, NOW + timedelta(seconds=start))


def exported(store: Store, folder: Path, name: str = "ledger.ndjson") -> Path:
    """Write a store's ledger into a folder."""
    export(store, folder / name, lambda what, share: None, force=True)
    return folder / name


def a_decision(
    *,
    allowed: bool = True,
    shadow: bool = False,
    may_know: bool = True,
    record_keys: tuple[str, ...] = ("child-1",),
    now: datetime = NOW,
) -> Decision:
    """A decision about one child's school, with everything a careless ledger might leak in it."""
    return Decision(
        ask=Ask(
            who=Asker(user="user-7", organisation="org-1", role="social worker", factors=2),
            purpose="safeguarding",
            mode=Mode.CONTENT,
            record_type="education.setting",
            owner="org-2",
            scope=Scope(Spread.CHILD, record_keys, ("surname",), ("f00d" * 8,)),
            now=now,
            power="children-act-2004-section-11",
            basis="6(1)(e)",
            condition="",
            confidence="safeguarding",
            judgement=Judgement("user-9", now, "Zebedee Quillfeather told the school nurse"),
            emergency=Emergency("Zebedee Quillfeather is in danger", "user-8"),
        ),
        allowed=allowed,
        reasons=(Reason("involved-worker", Effect.ALLOW if allowed else Effect.FORBID, "You are not involved."),),
        policy_version=3,
        agreement="agreement-4.2",
        may_know=may_know,
        shadow=shadow,
    )
