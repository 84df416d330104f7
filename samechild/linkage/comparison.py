"""Comparing pairs in bulk: which level of each comparison a pair reaches.

Columns are codes, so equality is a comparison of integers; anything else is worked out once for each distinct pair of
*values* that occurs and then spread over the pairs of records. :mod:`samechild.linkage.reference` says the same thing
slowly and obviously, and the two are tested against each other.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein, Jaro, JaroWinkler, Levenshtein
from scipy.sparse import csr_array

from samechild.linkage import reference
from samechild.linkage.coded import Coded, CodedTable, Codes, Mask
from samechild.linkage.conditions import (
    Always,
    And,
    Call,
    Column,
    Compare,
    Condition,
    IsNull,
    Literal,
    Not,
    Or,
    Scalar,
)
from samechild.linkage.model import Comparison
from samechild.linkage.similarity import TAKES_MISSING

Levels = NDArray[np.uint8]

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

_SCORERS: dict[str, tuple[Any, type]] = {
    "jaro_winkler_similarity": (JaroWinkler.normalized_similarity, np.float64),
    "jaro_similarity": (Jaro.normalized_similarity, np.float64),
    "levenshtein": (Levenshtein.distance, np.int64),
    "damerau_levenshtein": (DamerauLevenshtein.distance, np.int64),
}


class Pairs:
    """Some pairs of records of one table, ready to be asked whether a condition holds."""

    def __init__(self, table: CodedTable, left: Codes, right: Codes) -> None:
        self.table = table
        self.left = left
        self.right = right

    def __len__(self) -> int:
        return len(self.left)

    def subset(self, keep: NDArray[Any]) -> Pairs:
        """The pairs at the given positions."""
        return Pairs(self.table, self.left[keep], self.right[keep])

    def codes(self, column: Column) -> Codes:
        """The codes of one side's field for each pair, -1 where missing."""
        return self.table[column.name].codes[self.left if column.side == "l" else self.right]


def levels_of(comparison: Comparison, pairs: Pairs) -> Levels:
    """The index of the first level whose condition holds, for each pair; the last level when none does."""
    result = np.full(len(pairs), len(comparison.levels) - 1, np.uint8)
    waiting = np.arange(len(pairs))
    here = pairs
    for number, level in enumerate(comparison.levels[:-1]):
        if not len(waiting):
            break
        if isinstance(level.condition, Always):
            result[waiting] = number
            break
        reached, _ = _holds(level.condition, here)
        result[waiting[reached]] = number
        left_over = ~reached
        waiting = waiting[left_over]
        here = here.subset(left_over)
    return result


def _holds(condition: Condition, pairs: Pairs) -> tuple[Mask, Mask]:
    """Where the condition is true and where it is false; where it is neither, a value is missing."""
    match condition:
        case Always():
            every = np.ones(len(pairs), bool)
            return every, ~every
        case IsNull(value=Column() as column):
            null = pairs.codes(column) < 0
            return null, ~null
        case And(parts=parts):
            true, false = _holds(parts[0], pairs)
            for part in parts[1:]:
                t, f = _holds(part, pairs)
                true, false = true & t, false | f
            return true, false
        case Or(parts=parts):
            true, false = _holds(parts[0], pairs)
            for part in parts[1:]:
                t, f = _holds(part, pairs)
                true, false = true | t, false & f
            return true, false
        case Not(part=part):
            true, false = _holds(part, pairs)
            return false, true
        case Compare(operator="=" | "<>" as sign, left=Column() as one, right=Column() as other):
            return _equal(sign, one, other, pairs)
        case _:
            return _worked_out(condition, pairs)


def _equal(sign: str, one: Column, other: Column, pairs: Pairs) -> tuple[Mask, Mask]:
    return _same_codes(sign, pairs.table[one.name], pairs.codes(one), pairs.table[other.name], pairs.codes(other))


def _same_codes(sign: str, first: Coded, a: Codes, second: Coded, b: Codes) -> tuple[Mask, Mask]:
    known = (a >= 0) & (b >= 0)
    if first is not second:
        b = _translation(second, first)[b]
    same = a == b
    same &= known
    different = known & ~same
    return (same, different) if sign == "=" else (different, same)


def _translation(source: Coded, target: Coded) -> Codes:
    """For each code of one column, the code of the same value in another (-2 where it has none); -1 stays last."""
    found = pc.index_in(source.values, value_set=target.values).fill_null(-2)
    return np.append(found.to_numpy(zero_copy_only=False), -1).astype(np.int32)


def _derived(scalar: Scalar, pairs: Pairs) -> tuple[Coded, Codes] | None:
    """A value made from one field alone, as a column of codes worked out once for each distinct value of the field."""
    columns = _sides(scalar)
    if len(columns) != 1:
        return None
    column = columns[0]
    source = pairs.table[column.name]
    made = source.made.get(scalar_key(scalar))
    if made is None:
        values = [*source.distinct, None]  # a missing value stands last, where code -1 finds it
        coded = pa.array(
            [reference.value_of(scalar, {column.name: value}, {column.name: value}) for value in values]
        ).dictionary_encode()
        codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
        made = Coded(codes, coded.dictionary)
        source.made[scalar_key(scalar)] = made
    return made, made.codes[pairs.codes(column)]


def scalar_key(scalar: Scalar) -> str:
    """The scalar without its side, to remember what was worked out for a field."""
    match scalar:
        case Column(name=name):
            return name
        case Call(function=function, arguments=arguments):
            return f"{function}({', '.join(map(scalar_key, arguments))})"
        case _:
            return repr(scalar)


def _worked_out(condition: Compare | IsNull, pairs: Pairs) -> tuple[Mask, Mask]:
    """Any other comparison: worked out once for each distinct combination of values."""
    match condition:
        case Compare(operator="=" | "<>" as sign, left=Column() | Call() as one, right=Column() | Call() as other):
            left, right = _derived(one, pairs), _derived(other, pairs)
            if left and right and left[0].values.type == right[0].values.type:
                return _same_codes(sign, *left, *right)
        case Compare(left=Column() | Call() as one, right=Literal()) if len(_sides(one)) == 1:
            return _one_sided(condition, _sides(one)[0], pairs)
        case _:
            pass
    if (gaps := _number_gaps(condition, pairs)) is not None:
        return gaps
    columns = _sides(condition)
    if not columns:
        answer = reference.holds(condition, {}, {})
        return np.full(len(pairs), answer is True), np.full(len(pairs), answer is False)
    codes = [pairs.codes(column) for column in columns]
    known = np.logical_and.reduce([code >= 0 for code in codes])
    if _needs_all(condition) and not known.all():
        true, false = np.zeros(len(pairs), bool), np.zeros(len(pairs), bool)
        true[known], false[known] = _worked_out(condition, pairs.subset(known))
        return true, false
    cell, cells, wide = _distinct(codes, [len(pairs.table[column.name].values) for column in columns])
    true, false = _on_values(condition, columns, cells, wide, pairs.table)
    return true[cell], false[cell]


def _number_gaps(condition: Compare | IsNull, pairs: Pairs) -> tuple[Mask, Mask] | None:
    """How far apart two numbers were issued, from part of one field on each side; None for any other condition."""
    match condition:
        case Compare(
            operator=sign,
            left=Call(function="number_gap", arguments=(Call() as one, Call() as other)),
            right=Literal(value=int() | float() as limit),
        ):
            sides = [_digits(one, pairs), _digits(other, pairs)]
        case _:
            return None
    if sides[0] is None or sides[1] is None:
        return None
    known = (sides[0] >= 0) & (sides[1] >= 0)
    true = known & _OPERATORS[sign](np.abs(sides[0] - sides[1]), limit)
    return true, known & ~true


def _digits(scalar: Call, pairs: Pairs) -> NDArray[np.int64] | None:
    """Part of a field as whole numbers for each pair, -1 where it is missing or not made of digits."""
    match scalar:
        case Call(
            function="substr",
            arguments=(Column() as column, Literal(value=int() as start), Literal(value=int() as length)),
        ) if start >= 1 and 1 <= length <= 18:
            pass
        case _:
            return None
    source = pairs.table[column.name]
    key = scalar_key(scalar) + " as a number"
    if key not in source.numbers:
        text = pc.utf8_slice_codeunits(source.values, start - 1, start - 1 + length)
        plain = pc.match_substring_regex(text, r"^[0-9]+$")
        whole = pc.cast(pc.if_else(plain, text, pa.scalar(None, pa.string())), pa.int64()).fill_null(-1)
        source.numbers[key] = np.append(whole.to_numpy(zero_copy_only=False), -1)
    return source.numbers[key][pairs.codes(column)]


def _needs_all(condition: Compare | IsNull) -> bool:
    """Whether a missing value anywhere leaves the condition neither true nor false."""

    def skips(part: Scalar) -> bool:
        return isinstance(part, Call) and (part.function in TAKES_MISSING or any(map(skips, part.arguments)))

    return isinstance(condition, Compare) and not skips(condition.left) and not skips(condition.right)


def _one_sided(condition: Compare, column: Column, pairs: Pairs) -> tuple[Mask, Mask]:
    """A condition on one side's field alone: asked of each distinct value, and of a missing one."""
    values = [*pairs.table[column.name].distinct, None]
    answers = [reference.holds(condition, {column.name: value}, {column.name: value}) for value in values]
    codes = pairs.codes(column)
    return np.array([each is True for each in answers])[codes], np.array([each is False for each in answers])[codes]


def _sides(node: Condition | Scalar) -> list[Column]:
    found: dict[Column, None] = {}

    def walk(part: Any) -> None:
        if isinstance(part, Column):
            found[part] = None
        elif isinstance(part, Call):
            for each in part.arguments:
                walk(each)
        elif isinstance(part, Compare):
            walk(part.left)
            walk(part.right)
        elif isinstance(part, IsNull):
            walk(part.value)

    walk(node)
    return list(found)


def _distinct(codes: list[Codes], sizes: list[int]) -> tuple[NDArray[Any], list[Codes], bool]:
    """Distinct combinations of codes: (which one each pair has, the codes of each, whether nearly all occur)."""
    present: list[Codes] = []
    ranks: list[NDArray[np.int64]] = []
    for code, size in zip(codes, sizes, strict=True):
        seen = np.zeros(size + 1, bool)
        seen[code] = True  # code -1 lands in the last place
        places = np.flatnonzero(seen)
        rank = np.zeros(size + 1, np.int64)
        rank[places] = np.arange(len(places))
        present.append(np.where(places == size, -1, places).astype(np.int32))
        ranks.append(rank[code])
    cell = ranks[0]
    for rank, found in zip(ranks[1:], present[1:], strict=True):
        cell = cell * len(found) + rank
    total = int(np.prod([len(found) for found in present]))
    if total <= max(1 << 22, 4 * len(cell)):
        seen = np.zeros(total, bool)
        seen[cell] = True
        kept = np.flatnonzero(seen)
        place = np.zeros(total, np.int64)
        place[kept] = np.arange(len(kept))
        which = place[cell]
    else:
        kept, which = np.unique(cell, return_inverse=True)
    combinations: list[Codes] = []
    rest = kept
    for found in reversed(present):
        combinations.append(found[rest % len(found)])
        rest = rest // len(found)
    return which, combinations[::-1], len(kept) * 4 > total


def _on_values(
    condition: Compare | IsNull, columns: list[Column], cells: list[Codes], wide: bool, table: CodedTable
) -> tuple[Mask, Mask]:
    """The condition on distinct combinations of values."""
    known = np.logical_and.reduce([code >= 0 for code in cells])
    match condition:
        case Compare(
            operator=sign,
            left=Call(function=function, arguments=(Column(), Column())),
            right=Literal(value=int() | float() as line),
        ) if len(columns) == 2:
            ours = [table[column.name] for column in columns]
            lists = [column.is_list for column in ours]
            if function in _SCORERS and not any(lists) and known.any():
                texts = [code[known] for code in cells]
                scores = _scores(function, ours, texts, wide)
                true = np.zeros(len(known), bool)
                true[known] = _OPERATORS[sign](scores, line)
                places = np.flatnonzero(known)
                for place in _doubtful(scores, float(line), ours, texts):
                    true[places[place]] = _asked(condition, columns, [code[place] for code in texts], table) is True
                return true, known & ~true
            if function == "shared" and all(lists):
                true = known & _OPERATORS[sign](_shared(ours, cells, wide), line)
                return true, known & ~true
    met = zip(*(each.tolist() for each in cells), strict=True)
    answers = [_asked(condition, columns, codes, table) for codes in met]
    return np.array([each is True for each in answers], bool), np.array([each is False for each in answers], bool)


def _asked(condition: Compare | IsNull, columns: list[Column], codes: Sequence[int], table: CodedTable) -> bool | None:
    """What the reference says of one combination of values."""
    left: dict[str, Any] = {}
    right: dict[str, Any] = {}
    for column, code in zip(columns, codes, strict=True):
        value = None if code < 0 else table[column.name].distinct[code]
        (left if column.side == "l" else right)[column.name] = value
    return reference.holds(condition, left, right)


def _doubtful(scores: NDArray[Any], line: float, columns: list[Coded], codes: list[Codes]) -> list[int]:
    """Where the reference is asked: a similarity falls on its line to the last bit, or a text is empty."""
    doubtful = np.zeros(len(scores), bool)
    if scores.dtype.kind == "f":
        doubtful |= np.abs(scores - line) < 1e-9
    for column, code in zip(columns, codes, strict=True):
        if (empty := column.empty) is not None:
            doubtful |= code == empty
    return [int(place) for place in np.flatnonzero(doubtful)]


def _scores(function: str, columns: list[Coded], cells: list[Codes], wide: bool) -> NDArray[Any]:
    scorer, dtype = _SCORERS[function]
    if wide:
        sides = [np.unique(code, return_inverse=True) for code in cells]
        texts = [_texts(column, kept) for column, (kept, _) in zip(columns, sides, strict=True)]
        grid = process.cdist(texts[0], texts[1], scorer=scorer, dtype=dtype, workers=2)
        result: NDArray[Any] = grid[sides[0][1], sides[1][1]]
        return result
    one, other = (_texts(column, code) for column, code in zip(columns, cells, strict=True))
    scores: NDArray[Any] = process.cpdist(one, other, scorer=scorer, dtype=dtype, workers=2)
    return scores


def _shared(columns: list[Coded], cells: list[Codes], wide: bool) -> NDArray[Any]:
    """How many values two lists have in common, for each pair of lists."""
    held = _membership(columns)
    if wide:
        (first, one), (second, other) = (np.unique(code, return_inverse=True) for code in cells)
        grid = (held[0][first] @ held[1][second].T).toarray()
        return np.asarray(grid[one, other])
    both = held[0][cells[0]].multiply(held[1][cells[1]])
    return np.diff(both.tocsr().indptr)


def _membership(columns: list[Coded]) -> list[csr_array]:
    """For each of two columns of lists: which members each distinct list holds (distinct lists x members)."""
    one, other = columns
    if one is other and one.membership is not None:
        return [one.membership, one.membership]
    different = [one] if one is other else [one, other]
    members = pa.concat_arrays([column.values.flatten() for column in different]).dictionary_encode()
    codes = members.indices.to_numpy(zero_copy_only=False)
    held, begin = [], 0
    for column in different:
        lengths = pc.list_value_length(column.values).to_numpy(zero_copy_only=False)
        ends = np.concatenate([[0], np.cumsum(lengths)])
        own = codes[begin : begin + ends[-1]]
        begin += int(ends[-1])
        matrix = csr_array(
            (np.ones(len(own), np.int32), own, ends), shape=(len(column.values), len(members.dictionary))
        )
        matrix.sum_duplicates()
        matrix.data[:] = 1
        held.append(matrix)
    if one is other:
        one.membership = held[0]
    return [held[0], held[-1]]


def _texts(column: Coded, codes: Codes) -> list[str]:
    """Texts as the similarity functions want them: a letter outside ASCII counts as its UTF-8 bytes, as in DuckDB."""
    texts: list[str] = column.values.take(pa.array(codes)).to_pylist()
    if column.is_ascii:
        return texts
    return [text if text.isascii() else text.encode().decode("latin-1") for text in texts]
