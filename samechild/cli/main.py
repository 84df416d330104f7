"""``samechild``: the command line as a whole, and the one place where errors become messages and exit codes.

Whatever goes wrong, a person sees one sentence that says what to do next; a mistake of ours shows a reference and no
detail, because details may hold what a child's record says.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from glob import glob
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from samechild.cli.check import check
from samechild.cli.client import client
from samechild.cli.collection_export import extract
from samechild.cli.conformance import conformance
from samechild.cli.db import db
from samechild.cli.demo import demo
from samechild.cli.evaluate import evaluate
from samechild.cli.explain import explain
from samechild.cli.export import export
from samechild.cli.feed import feed
from samechild.cli.governance import governance
from samechild.cli.index import index
from samechild.cli.keys import keys
from samechild.cli.ledger import ledger
from samechild.cli.link import link
from samechild.cli.people import people
from samechild.cli.postcodes import postcodes
from samechild.cli.report import report
from samechild.cli.sample import sample
from samechild.cli.serve import serve
from samechild.cli.submit import submit
from samechild.cli.synth import synth
from samechild.cli.tracing import trace
from samechild.cli.work import work
from samechild.errors import EXIT_INTERRUPTED, EXIT_OUR_BUG, Invalid, SamechildError, Unavailable

DEBUG = "--debug"


class Door(click.Group):
    """A group of commands that turns every error into one message and the exit code of its kind."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command that ``args`` asks for, then leave with its exit code."""
        given = _matching_files(sys.argv[1:]) if args is None else list(args)
        debug = DEBUG in given
        if not standalone_mode:
            return super().main(given, prog_name, complete_var, False, **extra)
        _obey_kill()
        try:
            code = super().main(_debug_first(given), prog_name or "samechild", complete_var, False, **extra)
        except BaseException as error:
            if debug and not isinstance(error, SystemExit | click.ClickException):
                click.echo("What follows may hold values of records: do not send it on.", err=True)
                traceback.print_exc()
            _leave(error)
        sys.exit(code if isinstance(code, int) else 0)


def _matching_files(words: list[str]) -> list[str]:
    """Put file names in place of patterns such as ``*.csv`` on Windows, where no shell does it."""
    if os.name != "nt":
        return words
    return [found for word in words for found in (sorted(glob(word)) if set(word) & set("*?[") else []) or [word]]


def _debug_first(given: list[str]) -> list[str]:
    """Let --debug stand anywhere in the line."""
    return [DEBUG, *(word for word in given if word != DEBUG)] if DEBUG in given else given


def _obey_kill() -> None:
    """Treat a kill as Ctrl-C, so that what was half written is removed."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _interrupted)


def _interrupted(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _leave(error: BaseException) -> NoReturn:
    """Say in one message what went wrong, and leave with the exit code of its kind."""
    if isinstance(error, SystemExit):
        raise error
    if isinstance(error, click.exceptions.Abort | KeyboardInterrupt):
        click.echo("Interrupted: nothing half-written was left.", err=True)
        sys.exit(EXIT_INTERRUPTED)
    if isinstance(error, click.ClickException):
        error.show()
        sys.exit(Invalid.exit_code)
    if isinstance(error, SamechildError):
        click.echo(f"samechild: {error}", err=True)
        sys.exit(error.exit_code)
    if isinstance(error, BrokenPipeError):
        sys.stderr.close()
        sys.exit(0)
    from samechild.files.folder import is_disk_full

    if is_disk_full(error):
        click.echo("samechild: the disk is full: make room, or write to another disk.", err=True)
        sys.exit(Unavailable.exit_code)
    if isinstance(error, MemoryError):
        click.echo("samechild: not enough memory: close other programs, or link fewer files at once.", err=True)
        sys.exit(Unavailable.exit_code)
    click.echo(
        f"samechild: a mistake in samechild itself (reference {reference(error)}). Nothing half-written was left. "
        "Please report the reference and the version; it holds nothing of your data.",
        err=True,
    )
    sys.exit(EXIT_OUR_BUG)


def reference(error: BaseException) -> str:
    """Name a mistake by the kind of error and the places in the program it came through: the same every time."""
    places = [
        f"{Path(frame.filename).stem}:{frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
        if "samechild" in Path(frame.filename).parts
    ]
    return hashlib.sha256("/".join([type(error).__name__, *places]).encode()).hexdigest()[:10]


def _show_version(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        from importlib.metadata import PackageNotFoundError, version

        try:
            click.echo(f"samechild {version('samechild')}")
        except PackageNotFoundError:
            click.echo("samechild (not installed)")
        context.exit()


@click.group(cls=Door, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show the version."
)
@click.option(
    DEBUG, is_flag=True, expose_value=False, help="Show where an error came from (may show values of records)."
)
def main() -> None:
    """Find which records of children's services are of one child, and which pairs a person must look at.

    \b
    Try it on a made-up town:   samechild demo
    Then on your own files:     samechild check FILES...
                                samechild link FILES... --out linked/
    """


for _command in (
    check, link, explain, sample, evaluate, report, synth, demo, serve, work, people, db, keys, ledger, governance,
    index, export, trace, submit, client, feed, extract, conformance, postcodes,
):  # fmt: skip
    main.add_command(_command)
