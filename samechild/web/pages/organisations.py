"""Organisations and who may do what in them: adding people, giving and taking roles, leavers, vouching, systems.

An access manager looks after their own organisation, and after sole providers their council vouches for; the rules are
those of ``policy``, and a page only shows the buttons that they leave.
"""

from __future__ import annotations

from datetime import UTC, datetime, time

from samechild.errors import Invalid, Missing
from samechild.policy.people import actions as people_actions
from samechild.policy.people.organisations import CODES, Organisation, is_active, kinds
from samechild.policy.people.rules import holds, may_manage
from samechild.policy.roles import roles
from samechild.policy.shown import Staff, may_see_staff, one_of_staff, organisation, organisations, staff_of
from samechild.policy.sign_in.clients import SCOPES, register_client
from samechild.policy.sign_in.rules import rules_of
from samechild.records.disclosure import Route
from samechild.web.blocks import (
    Answer,
    Block,
    Cell,
    Code,
    Heading,
    Link,
    Points,
    Questions,
    Redirect,
    Sheet,
    Summary,
    Table,
    Tag,
    Warn,
    Words,
    day,
)
from samechild.web.forms import Choice, Field, Filled, Form, blank, read, wrong
from samechild.web.menu import MANAGERS, OFFICERS
from samechild.web.routes import Page, Sent
from samechild.web.visits import Visit

PART = "/organisations"
_BACK = Link("Organisations and access", "/organisations")
_READERS = MANAGERS | OFFICERS
_PHONE = "Who can decide when somebody is refused, and how to reach them at any hour."


def _date(name: str, label: str, *, needed: bool = True) -> Field:
    return Field(name=name, label=label, kind="date", hint="For example, 27 3 2026.", needed=needed)


ROUTE = (
    Field(name="who", label="Who can decide?", hint=_PHONE),
    Field(name="how", label="How are they reached?", hint="A telephone number, and when it is answered."),
)
ADD = Form(
    button="Add the organisation",
    fields=(
        Field(name="name", label="Name"),
        Field(
            name="kind",
            label="Kind",
            kind="select",
            choices=tuple(Choice(name, each.title) for name, each in kinds().items()),
        ),
        Field(
            name="code_kind",
            label="Number it is known by: which number?",
            kind="select",
            needed=False,
            choices=tuple(Choice(name, name) for name in CODES),
        ),
        Field(name="code", label="The number", needed=False, longest=40),
        *ROUTE,
    ),
)
SET_ROUTE = Form(button="Save", fields=ROUTE)
ADD_PERSON = Form(
    button="Add the person",
    fields=(
        Field(name="name", label="Name", autocomplete="off"),
        Field(name="email", label="Work email address", kind="email", longest=254),
    ),
)
VOUCH = Form(
    button="Vouch for them",
    fields=(
        _date("registered", "Registration ends on"),
        _date("contract", "Contract ends on"),
    ),
)
END_VOUCHING = Form(button="Stop vouching for them", risky=True)
END = Form(button="End this organisation's part", risky=True)
FIRST = Form(button="Name the first access manager", fields=ADD_PERSON.fields)
LEAVER = Form(button="They have left", risky=True)
REVOKE = Form(button="Take the role away", risky=True)
INVITE = Form(button="Make an invitation")
SYSTEM = Form(
    button="Register the system",
    fields=(
        Field(name="name", label="Name of the system"),
        Field(
            name="scopes",
            label="What may it do at all?",
            kind="many",
            choices=tuple(Choice(name, words) for name, words in SCOPES.items()),
        ),
    ),
)


def _midnight(filled: Filled, name: str) -> datetime | None:
    given = filled.day(name)
    return None if given is None else datetime.combine(given, time(), UTC)


def overview(visit: Visit) -> Answer:
    """Every organisation that takes part."""
    found = organisations(visit.store)
    rows = tuple(
        (
            Link(each.name, f"/organisations/{each.organisation}"),
            kinds()[each.kind].title,
            Tag("active", "green") if is_active(each, visit.now) else Tag("not active"),
            _ends(each),
        )
        for each in found
    )
    blocks: list[Block] = [Table("Organisations", ("Name", "Kind", "State", "Access ends"), rows)]
    own = next((each for each in found if each.organisation == visit.by.organisation), None)
    if own is not None and own.host and visit.by.role in MANAGERS:
        blocks.append(Points((Link("Add an organisation", "/organisations/new"),)))
    return Sheet(title="Organisations and access", blocks=tuple(blocks), wide=True)


def _ends(each: Organisation) -> str:
    ends = [end for end in (each.active_until, each.registered_until, each.contract_until) if end is not None]
    return day(min(ends)) if ends else "No date set"


def new(visit: Visit) -> Answer:
    """The form of a new organisation."""
    return _new(blank(ADD))


def _new(filled: Filled) -> Sheet:
    return Sheet(
        title="Add an organisation",
        blocks=(
            Words("It gets a data space of its own; nothing joins two spaces without an agreement that names both."),
            Questions(filled, "/organisations/new"),
        ),
        back=_BACK,
        status=400 if filled.problems else 200,
    )


def add(visit: Visit, sent: Sent) -> Answer:
    """Add an organisation."""
    filled = read(ADD, sent)
    if filled.problems:
        return _new(filled)
    codes = {filled.one("code_kind"): filled.one("code")} if filled.one("code_kind") else {}
    try:
        made = people_actions.add_organisation(
            visit.store,
            visit.by,
            kind=filled.one("kind"),
            name=filled.one("name"),
            now=visit.now,
            random=visit.shell.random,
            codes=codes,
            route=Route(filled.one("who"), filled.one("how")),
        )
    except Invalid as error:
        return _new(wrong(filled, str(error), "code" if codes else "name"))
    return Redirect(to=f"/organisations/{made}?done=added")


def _asked(visit: Visit) -> Organisation:
    return organisation(visit.store, visit.named["organisation"])


def one(visit: Visit) -> Answer:
    """One organisation: its dates, whom to reach, its people and systems."""
    return _one(visit, _asked(visit))


def _one(visit: Visit, asked: Organisation, filled: Filled | None = None, to: str = "") -> Sheet:
    kind = kinds()[asked.kind]
    voucher = organisation(visit.store, asked.vouched_by).name if asked.vouched_by else ""
    facts: list[tuple[str, Cell]] = [
        ("Kind", kind.title),
        ("State", Tag("active", "green") if is_active(asked, visit.now) else Tag("not active")),
        ("Takes part since", day(asked.active_from)),
        ("Access ends", _ends(asked)),
        ("Who can decide", f"{asked.route.who}: {asked.route.how}" if asked.route else "Not entered: enter it"),
    ]
    if kind.sole_provider:
        facts.append(("Vouched for by", voucher or "Nobody: no access"))
    blocks: list[Block] = [Summary(tuple(facts))]
    own = may_manage(visit.by, asked)
    if may_see_staff(visit.by, asked):
        blocks.append(_people(visit, asked))
    if visit.by.role in MANAGERS:
        blocks += _forms(visit, asked, own, filled, to)
    return Sheet(
        title=asked.name,
        above="Organisation",
        blocks=tuple(blocks),
        back=_BACK,
        wide=True,
        status=400 if filled else 200,
    )


def _people(visit: Visit, asked: Organisation) -> Table:
    rows = tuple(
        (
            Link(each.name, f"/people/{each.user.user_id}"),
            "System" if each.user.machine else "Person",
            "; ".join(roles()[grant.role].title for grant in each.grants if holds(grant, visit.now)) or "No role",
            f"Left on {day(each.user.left_at)}" if each.user.left_at else "Works here",
        )
        for each in staff_of(visit.store, visit.by, asked)
    )
    return Table("People and systems", ("Name", "What", "Roles held now", "State"), rows)


def _forms(visit: Visit, asked: Organisation, own: bool, filled: Filled | None, to: str) -> list[Block]:
    place = f"/organisations/{asked.organisation}"
    mine = visit.signed.organisation if visit.signed else None
    shown: list[tuple[str, str, Form, bool]] = [
        ("people", "Add a person", ADD_PERSON, own),
        ("systems", "Register a system", SYSTEM, own),
        ("route", "Whom to reach", SET_ROUTE, own),
        ("vouch", "Vouch for this provider", VOUCH, kinds()[asked.kind].sole_provider),
        ("end-vouching", "Stop vouching", END_VOUCHING, asked.vouched_by == visit.by.organisation),
        ("first", "First access manager", FIRST, bool(mine and mine.host and not own)),
        ("end", "End its part", END, bool(mine and mine.host and not asked.host)),
    ]
    blocks: list[Block] = []
    for path, heading, form, may in shown:
        if may:
            blocks.append(Heading(heading))
            if form.risky:
                blocks.append(Warn("Everybody concerned is signed out, and cannot ask any more, at once."))
            blocks.append(Questions(filled if filled and to == path else blank(form), f"{place}/{path}"))
    return blocks


def add_person(visit: Visit, sent: Sent) -> Answer:
    """Add a person to an organisation."""
    asked, filled = _asked(visit), read(ADD_PERSON, sent)
    if filled.problems:
        return _one(visit, asked, filled, "people")
    try:
        user = people_actions.add_user(
            visit.store,
            visit.by,
            asked.organisation,
            filled.one("name"),
            filled.one("email"),
            visit.now,
            visit.shell.random,
        )
    except Invalid as error:
        return _one(visit, asked, wrong(filled, str(error)), "people")
    return Redirect(to=f"/people/{user}?done=added")


def first_access(visit: Visit, sent: Sent) -> Answer:
    """Name the first access manager of an organisation that has none."""
    asked, filled = _asked(visit), read(FIRST, sent)
    if filled.problems:
        return _one(visit, asked, filled, "first")
    try:
        token = people_actions.begin_access(
            visit.store,
            visit.by,
            asked.organisation,
            filled.one("name"),
            filled.one("email"),
            visit.now,
            visit.shell.random,
            rules_of(visit.shell.settings),
        )
    except Invalid as error:
        return _one(visit, asked, wrong(filled, str(error)), "first")
    return _invitation(token, Link(asked.name, f"/organisations/{asked.organisation}"))


def _invitation(token: str, back: Link) -> Sheet:
    return Sheet(
        title="Invitation",
        blocks=(
            Words("Give this code to the person. It holds for three days, works once and is shown only now."),
            Summary((("Invitation code", Code(token)), ("Where to enter it", "/invitation"))),
        ),
        back=back,
    )


def add_system(visit: Visit, sent: Sent) -> Answer:
    """Register a system, and show its secret once."""
    asked, filled = _asked(visit), read(SYSTEM, sent)
    if filled.problems:
        return _one(visit, asked, filled, "systems")
    made = register_client(
        visit.store,
        visit.by,
        asked.organisation,
        filled.one("name"),
        filled.many("scopes"),
        visit.now,
        visit.shell.random,
    )
    return Sheet(
        title="The system is registered",
        blocks=(
            Words("Give it a role next. The secret is shown only now."),
            Summary((("Client id", Code(made.client_id)), ("Secret", Code(made.secret)))),
            Points((Link("Give it a role", f"/people/{made.client_id}"),)),
        ),
        back=Link(asked.name, f"/organisations/{asked.organisation}"),
    )


def set_route(visit: Visit, sent: Sent) -> Answer:
    """Say whom to reach."""
    asked, filled = _asked(visit), read(SET_ROUTE, sent)
    if filled.problems:
        return _one(visit, asked, filled, "route")
    route = Route(filled.one("who"), filled.one("how"))
    people_actions.set_route(visit.store, visit.by, asked.organisation, route, visit.now)
    return Redirect(to=f"/organisations/{asked.organisation}?done=changed")


def vouch(visit: Visit, sent: Sent) -> Answer:
    """Vouch for a sole provider."""
    asked, filled = _asked(visit), read(VOUCH, sent)
    registered, contract = _midnight(filled, "registered"), _midnight(filled, "contract")
    if filled.problems or registered is None or contract is None:
        return _one(visit, asked, filled, "vouch")
    try:
        people_actions.vouch(visit.store, visit.by, asked.organisation, registered, contract, visit.now)
    except Invalid as error:
        return _one(visit, asked, wrong(filled, str(error)), "vouch")
    return Redirect(to=f"/organisations/{asked.organisation}?done=vouched")


def end_vouching(visit: Visit, sent: Sent) -> Answer:
    """Stop vouching for a sole provider."""
    asked = _asked(visit)
    people_actions.end_vouching(visit.store, visit.by, asked.organisation, visit.now)
    return Redirect(to=f"/organisations/{asked.organisation}?done=changed")


def end(visit: Visit, sent: Sent) -> Answer:
    """End an organisation's part."""
    asked = _asked(visit)
    people_actions.end_organisation(visit.store, visit.by, asked.organisation, visit.now)
    return Redirect(to=f"/organisations/{asked.organisation}?done=changed")


def _asked_for(visit: Visit) -> Staff:
    return one_of_staff(visit.store, visit.by, visit.named["user"])


def grant_form(asked: Organisation, *, machine: bool) -> Form:
    """The form by which a role is given: the roles that exist in the organisation's sector."""
    sector = kinds()[asked.kind].sector
    open_here = [each for each in roles().values() if sector in each.sectors and each.machine is machine]
    return Form(
        button="Give the role",
        fields=(
            Field(
                name="role",
                label="Role",
                kind="choice",
                choices=tuple(Choice(each.name, each.title) for each in open_here),
            ),
            _date("until", "Until", needed=False),
        ),
    )


def person(visit: Visit) -> Answer:
    """One person or system: the roles they hold and held."""
    return _person(visit, _asked_for(visit))


def _person(visit: Visit, staff: Staff, filled: Filled | None = None) -> Sheet:
    user, asked, grants = staff.user, staff.organisation, staff.grants
    rows = tuple(
        (
            roles()[grant.role].title,
            day(grant.valid_from),
            day(grant.ended_at or grant.valid_until) or "No end set",
            Tag("held", "green") if holds(grant, visit.now) else Tag("not held now"),
        )
        for grant in grants
    )
    blocks: list[Block] = [Table("Roles given", ("Role", "From", "Until", "State"), rows)]
    if user.left_at:
        blocks.append(Words(f"Left on {day(user.left_at)}."))
    elif visit.by.role in MANAGERS and user.user_id != visit.by.user:
        place = f"/people/{user.user_id}"
        form = grant_form(asked, machine=user.machine)
        blocks += [Heading("Give a role"), Questions(filled or blank(form), f"{place}/roles")]
        for grant in grants:
            if grant.ended_at is None:
                blocks.append(Heading(f"Take away: {roles()[grant.role].title}", 3))
                blocks.append(Questions(blank(REVOKE), f"{place}/revoke", (("grant", grant.grant_id),)))
        if not user.machine:
            blocks += [
                Heading("Invite them"),
                Words("With an invitation they make their account, or a new one when password or phone is lost."),
                Questions(blank(INVITE), f"{place}/invite"),
            ]
        blocks += [
            Heading("They leave"),
            Warn("Every role ends, and they are signed out everywhere, at once."),
            Questions(blank(LEAVER), f"{place}/left"),
        ]
    return Sheet(
        title=staff.name,
        above=asked.name,
        blocks=tuple(blocks),
        back=Link(asked.name, f"/organisations/{asked.organisation}"),
        status=400 if filled else 200,
    )


def grant_role(visit: Visit, sent: Sent) -> Answer:
    """Give a role."""
    staff = _asked_for(visit)
    user = staff.user
    filled = read(grant_form(staff.organisation, machine=user.machine), sent)
    if filled.problems:
        return _person(visit, staff, filled)
    try:
        people_actions.grant_role(
            visit.store,
            visit.by,
            user.user_id,
            filled.one("role"),
            visit.now,
            visit.shell.random,
            valid_until=_midnight(filled, "until"),
        )
    except Invalid as error:
        return _person(visit, staff, wrong(filled, str(error)))
    return Redirect(to=f"/people/{user.user_id}?done=granted")


def revoke(visit: Visit, sent: Sent) -> Answer:
    """Take a role away."""
    staff = _asked_for(visit)
    user, wanted = staff.user, (sent.get("grant") or [""])[0]
    if wanted not in {grant.grant_id for grant in staff.grants}:
        raise Missing("There is no such role given.")
    people_actions.revoke_role(visit.store, visit.by, wanted, visit.now)
    return Redirect(to=f"/people/{user.user_id}?done=revoked")


def invite(visit: Visit, sent: Sent) -> Answer:
    """Make an invitation and show its code once."""
    staff = _asked_for(visit)
    user = staff.user
    rules = rules_of(visit.shell.settings)
    token = people_actions.invite(visit.store, visit.by, user.user_id, visit.now, visit.shell.random, rules)
    return _invitation(token, Link(staff.name, f"/people/{user.user_id}"))


def left(visit: Visit, sent: Sent) -> Answer:
    """Somebody leaves."""
    user = _asked_for(visit).user
    people_actions.leaver(visit.store, visit.by, user.user_id, visit.now)
    return Redirect(to=f"/people/{user.user_id}?done=left")


PAGES = (
    Page(path="/organisations", who=_READERS, show=overview, part=PART),
    Page(path="/organisations/new", who=MANAGERS, show=new, do=add, part=PART),
    Page(path="/organisations/{organisation}", who=_READERS, show=one, part=PART),
    Page(path="/organisations/{organisation}/people", who=MANAGERS, do=add_person, part=PART),
    Page(path="/organisations/{organisation}/systems", who=MANAGERS, do=add_system, part=PART),
    Page(path="/organisations/{organisation}/route", who=MANAGERS, do=set_route, part=PART),
    Page(path="/organisations/{organisation}/vouch", who=MANAGERS, do=vouch, part=PART),
    Page(path="/organisations/{organisation}/end-vouching", who=MANAGERS, do=end_vouching, part=PART),
    Page(path="/organisations/{organisation}/first", who=MANAGERS, do=first_access, part=PART),
    Page(path="/organisations/{organisation}/end", who=MANAGERS, do=end, part=PART),
    Page(path="/people/{user}", who=_READERS, show=person, part=PART),
    Page(path="/people/{user}/roles", who=MANAGERS, do=grant_role, part=PART),
    Page(path="/people/{user}/revoke", who=MANAGERS, do=revoke, part=PART),
    Page(path="/people/{user}/invite", who=MANAGERS, do=invite, part=PART),
    Page(path="/people/{user}/left", who=MANAGERS, do=left, part=PART),
)
