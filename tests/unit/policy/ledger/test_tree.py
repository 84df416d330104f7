"""The Merkle tree agrees with the published vectors of RFC 6962's authors, and bad proofs are refused."""

from __future__ import annotations

import pytest

from samechild.errors import Invalid
from samechild.policy.ledger.tree import (
    EMPTY_ROOT,
    consistency_ranges,
    fold,
    grow,
    inclusion_ranges,
    is_consistent,
    is_included,
    leaf_hash,
    peak_ranges,
    pieces,
    root_of,
    root_of_leaves,
)

# Vectors of the Certificate Transparency reference implementation (google/certificate-transparency,
# merkletree/merkle_tree_test.cc, Apache-2.0).
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
A = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
B = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
C = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
D = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
E = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
F = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
INCLUSION = [
    (0, 1, []),
    (0, 8, [A, B, C]),
    (5, 8, [D, E, ROOTS[3]]),
    (2, 3, [ROOTS[1]]),
    (1, 5, [ROOTS[0], B, D]),
]
CONSISTENCY = [(1, 1, []), (1, 8, [A, B, C]), (6, 8, [F, E, ROOTS[3]]), (2, 5, [B, D])]
LEAVES = [leaf_hash(bytes.fromhex(each)) for each in INPUTS]


def hash_of(start: int, end: int) -> bytes:
    return root_of_leaves(LEAVES[start:end])


def test_the_empty_tree() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert root_of([]) == root_of_leaves([]) == EMPTY_ROOT


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_the_published_ones(size: int) -> None:
    assert root_of_leaves(LEAVES[:size]).hex() == ROOTS[size - 1]
    assert root_of([(0, hash_of(*each)) for each in peak_ranges(size)]).hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("number", "size", "proof"), INCLUSION)
def test_inclusion_proofs_are_the_published_ones(number: int, size: int, proof: list[str]) -> None:
    made = [hash_of(*each) for each in inclusion_ranges(number, size)]
    assert [each.hex() for each in made] == proof
    root = bytes.fromhex(ROOTS[size - 1])
    assert is_included(LEAVES[number], number, size, made, root)
    assert not is_included(LEAVES[number - 1], number, size, made, root)
    assert not is_included(LEAVES[number], number, size, [*made, root], root)
    assert not is_included(LEAVES[number], number, size, made[:-1], root) or not made


@pytest.mark.parametrize(("old", "size", "proof"), CONSISTENCY)
def test_consistency_proofs_are_the_published_ones(old: int, size: int, proof: list[str]) -> None:
    made = [hash_of(*each) for each in consistency_ranges(old, size)]
    assert [each.hex() for each in made] == proof
    before, after = bytes.fromhex(ROOTS[old - 1]), bytes.fromhex(ROOTS[size - 1])
    assert is_consistent(old, size, before, after, made)
    assert not is_consistent(old, size, after, before, made) or before == after
    assert not is_consistent(old, size, before, after, [*made, before])


def test_proofs_of_nothing_are_refused() -> None:
    root = hash_of(0, 8)
    assert is_consistent(0, 8, EMPTY_ROOT, root, [])
    assert not is_consistent(0, 8, root, root, [])
    assert not is_consistent(8, 8, EMPTY_ROOT, root, [])
    assert not is_consistent(3, 8, hash_of(0, 3), root, [])
    assert not is_consistent(9, 8, root, root, [root])
    assert not is_consistent(-1, 8, root, root, [root])
    assert not is_included(LEAVES[0], 8, 8, [], root)
    assert not is_included(LEAVES[0], -1, 8, [], root)
    assert not is_included(LEAVES[0], 0, 0, [], EMPTY_ROOT)


@pytest.mark.parametrize(("number", "size"), [(8, 8), (-1, 8), (0, 0)])
def test_there_is_no_proof_of_an_entry_that_is_not_there(number: int, size: int) -> None:
    with pytest.raises(Invalid):
        inclusion_ranges(number, size)


@pytest.mark.parametrize(("old", "size"), [(9, 8), (-1, 8)])
def test_there_is_no_proof_from_a_size_that_never_was(old: int, size: int) -> None:
    with pytest.raises(Invalid):
        consistency_ranges(old, size)


def test_pieces_are_the_largest_kept_subtrees() -> None:
    assert pieces(0, 256 + 16 * 2 + 3) == [(2, 0, 1), (1, 16, 18), (0, 288, 291)]
    assert pieces(512, 1_024) == [(2, 2, 4)]
    assert pieces(5, 6) == [(0, 5, 6)]


def test_growing_tells_every_subtree_that_is_complete() -> None:
    peaks, made = grow([(1, hash_of(0, 2)), (0, LEAVES[2])], LEAVES[3])
    assert peaks == [(2, hash_of(0, 4))]
    assert made == [(0, LEAVES[3]), (1, hash_of(2, 4)), (2, hash_of(0, 4))]
    assert fold([(1, hash_of(0, 2)), (0, LEAVES[2]), (0, LEAVES[3])]) == hash_of(0, 4)
