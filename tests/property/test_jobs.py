"""Jobs and the feed of changes under several writers at once: nothing done twice at a time, nothing missed."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from samechild.errors import Conflict, Invalid, SamechildError, Unavailable
from samechild.storage import Database, Login, Store, changes, jobs, working
from samechild.storage.jobs import Job, JobState
from stores import a_store

START = datetime(2026, 11, 22, 8, tzinfo=UTC)
LEASE = timedelta(seconds=60)


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with a_store(request.param) as opened:
        yield opened


def ask(store: Store, key: str, now: datetime = START, **other: Any) -> str:
    with store.write(Login.GATE) as connection:
        return jobs.enqueue(connection, "k", {"n": key}, idempotency_key=key, now=now, random=os.urandom, **other)


def take(store: Store, now: datetime, worker: str = "w") -> Job | None:
    return jobs.claim(store, ["k"], worker, now=now, lease=LEASE, random=os.urandom)


def state_of(store: Store, job_id: str) -> Job:
    with store.read(Login.GATE) as connection:
        found = jobs.job(connection, job_id)
    assert found is not None
    return found


class Machine(RuleBasedStateMachine):
    """Workers that take, renew, finish, fail and die in any order; a model says who may have what."""

    @initialize()
    def begin(self) -> None:
        self.context = a_store("sqlite")
        self.store = self.context.__enter__()
        self.now = START
        self.held: dict[str, Job] = {}  # by job: the lease that holds
        self.lost: list[Job] = []  # leases that ran out and were given to another, or ended
        self.finished: set[str] = set()

    def teardown(self) -> None:
        if hasattr(self, "context"):
            self.context.__exit__(None, None, None)

    @rule(key=st.integers(0, 5), soon=st.booleans())
    def ask(self, key: int, soon: bool) -> None:
        deadline = self.now + timedelta(seconds=90) if soon else None
        first = ask(self.store, str(key), self.now, deadline=deadline)
        assert ask(self.store, str(key), self.now) == first

    @rule(worker=st.sampled_from("ab"))
    def take(self, worker: str) -> None:
        taken = take(self.store, self.now, worker)
        if taken is None:
            return
        before = self.held.pop(taken.job_id, None)
        if before is not None:
            assert before.lease_until is not None
            assert before.lease_until <= self.now, "taken while another lease ran"
            self.lost.append(before)
        assert taken.job_id not in self.finished
        assert taken.deadline is None or taken.deadline > self.now, "taken after its deadline"
        self.held[taken.job_id] = taken

    @rule(seconds=st.sampled_from([1, 30, 59, 60, 200]))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(end=st.sampled_from(["done", "fail", "hopeless", "back"]), which=st.integers(0, 9))
    def end(self, end: str, which: int) -> None:
        if not self.held:
            return
        mine = sorted(self.held.values(), key=lambda job: job.job_id)[which % len(self.held)]
        if state_of(self.store, mine.job_id).state is JobState.DEAD:
            return  # its lease ran out after the deadline and another worker's look buried it
        if end == "done":
            jobs.done(self.store, mine, now=self.now)
            self.finished.add(mine.job_id)
        elif end == "back":
            jobs.give_back(self.store, mine, now=self.now)
        else:
            jobs.failed(self.store, mine, "Boom", now=self.now, again=end == "fail")
        self.lost.append(self.held.pop(mine.job_id))

    @rule(which=st.integers(0, 9))
    def renew(self, which: int) -> None:
        if not self.held:
            return
        mine = sorted(self.held.values(), key=lambda job: job.job_id)[which % len(self.held)]
        if state_of(self.store, mine.job_id).state is JobState.LEASED:
            jobs.renew(self.store, mine, now=self.now, lease=LEASE, counted=1, counted_of=2)
            self.held[mine.job_id] = state_of(self.store, mine.job_id)

    @rule(which=st.integers(0, 9))
    def use_a_lost_lease(self, which: int) -> None:
        if self.lost:
            with pytest.raises(Conflict):
                jobs.done(self.store, self.lost[which % len(self.lost)], now=self.now)

    @invariant()
    def the_finished_stay_finished(self) -> None:
        for job_id in getattr(self, "finished", ()):
            assert state_of(self.store, job_id).state is JobState.DONE


Machine.TestCase.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
test_leases_hold_in_any_order = Machine.TestCase


def test_workers_at_once_never_share_a_job_and_leave_none(store: Store) -> None:
    asked = {ask(store, str(number)) for number in range(40)}
    at_work: Counter[str] = Counter()
    done: Counter[str] = Counter()
    guard = threading.Lock()
    clash: list[str] = []

    def work(store: Store, job: Job, progress: jobs.Progress) -> None:
        with guard:
            at_work[job.job_id] += 1
            if at_work[job.job_id] > 1:
                clash.append(job.job_id)
        progress(1, 1)
        with guard:
            at_work[job.job_id] -= 1
            done[job.job_id] += 1

    def run(name: str) -> None:
        worker = working.Worker(name=name, clock=lambda: START, random=os.urandom)
        stop = threading.Event()
        while True:
            try:
                working.run_jobs(store, {"k": work}, worker, stop, once=True)
            except (Conflict, Unavailable):
                continue
            return

    threads = [threading.Thread(target=run, args=(f"w{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not clash
    assert done == Counter(dict.fromkeys(asked, 1))


def test_a_killed_workers_job_is_taken_again_and_a_deadline_buries_it(store: Store) -> None:
    plain, urgent = ask(store, "plain"), ask(store, "urgent", deadline=START + LEASE)
    first = {job.job_id: job for job in (take(store, START, "killed"), take(store, START, "killed")) if job}
    assert set(first) == {plain, urgent}
    assert take(store, START + LEASE - timedelta(seconds=1)) is None
    again = take(store, START + LEASE, "other")
    assert again is not None
    assert (again.job_id, again.attempts) == (plain, 2)
    assert state_of(store, urgent).state is JobState.DEAD
    assert state_of(store, urgent).failure == "deadline passed"
    with pytest.raises(Conflict):
        jobs.done(store, first[plain], now=START + LEASE)
    jobs.done(store, again, now=START + LEASE)


def test_a_job_that_kills_every_worker_is_given_up(store: Store) -> None:
    job_id = ask(store, "poison", attempts_allowed=3)
    now = START
    for _ in range(3):
        assert take(store, now) is not None
        now += LEASE
    assert take(store, now) is None
    assert state_of(store, job_id).failure == "given up too often"
    with store.write(Login.GATE) as connection:
        assert jobs.revive(connection, job_id, now)
        assert not jobs.revive(connection, job_id, now)
    assert take(store, now) is not None


@pytest.mark.parametrize(
    ("error", "end"),
    [(Invalid("x"), JobState.DEAD), (Unavailable("x"), JobState.WAITING), (KeyError("x"), JobState.WAITING)],
)
def test_a_failed_job_waits_longer_each_time_or_is_dead(store: Store, error: Exception, end: JobState) -> None:
    job_id = ask(store, "fails")

    def work(store: Store, job: Job, progress: jobs.Progress) -> None:
        raise error

    worker = working.Worker(name="w", clock=lambda: START, random=os.urandom)
    count = working.run_jobs(store, {"k": work}, worker, threading.Event(), once=True)
    found = state_of(store, job_id)
    assert (found.state, found.failure) == (end, type(error).__name__)
    assert (count.again, count.dead) == ((1, 0) if end is JobState.WAITING else (0, 1))
    if end is JobState.WAITING:
        assert found.not_before == START + timedelta(seconds=10)
    waits = [jobs.wait_after(number) for number in range(1, 40)]
    assert waits == sorted(waits)
    assert waits[-1] == jobs.LONGEST_WAIT


def test_a_lease_is_renewed_while_the_work_goes_on_and_given_back_when_interrupted(store: Store) -> None:
    job_id = ask(store, "long")
    seen = threading.Event()

    def interrupted(store: Store, job: Job, progress: jobs.Progress) -> None:
        first = state_of(store, job_id).lease_until
        for _ in range(500):
            if state_of(store, job_id).lease_until != first:
                seen.set()
                break
            threading.Event().wait(0.01)
        raise KeyboardInterrupt

    ticks = iter(range(10_000))
    worker = working.Worker(
        name="w", clock=lambda: START + timedelta(seconds=next(ticks)), random=os.urandom, lease=timedelta(seconds=0.3)
    )
    with pytest.raises(KeyboardInterrupt):
        working.run_jobs(store, {"k": interrupted}, worker, threading.Event())
    assert seen.is_set()
    assert (state_of(store, job_id).state, state_of(store, job_id).attempts) == (JobState.WAITING, 0)


def test_a_follower_misses_nothing_while_several_write(store: Store) -> None:
    """Writers commit and give up at random moments; a follower that reads meanwhile sees each commit once, in order."""
    writers, each = 4, 15
    committed: list[set[str]] = [set() for _ in range(writers)]
    seen: list[tuple[int, str]] = []
    over = threading.Event()

    def write(number: int) -> None:
        for turn in range(each):
            subject = f"{number}.{turn}"
            try:
                with store.write(Login.GATE) as connection:
                    changes.note_change(connection, Database.GATE, "k", space="", subject=subject, now=START)
                    threading.Event().wait(((number * 7 + turn) % 4) / 500)
                    if turn % 5 == 4:
                        raise Invalid("given up")
            except SamechildError:
                continue
            committed[number].add(subject)

    def follow() -> None:
        while True:
            last_round = over.is_set()
            was = seen[-1][0] if seen else 0
            with store.write(Login.GATE) as connection:
                lines = changes.changes_after(connection, Database.GATE, was, limit=7)
                if lines:
                    to = lines[-1].number
                    changes.move_place(connection, Database.GATE, "f", Database.GATE, was=was, to=to, now=START)
            seen.extend((line.number, line.subject) for line in lines)
            if last_round and not lines:
                return

    threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    follower = threading.Thread(target=follow)
    for thread in [*threads, follower]:
        thread.start()
    for thread in threads:
        thread.join()
    over.set()
    follower.join()
    assert [number for number, _ in seen] == list(range(1, len(seen) + 1))
    assert sorted(subject for _, subject in seen) == sorted(set().union(*committed))
    assert all(len(each_of) == 12 for each_of in committed)


def test_a_followers_place_moves_once(store: Store) -> None:
    with store.write(Login.IDENTITY) as connection:
        changes.move_place(connection, Database.IDENTITY, "f", Database.GATE, was=0, to=5, now=START)
    for was in (0, 4, 6):
        with pytest.raises(Conflict), store.write(Login.IDENTITY) as connection:
            changes.move_place(connection, Database.IDENTITY, "f", Database.GATE, was=was, to=9, now=START)
    with store.read(Login.IDENTITY) as connection:
        assert changes.place_of(connection, Database.IDENTITY, "f", Database.GATE) == 5
        assert changes.place_of(connection, Database.IDENTITY, "f", Database.CONTENT) == 0
