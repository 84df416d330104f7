"""``samechild demo``: everything at once on a made-up town, shown at an address of this machine only."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from samechild.cli.progress import Say, part, progress

if TYPE_CHECKING:
    from http.server import ThreadingHTTPServer

    from samechild.linkage.evaluation import Evaluation

_PORTS_TRIED = 50
_HERE = "127.0.0.1"


@click.command()
@click.option("--children", default=10_000, show_default=True, help="How many children live in the town.")
@click.option("--authorities", default=2, show_default=True, help="How many councils.")
@click.option("--seed", default=1, show_default=True, help="Another number gives another town.")
@click.option("--port", default=8000, show_default=True, help="The port to show it at; the next free one if taken.")
@click.option("--build-only", type=click.Path(path_type=Path), metavar="DIR", help="Make it in DIR, and stop there.")
@click.option("--force", is_flag=True, help="Replace an earlier demonstration in DIR.")
def demo(children: int, authorities: int, seed: int, port: int, build_only: Path | None, force: bool) -> None:
    """Make a town, link its agencies' files, compare with the truth, and show the report at a local address.

    Ctrl-C ends it. Without --build-only everything it made is removed at the end.

    \b
    Example:
      samechild demo --children 3000 --port 8080
    """
    if build_only is not None:
        lines = _built(build_only, children, authorities, seed, force)
        _say_all([*lines, f"Open {build_only / 'index.html'}"])
        return
    with tempfile.TemporaryDirectory(prefix="samechild-demo-", ignore_cleanup_errors=True) as place:
        folder = Path(place) / "demo"
        server = listening(folder, port)  # first, so that a port that cannot be had is told at once
        try:
            _say_all(_built(folder, children, authorities, seed, False))
            click.echo(f"\nShown at http://{_HERE}:{server.server_port}/   (Ctrl-C ends it and removes what it made)")
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("\nEnded.", err=True)
        finally:
            server.server_close()


def _say_all(lines: list[str]) -> None:
    for line in lines:
        click.echo(line)


def _built(folder: Path, children: int, authorities: int, seed: int, force: bool) -> list[str]:
    """Make the whole demonstration in a folder, with progress; returns what to say of it."""
    from samechild.files.folder import OutputFolder

    with progress() as say, OutputFolder(folder, force) as work:
        return build(work, children, authorities, seed, say)


def build(work: Path, children: int, authorities: int, seed: int, say: Say) -> list[str]:
    """Make the town, link it, evaluate it, and write the pages; returns what was found, in words."""
    from datetime import UTC, datetime

    from samechild.cli.evaluate import evaluated
    from samechild.cli.link import in_words, link_into
    from samechild.cli.pages import evaluation_page, first_page
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
    lines += _against_truth(evaluation)
    (work / "index.html").write_text(first_page(lines, _LINKS), encoding="utf-8", newline="\n")
    return lines


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


def listening(folder: Path, port: int) -> ThreadingHTTPServer:
    """Open a web server for one folder at this machine's own address, on the port asked for or the next free one.

    It lists no folders and answers only requests that name this machine. Raises Unavailable when no port is free.
    """
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    from samechild.errors import Unavailable

    class Answer(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(folder))

        def list_directory(self, path: Any) -> None:
            """Answer as if there were nothing: no folder is listed."""
            self.send_error(404)

        def send_head(self) -> Any:
            """Refuse requests that reached this address under another name."""
            name = (self.headers.get("Host") or "").rsplit(":", 1)[0]
            if name not in (_HERE, "localhost"):
                self.send_error(403)
                return None
            return super().send_head()

        def log_message(self, *arguments: Any) -> None:
            """Keep quiet: what is looked at is nobody's business."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        allow_reuse_address = False

    for number in [0] if port == 0 else range(port, min(port + _PORTS_TRIED, 65_536)):
        try:
            return Server((_HERE, number), Answer)
        except (OSError, OverflowError):
            continue
    raise Unavailable(f"No port from {port} on is free: name another with --port.")
