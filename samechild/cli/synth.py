"""``samechild synth``: a synthetic town to practise on, with the truth in a folder of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from samechild.cli.progress import progress


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--children", default=10_000, show_default=True, help="How many children live there (about 3 records each)."
)
@click.option("--authorities", default=2, show_default=True, help="How many councils, each with its own agencies.")
@click.option(
    "--seed", default=1, show_default=True, help="Another number gives another town; the same, the same town."
)
@click.option("--rates", type=click.Path(path_type=Path), help="A file of rates in place of the usual ones.")
@click.option("--harder", is_flag=True, help="Use the harder rates: more errors, fewer numbers, look-alike twins.")
@click.option("--format", "form", type=click.Choice(["csv", "parquet"]), help="Write every file in this format.")
@click.option("--combined", is_flag=True, help="Write one Parquet file of all records instead of the agencies' files.")
@click.option("--force", is_flag=True, help="Replace a town that samechild wrote there.")
def synth(
    out: Path,
    children: int,
    authorities: int,
    seed: int,
    rates: Path | None,
    harder: bool,
    form: str | None,
    combined: bool,
    force: bool,
) -> None:
    """Make a synthetic town in the folder OUT: the files its agencies keep, and the truth in OUT/truth.

    No record is of a real child; every number is one that is never issued.

    \b
    Example:
      samechild synth town/ --children 10000 --authorities 2 --seed 1
    """
    from samechild.errors import Invalid
    from samechild.town.actions import write_town
    from samechild.town.rates import load_rates

    if rates and harder:
        raise Invalid("Name a file of rates or ask for the harder ones, not both.")
    chosen = load_rates(rates, harder=harder)
    with progress() as say:
        written = write_town(
            out,
            children,
            authorities,
            seed,
            chosen,
            form=form,
            combined=combined,
            force=force,
            started=datetime.now(UTC),
            progress=lambda made, of: say("Making the town", made / of),
        )
    click.echo(
        f"{written.records:,} records of {written.children:,} children in {len(written.files) - 3} files in {out}"
    )
    click.echo(f"The truth is in {out / 'truth'}; link the files without it, then:")
    click.echo(f"  samechild evaluate linked/ --truth {out / 'truth' / 'truth.csv'}")
