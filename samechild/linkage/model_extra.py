"""What Splink has no word for: the file that stands beside a model's Splink settings.

Splink knows two classes of pair, same child or not. Twins and siblings, the thresholds, the marks on identifiers, the
limit on block sizes and the rules kept out of training are written here (``model.extra.json``) and put back on when the
two files are read together. Comparisons are matched by name and levels by order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from samechild.errors import Invalid
from samechild.linkage.model import BlockingRule, Comparison, Level, Model, Thresholds


class ExtraLevel(msgspec.Struct, frozen=True):
    """The same-family probabilities of a level; ``label`` is there for the reader."""

    label: str
    twin: float | None
    sibling: float | None


class ExtraComparison(msgspec.Struct, frozen=True):
    """What a comparison is besides its levels' SQL."""

    name: str
    identifier: bool
    levels: tuple[ExtraLevel, ...]


class Extra(msgspec.Struct, frozen=True):
    """The whole second file. ``training`` says, for each blocking rule in order, whether training uses it."""

    name: str
    prior_twin: float
    prior_sibling: float
    thresholds: Thresholds
    largest_block: int
    comparisons: tuple[ExtraComparison, ...]
    training: tuple[bool, ...]
    format_version: int = 1


def write_extra(model: Model) -> dict[str, Any]:
    """Write what a model holds beyond its Splink settings, as plain JSON; the same model always gives the same."""
    extra = Extra(
        name=model.name,
        prior_twin=model.prior_twin,
        prior_sibling=model.prior_sibling,
        thresholds=model.thresholds,
        largest_block=model.largest_block,
        comparisons=tuple(
            ExtraComparison(
                comparison.name,
                comparison.identifier,
                tuple(ExtraLevel(level.label, level.twin, level.sibling) for level in comparison.levels),
            )
            for comparison in model.comparisons
        ),
        training=tuple(rule.training for rule in model.blocking),
    )
    written: dict[str, Any] = msgspec.to_builtins(extra)
    return written


def read_extra(model: Model, extra: Mapping[str, Any]) -> Model:
    """Put what :func:`write_extra` wrote back on a model read from its Splink settings; unknown entries are ignored.

    Raises :class:`~samechild.errors.Invalid` when it is malformed, of a later format, or of another model.
    """
    try:
        read = msgspec.convert(dict(extra), Extra)
    except (msgspec.ValidationError, TypeError, ValueError) as error:
        raise Invalid("model.extra.json cannot be read; store the model again, or leave the file out.") from error
    if read.format_version != 1:
        raise Invalid("model.extra.json was written by a later release; update samechild, or train the model again.")
    shape = [(each.name, len(each.levels)) for each in model.comparisons]
    if shape != [(each.name, len(each.levels)) for each in read.comparisons] or len(read.training) != len(
        model.blocking
    ):
        raise Invalid("model.extra.json belongs to another model than model.json; give the two of one run.")
    _check(read)
    return msgspec.structs.replace(
        model,
        name=read.name,
        prior_twin=read.prior_twin,
        prior_sibling=read.prior_sibling,
        thresholds=read.thresholds,
        largest_block=read.largest_block,
        comparisons=tuple(map(_with_comparison, model.comparisons, read.comparisons)),
        blocking=tuple(map(_with_training, model.blocking, read.training)),
    )


def _check(read: Extra) -> None:
    probabilities = [read.prior_twin, read.prior_sibling, *msgspec.structs.astuple(read.thresholds)]
    probabilities += [
        probability
        for comparison in read.comparisons
        for level in comparison.levels
        for probability in (level.twin, level.sibling)
        if probability is not None
    ]
    if not all(0 <= probability <= 1 for probability in probabilities) or read.largest_block < 2:
        raise Invalid("model.extra.json holds a probability outside 0 to 1, or a largest_block under 2; correct it.")


def _with_comparison(comparison: Comparison, extra: ExtraComparison) -> Comparison:
    return msgspec.structs.replace(
        comparison, identifier=extra.identifier, levels=tuple(map(_with_level, comparison.levels, extra.levels))
    )


def _with_level(level: Level, extra: ExtraLevel) -> Level:
    return msgspec.structs.replace(level, twin=extra.twin, sibling=extra.sibling)


def _with_training(rule: BlockingRule, training: bool) -> BlockingRule:
    return msgspec.structs.replace(rule, training=training)
