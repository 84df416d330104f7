"""``samechild explain``: which evidence moved a pair's weight, and by how much.

About a pair the run did not write there is one answer, whoever the two are. The command cannot know more: what is
protected is in none of the tables it reads.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from samechild.errors import Invalid, Refused

if TYPE_CHECKING:
    from samechild.linkage.evidence import Explained
    from samechild.linkage.model import Model

_file = click.Path(path_type=Path)


@click.command()
@click.argument("folder", type=_file)
@click.argument("one", metavar="SOURCE:ID")
@click.argument("other", metavar="SOURCE:ID")
@click.option("--html", "html_file", type=_file, help="Write the explanation to this file, as a page with a picture.")
@click.option("--svg", "svg_file", type=_file, help="Write the picture alone to this file.")
def explain(folder: Path, one: str, other: str, html_file: Path | None, svg_file: Path | None) -> None:
    """Show what speaks for and against two records being of one child, from the results in FOLDER.

    \b
    Example:
      samechild explain linked/ education:1234 health:9876 --html why.html
    """
    from samechild.cli.results import run_of, table_of
    from samechild.linkage.evidence import NOTHING, explained, pair_of, readings
    from samechild.linkage.request import stored_model

    if not (readings(one) and readings(other)):
        raise Invalid("Name each record by its source and its id with a colon between: education:1234.")
    for path in (html_file, svg_file):
        if path is not None and path.exists():
            raise Refused(f"{path} is there already: name another file.")
    run = run_of(folder)
    row = pair_of(table_of(folder, "pairs.parquet"), readings(one), readings(other))
    records = table_of(folder, "records.parquet")
    model, stored = stored_model(folder / "model.json")
    frequencies = stored if run.parameters.get("model_frequencies") else None
    found = explained(row, records, model, frequencies) if row is not None else None
    if found is None:
        click.echo(NOTHING)
        return
    _show(found, model, html_file, svg_file)


def _show(found: Explained, model: Model, html_file: Path | None, svg_file: Path | None) -> None:
    raise NotImplementedError
