"""``samechild extract``: what is known of a council's children as Parquet under a project's keys, for analysts.

The gate decides for the person it is written for, child by child; names, numbers and addresses are not in it.
"""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

import click

from samechild.cli.acting import acting, as_option, home_option, now_utc, opened
from samechild.cli.feed import authority_option, council_of_number
from samechild.cli.progress import progress
from samechild.errors import Invalid


@click.command("extract")
@authority_option
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Write into this new folder.")
@click.option("--purpose", required=True, help="What for, such as service-planning, research or evaluation.")
@click.option("--project", required=True, help="Name of the project; the keys of two projects cannot be joined.")
@click.option("--as-at", metavar="YYYY-MM-DD", default="", help="What was known at the end of this day [default: now].")
@click.option("--power", default="", help="The statutory power relied on; for another organisation than the council.")
@click.option("--basis", default="", help="The lawful basis (UK GDPR Article 6).")
@click.option("--condition", default="", help="The condition for special category content.")
@click.option("--confidence", default="", help="How the duty of confidence is met.")
@click.option("--force", is_flag=True, help="Replace an earlier extract there.")
@as_option
@home_option
def extract(
    authority: str, out: Path, purpose: str, project: str, as_at: str, power: str, basis: str, condition: str,
    confidence: str, who: str, home: Path | None, *, force: bool,
) -> None:  # fmt: skip
    """Write what is known of a council's children as Parquet, under a project's keys, with its data dictionary.

    \b
    Examples:
      samechild extract --authority 845 --purpose service-planning --project demand --out demand/ --as WHO
      samechild extract --authority 845 --purpose research --project edges --out edges/ --as-at 2026-03-31 --as WHO
    """
    from samechild.collection.extract import extract as extracted
    from samechild.files.folder import OutputFolder, refuse_unless_free
    from samechild.files.run_record import RunRecord, versions, write_run_record
    from samechild.policy.purposes import purposes
    from samechild.records.disclosure import Ask, Mode, Scope, Spread

    if purpose not in purposes():
        raise Invalid(f"Not a purpose: choose one of {', '.join(purposes())}.")
    day = _day(as_at)
    refuse_unless_free(out, force)
    began, started = now_utc(), time.monotonic()
    with opened(home) as (store, _):
        council = council_of_number(store, authority)
        by = acting(store, who, "extract", purpose=purpose)
        ask = Ask(
            who=by,
            purpose=purpose,
            mode=Mode.CONTENT,
            record_type="social-care.episode",
            owner=council.organisation,
            scope=Scope(Spread.BATCH),
            now=now_utc(),
            power=power,
            basis=basis,
            condition=condition,
            confidence=confidence,
        )
        with progress() as say, OutputFolder(out, force) as folder:
            done = extracted(store, ask, folder, project, now_utc, as_at=day, say=say)
            record = RunRecord(
                command="extract",
                started=began.isoformat(timespec="seconds"),
                duration_seconds=round(time.monotonic() - started, 2),
                parameters={"authority": authority, "purpose": purpose, "project": project, "as_at": as_at},
                counts=dict(done.rows),
                versions=versions(),
            )
            write_run_record(folder, record)
    click.echo(f"{done.rows['children']} children in {out}. What the columns mean: {out / 'dictionary.html'}")


def _day(text: str) -> date | None:
    """A day as it was written; none when it was left out."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Invalid("Write the day of --as-at as YYYY-MM-DD, such as 2026-03-31.") from None
