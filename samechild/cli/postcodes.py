"""``samechild postcodes``: bring a postcode directory, so that rules can ask how far and whether there is such a place.

None is shipped: the Office for National Statistics (Postcode Directory) and Ordnance Survey (Code-Point Open) publish
theirs free of charge, under licences of their own that whoever fetches one keeps to.
"""

from __future__ import annotations

from pathlib import Path

import click

from samechild.cli.progress import progress
from samechild.settings import settings_of


@click.group("postcodes")
def postcodes() -> None:
    """Bring a postcode directory, which some rules ask."""


_home = click.option(
    "--home", type=click.Path(path_type=Path), help="Folder of the installation [default: SAMECHILD_HOME]."
)


@postcodes.command("load")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help="Write it here instead, for use elsewhere.")
@_home
def load_postcodes(files: tuple[Path, ...], to: Path | None, home: Path | None) -> None:
    """Read the tables of a postcode directory, CSV or Parquet, into one small file.

    Looked for are the columns of the ONS Postcode Directory (pcds, lat, long, or oseast1m, osnrth1m) and of Code-Point
    Open. With --to no installation is needed: give that file to `check --postcodes`, or name it in submit.toml.

    \b
    Examples:
      samechild postcodes load ONSPD_MAY_2026_UK.csv
      samechild postcodes load Data/CSV/*.csv --to postcodes.arrow
    """
    from samechild.files.postcodes import keep, load

    path = to or settings_of(home).postcodes_file
    with progress() as say:
        say("reading the directory", 0.0)
        directory, left_out = load(files)
        say("writing it", 0.9)
        keep(directory, path)
    click.echo(f"{len(directory):,} postcodes, places in {directory.told_in}: {path}")
    if left_out:
        click.echo(f"{left_out:,} rows hold no postcode and were left out.")


@postcodes.command("show")
@_home
def show_postcodes(home: Path | None) -> None:
    """Is there a postcode directory, and how many postcodes does it hold?

    \b
    Example:
      samechild postcodes show
    """
    from samechild.files.postcodes import open_directory

    path = settings_of(home).postcodes_file
    directory = open_directory(path)
    click.echo(f"{len(directory):,} postcodes, places in {directory.told_in}: {path}")
