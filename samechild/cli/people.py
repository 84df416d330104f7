"""``samechild people``: the first steps of an installation, by whoever sits at the machine itself.

An organisation is added here, and its first access manager invited; everybody else is then added on the pages, by the
access manager of their own organisation. Each step stands in the ledger. No list shows a person's name or a secret.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from samechild.errors import Invalid, Missing
from samechild.settings import Settings, settings_of

if TYPE_CHECKING:
    from samechild.policy.people.organisations import Organisation
    from samechild.policy.people.rules import Grant
    from samechild.storage import Store


@click.group("people")
def people() -> None:
    """Add organisations, invite their first access managers, and list who has roles."""


_home = click.option(
    "--home", type=click.Path(path_type=Path), help="Folder of the installation [default: SAMECHILD_HOME]."
)


@people.command("add-organisation")
@click.option("--kind", required=True, help="Its kind, such as local-authority, academy, nhs-trust, police-force.")
@click.option("--name", required=True, help="Its name, as people know it.")
@click.option("--code", "codes", multiple=True, metavar="KIND=NUMBER", help="A number it is known by: la-code=845.")
@_home
def add_organisation(kind: str, name: str, codes: tuple[str, ...], home: Path | None) -> None:
    """Add an organisation; the first one added runs the installation.

    \b
    Example:
      samechild people add-organisation --kind local-authority --name "Fernshire Council"
    """
    from samechild.policy.people import actions
    from samechild.policy.people.organisations import kinds

    if kind not in kinds():
        raise Invalid(f"There is no such kind of organisation. The kinds are: {', '.join(sorted(kinds()))}.")
    settings = settings_of(home)
    with _opened(settings) as store:
        now = datetime.now(UTC)
        if any(each.name.casefold() == name.strip().casefold() for each in _organisations(store)):
            raise Invalid("There is an organisation of that name already: look at `samechild people list`.")
        made = actions.add_organisation(
            store, actions.operator(), kind=kind, name=name, now=now, random=os.urandom, codes=_codes(codes)
        )
    click.echo(f"Added, with the id {made}. Now invite its first access manager:")
    click.echo(f"  samechild people first-access {made} --name NAME --email ADDRESS")


@people.command("set-code")
@click.argument("organisation")
@click.argument("codes", nargs=-1, required=True, metavar="KIND=NUMBER...")
@_home
def set_code(organisation: str, codes: tuple[str, ...], home: Path | None) -> None:
    """Enter numbers by which ORGANISATION (its id, or its name) is known.

    \b
    Example:
      samechild people set-code "Fernshire Council" la-code=845
    """
    from samechild.policy.people import actions

    with _opened(settings_of(home), made=True) as store:
        found, now = _named(store, organisation), datetime.now(UTC)
        actions.set_codes(store, actions.operator(), found.organisation, _codes(codes), now)
    click.echo("Entered.")


def _codes(given: tuple[str, ...]) -> dict[str, str]:
    """Numbers by kind, as written on the command line.

    Raises:
        Invalid: when one is not written as KIND=NUMBER.
    """
    parted = [each.partition("=") for each in given]
    if not all(kind and equals and number for kind, equals, number in parted):
        raise Invalid("Write a number with its kind, such as la-code=845.")
    return {kind.strip(): number.strip() for kind, _, number in parted}


@people.command("first-access")
@click.argument("organisation")
@click.option("--name", required=True, help="Name of the person who will give and take roles there.")
@click.option("--email", required=True, help="Their e-mail address at work; they sign in with it.")
@_home
def first_access(organisation: str, name: str, email: str, home: Path | None) -> None:
    """Invite the first access manager of ORGANISATION (its id, or its name), and show the invitation once.

    Nothing is sent: hand both lines over in person or by telephone. An invitation that ran out is made again by asking
    again with the same address; once they have an account, they invite everybody else themselves.

    \b
    Example:
      samechild people first-access "Fernshire Council" --name "Tom Bright" --email tom@fernshire.example
    """
    from samechild.policy.people import actions
    from samechild.policy.sign_in.rules import rules_of

    settings = settings_of(home)
    with _opened(settings, made=True) as store:
        found, rules, now = _named(store, organisation), rules_of(settings), datetime.now(UTC)
        by, before = actions.operator(), _without_account(store, found, email, now)
        if before:
            token = actions.invite(store, by, before, now, os.urandom, rules)
        else:
            token = actions.begin_access(store, by, found.organisation, name, email, now, os.urandom, rules)
    address = (settings.public_url or f"http://{settings.address}").rstrip("/")
    hours = round(rules.invitation.total_seconds() / 3600)
    click.echo(f"Where to open it:  {address}/invitation")
    click.echo(f"Invitation code:   {token}")
    click.echo(f"It works once, within {hours} hours, and is not shown again. Then comes a password of theirs.")


@people.command("list")
@_home
def list_organisations(home: Path | None) -> None:
    """List the organisations, and how many people hold which role in each; no person is named."""
    from samechild.policy.people.organisations import is_active, kinds
    from samechild.policy.people.rules import ACCESS_MANAGER
    from samechild.policy.roles import roles

    with _opened(settings_of(home), made=True) as store:
        now = datetime.now(UTC)
        present = _organisations(store)
        held = {each.organisation: _held(store, each.organisation, now) for each in present}
    if not present:
        click.echo("There is no organisation yet: add one with `samechild people add-organisation`.")
    for each in present:
        marks = ", runs this installation" if each.host else ""
        marks += "" if is_active(each, now) else ", not active"
        click.echo(f"{each.name}  ({kinds()[each.kind].title}{marks})")
        click.echo(f"  id {each.organisation}")
        counted = Counter(grant.role for grant in held[each.organisation])
        for role, holders in sorted(counted.items()):
            click.echo(f"  {holders:>4}  {roles()[role].title if role in roles() else role}")
        if ACCESS_MANAGER not in counted:
            click.echo("        no access manager: samechild people first-access")


def _organisations(store: Store) -> list[Organisation]:
    from samechild.policy.people.store import all_organisations
    from samechild.storage import Login

    with store.read(Login.GATE) as gate:
        return sorted(all_organisations(gate), key=lambda each: (not each.host, each.name))


def _held(store: Store, organisation: str, now: datetime) -> list[Grant]:
    """The roles that are held in an organisation now."""
    from samechild.policy.people.rules import holds
    from samechild.policy.people.store import grants_in
    from samechild.storage import Login

    with store.read(Login.GATE) as gate:
        return [grant for grant in grants_in(gate, organisation) if holds(grant, now)]


def _without_account(store: Store, organisation: Organisation, email: str, now: datetime) -> str:
    """The access manager of an organisation who was invited under an address and has not made an account; or nobody."""
    from samechild.policy.people.rules import ACCESS_MANAGER
    from samechild.policy.people.store import users_with
    from samechild.policy.sign_in import store as signed
    from samechild.policy.sign_in.accounts import EMAIL, normal_email
    from samechild.storage import Login

    managers = {grant.holder for grant in _held(store, organisation.organisation, now) if grant.role == ACCESS_MANAGER}
    with store.read(Login.GATE) as gate:
        known = {each.user_id for each in users_with(gate, store.keys.tokens(EMAIL, normal_email(email)))} & managers
        return next((user for user in known if signed.one(gate, signed.accounts, user) is None), "")


def _named(store: Store, word: str) -> Organisation:
    """The organisation with this id or this name.

    Raises:
        Missing: when there is none.
        Invalid: when several have that name.
    """
    found = [each for each in _organisations(store) if word == each.organisation]
    found = found or [each for each in _organisations(store) if each.name.casefold() == word.strip().casefold()]
    if not found:
        raise Missing("There is no such organisation: `samechild people list` shows them with their ids.")
    if len(found) > 1:
        raise Invalid("Several organisations have that name: give the id that `samechild people list` shows.")
    return found[0]


@contextmanager
def _opened(settings: Settings, *, made: bool = False) -> Iterator[Store]:
    """Open the installation; ``made``: only one that is there already, so that a mistyped folder is noticed."""
    from samechild.cli.tables import all_tables
    from samechild.storage import open_store, opening

    if made and not opening.on_server(settings) and opening.first_use(settings.home):
        raise Missing(f"There is no installation in {settings.home}: give its folder with --home.")
    store = open_store(settings, all_tables(), os.urandom)
    try:
        yield store
    finally:
        store.close()
