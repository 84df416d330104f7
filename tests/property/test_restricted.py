"""Hidden is hidden: nothing a person can do tells a hidden match from no match, unless they may know.

Several worlds differ in hidden things alone: where a shielded child is (one place, another, or nowhere known), whether
a child is known to a sensitive service, whether a sealed identity is there. Whatever somebody searches, reads, lists or
asks to be refused, each world must give the same answer: what is found, in which order, how many, error and message,
the statements each database is asked, the entries the ledger gains, what is told to others of their organisation.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asking import DAY, NOW, a_judgement, a_line, an_agreement
from gate import CHILD, DESK, LEAD, NURSE, OPERATOR, WORKER, a_world, an_officer, give, involve, own_ask
from pages_served import UNHURRIED, Served
from samechild.errors import Missing, SamechildError
from samechild.policy import ledger
from samechild.policy.actions import permit, permits
from samechild.policy.agreement_actions import sign_agreement, write_agreement
from samechild.policy.people.actions import grant_role, operator
from samechild.policy.purposes import purposes
from samechild.policy.registers.actions import collect
from samechild.policy.registers.store import cases_of
from samechild.policy.relationship_actions import Relationship, lift_mark, relate, set_mark
from samechild.policy.sign_in.clients import register_client
from samechild.policy.store import messages_for
from samechild.policy.vault_actions import Kept, in_vault, keep_record, read_record, search
from samechild.records import fields
from samechild.records.disclosure import Ask, Asker, Emergency, Mode, Permit, Scope, Spread
from samechild.records.types import record_types
from samechild.settings import Settings
from samechild.storage import Login, Store
from samechild.storage.vaults import content_of, identity_of, keys_of, lookups
from samechild.web.app import Around
from stores import a_store

PLACES = {
    "here": {"postcode": "LS1 6AB", "address": "1 Heron Row", "school": "900001", "gp_practice": "B86001",
             "upn": "H801200001001", "phone": "01632960001"},
    "there": {"postcode": "M4 1AA", "address": "9 Plover Way", "school": "900002", "gp_practice": "B86002",
              "upn": "P207000016049", "phone": "01632960002"},
}  # fmt: skip
"""Where the shielded child may be; every field of it is hidden."""
WHERE = tuple(kind.name for kind in record_types().values() if kind.location and in_vault(kind.name).value == "content")
SHIELDED, SERVED, SEALED, OPEN, BARE, NOBODY = (letter * 32 for letter in "abcdef")
KEYS = (SHIELDED, SERVED, SEALED, OPEN, BARE, NOBODY)
NAMES = {
    SHIELDED: {"forename": "Wren", "surname": "Avocet", "date_of_birth": "2014-03-09"},
    SERVED: {"forename": "Robin", "surname": "Dunlin", "date_of_birth": "2009-05-01"},
    SEALED: {"forename": "Linnet", "surname": "Godwit", "date_of_birth": "2016-07-30", "postcode": "LS1 6AB"},
    OPEN: {"forename": "Martin", "surname": "Avocet", "date_of_birth": "2014-03-09", **PLACES["here"]},
    BARE: {"forename": "Jay", "surname": "Knot", "date_of_birth": "2012-12-12"},
}
EVERYTHING = a_line(
    purposes=("safeguarding", "child-protection", "early-help", "health-care", "education-welfare"),
    powers=("CA2004-s10", "CA2004-s16LA", "CA1989-s47"),
    bases=("6(1)(e)", "6(1)(c)"),
)
SENSITIVE = "health.sensitive"
STRANGER = Asker(user="stranger", organisation="council", role="social-worker", factors=2)
RELATION = Asker(user="relation", organisation="council", role="social-worker", factors=2)
HOUSING = Asker(user="housing", organisation="council", role="housing-officer", factors=2)
ANALYST = Asker(user="analyst", organisation="council", role="analyst", factors=2)
ASKERS = (WORKER, STRANGER, RELATION, LEAD, NURSE, HOUSING, ANALYST)
"""None of them may know what is hidden: nobody overrides a shield, looks after the served child or keeps a seal."""
BOSS = "supervisor"


class Hidden(msgspec.Struct, frozen=True):
    """What one world holds of which the askers may not know."""

    place: str = ""
    sensitive: bool = False
    sealed: bool = False
    placed: bool = False  # a school holds something about the shielded child
    told_late: bool = False  # it was kept after the marks were set


WORLDS = (
    Hidden(),
    Hidden(place="here", sensitive=True, sealed=True, placed=True),
    Hidden(place="there", sealed=True),
    Hidden(place="here", sensitive=True, sealed=True, placed=True, told_late=True),
)


class World:
    """One installation, with a count of the statements each of its databases is asked."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.asked: Counter[str] = Counter()
        for login, engine in store.engines.items():
            sa.event.listen(engine, "before_cursor_execute", self._counting(login))

    def _counting(self, login: Login) -> Any:
        def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            if not statement.startswith("BEGIN") and "key_register" not in statement:  # read anew each second
                self.asked[login.value] += 1

        return count

    def size(self) -> int:
        """How many entries the ledger holds."""
        return ledger.head(self.store).size


def made(store: Store, hidden: Hidden) -> World:
    """A world: the same children, people, agreements and marks as any other, and what is hidden in this one."""
    a_world(store)
    with store.write(Login.GATE) as gate:
        for person in (STRANGER, RELATION, HOUSING, ANALYST):
            give(gate, person)
    for owner, other in (("council", "school"), ("council", "trust"), ("school", "council")):
        draft = an_agreement(agreement="", version=0, owner=owner, parties=(owner, other), rules=(EVERYTHING,))
        agreed = write_agreement(store, an_officer(owner), draft, "Sharing", NOW)
        for party in agreed.parties:
            sign_agreement(store, an_officer(party), agreed.agreement, agreed.version, NOW)
    for key in (OPEN, BARE):
        keep(store, key, NAMES[key], {"social-care.episode": b"an episode", "education.attendance": b"fair"})
    keep(store, OPEN, {}, dict.fromkeys(WHERE, b"seen by all involved"))
    keep(store, SHIELDED, NAMES[SHIELDED], {"social-care.episode": b"an episode"})
    keep(store, SERVED, NAMES[SERVED], {"social-care.episode": b"another"})
    for key in (SHIELDED, OPEN, BARE):
        involve(store, key, WORKER)
    involve(store, OPEN, LEAD, NURSE)
    if not hidden.told_late:
        keep_hidden(store, hidden)
    officer = an_officer("council")
    set_mark(store, officer, "council", [SHIELDED], "shielded", NOW)
    set_mark(store, officer, "council", [SEALED], "sealed-identity", NOW)
    if hidden.told_late:
        keep_hidden(store, hidden)
    if hidden.sealed:
        involve(store, SEALED, WORKER)
        of_family = Relationship(
            owner="council", record_key=SEALED, organisation="council", person=RELATION.user, kind="own-family",
            since=NOW - DAY, source="a test",
        )  # fmt: skip
        relate(store, OPERATOR, [of_family], NOW)
    world = World(store)
    permits(store, own_ask(BARE, who=STRANGER, scope=Scope(Spread.BATCH, (BARE,))))  # the agreements are read once
    for _ in range(LEDGER_BEGINS - world.size()):
        ledger.append(store, "test", {}, NOW)
    return world


LEDGER_BEGINS = 64
"""Every world's ledger is as long before anybody asks: how much an entry costs depends on its number."""


def keep(
    store: Store, key: str, identity: Mapping[str, str], content: Mapping[str, bytes], owner: str = "council"
) -> None:
    """Keep something about a child, at a time of the child's own, so that rows come in one order everywhere."""
    kept = Kept(owner=owner, basis="public task", identity=identity, content=content, record_key=key)
    keep_record(store, kept, NOW + timedelta(seconds=KEYS.index(key)))


def keep_hidden(store: Store, hidden: Hidden) -> None:
    """Keep what is hidden in a world."""
    if hidden.place:
        told = hidden.place.encode()
        keep(store, SHIELDED, PLACES[hidden.place], dict.fromkeys(WHERE, told))
    if hidden.sensitive:
        keep(store, SERVED, {}, {SENSITIVE: b"a clinic"})
    if hidden.sealed:
        keep(store, SEALED, NAMES[SEALED], {"social-care.episode": b"a former life", "education.setting": b"s"})
    if hidden.placed:
        keep(store, SHIELDED, NAMES[SHIELDED], {"education.attendance": b"whole", "education.setting": b"s"}, "school")


@cache
def worlds() -> tuple[World, ...]:
    """Every world, made once; what is asked of one is asked of all, so they stay alike."""
    stay = ExitStack()
    _close_at_exit(stay)
    return tuple(made(stay.enter_context(a_store("sqlite")), hidden) for hidden in WORLDS)


def _close_at_exit(stack: ExitStack) -> None:
    import atexit

    atexit.register(stack.close)


class Clock:
    """Time that only goes on, the same in every world."""

    def __init__(self) -> None:
        self.now = NOW + timedelta(minutes=1)

    def tick(self) -> datetime:
        """The next moment."""
        self.now += timedelta(milliseconds=1)
        return self.now


CLOCK = Clock()


class Step(msgspec.Struct, frozen=True):
    """One thing somebody does: search, read, ask for leave, or have a list filtered."""

    do: str
    ask: Ask
    values: tuple[tuple[str, str], ...] = ()


def told(world: World, step: Step, now: datetime) -> dict[str, Any]:
    """Everything that somebody can see of what they did: the answer, and the work."""
    ask = msgspec.structs.replace(step.ask, now=now)
    before = world.size()
    world.asked.clear()
    try:
        answer = DO[step.do](world.store, ask, dict(step.values))
    except SamechildError as error:
        answer = (type(error).__name__, str(error))
    work = dict(world.asked)
    seen = {"answer": answer, "work": work, "entries": world.size() - before}
    return seen | {"others": told_to_others(world.store, ask.who)}


def told_to_others(store: Store, who: Asker) -> list[object]:
    """What the asker's supervisor has been told, and the cases of the asker's organisation's officers.

    The council's own officers may know what the council hides.
    """
    with store.read(Login.GATE) as gate:
        messages = [(row.kind, row.entry) for row in messages_for(gate, BOSS, who.organisation, "")]
        kept = cases_of(gate, who.organisation) if who.organisation != "council" else []
    return [messages, [(each.case.register, each.case.kind, each.case.about_entry) for each in kept]]


def searched(store: Store, ask: Ask, values: dict[str, str]) -> object:
    found = search(store, ask, values)
    return found.record_keys, found.entry


def was_read(store: Store, ask: Ask, _: dict[str, str]) -> object:
    return [(row.heading.record_key, row.heading.owner, row.plain) for row in read_record(store, ask)]


def was_asked(store: Store, ask: Ask, _: dict[str, str]) -> object:
    return [seen_of(store, permit(store, ask), ask)]


def listed(store: Store, ask: Ask, _: dict[str, str]) -> object:
    return [seen_of(store, each, ask) for each in permits(store, ask)]


def seen_of(store: Store, given: Permit, ask: Ask) -> object:
    """What a permit says of itself, and what it opens."""
    decision = given.decision
    reasons = [(reason.rule, re.sub("[0-9a-f]{16}", "agreement", reason.words)) for reason in decision.reasons]
    words = (given.entry, len(given.record_keys), reasons, decision.hidden, decision.duties, decision.number)
    if ask.mode is Mode.EXISTENCE:
        return words
    vault = in_vault(given.record_type)
    with store.read(Login.GATE) as gate:
        keys = keys_of(gate, given, store.keys, vault, ask.now)
    login, opened = (Login.IDENTITY, identity_of) if vault.value == "identity" else (Login.CONTENT, content_of)
    with store.read(login, given.space) as connection:
        return words, [(row.heading.record_key, row.plain) for row in opened(connection, given, keys, ask.now)]


DO: dict[str, Any] = {"search": searched, "read": was_read, "ask": was_asked, "list": listed}


def differences(step: Step) -> list[str]:
    """In which worlds this gives another answer than where nothing is hidden, and how."""
    now = CLOCK.tick()
    seen = [told(world, step, now) for world in worlds()]
    return [
        f"{WORLDS[number]}: {name}: {other[name]!r}, not {seen[0][name]!r}"
        for number, other in enumerate(seen)
        for name in other
        if other[name] != seen[0][name]
    ]


# What people may try

VALUES: dict[str, list[str]] = {
    name: sorted({held[name] for held in (*NAMES.values(), *PLACES.values()) if name in held} | {"nobody"})
    for name in {name for held in (*NAMES.values(), *PLACES.values()) for name in held}
}
GROUNDS: tuple[dict[str, Any], ...] = (
    {"power": "CA2004-s10", "basis": "6(1)(e)", "condition": "Sch1-18", "confidence": "public-interest"},
    {"power": "CA2004-s16LA", "basis": "6(1)(c)", "condition": "Sch1-18", "confidence": "statute"},
    {"power": "CA1989-s47", "basis": "6(1)(c)", "condition": "Sch1-18", "confidence": "statute"},
    {},
    {"power": "CA2004-s16LC"},
)
EMERGENCIES = (None, None, Emergency("missing tonight", BOSS), Emergency("", ""))


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """Anything one of the askers may try, likely things more often."""
    do = draw(st.sampled_from(("search", "read", "read", "ask", "list")))
    who = draw(st.sampled_from(ASKERS))
    many = do == "list" or draw(st.integers(0, 3)) == 0
    keys = draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=6 if many else 1, unique=True))
    spread = Spread.BATCH if many else Spread.CHILD
    scope = Scope(spread, tuple(keys))
    values: tuple[tuple[str, str], ...] = ()
    mode, kind = draw(st.sampled_from(tuple(Mode))), draw(st.sampled_from(sorted(record_types())))
    if do == "search":
        names = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=3, unique=True))
        values = tuple((name, draw(st.sampled_from(VALUES[name]))) for name in names)
        named = draw(st.sampled_from(((), (), (), tuple(keys))))
        scope, mode, kind = Scope(Spread.SEARCH, named), Mode.EXISTENCE, "personal.identity"
    if do == "read":
        mode = Mode.CONTENT
    factors = draw(st.sampled_from((2, 2, 2, 1)))
    ask = Ask(
        who=msgspec.structs.replace(who, factors=factors),
        purpose=draw(st.sampled_from(("safeguarding", "child-protection", *sorted(purposes())))),
        mode=mode,
        record_type=kind,
        owner=draw(st.sampled_from(("council", "council", "council", "school", "trust"))),
        scope=scope,
        now=NOW,
        judgement=draw(st.sampled_from((a_judgement(made_by=who.user), None))),
        emergency=draw(st.sampled_from(EMERGENCIES)),
        **draw(st.sampled_from(GROUNDS)),
    )
    return Step(do, ask, values)


def may_know(step: Step) -> bool:
    """Whether what is asked is the asker's to know: a school knows its own pupils, as does who looks after one."""
    ask = step.ask
    return ask.owner == "school" and (ask.who.organisation == "school" or ask.who.user == WORKER.user)


MANY = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@MANY
@given(st.lists(steps().filter(lambda step: not may_know(step)), min_size=1, max_size=6))
def test_no_sequence_tells_a_hidden_match_from_no_match(sequence: list[Step]) -> None:
    for step in sequence:
        assert differences(step) == []


KINDS_ASKED = ("personal.identity", "personal.address", "education.setting", SENSITIVE, "social-care.episode")


def plain_ask(who: Asker, keys: tuple[str, ...], kind: str, mode: Mode, owner: str = "council", **more: Any) -> Ask:
    """A question with the best grounds there are."""
    spread = {0: Spread.SEARCH, 1: Spread.CHILD}.get(len(keys), Spread.BATCH)
    return Ask(
        who=who, purpose="safeguarding", mode=mode, record_type=kind, owner=owner, scope=Scope(spread, keys), now=NOW,
        judgement=a_judgement(made_by=who.user), **{**GROUNDS[1], **more},
    )  # fmt: skip


@pytest.mark.parametrize("who", [WORKER, STRANGER, RELATION, LEAD], ids=lambda who: who.user)
def test_no_well_founded_question_tells_it(who: Asker) -> None:
    for key in KEYS:
        for kind in KINDS_ASKED:
            for mode in Mode:
                ask = plain_ask(who, (key,), kind, mode)
                assert differences(Step("read" if mode is Mode.CONTENT else "ask", ask)) == [], (key[0], kind, mode)
    for kind in KINDS_ASKED:
        for mode in Mode:
            assert differences(Step("list", plain_ask(who, KEYS, kind, mode))) == [], (kind, mode)


@pytest.mark.parametrize("name", sorted(VALUES))
def test_no_search_tells_it_whatever_the_field(name: str) -> None:
    for who in (WORKER, LEAD, STRANGER):
        for owner in ("council", "school"):
            for value in VALUES[name]:
                ask = plain_ask(who, (), "personal.identity", Mode.EXISTENCE, owner)
                step = Step("search", ask, ((name, value),))
                assert may_know(step) or differences(step) == [], (owner, value)


def outcomes(step: Step) -> list[str]:
    """What the answer is in each world, in a word."""
    now = CLOCK.tick()
    answers = [told(world, step, now)["answer"] for world in worlds()]
    return [answer[0] if isinstance(answer, tuple) else f"{len(answer)} rows" for answer in answers]


def test_who_may_know_does_see_so_that_a_difference_would_be_noticed() -> None:
    desk = msgspec.structs.replace(DESK)
    broken = Emergency("missing tonight", BOSS)
    setting = plain_ask(desk, (SHIELDED,), "education.setting", Mode.CONTENT, emergency=broken)
    assert outcomes(Step("read", setting)) == ["Missing", "1 rows", "1 rows", "1 rows"]
    assert differences(Step("read", setting))
    sensitive = plain_ask(desk, (SERVED,), SENSITIVE, Mode.CONTENT)
    assert outcomes(Step("read", sensitive)) == ["Missing", "1 rows", "Missing", "1 rows"]
    pupils = plain_ask(LEAD, (), "personal.identity", Mode.EXISTENCE, "school")
    assert differences(Step("search", pupils, (("surname", "Avocet"),)))


def test_what_is_not_hidden_is_found_and_read() -> None:
    """The askers of these tests are not just refused everything."""
    episode = plain_ask(WORKER, (SHIELDED,), "social-care.episode", Mode.CONTENT)
    assert set(outcomes(Step("read", episode))) == {"1 rows"}
    hidden = plain_ask(WORKER, (SHIELDED,), "education.setting", Mode.CONTENT)
    assert set(outcomes(Step("read", hidden))) == {"Missing"}
    world = worlds()[1]
    listed_ = plain_ask(WORKER, KEYS, "education.setting", Mode.CONTENT)
    both = told(world, Step("list", listed_), CLOCK.tick())["answer"]
    assert [row for _, rows in both for row in rows] == [(OPEN, b"seen by all involved")]


# What was found to tell, one by one


@pytest.fixture
def store() -> Iterator[Store]:
    with a_store("sqlite") as opened:
        a_world(opened)
        yield opened


def searchable(store: Store, key: str) -> set[str]:
    """The fields by which a child can be found: what a search has to look through."""
    with store.read(Login.IDENTITY, "council") as identity:
        mine = sa.select(lookups.c.field).where(lookups.c.record_key == key, lookups.c.partition == "open")
        return set(identity.scalars(mine))


def test_what_is_kept_of_a_hidden_child_does_not_enter_the_search(store: Store) -> None:
    officer = an_officer("council")
    set_mark(store, officer, "council", [SHIELDED], "shielded", NOW)
    set_mark(store, officer, "council", [SEALED], "sealed-identity", NOW)
    keep(store, SHIELDED, CHILD, {})
    keep(store, SEALED, CHILD, {})
    places = {field.name for field in fields().values() if field.location}
    assert searchable(store, SHIELDED) == set(CHILD) - places
    assert searchable(store, SEALED) == set()


def test_lifting_one_mark_leaves_hidden_what_another_hides(store: Store) -> None:
    officer = an_officer("council")
    keep(store, SEALED, CHILD, {})
    for mark in ("shielded", "sealed-identity"):
        set_mark(store, officer, "council", [SEALED], mark, NOW)
    lift_mark(store, officer, "council", [SEALED], "shielded", NOW)
    assert searchable(store, SEALED) == set()
    set_mark(store, officer, "council", [SEALED], "shielded", NOW)
    lift_mark(store, officer, "council", [SEALED], "sealed-identity", NOW)
    assert not searchable(store, SEALED) & {"postcode", "school"}
    lift_mark(store, officer, "council", [SEALED], "shielded", NOW)
    assert searchable(store, SEALED) == set(CHILD)


def test_another_organisations_officer_lifts_no_shield(store: Store) -> None:
    keep(store, SHIELDED, CHILD, {})
    set_mark(store, an_officer("council"), "council", [SHIELDED], "shielded", NOW)
    lift_mark(store, an_officer("school"), "school", [SHIELDED], "shielded", NOW)
    assert "postcode" not in searchable(store, SHIELDED)
    involve(store, SHIELDED, WORKER)
    with pytest.raises(Missing):
        read_record(store, own_ask(SHIELDED, record_type="personal.address"))


def test_a_batch_opens_no_child_on_the_strength_of_another(store: Store) -> None:
    for key in (OPEN, BARE):
        keep(store, key, NAMES[key], {"social-care.episode": key.encode()})
    involve(store, OPEN, WORKER)
    batch = own_ask("", scope=Scope(Spread.BATCH, (OPEN, BARE)))
    with pytest.raises(SamechildError, match="not involved"):
        read_record(store, batch)


def test_the_owner_learns_from_the_ledger_what_was_withheld_and_reviews_it(store: Store) -> None:
    for key in (OPEN, SHIELDED):
        keep(store, key, CHILD, {})
        involve(store, key, WORKER)
    set_mark(store, an_officer("council"), "council", [SHIELDED], "shielded", NOW)
    found = read_record(store, own_ask("", scope=Scope(Spread.BATCH, (OPEN, SHIELDED)), record_type="personal.address"))
    assert {row.heading.record_key for row in found} == {OPEN}
    with store.read(Login.GATE) as gate:
        entry = next(entry for entry in ledger.entries(gate) if entry.kind == "decision")
        assert cases_of(gate, "council") == []  # nobody waits longer for a refusal than for nothing
    withheld = [{"records": ledger.references_to(store, SHIELDED)[:1], "rules": ["shielded"]}]
    assert entry.body["withheld"] == withheld
    assert collect(store, NOW + DAY) == 1
    with store.read(Login.GATE) as gate:
        assert [each.case.asking for each in cases_of(gate, "council")] == [""]


def test_another_organisations_system_is_answered_alike_in_every_word(store: Store) -> None:
    """Through the API: a shielded child whose school is kept, and a child of whom there is none."""
    line = a_line(purposes=("linkage-quality",), powers=("CA2004-s10",), bases=("6(1)(e)",))
    draft = an_agreement(agreement="", version=0, parties=("council", "school"), rules=(line,))
    agreed = write_agreement(store, an_officer("council"), draft, "Checking", NOW)
    for party in agreed.parties:
        sign_agreement(store, an_officer(party), agreed.agreement, agreed.version, NOW)
    keep(store, SHIELDED, CHILD, {"education.setting": b"here"})
    keep(store, BARE, NAMES[BARE], {})
    set_mark(store, an_officer("council"), "council", [SHIELDED], "shielded", NOW)
    server = Served(store, Settings(home=store.home), Around(paces=UNHURRIED), demo=False)
    server.now = NOW + timedelta(minutes=5)
    answers = {name: [decided(server, name, key) for key in (BARE, SHIELDED)] for name in ("school", "council")}
    nothing, hidden = answers["school"]
    assert nothing["allowed"]
    assert nothing == hidden
    assert [each["allowed"] for each in answers["council"]] == [True, False]  # it holds the record, so it must know


def decided(server: Served, organisation: str, key: str) -> dict[str, Any]:
    """What the system of an organisation is answered about one record, but for the entry's number."""
    client = register_client(
        server.store, operator(), organisation, f"System {key[0]}", ["decide"], server.now, os.urandom
    )
    grant_role(server.store, operator(), client.client_id, "submitting-system", server.now, os.urandom)
    form = {"grant_type": "client_credentials", "client_id": client.client_id, "client_secret": client.secret}
    browser = server.browser().client
    token = browser.post("/oauth2/token", data=form).json()["access_token"]
    body = {
        "purpose": "linkage-quality", "mode": "content", "record_type": "education.setting", "owner": "council",
        "record_keys": [key], "power": "CA2004-s10", "basis": "6(1)(e)",
    }  # fmt: skip
    answer = browser.post("/api/v1/decisions", json=body, headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    assert isinstance(told.pop("entry"), int)
    return told
