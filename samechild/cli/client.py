"""``samechild client``: credentials for the systems that send councils' records, by whoever sits at the machine.

What is printed is the ``.env`` file that councils' clients load already; it is shown once. A council's own access
manager does the same on a page.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from samechild.cli.acting import home_option, now_utc, opened
from samechild.cli.feed import sandbox_option
from samechild.errors import Invalid, Missing

if TYPE_CHECKING:
    from datetime import datetime

    from samechild.collection.credentials import Credentials
    from samechild.collection.records import Feed
    from samechild.policy.people.organisations import Organisation
    from samechild.settings import Settings
    from samechild.storage import Store

_WAYS = {"own": "own build", "ssd": "standard safeguarding dataset", "supplier": "supplier"}


@click.group("client")
def client() -> None:
    """Make, list, rotate and end the credentials of systems that send councils' records."""


_supplier = click.option(
    "--supplier", required=True, metavar="NAME", help="Who made what sends: a company, or the council's own team."
)
_authorities = click.option(
    "--authority", "authorities", multiple=True, required=True, metavar="NUMBER", help="Council, such as 845."
)


@client.command("add")
@_authorities
@_supplier
@sandbox_option
@click.option("--way", type=click.Choice(list(_WAYS)), help="Which route it is [default: own; several: supplier].")
@home_option
def add(authorities: tuple[str, ...], supplier: str, sandbox: bool, way: str | None, home: Path | None) -> None:
    """Make credentials to send for a council, and print them as the .env file its client loads.

    With several councils they are the supplier's own: it takes part here as an organisation (system-supplier), and
    each of the councils names it.

    \b
    Examples:
      samechild client add --authority 845 --supplier "Own data team" > .env
      samechild client add --authority 845 --authority 846 --supplier "Casework Systems" > .env
    """
    from samechild.collection import credentials
    from samechild.collection.feeds import feed_of
    from samechild.collection.records import Way
    from samechild.policy.people.actions import operator

    with opened(home) as (store, settings):
        now, by = now_utc(), operator()
        feeds = [feed_of(store, each, sandbox, now) for each in dict.fromkeys(authorities)]
        if len(feeds) == 1:
            route = Way(_WAYS[way or "own"])
            made = credentials.add_client(store, by, feeds[0], supplier, route, now, os.urandom)
        else:
            if way not in (None, "supplier"):
                raise Invalid("Credentials for several councils are a supplier's.")
            whose = _supplier_called(store, supplier, now).organisation
            _name(store, whose, feeds, now)
            made = credentials.add_supplier_client(store, by, whose, now, os.urandom)
    _print(made, feeds, settings)


@client.command("name")
@_authorities
@_supplier
@sandbox_option
@click.option("--end", is_flag=True, help="Let the supplier send for the council no more.")
@home_option
def name(authorities: tuple[str, ...], supplier: str, sandbox: bool, end: bool, home: Path | None) -> None:
    """Let a supplier's own credentials send for further councils, or for some no more."""
    from samechild.collection.credentials import unname_supplier
    from samechild.collection.feeds import feed_of
    from samechild.policy.people.actions import operator

    with opened(home) as (store, _):
        now = now_utc()
        feeds = [feed_of(store, each, sandbox, now) for each in dict.fromkeys(authorities)]
        whose = _supplier_called(store, supplier, now).organisation
        if end:
            for feed in feeds:
                unname_supplier(store, operator(), feed, whose, now)
        else:
            _name(store, whose, feeds, now)
    click.echo("It may send for them no more." if end else "It may send for them.")


@client.command("list")
@home_option
def list_clients(home: Path | None) -> None:
    """List every system that sends or sent; no secret is shown, because none is kept."""
    from samechild.collection.credentials import every_client, naming

    with opened(home) as (store, _):
        now = now_utc()
        found = every_client(store)
        for each in found:
            feeds = each.feed or ", ".join(row.feed for row in naming(store, each.organisation, now)) or "nobody yet"
            over = each.valid_until is not None and each.valid_until <= now
            state = f"ended {each.valid_until:%Y-%m-%d}" if over else f"since {each.valid_from:%Y-%m-%d}"
            click.echo(f"{each.client}  {feeds}: {each.supplier}, {each.way.value}, {state}")
    if not found:
        click.echo("No system sends here yet: make credentials with `samechild client add`.")


@client.command("rotate")
@click.argument("client_id")
@home_option
def rotate(client_id: str, home: Path | None) -> None:
    """Make a new secret and supplier key for CLIENT_ID, and print its .env; the old ones work for another week."""
    from samechild.collection.credentials import managed, naming, rotate_client
    from samechild.collection.feeds import feeds_of
    from samechild.policy.people.actions import operator

    with opened(home) as (store, settings):
        now = now_utc()
        found = managed(store, operator(), client_id, now)
        names = {found.feed} if found.feed else {row.feed for row in naming(store, found.organisation, now)}
        feeds = [feed for feed in feeds_of(store) if feed.feed in names]
        if not feeds:
            raise Missing("No council names this supplier: nothing could be sent with new credentials.")
        made = rotate_client(store, operator(), client_id, now, os.urandom)
    _print(made, feeds, settings)


@client.command("end")
@click.argument("client_id")
@home_option
def end_one(client_id: str, home: Path | None) -> None:
    """End the system CLIENT_ID: secret, key and tokens hold no more, at once."""
    from samechild.collection.credentials import end_client
    from samechild.policy.people.actions import operator

    with opened(home) as (store, _):
        end_client(store, operator(), client_id, now_utc())
    click.echo("Ended.")


def _name(store: Store, supplier: str, feeds: list[Feed], now: datetime) -> None:
    """Let some councils name a supplier; who names it already, still does."""
    from samechild.collection.credentials import name_supplier, naming
    from samechild.policy.people.actions import operator

    named = {each.feed for each in naming(store, supplier, now)}
    for feed in feeds:
        if feed.feed not in named:
            name_supplier(store, operator(), feed, supplier, now, os.urandom)


def _supplier_called(store: Store, name: str, now: datetime) -> Organisation:
    """The supplier of a name, or id, that takes part here.

    Raises:
        Missing: when there is none.
    """
    from samechild.collection.credentials import suppliers

    wanted = name.strip().casefold()
    found = [each for each in suppliers(store, now) if wanted in (each.organisation, each.name.casefold())]
    if len(found) != 1:
        raise Missing("No supplier of that name takes part here: `samechild people add-organisation` adds one.")
    return found[0]


def _print(made: Credentials, feeds: list[Feed], settings: Settings) -> None:
    """Print credentials as a file to load, and say beside it what to do with it."""
    from samechild.collection.credentials import env_lines

    click.echo(env_lines(made, feeds[0], settings), nl=False)
    if len(feeds) > 1:
        click.echo(f"# LA_CODE is one of: {', '.join(feed.authority for feed in feeds)}")
    click.echo("Shown only now. Hand it over on a safe way, and delete what you do not need.", err=True)
