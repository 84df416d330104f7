"""Pages declared as values - where, for whom, what they show and do - and the one place that serves them.

Signing in, the role, the form's token and the pace are checked here for every page, before any page function runs.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from samechild.errors import Refused
from samechild.policy.roles import roles
from samechild.web.blocks import Answer
from samechild.web.visits import Visit

Sent = dict[str, list[str]]
Show = Callable[[Visit], Answer]
Do = Callable[[Visit, Sent], Answer]

ANYBODY: frozenset[str] | None = None
EVERYBODY = frozenset(roles())
"""Everybody who is signed in, whatever their role."""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page: ``who`` names the roles that may open it; None means anybody, signed in or not.

    ``show`` answers a visit, ``do`` a form that was sent. ``part`` is the link of the menu it belongs to;
    ``before_role`` lets in somebody signed in who has not chosen a role yet. ``guessed`` names the field by which an
    account is named where somebody might guess its password: the form is then taken at a stricter pace. ``files`` is
    how many bytes a form with a file may bring; without it no file is taken.
    """

    path: str
    who: frozenset[str] | None
    show: Show | None = None
    do: Do | None = None
    part: str = ""
    before_role: bool = False
    guessed: str = ""
    files: int = 0


def check_role(page: Page, role: str) -> None:
    """Let a signed-in person in, or refuse with who may and how to become one of them.

    Raises:
        Refused: when the page is for other roles.
    """
    if page.who is None or role in page.who:
        return
    titles = [roles()[name].title for name in sorted(page.who)]
    raise Refused(
        "Your role does not include this page. It is for: " + "; ".join(titles) + ". "
        "Your organisation's access manager gives roles."
    )
