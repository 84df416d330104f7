"""Which questions to ask the national service about one child, in which order, and when to stop.

Every question tells the service something of a child, and every person it shows is noted in that person's record. So
questions are few and precise: first the number that somebody gave, with its birth date; then the names and birth date
as they are, with history; then one relaxation at a time, and no more once one is sure. The address is left out at
first, because a restricted person is never found by it; it is used to choose between several and to confirm. Family
names are never left out: an adopted child's new identity must not be found from the old one. Two different numbers at
any step, or a contradiction, are for a person to look at.

The plan is pure: it yields questions, is sent answers, and returns what came of it.

Sources: PDS FHIR API, guidance on application-restricted searching; the policies it is measured against stand in
``bench/tracing.py``.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import date, timedelta

import msgspec

from samechild.demographics.names import read_surname
from samechild.identifiers import nhs_number
from samechild.tracing.confirm import (
    Comparison,
    Level,
    Verdict,
    compare,
    judge,
    judge_by_number,
    known_of,
    only_family_differs,
)
from samechild.tracing.records import Answer, Answered, Person, Query, Subject, Traced, TraceOutcome

MOST_QUERIES = 9
AROUND = timedelta(days=183)
"""A name that no other child born within half a year has is rare enough to go by where the address does not agree."""

YOUNG = timedelta(days=42)
"""Babies under six weeks: the number may not be there yet."""

DENIED = ("ACCESS_DENIED", "http-401", "http-403")

START = 3
"""Letters kept of a name whose rest may be anything."""

Steps = Generator[Query, Answer, Traced]
Asking = Generator[Query, Answer, Traced | None]


def plan(subject: Subject, today: date) -> Steps:
    """Ask about one child: yields each question, is sent its answer, returns what came of it. Never raises."""
    return _Trace(subject, today).run()


class _Stopped(Exception):
    """The service gives no proper answer: the trace ends here. Never leaves this module."""

    def __init__(self, traced: Traced) -> None:
        self.traced = traced


class _Trace:
    """One trace under way: what was asked so far and whom the service showed."""

    def __init__(self, subject: Subject, today: date) -> None:
        self.known, self.today = known_of(subject), today
        self.claimed = nhs_number.check(subject.claimed).value or ""
        self.queries, self.shown = 0, 0
        self.seen: list[str] = []
        self.reasons: list[str] = ["number-given-malformed"] if subject.claimed.strip() and not self.claimed else []
        self.doubtful: Traced | None = None

    def run(self) -> Steps:
        """Ask, until something is sure or there is nothing more to ask."""
        try:
            return (yield from self._run())
        except _Stopped as stopped:
            return stopped.traced

    def _run(self) -> Steps:
        ended = (yield from self._by_number()) if self.claimed and self.known.subject.birth_date else None
        if ended is not None:
            return ended
        lacking = self._lacking()
        if lacking:
            return self._ended(TraceOutcome.NOT_ENOUGH, lacking)
        for query in self._searches():
            if self.queries >= MOST_QUERIES:
                break
            ended = yield from self._search(query)
            if ended is not None:
                return ended
        if self.doubtful is not None:
            return msgspec.structs.replace(self.doubtful, queries=self.queries, people=self.shown)
        born = self.known.subject.birth_date
        young = born is not None and self.today - born < YOUNG
        return self._ended(TraceOutcome.NONE, *(["under-six-weeks"] if young else []))

    # --- what to ask

    def _lacking(self) -> str:
        born = self.known.subject.birth_date
        if born is None or born > self.today:
            return "birth-date"
        if not self.known.family:
            return "family-name"
        return "" if self.known.given or self.known.postcode else "given-name-or-postcode"

    def _searches(self) -> Iterator[Query]:
        """Each search in turn, the most precise first; those that what is known allows."""
        known, born = self.known, self.known.subject.birth_date
        assert born is not None
        plain = Query(step="as-known", family=known.family, given=(known.given,), born=(born, born), history=True)
        change = msgspec.structs.replace
        if not known.given:
            yield change(plain, step="no-name-yet", given=(), postcode=known.postcode)
            return
        yield plain
        for family in known.former[:2]:
            yield change(plain, step="former-family-name", family=family)
        yield change(plain, step="sounds-like", fuzzy=True, history=False)
        if len(known.given) > START:
            yield change(plain, step="given-name-start", given=(known.given[:START] + "*",))
        for name in (*known.further[:1], *known.also_called[:1]):
            if len(name) > 1:
                yield change(plain, step="other-given-name", given=(name.split()[0],))
        if known.postcode:
            yield change(plain, step="no-given-name", given=(), postcode=known.postcode)
        for family in _other_families(known.family):
            yield change(plain, step="family-name-part", family=family)
        swapped = swapped_date(born)
        if swapped is not None and swapped <= self.today:
            yield change(plain, step="swapped-date", born=(swapped, swapped))

    # --- asking

    def _ask(self, query: Query) -> Generator[Query, Answer, Answer]:
        self.queries += 1
        answer = yield query
        self.shown += len(answer.people)
        self.seen += [person.number for person in answer.people if person.number not in self.seen]
        failed = self._failed(query, answer)
        if failed is not None:
            raise _Stopped(failed)
        return answer

    def _by_number(self) -> Asking:
        """Check the number somebody gave: the person of that number must be the child."""
        query = Query(step="by-number", number=self.claimed)
        answer = yield from self._ask(query)
        if answer.kind is Answered.INVALIDATED:
            # Withdrawn numbers are those of errors and of adopted children: what replaced it is not for us to find.
            return self._ended(TraceOutcome.INVALIDATED, "number-given-withdrawn", previous=self.claimed)
        if answer.kind in (Answered.NOBODY, Answered.REFUSED):
            self.reasons.append("number-given-unknown")
            return None
        person = answer.people[0]
        found = compare(self.known, person, query)
        against = judge_by_number(found)
        if against:
            return self._against(person, found, ("number-given-contradicts", *against))
        if found.given not in (Level.SAME, Level.OTHER_ORDER):
            ended = yield from self._another_of_the_birth(person, found)
            if ended is not None:
                return ended
        return self._accept(person, found, by_number=True)

    def _another_of_the_birth(self, person: Person, found: Comparison) -> Asking:
        """The number given may be a twin's: make sure that the names as they are do not lead to another person."""
        searches = list(self._searches())
        query = next((each for each in searches if each.fuzzy), searches[0])
        answer = yield from self._ask(query)
        unheard = answer.kind is not Answered.PEOPLE and found.one_of_several
        if answer.kind is Answered.TOO_MANY or unheard or any(one.number != person.number for one in answer.people):
            return self._against(person, found, ("two-numbers",))
        return None

    def _search(self, query: Query) -> Asking:
        answer = yield from self._ask(query)
        if answer.kind is Answered.TOO_MANY:
            return (yield from self._narrow(query))
        return (yield from self._weigh(query, answer))

    def _narrow(self, query: Query) -> Asking:
        """Choose between several by the address, or by further names and sex."""
        known = self.known
        if not query.given:
            return self._ended(TraceOutcome.SEVERAL, query.step)
        narrower = []
        if known.postcode and not query.postcode:
            narrower.append(msgspec.structs.replace(query, step="narrowed-by-address", postcode=known.postcode))
        if known.further and not query.fuzzy and len(known.further[0]) > 1:
            names = (*query.given, known.further[0])
            narrower.append(msgspec.structs.replace(query, step="narrowed-by-names", given=names))
        for each in narrower:
            answer = yield from self._ask(each)
            if answer.kind is not Answered.TOO_MANY:
                ended = yield from self._weigh(each, answer)
                if ended is not None:
                    return ended
        several = self._ended(TraceOutcome.SEVERAL, query.step)
        if query.step == "as-known":
            return several
        self.doubtful = self.doubtful or several
        return None

    def _weigh(self, query: Query, answer: Answer) -> Asking:
        """Take, leave or question the one person an answer shows; None: go on to the next search."""
        if answer.kind in (Answered.NOBODY, Answered.REFUSED):
            return None
        person = answer.people[0]
        found = compare(self.known, person, query)
        verdict, why = judge(found)
        if verdict is Verdict.UNSURE:
            return (yield from self._settle(query, person, found))
        if verdict is Verdict.DOUBTFUL:
            found = yield from self._look_closer(person, found)
            verdict, why = judge(found)
            if verdict is Verdict.DOUBTFUL and only_family_differs(found) and (yield from self._only_one(person)):
                return self._accept(person, found, *why, "only-one-of-the-name")
        if verdict is Verdict.ACCEPT:
            return (yield from self._unless_a_twin(person, found, why))
        if "family-name" in why or "birth-date" in why:
            return None  # somebody else, whom a wide search happened to meet
        return self._against(person, found, why)

    def _settle(self, query: Query, person: Person, found: Comparison) -> Asking:
        """The names and date agree but the address does not: is there any other child of that name?"""
        born = self.known.subject.birth_date
        assert born is not None
        around = (born - AROUND, min(born + AROUND, self.today))
        answer = yield from self._ask(msgspec.structs.replace(query, step="only-one-of-the-name", born=around))
        if answer.kind is Answered.PEOPLE:
            return self._accept(person, found, "only-one-of-the-name")
        if (yield from self._once_lived_there(person, found)):
            return self._accept(person, found, "once-at-the-address")
        return self._against(person, found, ("common-name",))

    def _look_closer(self, person: Person, found: Comparison) -> Generator[Query, Answer, Comparison]:
        """Something is written otherwise: did this person ever live at the address, and does a twin answer better?"""
        change = msgspec.structs.replace
        if found.place is Level.OTHER and (yield from self._once_lived_there(person, found)):
            found = change(found, place=Level.ASSERTED)
        placed = found.place in (Level.SAME, Level.ASSERTED)
        if placed and found.one_of_several and judge(change(found, others_seen=True))[0] is Verdict.ACCEPT:
            kind = yield from self._born_there_too(person)
            found = change(found, others_seen=kind is Answered.TOO_MANY)
        return found

    def _unless_a_twin(self, person: Person, found: Comparison, why: tuple[str, ...]) -> Asking:
        """Sex or middle names contradict: on a twin's record the other's first name may stand, so look for a twin."""
        at_odds = Level.OTHER in (found.sex, found.further)
        if at_odds and found.place in (Level.SAME, Level.ASSERTED):
            kind = yield from self._born_there_too(person)
            if kind is not Answered.PEOPLE:
                return self._against(person, found, ("could-be-a-twin", *why))
        return self._accept(person, found, *why)

    def _only_one(self, person: Person) -> Generator[Query, Answer, bool]:
        """Whether the service knows no other child of this person's names born within half a year."""
        query = _of_person(person, "only-one-of-the-name", "")
        if query is None or query.born is None:
            return False
        around = (query.born[0] - AROUND, min(query.born[0] + AROUND, self.today))
        answer = yield from self._ask(msgspec.structs.replace(query, born=around))
        return answer.kind is Answered.PEOPLE

    def _once_lived_there(self, person: Person, found: Comparison) -> Generator[Query, Answer, bool]:
        """Whether the service knows the address known here as an earlier one of this person."""
        query = _of_person(person, "ever-at-the-address", self._home())
        if found.place is not Level.OTHER or query is None or not query.postcode:
            return False
        answer = yield from self._ask(query)
        return answer.kind is Answered.PEOPLE and answer.people[0].number == person.number

    def _born_there_too(self, person: Person) -> Generator[Query, Answer, Answered]:
        """Whether the service knows another child of the family name, birth date and address: TOO_MANY when it does."""
        query = _of_person(person, "the-other-twin", self._home() or next(iter(person.postcodes), ""))
        if query is None or not query.postcode:
            return Answered.NOBODY
        answer = yield from self._ask(msgspec.structs.replace(query, given=()))
        return answer.kind

    def _home(self) -> str:
        return next((each for each in (self.known.postcode, *self.known.earlier_postcodes) if each), "")

    # --- what came of it

    def _failed(self, query: Query, answer: Answer) -> Traced | None:
        """What to say when an answer is none: the service is down, denies us or does not answer what was asked."""
        unfit = answer.kind is (Answered.TOO_MANY if query.number else Answered.INVALIDATED)
        if answer.kind is Answered.LYING or unfit or (answer.kind is Answered.PEOPLE) != bool(answer.people):
            return self._ended(TraceOutcome.UNAVAILABLE, "answer-not-usable", answer.problem)
        if answer.kind is Answered.DOWN:
            return self._ended(TraceOutcome.UNAVAILABLE, "no-answer", answer.problem)
        if answer.kind is Answered.REFUSED and answer.problem in DENIED:
            return self._ended(TraceOutcome.UNAVAILABLE, "access-denied", answer.problem)
        return None

    def _accept(self, person: Person, found: Comparison, *why: str, by_number: bool = False) -> Traced:
        if any(number != person.number for number in self.seen):
            return self._against(person, found, ("two-numbers", *why))
        replaced = self.claimed if by_number and person.number != self.claimed else ""
        outcome = TraceOutcome.SUPERSEDED if replaced else TraceOutcome.MATCHED
        if person.restricted:
            outcome = TraceOutcome.RESTRICTED
        told = [*why, *(["deceased"] if person.deceased else []), *(["number-superseded"] if replaced else [])]
        return self._ended(outcome, *told, person=person, found=found, previous=replaced, by_number=by_number)

    def _against(self, person: Person, found: Comparison, why: tuple[str, ...]) -> Traced:
        return self._ended(TraceOutcome.CONTRADICTION, *why, person=person, found=found)

    def _ended(
        self,
        outcome: TraceOutcome,
        *why: str,
        person: Person | None = None,
        found: Comparison | None = None,
        previous: str = "",
        by_number: bool = False,
    ) -> Traced:
        return Traced(
            outcome=outcome,
            number=person.number if person is not None else "",
            previous=previous,
            queries=self.queries,
            people=self.shown,
            differences=found.differences if found is not None else (),
            reasons=tuple(code for code in (*self.reasons, *why) if code),
            person=person,
            by_number=by_number,
        )


def _of_person(person: Person, step: str, postcode: str) -> Query | None:
    """A question that a person who was shown answers to, by their own present name and date; None: too little held."""
    family = next(iter(person.families), "")
    if not family or len(person.birth_date) < 10:
        return None
    born = date.fromisoformat(person.birth_date)
    given = next(iter(person.givens), ())[:1]
    return Query(step=step, family=family, given=given, born=(born, born), postcode=postcode, history=True)


def swapped_date(born: date) -> date | None:
    """The date with day and month exchanged, when that is another date."""
    if born.day > 12 or born.day == born.month:
        return None
    return date(born.year, born.day, born.month)


def _other_families(family: str) -> list[str]:
    """What else a family name may stand as: another ending, or the last of its parts alone."""
    letters = family.replace("'", "").replace("’", "")
    found = [letters[:START] + "*"] if len(letters) > START and letters[:START].isalpha() else []
    parts = family.replace("-", " ").split()
    if len(parts) > 1 and len(parts[-1]) > 2 and read_surname(parts[-1]).name:
        found.append(parts[-1])
    return found
