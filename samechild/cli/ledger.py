"""``samechild ledger``: give the ledger to others, check it, and prove single entries.

What is exported holds codes, opaque ids and keyed references, no names. Checking never changes anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from samechild.cli.progress import progress
from samechild.errors import EXIT_FOUND_PROBLEMS, Invalid, Refused, Unavailable
from samechild.storage import Store


@click.group("ledger")
def ledger() -> None:
    """Export, check and prove the ledger of decisions and disclosures."""


_home = click.option(
    "--home", type=click.Path(path_type=Path), help="Folder of the installation [default: SAMECHILD_HOME]."
)


@ledger.command("head")
@_home
def show_head(home: Path | None) -> None:
    """Show how large the ledger is and its root, and its public key: note both down, away from this machine.

    Whoever checks an export later needs them.
    """
    from samechild.policy.ledger import head
    from samechild.policy.ledger.checkpoint import in_text

    with _opened(home) as store:
        click.echo(f"head {head(store).text}")
        click.echo(f"key  {in_text(store.keys.signer().public)}")


@ledger.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Write over an earlier export.")
@_home
def export_ledger(file: Path, force: bool, home: Path | None) -> None:
    """Write the whole ledger into FILE, and beside it verify_ledger.py, which anyone can check it with.

    \b
    Example:
      samechild ledger export ledger.ndjson
      python verify_ledger.py ledger.ndjson --key KEY --head HEAD
    """
    from samechild.policy.ledger import export
    from samechild.policy.ledger.checkpoint import in_text
    from samechild.policy.ledger.export import VERIFIER

    with _opened(home) as store, progress() as say:
        last = export(store, file, say, force)
        key = in_text(store.keys.signer().public)
    click.echo(f"{last.size:,} entries are in {file}. Others check it with Python alone:")
    click.echo(f"  python {file.with_name(VERIFIER)} {file} --key {key} --head {last.head}")


@ledger.command("verify")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--key", help="Public key that signed FILE, or a file with it [default: this installation's].")
@click.option("--head", help="SIZE:ROOT noted earlier, or a file with it or a signed checkpoint.")
@_home
@click.pass_context
def verify_ledger(
    context: click.Context, file: Path | None, key: str | None, head: str | None, home: Path | None
) -> None:
    """Check that the ledger is whole: this installation's and its witness, or an exported one in FILE.

    Ends with exit code 1 when it is not, and names the first broken entry.
    """
    from samechild.policy.ledger.check import Problem, verify, verify_copy, verify_file

    if (key or head) and not (key and file):
        raise Invalid("Checking with --key or --head is for an exported FILE, and --head needs --key beside it.")
    problems: list[Problem]
    if file and key:
        problems = verify_file(file, [_key(key)], _head(head))
    else:
        with _opened(home) as store, progress() as say:
            problems = verify_copy(store, file) if file else verify(store, say)
    for problem in problems:
        place = "" if problem.entry is None else f"entry {problem.entry}: "
        click.echo(f"{place}{problem.words}")
    click.echo("The ledger is not whole." if problems else "The ledger is whole.")
    if problems:
        context.exit(EXIT_FOUND_PROBLEMS)


@ledger.command("prove")
@click.argument("entry", type=click.IntRange(min=0))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="The file to write [default: the screen].")
@_home
def prove_entry(entry: int, out: Path | None, home: Path | None) -> None:
    """Prove that the entry numbered ENTRY stands in the ledger, to somebody who sees no other entry.

    \b
    Example:
      samechild ledger prove 128 --out proof.json
      python verify_ledger.py proof.json --key KEY
    """
    from samechild.policy.ledger import prove
    from samechild.policy.ledger.proofs import proof_file

    with _opened(home) as store:
        written = proof_file(prove(store, entry))
    if out is None:
        click.echo(written.decode(), nl=False)
        return
    try:
        with out.open("xb") as file:
            file.write(written)
    except FileExistsError:
        raise Refused(f"{out} is there already: name another file with --out.") from None
    except OSError:
        raise Unavailable(f"{out} cannot be written: is the folder there, and is there room?") from None
    click.echo(f"The proof of entry {entry} is in {out}.")


@ledger.command("accept")
@click.option("--by", required=True, help="User id of the officer who accepts it; it is written into the ledger.")
@_home
def accept_ledger(by: str, home: Path | None) -> None:
    """Accept the ledger as it stands, after a backup was restored, its witness was lost or a clock was put right.

    Nothing is disclosed until somebody does. What was lost stays lost; the ledger and its witness say who accepted it.
    """
    from samechild.policy.ledger import accept

    with _opened(home) as store:
        number = accept(store, by, datetime.now(UTC))
    click.echo(f"Accepted: entry {number} of the ledger says so.")


@contextmanager
def _opened(home: Path | None) -> Iterator[Store]:
    from samechild.cli.tables import all_tables
    from samechild.settings import settings_of
    from samechild.storage import open_store

    settings = settings_of(home)
    store = open_store(settings, all_tables(), os.urandom)
    try:
        yield store
    finally:
        store.close()


def _key(word: str) -> bytes:
    from samechild.policy.ledger.standalone import Unusable, read_key

    try:
        return read_key(word)
    except Unusable as error:
        raise Invalid(f"This cannot be used: {error}.") from None


def _head(word: str | None) -> tuple[int, bytes] | None:
    from samechild.policy.ledger.standalone import Unusable, read_head

    try:
        return read_head(word) if word else None
    except Unusable as error:
        raise Invalid(f"This cannot be used: {error}.") from None
