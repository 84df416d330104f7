"""``samechild feed``: which councils send their records here, under which agreement, by whoever sits at the machine.

A feed is opened for a council that is known here by its number, under an agreement that is written already; nothing is
taken before every party has signed. Each step stands in the ledger.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from samechild.cli.acting import home_option, now_utc, opened
from samechild.errors import Invalid, Missing

if TYPE_CHECKING:
    from samechild.policy.people.organisations import Organisation
    from samechild.storage import Store

authority_option = click.option(
    "--authority", required=True, metavar="NUMBER", help="Number of the council, such as 845; the URN of a school."
)
sandbox_option = click.option("--sandbox", is_flag=True, help="Its sandbox, for trying out with made-up children.")


@click.group("feed")
def feed() -> None:
    """Open, close and list the feeds by which councils send their records every day."""


@feed.command("open")
@authority_option
@sandbox_option
@click.option("--agreement", required=True, metavar="ID", help="The data sharing agreement, as its page names it.")
@click.option("--months", type=click.IntRange(1, 120), default=24, show_default=True, help="Length of the history.")
@click.option("--section", "sections", multiple=True, help="A section that may be sent; several times [default: all].")
@click.option(
    "--long-ids/--no-long-ids",
    default=None,
    help="Children's ids of up to 36 characters with _ and -, as before specification 1.0.1 [default: as it is; no].",
)
@home_option
def open_one(
    authority: str,
    sandbox: bool,
    agreement: str,
    months: int,
    sections: tuple[str, ...],
    long_ids: bool | None,
    home: Path | None,
) -> None:
    """Open a council's feed, or a school's for its attendance register, or change the terms of an open one.

    \b
    Examples:
      samechild feed open --authority 845 --agreement 3f0c9a7d21b84e65
      samechild feed open --authority 845 --agreement 3f0c9a7d21b84e65 --long-ids
      samechild feed open --authority 136001 --agreement 3f0c9a7d21b84e65
    """
    from samechild.collection.beyond import CATEGORIES
    from samechild.collection.feeds import change_feed, feed_name, feeds_of, open_feed
    from samechild.collection.records import ATTENDANCE, Feed
    from samechild.policy.people.actions import operator
    from samechild.policy.people.organisations import SANDBOX

    with opened(home) as (store, _):
        now, council = now_utc(), council_of_number(store, authority)
        name = feed_name(authority, sandbox=sandbox)
        owner = council.organisation + (SANDBOX if sandbox else "")
        before = next((each for each in feeds_of(store, [owner], registers=True) if each.feed == name), None)
        wanted = Feed(
            feed=name,
            authority=authority,
            owner=owner,
            agreement=agreement,
            categories=(ATTENDANCE,) if _is_school(authority) else tuple(dict.fromkeys(sections)) or CATEGORIES,
            months=months,
            long_ids=long_ids if long_ids is not None else before is not None and before.long_ids,
            opened_at=now,
        )
        there = before is not None and before.closed_at is None
        (change_feed if there else open_feed)(store, operator(), wanted, now)
    click.echo(f"Feed {name} of {council.name} {'has new terms' if there else 'is open'}. Now who may send:")
    click.echo(f"  samechild client add --authority {authority} --supplier NAME{' --sandbox' if sandbox else ''}")


@feed.command("close")
@authority_option
@sandbox_option
@home_option
def close_one(authority: str, sandbox: bool, home: Path | None) -> None:
    """Close a council's feed: nothing is taken for it from now on; what was received stays."""
    from samechild.collection.feeds import close_feed, feed_name
    from samechild.policy.people.actions import operator

    with opened(home) as (store, _):
        close_feed(store, operator(), feed_name(authority, sandbox=sandbox), now_utc())
    click.echo("Closed.")


@feed.command("list")
@home_option
def list_feeds(home: Path | None) -> None:
    """List the feeds, and whether something may be sent now."""
    from samechild.collection.feeds import agreed, feed_of, feeds_of
    from samechild.errors import Refused
    from samechild.policy.shown import organisations

    with opened(home) as (store, _):
        now = now_utc()
        names = {each.organisation: each.name for each in organisations(store)}
        found = feeds_of(store, registers=True)
        for each in found:
            try:
                agreement = agreed(store, feed_of(store, each.authority, each.sandbox, now), now)
                state = f"open, agreement {agreement.agreement}/{agreement.version}"
            except Refused as error:
                state = str(error)
            older = ", long ids" if each.long_ids else ""
            click.echo(f"{each.feed:<12} {names.get(each.owner, each.owner)}: {state}{older}")
    if not found:
        click.echo("No council sends here yet: open a feed with `samechild feed open`.")


def _is_school(number: str) -> bool:
    """Whether a number is a school's URN and not a council's."""
    return len(number) == 6


def council_of_number(store: Store, authority: str) -> Organisation:
    """The council known here by a three-digit number, or the school known by its URN.

    Raises:
        Missing: when there is none. Invalid: when several are.
    """
    from samechild.policy.shown import organisations

    code = "urn" if _is_school(authority) else "la-code"
    found = [each for each in organisations(store) if each.codes.get(code) == authority]
    if not found:
        whose = "school" if _is_school(authority) else "council"
        raise Missing(f"No {whose} here has that number: give it one with `samechild people set-code`.")
    if len(found) > 1:
        raise Invalid("Several organisations have that number: mend that first.")
    return found[0]
