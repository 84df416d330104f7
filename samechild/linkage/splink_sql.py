"""Reading the SQL inside a Splink model, so that an analyst's own model works here without a database.

A Splink level is a line of SQL. We parse it and translate it, construct by construct, into a condition that every
engine of ours reads (:mod:`samechild.linkage.conditions`). What has no exact translation is refused, naming the
comparison, the level and the construct: a level silently read as something else would be a wrong answer about a child.

Three things are taken as read. Fields are texts or lists of texts, so a cast to text changes nothing. Dates are ISO
text, so a cast to a date, or Splink's parsing with the ISO format, is :func:`~samechild.linkage.similarity.iso_date`.
And a Spark or SQLite model's similarity functions are held to be DuckDB's of the same meaning.
"""

from __future__ import annotations

from typing import Any, NoReturn
from typing import Literal as Choice

import sqlglot
from sqlglot import exp

from samechild.errors import Invalid
from samechild.linkage.conditions import (
    GAP,
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
from samechild.linkage.similarity import is_plain_pattern

Node = Any
"""A node of parsed SQL: sqlglot's root class has different names in the releases we accept."""

DIALECTS = ("duckdb", "spark", "sqlite", "postgres")
"""The databases whose Splink models can be read."""

NUMBERS = frozenset(
    {"jaro_winkler_similarity", "jaro_similarity", "jaccard", "levenshtein", "damerau_levenshtein"}
    | {"shared", "days_between", "number_gap", "length"}
)
"""Functions that give a number; all others give a text."""

_SIMILARITY = {
    "jarowinklersimilarity": "jaro_winkler_similarity",
    "jaro_winkler_similarity": "jaro_winkler_similarity",
    "jaro_winkler": "jaro_winkler_similarity",
    "jaro_similarity": "jaro_similarity",
    "jaro_sim": "jaro_similarity",
    "jaccard": "jaccard",
    "levenshtein": "levenshtein",
    "damerau_levenshtein": "damerau_levenshtein",
}
Operator = Choice["=", "<>", "<", "<=", ">", ">="]
_OPERATORS: dict[type[Node], Operator] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_ISO_FORMATS = {"try_strptime": "%Y-%m-%d", "try_to_timestamp": "yyyy-MM-dd", "try_cast_date": "YYYY-MM-DD"}
_INTERSECTIONS = ("list_intersect", "array_intersect", "arrayintersect")
_SIZES = ("arraysize", "array_length", "length", "len", "list_unique", "cardinality", "size")
SECONDS_A_DAY = 86400


def read_condition(sql: str, dialect: str, place: str) -> Condition:
    """Translate a level's SQL into a condition.

    ``place`` says where it stands ("Comparison surname, level 2") and begins the message of the
    :class:`~samechild.errors.Invalid` raised for SQL that does not parse or has no exact translation.
    """
    if sql.strip().upper() == "ELSE":
        return Always()
    try:
        return _Reader(place)(parse(sql, dialect, place))
    except RecursionError as error:
        raise Invalid(f"{place}: the SQL is nested too deeply to read; write the level more simply.") from error


def parse(sql: str, dialect: str, place: str) -> Node:
    """Parse SQL, or refuse it by its place."""
    if dialect not in DIALECTS:
        raise Invalid(f"{place}: models of the SQL dialect {dialect} cannot be read, only {', '.join(DIALECTS)}.")
    try:
        (parsed,) = sqlglot.parse(sql, read=dialect)
    except (sqlglot.errors.SqlglotError, ValueError) as error:
        raise Invalid(f"{place}: this is not one condition in SQL of {dialect}; correct it in the model.") from error
    if parsed is None:
        raise Invalid(f"{place}: the SQL is empty; write the level's condition, or ELSE.")
    return parsed


def function_name(node: Node) -> str:
    """Name a function however sqlglot holds it: as a class of its own in one release, anonymous in another."""
    return (node.name if isinstance(node, exp.Anonymous) else type(node).__name__).lower()


def arguments_of(node: Node) -> list[Node]:
    """List a function's arguments in order."""
    if isinstance(node, exp.Anonymous | exp.ArrayIntersect):
        return list(node.expressions)
    listed = [node.args.get("this"), node.args.get("expression"), *(node.args.get("expressions") or [])]
    return [each for each in listed if isinstance(each, exp.Expression)]


class _Reader:
    """Translates one level's parsed SQL; holds only where it stands, for messages."""

    def __init__(self, place: str) -> None:
        self.place = place

    def refuse(self, node: Node, why: str = "has no exact translation here") -> NoReturn:
        text = node.sql()
        shown = text if len(text) <= 80 else text[:77] + "..."
        raise Invalid(
            f"{self.place}: {function_name(node)} in `{' '.join(shown.split())}` {why}; "
            "rewrite the level, or make a field of it before linking."
        )

    # conditions

    def __call__(self, node: Node) -> Condition:
        match node:
            case exp.Paren():
                return self(node.this)
            case exp.And():
                return And(tuple(self(part) for part in node.flatten()))
            case exp.Or():
                return Or(tuple(self(part) for part in node.flatten()))
            case exp.Not():
                return Not(self(node.this))
            case exp.Boolean():
                return Always() if node.this else Not(Always())
            case exp.Is() if isinstance(node.expression, exp.Null):
                return IsNull(self.scalar(node.this))
            case exp.Between():
                low, high = node.args["low"], node.args["high"]
                return And((self.compare(">=", node, node.this, low), self.compare("<=", node, node.this, high)))
            case exp.In() if node.expressions and not node.args.get("query"):
                return Or(tuple(self.compare("=", node, node.this, each) for each in node.expressions))
            case _ if type(node) in _OPERATORS:
                return self.compare(_OPERATORS[type(node)], node, node.this, node.expression)
            case _:
                self.refuse(node)

    def compare(self, operator: Operator, whole: Node, left: Node, right: Node) -> Condition:
        sides: list[Scalar] = []
        for side, facing in ((left, right), (right, left)):
            if self.seconds_between(facing) is not None:
                sides.append(Literal(_whole(self.number(side) / SECONDS_A_DAY)))
            else:
                sides.append(self.seconds_between(side) or self.scalar(side))
        if len({_is_number(side) for side in sides}) != 1:
            self.refuse(whole, "compares a text with a number")
        return Compare(operator, sides[0], sides[1])

    # values

    def scalar(self, node: Node) -> Scalar:
        match node:
            case exp.Paren():
                return self.scalar(node.this)
            case exp.Column():
                return self.column(node)
            case exp.Literal() if node.is_string:
                return Literal(str(node.this))
            case exp.Literal() | exp.Neg() | exp.Floor():
                return Literal(self.number(node))
            case exp.Cast():  # TryCast is a kind of Cast
                return self.cast(node)
            case exp.Div() if self.seconds_between(node.this) and self.number(node.expression) == SECONDS_A_DAY:
                return self.seconds_between(node.this) or self.refuse(node)
            case exp.Abs():
                return self.days(node)
            case exp.Case():
                return self.gap(node)
            case exp.Func():
                return self.function(node)
            case _:
                self.refuse(node)

    def column(self, node: exp.Column) -> Column:
        name, side = node.name[:-2], node.name[-2:].lower()
        if side not in ("_l", "_r") or not name or node.table:
            self.refuse(node, "is not a field of the left record (ending _l) or the right (_r)")
        return Column(name, "l" if side == "_l" else "r")

    def number(self, node: Node) -> float | int:
        match node:
            case exp.Paren():
                return self.number(node.this)
            case exp.Neg():
                return -self.number(node.this)
            case exp.Literal() if not node.is_string:
                text = str(node.this)
                return int(text) if text.isdigit() else float(text)
            case exp.Floor() if isinstance(node.this, exp.Div) and self.number(node.this.expression) > 0:
                return int(self.number(node.this.this) // self.number(node.this.expression))
            case _:
                self.refuse(node, "is not a plain number")

    def cast(self, node: exp.Cast) -> Scalar:
        kind = node.to.this
        if kind in exp.DataType.TEXT_TYPES:
            inner = self.scalar(node.this)
            if _is_number(inner):
                self.refuse(node, "writes a number as text")
            return inner
        if kind in (exp.DataType.Type.DATE, exp.DataType.Type.DATE32):
            return _iso_date(self.text(node.this))
        self.refuse(node)

    def function(self, node: Node) -> Scalar:
        name, arguments = function_name(node), arguments_of(node)
        match name, len(arguments):
            case _, 2 if name in _SIMILARITY:
                return Call(_SIMILARITY[name], (self.text(arguments[0]), self.text(arguments[1])))
            case "lower" | "upper", 1:
                return Call(name, (self.text(arguments[0]),))
            case _, 1 if name in _SIZES:
                return self.size(name, arguments[0])
            case "coalesce" | "ifnull", _:
                return Call("coalesce", tuple(self.text(each) for each in arguments))
            case "nullif", 2:
                return Call("nullif", (self.extract_from(arguments[0]), self.text(arguments[1])))
            case "substring" | "left", _:
                return self.part(node)
            case "regexpextract" | "regexp_extract", _:
                return self.extract(node)
            case _ if name in _ISO_FORMATS or name in ("timetostr", "strftime", "tsordstodate"):
                return self.date(node, name)
            case _:
                self.refuse(node)

    def text(self, node: Node) -> Scalar:
        found = self.scalar(node)
        if _is_number(found):
            self.refuse(node, "is a number where a text is needed")
        return found

    def size(self, name: str, of: Node) -> Call:
        if function_name(of) in _INTERSECTIONS and len(arguments_of(of)) == 2:
            one, other = arguments_of(of)
            return Call("shared", (self.text(one), self.text(other)))
        if name == "list_unique":
            self.refuse(of, "is counted for different values; only those two lists share can be")
        return Call("length", (self.text(of),))

    def part(self, node: Node) -> Call:
        if isinstance(node, exp.Left):
            counts = [exp.Literal.number(1), node.expression]
        else:
            counts = [node.args.get("start"), node.args.get("length")]
        numbers = [self.number(each) for each in counts if each is not None]
        if not all(isinstance(each, int) for each in numbers) or numbers[0] < 1 or min(numbers) < 0:
            self.refuse(node, "counts letters from the end or by fractions")
        return Call("substr", (self.text(node.this), *(Literal(each) for each in numbers)))

    def extract(self, node: Node) -> Call:
        pattern, group = node.expression, node.args.get("group")
        extras = [name for name in ("position", "occurrence", "parameters") if node.args.get(name) is not None]
        if extras or not isinstance(pattern, exp.Literal) or (group is not None and self.number(group) != 0):
            self.refuse(node, "asks for more than the whole match of one pattern")
        return self.matched(node, node.this, str(pattern.this))

    def extract_from(self, node: Node) -> Scalar:
        """PostgreSQL's ``substring(text from '(pattern)')``, as Splink writes it inside NULLIF."""
        start = node.args.get("start") if isinstance(node, exp.Substring) else None
        if not (isinstance(start, exp.Literal) and start.is_string):
            return self.text(node)
        pattern = str(start.this)
        return self.matched(node, node.this, pattern[1:-1] if pattern[:1] + pattern[-1:] == "()" else pattern)

    def matched(self, node: Node, text: Node, pattern: str) -> Call:
        if not is_plain_pattern(pattern):
            self.refuse(node, "uses a pattern that engines read differently")
        return Call("regexp_extract", (self.text(text), Literal(pattern)))

    # dates

    def date(self, node: Node, name: str) -> Scalar:
        arguments = arguments_of(node)
        if name in _ISO_FORMATS:
            form = arguments[1] if len(arguments) == 2 else None
            if not (isinstance(form, exp.Literal) and form.this == _ISO_FORMATS[name]):
                self.refuse(node, "reads times, or dates that are not YYYY-MM-DD")
        elif name in ("timetostr", "strftime"):
            form = node.args.get("format") or (arguments[1] if len(arguments) == 2 else None)
            if not (isinstance(form, exp.Literal) and form.this == "%Y-%m-%d"):
                self.refuse(node, "writes a date other than as YYYY-MM-DD")
        return _iso_date(self.text(arguments[0]))

    def days(self, node: exp.Abs) -> Scalar:
        inner = node.this
        if isinstance(inner, exp.DateDiff):
            unit = str(inner.args.get("unit") or "day").lower()
            if unit not in ("day", "days", "'day'"):
                self.refuse(node, "counts in another unit than days")
            return _days(self.text(inner.this), self.text(inner.expression))
        if self.seconds_between(node) is not None:
            self.refuse(node, "is in seconds; compare it with a plain number")
        self.refuse(node, "is arithmetic on numbers, and fields here are texts")

    def gap(self, node: exp.Case) -> Call:
        """How far apart two numbers are, in the one spelling we write ourselves: nothing else means the same."""
        casts = list(node.find_all(exp.TryCast))
        if len(casts) == 2:
            texts = [cast.this for cast in casts]
            for dialect in DIALECTS[:2]:
                spelt = GAP.format(*(text.sql(dialect) for text in texts))
                if sqlglot.parse_one(spelt, read=dialect) == node:
                    return Call("number_gap", tuple(self.text(text) for text in texts))
        self.refuse(node, "is a case of several values")

    def seconds_between(self, node: Node) -> Call | None:
        """``abs(epoch(a) - epoch(b))``, Splink's spelling of a date difference: the days between, or None."""
        while isinstance(node, exp.Paren):
            node = node.this
        if not (isinstance(node, exp.Abs) and isinstance(node.this, exp.Sub)):
            return None
        moments = [_moment(side) for side in (node.this.this, node.this.expression)]
        if moments[0] is None or moments[1] is None:
            return None
        return _days(self.text(moments[0]), self.text(moments[1]))


def _moment(node: Node) -> Node | None:
    """What a call of EPOCH is about, or None when the node is something else."""
    if isinstance(node, exp.Extract) and str(node.this).upper() == "EPOCH":
        return node.expression
    if function_name(node) in ("timetounix", "epoch") and len(arguments_of(node)) == 1:
        return arguments_of(node)[0]
    return None


def _iso_date(inner: Scalar) -> Scalar:
    return inner if isinstance(inner, Call) and inner.function == "iso_date" else Call("iso_date", (inner,))


def _days(one: Scalar, other: Scalar) -> Call:
    """Days between; the function reads the dates itself, so their parsing need not be said twice."""
    bare = [
        each.arguments[0] if isinstance(each, Call) and each.function == "iso_date" else each for each in (one, other)
    ]
    return Call("days_between", tuple(bare))


def _is_number(scalar: Scalar) -> bool:
    match scalar:
        case Literal(value=value):
            return not isinstance(value, str)
        case Call(function=function):
            return function in NUMBERS
        case _:
            return False


def _whole(number: float) -> float | int:
    return int(number) if number == int(number) else number
