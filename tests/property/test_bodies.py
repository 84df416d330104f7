"""Whatever is sent, the door answers: never a mistake of ours, never for ever, and nothing piles up.

The bodies of :mod:`garbled` are the same for the same seed. ``bench.fuzz_bodies`` sends a hundred thousand of them.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator

import pytest

from bench.fuzz_bodies import TAKEN, Told, sent_all, worked_off
from collection_door import Door, a_door
from garbled import JSON, WAYS, Garbled, garbled
from samechild.collection.structure import read_batch, read_lines, told
from samechild.policy import ledger

SEED = 20261122


def some(count: int, seed: int = SEED) -> Iterator[Garbled]:
    chance = random.Random(seed)
    for _ in range(count):
        yield garbled(chance)


def read_all(bodies: Iterable[Garbled]) -> Counter[str]:
    """Read each, and look at what every reading must fulfil; how often which rule was broken."""
    broken: Counter[str] = Counter()
    for each in bodies:
        found = read_batch(each.body) if each.media == JSON else read_lines(each.body.split(b"\n"))
        assert len(found.slices) == len(found.children)
        faulty = {fault.position for fault in found.faults}
        nothing_at = {at for at, child in enumerate(found.children) if child is None}
        assert faulty == nothing_at or (faulty == {-1} and not found.children)
        text = told(found.faults)
        assert {int(at) for at in re.findall(r"\[(\d+)\]", text)} == faulty - {-1}
        assert text.isprintable() or "\n" in text
        broken.update({fault.rule for fault in found.faults} or {"none"})
    return broken


def test_every_body_is_read_or_told() -> None:
    broken = read_all(some(2_500))
    assert {"none", "STR-01", "STR-02", "STR-03", "STR-04", "STR-06", "STR-13", "STR-15"} <= broken.keys()


@pytest.mark.slow
def test_very_many_bodies_are_read_or_told() -> None:
    read_all(some(60_000, SEED + 1))


def test_the_generator_reaches_every_way_of_garbling() -> None:
    assert {each.kind for each in some(2_000)} == set(WAYS)


@pytest.fixture(scope="module", name="door")
def the_door() -> Iterator[Door]:
    with a_door(index=True) as door:
        yield door


def answered(door: Door, count: int, seed: int) -> Told:
    """Send many, and work off what was taken."""
    found = sent_all(door, some(count, seed))
    worked_off(door)
    assert set(found.statuses) <= {200, 400, 413}, found.statuses
    assert not {"our mistake", "Traceback"} & set(door.log.getvalue().split('"'))
    assert ledger.verify(door.store) == []
    return found


def test_every_body_is_answered_and_what_is_taken_is_worked_off(door: Door) -> None:
    found = answered(door, 250, SEED)
    assert found.statuses[200] > 20
    assert found.statuses[400] > 100
    assert set(found.kinds[TAKEN]) > {"untouched"}


@pytest.mark.slow
def test_ten_thousand_bodies_are_answered(door: Door) -> None:
    for part in range(20):
        answered(door, 500, SEED + part)
