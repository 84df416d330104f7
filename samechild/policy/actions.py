"""Asking the gate: gather the facts, decide, record, and only then read. Every room that discloses goes through here.

The ledger's entry commits before anything is read, refusals included; a second entry, the outcome, commits before the
answer leaves. If either cannot be written, nothing is disclosed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from secrets import token_hex
from typing import TypeVar

import msgspec

from samechild.errors import Refused
from samechild.policy import ledger
from samechild.policy import store as tables
from samechild.policy.book import Book, book_of
from samechild.policy.consent.store import consent_facts
from samechild.policy.decide import OPEN_RULES, decide, unmarked
from samechild.policy.facts import Seen, read_rows, together
from samechild.policy.people.organisations import Organisation, body_of
from samechild.policy.people.rules import RoleFacts
from samechild.policy.people.store import role_facts, teams_now
from samechild.policy.records import Body, Facts, Involvement, OfChild
from samechild.policy.registers.store import refused_case
from samechild.records.disclosure import Ask, Asker, Decision, Permit, Scope, Spread
from samechild.records.types import Sector
from samechild.storage import Login, Store

T = TypeVar("T")
FactsOf = Callable[[Ask, OfChild], Facts]
CLOCK_TOLERANCE = timedelta(seconds=5)
MOST_AT_ONCE = 500
"""So many records' facts are read by one query."""


def ask_gate(store: Store, ask: Ask) -> Decision:
    """Say what the gate would decide, without recording or disclosing: for the page that explains a decision.

    Only for questions about nobody in particular (no record keys), because an unrecorded answer about a child would
    itself be a disclosure.

    Raises:
        Refused: when the question names records.
    """
    if ask.scope.record_keys:
        raise Refused("A question about a child is always recorded: ask it in earnest.")
    return decide(ask, gather_facts(store, ask))


def permit(store: Store, ask: Ask) -> Permit:
    """Decide one question, record the decision, and give leave to read, or refuse.

    Raises:
        Refused: after the refusal was recorded; its message names the reasons that may be told and whom to turn to.
        Unavailable: when the ledger cannot be written: nothing is disclosed.
    """
    return recorded(store, taken(store, ask))


class Taken(msgspec.Struct, frozen=True):
    """A decision as it is answered, and those about records of the same question that must not be known of.

    When nothing of what is asked for may be known, ``withheld`` is empty and the decision itself says what is answered
    instead.
    """

    decision: Decision
    withheld: tuple[Decision, ...] = ()


def taken(store: Store, ask: Ask) -> Taken:
    """Decide one question, with the same work whatever is hidden, so that one hidden record speaks for no other."""
    standing, seen, book = _gathered(store, ask)
    return _taken(ask, seen.of_record, partial(_facts, standing=standing, seen=seen, book=book, store=store))


def recorded(store: Store, found: Taken) -> Permit:
    """Record a decision, tell whoever must be told, and give leave to read, or refuse; raises as :func:`permit`."""
    decision = found.decision
    then = partial(follow_up, store, decision)
    return ledger.record(store, decision, decision.ask.now, then, found.withheld)


def disclose(store: Store, ask: Ask, read: Callable[[Permit], T], shown: Callable[[T], Sequence[str]]) -> T:
    """Decide, record, read, record what is about to be shown, and only then hand it over.

    Args:
        store: the open installation.
        ask: the question.
        read: reads what the permit opens.
        shown: the record keys of what was read, for the outcome's entry.

    Raises:
        Refused, Unavailable: as :func:`permit`.
    """
    given = permit(store, ask)
    answer = read(given)
    keys = shown(answer)
    ledger.outcome(store, given, keys, {"records": len(keys)}, ask.now)
    return answer


def permits(store: Store, ask: Ask) -> list[Permit]:
    """Filter a list: decide once for each distinct combination of facts, and give leave for the records allowed.

    Each distinct answer has one entry in the ledger that names the records it is about, refusals too. What is refused
    or hidden is left out, in a way that cannot be told from not being there.
    """
    found: list[Permit] = []
    for each in decide_each(store, ask):
        with suppress(Refused):
            found.append(recorded(store, each))
    return found


def decide_each(store: Store, ask: Ask) -> list[Taken]:
    """Decide about each record of a list, once for each distinct combination of facts that the asker may be told.

    A record that must not be known of stands among those of which nothing is known, so that it makes neither another
    decision nor another entry.
    """
    standing, seen, book = _gathered(store, ask)
    facts = partial(_facts, standing=standing, seen=seen, book=book, store=store)
    alone = _alone(ask, seen.of_record, facts)
    groups: dict[OfChild, dict[str, OfChild]] = {}
    for record_key, child in seen.of_record.items():
        groups.setdefault(_told(alone, child), {})[record_key] = child
    return [_taken(_about(ask, tuple(each)), each, facts) for each in groups.values()]


def may_be_told(store: Store, ask: Ask) -> dict[str, OfChild]:
    """Of some records those that the asker may be told exist, with what is known of each; written down nowhere.

    For who holds a permit to search, before anything of what was found is shown.
    """
    standing, seen, book = _gathered(store, ask)
    alone = _alone(ask, seen.of_record, partial(_facts, standing=standing, seen=seen, book=book, store=store))
    return {key: child for key, child in seen.of_record.items() if alone[child].instead is None}


def gather_facts(store: Store, ask: Ask) -> Facts:
    """Gather everything one decision needs in one transaction of the gate's database; never who the child is."""
    standing, seen, book = _gathered(store, ask)
    return _facts(ask, _one(ask, seen.of_record.values()), standing, seen, book, store)


def _taken(ask: Ask, of_record: Mapping[str, OfChild], facts: FactsOf) -> Taken:
    """Decide about all the records together, and as if those that hide had never been kept."""
    decision = _evenly(ask, facts(ask, _one(ask, of_record.values())))
    if len(of_record) < 2:
        return Taken(decision)
    alone = _alone(ask, of_record, facts)
    told = _evenly(ask, facts(ask, _one(ask, [_told(alone, child) for child in of_record.values()])))
    if decision.instead is None:
        return Taken(decision)
    hidden = {key: child for key, child in of_record.items() if alone[child].instead is not None}
    if len(hidden) < len(of_record) and told.instead is None:
        return Taken(told, tuple(_withheld(ask, hidden, alone)))
    answer = told.answer
    return Taken(msgspec.structs.replace(decision, instead=answer, may_know=not answer.allowed))


def _evenly(ask: Ask, facts: Facts) -> Decision:
    """Decide, with the work that it takes when something is hidden also when nothing is."""
    decision = decide(ask, facts)
    if decision.instead is None:
        decide(ask, unmarked(facts), OPEN_RULES)
    return decision


def _alone(ask: Ask, of_record: Mapping[str, OfChild], facts: FactsOf) -> dict[OfChild, Decision]:
    """What would be decided of each of the children alone."""
    return {child: _evenly(ask, facts(ask, child)) for child in dict.fromkeys(of_record.values())}


def _told(alone: Mapping[OfChild, Decision], child: OfChild) -> OfChild:
    """What the asker may be told of a child: of one that hides, what is known of one without a mark."""
    return child if alone[child].instead is None else unmarked(child)


def _withheld(ask: Ask, hidden: Mapping[str, OfChild], alone: Mapping[OfChild, Decision]) -> Iterator[Decision]:
    for child in dict.fromkeys(hidden.values()):
        keys = tuple(key for key, its in hidden.items() if its == child)
        yield msgspec.structs.replace(alone[child], ask=_about(ask, keys))


def _about(ask: Ask, record_keys: tuple[str, ...]) -> Ask:
    scope = Scope(Spread.BATCH, record_keys, ask.scope.fields, ask.scope.terms, ask.scope.batch)
    return msgspec.structs.replace(ask, scope=scope)


def _one(ask: Ask, of_record: Iterable[OfChild]) -> OfChild:
    """The facts of all the records of a question; in a batch of several children nobody's allow for another's."""
    them = list(of_record)
    child = together(them)
    if ask.scope.spread is Spread.CHILD or not them:
        return child
    least = min((each.involvement for each in them), key=list(Involvement).index)
    harm_suspected = all(each.harm_suspected for each in them)
    return msgspec.structs.replace(child, involvement=least, harm_suspected=harm_suspected)


def _gathered(store: Store, ask: Ask) -> tuple[RoleFacts, Seen, Book]:
    question = question_of(store, ask)
    with store.read(Login.GATE) as gate:
        who = ask.who
        standing = role_facts(gate, who.user, who.organisation, who.role, ask.now) or _nobody(who)
        teams = teams_now(gate, who.user, ask.now)
        head = 0
        of_record: dict[str, OfChild] = {}
        approvals: tuple[str, ...] = ()
        for some in _parts(ask.scope.record_keys):
            part = msgspec.structs.replace(ask, scope=msgspec.structs.replace(ask.scope, record_keys=some))
            rows = tables.about_children(gate, some, question)
            seen = read_rows(rows, part, teams)
            consents = consent_facts(gate, some, ask.purpose, ask.record_type, ask.who.organisation, ask.now)
            of_record |= {
                key: msgspec.structs.replace(child, **msgspec.structs.asdict(consents[key]))
                for key, child in seen.of_record.items()
            }
            head, approvals = seen.head, seen.approvals
    return standing, Seen(head, of_record, approvals), book_of(store, head)


def _nobody(who: Asker) -> RoleFacts:
    """What is known of somebody from an organisation nobody knows."""
    return RoleFacts(body=Body(organisation=who.organisation, sector=Sector.RESEARCH, active=False))


def _parts(record_keys: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [record_keys[at : at + MOST_AT_ONCE] for at in range(0, len(record_keys), MOST_AT_ONCE)] or [()]


def _facts(ask: Ask, child: OfChild, standing: RoleFacts, seen: Seen, book: Book, store: Store) -> Facts:
    owner = book.organisations.get(ask.owner)
    return Facts(
        asker=standing.body,
        owner=_body(owner, ask),
        role_from=standing.role_from,
        role_until=standing.role_until,
        role_organisation=standing.role_organisation,
        agreements=book.between.get((ask.owner, ask.who.organisation), ()),
        approvals=seen.approvals,
        entries=book.entries,
        policy_version=book.version,
        policy_head=max(seen.head, book.version),
        clock_sound=_clock_is_sound(store, ask.now),
        shadow=book.shadow(ask.who.organisation, ask.now) or book.shadow(ask.owner, ask.now),
        route=None if owner is None else owner.route,
        **msgspec.structs.asdict(child),
    )


def _body(owner: Organisation | None, ask: Ask) -> Body:
    """The owner as a decision sees it; an organisation nobody knows holds nothing and is not active."""
    if owner is None:
        return Body(organisation=ask.owner, sector=Sector.RESEARCH, active=False)
    return body_of(owner, ask.now)


def _clock_is_sound(store: Store, now: datetime) -> bool:
    latest: datetime = store.memory.get("policy.latest", now)
    if now >= latest:
        store.memory["policy.latest"] = now
    return now >= latest - CLOCK_TOLERANCE


def question_of(store: Store, ask: Ask) -> str:
    """The keyed reference of a question, by which it is approved: the same person, purpose, type and records."""
    words = (ask.who.user, ask.who.role, ask.purpose, ask.mode, ask.record_type, ask.owner, *ask.scope.record_keys)
    return store.keys.reference("\x1f".join(words))


def follow_up(store: Store, decision: Decision, number: int) -> None:
    """Do what a decision brings with it: tell supervisor, owner and reviewers; queue a refused safeguarding ask.

    It follows the ledger's entry and precedes any answer, so that nothing is disclosed of which nobody was told. What
    must not be known of is followed up as it is answered, with the same work; a job finds the refusal in the ledger
    later (:func:`samechild.policy.registers.actions.collect`).
    """
    ask, answer = decision.ask, decision.answer
    told = [
        row
        for duty, row in (
            ("tell-supervisor", {"person": ask.emergency.supervisor if ask.emergency else "", "role": ""}),
            ("investigate-override", {"person": "", "role": "information-governance"}),
            ("visible-to-owner", {"person": "", "role": "information-governance"}),
            ("review-override", {"person": "", "role": "information-governance"}),
            ("broker-contact", {"person": "", "role": "safeguarding-lead"}),
        )
        if duty in answer.duties
        for row in [{**row, "kind": duty}]
    ]
    refused = not answer.allowed and ask.purpose in ("child-protection", "safeguarding")
    if not told and not refused:
        return
    with store.write(Login.GATE) as gate:
        for row in told:
            organisation = ask.who.organisation if row["kind"] in ("tell-supervisor", "review-override") else ask.owner
            tables.tell(gate, id=token_hex(16), organisation=organisation, entry=number, at=ask.now, **row)
        if refused:
            refused_case(gate, decision, number, ask.now)
