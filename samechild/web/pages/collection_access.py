"""Who may send for a council: systems and their credentials, named suppliers, and when each was last seen.

A council's access manager makes, rotates and ends credentials and names suppliers; a supplier's access manager sees
the supplier's own systems and how they fare at each council that names it. Secrets are shown once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from samechild.collection import credentials
from samechild.collection.burden import Sent as Counted
from samechild.collection.burden import sent_for
from samechild.collection.credentials import Client, Credentials, Named, env_lines, own_feeds
from samechild.collection.feeds import feeds_of
from samechild.collection.records import Feed, Way
from samechild.errors import Conflict, Invalid, Missing
from samechild.policy.people.organisations import kinds
from samechild.policy.shown import organisation
from samechild.records.types import Sector
from samechild.web.blocks import (
    Answer,
    Block,
    Cell,
    Code,
    Heading,
    Link,
    Pre,
    Questions,
    Redirect,
    Sheet,
    Summary,
    Table,
    Tag,
    Warn,
    Words,
    day,
    moment,
)
from samechild.web.forms import Choice, Field, Filled, Form, blank, read, wrong
from samechild.web.menu import MANAGERS
from samechild.web.pages.collection_parts import ACCESS, LOOK_AFTER, NOT_HERE, PART, views
from samechild.web.routes import Page, Sent
from samechild.web.visits import Visit
from samechild.web.words import NOBODY_KNOWS, organisation_names

WAYS = {
    Way.OWN: "Our own extraction",
    Way.SSD: "The Standard Safeguarding Dataset",
    Way.SUPPLIER: "Our case system's supplier",
}
ROTATE = Form(button="Make a new secret and supplier key")
END = Form(button="End this system", risky=True)
OWN = Form(button="Make credentials")


def _feed_field(feeds: Sequence[Feed]) -> Field:
    choices = tuple(
        Choice(feed.feed, "The sandbox" if feed.sandbox else "The feed itself", feed.feed) for feed in feeds
    )
    return Field(name="feed", label="For which feed?", kind="choice", choices=choices, missing="Pick a feed")


def _add_form(feeds: Sequence[Feed]) -> Form:
    return Form(
        button="Make credentials",
        fields=(
            _feed_field(feeds),
            Field(
                name="supplier",
                label="Who made what sends?",
                longest=credentials.LONGEST_NAME,
                hint="A company, or your own data team.",
            ),
            Field(
                name="way",
                label="Which route is it?",
                kind="choice",
                choices=tuple(Choice(way.value, words) for way, words in WAYS.items()),
                missing="Pick a route",
            ),
            Field(
                name="until",
                label="Until",
                kind="date",
                needed=False,
                hint="Leave it empty for no end. Such as 27 3 2027.",
            ),
        ),
    )


def _name_form(visit: Visit, feeds: Sequence[Feed], button: str) -> Form:
    found = tuple(Choice(each.organisation, each.name) for each in credentials.suppliers(visit.store, visit.now))
    supplier = Field(name="supplier", label="Which supplier?", kind="choice", choices=found, missing="Pick a supplier")
    return Form(button=button, fields=(_feed_field(feeds), supplier))


# --- the page ---------------------------------------------------------------------------------------------------------


def show(visit: Visit) -> Answer:
    """Who may send, as a council or a supplier sees it."""
    return _show(visit)


def _show(visit: Visit, filled: Filled | None = None, to: str = "") -> Sheet:
    kind = kinds()[organisation(visit.store, visit.by.organisation).kind]
    if kind.sector is Sector.SUPPLIER:
        blocks = _of_supplier(visit)
    else:
        feeds = own_feeds(visit.store, visit.by)
        blocks = _of_council(visit, feeds, filled, to) if feeds else [Words(NOT_HERE)]
    status = 400 if filled is not None else 200
    return Sheet(title="Who may send", blocks=(views(visit, ACCESS), *blocks), wide=True, status=status)


def _of_council(visit: Visit, feeds: Sequence[Feed], filled: Filled | None, to: str) -> list[Block]:
    clients = credentials.clients_of(visit.store, feeds)
    named = credentials.named_by(visit.store, feeds, visit.now)
    counted = sent_for(visit.store, feeds, visit.now)
    own = tuple(_row(visit, each, counted) for each in clients)
    head = ("Who made it", "Feed", "Route", "State", "Requests", "Failed", "Records", "Last seen")
    blocks: list[Block] = [
        Words("Every system has credentials of its own: end one, and the others go on. Counts are of 30 days."),
        Table("Your own systems", head, own, empty="No system of your own may send yet."),
        _named(visit, named, clients, counted),
    ]
    open_feeds = [feed for feed in feeds if feed.closed_at is None]
    if visit.by.role not in MANAGERS or not open_feeds:
        return blocks
    forms: list[tuple[str, str, Form]] = [("add", "Make credentials", _add_form(open_feeds))]
    if credentials.suppliers(visit.store, visit.now):
        forms.append(("name", "Let a supplier send for you", _name_form(visit, open_feeds, "Name this supplier")))
    if named:
        forms.append(("unname", "Stop a supplier", _name_form(visit, feeds, "Stop this supplier")))
    for path, heading, form in forms:
        here = filled if filled is not None and to == path else blank(form)
        blocks.append(Questions(here, f"{ACCESS}/{path}", folded=heading))
    return blocks


def _row(visit: Visit, each: Client, counted: Sequence[Counted]) -> tuple[Cell, ...]:
    count = next((one for one in counted if one.client == each.client), Counted(feed=each.feed, client=each.client))
    return (
        Link(each.supplier, f"{ACCESS}/systems/{each.client}", f", made on {day(each.valid_from)}"),
        each.feed,
        WAYS[each.way],
        _state(visit.now, each),
        f"{count.posts:,}",
        f"{count.failures:,}",
        f"{count.records:,}",
        moment(count.last) or "Not yet",
    )


def _state(now: datetime, each: Client) -> Tag:
    if each.valid_until is not None and each.valid_until <= now:
        return Tag("ended")
    return Tag("may send", "green")


def _named(visit: Visit, named: Sequence[Named], clients: Sequence[Client], counted: Sequence[Counted]) -> Table:
    """The suppliers a council names, with what their systems sent for it."""
    names = organisation_names(visit.store)
    own = {each.client for each in clients}
    rows = []
    for each in named:
        theirs = {client.client for client in credentials.supplier_clients(visit.store, each.supplier)} - own
        sent = [one for one in counted if one.feed == each.feed and one.client in theirs]
        last = max((one.last for one in sent if one.last), default=None)
        rows.append(
            (
                names.get(each.supplier, NOBODY_KNOWS),
                each.feed,
                day(each.since),
                f"{sum(one.posts for one in sent):,}",
                f"{sum(one.failures for one in sent):,}",
                f"{sum(one.records for one in sent):,}",
                moment(last) or "Not yet",
            )
        )
    head = ("Supplier", "Feed", "Named since", "Requests", "Failed", "Records", "Last seen")
    return Table("Suppliers that you named", head, tuple(rows), empty="You named no supplier.")


def _of_supplier(visit: Visit) -> list[Block]:
    """A supplier's own systems, and how they fare at each council that names it; nothing of any child."""
    clients = credentials.supplier_clients(visit.store, visit.by.organisation)
    named = {each.feed for each in credentials.naming(visit.store, visit.by.organisation, visit.now)}
    names = organisation_names(visit.store)
    feeds = [feed for feed in feeds_of(visit.store) if feed.feed in named]
    owners = {feed.feed: names.get(feed.owner, NOBODY_KNOWS) for feed in feeds}
    systems = tuple(
        (Link(each.client, f"{ACCESS}/systems/{each.client}"), day(each.valid_from), _state(visit.now, each))
        for each in clients
    )
    counted = [one for each in clients for one in sent_for(visit.store, feeds, visit.now, each.client)]
    rows = []
    for feed in feeds:
        sent = [one for one in counted if one.feed == feed.feed] or [Counted(feed=feed.feed, client="")]
        for one in sent:
            rows.append(
                (
                    owners[feed.feed],
                    feed.feed,
                    one.client[:8] or "None",
                    f"{one.posts:,}",
                    f"{one.failures:,}",
                    f"{one.records:,}",
                    f"{one.refused:,}",
                    moment(one.last) or "Not yet",
                )
            )
    head = ("Council", "Feed", "System", "Requests", "Failed", "Records", "Records refused", "Last seen")
    blocks: list[Block] = [
        Words("One system may send for every council that names you. Counts are of 30 days."),
        Table("Councils that name you", head, tuple(rows), empty="No council names you yet: ask its access manager."),
        Table("Your systems", ("Id", "Since", "State"), systems, empty="You have no system yet."),
    ]
    if visit.by.role in MANAGERS:
        blocks += [Heading("Make credentials"), Questions(blank(OWN), f"{ACCESS}/own")]
    return blocks


# --- doing ------------------------------------------------------------------------------------------------------------


def _own_feed(visit: Visit, name: str) -> Feed:
    found = next((feed for feed in own_feeds(visit.store, visit.by) if feed.feed == name), None)
    if found is None:
        raise Missing("There is no such feed of your organisation.")
    return found


def add(visit: Visit, sent: Sent) -> Answer:
    """Make credentials of the council's own, and show them once."""
    feeds = [feed for feed in own_feeds(visit.store, visit.by) if feed.closed_at is None]
    filled = read(_add_form(feeds), sent)
    if filled.problems:
        return _show(visit, filled, "add")
    feed, given = _own_feed(visit, filled.one("feed")), filled.day("until")
    until = datetime.combine(given, datetime.min.time(), visit.now.tzinfo) if given else None
    way = Way(filled.one("way"))
    try:
        made = credentials.add_client(
            visit.store,
            visit.by,
            feed,
            filled.one("supplier"),
            way,
            visit.now,
            visit.shell.random,
            valid_until=until,
        )
    except Invalid as error:
        return _show(visit, wrong(filled, str(error), "until" if until and until <= visit.now else "supplier"), "add")
    return _once(visit, made, [feed])


def add_own(visit: Visit, sent: Sent) -> Answer:
    """Make credentials of a supplier's own, and show them once."""
    made = credentials.add_supplier_client(visit.store, visit.by, visit.by.organisation, visit.now, visit.shell.random)
    return _once(visit, made, _named_feeds(visit))


def _named_feeds(visit: Visit) -> list[Feed]:
    named = {each.feed for each in credentials.naming(visit.store, visit.by.organisation, visit.now)}
    return [feed for feed in feeds_of(visit.store) if feed.feed in named]


def _once(visit: Visit, made: Credentials, feeds: Sequence[Feed]) -> Sheet:
    """Credentials, shown once, as the file that councils' clients load."""
    if feeds:
        shown: Block = Pre(env_lines(made, feeds[0], visit.shell.settings), "The file .env")
    else:
        shown = Summary(
            (
                ("CLIENT_ID", Code(made.client_id)),
                ("CLIENT_SECRET", Code(made.secret)),
                ("SUPPLIER_KEY", Code(made.supplier_key)),
            )
        )
    blocks: list[Block] = [
        Warn("The secret and the supplier key are shown only now. Copy them before you leave this page."),
        Words("Save these lines as a file named .env beside the client that sends, where nobody else can read it."),
        shown,
    ]
    if len(feeds) > 1:
        blocks.append(Words(f"LA_CODE is one of: {', '.join(sorted({feed.authority for feed in feeds}))}."))
    return Sheet(title="Credentials", blocks=tuple(blocks), back=Link("Who may send", ACCESS))


def name(visit: Visit, sent: Sent) -> Answer:
    """Let a supplier send for the council."""
    feeds = [feed for feed in own_feeds(visit.store, visit.by) if feed.closed_at is None]
    filled = read(_name_form(visit, feeds, "Name this supplier"), sent)
    if filled.problems:
        return _show(visit, filled, "name")
    feed, supplier = _own_feed(visit, filled.one("feed")), filled.one("supplier")
    try:
        credentials.name_supplier(visit.store, visit.by, feed, supplier, visit.now, visit.shell.random)
    except Conflict as error:
        return _show(visit, wrong(filled, str(error), "supplier"), "name")
    return Redirect(to=f"{ACCESS}?done=changed")


def unname(visit: Visit, sent: Sent) -> Answer:
    """Let a supplier send for the council no more."""
    filled = read(_name_form(visit, own_feeds(visit.store, visit.by), "Stop this supplier"), sent)
    if filled.problems:
        return _show(visit, filled, "unname")
    feed = _own_feed(visit, filled.one("feed"))
    credentials.unname_supplier(visit.store, visit.by, feed, filled.one("supplier"), visit.now)
    return Redirect(to=f"{ACCESS}?done=changed")


def system(visit: Visit) -> Answer:
    """One system, with its credentials to rotate or to end."""
    its = credentials.seen(visit.store, visit.by, visit.named["client"])
    rows: list[tuple[str, Cell]] = [
        ("State", _state(visit.now, its)),
        ("Client id", Code(its.client)),
        ("Feed", its.feed or "Every council that names you"),
        ("Route", WAYS[its.way]),
        ("Since", moment(its.valid_from)),
        ("Until", moment(its.valid_until) or "No end set"),
    ]
    blocks: list[Block] = [Summary(tuple(rows))]
    ended = its.valid_until is not None and its.valid_until <= visit.now
    if visit.by.role in MANAGERS and not ended:
        hidden = (("client", its.client),)
        blocks += [
            Heading("New secret and key"),
            Words("The old secret and key work for another week, so that the system can be given the new ones."),
            Questions(blank(ROTATE), f"{ACCESS}/rotate", hidden),
            Heading("End it"),
            Warn("It can send nothing more, at once. What it sent stays."),
            Questions(blank(END), f"{ACCESS}/end", hidden),
        ]
    return Sheet(title=its.supplier, above="System that sends", blocks=tuple(blocks), back=Link("Who may send", ACCESS))


def rotate(visit: Visit, sent: Sent) -> Answer:
    """Make a new secret and supplier key, and show them once."""
    its = credentials.seen(visit.store, visit.by, _client_in(sent))
    made = credentials.rotate_client(visit.store, visit.by, its.client, visit.now, visit.shell.random)
    return _once(visit, made, [_own_feed(visit, its.feed)] if its.feed else _named_feeds(visit))


def end(visit: Visit, sent: Sent) -> Answer:
    """End a system."""
    credentials.end_client(visit.store, visit.by, _client_in(sent), visit.now)
    return Redirect(to=f"{ACCESS}?done=changed")


def _client_in(sent: Sent) -> str:
    return (sent.get("client") or [""])[0]


PAGES = (
    Page(path=ACCESS, who=LOOK_AFTER, show=show, part=PART),
    Page(path=f"{ACCESS}/add", who=MANAGERS, do=add, part=PART),
    Page(path=f"{ACCESS}/own", who=MANAGERS, do=add_own, part=PART),
    Page(path=f"{ACCESS}/name", who=MANAGERS, do=name, part=PART),
    Page(path=f"{ACCESS}/unname", who=MANAGERS, do=unname, part=PART),
    Page(path=f"{ACCESS}/rotate", who=MANAGERS, do=rotate, part=PART),
    Page(path=f"{ACCESS}/end", who=MANAGERS, do=end, part=PART),
    Page(path=f"{ACCESS}/systems/{{client}}", who=LOOK_AFTER, show=system, part=PART),
)
