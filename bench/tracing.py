"""Tracing NHS numbers on a synthetic town: wrong numbers taken, numbers found, questions asked and people disclosed.

Run as ``python -m bench.tracing``. The records of a town's agencies are traced with the stand-in of the Personal
Demographics Service that knows the same town, by samechild and by the two policies in live use that are published:

* *Mavis* (NHSDigital/manage-vaccinations-in-schools): plain searches with history and postcode, then wildcards for the
  postcode, the given name and the family name; a number is taken when no step showed another.
* *SUI* (DFE-Digital/SUI_Matcher, the strategy of its "get an identifier" service): seven searches, plain and fuzzy,
  with a range of birth dates; a number is taken at a score of 0.95 unless two numbers reach it.

The scores of the stand-in are not those of the national service (they are not published): the figures of SUI compare
policies under one model of the service and say nothing of the live one. Nobody here uses the number that a record
gives, except in the row that says so.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime

import click
import msgspec

from bench.machine import KEEP_HELP, Program, Shown, keep, percent, results_folder, show
from samechild.demographics.names import read_forename
from samechild.identifiers import nhs_number, postcode
from samechild.keys.seal import Random
from samechild.linkage.proportions import Share, share
from samechild.town.actions import make_town
from samechild.town.rates import load_rates
from samechild.tracing.bucket import OwnBucket
from samechild.tracing.pds import Pds, trace_one
from samechild.tracing.pds_access import Access
from samechild.tracing.records import Answer, Answered, Obtained, Query, Subject
from samechild.tracing.search_plan import swapped_date
from samechild.tracing.stub.people import NationalTown, people_of_town
from samechild.tracing.stub.serve import Direct
from samechild.tracing.stub.service import Service

TODAY = date(2025, 8, 31)
KINDS = (
    "twin", "changed surname", "swapped date", "Baby", "moved", "restricted", "superseded number", "adopted, before",
    "adopted, after", "not registered", "other twin's name",
)  # fmt: skip
UNDECIDABLE = "other twin's name"
"""Records over which somebody wrote the other twin's first name: by name, date and address they are that twin's."""

Ask = Callable[[Query], Answer]


class Case(msgspec.Struct, frozen=True):
    """One record to trace, the number it should lead to (empty: none), and what is special about it."""

    subject: Subject
    number: str
    kinds: tuple[str, ...]


class Taken(msgspec.Struct, frozen=True):
    """What a policy did with one record: the number it took, whether it would ask a person, and what it cost."""

    number: str
    asks: bool
    queries: int
    people: int


class Row(msgspec.Struct, frozen=True):
    """One policy on the records of one kind. ``wrong`` leaves out what no field could decide (see UNDECIDABLE)."""

    policy: str
    kind: str
    records: int
    right: Share  # of those with a number to be found
    wrong: Share  # of all
    undecidable: int  # wrong numbers that no name, date or address speaks against
    asks: Share
    queries: float
    most_queries: int
    people: float


class Tracing(msgspec.Struct, frozen=True):
    """The figures of one town."""

    children: int
    seed: int
    harder: bool
    rows: list[Row]


# --- the policies -----------------------------------------------------------------------------------------------------


def samechild_policy(client: Pds, subject: Subject) -> Taken:
    """Samechild's plan."""
    found = trace_one(client, subject, TODAY)
    asks = found.outcome.value in ("several", "contradiction")
    return Taken(found.number if found.accepted else "", asks, found.queries, found.people)


class _Counted:
    """Asks and counts."""

    def __init__(self, client: Pds) -> None:
        self.client, self.queries, self.people = client, 0, 0

    def __call__(self, query: Query) -> Answer:
        answer = self.client.ask(query)
        self.queries += 1
        self.people += len(answer.people)
        return answer

    def taken(self, number: str, asks: bool = False) -> Taken:
        return Taken(number, asks, self.queries, self.people)


def mavis_policy(client: Pds, subject: Subject) -> Taken:
    """The cascade of Mavis, from its published code."""
    ask = _Counted(client)
    home = postcode.check(subject.postcode).value
    if not home or not subject.given or not subject.family or subject.birth_date is None:
        return ask.taken("")
    born = (subject.birth_date, subject.birth_date)
    plain = Query(step="", family=subject.family, given=subject.given[:1], born=born, postcode=home, history=True)
    change = msgspec.structs.replace
    answer = ask(plain)
    if answer.kind is Answered.TOO_MANY:
        answer = ask(change(plain, history=False))
    if answer.kind is Answered.PEOPLE:
        return ask.taken(answer.people[0].number)
    if answer.kind is Answered.TOO_MANY:
        return ask.taken("")
    seen: set[str] = set()
    for wide in _wildcards(plain):
        answer = ask(wide)
        seen |= {person.number for person in answer.people}
        if len(seen) > 1:
            return ask.taken("", asks=True)
    return ask.taken(seen.pop() if seen else "")


def _wildcards(plain: Query) -> Iterator[Query]:
    change = msgspec.structs.replace
    yield change(plain, postcode=plain.postcode[:2] + "*")
    if len(plain.given[0]) > 3:
        yield change(plain, given=(plain.given[0][:3] + "*",))
    if len(plain.family) > 3:
        yield change(plain, family=plain.family[:3] + "*")


def sui_policy(client: Pds, subject: Subject) -> Taken:
    """The seven searches of SUI's matcher, from its published code; all are run."""
    ask = _Counted(client)
    if not subject.given or not subject.family or subject.birth_date is None:
        return ask.taken("")
    best: dict[str, float] = {}
    for query in _sui_searches(subject, subject.birth_date):
        for person in ask(query).people:
            best[person.number] = max(best.get(person.number, 0.0), person.score or 0.0)
    sure = [number for number, score in best.items() if score >= 0.95]
    if len(sure) == 1:
        return ask.taken(sure[0])
    return ask.taken("", asks=any(score >= 0.85 for score in best.values()))


def _sui_searches(subject: Subject, born: date) -> Iterator[Query]:
    family = subject.family.partition("(")[0].strip() or subject.family
    given = tuple(subject.given[0].split())
    home = postcode.check(subject.postcode).value or ""
    change = msgspec.structs.replace
    plain = Query(step="", family=family, given=given, born=(born, born), history=True)
    fuzzy = change(plain, fuzzy=True, history=False)
    around = (_months(born, -6), _months(born, 6))
    yield plain
    yield fuzzy
    yield change(fuzzy, sex=subject.sex, postcode=home)
    yield change(plain, born=around)
    yield change(plain, born=around, postcode=home)
    yield change(fuzzy, born=around)
    yield change(fuzzy, born=around, postcode=home)


def _months(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, 28))


def number_given_policy(client: Pds, subject: Subject) -> Taken:
    """Samechild's plan, the number in the record checked first."""
    return samechild_policy(client, subject)


# --- the records ------------------------------------------------------------------------------------------------------


def cases(children: int, seed: int, harder: bool) -> tuple[list[Case], NationalTown]:
    """Every record of a town that says enough to be asked about, and the register that knows its children."""
    rates = load_rates(harder=harder)
    nation = people_of_town(children, 2, seed, rates)
    town = make_town(children, 2, seed, rates)
    found = []
    for record, truth in zip(town.records.to_pylist(), town.truth.to_pylist(), strict=True):
        subject = subject_of(record)
        if subject.birth_date is not None and subject.family:
            child = truth["true_child_id"]
            found.append(Case(subject, nation.numbers.get(child, ""), tuple(kinds_of(subject, child, nation))))
    return found, nation


def subject_of(record: dict[str, str | None]) -> Subject:
    """A town's record as the subject of a trace."""
    text = {field: value or "" for field, value in record.items()}
    return Subject(
        given=tuple(name for name in (text["forename"], *text["middle_names"].split()) if name),
        also_called=(text["known_as"],) if text["known_as"] else (),
        family=text["surname"],
        former_families=(text["former_surname"],) if text["former_surname"] else (),
        birth_date=date.fromisoformat(text["date_of_birth"]) if text["date_of_birth"] else None,
        sex=text["sex"],
        postcode=text["postcode"],
        earlier_postcodes=(text["previous_postcode"],) if text["previous_postcode"] else (),
        claimed=text["nhs_number"],
        obtained=Obtained.SYSTEM,
        one_of_several=bool(text["birth_order"]),
    )


def kinds_of(subject: Subject, child: str, nation: NationalTown) -> Iterator[str]:
    """What is special about a record, in the order of :data:`KINDS`."""
    name = read_forename(subject.given[0]).name if subject.given else None
    own = read_forename(nation.given[child]).name
    mates = {read_forename(nation.given[mate]).name for mate in nation.twins.get(child, ())}
    tests = (
        child in nation.twins,
        child in nation.changed_name,
        subject.birth_date is not None and swapped_date(subject.birth_date) == nation.born[child],
        bool(subject.given) and name is None,
        nation.homes.get(child, subject.postcode) != subject.postcode and bool(subject.postcode),
        child in nation.restricted,
        child in nation.superseded,
        child in nation.former,
        child in nation.adopted,
        child not in nation.numbers and child not in nation.former,
        name is not None and name != own and name in mates,
    )
    return (kind for kind, holds in zip(KINDS, tests, strict=True) if holds)


def chosen(found: list[Case], usual: int, each: int, chance: random.Random) -> dict[str, list[Case]]:
    """A sample of all records, and of each kind."""
    of_kind = {"any": chance.sample(found, min(usual, len(found)))}
    for kind in KINDS:
        fitting = [case for case in found if kind in case.kinds]
        of_kind[kind] = chance.sample(fitting, min(each, len(fitting)))
    return of_kind


# --- the figures ------------------------------------------------------------------------------------------------------


def measured(name: str, kind: str, judged: list[tuple[Case, Taken]]) -> Row:
    """Add one policy's traces of one kind of record up (at least one)."""
    there = [pair for pair in judged if pair[0].number]
    wrong = [case for case, taken in judged if taken.number and taken.number != case.number]
    beyond = sum(UNDECIDABLE in case.kinds for case in wrong)
    return Row(
        policy=name,
        kind=kind,
        records=len(judged),
        right=share(sum(taken.number == case.number for case, taken in there), len(there)),
        wrong=share(len(wrong) - beyond, len(judged)),
        undecidable=beyond,
        asks=share(sum(taken.asks for _, taken in judged), len(judged)),
        queries=sum(taken.queries for _, taken in judged) / len(judged),
        most_queries=max(taken.queries for _, taken in judged),
        people=sum(taken.people for _, taken in judged) / len(judged),
    )


def a_client(nation: NationalTown, secret: Random) -> Pds:
    """A client of the stand-in in this process, without a limit on requests."""
    clock = lambda: datetime.now(UTC)  # noqa: E731
    service = Service(nation.register, clock, secret, limit=0)
    access = Access(address="http://127.0.0.1/personal-demographics/FHIR/R4")
    return Pds(access, OwnBucket(1e9), clock, lambda seconds: None, secret, transport=Direct(service))


def run(children: int, seed: int, harder: bool, usual: int, each: int) -> Tracing:
    """Trace a sample of a town's records by every policy."""
    chance = random.Random(seed)
    found, nation = cases(children, seed, harder)
    client = a_client(nation, chance.randbytes)
    rows = []
    for kind, sample in chosen(found, usual, each, chance).items():
        if not sample:
            continue
        plain = [Case(msgspec.structs.replace(case.subject, claimed=""), case.number, case.kinds) for case in sample]
        policies = (
            ("samechild", samechild_policy, plain),
            ("Mavis", mavis_policy, plain),
            ("SUI", sui_policy, plain),
            ("samechild, number given", number_given_policy, [case for case in sample if _usable(case)]),
        )
        for name, policy, records in policies:
            if records:
                rows.append(measured(name, kind, [(case, policy(client, case.subject)) for case in records]))
    return Tracing(children, seed, harder, rows)


def _usable(case: Case) -> bool:
    return nhs_number.check(case.subject.claimed).value is not None


def tables(found: Tracing) -> list[Shown]:
    """Set the figures out."""
    headings = (
        "records", "policy", "traced", "right", "wrong taken", "beyond deciding", "a person is asked", "queries",
        "most", "people told of",
    )  # fmt: skip
    rows = [
        [
            row.kind,
            row.policy,
            f"{row.records:,}",
            percent(row.right.share),
            f"{row.wrong.found} ({percent(row.wrong.share)})",
            str(row.undecidable),
            percent(row.asks.share),
            f"{row.queries:.2f}",
            str(row.most_queries),
            f"{row.people:.2f}",
        ]
        for row in found.rows
    ]
    rates = "harder" if found.harder else "usual"
    return [Shown(f"Tracing in a town of {found.children:,} children ({rates} rates)", headings, rows)]


@click.command(cls=Program)
@click.option("--children", default=30_000, show_default=True)
@click.option("--seed", default=20_501, show_default=True)
@click.option("--harder/--usual", default=False, show_default=True, help="Which of the two files of rates.")
@click.option("--records", "usual", default=6_000, show_default=True, help="Records of any kind to trace.")
@click.option("--each", default=1_000, show_default=True, help="Records of each special kind.")
@click.option("--keep/--no-keep", "wanted", default=False, help=KEEP_HELP)
def main(children: int, seed: int, harder: bool, usual: int, each: int, wanted: bool) -> None:
    """Measure tracing."""
    found = run(children, seed, harder, usual, each)
    show(tables(found))
    rates = "--harder" if harder else "--usual"
    line = f"python -m bench.tracing --children {children} --seed {seed} {rates} --records {usual} --each {each}"
    keep(f"tracing-{'harder' if harder else 'usual'}-{children}", line, found, results_folder(wanted))


if __name__ == "__main__":
    main()
