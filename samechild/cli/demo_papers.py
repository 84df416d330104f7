"""What people wrote down in the demonstration: consent, a notice, incidents, people's requests, a hold.

Each is recorded by somebody who may, as the pages would do it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from samechild.cli.demo_history import CASELOAD, Happening, Scene, an_ask, leave
from samechild.policy.consent.actions import give_notice, record_consent, withdraw
from samechild.policy.consent.overrides import Notice
from samechild.policy.consent.standing import (
    Age,
    Competence,
    ConsentRecord,
    Decider,
    Response,
    Responsibility,
    Source,
    Topic,
    Way,
)
from samechild.policy.registers.actions import report, take_step
from samechild.policy.registers.cases import Case, Register, Step
from samechild.policy.retention.disposal import place_hold
from samechild.policy.retention.periods import HoldKind
from samechild.records.disclosure import Permit

YEAR = timedelta(days=365)
_INVOLVEMENT = "social-care.involvement"


def consents(scene: Scene) -> list[Happening]:
    """A parent consents, a young person refuses, a parent withdraws; three families had the notice."""
    withdrawn: list[str] = []

    def parent(number: int, now: datetime) -> str:
        kept = record_consent(scene.store, _own(scene, number, now), _by_parent(scene, number, now), now, scene.random)
        return kept.id

    def withdraws(now: datetime) -> None:
        change = _by_parent(scene, 5, now, details="The father rang; he was told what had been shared.", way=Way.PHONE)
        withdraw(scene.store, _own(scene, 5, now), withdrawn[0], change, now, scene.random)

    def refuses(now: datetime) -> None:
        record_consent(scene.store, _own(scene, 7, now), _by_young_person(scene, 7, now), now, scene.random)

    return [
        *((scene.at(56, 10, number), _notice(scene, number)) for number in (0, 1, 5)),
        (scene.at(50, 11), lambda now: parent(0, now)),
        (scene.at(49, 14), lambda now: withdrawn.append(parent(5, now))),
        (scene.at(44, 9, 30), refuses),
        (scene.at(31, 16, 10), withdraws),
    ]


def _own(scene: Scene, number: int, now: datetime) -> Permit:
    """The social worker's leave for a child of their own caseload."""
    assert number < CASELOAD
    ask = an_ask(scene, scene.who("social-worker"), "council", [number], _INVOLVEMENT, "early-help")
    return leave(scene, ask, now)


def _topic(scene: Scene) -> Topic:
    return Topic("early-help", (_INVOLVEMENT,), (scene.cast.of("school"),))


def _record(scene: Scene, number: int, now: datetime, **given: Any) -> ConsentRecord:
    worker = scene.who("social-worker")
    usual = {
        "id": "",
        "record_key": scene.key(number),
        "organisation": worker.organisation,
        "topic": _topic(scene),
        "response": Response.GIVEN,
        "decided_at": now,
        "recorded_by": worker.user,
        "way": Way.PAPER,
    }
    return ConsentRecord(**{**usual, **given})


def _by_parent(scene: Scene, number: int, now: datetime, **given: Any) -> ConsentRecord:
    shown = Responsibility(
        relationship="parent",
        source=Source.BIRTH_REGISTRATION,
        since=(now - 4 * YEAR).date(),
        seen_by=scene.who("social-worker").user,
    )
    usual = {
        "decider": Decider.PARENT,
        "person": f"parent of child {number}",
        "responsibility": shown,
        "valid_until": now + YEAR,
    }
    return _record(scene, number, now, **{**usual, **given})


def _by_young_person(scene: Scene, number: int, now: datetime) -> ConsentRecord:
    able = Competence(
        topic=_topic(scene),
        assessor=scene.who("social-worker").user,
        assessed_at=now,
        understands_what=True,
        understands_who_and_why=True,
        understands_if_shared=True,
        understands_if_not=True,
        decides_freely=True,
    )
    return _record(
        scene,
        number,
        now,
        decider=Decider.CHILD,
        response=Response.REFUSED,
        way=Way.IN_PERSON,
        age=Age.UNDER_16,
        competence=able,
        details="Said so at home, alone with the social worker; would rather tell the school in person.",
        assessment="Explained all five points in their own words.",
    )


def _notice(scene: Scene, number: int) -> Callable[[datetime], object]:
    def happen(now: datetime) -> None:
        worker = scene.who("social-worker")
        given = Notice(
            id="",
            record_key=scene.key(number),
            organisation=worker.organisation,
            notice="How we share about children, version 2",
            purpose="early-help",
            given_at=now,
            given_by=worker.user,
            how="By hand at the first visit.",
        )
        give_notice(scene.store, _own(scene, number, now), given, now, scene.random)

    return happen


def registers(scene: Scene) -> list[Happening]:
    """One incident is closed and one must be notified; one request is answered and one runs."""
    closed = "A letter about a meeting went to the house next door and came back unopened."
    lost = "A laptop was left on a train. Its disk is encrypted; whether it was locked is being found out."
    return [
        *_case(scene, Register.INCIDENT, closed, scene.at(40, 10), (
            ("assess as not reportable", "Nobody read it.", 3), ("close", "", 30))),
        *_case(scene, Register.INCIDENT, lost, scene.now - timedelta(hours=26), (
            ("assess as reportable", "", 4),)),
        *_case(scene, Register.REQUEST, "Asks for a letter about a meeting to be corrected.", scene.at(46, 9), (
            ("confirm identity", "", 24), ("answer", "", 24 * 12), ("close", "", 24 * 13)), kind="correction"),
        *_case(scene, Register.REQUEST, "Asks to see what is held about her son.", scene.at(12, 9), (
            ("ask for identity", "", 5), ("confirm identity", "", 24 * 4)), kind="access"),
    ]  # fmt: skip


def _case(
    scene: Scene,
    register: Register,
    text: str,
    began: datetime,
    steps: tuple[tuple[str, str, int], ...],
    kind: str = "",
) -> list[Happening]:
    """A case that somebody reports, and the steps an officer takes so many hours later."""
    opened: list[str] = []
    officer, worker = scene.cast.officer("council"), scene.who("social-worker")

    def reports(now: datetime) -> None:
        case = Case(
            id="", register=register, organisation="", started=now, opened_at=now, opened_by="", kind=kind, text=text
        )
        opened.append(report(scene.store, worker, case, now, scene.random))

    def takes(number: int, action: str, note: str) -> Callable[[datetime], object]:
        def happen(now: datetime) -> None:
            step = Step(case=opened[0], number=number, at=now, by=officer.user, action=action, note=note)
            take_step(scene.store, officer, step, now, scene.random)

        return happen

    later = [
        (began + timedelta(hours=hours), takes(number, action, note))
        for number, (action, note, hours) in enumerate(steps, start=1)
    ]
    return [(began, reports), *later]


def hold(scene: Scene) -> Happening:
    """A public inquiry forbids destroying one child's records."""
    officer = scene.cast.officer("council")
    return (
        scene.at(38, 12),
        lambda now: place_hold(
            scene.store, officer, HoldKind.INQUIRY, "INQ/2026/014", now, scene.random, record_key=scene.key(2)
        ),
    )
