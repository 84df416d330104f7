"""What happened in the demonstration's last weeks: who asked the gate for what about whom, when, and what was said.

Written as a list of things that happen at their own times, carried out in the order of time, because the ledger takes
no entry that is older than its last. Whatever is refused here is meant to be, and stands in the ledger as such.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec

from samechild.cli.demo_children import Child
from samechild.cli.demo_index import SPACE
from samechild.cli.demo_people import Cast
from samechild.errors import Missing, Refused
from samechild.index.query import of_fields
from samechild.index.reading import search
from samechild.keys.seal import Random
from samechild.policy.actions import disclose, permit, question_of
from samechild.policy.governance.letters_actions import who_looked
from samechild.policy.registers.actions import SAFEGUARDING, cases, collect, take_step
from samechild.policy.registers.cases import Register, Step
from samechild.policy.relationship_actions import Relationship, approve, relate, set_mark
from samechild.policy.vault_actions import read_record
from samechild.records.disclosure import Ask, Asker, Emergency, Judgement, Mode, Permit, Scope, Spread
from samechild.storage import Store

Happening = tuple[datetime, Callable[[datetime], object]]
"""Something that happens, and when; it is told the time at which it does."""

CASELOAD = 12
SHIELDED, OWN_FAMILY, SEALED, STRANGER = 3, 9, 13, 20
"""Places in the list of children; the shielded one is in the social worker's caseload, and by mistake a relation is."""

DUTY = {"power": "CA2004-s16LA", "basis": "6(1)(c)", "condition": "Sch1-18", "confidence": "statute"}
ENQUIRY = {"power": "CA1989-s47", "basis": "6(1)(c)", "condition": "Sch1-18", "confidence": "statute"}
FROM_SCHOOL = {"power": "EA2002-s157", "basis": "6(1)(e)"}
WELFARE = {"power": "EA1996-s436A", "basis": "6(1)(e)"}
CRIME = {"power": "CDA1998-s115", "basis": "6(1)(e)"}
EARLY_HELP = {"power": "CA2004-s10", "basis": "6(1)(e)"}

_OUTCOMES = ("rightly refused", "asker shown whom to ask", "access mended")


class Scene(msgspec.Struct, frozen=True):
    """Where everything happens: the installation, its people and children, and the moment it is all seen from."""

    store: Store
    cast: Cast
    children: Sequence[Child]
    now: datetime
    random: Random

    def at(self, days: int, hour: int, minute: int = 0) -> datetime:
        """A moment so many days ago, moved back to a working day."""
        day = (self.now - timedelta(days=days)).replace(hour=hour, minute=minute, second=0, microsecond=0)
        return day - timedelta(days=max(0, day.weekday() - 4))

    def key(self, number: int, organisation: str = "council") -> str:
        """The key of the record an organisation keeps about one of the children."""
        return self.children[number].keys[organisation]

    def who(self, persona: str, role: str = "") -> Asker:
        """Somebody of the demonstration, in their first role or the one named."""
        found = self.cast.people[persona]
        return msgspec.structs.replace(found, role=role) if role else found


def carry_out(happenings: Sequence[Happening], told: Callable[[int, int], object] = lambda done, of: None) -> None:
    """Let everything happen in the order of time; ``told`` hears how many are done."""
    for done, (when, happen) in enumerate(sorted(happenings, key=lambda each: each[0]), start=1):
        happen(when)
        told(done, len(happenings))


def an_ask(
    scene: Scene, who: Asker, owner: str, numbers: Sequence[int], record_type: str, purpose: str, **more: Any
) -> Ask:
    """A question about some children's records, to be asked at a time that is filled in later."""
    keys = tuple(scene.key(number, owner) for number in numbers)
    return Ask(
        who=who,
        purpose=purpose,
        record_type=record_type,
        owner=scene.cast.of(owner),
        now=scene.now,
        **{"mode": Mode.CONTENT, "scope": Scope(Spread.CHILD if len(keys) == 1 else Spread.BATCH, keys), **more},
    )


def shown(scene: Scene, ask: Ask) -> Callable[[datetime], object]:
    """Somebody asks, is allowed, and reads; or learns that there is something."""
    return lambda now: _put(scene, _asked_at(ask, now))


def _put(scene: Scene, ask: Ask) -> None:
    """Put a question to the gate and read what it opens."""
    if ask.mode is Mode.CONTENT:
        read_record(scene.store, ask)
    else:
        disclose(scene.store, ask, lambda given: given.record_keys, lambda keys: keys)


def refused(scene: Scene, ask: Ask) -> Callable[[datetime], object]:
    """Somebody asks and is told no, or that there is nothing."""

    def happen(now: datetime) -> None:
        with suppress(Refused, Missing):
            _put(scene, _asked_at(ask, now))

    return happen


def leave(scene: Scene, ask: Ask, now: datetime) -> Permit:
    """Leave to do something about a child, as the asker of a question that is allowed."""
    return permit(scene.store, _asked_at(ask, now))


def _asked_at(ask: Ask, now: datetime) -> Ask:
    judged = ask.judgement and msgspec.structs.replace(ask.judgement, made_at=now)
    return msgspec.structs.replace(ask, now=now, judgement=judged)


def _judged(who: Asker, now: datetime) -> dict[str, Any]:
    words = "Those who look after the child need to know what the others know."
    return {**DUTY, "judgement": Judgement(made_by=who.user, made_at=now, reason=words)}


def relationships(scene: Scene, team: str) -> Happening:
    """Who is involved with whom: the caseload, the school's pupils, the health visitor's, and one own family."""
    worker, lead, nurse = scene.who("social-worker"), scene.who("safeguarding-lead"), scene.who("health-visitor")
    officer = scene.who("police-officer")
    them = [("council", number, worker, "") for number in range(CASELOAD)]
    them += [(owner, number, worker, "") for owner in ("school", "trust") for number in (0, 1, 2, 4, 5)]
    them += [("school", number, lead, "") for number in range(24)]
    them += [("council", number, lead, "") for number in range(6)]
    them += [("trust", number, nurse, "") for number in range(15)]
    them += [("council", number, nurse, "") for number in (0, 1, 2, 6)]
    them += [("council", number, officer, "") for number in (0, 2)]
    them += [("council", 16, worker, team)]

    def happen(now: datetime) -> None:
        found = [
            Relationship(
                owner=scene.cast.of(owner),
                record_key=scene.key(number, owner),
                organisation=who.organisation,
                person="" if in_team else who.user,
                team=in_team,
                since=now,
                source="caseload of the demonstration",
            )
            for owner, number, who, in_team in them
        ]
        found.append(
            Relationship(
                owner=scene.cast.of("council"),
                record_key=scene.key(OWN_FAMILY),
                organisation=worker.organisation,
                person=worker.user,
                kind="own-family",
                since=now,
                source="declared by the social worker",
            )
        )
        relate(scene.store, scene.cast.officer("council"), found, now)

    return scene.at(59, 9), happen


def marks(scene: Scene) -> list[Happening]:
    """One child is shielded, and an adopted child's former identity is sealed."""
    council = scene.cast.of("council")
    return [
        (
            scene.at(58, 10, minute),
            lambda now, number=number, mark=mark: set_mark(  # type: ignore[misc]
                scene.store, scene.cast.officer("council"), council, [scene.key(number)], mark, now
            ),
        )
        for minute, (number, mark) in enumerate(((SHIELDED, "shielded"), (SEALED, "sealed-identity")))
    ]


def asked_at_the_council(scene: Scene) -> list[Happening]:
    """What the council's own people asked for."""
    return [*_by_the_social_worker(scene), *_at_the_desk(scene), *_in_the_office(scene), *_custodian(scene)]


def _by_the_social_worker(scene: Scene) -> list[Happening]:
    """Work with a caseload, and two questions that are not answered: a shielded address, a relation."""
    worker = scene.who("social-worker")

    def own(number: int, record_type: str, purpose: str = "safeguarding", **more: Any) -> Ask:
        return an_ask(scene, worker, "council", [number], record_type, purpose, **more)

    found = [
        (scene.at(34 - 2 * (number % 16), 9 + number % 5, 7 * number % 60), shown(scene, own(number % CASELOAD, kind)))
        for number, kind in enumerate(("social-care.episode", "social-care.involvement", "personal.identity") * 6)
        if number % CASELOAD not in (SHIELDED, OWN_FAMILY)
    ]
    return [
        *found,
        (scene.at(20, 11, 5), refused(scene, own(SHIELDED, "personal.address"))),
        (scene.at(16, 15, 40), refused(scene, own(OWN_FAMILY, "social-care.episode"))),
        (scene.at(16, 16, 20), reviewed(scene, "rightly refused")),
        (scene.at(2, 13, 10), shown(scene, own(2, "social-care.protection-plan", "child-protection"))),
    ]


def _at_the_desk(scene: Scene) -> list[Happening]:
    """The duty desk searches, reads, and looks something up for a police officer on the telephone."""
    desk = scene.who("duty-desk")
    colleague = msgspec.structs.replace(desk, on_behalf_of=scene.who("police-officer").user)
    return [
        (scene.at(12, 10, 15), looked_for(scene, desk, 0)),
        (scene.at(9, 14, 30), looked_for(scene, desk, 31)),
        (
            scene.at(8, 11, 45),
            shown(scene, an_ask(scene, colleague, "council", [0], "social-care.involvement", "child-protection")),
        ),
        (
            scene.at(6, 9, 20),
            shown(scene, an_ask(scene, desk, "council", [31], "social-care.episode", "safeguarding")),
        ),
    ]


def _in_the_office(scene: Scene) -> list[Happening]:
    """The data quality officer compares two records; the analyst counts."""
    quality, analyst = scene.who("data-quality"), scene.who("council-analyst")
    compared = an_ask(scene, quality, "council", [40, 41], "personal.identity", "linkage-quality")
    counted = an_ask(scene, analyst, "council", range(45, 70), "education.attendance", "service-planning")
    return [
        *((scene.at(day, 10, 50), shown(scene, compared)) for day in (27, 13)),
        (scene.at(19, 15, 0), shown(scene, counted)),
    ]


def looked_for(scene: Scene, who: Asker, number: int) -> Callable[[datetime], object]:
    """Somebody of the council searches for a child by name and date of birth."""
    ask = an_ask(
        scene, who, "council", [], "personal.identity", "safeguarding", mode=Mode.EXISTENCE, scope=Scope(Spread.SEARCH)
    )
    known = scene.children[number].identity
    values = {name: known[name] for name in ("surname", "date_of_birth")}
    return lambda now: search(scene.store, who, SPACE, _asked_at(ask, now), of_fields(values, now.date()))


def _custodian(scene: Scene) -> list[Happening]:
    """The custodian opens a sealed identity, once another person has approved it."""
    ask = an_ask(scene, scene.who("custodian"), "council", [SEALED], "personal.identity", "linkage-quality")
    officer = scene.cast.officer("council")
    return [
        (scene.at(11, 10, 0), refused(scene, ask)),
        (scene.at(11, 10, 30), lambda now: approve(scene.store, officer, question_of(scene.store, ask), now)),
        (scene.at(11, 11, 0), shown(scene, ask)),
    ]


_Asked = tuple[str, str, int, str, str, dict[str, Any], int]
"""Who (a persona), whose record, which child, which kind of record, what for, on which grounds, how many days ago."""

_SCHOOL, _NURSE, _POLICE, _WORKER = "safeguarding-lead", "health-visitor", "police-officer", "social-worker"
_SETTING, _ATTENDANCE = "education.setting", "education.attendance"
_EPISODE, _INVOLVEMENT = "social-care.episode", "social-care.involvement"


def asked_between(scene: Scene) -> list[Happening]:
    """What one organisation asked of another, allowed and refused; the refused ones are reviewed where they must be."""
    found: list[Happening] = []
    for place, each in enumerate(_allowed(scene)):
        ask, day = _of(scene, each)
        found.append((scene.at(day, 9 + place % 7, 11 * place % 60), shown(scene, ask)))
    for place, each in enumerate(_not_allowed(scene)):
        ask, day = _of(scene, each)
        asked = scene.at(day, 10 + place % 4, 13 * place % 60)
        found.append((asked, refused(scene, ask)))
        if ask.purpose in SAFEGUARDING:
            found.append((asked + timedelta(minutes=75), reviewed(scene, _OUTCOMES[place % len(_OUTCOMES)])))
    return [*found, *_for_research(scene)]


def _of(scene: Scene, asked: _Asked) -> tuple[Ask, int]:
    persona, owner, number, kind, purpose, grounds, day = asked
    return an_ask(scene, scene.who(persona), owner, [number], kind, purpose, **grounds), day


def _allowed(scene: Scene) -> list[_Asked]:
    judged, by_nurse = _judged(scene.who(_WORKER), scene.now), _judged(scene.who(_NURSE), scene.now)
    hospital, welfare, care = "health.attendance", "education-welfare", "safeguarding"
    exists = {**EARLY_HELP, "mode": Mode.EXISTENCE}
    return [
        *((_SCHOOL, "council", child, _SETTING, welfare, WELFARE, 33 - 3 * child) for child in (0, 1, 2, 4)),
        *((_SCHOOL, "council", child, _ATTENDANCE, welfare, WELFARE, 15 - child) for child in (0, 5)),
        *((_WORKER, "school", child, _ATTENDANCE, care, FROM_SCHOOL, 30 - 4 * child) for child in (0, 1, 4, 5)),
        *((_WORKER, "trust", child, hospital, care, judged, 29 - 5 * child) for child in (0, 2, 4)),
        *((_NURSE, "council", child, _EPISODE, care, by_nurse, 26 - 6 * child) for child in (0, 1, 2)),
        (_POLICE, "council", 0, _INVOLVEMENT, "child-protection", ENQUIRY, 22),
        (_POLICE, "council", 2, "social-care.protection-plan", "child-protection", ENQUIRY, 5),
        ("doctor", "council", 0, _INVOLVEMENT, "early-help", exists, 28),
    ]


def _not_allowed(scene: Scene) -> list[_Asked]:
    by_nurse = _judged(scene.who(_NURSE), scene.now)
    exists = {**EARLY_HELP, "mode": Mode.EXISTENCE}
    return [
        (_POLICE, "council", 0, _INVOLVEMENT, "crime-prevention", CRIME, 21),  # the agreement excludes it
        (_POLICE, "council", 30, _EPISODE, "child-protection", ENQUIRY, 18),  # not involved
        (_SCHOOL, "council", 33, _SETTING, "education-welfare", WELFARE, 14),
        (_NURSE, "council", 25, _EPISODE, "safeguarding", by_nurse, 10),
        (_NURSE, "council", 0, _EPISODE, "safeguarding", DUTY, 25),  # no judgement recorded
        ("doctor", "council", 0, _INVOLVEMENT, "early-help", exists, 4),  # the agreement has ended
        ("youth-justice", "council", 7, _INVOLVEMENT, "early-help", EARLY_HELP, 17),  # only a draft
        ("childminder", "council", 8, _INVOLVEMENT, "early-help", EARLY_HELP, 24),  # none at all
    ]


def _for_research(scene: Scene) -> list[Happening]:
    """What nobody may have: research without an agreement, and what the Department may not ask for."""
    batch = range(45, 80)
    grounds = {"power": "CA1989-s83", "basis": "6(1)(e)"}
    kind = "education.attendance"
    return [
        (
            scene.at(23, 14, 10),
            refused(scene, an_ask(scene, scene.who(who), "council", batch, kind, purpose, **grounds)),
        )
        for who, purpose in (("researcher", "research"), ("dfe-analyst", "performance-management"))
    ]


def today(scene: Scene) -> list[Happening]:
    """The last hours: a broken glass nobody has looked into yet, and a refused request that waits for somebody."""
    worker, desk, officer = scene.who("social-worker"), scene.who("duty-desk"), scene.who("police-officer")
    urgent = Emergency("A child was found alone and may be this one.", desk.user)
    broken = an_ask(scene, worker, "council", [STRANGER], "social-care.episode", "child-protection", emergency=urgent)
    waits = an_ask(scene, officer, "council", [35], "social-care.episode", "child-protection", **ENQUIRY)
    return [
        (scene.now - timedelta(minutes=190), shown(scene, broken)),
        (scene.now - timedelta(minutes=50), refused(scene, waits)),
    ]


def officer_looks(scene: Scene) -> list[Happening]:
    """The council's officer sees who looked at the first child's record, because a parent asked."""
    ask = an_ask(scene, scene.cast.officer("council"), "council", [0], "personal.identity", "peoples-rights")
    return [(scene.at(3, 15, 30), lambda now: who_looked(scene.store, leave(scene, ask, now), now))]


def reviewed(scene: Scene, outcome: str) -> Callable[[datetime], object]:
    """The duty desk reviews every refused request that waits at the council, those found in the ledger too."""
    desk = scene.who("duty-desk")

    def happen(now: datetime) -> None:
        collect(scene.store, now)
        for each in cases(scene.store, desk, Register.REFUSED, now):
            if each.due.state == "waiting":
                step = Step(
                    case=each.case.id,
                    number=1,
                    at=now,
                    by=desk.user,
                    action="review",
                    outcome=outcome,
                    note="Spoke with the person who asked.",
                )
                take_step(scene.store, desk, step, now, scene.random)

    return happen
