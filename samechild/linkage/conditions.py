"""When does a pair of records reach a comparison level? Said once, as a small tree that every engine reads.

A condition such as "surnames alike at 0.92 or more" is a value, not SQL text and not Python code: the fast engine
evaluates it over columns (:mod:`samechild.linkage.bulk`), the reference engine over two records
(:mod:`samechild.linkage.reference`), and :func:`to_sql` writes it for DuckDB, Spark and Splink. Missing values follow
SQL: a comparison with a missing value is neither true nor false.
"""

from __future__ import annotations

from typing import Literal as Choice

import msgspec

Side = Choice["l", "r"]


class Column(msgspec.Struct, frozen=True, tag="column"):
    """The value of a field on the left or the right record of a pair."""

    name: str
    side: Side


class Literal(msgspec.Struct, frozen=True, tag="literal"):
    """A fixed value."""

    value: str | float | int


class Call(msgspec.Struct, frozen=True, tag="call"):
    """A function of values: one of :data:`FUNCTIONS`."""

    function: str
    arguments: tuple[Scalar, ...]


Scalar = Column | Literal | Call

FUNCTIONS: dict[str, str] = {
    "jaro_winkler_similarity": "how alike two texts are, 0 to 1, the beginning counting more (Winkler 1990)",
    "jaro_similarity": "how alike two texts are, 0 to 1 (Jaro 1989)",
    "jaccard": "share of the letters two texts have in common, 0 to 1",
    "levenshtein": "how many letters must be changed, put in or left out",
    "damerau_levenshtein": "the same, two neighbouring letters exchanged counting once",
    "shared": "how many values two lists have in common",
    "days_between": "days from one date to another, without sign; dates as ISO text",
    "iso_date": "the text when it is a date, YYYY-MM-DD; missing when it is not",
    "number_gap": "how far apart two whole numbers are, without sign; texts of digits",
    "substr": "part of a text: start (from 1), length",
    "regexp_extract": "the part of a text that matches a plain pattern; an empty text when nothing does",
    "length": "number of letters, or of values in a list",
    "lower": "in small letters",
    "upper": "in capital letters",
    "coalesce": "the first of several values that is not missing",
    "nullif": "the first value, missing when it equals the second",
}


class Compare(msgspec.Struct, frozen=True, tag="compare"):
    """Two values compared; neither true nor false when either is missing."""

    operator: Choice["=", "<>", "<", "<=", ">", ">="]
    left: Scalar
    right: Scalar


class IsNull(msgspec.Struct, frozen=True, tag="is_null"):
    """A value is missing."""

    value: Scalar


class And(msgspec.Struct, frozen=True, tag="and"):
    """Every part holds."""

    parts: tuple[Condition, ...]


class Or(msgspec.Struct, frozen=True, tag="or"):
    """At least one part holds."""

    parts: tuple[Condition, ...]


class Not(msgspec.Struct, frozen=True, tag="not"):
    """The part does not hold."""

    part: Condition


class Always(msgspec.Struct, frozen=True, tag="always"):
    """Whatever is left: Splink's ELSE, or TRUE."""


Condition = Compare | IsNull | And | Or | Not | Always


# --- how levels are usually said ------------------------------------------------------------------------------------


def both(name: str) -> tuple[Column, Column]:
    """The field on both sides."""
    return Column(name, "l"), Column(name, "r")


def missing(*names: str) -> Condition:
    """Any of the fields is missing on either side."""
    parts = tuple(IsNull(side) for name in names for side in both(name))
    return parts[0] if len(parts) == 1 else Or(parts)


def equal(name: str, other: str | None = None) -> Condition:
    """The field is the same on both sides (or: the left field equals the right record's ``other`` field)."""
    return Compare("=", Column(name, "l"), Column(other or name, "r"))


def differs(name: str) -> Condition:
    """The field is known on both sides and not the same."""
    left, right = both(name)
    return Compare("<>", left, right)


def crossed(name: str, other: str) -> Condition:
    """One field of either record equals another field of the other, as when two columns were exchanged."""
    return Or((equal(name, other), equal(other, name)))


def exchanged(name: str, other: str) -> Condition:
    """Both fields agree once the two are exchanged, as when forename and surname were typed in each other's place."""
    return And((equal(name, other), equal(other, name)))


def alike(name: str, at_least: float, function: str = "jaro_winkler_similarity") -> Condition:
    """The texts are alike at a similarity or more."""
    return Compare(">=", Call(function, both(name)), Literal(at_least))


def edits(name: str, at_most: int, function: str = "damerau_levenshtein") -> Condition:
    """The texts differ by so many typing errors or fewer."""
    return Compare("<=", Call(function, both(name)), Literal(at_most))


def shares(name: str, at_least: int = 1) -> Condition:
    """Two lists have values in common."""
    return Compare(">=", Call("shared", both(name)), Literal(at_least))


def issued_together(name: str, start: int, length: int, at_most: int) -> Condition:
    """The running parts of two numbers lie so close that the numbers were given out one after the other."""
    left, right = (Call("substr", (side, Literal(start), Literal(length))) for side in both(name))
    return Compare("<=", Call("number_gap", (left, right)), Literal(at_most))


def is_value(name: str, value: str) -> Condition:
    """Either record has exactly this value."""
    return Or(tuple(Compare("=", side, Literal(value)) for side in both(name)))


# --- reading a condition --------------------------------------------------------------------------------------------


def columns_of(node: Condition | Scalar) -> tuple[str, ...]:
    """The names of the fields a condition looks at, in order, each once."""
    found: dict[str, None] = {}

    def walk(part: Condition | Scalar) -> None:
        match part:
            case Column(name=name):
                found[name] = None
            case Call(arguments=parts) | And(parts=parts) | Or(parts=parts):
                for each in parts:
                    walk(each)
            case Not(part=inner):
                walk(inner)
            case IsNull(value=value):
                walk(value)
            case Compare(left=left, right=right):
                walk(left)
                walk(right)
            case _:
                pass

    walk(node)
    return tuple(found)


Dialect = Choice["duckdb", "spark", "splink"]

_DAYS = "abs(epoch(try_strptime({0}, '%Y-%m-%d')) - epoch(try_strptime({1}, '%Y-%m-%d'))) / 86400"

_DIGITS = "translate({0}, '0123456789', '') = '' AND length({0}) BETWEEN 1 AND 18"

GAP = (
    f"CASE WHEN {_DIGITS} AND {_DIGITS.replace('{0}', '{1}')} "
    "THEN abs(try_cast({0} AS BIGINT) - try_cast({1} AS BIGINT)) END"
)
"""How ``number_gap`` is spelt in SQL: by itself a cast to a number would also take ' 12 ', '1.5', '-5' and '1e3'."""

_CALLS: dict[str, dict[Dialect, str]] = {
    "shared": {
        "duckdb": "CASE WHEN {1} IS NOT NULL THEN len(list_intersect({0}, {1})) END",
        "splink": "array_length(list_intersect({0}, {1}))",
        "spark": "size(array_intersect({0}, {1}))",
    },
    "days_between": {
        "duckdb": _DAYS,
        "splink": _DAYS,
        "spark": "abs(datediff(try_cast({0} AS DATE), try_cast({1} AS DATE)))",
    },
    "number_gap": {
        "duckdb": GAP,
        "splink": GAP,
        "spark": GAP,
    },
    "iso_date": {
        "duckdb": "strftime(try_strptime({0}, '%Y-%m-%d'), '%Y-%m-%d')",
        "splink": "strftime(try_strptime({0}, '%Y-%m-%d'), '%Y-%m-%d')",
        "spark": "date_format(try_cast({0} AS DATE), 'yyyy-MM-dd')",
    },
    "regexp_extract": {
        "duckdb": "regexp_extract({0}, {1}, 0)",
        "splink": "regexp_extract({0}, {1}, 0)",
        "spark": "regexp_extract({0}, {1}, 0)",
    },
}


def to_sql(condition: Condition, dialect: Dialect = "splink") -> str:
    """Write the condition as SQL over ``"field_l"`` and ``"field_r"`` (backticks on Spark).

    ``splink`` is DuckDB's SQL as Splink's settings files hold it. Spark has no Damerau-Levenshtein and no Jaro of its
    own: the Spark engine registers functions of those names.
    """
    quote = "`" if dialect == "spark" else '"'

    def scalar(node: Scalar) -> str:
        match node:
            case Column(name=name, side=side):
                return f"{quote}{name.replace(quote, 2 * quote)}_{side}{quote}"
            case Literal(value=str() as text):
                return "'" + text.replace("'", "''") + "'"
            case Literal(value=value):
                return repr(value)
            case Call(function=function, arguments=arguments):
                parts = [scalar(each) for each in arguments]
                template = _CALLS.get(function, {}).get(dialect)
                return template.format(*parts) if template else f"{function}({', '.join(parts)})"

    def whole(node: Condition) -> str:
        match node:
            case Always():
                return "TRUE"
            case IsNull(value=value):
                return f"{scalar(value)} IS NULL"
            case Compare(operator=operator, left=left, right=right):
                return f"{scalar(left)} {operator} {scalar(right)}"
            case And(parts=parts):
                return " AND ".join(_wrapped(part, whole(part)) for part in parts) or "TRUE"
            case Or(parts=parts):
                return " OR ".join(_wrapped(part, whole(part)) for part in parts) or "FALSE"
            case Not(part=inner):
                return f"NOT ({whole(inner)})"

    return "ELSE" if isinstance(condition, Always) else whole(condition)


def _wrapped(part: Condition, text: str) -> str:
    return f"({text})" if isinstance(part, And | Or) else text
