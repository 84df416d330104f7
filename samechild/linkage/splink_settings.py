"""Reading and writing Splink's settings, so that a model trained there works here, and ours works there.

Analysts across government train their models with Splink (Ministry of Justice, MIT licence). Its settings JSON, of
releases 4 and 5, is our model format: :func:`read_settings` and :func:`write_settings`. What Splink has no word for
(twins and siblings, thresholds, marks on identifiers) stands beside it in a second file, and so do the term
frequencies of a stored model: :mod:`samechild.linkage.model_extra`, :mod:`samechild.linkage.frequencies`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from sqlglot import exp

from samechild.errors import Invalid
from samechild.linkage import conditions
from samechild.linkage.conditions import Always, Call, Condition, Scalar, columns_of, to_sql
from samechild.linkage.model import (
    SMALLEST,
    BlockingRule,
    Comparison,
    KeyPart,
    Level,
    Model,
    TermFrequency,
)
from samechild.linkage.reference import exact_columns
from samechild.linkage.splink_sql import DIALECTS, parse, read_condition
from samechild.records import fields

Settings = Mapping[str, Any]

DEFAULT_PRIOR = 0.0001
"""Splink's prior when a model gives none."""

NOT_OBSERVED = "level not observed in training dataset"
"""What some Splink releases wrote instead of a probability; Splink reads it as none given, and fills in its default."""


# --- reading ----------------------------------------------------------------------------------------------------------


def read_settings(settings: Settings | str | Path, name: str | None = None) -> Model:
    """Read a Splink model: its comparisons, weights, blocking rules and prior.

    ``settings`` is Splink's settings as a dictionary, as JSON text, or the path of a JSON file (Splink 4 or 5, trained
    or not). A comparison without a single probability stays untrained; where only some are missing (a level that
    training never met), Splink's defaults fill the gaps, as Splink itself does when it loads the model. Which sources
    are compared with which (``link_type``) and the names of the id columns are not part of a model here: every record
    is compared with every other, and records have their own ``source`` and ``record_id``.

    Raises :class:`~samechild.errors.Invalid`, naming comparison, level and construct, for anything that cannot be read
    with exactly Splink's meaning.
    """
    found = _open(settings)
    dialect = str(found.get("sql_dialect") or "duckdb")
    if dialect not in DIALECTS:
        raise Invalid(f"Splink settings: models of {dialect} cannot be read, only {', '.join(DIALECTS)}.")
    written = _list(found, "comparisons", "Splink settings")
    comparisons = tuple(_comparison(each, index, dialect) for index, each in enumerate(written, 1))
    names = [comparison.name for comparison in comparisons]
    if not names or len(set(names)) < len(names):
        raise Invalid("Splink settings: there must be comparisons, each with a name of its own (output_column_name).")
    rules = _list(found, "blocking_rules_to_generate_predictions", "Splink settings", required=False)
    prior = _probability(found, "probability_two_random_records_match", "Splink settings")
    if prior is not None and not 0 < prior < 1:
        raise Invalid("Splink settings: probability_two_random_records_match must lie between 0 and 1.")
    return Model(
        name=name or (settings.stem if isinstance(settings, Path) else "splink"),
        comparisons=comparisons,
        blocking=tuple(_rule(each, index, dialect) for index, each in enumerate(rules, 1)),
        prior=DEFAULT_PRIOR if prior is None else prior,
    )


def _open(settings: Settings | str | Path) -> Settings:
    if isinstance(settings, Mapping):
        return settings
    text = settings
    if isinstance(settings, Path) or not settings.lstrip().startswith("{"):
        try:
            text = Path(settings).read_text(encoding="utf-8-sig")
        except (OSError, ValueError) as error:
            raise Invalid("The Splink settings cannot be opened; give the path of a settings JSON file.") from error
    try:
        found = json.loads(str(text))
    except (ValueError, RecursionError) as error:
        raise Invalid(
            "The Splink settings are not JSON; save the model again with Splink's save_model_to_json."
        ) from error
    if not isinstance(found, dict):
        raise Invalid("The Splink settings are not a JSON object; save the model again with save_model_to_json.")
    return found


def _list(settings: Settings, key: str, place: str, required: bool = True) -> list[Any]:
    value = settings.get(key)
    if value is None and not required:
        return []
    if not isinstance(value, list):
        raise Invalid(f"{place}: {key} is not a list; it does not look like a Splink model.")
    return value


def _comparison(written: Any, number: int, dialect: str) -> Comparison:
    if not isinstance(written, Mapping):
        raise Invalid(f"Comparison {number} of the Splink settings is not an object; save the model as JSON.")
    given = written.get("output_column_name")
    place = f"Comparison {given or number}"
    levels = _list(written, "comparison_levels", place)
    read = [_level(each, index, place, dialect) for index, each in enumerate(levels, 1)]
    if not read or not isinstance(read[-1].condition, Always) or read[-1].is_null:
        raise Invalid(f"{place}: its last level must be ELSE, for whatever is left; add one.")
    read = _fill_defaults(read)
    name = str(given) if given else "_".join(columns_of(conditions.And(tuple(each.condition for each in read))))
    comparison = Comparison(name, tuple(read), str(written.get("comparison_description") or ""))
    for level in comparison.levels:
        _check_frequency(comparison, level)
    return comparison


def _level(written: Any, number: int, place: str, dialect: str) -> Level:
    sql = written.get("sql_condition") if isinstance(written, Mapping) else None
    if not isinstance(sql, str):
        raise Invalid(f"{place}, level {number}: it has no sql_condition; save the model again as JSON.")
    label = str(written.get("label_for_charts") or f"level {number}")
    place = f"{place}, level {number} ({label})"
    is_null = bool(written.get("is_null_level", False))
    return Level(
        label=label,
        condition=read_condition(sql, dialect, place),
        is_null=is_null,
        m=None if is_null else _probability(written, "m_probability", place),
        u=None if is_null else _probability(written, "u_probability", place),
        term_frequency=_term_frequency(written, place, dialect),
        fix_m=bool(written.get("fix_m_probability", False)),
        fix_u=bool(written.get("fix_u_probability", False)),
    )


def _probability(written: Settings, key: str, place: str) -> float | None:
    value = written.get(key)
    if value is None or value == NOT_OBSERVED:
        return None
    # Splink lets experts write m=8, u=1 for "eight times as likely", so no upper end but infinity.
    if isinstance(value, bool) or not isinstance(value, int | float) or not SMALLEST <= value < float("inf"):
        raise Invalid(f"{place}: {key} is not a probability; correct it (Splink's smallest is {SMALLEST}).")
    return float(value)


def _number(written: Settings, key: str, place: str, default: float) -> float:
    value = written.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise Invalid(f"{place}: {key} is not a number of 0 or more; correct it.")
    return float(value)


def _term_frequency(written: Settings, place: str, dialect: str) -> TermFrequency | None:
    column = written.get("tf_adjustment_column")
    if column is None:
        return None
    parsed = parse(str(column), dialect, place)
    if not isinstance(parsed, exp.Column) or parsed.table:
        raise Invalid(f"{place}: tf_adjustment_column is not the name of a field; use the field itself.")
    return TermFrequency(
        column=parsed.name,
        weight=_number(written, "tf_adjustment_weight", place, 1.0),
        minimum=_number(written, "tf_minimum_u_value", place, 0.0),
        own_u=bool(written.get("disable_tf_exact_match_detection", False)),
    )


def _check_frequency(comparison: Comparison, level: Level) -> None:
    """Refuse early what Splink refuses when it predicts: an adjustment with no exact-match level to measure it by."""
    adjustment = level.term_frequency
    idle = level.is_null or isinstance(level.condition, Always)
    if adjustment is None or idle or adjustment.weight == 0 or adjustment.own_u:
        return
    if not any(exact_columns(each.condition) == {adjustment.column.lower()} for each in comparison.levels):
        raise Invalid(
            f"Comparison {comparison.name}, level {level.label}: term frequencies of {adjustment.column} need a level "
            "where exactly this field is the same on both sides, or disable_tf_exact_match_detection."
        )


def _fill_defaults(levels: list[Level]) -> list[Level]:
    """Fill gaps in a partly trained comparison with Splink's defaults: m 95% at the top, weights -5 to 3, then 10."""
    ordered = [level for level in levels if not level.is_null]
    count = len(ordered)
    if count < 2 or all(level.m is None and level.u is None for level in ordered):
        return levels
    filled = {}
    for place, level in enumerate(reversed(ordered)):  # from the worst agreement to the best
        m = 0.95 if place == count - 1 else 0.05 / (count - 1)
        step = 0.0 if count == 2 else 8.0 * place / (count - 2)
        u = m / 2.0 ** (10.0 if place == count - 1 else -5.0 + step)
        filled[id(level)] = msgspec.structs.replace(
            level, m=m if level.m is None else level.m, u=u if level.u is None else level.u
        )
    return [filled.get(id(level), level) for level in levels]


# --- blocking rules ---------------------------------------------------------------------------------------------------


def _rule(written: Any, number: int, dialect: str) -> BlockingRule:
    place = f"Blocking rule {number}"
    sql = written.get("blocking_rule") if isinstance(written, Mapping) else written
    if not isinstance(sql, str):
        raise Invalid(f"{place}: it is not SQL text; save the model again as JSON.")
    if isinstance(written, Mapping):
        dialect = str(written.get("sql_dialect") or dialect)
    parsed = parse(sql, dialect, place)
    while isinstance(parsed, exp.Paren):
        parsed = parsed.this
    wholes = parsed.flatten() if isinstance(parsed, exp.And) else [parsed]
    return BlockingRule(tuple(_key_part(each, place) for each in wholes))


def _key_part(node: Any, place: str) -> KeyPart:
    while isinstance(node, exp.Paren):
        node = node.this
    if isinstance(node, exp.EQ):
        (one, this), (other, that) = (_key_side(side) for side in (node.this, node.expression))
        if one is not None and one == other and {this, that} == {"l", "r"}:
            return one
    raise Invalid(
        f"{place}: a rule may only ask that a field, or its first letters, be the same on both sides "
        '(l."surname" = r."surname" AND substr(l."forename", 1, 1) = substr(r."forename", 1, 1)).'
    )


def _key_side(node: Any) -> tuple[KeyPart | None, str]:
    start, length = 1, None
    match node:
        case exp.Substring():
            parts = [node.args.get("start"), node.args.get("length")]
        case exp.Left():
            parts = [exp.Literal.number(1), node.expression]
        case _:
            parts = []
    if parts:
        numbers = [None if part is None else _count(part) for part in parts]
        if numbers[0] is None or numbers[0] < 1 or (parts[1] is not None and numbers[1] is None):
            return None, ""
        start, length = numbers[0], numbers[1]
        node = node.this
    if not isinstance(node, exp.Column) or not node.table:
        return None, ""
    return KeyPart(node.name, start, length), str(node.table).lower()


def _count(node: Any) -> int | None:
    whole = isinstance(node, exp.Literal) and not node.is_string and str(node.this).isdigit()
    return int(node.this) if whole else None


# --- writing ----------------------------------------------------------------------------------------------------------


def write_settings(model: Model, link_type: str = "dedupe_only") -> dict[str, Any]:
    """Write the two-class part of a model (same child or not) as Splink 5 settings, in DuckDB's SQL.

    The same model always gives the same dictionary; read back, it has the same meaning (an AND within an AND comes back
    as one). Limits on block sizes have no word in Splink, so it may compare more pairs. ``link_type`` is Splink's:
    ``dedupe_only`` for one table of all sources, ``link_and_dedupe`` or ``link_only`` for a table each.
    """
    lists = _list_fields(model)
    return {
        "link_type": link_type,
        "probability_two_random_records_match": model.prior,
        "retain_matching_columns": True,
        "retain_intermediate_calculation_columns": True,
        "additional_columns_to_retain": [],
        "sql_dialect": "duckdb",
        "unique_id_column_name": "record_id",
        "source_dataset_column_name": "source",
        "blocking_rules_to_generate_predictions": [_write_rule(rule, lists) for rule in model.blocking],
        "comparisons": [
            {
                "output_column_name": comparison.name,
                "comparison_levels": [_write_level(level) for level in comparison.levels],
                "comparison_description": comparison.description,
            }
            for comparison in model.comparisons
        ],
    }


def _write_level(level: Level) -> dict[str, Any]:
    written: dict[str, Any] = {"sql_condition": to_sql(level.condition, "splink"), "label_for_charts": level.label}
    for key, value in (("m_probability", level.m), ("u_probability", level.u)):
        if value is not None and not level.is_null:
            written[key] = max(value, SMALLEST)
    written["fix_m_probability"] = level.fix_m
    written["fix_u_probability"] = level.fix_u
    if level.term_frequency is not None:
        column = level.term_frequency.column
        written["tf_adjustment_column"] = column if column.isidentifier() else _quoted(column)
        written["tf_adjustment_weight"] = level.term_frequency.weight
        written["tf_minimum_u_value"] = level.term_frequency.minimum
        if level.term_frequency.own_u:
            written["disable_tf_exact_match_detection"] = True
    if level.is_null:
        written["is_null_level"] = True
    return written


def _write_rule(rule: BlockingRule, lists: frozenset[str]) -> dict[str, Any]:
    written: dict[str, Any] = {
        "blocking_rule": " AND ".join(f"{_key_sql(part, 'l')} = {_key_sql(part, 'r')}" for part in rule.parts),
        "sql_dialect": "duckdb",
    }
    exploded = [part.column for part in rule.parts if part.column in lists]
    if exploded:
        written["arrays_to_explode"] = list(dict.fromkeys(exploded))
    return written


def _key_sql(part: KeyPart, side: str) -> str:
    column = f"{side}.{_quoted(part.column)}"
    if part.start == 1 and part.length is None:
        return column
    counts = [part.start] if part.length is None else [part.start, part.length]
    return f"substr({column}, {', '.join(map(str, counts))})"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _list_fields(model: Model) -> frozenset[str]:
    """Name the fields that hold lists: those declared so, and those whose shared values a level counts."""
    declared = {name for name, field in fields().items() if field.many}
    counted = {
        column
        for comparison in model.comparisons
        for level in comparison.levels
        for call in _calls(level.condition)
        if call.function == "shared"
        for column in columns_of(call)
    }
    return frozenset(declared | counted)


def _calls(node: Condition | Scalar) -> Iterable[Call]:
    if isinstance(node, Call):
        yield node
    for field in node.__struct_fields__:
        value = getattr(node, field)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, msgspec.Struct):
                yield from _calls(part)  # type: ignore[arg-type]
