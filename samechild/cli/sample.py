"""``samechild sample``: a sheet of pairs for a person to judge, so that a run need not mark itself."""

from __future__ import annotations

from pathlib import Path

import click

from samechild.errors import Invalid, Refused


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--pairs", default=200, show_default=True, help="How many pairs a person should judge.")
@click.option("--seed", default=1, show_default=True, help="Another number draws other pairs.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("sample.xlsx"), show_default=True,
              help="The sheet to write: .xlsx or .csv.")  # fmt: skip
def sample(folder: Path, pairs: int, seed: int, out: Path) -> None:
    """Draw pairs from the results in FOLDER, of every degree of certainty, into a sheet for a person to fill in.

    The sheet holds names and numbers of children: keep it as you keep the files.

    \b
    Example:
      samechild sample linked/ --pairs 200 --out sample.xlsx
      samechild evaluate linked/ --reviewed sample.xlsx
    """
    from samechild.cli.results import run_of, table_of
    from samechild.files.write import write_csv
    from samechild.linkage.decisions import ANSWERS
    from samechild.linkage.review_sheet import write_review

    if pairs < 1:
        raise Invalid("--pairs is a number from 1 upwards.")
    if out.suffix.lower() not in (".xlsx", ".csv"):
        raise Invalid("The sheet is written as .xlsx or .csv: name it so.")
    if out.exists():
        raise Refused(f"{out} is there already, perhaps filled in: name another file with --out.")
    run_of(folder)
    from samechild.linkage.sample import draw

    drawn = draw(table_of(folder, "pairs.parquet"), table_of(folder, "records.parquet"), pairs, seed)
    unfinished = out.with_name(f".{out.name}.unfinished")
    try:
        if out.suffix.lower() == ".xlsx":
            write_review(drawn, unfinished, ANSWERS)
        else:
            write_csv(drawn, unfinished)
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)
    click.echo(f"{drawn.num_rows:,} pairs are in {out}. Let a person fill in the column answer, then:")
    click.echo(f"  samechild evaluate {folder} --reviewed {out}")
