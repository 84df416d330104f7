"""``samechild keys``: which keys an installation has, and changing them.

No key is ever shown. What is listed are names, versions, dates and the fingerprint of the root key they need.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from samechild.errors import Invalid
from samechild.settings import settings_of
from samechild.storage import Store

WHO = "operator"
"""Who the ledger says changed keys from the command line: whoever may read the root key."""


class _Line(msgspec.Struct, frozen=True):
    """One key as it is listed."""

    purpose: str
    version: int
    state: str
    made: str
    root: str
    public: str


@click.group("keys")
def keys() -> None:
    """Show the keys of an installation, or change one."""


_home = click.option(
    "--home", type=click.Path(path_type=Path), help="Folder of the installation [default: SAMECHILD_HOME]."
)


@keys.command("list")
@_home
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_keys(home: Path | None, form: str) -> None:
    """Show every key: what it is for, its version, and whether it is in use."""
    with _opened(home) as store:
        lines = [
            _Line(line.purpose, line.version, line.state.value, f"{line.made_at:%Y-%m-%d}", line.root, _id(line.public))
            for line in store.keys.lines
        ]
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(lines), indent=2).decode())
        return
    width = max(len(line.purpose) for line in lines)
    click.echo(f"{'for':<{width}}  version  state    made        root key")
    for line in lines:
        known_by = f"  signs as {line.public}" if line.public else ""
        shown = f"{line.purpose:<{width}}  {line.version:>7}  {line.state:<7}  {line.made}  {line.root}{known_by}"
        click.echo(shown)


@keys.command("rotate")
@click.argument("purpose")
@_home
@click.option("--to", "to", metavar="WHERE", help="For the root key: file:PATH, env:NAME or command:WORDS of the new.")
def rotate_key(purpose: str, home: Path | None, to: str | None) -> None:
    """Change the key of PURPOSE (see `samechild keys list`), or with PURPOSE `root` the root key.

    Everything stays readable all the way through. Run the same command again if it was interrupted.
    """
    if purpose == "root":
        _rotate_root(home, to)
        return
    if to is not None:
        raise Invalid(
            "Only the root key is kept somewhere else: leave --to out, or write `samechild keys rotate root`."
        )
    from samechild.cli.progress import progress
    from samechild.policy.rotation import rotate

    with _opened(home) as store, progress() as say:
        say("wrapping children's keys anew", 0.0)
        done = rotate(store, purpose, WHO, datetime.now(UTC), os.urandom)
    begun = "An interrupted rotation was finished" if done.resumed else "Done"
    click.echo(f"{begun}: the {done.purpose} key is at version {done.version}.")
    click.echo(f"Wrapped anew: {done.rewrapped:,}. Destroyed: {len(done.retired)} former version(s).")


def _rotate_root(home: Path | None, to: str | None) -> None:
    from samechild.keys.root import fingerprint, root_key
    from samechild.policy.rotation import rotate_root

    if not to:
        raise Invalid("Say where the new root key is, or is to be made: --to file:PATH (or env:NAME, command:WORDS).")
    settings = settings_of(home)
    with _opened(home) as store:  # first, so that no key is made for an installation that does not open
        made = _make_if_new(to)
        new = root_key(to, settings.home)
        changed = rotate_root(store, new, WHO, datetime.now(UTC), os.urandom)
    click.echo(f"{'A new root key was made. ' if made else ''}The keys now need the root key {fingerprint(new)}.")
    if changed:
        click.echo(
            f'Now write  root_key = "{to}"  into {settings.home / "samechild.toml"}, keep a copy of the key elsewhere, '
            "start running programs again, and destroy the old key once no backup needs it."
        )


def _make_if_new(to: str) -> bool:
    from samechild.keys.root import make_root_key

    kind, _, path = to.partition(":")
    if kind != "file" or not path or Path(path).expanduser().exists():
        return False
    make_root_key(Path(path).expanduser(), os.urandom)
    return True


def _id(public: bytes) -> str:
    from samechild.keys.register import key_id_of

    return key_id_of(public) if public else ""


@contextmanager
def _opened(home: Path | None) -> Iterator[Store]:
    from samechild.cli.tables import all_tables
    from samechild.storage import open_store

    store = open_store(settings_of(home), all_tables())
    try:
        yield store
    finally:
        store.close()
