"""Lists everything that is wrong with one record, place by place, against the declared types.

The decoder of the types says only that something is wrong, and stops there; a council wants to mend all of it at once.
So only a record that the decoder refused is looked at here, value by value, and each value is asked of its own type
again: nothing is declared twice. A fault says what to do at which place, and repeats nothing of what was sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any, get_type_hints

import msgspec
from msgspec import inspect

from samechild.collection.attendance.structural import STRUCTURAL as OF_REGISTER
from samechild.collection.records import SPECIFICATION, Child, declared
from samechild.collection.rules.structural import STRUCTURAL

MOST_FAULTS = 20
"""So many faults of one record are told."""

MOST_LIKENED = 3
"""So many unknown properties of one record are likened to the known ones: it takes its time."""

Wrong = tuple[str, str, str]
"""A fault of one record: its place as a JSON pointer below the record, the rule, and what to do."""

NO_NULL = "Leave it out instead of sending null."
_LONG_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")


class Twice(dict[str, Any]):
    """An object that named properties more than once: ``names``."""

    def __init__(self, found: dict[str, Any], names: Sequence[str]) -> None:
        super().__init__(found)
        self.names = names


def faults_of(record: Any, *, long_ids: bool = False, kind: type = Child) -> list[Wrong]:
    """What is wrong with a decoded record, at most :data:`MOST_FAULTS`, in the order of the declared fields.

    Args:
        record: what the JSON decoder made of it; :class:`Twice` where an object names a property twice.
        long_ids: whether the child's id may have up to 36 characters with _ and -.
        kind: what a record is, of another collection than children's social care.
    """
    wrong: list[Wrong] = []
    _check_object(kind, record, "", wrong, long_ids=long_ids)
    return wrong[:MOST_FAULTS]


class _Field(msgspec.Struct, frozen=True):
    """What a field must be: its annotated type, the type it holds, and the rule that says so."""

    hint: Any
    type: inspect.Type
    required: bool
    rule: str


@cache
def _fields(kind: type) -> dict[str, _Field]:
    """The fields of a declared type."""
    shape = held_in(inspect.type_info(kind))
    assert isinstance(shape, inspect.StructType)
    hints = get_type_hints(kind, include_extras=True)
    return {
        each.encode_name: _Field(
            hint=hints[each.name],
            type=held_in(each.type),
            required=each.required,
            rule=_rule_of(kind, each.name, held_in(each.type)),
        )
        for each in shape.fields
    }


def held_in(found: inspect.Type) -> inspect.Type:
    """The type within its description, and without null."""
    while isinstance(found, inspect.Metadata | inspect.UnionType):
        if isinstance(found, inspect.Metadata):
            found = found.type
        else:
            found = next(each for each in found.types if not isinstance(each, inspect.NoneType))
    return found


_RULES = (*STRUCTURAL, *OF_REGISTER)
_OF_FIELD = {(rule.on, field): rule.code for rule in _RULES for field in rule.fields if rule.code != "STR-22"}


@cache
def _mends() -> dict[str, str]:
    return {rule.code: rule.mend for rule in _RULES}


def _rule_of(kind: type, name: str, found: inspect.Type) -> str:
    if (kind, name) in _OF_FIELD:
        return _OF_FIELD[kind, name]
    if isinstance(found, inspect.DateType):
        return "STR-13"
    if isinstance(found, inspect.BoolType):
        return "STR-14"
    if declared(kind)[name].codes or (isinstance(found, inspect.StrType) and name == "postcode"):
        return "STR-17"
    return "STR-06"


def _check_object(kind: type, value: Any, place: str, wrong: list[Wrong], *, long_ids: bool = False) -> None:
    """Note all that is wrong with an object and what it holds."""
    if not isinstance(value, dict):
        wrong.append((place, "STR-06", NO_NULL if value is None else "Send an object here."))
        return
    fields = _fields(kind)
    if isinstance(value, Twice):
        known = ", ".join(sorted({name for name in value.names if name in fields}))
        wrong.append((place, "STR-06", f"Send each property once: {known or 'one'} stands here more than once."))
    for number, name in enumerate(value, start=1):
        if name not in fields and len(wrong) < MOST_FAULTS:
            like = fields if len(wrong) < MOST_LIKENED else {}
            wrong.append((place, "STR-06", _unknown(kind, number, name, like)))
    for name, field in fields.items():
        if len(wrong) >= MOST_FAULTS:
            return
        below = f"{place}/{name}"
        if name not in value:
            if field.required:
                wrong.append((below, field.rule, f"It is missing. {_mends()[field.rule]}"))
        elif not (kind is Child and _let_pass(name, value[name], long_ids)):
            _check_value(field, value[name], below, wrong)


def _let_pass(name: str, value: Any, long_ids: bool) -> bool:
    """Whether a value of the record itself is taken although the types do not: both were seen in earnest."""
    if name == "mis_child_id":
        return value is None  # the published Python client sends it so when it erases a child
    return long_ids and name == "la_child_id" and isinstance(value, str) and bool(_LONG_ID.fullmatch(value))


def _unknown(kind: type, number: int, name: str, fields: Iterable[str]) -> str:
    """Tell of a property that nobody declared; what it is called may be anything, so it is not repeated."""
    near = get_close_matches(name[:60].casefold(), list(fields), n=1, cutoff=0.75)
    meant = f"; is {near[0]} meant?" if near else ""
    by = f"specification {SPECIFICATION} does not know" if kind.__module__ == Child.__module__ else "is not asked for"
    return f"Leave out what {by}: property {number} of this object{meant}."


def _check_value(field: _Field, value: Any, place: str, wrong: list[Wrong]) -> None:
    if value is None:
        wrong.append((place, field.rule, _mends()[field.rule] if field.required else NO_NULL))
    elif isinstance(field.type, inspect.StructType):
        _check_object(field.type.cls, value, place, wrong)
    elif isinstance(field.type, inspect.VarTupleType):
        _check_list(field, field.type, value, place, wrong)
    elif mend := _unkeepable(value):
        wrong.append((place, "STR-03", mend))
    elif not _fits(value, field.hint):
        wrong.append((place, field.rule, _longest(field.type) or _mends()[field.rule]))


def _fits(value: Any, hint: Any) -> bool:
    try:
        msgspec.convert(value, hint)
    except msgspec.ValidationError:
        return False
    return True


def _unkeepable(value: Any) -> str:
    """Why a text cannot be kept; empty when it can, or is none."""
    if not isinstance(value, str):
        return ""
    if "\x00" in value:
        return "Take out the character NUL."
    try:
        value.encode()
    except UnicodeEncodeError:
        return "Send whole characters: it holds half of one (a lone surrogate)."
    return ""


def _longest(found: inspect.Type) -> str:
    """What to do about a text that may only be too long; empty for every other type."""
    if isinstance(found, inspect.StrType) and found.pattern is None and found.min_length is None:
        return f"Send text of at most {found.max_length} characters."
    return ""


def _check_list(field: _Field, shape: inspect.VarTupleType, value: Any, place: str, wrong: list[Wrong]) -> None:
    if not isinstance(value, list):
        wrong.append((place, field.rule, "Send a list here."))
    elif shape.max_length is not None and len(value) > shape.max_length:
        wrong.append((place, field.rule, f"Send at most {shape.max_length} of them."))
    elif isinstance(item := held_in(shape.item_type), inspect.StructType):
        for number, each in enumerate(value):
            if len(wrong) >= MOST_FAULTS:
                return
            _check_object(item.cls, each, f"{place}/{number}", wrong)
    else:
        _check_codes(field, item, value, place, wrong)


def _check_codes(field: _Field, item: inspect.Type, value: list[Any], place: str, wrong: list[Wrong]) -> None:
    for number, each in enumerate(value):
        if each is None:
            wrong.append((f"{place}/{number}", field.rule, NO_NULL))
        elif mend := _unkeepable(each):
            wrong.append((f"{place}/{number}", "STR-03", mend))
        elif not (isinstance(item, inspect.StrType) and isinstance(each, str) and len(each) <= (item.max_length or 0)):
            wrong.append((f"{place}/{number}", field.rule, _longest(item)))
        elif each in value[:number]:
            wrong.append((f"{place}/{number}", field.rule, "It stands in the list already: send each once."))
