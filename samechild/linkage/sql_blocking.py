"""Which pairs are worth comparing, asked as SQL: the same pairs as :mod:`samechild.linkage.blocking` finds.

A rule gives every record a key; records with an equal key meet. How large the blocks are is counted first, and only
that count comes back: from it follows which rules are used at all. Keys shared by more records than a block may hold
are few; they are taken out before records meet, so that no part of a cluster is left with a million John Smiths.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from samechild.engines.engine import Dialect, Engine
from samechild.linkage.model import BlockingRule
from samechild.linkage.summary import BlockingCount

_EACH: dict[Dialect, str] = {"duckdb": "unnest(list_distinct({0}))", "spark": "explode(array_distinct({0}))"}

Sizes = NDArray[np.int64]


class BlockSizes(msgspec.Struct, frozen=True):
    """How many blocks of each size a rule makes, and which of them are not compared."""

    sizes: Sizes
    blocks: Sizes
    over: NDArray[np.bool_]

    @property
    def pairs(self) -> int:
        """Pairs that the rule brings, one counted twice if two of its keys bring it."""
        return int((self.blocks * (self.sizes * (self.sizes - 1) // 2))[~self.over].sum())


def block(engine: Engine, rules: tuple[BlockingRule, ...], largest: int, lists: Collection[str]) -> list[BlockingCount]:
    """Make the table ``pairs`` (``one``, ``other``, ``rules``) from the table ``records``; tell what each rule did."""
    found = block_sizes(engine, rules, largest, lists)
    parts = [
        _pairs_sql(rule, number, each, largest, engine.dialect, lists)
        for number, (rule, each) in enumerate(zip(rules, found, strict=True))
        if each.pairs
    ]
    nothing = "SELECT rec AS one, rec AS other, CAST(0 AS BIGINT) AS rule FROM records WHERE 1 = 0"
    engine.keep(
        "pairs",
        f"SELECT one, other, bit_or(rule) AS rules FROM ({' UNION ALL '.join(parts) or nothing}) AS found "
        "GROUP BY one, other",
    )
    masks = engine.fetch("SELECT rules, count(*) AS pairs FROM pairs GROUP BY rules")
    return _counts(rules, found, _numbers(masks, "rules"), _numbers(masks, "pairs"))


def block_sizes(
    engine: Engine, rules: tuple[BlockingRule, ...], largest: int, lists: Collection[str]
) -> list[BlockSizes]:
    """Count how many blocks of each size every rule makes, in one query."""
    counted = engine.fetch(
        " UNION ALL ".join(
            f"SELECT {number} AS rule, records, count(*) AS blocks FROM (SELECT count(*) AS records FROM "
            f"({_keyed_sql(rule, engine.dialect, lists)}) AS keyed GROUP BY {_keys(rule)}) AS sized GROUP BY records"
            for number, rule in enumerate(rules)
        )
    )
    of_rule, sizes, blocks = (_numbers(counted, name) for name in ("rule", "records", "blocks"))
    found = []
    for number, rule in enumerate(rules):
        here = of_rule == number
        each = BlockSizes(sizes[here], blocks[here], sizes[here] > largest)
        if rule.most_pairs is not None and each.pairs > rule.most_pairs:
            each = msgspec.structs.replace(each, over=each.sizes > 1)
        found.append(each)
    return found


def _keys(rule: BlockingRule, table: str = "") -> str:
    return ", ".join(f"{table}k{number}" for number in range(len(rule.parts)))


def _keyed_sql(rule: BlockingRule, dialect: Dialect, lists: Collection[str]) -> str:
    """A row ``rec, k0, k1...`` for each record and each key it has: none where a part is missing or empty."""
    quote = "`" if dialect == "spark" else '"'
    columns = [f"{quote}{part.column.replace(quote, 2 * quote)}{quote}" for part in rule.parts]
    sql = "SELECT rec, " + ", ".join(f"{each} AS k{number}" for number, each in enumerate(columns)) + " FROM records"
    for number, part in enumerate(rule.parts):
        if part.column in lists:  # one at a time: two lists make every combination
            each = [f"k{place}" for place in range(len(columns))]
            each[number] = f"{_EACH[dialect].format(each[number])} AS k{number}"
            sql = f"SELECT rec, {', '.join(each)} FROM ({sql}) AS part{number}"
    cut, again = [], ""
    for number, part in enumerate(rule.parts):
        whole = part.length is None and part.start == 1
        length = "" if part.length is None else f", {part.length}"
        cut.append(f"k{number}" if whole else f"substr(k{number}, {part.start}{length}) AS k{number}")
        again = again if whole or part.column not in lists else "DISTINCT "  # two values of a list may begin alike
    filled = " AND ".join(f"k{number} <> ''" for number in range(len(columns)))
    return f"SELECT * FROM (SELECT {again}rec, {', '.join(cut)} FROM ({sql}) AS parts) AS cut WHERE {filled}"


def _pairs_sql(
    rule: BlockingRule, number: int, sizes: BlockSizes, largest: int, dialect: Dialect, lists: Collection[str]
) -> str:
    """Every pair of records with an equal key under one rule, keys of too many records left out."""
    keyed = _keyed_sql(rule, dialect, lists)
    if sizes.over.any():
        same = " AND ".join(f"keyed.k{place} = large.k{place}" for place in range(len(rule.parts)))
        keyed = (
            f"SELECT keyed.* FROM ({keyed}) AS keyed LEFT JOIN (SELECT {_keys(rule)} FROM ({keyed}) AS every "
            f"GROUP BY {_keys(rule)} HAVING count(*) > {largest}) AS large ON {same} WHERE large.k0 IS NULL"
        )
    meet = " AND ".join(f"a.k{place} = b.k{place}" for place in range(len(rule.parts)))
    return (
        f"SELECT a.rec AS one, b.rec AS other, CAST({1 << number} AS BIGINT) AS rule "
        f"FROM ({keyed}) AS a JOIN ({keyed}) AS b ON {meet} AND a.rec < b.rec"
    )


def _counts(
    rules: tuple[BlockingRule, ...], found: list[BlockSizes], masks: Sizes, pairs: Sizes
) -> list[BlockingCount]:
    counts = []
    for number, (rule, each) in enumerate(zip(rules, found, strict=True)):
        bit = 1 << number
        counts.append(
            BlockingCount(
                rule.name,
                int(pairs[(masks & bit) != 0].sum()),
                int(pairs[masks == bit].sum()),
                int(each.sizes.max(initial=0)),
                int(each.blocks[each.over].sum()),
                int((each.sizes * each.blocks)[each.over].sum()),
            )
        )
    return counts


def _numbers(table: pa.Table, name: str) -> Sizes:
    return np.asarray(table[name].to_numpy(), np.int64)
