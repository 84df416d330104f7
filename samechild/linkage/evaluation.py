"""What an evaluation against the truth says: its figures, and the tables in which a person reads them."""

from __future__ import annotations

from typing import Any

import msgspec
from rich.table import Table
from rich.text import Text

from samechild.linkage.proportions import Share


class Quality(msgspec.Struct, frozen=True):
    """Pairs joined against pairs that are truly the same child. A share is None where nothing could be counted."""

    correct: int
    joined: int
    true: int
    precision: float | None
    recall: float | None
    f1: float | None


class AtWeight(msgspec.Struct, frozen=True):
    """Quality if every pair of at least this match weight had been joined."""

    match_weight: float
    quality: Quality


class Clusters(msgspec.Struct, frozen=True):
    """Quality of the children a run made: every two records under one child id count as joined."""

    within: Quality
    b_cubed_precision: float
    b_cubed_recall: float
    b_cubed_f1: float
    exact: Share  # children whose records are all together, and with no others


class Twins(msgspec.Struct, frozen=True):
    """Members of one twin or triplet set: ``merged`` counts sets with two members under one child id."""

    sets: int
    merged: Share
    pairs: int  # pairs of records of two members of one set
    pairs_joined: int  # of these, decided to be the same child
    pairs_asked: int
    pairs_in_one_child: int
    alike: Share | None  # sets that no recorded field tells apart (None without the records)
    merged_and_alike: int | None


class Adoptions(msgspec.Struct, frozen=True):
    """Adopted children's old and new identities: any that are joined disclose a protected identity."""

    identities: int
    joined: Share
    pairs_same: int
    pairs_asked: int


class Review(msgspec.Struct, frozen=True):
    """What is left to a person: pairs to be asked about, and how many of them are truly one child."""

    asked: int
    per_1000_children: float
    truly_same: Share


class GroupQuality(msgspec.Struct, frozen=True):
    """Quality seen from the records of one group: of each record's true partners, how many share its child id."""

    grouping: str
    group: str
    records: int
    precision: float | None
    recall: float | None


class Coverage(msgspec.Struct, frozen=True):
    """Which rows could be evaluated; what is only on one side is told here and counted nowhere else."""

    records: int  # in the run and in the truth
    run_only: int
    truth_only: int
    truth_incomplete: int  # truth rows without source, record id or true child id
    repeated: int  # rows of the run or the truth that repeat a source and record id
    pairs: int  # scored pairs between records with a truth
    pairs_unknown: int
    pairs_repeated: int
    pairs_without_weight: int


class Evaluation(msgspec.Struct, frozen=True):
    """Everything that can be said about a run when the truth is known."""

    coverage: Coverage
    true_children: int
    children: int
    decided: Quality
    best: AtWeight | None
    curve: tuple[AtWeight, ...]
    clusters: Clusters
    twins: Twins
    adoptions: Adoptions
    review: Review
    groups: tuple[GroupQuality, ...]


def as_dict(evaluation: Evaluation) -> dict[str, Any]:
    """Give an evaluation as plain values that JSON can hold."""
    plain: dict[str, Any] = msgspec.to_builtins(evaluation)
    return plain


def tables(evaluation: Evaluation) -> list[Table]:
    """Set an evaluation out as tables for a terminal: what was evaluated, pairs, clusters, families, review, groups."""
    return [
        _coverage_table(evaluation.coverage),
        _quality_table(evaluation),
        _families_table(evaluation),
        _group_table(evaluation.groups),
    ]


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place == 0 else "right")
    return table


def _percent(value: float | None) -> str:
    """Write a share as a percentage that is never rounded to all or to nothing."""
    if value is None:
        return "-"
    if 0.9999 <= value < 1:
        return "over 99.99%"
    return "under 0.01%" if 0 < value < 0.0001 else f"{100 * value:.2f}%"


def _count(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _range(of: Share) -> str:
    return "-" if of.low is None else f"{_percent(of.low)} to {_percent(of.high)}"


def _coverage_table(coverage: Coverage) -> Table:
    table = _table("What was evaluated", "", "Number")
    told = (
        ("Records in the run and in the truth", coverage.records),
        ("Records of the run without a truth (left out)", coverage.run_only),
        ("Records of the truth that are not in the run (left out)", coverage.truth_only),
        ("Truth rows without source, record_id or true_child_id (left out)", coverage.truth_incomplete),
        ("Rows that repeat a source and record id (left out)", coverage.repeated),
        ("Scored pairs between evaluated records", coverage.pairs),
        ("Scored pairs with a record of unknown truth (left out)", coverage.pairs_unknown),
        ("Scored pairs given twice (counted once)", coverage.pairs_repeated),
        ("Scored pairs without a match weight (not in the best threshold)", coverage.pairs_without_weight),
    )
    for words, number in told:
        if number or words.startswith(("Records in", "Scored pairs between")):
            table.add_row(words, _count(number))
    return table


def _quality_table(evaluation: Evaluation) -> Table:
    table = _table("Same child or not", "", "Precision", "Recall", "F1", "Correct", "Joined", "True")

    def add(words: str, quality: Quality) -> None:
        shares = (_percent(quality.precision), _percent(quality.recall), _percent(quality.f1))
        table.add_row(words, *shares, _count(quality.correct), _count(quality.joined), _count(quality.true))

    add("Pairs, as the run decided", evaluation.decided)
    if evaluation.best is not None:
        weight = f"{evaluation.best.match_weight:.2f}"
        add(f"Pairs, best threshold (weight {weight}, chosen with the truth)", evaluation.best.quality)
    add("Children: every two records under one child id", evaluation.clusters.within)
    clusters = evaluation.clusters
    b_cubed = (clusters.b_cubed_precision, clusters.b_cubed_recall, clusters.b_cubed_f1)
    table.add_row("Children: B-cubed", *(_percent(value) for value in b_cubed), "", "", "")
    return table


def _families_table(evaluation: Evaluation) -> Table:
    table = _table("Children, twins, adopted children, review", "", "Number", "Of", "Share", "95% interval")

    def add(words: str, of: Share) -> None:
        table.add_row(words, _count(of.found), _count(of.of), _percent(of.share), _range(of))

    twins, adoptions, review = evaluation.twins, evaluation.adoptions, evaluation.review
    add("True children held exactly", evaluation.clusters.exact)
    add("Twin or triplet sets wrongly merged", twins.merged)
    if twins.alike is not None:
        add("Twin or triplet sets that no field tells apart", twins.alike)
        table.add_row("  of the merged sets", _count(twins.merged_and_alike), _count(twins.merged.found), "", "")
    for words, number in (("joined", twins.pairs_joined), ("asked about", twins.pairs_asked)):
        table.add_row(f"Pairs of two twins {words}", _count(number), _count(twins.pairs), "", "")
    table.add_row(
        "Pairs of two twins under one child id", _count(twins.pairs_in_one_child), _count(twins.pairs), "", ""
    )
    add("Adopted children's two identities joined", adoptions.joined)
    table.add_row("Pairs of an old and a new identity asked about", _count(adoptions.pairs_asked), "", "", "")
    add("Pairs left to a person that are truly one child", review.truly_same)
    table.add_row("Pairs left to a person, per 1,000 children", f"{review.per_1000_children:.1f}", "", "", "")
    return table


def _group_table(groups: tuple[GroupQuality, ...]) -> Table:
    table = _table("By group (two records under one child id)", "Group", "", "Records", "Precision", "Recall")
    table.columns[1].justify = "left"
    before = ""
    for group in groups:
        named = group.grouping if group.grouping != before else ""
        before = group.grouping
        shares = (_percent(group.precision), _percent(group.recall))
        table.add_row(Text(named), Text(group.group), _count(group.records), *shares)
    return table
