"""Comparisons made ready for two records at a time: which level does this pair reach, in a few hundred nanoseconds.

A record that arrives is compared at once with the few it may belong to, so nothing can be spread over millions of
pairs as in bulk. Each comparison is turned, once, into a function of two tuples of values; conditions as models
usually say them get a short way, every other is worked out as :mod:`samechild.linkage.reference` does, which also
settles what falls on a line to the last bit. Tests hold the two against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from rapidfuzz.distance import DamerauLevenshtein, Jaro, JaroWinkler, Levenshtein

from samechild.errors import Invalid
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
    both,
    columns_of,
    differs,
    equal,
    exchanged,
    missing,
)
from samechild.linkage.model import Comparison
from samechild.linkage.reference import holds
from samechild.linkage.similarity import Value, call
from samechild.records import fields

Prepared = tuple[Value, ...]
"""The values of one record: texts, tuples of texts or None, in the order of a matcher's columns."""
Finder = Callable[[Prepared, Prepared], int]
"""Gives the level that two records reach."""
Step = Callable[[Prepared, Prepared], int]
"""Gives a level, or -1 when the pair goes on to the next step."""
Places = Mapping[str, int]
"""Where each field stands in the tuples."""

_SIMILAR: dict[str, Callable[[str, str], float]] = {
    "jaro_winkler_similarity": JaroWinkler.similarity,
    "jaro_similarity": Jaro.similarity,
}
_DISTANT: dict[str, Callable[[str, str], int]] = {
    "levenshtein": Levenshtein.distance,
    "damerau_levenshtein": DamerauLevenshtein.distance,
}
MOST_REMEMBERED = 50_000
"""So many pairs of texts are remembered for each question before the memory starts afresh."""
DOUBTFUL = 1e-9
"""A similarity this near a line is worked out again as the reference does, rounded as DuckDB rounds it."""


def finder(comparison: Comparison, places: Places) -> Finder:
    """Make the function that finds the level two records reach in a comparison.

    It raises :class:`~samechild.errors.Invalid` when no level fits a pair, as the reference does.
    """
    conditions = [level.condition for level in comparison.levels]
    name = columns_of(conditions[1])[:1] if len(conditions) > 1 else ()
    if name and conditions[0] == missing(name[0]) and conditions[1] == equal(name[0]):
        return _plain_start(comparison, places, places[name[0]])
    steps = _steps(conditions, 0, places)
    outcome = _outcome(comparison)

    def find(left: Prepared, right: Prepared) -> int:
        for step in steps:
            level = step(left, right)
            if level >= 0:
                return level
        return outcome()

    return find


def _plain_start(comparison: Comparison, places: Places, at: int) -> Finder:
    """The usual shape: missing on either side, the same on both, and then whatever else."""
    conditions = [level.condition for level in comparison.levels]
    if len(conditions) == 3 and isinstance(conditions[2], Always):

        def find_of_three(left: Prepared, right: Prepared) -> int:
            one, other = left[at], right[at]
            return 0 if one is None or other is None else 1 if one == other else 2

        return find_of_three
    steps = _steps(conditions, 2, places)
    outcome = _outcome(comparison)

    def find(left: Prepared, right: Prepared) -> int:
        one, other = left[at], right[at]
        if one is None or other is None:
            return 0
        if one == other:
            return 1
        for step in steps:
            level = step(left, right)
            if level >= 0:
                return level
        return outcome()

    return find


def _outcome(comparison: Comparison) -> Callable[[], int]:
    """What a pair reaches when nothing before fitted: the last level if that is for whatever is left."""
    last = len(comparison.levels) - 1
    if isinstance(comparison.levels[last].condition, Always):
        return lambda: last

    def nothing() -> int:
        raise Invalid(
            f"Comparison {comparison.name}: no level fits this pair; end it with a level for whatever is left."
        )

    return nothing


def _steps(conditions: Sequence[Condition], start: int, places: Places) -> list[Step]:
    """The conditions from ``start`` on as steps; levels that ask how alike the same two texts are make one step."""
    steps: list[Step] = []
    number = start
    while number < len(conditions):
        condition = conditions[number]
        if isinstance(condition, Always):
            if number < len(conditions) - 1:
                steps.append(_always(number))
            break
        run = _similar_run(conditions, number)
        if run:
            steps.append(_by_similarity(conditions[number : number + run], number, places))
            number += run
            continue
        if condition != Not(Always()):
            steps.append(_step(condition, number, places))
        number += 1
    return steps


def _always(level: int) -> Step:
    return lambda left, right: level


def _texts(call_: Scalar, names: Mapping[str, Any]) -> bool:
    """Whether a value is one of these functions of one text field on each side, left first."""
    match call_:
        case Call(function=function, arguments=(Column(side="l", name=one), Column(side="r", name=other))):
            return function in names and not fields()[one].many and not fields()[other].many
        case _:
            return False


def _similar_run(conditions: Sequence[Condition], start: int) -> int:
    """How many conditions from here on ask for different degrees of one similarity."""
    first = conditions[start]
    if not (isinstance(first, Compare) and _texts(first.left, _SIMILAR)):
        return 0
    run = 0
    for condition in conditions[start:]:
        match condition:
            case Compare(operator=">=", left=left, right=Literal(value=int() | float())) if left == first.left:
                run += 1
            case _:
                break
    return run


def _sides(scalar: Scalar, places: Places) -> tuple[int, int]:
    assert isinstance(scalar, Call)
    one, other = scalar.arguments
    assert isinstance(one, Column)
    assert isinstance(other, Column)
    return places[one.name], places[other.name]


def _by_similarity(conditions: Sequence[Condition], level: int, places: Places) -> Step:
    first = conditions[0]
    assert isinstance(first, Compare)
    assert isinstance(first.left, Call)
    i, j = _sides(first.left, places)
    function, alike = first.left.function, _SIMILAR[first.left.function]
    lines = [
        (float(each.right.value), level + place)
        for place, each in enumerate(conditions)
        if isinstance(each, Compare) and isinstance(each.right, Literal)
    ]

    known: dict[tuple[Value, Value], int] = {}

    def worked_out(one: Any, other: Any) -> int:
        exact = not (one and other and one.isascii() and other.isascii())
        degree: Any = call(function, (one, other)) if exact else alike(one, other)
        for line, reached in lines:
            if not exact and abs(degree - line) < DOUBTFUL:
                degree, exact = call(function, (one, other)), True
            if degree >= line:
                return reached
        return -1

    def step(left: Prepared, right: Prepared) -> int:
        one, other = left[i], right[j]
        if one is None or other is None:
            return -1
        reached = known.get((one, other))
        if reached is None:
            if len(known) >= MOST_REMEMBERED:
                known.clear()
            reached = known[one, other] = worked_out(one, other)
        return reached

    return step


def _step(condition: Condition, level: int, places: Places) -> Step:
    """One condition as a step, by the shortest way there is."""
    match condition:
        case Compare(operator="=", left=Column(side="l", name=one), right=Column(side="r", name=other)) if (
            fields()[one].many == fields()[other].many
        ):
            return _equal(places[one], places[other], level)
        case Compare(operator="<=", left=left, right=Literal(value=int() | float() as line)) if _texts(left, _DISTANT):
            return _by_distance(left, line, level, places)
        case Compare(
            operator=">=",
            left=Call(function="shared", arguments=(Column(side="l", name=one), Column(side="r", name=other))),
            right=Literal(value=1),
        ) if fields()[one].many and fields()[other].many:
            return _in_common(places[one], places[other], level)
    names = columns_of(condition)
    if len(names) == 2 and condition == Or((missing(names[0]), exchanged(names[0], names[1]))):
        return _missing_or_exchanged(places[names[0]], places[names[1]], level)
    if len(names) == 1 and condition == Or(tuple(Not(IsNull(side)) for side in both(names[0]))):
        return _either_known(places[names[0]], level)
    if len(names) == 1 and condition == differs(names[0]):
        return _differing(places[names[0]], level)
    if len(names) == 2 and condition == exchanged(names[0], names[1]):
        return _exchanged(places[names[0]], places[names[1]], level)
    if (gap := _gap(condition)) is not None:
        return _by_gap(places[gap[0]], *gap[1:], level)
    if (start := _start(condition)) is not None:
        return _same_start(places[start[0]], start[1], level)
    truth = _truth(condition, places)
    return lambda left, right: level if truth(left, right) is True else -1


def _equal(i: int, j: int, level: int) -> Step:
    def step(left: Prepared, right: Prepared) -> int:
        one = left[i]
        return level if one is not None and one == right[j] else -1

    return step


def _by_distance(scalar: Scalar, line: float, level: int, places: Places) -> Step:
    assert isinstance(scalar, Call)
    i, j = _sides(scalar, places)
    function, distance = scalar.function, _DISTANT[scalar.function]
    known: dict[tuple[Value, Value], int] = {}

    def worked_out(one: Any, other: Any) -> int:
        found: Any = (distance if one.isascii() and other.isascii() else partial(_called, function))(one, other)
        return level if found <= line else -1

    def step(left: Prepared, right: Prepared) -> int:
        one, other = left[i], right[j]
        if one is None or other is None:
            return -1
        reached = known.get((one, other))
        if reached is None:
            if len(known) >= MOST_REMEMBERED:
                known.clear()
            reached = known[one, other] = worked_out(one, other)
        return reached

    return step


def _called(function: str, one: str, other: str) -> Value:
    return call(function, (one, other))


def _in_common(i: int, j: int, level: int) -> Step:
    def step(left: Prepared, right: Prepared) -> int:
        one, other = left[i], right[j]
        if one is None or other is None:
            return -1
        for each in one:  # type: ignore[union-attr]
            if each in other:  # type: ignore[operator]
                return level
        return -1

    return step


def _missing_or_exchanged(i: int, j: int, level: int) -> Step:
    def step(left: Prepared, right: Prepared) -> int:
        one, other = left[i], right[i]
        if one is None or other is None:
            return level
        return level if one == right[j] and other == left[j] else -1

    return step


def _either_known(at: int, level: int) -> Step:
    return lambda left, right: -1 if left[at] is None and right[at] is None else level


def _differing(at: int, level: int) -> Step:
    def step(left: Prepared, right: Prepared) -> int:
        one, other = left[at], right[at]
        return level if one is not None and other is not None and one != other else -1

    return step


def _exchanged(i: int, j: int, level: int) -> Step:
    def step(left: Prepared, right: Prepared) -> int:
        one, other = left[i], left[j]
        return level if one is not None and other is not None and one == right[j] and other == right[i] else -1

    return step


def _part(scalar: Scalar) -> tuple[str, str, int, int] | None:
    """Field, side, first letter and length, where a value is part of a text field."""
    match scalar:
        case Call(
            function="substr",
            arguments=(Column(name=name, side=side), Literal(value=int() as start), Literal(value=int() as length)),
        ) if start >= 1 and length >= 1 and not fields()[name].many:
            return name, side, start, length
        case _:
            return None


def _parts(one: Scalar, other: Scalar) -> tuple[str, int, int] | None:
    """Field, first letter and length, where two values are the same part of one field, left and right."""
    left, right = _part(one), _part(other)
    same = left and right and (left[0], *left[2:]) == (right[0], *right[2:]) and (left[1], right[1]) == ("l", "r")
    return (left[0], left[2], left[3]) if left and same else None


def _gap(condition: Condition) -> tuple[str, int, int, float] | None:
    """The field, first letter, length and line of a condition on how far apart two numbers were given out."""
    match condition:
        case Compare(
            operator="<=",
            left=Call(function="number_gap", arguments=(one, other)),
            right=Literal(value=int() | float() as line),
        ):
            part = _parts(one, other)
            return (*part, line) if part and part[2] <= 18 else None
        case _:
            return None


def _by_gap(at: int, start: int, length: int, line: float, level: int) -> Step:
    first, last = start - 1, start - 1 + length

    def step(left: Prepared, right: Prepared) -> int:
        one, other = left[at], right[at]
        if one is None or other is None:
            return -1
        one, other = one[first:last], other[first:last]  # type: ignore[index]
        if not (one.isdecimal() and other.isdecimal() and one.isascii() and other.isascii()):  # type: ignore[union-attr]
            return -1
        return level if abs(int(one) - int(other)) <= line else -1  # type: ignore[arg-type]

    return step


def _start(condition: Condition) -> tuple[str, int] | None:
    """The field and the number of letters of a condition that asks two texts to begin alike."""
    match condition:
        case Compare(operator="=", left=one, right=other) if (part := _parts(one, other)) and part[1] == 1:
            return part[0], part[2]
        case _:
            return None


def _same_start(at: int, length: int, level: int) -> Step:
    def step(left: Prepared, right: Prepared) -> int:
        one, other = left[at], right[at]
        if one is None or other is None:
            return -1
        return level if one[:length] == other[:length] else -1  # type: ignore[index]

    return step


# --- any other condition ----------------------------------------------------------------------------------------------


def _truth(condition: Condition, places: Places) -> Callable[[Prepared, Prepared], bool | None]:
    """Any condition: true, false, or None where a missing value leaves it open."""
    match condition:
        case IsNull(value=Column(name=name, side=side)):
            return _is_null(places[name], side == "l")
        case Compare(operator="=", left=Column(name=name, side=side), right=Literal(value=str() as wanted)) if (
            not fields()[name].many
        ):
            return _is_value(places[name], side == "l", wanted)
        case Not(part=part):
            return _negated(_truth(part, places))
        case And(parts=parts):
            return _every([_truth(part, places) for part in parts])
        case Or(parts=parts):
            none_holds = _every([_negated(_truth(part, places)) for part in parts])
            return _negated(none_holds)
        case _:
            return _as_the_reference(condition, places)


def _is_null(at: int, is_left: bool) -> Callable[[Prepared, Prepared], bool]:
    if is_left:
        return lambda left, right: left[at] is None
    return lambda left, right: right[at] is None


def _is_value(at: int, is_left: bool, wanted: str) -> Callable[[Prepared, Prepared], bool | None]:
    def truth(left: Prepared, right: Prepared) -> bool | None:
        value = left[at] if is_left else right[at]
        return None if value is None else value == wanted

    return truth


def _negated(inner: Callable[[Prepared, Prepared], bool | None]) -> Callable[[Prepared, Prepared], bool | None]:
    def truth(left: Prepared, right: Prepared) -> bool | None:
        answer = inner(left, right)
        return None if answer is None else not answer

    return truth


def _every(parts: list[Callable[[Prepared, Prepared], bool | None]]) -> Callable[[Prepared, Prepared], bool | None]:
    def truth(left: Prepared, right: Prepared) -> bool | None:
        answer: bool | None = True
        for part in parts:
            found = part(left, right)
            if found is False:
                return False
            if found is None:
                answer = None
        return answer

    return truth


def _as_the_reference(condition: Condition, places: Places) -> Callable[[Prepared, Prepared], bool | None]:
    """Ask the reference, with the fields the condition looks at."""
    used = [(name, places[name]) for name in columns_of(condition)]

    def truth(left: Prepared, right: Prepared) -> bool | None:
        return holds(condition, {name: left[at] for name, at in used}, {name: right[at] for name, at in used})

    return truth
