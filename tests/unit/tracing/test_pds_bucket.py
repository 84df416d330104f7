"""Turns at the service are shared by every process of an installation."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samechild.errors import TooMany
from samechild.tracing.bucket import LONGEST_QUEUE, LONGEST_REST, OwnBucket, SharedBucket, next_turn
from stores import a_store, an_installation, reopen

NOW = datetime(2025, 9, 1, 9, 0, tzinfo=UTC)
GAP = timedelta(seconds=0.2)
TAKER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
import msgspec
from samechild.settings import Settings
from samechild.tracing.bucket import SharedBucket
from stores import reopen
store = reopen(msgspec.json.decode(sys.argv[1], type=Settings, dec_hook=lambda kind, value: Path(value)))
bucket = SharedBucket(store)
print(sys.stdin.readline().strip(), flush=True)
now = datetime(2025, 9, 1, 9, 0, tzinfo=UTC)
print(" ".join(str(round(bucket.take(now) * 1000)) for _ in range(20)), flush=True)
store.close()
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_two_processes_never_have_one_turn(kind: str) -> None:
    with an_installation(kind) as settings:
        reopen(settings).close()
        given = msgspec.json.encode(settings, enc_hook=str).decode()
        line = [sys.executable, "-c", TAKER, given]
        tests = str(Path(__file__).parents[2])
        takers = [
            subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=_path(tests))
            for _ in range(2)
        ]
        for taker in takers:
            assert taker.stdin is not None
            taker.stdin.write("go\n")
            taker.stdin.flush()
        said = [taker.communicate(timeout=60)[0].split()[1:] for taker in takers]
    turns = sorted(int(turn) for each in said for turn in each)
    assert turns == [200 * turn for turn in range(40)]


def _path(tests: str) -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": tests}


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_rest_is_for_everybody_and_a_longer_one_stands(kind: str) -> None:
    with a_store(kind) as store:
        one, other = SharedBucket(store), SharedBucket(store)
        assert one.take(NOW) == 0
        one.rest(NOW, 12)
        other.rest(NOW, 3)
        assert other.take(NOW) == 12
        assert SharedBucket(store, "another service").take(NOW) == 0


def test_who_would_wait_too_long_takes_no_turn() -> None:
    bucket = OwnBucket(5)
    bucket.take(NOW)
    bucket.rest(NOW, 60)
    for _ in range(3):
        with pytest.raises(TooMany):
            bucket.take(NOW)
    assert bucket.take(NOW + timedelta(seconds=60)) == 0


def test_a_rest_is_never_longer_than_its_limit() -> None:
    bucket = OwnBucket(5)
    bucket.rest(NOW, 1e6)
    assert bucket.take(NOW + LONGEST_REST) == 0


def test_a_row_written_by_a_wrong_clock_holds_nobody_up() -> None:
    turn, following = next_turn(NOW + timedelta(days=400), NOW, GAP)
    assert (turn, following) == (NOW, NOW + GAP)


@given(st.lists(st.floats(0, 0.6), min_size=1, max_size=60))
def test_no_second_holds_more_than_five(pauses: list[float]) -> None:
    now, free_at, turns = NOW, NOW, []
    for pause in pauses:
        now += timedelta(seconds=pause)
        try:
            turn, free_at = next_turn(free_at, now, GAP)
        except TooMany:
            continue
        assert now <= turn <= now + LONGEST_QUEUE
        turns.append(turn)
    for place, turn in enumerate(turns):
        assert sum(turn <= other < turn + timedelta(seconds=1) for other in turns[place:]) <= 5
