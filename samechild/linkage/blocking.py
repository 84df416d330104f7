"""Which pairs are worth comparing: a million records make half a million million pairs, nearly all of them strangers.

Each rule gives every record a key; only records with an equal key meet. Keys are packed into 64-bit integers and
sorted, so that a rule costs one sort. A block that is too large (one name and date held by thousands of records) is
not compared under that rule, and the report says so: work stays bounded whatever the data hold.
"""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from samechild.errors import Invalid
from samechild.linkage.coded import Coded, CodedTable, Codes, Indices
from samechild.linkage.model import BlockingRule, KeyPart
from samechild.linkage.summary import BlockingCount

RULE_BITS = 6
MOST_RULES = 1 << (RULE_BITS - 1)


class Blocked(msgspec.Struct, frozen=True):
    """The pairs to compare, each once, left index below right, sorted; ``rules`` has one bit for each rule."""

    left: Codes
    right: Codes
    rules: NDArray[np.uint32]
    counts: list[BlockingCount]

    def __len__(self) -> int:
        return len(self.left)


def block(table: CodedTable, rules: tuple[BlockingRule, ...], largest: int, threads: int = 2) -> Blocked:
    """Find every pair of records that agrees on all parts of at least one rule.

    Which rules are used, and what is refused, is said at :func:`usable_rules`.
    """
    usable = usable_rules(rules, table.columns)
    index_bits = max(1, int(table.rows - 1).bit_length()) if table.rows else 1

    def one(number: int) -> tuple[NDArray[np.int64], list[int]]:
        keys, records = _keys(table, usable[number])
        left, right, sizes = _pairs_within(keys, records, largest, usable[number].most_pairs)
        low, high = np.minimum(left, right), np.maximum(left, right)
        low <<= index_bits
        low |= high
        low <<= RULE_BITS
        low |= number
        return low, sizes

    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(one, range(len(usable))))
    packed = np.concatenate([each for each, _ in found])
    packed.sort()
    return _unpacked(packed, index_bits, usable, [sizes for _, sizes in found])


def usable_rules(rules: tuple[BlockingRule, ...], fields: Collection[str]) -> tuple[BlockingRule, ...]:
    """The rules that need no field but these; the others are passed over.

    Raises :class:`Invalid` when that leaves none, or more than 32.
    """
    usable = tuple(rule for rule in rules if all(part.column in fields for part in rule.parts))
    if not usable:
        needs = sorted({part.column for rule in rules for part in rule.parts})
        raise Invalid(f"no blocking rule can be used: the files have none of the fields {', '.join(needs)}")
    if len(usable) > MOST_RULES:
        raise Invalid(f"the model has {len(usable)} blocking rules; at most {MOST_RULES} can be used together")
    return usable


def _unpacked(
    packed: NDArray[np.int64], index_bits: int, rules: tuple[BlockingRule, ...], sizes: list[list[int]]
) -> Blocked:
    pairs = packed >> RULE_BITS
    first = np.empty(len(pairs), bool)
    first[:1] = True
    np.not_equal(pairs[1:], pairs[:-1], out=first[1:])
    starts = np.flatnonzero(first)
    bits = np.left_shift(np.uint32(1), (packed & ((1 << RULE_BITS) - 1)).astype(np.uint32))
    masks = np.bitwise_or.reduceat(bits, starts) if len(starts) else bits
    pairs = pairs[starts]
    counts = []
    for number, rule in enumerate(rules):
        bit = np.uint32(1 << number)
        counts.append(
            BlockingCount(
                rule.name,
                int(np.count_nonzero(masks & bit)),
                int(np.count_nonzero(masks == bit)),
                *sizes[number],
            )
        )
    left = (pairs >> index_bits).astype(np.int32)
    right = (pairs & ((1 << index_bits) - 1)).astype(np.int32)
    return Blocked(left, right, masks, counts)


def _keys(table: CodedTable, rule: BlockingRule) -> tuple[NDArray[np.int64], Indices]:
    """Pack a rule's parts into one integer for each record that has them all (several for fields of many values)."""
    records: Indices = np.arange(table.rows, dtype=np.int64)
    keys = np.zeros(table.rows, np.int64)
    span = 1
    for part in sorted(rule.parts, key=lambda each: table[each.column].is_list):
        column = table[part.column]
        codes = column.codes[records]
        records, keys, codes = records[codes >= 0], keys[codes >= 0], codes[codes >= 0]
        if column.is_list:
            members, offsets, distinct = _members(column, part)
            lengths = offsets[codes + 1] - offsets[codes]
            which = np.repeat(np.arange(len(records)), lengths)
            within = np.arange(len(which)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
            values = members[offsets[codes[which]] + within]
            records, keys = records[which], keys[which]
        else:
            recode, distinct = _recoded(column.values, part)
            values = codes if recode is None else recode[codes]
            if recode is not None:
                keep = values >= 0
                records, keys, values = records[keep], keys[keep], values[keep]
        if span * max(distinct, 1) >= 1 << 62:
            keys = np.unique(keys, return_inverse=True)[1].astype(np.int64)
            span = int(keys.max(initial=0)) + 1
        keys = keys * max(distinct, 1) + values
        span *= max(distinct, 1)
    return keys, records


def _recoded(values: pa.Array, part: KeyPart) -> tuple[NDArray[np.int32] | None, int]:
    """For each distinct text the code of the part a rule asks for, -1 for none (None: the text itself); how many."""
    if part.length is None and part.start == 1:
        cut = values
        if pc.index(values, pa.scalar("", values.type)).as_py() < 0:
            return None, len(values)
    else:
        stop = None if part.length is None else part.start - 1 + part.length
        cut = pc.utf8_slice_codeunits(values, part.start - 1, stop)
    cut = pc.if_else(pc.equal(pc.utf8_length(cut), 0), pa.scalar(None, cut.type), cut).dictionary_encode()
    return cut.indices.fill_null(-1).to_numpy(zero_copy_only=False), len(cut.dictionary)


def _members(column: Coded, part: KeyPart) -> tuple[NDArray[np.int32], Indices, int]:
    """What each distinct list holds of what a rule asks for, each once: (codes, offsets by list, how many codes)."""
    asked = f"members {part.start} {part.length}"
    if asked not in column.made:
        members, offsets, values = column.exploded
        recode, distinct = _recoded(values, part)
        if recode is not None:
            members = np.append(recode, np.int32(-1))[members]
        column.made[asked] = (*_each_once(members, offsets, distinct), distinct)
    made: tuple[NDArray[np.int32], Indices, int] = column.made[asked]
    return made


def _each_once(members: NDArray[np.int32], offsets: Indices, distinct: int) -> tuple[NDArray[np.int32], Indices]:
    """The members of each list without those that are missing (-1) or there already."""
    lengths = np.diff(offsets)
    keys = np.repeat(np.arange(len(lengths)) * distinct, lengths) + members
    several = np.sort(keys[np.repeat(lengths > 1, lengths)])
    if (members >= 0).all() and (several[1:] != several[:-1]).all():
        return members, offsets
    keys = np.unique(keys[members >= 0])
    counts = np.bincount(keys // max(distinct, 1), minlength=len(lengths))
    return (keys % max(distinct, 1)).astype(np.int32), np.append(0, np.cumsum(counts)).astype(np.int64)


def _pairs_within(
    keys: NDArray[np.int64], records: Indices, largest: int, most: int | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], list[int]]:
    """All pairs of records that share a key: (left, right, [largest block, skipped blocks, skipped records]).

    A rule that would bring more than ``most`` pairs is passed over whole: all its blocks count as skipped.
    """
    keys, records = _sorted(keys, records)
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if len(keys) else np.zeros(0, np.int64)
    sizes = np.diff(np.append(starts, len(keys)))
    over = sizes > largest
    if most is not None and (sizes * (sizes - 1) // 2)[~over].sum() > most:
        over = sizes > 1
    said = [int(sizes.max(initial=0)), int(np.count_nonzero(over)), int(sizes[over].sum())]
    use = (sizes > 1) & ~over
    starts, sizes = starts[use], sizes[use]
    position = np.repeat(starts, sizes)
    within = np.arange(len(position)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    position += within
    partners = np.repeat(sizes, sizes) - 1 - within
    left = np.repeat(position, partners)
    step = np.arange(len(left)) - np.repeat(np.cumsum(partners) - partners, partners)
    right = left + 1 + step
    return records[left], records[right], said


def _sorted(keys: NDArray[np.int64], records: Indices) -> tuple[NDArray[np.int64], Indices]:
    """Keys in order with their records: sorted as one number where both fit into 63 bits, which is quicker."""
    bits = int(records.max(initial=0)).bit_length()
    if int(keys.max(initial=0)).bit_length() + bits > 63:
        order = np.argsort(keys)
        return keys[order], records[order]
    packed = (keys << bits) | records
    packed.sort()
    return packed >> bits, packed & ((1 << bits) - 1)
