"""What Splink has no word for: the file that stands beside a model's Splink settings.

Splink knows two classes of pair, same child or not. Twins and siblings, the thresholds, the marks on identifiers, the
limits on blocking and the rules kept out of training are written here (``model.extra.json``) and put back on when the
two files are read together. Comparisons are matched by name, levels and blocking rules by order. Whatever is declared
on :class:`~samechild.linkage.model.Model` and is not in the settings is here, so a new field needs no line of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from samechild.errors import Invalid
from samechild.linkage.model import Model

FORMAT_VERSION = 1

IN_SETTINGS = {
    "model": ("prior",),
    "comparison": ("description",),
    "level": ("condition", "is_null", "m", "u", "term_frequency", "fix_m", "fix_u"),
    "rule": ("parts",),
}
"""What the Splink settings hold already, and this file leaves out."""


def write_extra(model: Model) -> dict[str, Any]:
    """Write what a model holds beyond its Splink settings, as plain JSON; the same model always gives the same."""
    whole: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(model))  # lists, not tuples, as JSON has them
    written = {"format_version": FORMAT_VERSION} | _without(whole, "model")
    written["comparisons"] = [
        _without(comparison, "comparison") | {"levels": [_without(level, "level") for level in comparison["levels"]]}
        for comparison in whole["comparisons"]
    ]
    written["blocking"] = [
        {"name": rule.name} | _without(each, "rule")
        for rule, each in zip(model.blocking, whole["blocking"], strict=True)
    ]
    return written


def _without(whole: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {key: value for key, value in whole.items() if key not in IN_SETTINGS[kind]}


def read_extra(model: Model, extra: Mapping[str, Any]) -> Model:
    """Put what :func:`write_extra` wrote back on a model read from its Splink settings.

    What the file does not mention stays as it is; entries of an unknown name are passed over.

    Raises :class:`~samechild.errors.Invalid` when it is malformed, of a later format, or of another model.
    """
    if not isinstance(extra, Mapping) or extra.get("format_version") != FORMAT_VERSION:
        raise Invalid("model.extra.json was not written by this release of samechild; train the model again.")
    whole: dict[str, Any] = msgspec.to_builtins(model)
    merged = whole | _without(extra, "model")
    merged["comparisons"] = [
        _merged(comparison, each, "comparison")
        | {"levels": [_merged(*levels, "level") for levels in _matched(comparison, each, "levels")]}
        for comparison, each in _matched(whole, extra, "comparisons")
    ]
    merged["blocking"] = [_merged(*rules, "rule") for rules in _matched(whole, extra, "blocking")]
    try:
        read = msgspec.convert(merged, Model)
    except (msgspec.ValidationError, TypeError) as error:
        raise Invalid("model.extra.json cannot be read; store the model again, or leave the file out.") from error
    _check(read)
    return read


def _matched(whole: Mapping[str, Any], extra: Mapping[str, Any], key: str) -> list[tuple[Any, Any]]:
    ours, theirs = whole[key], extra.get(key)
    if not isinstance(theirs, list) or len(theirs) != len(ours) or not all(isinstance(x, Mapping) for x in theirs):
        raise Invalid("model.extra.json belongs to another model than model.json; give the two files of one run.")
    return list(zip(ours, theirs, strict=True))


def _merged(whole: Mapping[str, Any], extra: Mapping[str, Any], kind: str) -> dict[str, Any]:
    if kind == "comparison" and extra.get("name") != whole["name"]:
        raise Invalid("model.extra.json belongs to another model than model.json; give the two files of one run.")
    return {**whole, **_without(extra, kind)}


def _check(read: Model) -> None:
    lines = read.thresholds
    chances = [read.prior_twin, read.prior_sibling, lines.join, lines.ask, lines.split, lines.floor]
    for comparison in read.comparisons:
        for level in comparison.levels:
            chances += [chance for chance in (level.twin, level.sibling) if chance is not None]
    if not all(0 <= chance <= 1 for chance in chances) or read.largest_block < 2:
        raise Invalid("model.extra.json holds a probability outside 0 to 1, or a largest_block under 2; correct it.")
