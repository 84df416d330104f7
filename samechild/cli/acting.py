"""As whom a command acts: what it does with children's records is decided by the gate for a named person or system.

Whoever sits at the machine says as whom they act; that they did so from the command line stands in the ledger before
anything else happens. No password is asked for: who may use the installation's keys could read everything anyhow, and
what counts is that it is written down.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from samechild.errors import Invalid, Missing, Refused
from samechild.settings import Settings, settings_of

if TYPE_CHECKING:
    from samechild.records.disclosure import Asker
    from samechild.storage import Store

home_option = click.option(
    "--home", type=click.Path(path_type=Path), help="Folder of the installation [default: SAMECHILD_HOME]."
)
as_option = click.option(
    "--as",
    "who",
    envvar="SAMECHILD_AS",
    required=True,
    metavar="WHO",
    help="As whom: a person's e-mail address or id, or a system's id [default: SAMECHILD_AS].",
)
space_option = click.option("--space", default="", help="A joint index space [default: the organisation's own].")

PURPOSE = "linkage-quality"


@contextmanager
def opened(home: Path | None) -> Iterator[tuple[Store, Settings]]:
    """Open an installation that is there already, so that a mistyped folder is noticed."""
    from samechild.cli.tables import all_tables
    from samechild.storage import open_store
    from samechild.storage.opening import first_use, on_server

    settings = settings_of(home)
    if not on_server(settings) and first_use(settings.home):
        raise Missing(f"{settings.home} holds no installation: name its folder with --home.")
    store = open_store(settings, all_tables())
    try:
        yield store, settings
    finally:
        store.close()


def acting(store: Store, who: str, command: str, *, role: str = "", purpose: str = PURPOSE) -> Asker:
    """The person or system that a command acts as, in a role that works for its purpose; noted in the ledger.

    Raises:
        Missing: when there is nobody such. Refused: when they hold no such role now.
        Invalid: when several people have that address.
    """
    from samechild.policy import ledger
    from samechild.policy.people.rules import holds
    from samechild.policy.people.store import grants_to
    from samechild.policy.roles import roles
    from samechild.records.disclosure import Asker
    from samechild.storage import Login

    now = datetime.now(UTC)
    user = _user(store, who)
    with store.read(Login.GATE) as gate:
        held = [grant.role for grant in grants_to(gate, user.user_id) if holds(grant, now)]
    fitting = [name for name in dict.fromkeys(held) if name == role or (not role and purpose in roles()[name].purposes)]
    if user.left_at is not None or not fitting:
        wanted = roles()[role].title if role else "a role that keeps records of the same child together"
        raise Refused(f"They do not hold, now, {wanted}: their access manager gives roles.")
    by = Asker(user=user.user_id, organisation=user.organisation, role=fitting[0], factors=2)
    body = {"command": command, "by": by.user, "organisation": by.organisation, "role": by.role}
    ledger.append(store, "command-line", body, now)
    return by


def holds_role(store: Store, who: str, role: str) -> bool:
    """Whether somebody holds a role now."""
    from samechild.policy.people.rules import holds
    from samechild.policy.people.store import grants_to
    from samechild.storage import Login

    user = _user(store, who)
    with store.read(Login.GATE) as gate:
        return any(grant.role == role and holds(grant, datetime.now(UTC)) for grant in grants_to(gate, user.user_id))


def _user(store: Store, who: str) -> Any:
    from samechild.policy.people.store import user_of, users_with
    from samechild.policy.sign_in.accounts import EMAIL, normal_email
    from samechild.storage import Login

    with store.read(Login.GATE) as gate:
        if "@" not in who:
            found = user_of(gate, who)
            known = [] if found is None else [found]
        else:
            known = users_with(gate, store.keys.tokens(EMAIL, normal_email(who)))
    if not known:
        raise Missing("There is nobody such here: give the e-mail address they sign in with, or their id.")
    if len(known) > 1:
        raise Invalid("Several people have that address: give the id instead.")
    return known[0]


def now_utc() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)
