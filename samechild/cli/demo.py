"""``samechild demo``: everything at once on a made-up town, shown at an address of this machine only.

It makes and links a town, then an installation of the gate with a few weeks of history, and serves its pages with
made-up people to pick.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from samechild.cli.pages import first_page
from samechild.cli.progress import Say, part, progress

if TYPE_CHECKING:
    from samechild.cli.demo_world import World
    from samechild.linkage.evaluation import Evaluation

_PORTS_TRIED = 50
_HERE = "127.0.0.1"


TRY = "Pick a person; try Gwen Ellis to see who looked at a child, Ada Quill to see what a council mends by morning"
GATE = "home"
"""The folder of the installation, within the demonstration's; the ledger's witness is beside it."""


@click.command()
@click.option("--children", default=10_000, show_default=True, help="How many children live in the town.")
@click.option("--authorities", default=2, show_default=True, help="How many councils.")
@click.option("--seed", default=1, show_default=True, help="Another number gives another town.")
@click.option("--port", default=8000, show_default=True, help="The port to show it at; the next free one if taken.")
@click.option("--build-only", type=click.Path(path_type=Path), metavar="DIR", help="Make it in DIR, and stop there.")
@click.option("--force", is_flag=True, help="Replace an earlier demonstration in DIR.")
def demo(children: int, authorities: int, seed: int, port: int, build_only: Path | None, force: bool) -> None:
    """Make a town, link its agencies' files, and open the pages that guard sharing, with made-up people to pick.

    Organisations, agreements and a few weeks of history are made too. It is shown on this machine alone, needs no
    password, and is never for real records. Ctrl-C ends it; without --build-only everything is removed at the end.

    \b
    Example:
      samechild demo --children 3000 --port 8080
    """
    if build_only is not None:
        lines = _built(build_only, children, authorities, seed, force)
        _say_all([*lines, f"Open {build_only / 'index.html'}; the installation is in {build_only / GATE}"])
        return
    with (
        tempfile.TemporaryDirectory(prefix="samechild-demo-", ignore_cleanup_errors=True) as place,
        listening(port) as listener,  # first, so that a port that cannot be had is told at once
    ):
        folder, shown = Path(place) / "demo", Path(place) / "shown"
        try:
            _say_all(_built(folder, children, authorities, seed, False))
            set_out(folder, shown)
            _show(folder / GATE, shown, listener)
        except KeyboardInterrupt:
            click.echo("\nEnded.", err=True)


def _show(home: Path, pages: Path, listener: socket.socket) -> None:
    """Serve the installation with people to pick, and the pages about the town, until Ctrl-C."""
    from samechild.cli.serve import demonstrate

    address = f"http://{_HERE}:{listener.getsockname()[1]}/"
    told = f"\nShown at {address}   (Ctrl-C ends it and removes what it made)\n{TRY}."
    demonstrate(home, pages, listener, ready=lambda: click.echo(told))


def set_out(folder: Path, pages: Path) -> None:
    """Put what the first page leads to, and nothing else, into a folder that anybody at this machine may be shown.

    The folder of the installation beside it holds the root key, and is never shown.
    """
    for name in ("index.html", *(to for to, _, _ in _LINKS)):
        place = pages / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, place)
    first = (folder / "index.html").read_text(encoding="utf-8").replace("</main>", f"{_BACK}</main>")
    (pages / "index.html").write_text(first, encoding="utf-8", newline="\n")


def _say_all(lines: list[str]) -> None:
    for line in lines:
        click.echo(line)


def _built(folder: Path, children: int, authorities: int, seed: int, force: bool) -> list[str]:
    """Make the whole demonstration in a folder, with progress; returns what to say of it."""
    from samechild.files.folder import OutputFolder

    with progress() as say, OutputFolder(folder, force) as work:
        return build(work, children, authorities, seed, say)


def build(work: Path, children: int, authorities: int, seed: int, say: Say) -> list[str]:
    """Make the town, link it, evaluate it, make the installation, and write the pages; returns what was found."""
    lines = build_town(work, children, authorities, seed, part(say, 0.0, 0.7))
    world = build_gate(work / GATE, work / "linked", children, authorities, seed, part(say, 0.7, 1.0))
    lines.append(
        f"{world.records:,} records of {world.children:,} of the children are kept under seal by four organisations; "
        f"a ledger of {world.entries:,} entries says who looked at what, and why."
    )
    lines.append(
        f"Three councils sent {world.collected:,} children by three routes for a week; pages show what is wrong."
    )
    (work / "index.html").write_text(first_page(lines, _LINKS, world.record_key), encoding="utf-8", newline="\n")
    return [*lines, f"Many asked about the record with the key {world.record_key}"]


def build_gate(home: Path, linked: Path, children: int, authorities: int, seed: int, say: Say) -> World:
    """Make the installation: people, agreements, children's records and a few weeks of history."""
    from samechild.cli.demo_children import identities
    from samechild.cli.demo_world import make_world
    from samechild.settings import Settings

    say("Choosing children of the town", 0.0)
    known = identities(children, authorities, seed)
    return make_world(Settings(home=home), known, linked, seed, datetime.now(UTC), os.urandom, say)


def build_town(work: Path, children: int, authorities: int, seed: int, say: Say) -> list[str]:
    """Make the town, link it and evaluate it; returns what was found, in words."""
    from samechild.cli.evaluate import evaluated
    from samechild.cli.link import in_words, link_into
    from samechild.cli.pages import evaluation_page
    from samechild.linkage.evaluation import tables
    from samechild.linkage.request import Request
    from samechild.town.actions import write_town

    town, linked_folder = work / "town", work / "linked"
    making = part(say, 0.0, 0.25)
    written = write_town(
        town, children, authorities, seed, started=datetime.now(UTC),
        progress=lambda made, of: making("Making the town", made / of),
    )  # fmt: skip
    truth = town / "truth"
    files = tuple(str(town / path.name) for path in written.files if path.parent.name != "truth")
    request = Request(files=files, never_link=truth / "never_link.csv", superseded=truth / "superseded.csv")
    linked, _ = link_into(linked_folder, request, part(say, 0.25, 0.9))
    say("Comparing with the truth", 0.9)
    evaluation = evaluated(linked_folder, truth / "truth.csv")
    (work / "evaluation.html").write_text(evaluation_page(tables(evaluation)), encoding="utf-8", newline="\n")
    found = in_words(linked, Path("linked"), None, excel=True, report=True)[:-1]
    lines = [
        f"A town of {written.children:,} children and the {len(files)} files its agencies keep about them.",
        *found,
    ]
    return [*lines, *_against_truth(evaluation)]


_BACK = '<p><a href="/sign-in">Pick a person and sign in</a></p>'

_LINKS = (
    ("linked/report.html", "The report", "how many were linked, how surely, for whom less surely"),
    ("evaluation.html", "The evaluation", "how good it really was, for the truth about the town is known"),
    ("linked/children.csv", "children.csv", "every record and the child it belongs to"),
    ("linked/children.xlsx", "children.xlsx", "every child, with the record ids of each source"),
    ("linked/review.xlsx", "review.xlsx", "the pairs a person is asked about, worst first"),
    ("linked/problems.csv", "problems.csv", "rows and values that could not be used"),
)


def _against_truth(evaluation: Evaluation) -> list[str]:
    """Say in two sentences how good it was."""
    within, merged, joined = evaluation.clusters.within, evaluation.twins.merged, evaluation.adoptions.joined
    return [
        f"Against the truth: of the pairs of records put together {_share(within.precision)} are right, and of all "
        f"that belong together {_share(within.recall)} were found.",
        f"Twin or triplet sets wrongly made one child: {merged.found:,} of {merged.of:,}. Adopted children whose two "
        f"identities were joined: {joined.found:,} of {joined.of:,}.",
    ]


def _share(value: float | None) -> str:
    """Write a share as a percentage that is never rounded up to all."""
    if value is None:
        return "none"
    return f"{min(value * 100, 99.99) if value < 1 else 100:.2f}%"


@contextmanager
def listening(port: int) -> Iterator[socket.socket]:
    """Take the port asked for at this machine's own address, or the next free one; 0 takes any.

    Raises:
        Unavailable: when no port is free.
    """
    from samechild.errors import Unavailable

    for number in [0] if port == 0 else range(port, min(port + _PORTS_TRIED, 65_536)):
        try:
            listener = socket.create_server((_HERE, number), backlog=256)
        except (OSError, OverflowError):
            continue
        with listener:
            yield listener
        return
    raise Unavailable(f"No port from {port} on is free: name another with --port.")
