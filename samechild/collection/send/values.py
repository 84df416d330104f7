"""Values of any system as the specification writes them: days, flags, whole numbers, codes and text.

A database gives dates with midnight behind them, a spreadsheet gives 1 and 0 for yes and no, a case system pads its
codes with blanks. Here they become what the specification knows. What cannot be understood is left as it stands, so
that the check before sending says which child and which field to mend: nothing is guessed and nothing is dropped
silently.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from typing import Any

import msgspec

from samechild.collection.records import KEYS, Child
from samechild.files.text_values import as_text

YES = frozenset({"y", "yes", "t", "true", "1"})
NO = frozenset({"n", "no", "f", "false", "0"})

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?")
_BRITISH = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})(?: \d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")


def text_of(value: Any) -> str | None:
    """Any value as text without blanks around it; None for nothing."""
    text = as_text(value)
    return (text.strip() or None) if text is not None else None


def day_of(value: Any) -> str | None:
    """A date as YYYY-MM-DD; read day first where slashes stand in it. What is no date stays as it was given."""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    text = text_of(value)
    if text is None:
        return None
    for pattern, order in ((_ISO, (0, 1, 2)), (_BRITISH, (2, 1, 0)), (_COMPACT, (0, 1, 2))):
        found = pattern.fullmatch(text)
        if found:
            parts = [int(found.groups()[place]) for place in order]
            try:
                return date(*parts).isoformat()
            except ValueError:
                return text
    return text


def flag_of(value: Any) -> bool | str | None:
    """Yes or no; what is neither stays as it was given."""
    if isinstance(value, bool):
        return value
    text = text_of(value)
    if text is None:
        return None
    lower = text.lower()
    return True if lower in YES else False if lower in NO else text


def whole_of(value: Any) -> int | str | None:
    """A whole number; what is none stays as it was given."""
    text = text_of(value)
    if text is None:
        return None
    return int(text) if re.fullmatch(r"-?\d{1,15}", text) else text


def codes_of(value: Any) -> list[str] | None:
    """Several codes in one cell: a JSON list, or codes apart by commas, semicolons or bars; sorted, each once."""
    if isinstance(value, list | tuple):
        parts = [text_of(each) for each in value]
    else:
        text = text_of(value)
        if text is None or text == "null":
            return None
        parts = [text_of(each) for each in _listed(text)]
    return sorted({part for part in parts if part is not None})


def _listed(text: str) -> list[Any]:
    if text.startswith("["):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return [text]
        return found if isinstance(found, list) else [text]
    return re.split(r"[,;|]", text)


Convert = Callable[[Any], Any]


@cache
def conversions(kind: type) -> dict[str, Convert]:
    """How each plain field of a declared type is read; lists of things and nested things are left out."""
    found: dict[str, Convert] = {}
    for field in msgspec.structs.fields(kind):
        convert = _conversion(msgspec.inspect.type_info(field.type))
        if convert is not None and field.name != "purge":
            found[field.name] = convert
    return found


def _conversion(told: Any) -> Convert | None:
    while isinstance(told, msgspec.inspect.Metadata):
        told = told.type
    if isinstance(told, msgspec.inspect.UnionType):
        present = [each for each in told.types if not isinstance(each, msgspec.inspect.NoneType)]
        return _conversion(present[0]) if len(present) == 1 else None
    if isinstance(told, msgspec.inspect.DateType):
        return day_of
    if isinstance(told, msgspec.inspect.BoolType):
        return flag_of
    if isinstance(told, msgspec.inspect.IntType):
        return whole_of
    if isinstance(told, msgspec.inspect.StrType):
        return text_of
    if isinstance(told, msgspec.inspect.VarTupleType) and _conversion(told.item_type) is text_of:
        return codes_of
    return None


def whole_child(child: dict[str, Any]) -> dict[str, Any]:
    """The same child with its lists in one order, whatever order they were read in: the same child, the same bytes."""
    ordered = dict(child)
    wellbeing = child.get("health_and_wellbeing")
    if wellbeing and "sdq_assessments" in wellbeing:
        ordered["health_and_wellbeing"] = {
            **wellbeing,
            "sdq_assessments": sorted(wellbeing["sdq_assessments"], key=canonical),
        }
    if "social_care_episodes" in child:
        episodes = [_episode(each) for each in child["social_care_episodes"]]
        ordered["social_care_episodes"] = _in_order("social_care_episodes", episodes)
    return ordered


def _episode(episode: dict[str, Any]) -> dict[str, Any]:
    return {name: _in_order(name, value) if isinstance(value, list) else value for name, value in episode.items()}


def _in_order(name: str, items: list[Any]) -> list[Any]:
    if name in KEYS:
        key = KEYS[name]
        return sorted(items, key=lambda item: (str(item.get(key, "")), canonical(item)))
    return sorted(items, key=canonical)


def canonical(thing: Any) -> bytes:
    """The bytes of a thing in the one form that is compared and sent: UTF-8 JSON, no blanks, names in order."""
    return msgspec.json.encode(thing, order="sorted")


def declared_order(child: dict[str, Any]) -> dict[str, Any]:
    """A child with its fields in the order of the specification, which people find easier to read."""
    return {name: child[name] for name in Child.__struct_fields__ if name in child}
