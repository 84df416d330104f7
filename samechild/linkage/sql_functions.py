"""The functions of a model's conditions, as each engine's SQL has them; ours where an engine's answer would differ.

What a function gives is said once, in :mod:`samechild.linkage.similarity`. DuckDB gives the same for all but two. Spark
counts letters where DuckDB counts bytes, reads ``2010`` as a date, and has no Jaro: there the functions themselves are
called, over columns. An engine's own function is used only where a test holds it against ours.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache, lru_cache, partial

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from samechild.engines.engine import Dialect, Engine, Kind
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
    to_sql,
)
from samechild.linkage.model import Comparison
from samechild.linkage.similarity import ON_VALUES, Value

OURS = "samechild_"
"""What the names of our own functions begin with, so that none hides an engine's."""


class Signature(msgspec.Struct, frozen=True):
    """What a function takes and gives."""

    takes: tuple[Kind, ...]
    gives: Kind


_TWO: tuple[Kind, ...] = ("text", "text")

_SIGNATURES = {
    "jaro_winkler_similarity": Signature(_TWO, "real"),
    "jaro_similarity": Signature(_TWO, "real"),
    "jaccard": Signature(_TWO, "real"),
    "levenshtein": Signature(_TWO, "whole"),
    "damerau_levenshtein": Signature(_TWO, "whole"),
    "days_between": Signature(_TWO, "whole"),
    "number_gap": Signature(_TWO, "whole"),
    "iso_date": Signature(("text",), "text"),
    "lower": Signature(("text",), "text"),
    "upper": Signature(("text",), "text"),
}

DIFFERING: dict[Dialect, frozenset[str]] = {
    "duckdb": frozenset({"jaccard", "number_gap"}),  # stops at an empty text; takes 1e3 and " 5" for numbers
    "spark": frozenset(_SIGNATURES),
}
"""For each engine, the functions that are ours."""


def define_functions(engine: Engine) -> None:
    """Teach an engine the functions it has not, or has in another way."""
    for name in sorted(DIFFERING[engine.dialect]):
        signature = _SIGNATURES[name]
        engine.define(OURS + name, partial(over_columns, name, signature.gives), signature.takes, signature.gives)


_ARROW: dict[Kind, pa.DataType] = {"text": pa.string(), "whole": pa.int64(), "real": pa.float64()}


def over_columns(name: str, gives: Kind, *columns: pa.Array) -> pa.Array:
    """Work a function out for each row of some columns; for values met before, the answer is remembered."""
    if name == "number_gap":
        return _number_gaps(*columns)
    results = list(map(_remembered(name), *(column.to_pylist() for column in columns)))
    return pa.array(results, _ARROW[gives])


REMEMBERED = 500_000
"""So many answers of each function are remembered by each process of an engine."""


@cache
def _remembered(name: str) -> Callable[..., Value]:
    function: Callable[..., Value] = ON_VALUES[name]

    @lru_cache(REMEMBERED)
    def answer(*values: str | None) -> Value:
        return None if None in values else function(*values)

    return answer


def _number_gaps(left: pa.Array, right: pa.Array) -> pa.Array:
    """The one function that random pairs reach by the million, and that can be worked out on whole columns."""
    sides = []
    for texts in (left, right):
        plain = pc.match_substring_regex(texts, r"^[0-9]{1,18}$")
        sides.append(pc.cast(pc.if_else(plain, texts, pa.scalar(None, pa.string())), pa.int64()))
    return pc.abs(pc.subtract(*sides))


def levels_sql(comparison: Comparison, dialect: Dialect, lists: Collection[str]) -> str:
    """Write which level a pair reaches as SQL over ``field_l`` and ``field_r``: the first whose condition holds."""
    cases = []
    last = len(comparison.levels) - 1
    for number, level in enumerate(comparison.levels[:-1]):
        if isinstance(level.condition, Always):
            last = number
            break
        cases.append(f"WHEN {condition_sql(level.condition, dialect, lists)} THEN {number}")
    return f"CASE {' '.join(cases)} ELSE {last} END" if cases else str(last)


def condition_sql(condition: Condition, dialect: Dialect, lists: Collection[str]) -> str:
    """Write a condition in an engine's SQL. ``lists``: the fields that hold many values."""
    return to_sql(_worded(condition, dialect, lists), dialect)


def _worded(node: Condition, dialect: Dialect, lists: Collection[str]) -> Condition:
    """The condition with each function under the name by which the engine knows it."""

    def value(scalar: Scalar) -> Scalar:
        match scalar:
            case Call(function=function, arguments=arguments):
                name = OURS + function if function in DIFFERING[dialect] else function
                if function == "length" and any(isinstance(a, Column) and a.name in lists for a in arguments):
                    name = "size" if dialect == "spark" else "len"
                return Call(name, tuple(map(value, arguments)))
            case Literal(value=str() as text) if dialect == "spark":
                return Literal(text.replace("\\", "\\\\"))
            case _:
                return scalar

    match node:
        case And(parts=parts):
            return And(tuple(_worded(part, dialect, lists) for part in parts))
        case Or(parts=parts):
            return Or(tuple(_worded(part, dialect, lists) for part in parts))
        case Not(part=part):
            return Not(_worded(part, dialect, lists))
        case IsNull(value=inner):
            return IsNull(value(inner))
        case Compare(operator=operator, left=left, right=right):
            return Compare(operator, value(left), value(right))
        case _:
            return node
