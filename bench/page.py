"""Write the figures of ``bench/results`` into ``docs/benchmarks.md``, so that none is copied by hand.

``python -m bench.page`` rewrites the part of the page between its two marks and leaves the rest alone.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec

from bench import (
    collection,
    decisions,
    fuzz_bodies,
    growth,
    index,
    ledger,
    one_by_one,
    real_data,
    restricted,
    searching,
    side_by_side,
    tracing,
    twins,
)
from bench.machine import RESULTS, ROOT, Program, Shown
from samechild.errors import Invalid

PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- figures: written by python -m bench.page -->", "<!-- end of figures -->"
KINDS: dict[str, tuple[str, Any, Callable[[Any], list[Shown]]]] = {
    "side_by_side": ("Beside Splink", side_by_side.Compared, side_by_side.tables),
    "twins": ("Twins on unseen towns", twins.Twins, twins.tables),
    "real_data": ("Data from others", real_data.Outcome, real_data.tables),
    "growth": ("Growth", growth.Growth, growth.tables),
    "decisions": ("Asking the gate", decisions.Decisions, decisions.tables_of),
    "ledger": ("The ledger", ledger.Costs, ledger.tables),
    "index": ("The living index at a million children", index.Found, index.tables_of),
    "one_by_one": ("One by one, beside linking in bulk", one_by_one.Found, one_by_one.tables),
    "searching": ("A practitioner's search", searching.Searching, searching.tables_of),
    "collection": ("Councils' daily records under load", collection.Found, collection.tables_of),
    "fuzz_bodies": ("Bodies that nobody should send", fuzz_bodies.Fuzzed, fuzz_bodies.shown),
    "tracing": ("Tracing, beside two policies in use", tracing.Tracing, tracing.tables),
    "restricted": ("Hidden and not there", restricted.Restricted, lambda found: [restricted.shown(found)]),
}
"""What the names of the files of results begin with, in the order of the page."""


def figures(folder: Path = RESULTS) -> str:
    """Set out everything that is kept, each with its command, day, commit and machine."""
    parts = []
    for kind, (title, form, tables) in KINDS.items():
        for path in sorted(folder.glob(f"{kind}-*.json")):
            kept = msgspec.json.decode(path.read_bytes())
            shown = tables(msgspec.convert(kept["found"], form))
            parts.append("\n\n".join([f"### {title}", _origin(kept), *map(markdown, shown)]))
        if kind == "growth" and (folder / growth.PICTURE).is_file():
            parts.append(f"![Seconds and memory against records](../bench/results/{growth.PICTURE})")
    return "\n\n".join(parts) if parts else "No figures are kept yet: run the commands above."


def _origin(kept: dict[str, Any]) -> str:
    on = kept["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in on["versions"].items())
    return (
        f"`{kept['command']}`, {on['date']}, commit {on['commit']}; {on['processor']}, {on['cores']} cores, "
        f"{on['memory_gib']} GiB; {versions}."
    )


def markdown(shown: Shown) -> str:
    """Write a table as Markdown under its title."""
    lines = [
        f"**{shown.title}**",
        "",
        _line(shown.headings),
        _line(["---"] + ["--:"] * (len(shown.headings) - 1)),
        *(_line(row) for row in shown.rows),
    ]
    return "\n".join(lines)


def _line(cells: Any) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def rewritten(page: str, found: str) -> str:
    """Put figures between the marks of a page. Raises Invalid when the marks are not there, once each, in order."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in after:
        raise Invalid(f"The page needs the lines {BEGIN} and {END}, once each and in that order.")
    return f"{before}{BEGIN}\n\n{found}\n\n{END}{after}"


@click.command(cls=Program)
def main() -> None:
    """Write the kept figures into docs/benchmarks.md."""
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8"), figures()), encoding="utf-8")
    click.echo(f"{PAGE.relative_to(ROOT)} holds the figures of {len(list(RESULTS.glob('*.json')))} files.")


if __name__ == "__main__":
    main()
