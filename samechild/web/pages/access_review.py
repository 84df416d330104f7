"""Access review: every role of one's own organisation, what was not looked at for ninety days first.

A role that nobody uses or remembers is how people see what they should not. Each is confirmed here, or taken away on
the page of whoever holds it. Multi-agency teams are kept here too: each member is added by their own employer.
"""

from __future__ import annotations

from samechild.errors import Invalid
from samechild.policy.people.access_review import access_review, confirm_review
from samechild.policy.people.rules import Reviewed
from samechild.policy.roles import roles
from samechild.web.blocks import Answer, Block, Link, Questions, Redirect, Sheet, Table, Tag, Words, day
from samechild.web.forms import Choice, Field, Filled, Form, blank, read, wrong
from samechild.web.menu import MANAGERS
from samechild.web.routes import Page, Sent
from samechild.web.visits import Visit

PART = "/access-review"


def _form(visit: Visit, found: list[Reviewed]) -> Form:
    others = [each for each in found if each.grant.holder != visit.by.user]
    return Form(
        button="Confirm the roles ticked",
        fields=(
            Field(
                name="keep",
                label="Which roles are still needed?",
                kind="many",
                hint="Take away a role that is not needed on the page of whoever holds it.",
                choices=tuple(
                    Choice(each.grant.grant_id, f"{each.name}: {roles()[each.grant.role].title}", _used(each))
                    for each in others
                ),
            ),
        ),
    )


def _used(each: Reviewed) -> str:
    return f"Last used on {day(each.last_used)}." if each.last_used else "Never used."


def show(visit: Visit) -> Answer:
    """The roles to look at."""
    found = access_review(visit.store, visit.by, visit.by.organisation, visit.now)
    return _show(found, blank(_form(visit, found)))


def _show(found: list[Reviewed], filled: Filled) -> Sheet:
    rows = tuple(
        (
            Link(each.name, f"/people/{each.grant.holder}"),
            roles()[each.grant.role].title,
            day(each.grant.valid_from),
            day(each.last_used) or "Never",
            day(each.last_reviewed) or "Never",
            Tag("due", "red") if each.due else Tag("not due", "green"),
        )
        for each in found
    )
    head = ("Name", "Role", "Since", "Last used", "Last looked at", "Review")
    blocks: list[Block] = [
        Words("Each role is looked at every ninety days. Nobody confirms a role of their own."),
        Table("Roles held in your organisation", head, rows),
    ]
    if filled.form.fields[0].choices:
        blocks.append(Questions(filled, PART))
    return Sheet(title="Access review", blocks=tuple(blocks), wide=True, status=400 if filled.problems else 200)


def confirm(visit: Visit, sent: Sent) -> Answer:
    """Confirm the roles ticked."""
    own = visit.by.organisation
    found = access_review(visit.store, visit.by, own, visit.now)
    filled = read(_form(visit, found), sent)
    if filled.problems:
        return _show(found, filled)
    try:
        confirm_review(visit.store, visit.by, own, filled.many("keep"), visit.now, visit.shell.random)
    except Invalid as error:
        return _show(found, wrong(filled, str(error)))
    return Redirect(to="/access-review?done=confirmed")


PAGES = (Page(path="/access-review", who=MANAGERS, show=show, do=confirm, part=PART),)
