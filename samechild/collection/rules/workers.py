"""Rules about who works with a child: allocations of workers to an episode.

Source: the social worker module of the looked-after return (SSDA903), Department for Education. Extracts send workers
for some cases only.
"""

from __future__ import annotations

from collections import Counter
from datetime import date

from samechild.collection.records import CareWorker, Episode
from samechild.collection.rules.examples import an_episode, worker
from samechild.collection.rules.rule import At, Found, Grade, Rule, rule

REGISTERED = ("SW", "XX")
"""How a registration number begins; XX when a worker has none."""


@rule(
    "WRK-01",
    on=CareWorker,
    grade=Grade.ERROR,
    fields=("start_date", "end_date"),
    message="Worker's allocation ends before it starts",
    mend="Check both dates and correct the wrong one.",
    analogue="903 SW05/SW06",
    passes=[worker("SW1", "2026-05-18", "2026-05-18"), worker("SW1", "2026-05-18"), worker("SW1", None, "2026-05-18")],
    fails=[worker("SW1", "2026-05-18", "2026-05-17")],
)
def _ends_before_start(thing: CareWorker, at: At) -> Found:
    return bool(thing.start_date and thing.end_date and thing.end_date < thing.start_date)


@rule(
    "WRK-02",
    on=CareWorker,
    grade=Grade.QUERY,
    fields=("worker_id",),
    message="Worker's id does not look like a registration number",
    mend="Enter the registration number with Social Work England (SW and digits), or XX and digits when there is none.",
    analogue="903 SW02STG1",
    passes=[worker("SW12345", "2026-05-18"), worker("XX1", "2026-05-18"), worker(None, "2026-05-18")],
    fails=[worker("12345", "2026-05-18"), worker("A-SW1", "2026-05-18")],
)
def _unregistered(thing: CareWorker, at: At) -> Found:
    return bool(thing.worker_id) and not (thing.worker_id or "").upper().startswith(REGISTERED)


@rule(
    "WRK-03",
    on=CareWorker,
    grade=Grade.ERROR,
    fields=("worker_id", "start_date"),
    message="Worker without an id or without a start date",
    mend="Enter the one that is missing.",
    analogue="903 SW03, SW04",
    passes=[worker("SW1", "2026-05-18")],
    fails=[worker("SW1"), worker(None, "2026-05-18"), worker("", "2026-05-18")],
)
def _partly(thing: CareWorker, at: At) -> Found:
    return not thing.worker_id or thing.start_date is None


@rule(
    "WRK-04",
    on=CareWorker,
    grade=Grade.QUERY,
    fields=("start_date", "end_date"),
    message="Worker was allocated for less than a day",
    mend="Check both dates; delete the allocation if it was a mistake.",
    analogue="903 SW09",
    passes=[worker("SW1", "2026-05-18", "2026-05-19"), worker("SW1"), worker("SW1", "2026-05-18")],
    fails=[worker("SW1", "2026-05-18", "2026-05-18")],
)
def _one_day(thing: CareWorker, at: At) -> Found:
    return thing.start_date is not None and thing.start_date == thing.end_date


@rule(
    "WRK-05",
    on=Episode,
    grade=Grade.QUERY,
    fields=("care_worker_details.start_date", "care_worker_details.end_date"),
    message="Two workers are allocated at the same time",
    mend="Enter when the first allocation ended. If two workers share the case, nothing need change.",
    analogue="903 SW10, SW108",
    passes=[
        an_episode("2026-04-06", workers=[worker("SW1", "2026-04-06", "2026-05-18"), worker("SW2", "2026-05-18")]),
        an_episode("2026-04-06", workers=[worker("SW1", "2026-04-06"), worker("SW2")]),
        an_episode("2026-04-06", workers=[worker("SW1", "2026-04-06"), worker("SW1", "2026-04-06")]),  # WRK-06
    ],
    fails=[
        an_episode("2026-04-06", workers=[worker("SW1", "2026-04-06", "2026-05-18"), worker("SW2", "2026-05-17")]),
        an_episode("2026-04-06", workers=[worker("SW2", "2026-05-17"), worker("SW1", "2026-04-06")]),
    ],
)
def _overlap(thing: Episode, at: At) -> Found:
    held = [each for each in thing.care_worker_details or () if each.start_date]
    if len(held) < 2:
        return False
    held.sort(key=lambda each: (each.start_date or date.min, each.end_date or date.max))
    return [
        [(first, "end_date"), (second, "start_date")]
        for place, first in enumerate(held)
        for second in held[place + 1 :]
        if (first.end_date or date.max) > (second.start_date or date.max)
        and (first.worker_id, first.start_date) != (second.worker_id, second.start_date)
    ]


@rule(
    "WRK-06",
    on=Episode,
    grade=Grade.QUERY,
    fields=("care_worker_details.worker_id", "care_worker_details.start_date"),
    message="One worker is allocated twice from the same day",
    mend="Delete the allocation that was recorded twice.",
    passes=[
        an_episode("2026-04-06", workers=[worker("SW1", "2026-04-06", "2026-05-04"), worker("SW1", "2026-05-18")]),
        an_episode("2026-04-06", workers=[worker("SW1"), worker("SW1")]),
    ],
    fails=[an_episode("2026-04-06", workers=[worker("SW1", "2026-04-06", "2026-05-04"), worker("SW1", "2026-04-06")])],
)
def _twice(thing: Episode, at: At) -> Found:
    held = [each for each in thing.care_worker_details or () if each.worker_id and each.start_date]
    if len(held) < 2:
        return False
    times = Counter((each.worker_id, each.start_date) for each in held)
    return [
        [(each, "start_date") for each in held if (each.worker_id, each.start_date) == key]
        for key, count in times.items()
        if count > 1
    ]


RULES: tuple[Rule, ...] = (_ends_before_start, _unregistered, _partly, _one_day, _overlap, _twice)
