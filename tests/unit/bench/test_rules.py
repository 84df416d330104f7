"""The benchmark of the rules measures every child once, by kind, and finds the mistakes it asked for."""

from __future__ import annotations

from bench.rules import measure, timed


def test_every_child_is_measured_as_one_kind() -> None:
    found = measure(40, 3, 1, 1.0)
    everyone, *kinds = found.timed
    assert everyone.children == 40 == sum(each.children for each in kinds)
    assert 0 < found.with_problems <= 40
    assert found.rules > 150
    assert found.per_second > 0


def test_medians_are_over_children() -> None:
    found = timed("all", [(5, 1.0), (9, 3.0), (7, 2.0)])
    assert (found.things, found.median, found.mean, found.p95) == (7, 2.0, 2.0, 3.0)
