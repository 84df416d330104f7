"""The first page: for a visitor what this is, for somebody signed in what they may do and what waits for them."""

from __future__ import annotations

from samechild.policy.agreement_actions import standings
from samechild.policy.purposes import purposes
from samechild.policy.roles import roles
from samechild.policy.shown import Message, dealt_with, messages
from samechild.web.blocks import Answer, Block, Inset, Link, Points, Questions, Redirect, Sheet, Table, Words, moment
from samechild.web.forms import Choice, Field, Filled, Form, blank, read
from samechild.web.headers import TOWN
from samechild.web.menu import OFFICERS, menu
from samechild.web.routes import ANYBODY, EVERYBODY, Page, Sent
from samechild.web.visits import Visit

_WHY = {
    "/children": "search for a child, and see who knows it and whom to ring",
    "/drift": "what your records say of a child that other records say differently",
    "/collection": "what councils send every day: who may send, requests, routes compared, concerns",
    "/may-i": "try a question and see which rules decide, and why",
    "/agreements": "what your organisation shares with whom",
    "/organisations": "who holds which role, and who takes part",
    "/access-review": "confirm or take away roles that have not been looked at for a while",
    "/ledger": "every decision and disclosure, and the proof that nothing was changed",
    "/who-looked": "who looked at a child's record, and letters about it",
    "/registers": "incidents, people's requests and refused requests, with their clocks",
    "/retention": "what is due for disposal, and what is held",
    "/downtime": "whom to phone when this service does not work: print it",
    "/law": "regulations and schemes with the dates from which they are in force",
}
_TOLD = {
    "tell-supervisor": "Somebody broke the glass and named you as their supervisor",
    "investigate-override": "The hidden fields of a shielded child were opened: look into it",
    "visible-to-owner": "The Department for Education read records of your organisation",
    "review-override": "An override of confidence was relied on: review it",
    "broker-contact": "Somebody asks a sensitive service to get in touch",
    "concern-raised": "A concern was raised about the daily collection",
    "concern-acknowledge": "A concern about the daily collection was acknowledged",
    "concern-answer": "A concern about the daily collection was answered",
    "concern-look-again": "A concern about the daily collection has to be looked at again",
    "concern-close": "A concern about the daily collection was closed",
}


def first(visit: Visit) -> Answer:
    """The first page."""
    if visit.signed is None:
        return _welcome(visit)
    if not visit.signed.asker.role:
        return Redirect(to="/role")
    return _home(visit)


def _welcome(visit: Visit) -> Sheet:
    demo = visit.shell.demo
    points = [Link("The made-up town and its records, linked", TOWN)] if demo and demo.folder else []
    points += [
        Link("What is shared, and why", "/purposes"),
        Link("Sign in", "/sign-in"),
    ]
    return Sheet(
        title="Guarded sharing about children",
        blocks=(
            Words(
                "For people who work with children: see what another organisation holds about a child, when the law "
                "and an agreement allow it, and nothing else.",
                lead=True,
            ),
            Words("For parents and young people: what is shared, why, and how to ask who looked."),
            Points(tuple(points)),
            Inset("A child in danger now: phone 999. Do not wait for this service."),
        ),
    )


def _home(visit: Visit, filled: Filled | None = None) -> Sheet:
    role = roles()[visit.by.role]
    wanted = tuple((purposes()[name].title, purposes()[name].words) for name in role.purposes)
    blocks: list[Block] = _waiting(visit, filled)
    links = [link for link in menu(role.name) if link.to in _WHY]
    blocks.append(Table("Pages for your role", ("Page", "What for"), tuple((one, _WHY[one.to]) for one in links)))
    if wanted:
        blocks.append(Table("What you may ask for", ("Purpose", "In plain words"), wanted))
    more = [Link("Choose another role", "/role")] if visit.signed and len(visit.signed.roles) > 1 else []
    if visit.signed and visit.signed.method == "local":
        more.append(Link("Change your password", "/password"))
    if more:
        blocks.append(Points(tuple(more)))
    return Sheet(title=f"Home: {role.title}", blocks=tuple(blocks), wide=True, status=400 if filled else 200)


def _waiting(visit: Visit, filled: Filled | None) -> list[Block]:
    """What waits for the reader: messages to them or their role, and agreements to sign."""
    by = visit.by
    told = messages(visit.store, by)
    rows = [(_TOLD.get(each.kind, each.kind), f"Entry {each.entry} of the ledger", moment(each.at)) for each in told]
    if by.role in OFFICERS:
        newest: dict[str, tuple[str, str, str]] = {}
        for each in standings(visit.store, visit.now, by.organisation):
            waits = by.organisation in each.unsigned and each.state in ("draft", "part signed")
            words = ("An agreement waits for your signature", each.title, "") if waits else ("", "", "")
            newest.setdefault(each.agreement.agreement, words)
        rows += [words for words in newest.values() if words[0]]
    blocks: list[Block] = [
        Table("What waits for you", ("What", "About", "Since"), tuple(rows), empty="Nothing waits for you.")
    ]
    if told:
        blocks.append(Questions(filled or blank(_messages_form(told)), "/messages"))
    return blocks


def _messages_form(told: list[Message]) -> Form:
    picks = tuple(
        Choice(each.message, f"{_TOLD.get(each.kind, each.kind)}: entry {each.entry}", moment(each.at)) for each in told
    )
    return Form(
        button="I have dealt with these",
        fields=(Field(name="messages", label="Which have you dealt with?", kind="many", choices=picks),),
    )


def deal(visit: Visit, sent: Sent) -> Answer:
    """Note that messages were dealt with."""
    filled = read(_messages_form(messages(visit.store, visit.by)), sent)
    if filled.problems:
        return _home(visit, filled)
    dealt_with(visit.store, visit.by, filled.many("messages"), visit.now)
    return Redirect(to="/?done=reviewed")


PAGES = (
    Page(path="/", who=ANYBODY, show=first, part="/"),
    Page(path="/messages", who=EVERYBODY, do=deal, part="/"),
)
