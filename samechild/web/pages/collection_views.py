"""Who of a council sees what: each view of the daily collection is given by itself, by its own access manager.

The views are roles like others, with dates, in the ledger and in the access review; this page shows them side by side.
"""

from __future__ import annotations

from datetime import UTC, datetime, time

from samechild.errors import Invalid, Missing
from samechild.policy.people import actions as people_actions
from samechild.policy.people.rules import Grant, holds
from samechild.policy.roles import Role, roles
from samechild.policy.shown import Staff, organisation, staff_of
from samechild.web.blocks import Answer, Block, Cell, Heading, Link, Questions, Redirect, Sheet, Table, Tag, Words, day
from samechild.web.forms import Choice, Field, Filled, Form, blank, read, wrong
from samechild.web.menu import MANAGERS
from samechild.web.pages.collection_parts import PART, VIEWS, views
from samechild.web.routes import Page, Sent
from samechild.web.visits import Visit


def _declared() -> tuple[Role, ...]:
    return tuple(role for role in roles().values() if role.view)


def _people(visit: Visit) -> list[Staff]:
    """Everybody who works for the access manager's own organisation; systems left out."""
    own = organisation(visit.store, visit.by.organisation)
    found = staff_of(visit.store, visit.by, own)
    return [each for each in found if not each.user.machine and each.user.left_at is None]


def _held(visit: Visit, staff: Staff, role: Role) -> Grant | None:
    return next((grant for grant in staff.grants if grant.role == role.name and holds(grant, visit.now)), None)


def _give(visit: Visit, people: list[Staff]) -> Form:
    others = [each for each in people if each.user.user_id != visit.by.user]
    return Form(
        button="Give the view",
        fields=(
            Field(
                name="person",
                label="To whom?",
                kind="select",
                choices=tuple(Choice(each.user.user_id, each.name) for each in others),
                missing="Pick a person",
            ),
            Field(
                name="view",
                label="Which view?",
                kind="choice",
                choices=tuple(Choice(role.name, role.title) for role in _declared()),
                missing="Pick a view",
            ),
            Field(name="until", label="Until", kind="date", needed=False, hint="Leave it empty for no end."),
        ),
    )


def _take(visit: Visit, people: list[Staff]) -> Form:
    choices = tuple(
        Choice(grant.grant_id, f"{each.name}: {role.title}")
        for each in people
        for role in _declared()
        for grant in [_held(visit, each, role)]
        if grant is not None
    )
    return Form(
        button="Take the view away",
        risky=True,
        fields=(Field(name="grant", label="Which view of whom?", kind="select", choices=choices, missing="Pick one"),),
    )


def show(visit: Visit) -> Answer:
    """Who holds which view."""
    return _show(visit)


def _show(visit: Visit, giving: Filled | None = None, taking: Filled | None = None) -> Sheet:
    people = _people(visit)
    declared = _declared()
    rows: list[tuple[Cell, ...]] = []
    for each in people:
        grants = [_held(visit, each, role) for role in declared]
        if any(grants):
            cells = tuple(_cell(grant) for grant in grants)
            rows.append((Link(each.name, f"/people/{each.user.user_id}"), *cells))
    give, take = _give(visit, people), _take(visit, people)
    blocks: list[Block] = [
        views(visit, VIEWS),
        Words("Each view is given by itself, to a person, with dates. What you give and take stands in the ledger."),
        Table("Who holds which view", ("Person", *(role.title for role in declared)), tuple(rows), empty="Nobody yet."),
        Heading("Give a view"),
        Questions(giving or blank(give), VIEWS),
    ]
    if take.fields[0].choices:
        blocks += [Heading("Take a view away"), Questions(taking or blank(take), f"{VIEWS}/take")]
    status = 400 if giving or taking else 200
    return Sheet(title="Who sees what", blocks=tuple(blocks), wide=True, status=status)


def _cell(grant: Grant | None) -> Cell:
    if grant is None:
        return "No"
    return Tag(f"until {day(grant.valid_until)}" if grant.valid_until else "yes", "green")


def give(visit: Visit, sent: Sent) -> Answer:
    """Give somebody a view."""
    people = _people(visit)
    filled = read(_give(visit, people), sent)
    if filled.problems:
        return _show(visit, filled)
    person, view, until = filled.one("person"), filled.one("view"), filled.day("until")
    staff = next(each for each in people if each.user.user_id == person)
    if _held(visit, staff, roles()[view]) is not None:
        return _show(visit, wrong(filled, "They hold this view already", "view"))
    end = datetime.combine(until, time(), UTC) if until else None
    try:
        people_actions.grant_role(visit.store, visit.by, person, view, visit.now, visit.shell.random, valid_until=end)
    except Invalid as error:
        return _show(visit, wrong(filled, str(error), "until" if until else "view"))
    return Redirect(to=f"{VIEWS}?done=granted")


def take(visit: Visit, sent: Sent) -> Answer:
    """Take a view away: the next page opened in it is refused."""
    filled = read(_take(visit, _people(visit)), sent)
    if filled.problems:
        return _show(visit, taking=filled)
    try:
        people_actions.revoke_role(visit.store, visit.by, filled.one("grant"), visit.now)
    except Missing as error:
        return _show(visit, taking=wrong(filled, str(error)))
    return Redirect(to=f"{VIEWS}?done=revoked")


PAGES = (
    Page(path=VIEWS, who=MANAGERS, show=show, do=give, part=PART),
    Page(path=f"{VIEWS}/take", who=MANAGERS, do=take, part=PART),
)
