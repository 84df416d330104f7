"""``samechild export``: leave with everything an organisation holds here, after a second person approved.

Nobody is kept by their data: the files are open formats with a data dictionary, whole or not there at all.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from samechild.cli.acting import acting, as_option, holds_role, home_option, opened
from samechild.cli.progress import progress
from samechild.errors import Invalid

if TYPE_CHECKING:
    from samechild.storage import Store

OFFICER, CUSTODIAN = "information-governance", "adoption-custodian"


@click.command("export")
@click.option("--everything", "out", type=click.Path(path_type=Path), help="Write everything into this new folder.")
@click.option("--approve", "question", metavar="REFERENCE", help="Approve another person's export by its reference.")
@click.option("--supervisor", default="", help="Id of the user who is told, and looks at it afterwards.")
@click.option("--reason", default="", help="Why; the supervisor is told, the ledger holds it not.")
@click.option("--force", is_flag=True, help="Replace an earlier export there.")
@as_option
@home_option
def export(
    out: Path | None, question: str | None, supervisor: str, reason: str, force: bool, who: str, home: Path | None
) -> None:
    """Leave with everything: all records, children, rulings, agreements and the ledger, in open formats.

    An information governance officer asks; a second person (another such officer, or the custodian of adoption
    records) approves, which holds for a day; then the officer asks again.

    \b
    Examples:
      samechild export --everything left/ --supervisor ID --reason "we move" --as governance@fernshire.example
      samechild export --approve REFERENCE --as custodian@fernshire.example
    """
    if (out is None) == (question is None):
        raise Invalid("Say --everything FOLDER, or --approve REFERENCE.")
    with opened(home) as (store, _):
        if question is not None:
            from samechild.policy.relationship_actions import approve

            role = CUSTODIAN if holds_role(store, who, CUSTODIAN) else OFFICER
            approve(store, acting(store, who, "export --approve", role=role), question, datetime.now(UTC))
            click.echo("Approved; it holds for a day.")
            return
        assert out is not None
        _write(store, out, supervisor, reason, who, force=force)


def _write(store: Store, out: Path, supervisor: str, reason: str, who: str, *, force: bool) -> None:
    from samechild.cli.tables import all_tables
    from samechild.files.folder import OutputFolder, refuse_unless_free
    from samechild.files.run_record import RunRecord, versions, write_run_record
    from samechild.index.everything import export_everything

    if not supervisor.strip() or not reason.strip():
        raise Invalid("Say why with --reason, and who looks at it afterwards with --supervisor (a user's id).")
    refuse_unless_free(out, force)
    began, started = datetime.now(UTC), time.monotonic()
    by = acting(store, who, "export --everything", role=OFFICER)
    with progress() as say, OutputFolder(out, force) as folder:
        left = export_everything(store, by, folder, all_tables(), began, supervisor=supervisor, reason=reason, say=say)
        record = RunRecord(
            command="export --everything",
            started=began.isoformat(timespec="seconds"),
            duration_seconds=round(time.monotonic() - started, 2),
            counts=dict(left.counts),
            versions=versions(),
        )
        write_run_record(folder, record)
    for name, count in sorted(left.counts.items()):
        click.echo(f"  {count:>9,}  {name}")
    click.echo(f"Everything is in {out}: look first at README.txt and dictionary.csv.")
