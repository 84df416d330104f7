"""The first page: for a visitor what this is, for somebody signed in what they may do and what waits for them."""

from __future__ import annotations

from samechild.policy import store as tables
from samechild.policy.agreement_actions import standings
from samechild.policy.purposes import purposes
from samechild.policy.roles import roles
from samechild.storage import Login
from samechild.web.blocks import Answer, Block, Inset, Link, Points, Redirect, Sheet, Table, Words, moment
from samechild.web.headers import TOWN
from samechild.web.menu import OFFICERS, menu
from samechild.web.routes import ANYBODY, Page
from samechild.web.visits import Visit

_WHY = {
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


def _home(visit: Visit) -> Sheet:
    role = roles()[visit.by.role]
    wanted = tuple((purposes()[name].title, purposes()[name].words) for name in role.purposes)
    blocks: list[Block] = _waiting(visit)
    links = [link for link in menu(role.name) if link.to in _WHY]
    blocks.append(Table("Pages for your role", ("Page", "What for"), tuple((one, _WHY[one.to]) for one in links)))
    if wanted:
        blocks.append(Table("What you may ask for", ("Purpose", "In plain words"), wanted))
    more = [Link("Choose another role", "/role")] if visit.signed and len(visit.signed.roles) > 1 else []
    if visit.signed and visit.signed.method == "local":
        more.append(Link("Change your password", "/password"))
    if more:
        blocks.append(Points(tuple(more)))
    return Sheet(title=f"Home: {role.title}", blocks=tuple(blocks), wide=True)


def _waiting(visit: Visit) -> list[Block]:
    """What waits for the reader: messages to them or their role, and agreements to sign."""
    by = visit.by
    with visit.store.read(Login.GATE) as gate:
        told = tables.messages_for(gate, by.user, by.organisation, by.role)
    rows = [(_TOLD.get(row.kind, row.kind), f"Entry {row.entry} of the ledger", moment(row.at)) for row in told]
    if by.role in OFFICERS:
        newest: dict[str, tuple[str, str, str]] = {}
        for each in standings(visit.store, visit.now, by.organisation):
            waits = by.organisation in each.unsigned and each.state in ("draft", "part signed")
            words = ("An agreement waits for your signature", each.title, "") if waits else ("", "", "")
            newest.setdefault(each.agreement.agreement, words)
        rows += [words for words in newest.values() if words[0]]
    return [Table("What waits for you", ("What", "About", "Since"), tuple(rows), empty="Nothing waits for you.")]


PAGES = (Page(path="/", who=ANYBODY, show=first, part="/"),)
