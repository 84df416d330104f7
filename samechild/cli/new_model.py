"""Trying a new linkage model on an index from the command line: what it would change, and letting it.

The trial writes nothing into the index. It is shown in words, and with ``--out`` kept as a table, a picture and the
whole answer; they hold opaque ids and counts only. Applying makes the trial anew and then asks for a yes.
"""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import click

from samechild.cli.acting import acting, as_option, home_option, now_utc, opened, space_option
from samechild.cli.progress import progress
from samechild.errors import Refused

if TYPE_CHECKING:
    from samechild.index.dry_run import DryRun

_file = click.Path(path_type=Path)


@click.command("dry-run")
@click.argument("model", type=_file)
@click.option("--out", type=_file, help="A new folder for dry-run.csv, dry-run.svg and dry-run.json.")
@space_option
@as_option
@home_option
def dry_run(model: Path, out: Path | None, space: str, who: str, home: Path | None) -> None:
    """Say what the model file MODEL would change in the index, and change nothing.

    \b
    Example:
      samechild index dry-run linked2/model.json --out trial/ --as quality@fernshire.example
    """
    from samechild.index import dry_run as trial

    if out is not None and out.exists():
        raise Refused(f"{out} is there already: name a new folder, so that nothing is overwritten.")
    trained, frequencies = trial.read_model(model)
    with opened(home) as (store, _), progress() as say:
        by = acting(store, who, "index dry-run")
        found = trial.dry_run(store, by, space or by.organisation, trained, frequencies, now_utc(), say)
    for line in trial.in_words(found):
        click.echo(line)
    if out is not None:
        save(found, out)
        click.echo(f"Kept in {out}.")


@click.command("apply-model")
@click.argument("model", type=_file)
@click.option("--yes", is_flag=True, help="Do not ask: apply what the trial shows.")
@space_option
@as_option
@home_option
def apply_model(model: Path, yes: bool, space: str, who: str, home: Path | None) -> None:
    """Let the index use the model file MODEL, and do what a dry run of it shows; each step can be taken back.

    \b
    Example:
      samechild index apply-model linked2/model.json --as quality@fernshire.example
    """
    from samechild.index import dry_run as trial

    trained, frequencies = trial.read_model(model)
    with opened(home) as (store, _):
        by = acting(store, who, "index apply-model")
        with progress() as say:
            found = trial.dry_run(store, by, space or by.organisation, trained, frequencies, now_utc(), say)
        for line in trial.in_words(found):
            click.echo(line)
        if not yes and not click.confirm("Let the index use this model, and do all this?"):
            click.echo("Nothing was changed.")
            return
        done = trial.apply(store, by, found, trained, frequencies, now_utc())
    click.echo(f"Put together {len(done.merged):,}, taken apart {len(done.split):,}, left as it was {done.left_out:,}.")


def save(run: DryRun, folder: Path) -> None:
    """Keep a trial: every change as a table, a picture of how many children become what, and the whole answer."""
    import msgspec

    folder.mkdir(parents=True)
    rows = StringIO()
    table = csv.writer(rows)
    table.writerow(["change", "what", "child", "record", "group"])
    for number, shift in enumerate(run.diff.shifts, 1):
        for child in shift.children:
            table.writerow([number, shift.kind, child, "", ""])
        for group, keys in enumerate(shift.groups, 1):
            for key in keys:
                table.writerow([number, shift.kind, "", key, group])
    (folder / "dry-run.csv").write_text(rows.getvalue(), encoding="utf-8-sig", newline="")
    (folder / "dry-run.svg").write_text(picture(run), encoding="utf-8")
    (folder / "dry-run.json").write_bytes(msgspec.json.format(msgspec.json.encode(run), indent=2))


def picture(run: DryRun) -> str:
    """A picture of how many children stay, would be put together, come apart or be rearranged."""
    from samechild.web.drawing import Flow, flow

    words = (("merged", "put together"), ("split", "taken apart"), ("rearranged", "rearranged"))
    changed = [Flow("children", told, run.diff.count(kind)) for kind, told in words]
    return flow([Flow("children", "as they are", run.diff.unchanged), *changed])
