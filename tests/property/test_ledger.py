"""Whatever the size, proofs hold and agree with the definition; whatever is done to an export, it is noticed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from hashlib import sha256
from io import BytesIO

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ledgers import NOW, drafts, head_of, proof_of, public_of, signed_lines
from samechild.policy.ledger.entry import Draft, canonical, draft, entry_bytes, read_entry
from samechild.policy.ledger.proofs import proof_file
from samechild.policy.ledger.standalone import Broken, check_export, check_proof, root_by_proof
from samechild.policy.ledger.tree import (
    EMPTY_ROOT,
    Peak,
    consistency_ranges,
    fold,
    grow,
    inclusion_ranges,
    is_consistent,
    is_included,
    leaf_hash,
    node_hash,
    peak_ranges,
    pieces,
    root_of,
)

# The definitions of RFC 6962 sections 2.1, 2.1.1 and 2.1.2, word for word: slow and obvious


def defined_root(leaves: Sequence[bytes]) -> bytes:
    """MTH."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = greatest_power_below(len(leaves))
    return node_hash(defined_root(leaves[:k]), defined_root(leaves[k:]))


def defined_path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH."""
    if len(leaves) == 1:
        return []
    k = greatest_power_below(len(leaves))
    if m < k:
        return [*defined_path(m, leaves[:k]), defined_root(leaves[k:])]
    return [*defined_path(m - k, leaves[k:]), defined_root(leaves[:k])]


def defined_proof(m: int, leaves: Sequence[bytes], known: bool = True) -> list[bytes]:
    """PROOF and SUBPROOF."""
    if m == len(leaves):
        return [] if known else [defined_root(leaves)]
    k = greatest_power_below(len(leaves))
    if m <= k:
        return [*defined_proof(m, leaves[:k], known), defined_root(leaves[k:])]
    return [*defined_proof(m - k, leaves[k:], False), defined_root(leaves[:k])]


def greatest_power_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


LEAVES = [leaf_hash(str(n).encode()) for n in range(1_200)]
sizes = st.integers(1, len(LEAVES))


def grown(size: int) -> list[Peak]:
    peaks: list[Peak] = []
    for leaf in LEAVES[:size]:
        peaks, _ = grow(peaks, leaf)
    return peaks


@given(sizes)
def test_the_root_is_the_defined_one(size: int) -> None:
    assert root_of(grown(size)) == defined_root(LEAVES[:size])
    assert [1 << height for height, _ in grown(size)] == [end - start for start, end in peak_ranges(size)]


@given(st.data())
def test_inclusion_proofs_are_the_defined_ones_and_hold(drawn: st.DataObject) -> None:
    size = drawn.draw(sizes)
    number = drawn.draw(st.integers(0, size - 1))
    proof = [defined_root(LEAVES[start:end]) for start, end in inclusion_ranges(number, size)]
    root = defined_root(LEAVES[:size])
    assert proof == defined_path(number, LEAVES[:size])
    assert is_included(LEAVES[number], number, size, proof, root)
    assert root_by_proof(LEAVES[number], number, size, proof) == root
    other = drawn.draw(st.integers(0, size - 1).filter(lambda n: n != number) if size > 1 else st.just(-1))
    assert not is_included(LEAVES[number], other, size, proof, root)
    if proof:
        place = drawn.draw(st.integers(0, len(proof) - 1))
        wrong = [*proof[:place], bytes(32), *proof[place + 1 :]]
        assert not is_included(LEAVES[number], number, size, wrong, root)
        assert not is_included(LEAVES[number], number, size, proof[:place] + proof[place + 1 :], root)
    assert not is_included(LEAVES[number], number, size, [*proof, bytes(32)], root)


@given(st.data())
def test_consistency_proofs_are_the_defined_ones_and_hold(drawn: st.DataObject) -> None:
    size = drawn.draw(sizes)
    old = drawn.draw(st.integers(0, size))
    proof = [defined_root(LEAVES[start:end]) for start, end in consistency_ranges(old, size)]
    before, after = defined_root(LEAVES[:old]), defined_root(LEAVES[:size])
    assert proof == (defined_proof(old, LEAVES[:size]) if old else [])
    assert is_consistent(old, size, before, after, proof)
    assert not is_consistent(old, size, bytes(32), after, proof)
    assert not is_consistent(old, size, before, bytes(32), proof) or old == 0
    assert not is_consistent(old, size, before, after, [*proof, bytes(32)])
    if proof:
        place = drawn.draw(st.integers(0, len(proof) - 1))
        assert not is_consistent(old, size, before, after, [*proof[:place], bytes(32), *proof[place + 1 :]])
        assert not is_consistent(old, size, before, after, proof[:place] + proof[place + 1 :])
    if 0 < old < size:
        assert not is_consistent(old, size, EMPTY_ROOT, after, proof)


@given(st.data())
def test_every_range_a_proof_asks_for_is_made_of_kept_subtrees(drawn: st.DataObject) -> None:
    size = drawn.draw(sizes)
    number, old = drawn.draw(st.integers(0, size - 1)), drawn.draw(st.integers(0, size))
    for start, end in inclusion_ranges(number, size) + consistency_ranges(old, size) + peak_ranges(size):
        parts: list[Peak] = []
        for level, first, last in pieces(start, end):
            width = 16**level
            parts += [(4 * level, defined_root(LEAVES[n * width : (n + 1) * width])) for n in range(first, last)]
        assert fold(parts) == defined_root(LEAVES[start:end])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.from_regex(r"[!-~]{1,9}", fullmatch=True), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_canonical_json_is_read_back_and_written_again_the_same(value: object) -> None:
    written = canonical({"value": value})
    read = json.loads(written)
    assert canonical(read) == written
    entry = entry_bytes(draft("sign-in", read, NOW, ["b", "a"]), 3, NOW)
    assert json.dumps(json.loads(entry), ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode() == entry
    assert read_entry(entry).body == read
    assert b"\n" not in entry


# Tampering with an export: everything is noticed by the verifier for third parties, given a known head

MADE = drafts(40)
COMMITS = [1, 1, 3, 1, 8, 2, 1, 1, 5, 1, 1, 7, 2, 1, 5]
LINES = signed_lines(MADE, COMMITS)
HEAD = head_of(LINES)
WHOLE = b"".join(LINES)
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(32))

Dice = random.Random


def flip_a_bit(dice: Dice) -> bytes:
    place = dice.randrange(len(WHOLE))
    return WHOLE[:place] + bytes([WHOLE[place] ^ 1 << dice.randrange(8)]) + WHOLE[place + 1 :]


def change_a_byte(dice: Dice) -> bytes:
    place = dice.randrange(len(WHOLE))
    return WHOLE[:place] + bytes([dice.randrange(256)]) + WHOLE[place + 1 :]


def insert_bytes(dice: Dice) -> bytes:
    place = dice.randrange(len(WHOLE) + 1)
    return WHOLE[:place] + dice.randbytes(dice.randrange(1, 9)) + WHOLE[place:]


def delete_bytes(dice: Dice) -> bytes:
    place = dice.randrange(len(WHOLE))
    return WHOLE[:place] + WHOLE[place + dice.randrange(1, 9) :]


def truncate(dice: Dice) -> bytes:
    return WHOLE[: dice.randrange(len(WHOLE))]


def delete_lines(dice: Dice) -> bytes:
    place = dice.randrange(len(LINES))
    return b"".join(LINES[:place] + LINES[place + dice.randrange(1, 5) :])


def swap_lines(dice: Dice) -> bytes:
    one, two = dice.sample(range(len(LINES)), 2)
    lines = [*LINES]
    lines[one], lines[two] = lines[two], lines[one]
    return b"".join(lines)


def duplicate_a_line(dice: Dice) -> bytes:
    line = dice.choice(LINES)
    place = dice.randrange(len(LINES) + 1)
    return b"".join([*LINES[:place], line, *LINES[place:]])


def shuffle_lines(dice: Dice) -> bytes:
    lines = [*LINES]
    dice.shuffle(lines)
    return b"".join(lines)


def roll_back(dice: Dice) -> bytes:
    ends = [n + 1 for n, line in enumerate(LINES) if line.startswith(b'{"checkpoint"')]
    return b"".join(LINES[: dice.choice(ends[:-1])])


def altered(dice: Dice) -> list[Draft]:
    """Another past: one entry changed, taken away, put in or moved."""
    made = [*MADE]
    place = dice.randrange(len(made))
    put_in = draft("decision", {"n": dice.random().hex()}, made[place].now, [])
    kind = dice.randrange(4)
    if kind == 0:
        made[place] = put_in
    elif kind == 1:
        del made[place]
    elif kind == 2:
        made.insert(place, put_in)
    else:
        other = (place + 1 + dice.randrange(len(made) - 1)) % len(made)
        made[place], made[other] = made[other], made[place]
    return made


def commits_of(dice: Dice, count: int) -> list[int]:
    found: list[int] = []
    while (left := count - sum(found)) > 0:
        found.append(min(left, dice.randrange(1, 10)))
    return found


def sign_another_past(dice: Dice) -> bytes:
    """A fork, signed again from its beginning with the real key."""
    made = altered(dice)
    return b"".join(signed_lines(made, commits_of(dice, len(made))))


def sign_a_fork_from_the_middle(dice: Dice) -> bytes:
    """The true beginning with its true checkpoints, then another continuation under the real key."""
    commit = dice.randrange(len(COMMITS) - 1)
    start = sum(COMMITS[:commit])
    made = [*MADE]
    made[start + dice.randrange(len(MADE) - start)] = draft("outcome", {"n": dice.random().hex()}, MADE[-1].now, [])
    made = [each if n < start else draft(each.kind, {"n": n}, MADE[-1].now, []) for n, each in enumerate(made)]
    return b"".join(signed_lines(made, COMMITS[:commit] + commits_of(dice, len(made) - start)))


def sign_a_longer_fork(dice: Dice) -> bytes:
    made = [*altered(dice), *(draft("sign-in", {"n": n}, MADE[-1].now, []) for n in range(dice.randrange(1, 5)))]
    return b"".join(signed_lines(made, commits_of(dice, len(made))))


def sign_with_another_key(dice: Dice) -> bytes:
    return b"".join(signed_lines(MADE, commits_of(dice, len(MADE)), STRANGER))


TAMPERINGS: list[Callable[[Dice], bytes]] = [
    flip_a_bit,
    change_a_byte,
    insert_bytes,
    delete_bytes,
    truncate,
    delete_lines,
    swap_lines,
    duplicate_a_line,
    shuffle_lines,
    roll_back,
    sign_another_past,
    sign_a_fork_from_the_middle,
    sign_a_longer_fork,
    sign_with_another_key,
]


def entries_of(export: bytes) -> list[bytes]:
    return [line for line in BytesIO(export) if line.startswith(b'{"at"')]


def is_noticed(tampered: bytes) -> bool:
    try:
        check_export(BytesIO(tampered), [public_of()], HEAD)
    except Broken:
        return True
    return False


def tamper(rounds: int, seed: int) -> int:
    """Tamper so often, each time in one of the ways; returns how often, and fails at the first not noticed."""
    dice, done = random.Random(seed), 0
    while done < rounds:
        way = TAMPERINGS[done % len(TAMPERINGS)]
        tampered = way(dice)
        if tampered == WHOLE or (way is sign_another_past and entries_of(tampered) == entries_of(WHOLE)):
            continue  # nothing was changed
        assert is_noticed(tampered), (way.__name__, seed, done)
        done += 1
    return done


def test_the_untouched_export_is_whole() -> None:
    assert check_export(LINES, [public_of()], HEAD) == HEAD


def test_a_thousand_tamperings_are_all_noticed() -> None:
    assert tamper(1_000, 2026) == 1_000


def test_a_proof_with_any_bit_changed_is_noticed() -> None:
    dice = random.Random(3)
    for number in range(0, 40, 3):
        whole = proof_file(proof_of(LINES, number))
        assert check_proof(whole, [public_of()])
        for _ in range(25):
            place = dice.randrange(len(whole))
            flipped = whole[:place] + bytes([whole[place] ^ 1 << dice.randrange(8)]) + whole[place + 1 :]
            with pytest.raises(Broken):
                check_proof(flipped, [public_of()])


@pytest.mark.slow
def test_ten_thousand_tamperings_are_all_noticed() -> None:
    assert tamper(10_000, 6962) == 10_000
