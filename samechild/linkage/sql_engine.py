"""The same linkage past one machine: records are compared in an engine's SQL, and children are put together here.

Blocking, comparison and counting are the work that grows; they run where the engine runs. What comes back is small for
what it says: for training, how often each agreement pattern occurs; for every pair worth comparing, its two records
and its pattern as a number. From there on everything is what one machine does (:mod:`samechild.linkage.bulk`): the
same learning, the same weights, the same children. Where there are too many pairs to hold, strangers are left out; but
between records that have to do with each other every pair is kept, because groups are also weighed by what speaks
against them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from math import log2, prod

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from samechild.engines.engine import Dialect, Engine, open_engine
from samechild.linkage.blocking import usable_rules
from samechild.linkage.bulk import (
    CHUNK,
    Linked,
    Progress,
    ScoredPairs,
    fields_used,
    in_silence,
    joined,
    lines_of,
    links_of,
    put_together,
    weigh,
)
from samechild.linkage.claims import HOPELESS
from samechild.linkage.clustering import components
from samechild.linkage.coded import CodedTable, code_table
from samechild.linkage.comparison import Levels, Pairs
from samechild.linkage.constraints import Constraints
from samechild.linkage.frequencies import Frequencies
from samechild.linkage.model import BlockingRule, Comparison, Model
from samechild.linkage.patterns import Patterns
from samechild.linkage.scoring import Shares, frequencies_of
from samechild.linkage.sql_blocking import block
from samechild.linkage.sql_functions import define_functions, levels_sql
from samechild.linkage.training import Rows, Sample, learn, random_records, training_pairs

FETCHED = 10_000_000
"""About how many pairs are brought here at a time."""

ALL_AT_ONCE = 100_000_000
"""Up to so many pairs are all held here at the end; of more, only those that can matter."""

Ints = NDArray[np.int64]


def link_records_with(name: str) -> Callable[..., Linked]:
    """Give a function that links records in the named engine: ``duckdb`` or ``spark``.

    It takes what :func:`samechild.linkage.bulk.link_records` takes and gives what that gives. Raises
    :class:`~samechild.errors.Invalid` for another name and :class:`~samechild.errors.Unavailable`, when it is called,
    for an engine that is not installed or does not start.
    """

    def linked(
        standardised: pa.Table,
        model: Model,
        constraints: Constraints,
        *,
        earlier: Ints | None = None,
        with_family: bool = True,
        frequencies: Mapping[str, Frequencies] | None = None,
        seed: int = 1,
        threads: int = 2,
        progress: Progress = in_silence,
    ) -> Linked:
        table = code_table(standardised, fields_used(model))
        with closing(open_engine(name, threads)) as engine:
            compared = _Compared(engine, standardised, table, model, progress)
            if not model.is_trained:
                progress("learning from the records")
                model = compared.trained(model, with_family, seed)
            known = frequencies_of(model, table, frequencies)
            progress(f"weighing {compared.pairs:,} pairs")

            def made() -> Linked:
                pairs = joined(list(compared.weighed(model, known, constraints, threads)))
                progress("putting children together")
                return put_together(
                    table, model, known, constraints, pairs, compared.blocks, earlier, threads, compared.pairs
                )

            if compared.pairs <= ALL_AT_ONCE:
                return made()
            compared.keep_needed(model, known, constraints, earlier, threads)
            result = made()
            while compared.keep_also_within(result.child):
                result = made()
            return result

    return linked


class _Compared:
    """The records in an engine, and every pair worth comparing with its pattern (table ``compared``)."""

    def __init__(
        self, engine: Engine, standardised: pa.Table, table: CodedTable, model: Model, progress: Progress
    ) -> None:
        self.engine = engine
        self.table = table
        self.source = "compared"  # where pairs are brought from
        self.rules = usable_rules(model.blocking, table.columns)
        self.shape = PackedLevels(model.comparisons)
        self.lists = frozenset(name for name, column in table.columns.items() if column.is_list)
        define_functions(engine)
        looked_at = _fields(model, self.rules)
        records = standardised.select([name for name in looked_at if name in standardised.column_names])
        engine.register("records", records.append_column("rec", pa.array(np.arange(table.rows, dtype=np.int32))))
        progress("finding pairs worth comparing")
        self.blocks = block(engine, self.rules, model.largest_block, self.lists)
        progress("comparing pairs")
        engine.keep("compared", self._compared_sql("SELECT one, other, rules FROM pairs"))
        engine.drop("pairs")
        counted = engine.fetch("SELECT one, count(*) AS pairs FROM compared GROUP BY one").sort_by("one")
        self.first = counted["one"].to_numpy().astype(np.int64)  # records that stand first in a pair
        self.ends = np.cumsum(counted["pairs"].to_numpy().astype(np.int64))  # pairs up to and with each of them

    @property
    def pairs(self) -> int:
        """How many pairs there are."""
        return int(self.ends[-1]) if len(self.ends) else 0

    def trained(self, model: Model, with_family: bool, seed: int) -> Model:
        """Learn the model from counts that the engine makes, of the same pairs as on one machine."""
        sample = self._sample(seed)
        counts = self._random_levels(seed)
        return learn(model, self.table.rows, self.pairs, counts, sample, self.rules, with_family=with_family)

    def keep_needed(
        self, model: Model, frequencies: Shares, constraints: Constraints, earlier: Ints | None, threads: int
    ) -> None:
        """Leave pairs of strangers where they are: look at every pair once, and from now on bring only what can matter.

        Records that pairs at the asking line connect form a circle; groups that are put together lie within one. Two
        circles matter to each other when some pair between them is worth weighing, or forbidden: then all their pairs
        do, for and against.
        """
        line = min(HOPELESS, log2(model.thresholds.floor / (1.0 - model.thresholds.floor)))
        ask = lines_of(model).ask
        said = constraints.said_same
        worth, near = [(said.left, said.right)], [(said.left, said.right)]
        for part in self.weighed(model, frequencies, constraints, threads):
            links = links_of(model, part, earlier)
            for kept, which in (
                (worth, (links.weight >= line) | (part.weight >= line) | links.never),
                (near, (links.weight >= ask) & ~links.never),
            ):
                kept.append((part.left[which], part.right[which]))
        left, right = (np.concatenate(each) for each in zip(*worth, strict=True))
        circle = components(self.table.rows, *(np.concatenate(each) for each in zip(*near, strict=True)))
        one, other = circle[left], circle[right]
        low, high = np.minimum(one, other), np.maximum(one, other)
        meet = np.unique(np.concatenate([low * self.table.rows + high, np.unique(circle) * (self.table.rows + 1)]))
        self.engine.register("circles", pa.table({"rec": np.arange(self.table.rows, dtype=np.int32), "circle": circle}))
        self.engine.register("meet", pa.table({"low": meet // self.table.rows, "high": meet % self.table.rows}))
        self._bring(
            "SELECT p.* FROM compared AS p JOIN circles AS a ON a.rec = p.one JOIN circles AS b ON b.rec = p.other "
            "JOIN meet AS m ON m.low = least(a.circle, b.circle) AND m.high = greatest(a.circle, b.circle)"
        )

    def keep_also_within(self, child: Ints) -> bool:
        """Bring also the pairs within children that have not been brought yet; whether there were any."""
        member = np.flatnonzero(np.bincount(child, minlength=len(child))[child] > 1)
        self.engine.register("children", pa.table({"rec": member.astype(np.int32), "child": child[member]}))
        before = self.source
        within = (
            "SELECT p.* FROM compared AS p JOIN children AS a ON a.rec = p.one JOIN children AS b ON b.rec = p.other "
            f"AND b.child = a.child LEFT JOIN {before} AS n ON n.one = p.one AND n.other = p.other WHERE n.one IS NULL"
        )
        if not self.engine.fetch(f"SELECT count(*) AS pairs FROM ({within}) AS more")["pairs"][0].as_py():
            return False
        self._bring(f"SELECT * FROM {before} UNION ALL {within}")
        return True

    def _bring(self, sql: str) -> None:
        """From now on, bring the pairs that a query gives."""
        name = f"{self.source}_needed"
        self.engine.keep(name, sql)
        self.source = name

    def weighed(
        self, model: Model, frequencies: Shares, constraints: Constraints, threads: int
    ) -> Iterator[ScoredPairs]:
        """Bring the pairs here in order, some millions at a time, and weigh them."""

        def one(part: pa.Table) -> ScoredPairs:
            left, right = (part[name].to_numpy().astype(np.int32) for name in ("one", "other"))
            rules = part["rules"].to_numpy().astype(np.uint32)
            levels = self.shape.unpacked(part)
            return weigh(model, frequencies, constraints, Pairs(self.table, left, right), levels, rules)

        with ThreadPoolExecutor(threads) as pool:
            for low, high in self._spans():
                found = self.engine.fetch(f"SELECT * FROM {self.source} WHERE one >= {low} AND one < {high}")
                found = found.sort_by([("one", "ascending"), ("other", "ascending")])
                yield from pool.map(one, (found.slice(at, CHUNK) for at in range(0, max(len(found), 1), CHUNK)))

    def _spans(self) -> list[tuple[int, int]]:
        """Runs of first records that have about :data:`FETCHED` pairs each."""
        run = (self.ends - 1) // FETCHED
        starts = self.first[np.flatnonzero(np.diff(run, prepend=-1))]
        bounds = [0, *starts[1:].tolist(), self.table.rows]
        return list(pairwise(bounds))

    def _sample(self, seed: int) -> Sample:
        chosen = training_pairs(self.pairs, seed)
        which = np.searchsorted(self.ends, chosen, side="right")
        before = np.concatenate([[0], self.ends])[which]
        self.engine.register(
            "chosen", pa.table({"one": self.first[which].astype(np.int32), "place": chosen - before + 1})
        )
        numbered = "SELECT *, row_number() OVER (PARTITION BY one ORDER BY other) AS place FROM compared"
        found = self._counted(
            f"SELECT p.* FROM ({numbered}) AS p JOIN chosen AS c ON c.one = p.one AND c.place = p.place", "rules"
        )
        self.engine.drop("chosen")
        rows, which = np.unique(np.stack(self.shape.unpacked(found), axis=1), axis=0, return_inverse=True)
        pairs, masks = (found[name].to_numpy().astype(np.int64) for name in ("pairs", "rules"))
        counts = np.bincount(which, weights=pairs, minlength=len(rows)).astype(np.int64)
        by_rule = [
            np.bincount(which, weights=np.where(masks & (1 << number), pairs, 0), minlength=len(rows))
            for number in range(len(self.rules))
        ]
        return Sample(Patterns(rows, np.repeat(np.arange(len(rows)), counts), counts), np.array(by_rule, np.float64))

    def _random_levels(self, seed: int) -> list[Rows]:
        one, other = random_records(self.table.rows, seed)
        side = np.repeat(np.array([0, 1], np.int32), [len(one), len(other)])
        self.engine.register("picked", pa.table({"rec": np.concatenate([one, other]), "side": side}))
        met = "SELECT a.rec AS one, b.rec AS other FROM picked AS a JOIN picked AS b ON a.side < b.side"
        found = self._counted(self._compared_sql(met))
        self.engine.drop("picked")
        pairs = found["pairs"].to_numpy().astype(np.float64)
        return [
            np.bincount(level, weights=pairs, minlength=len(comparison.levels)).astype(np.float64)
            for comparison, level in zip(self.shape.comparisons, self.shape.unpacked(found), strict=True)
        ]

    def _counted(self, sql: str, *beside: str) -> pa.Table:
        """How many pairs show each pattern."""
        by = ", ".join([*beside, *self.shape.names])
        return self.engine.fetch(f"SELECT {by}, count(*) AS pairs FROM ({sql}) AS seen GROUP BY {by}")

    def _compared_sql(self, pairs: str) -> str:
        """The pairs with the pattern they show."""
        dialect = self.engine.dialect
        quote = "`" if dialect == "spark" else '"'

        def quoted(name: str) -> str:
            return f"{quote}{name.replace(quote, 2 * quote)}{quote}"

        names = dict.fromkeys(name for comparison in self.shape.comparisons for name in comparison.columns)
        sides = ", ".join(
            f"{side}.{quoted(name)} AS {quoted(f'{name}_{side}')}" for name in names for side in ("l", "r")
        )
        met = (
            f"SELECT p.*, {sides} FROM ({pairs}) AS p "
            "JOIN records AS l ON l.rec = p.one JOIN records AS r ON r.rec = p.other"
        )
        kept = "one, other, rules" if "rules" in pairs else "one, other"
        return f"SELECT {kept}, {self.shape.sql(dialect, self.lists)} FROM ({met}) AS met"


class PackedLevels:
    """An agreement pattern (for each comparison its level) as one whole number, or a few for a very large model."""

    def __init__(self, comparisons: tuple[Comparison, ...]) -> None:
        self.comparisons = comparisons
        self.groups: list[list[int]] = [[]]
        for number, comparison in enumerate(comparisons):
            held = prod(len(comparisons[each].levels) for each in self.groups[-1])
            if held * len(comparison.levels) >= 1 << 62:
                self.groups.append([])
            self.groups[-1].append(number)

    @property
    def names(self) -> list[str]:
        """What the columns that hold the numbers are called."""
        return [f"pattern{place}" for place in range(len(self.groups))]

    def sql(self, dialect: Dialect, lists: Collection[str]) -> str:
        """The numbers as SQL over ``field_l`` and ``field_r``."""
        packed = []
        for name, group in zip(self.names, self.groups, strict=True):
            terms, step = [], 1
            for number in group:
                level = levels_sql(self.comparisons[number], dialect, lists)
                terms.append(f"CAST({level} AS BIGINT) * {step}")
                step *= len(self.comparisons[number].levels)
            packed.append(f"{' + '.join(terms)} AS {name}")
        return ", ".join(packed)

    def unpacked(self, table: pa.Table) -> list[Levels]:
        """The level of each comparison for each row."""
        levels: list[Levels] = []
        for name, group in zip(self.names, self.groups, strict=True):
            rest, which = np.unique(table[name].to_numpy().astype(np.int64), return_inverse=True)
            for number in group:
                rest, level = np.divmod(rest, len(self.comparisons[number].levels))
                levels.append(level.astype(np.uint8)[which])
        return levels


def _fields(model: Model, rules: tuple[BlockingRule, ...]) -> list[str]:
    """Every field that comparisons and usable rules look at."""
    names = [name for comparison in model.comparisons for name in comparison.columns]
    return list(dict.fromkeys([*names, *(part.column for rule in rules for part in rule.parts)]))
