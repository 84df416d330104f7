"""``samechild trace``: NHS numbers asked of the national services, by hand unless an agreement says otherwise.

``write`` and ``read`` are the bureau's way: a file for a person to upload, and the answer they download. ``send`` and
``receive`` go over MESH, ``ask`` to the Personal Demographics Service; both only where the setting ``nhs`` names the
agreement. What came back is kept, never printed: counts are shown, and problems by line.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from samechild.cli.acting import acting, as_option, home_option, opened
from samechild.errors import EXIT_FOUND_PROBLEMS, Invalid, Refused

if TYPE_CHECKING:
    from samechild.records import Issue
    from samechild.records.disclosure import Asker
    from samechild.settings import Settings
    from samechild.storage import Store
    from samechild.tracing.actions import Taken
    from samechild.tracing.nhs import Nhs

HAND_LOST_AFTER = timedelta(days=30)
"""A file written for a person to upload is given up after so long without an answer."""


@click.group("trace")
def trace() -> None:
    """Ask national services for NHS numbers, and keep how each became known."""


_every = click.option("--every", is_flag=True, help="Ask about every record, not only those that are due.")
_most = click.option("--most", type=click.IntRange(1), default=50_000, show_default=True, help="Ask about so many.")


@trace.command("write")
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@_every
@_most
@click.option("--control-row", is_flag=True, help="The older service's form: a control row instead of headings.")
@as_option
@home_option
def write_file(out: Path, every: bool, most: int, control_row: bool, who: str, home: Path | None) -> None:
    """Write the file OUT that asks about the records whose number is due, for a person to upload.

    \b
    Example:
      samechild trace write request.csv --as dq@council.example.org
    """
    from samechild.tracing.actions import request
    from samechild.tracing.mesh_file import REQUEST_WORKFLOW, Control, file_name

    if out.exists():
        raise Refused(f"{out} is there already: name another file.")
    now = datetime.now(UTC)
    control = Control(file_name(now).removesuffix(".csv"), REQUEST_WORKFLOW, 0) if control_row else None
    with opened(home) as (store, _):
        by = acting(store, who, "trace write")
        begun, written = request(store, by, _due(store, by, now, every, most), now, control=control)
        _tell_issues(written.issues)
        if begun is None:
            click.echo("No number is due: nothing was written.")
            return
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(written.content)
    click.echo(
        f"{out} asks about {begun.asked:,} children (round {begun.round}). It names them: give it to nobody else,"
    )
    click.echo("and delete it once it is uploaded. Then:  samechild trace read ANSWER.csv")


@trace.command("read")
@click.argument("answer", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--round", "name", default="", help="Which round it answers; needed only when a whole file was refused.")
@as_option
@home_option
def read_file(answer: Path, name: str, who: str, home: Path | None) -> None:
    """Take the file ANSWER that a person downloaded; the same file again changes nothing.

    \b
    Example:
      samechild trace read answer.csv --as dq@council.example.org
    """
    from samechild.tracing.actions import take_answer

    now = datetime.now(UTC)
    with opened(home) as (store, _):
        by = acting(store, who, "trace read")
        taken = take_answer(store, by, answer.read_bytes(), now, name=answer.name, round=name)
        _tell_taken(taken)
        _tell_index(store, by)
    if taken.issues or taken.refused:
        raise SystemExit(EXIT_FOUND_PROBLEMS)


@trace.command("send")
@_every
@_most
@as_option
@home_option
def send_file(every: bool, most: int, who: str, home: Path | None) -> None:
    """Send the request over MESH. Needs the setting nhs, which names the agreement."""
    from samechild.tracing.mesh import Mailbox, send_round

    now = datetime.now(UTC)
    with opened(home) as (store, settings):
        access = _nhs(settings).mesh
        if access is None:
            raise Invalid("The file that the setting nhs names has no [mesh] part.")
        by = acting(store, who, "trace send")
        mailbox = Mailbox(access)
        try:
            begun, written = send_round(store, by, mailbox, _due(store, by, now, every, most), now)
        finally:
            mailbox.close()
    _tell_issues(written.issues)
    sent = f"Sent: {begun.asked:,} children (round {begun.round})." if begun else "No number is due: nothing was sent."
    click.echo(sent)


@trace.command("receive")
@as_option
@home_option
def receive_files(who: str, home: Path | None) -> None:
    """Take every answer that waits in the MESH mailbox, and notice what was lost."""
    from samechild.tracing.mesh import Mailbox, receive

    now = datetime.now(UTC)
    with opened(home) as (store, settings):
        access = _nhs(settings).mesh
        if access is None:
            raise Invalid("The file that the setting nhs names has no [mesh] part.")
        by = acting(store, who, "trace receive")
        mailbox = Mailbox(access)
        try:
            received = receive(store, by, mailbox, now)
        finally:
            mailbox.close()
        for taken in received.taken:
            _tell_taken(taken)
        _tell_index(store, by)
    for message, words in received.unreadable.items():
        click.echo(f"Message {message} stays in the mailbox: {words}", err=True)
    click.echo(
        f"Answers: {len(received.taken)}. Seen before: {received.again}. Not delivered: {len(received.failed)}. "
        f"Given up: {len(received.lost)}. Others' messages: {received.others}."
    )
    if received.unreadable or received.failed:
        raise SystemExit(EXIT_FOUND_PROBLEMS)


@trace.command("ask")
@_every
@click.option("--most", type=click.IntRange(1), default=1000, show_default=True, help="Ask about so many.")
@as_option
@home_option
def ask_service(every: bool, most: int, who: str, home: Path | None) -> None:
    """Ask the Personal Demographics Service, child by child. Needs the setting nhs, which names the agreement."""
    from samechild.tracing.actions import trace as trace_records
    from samechild.tracing.bucket import SharedBucket
    from samechild.tracing.pds import Pds, trace_one
    from samechild.tracing.pds_access import load_key, read_access

    now = datetime.now(UTC)
    with opened(home) as (store, settings):
        table = _nhs(settings).pds
        if not table:
            raise Invalid("The file that the setting nhs names has no [pds] part.")
        access = read_access(table)
        by = acting(store, who, "trace ask")
        client = Pds(
            access, SharedBucket(store), lambda: datetime.now(UTC), time.sleep, os.urandom, key=load_key(access)
        )
        try:
            keys = _due(store, by, now, every, most)
            done = trace_records(store, by, keys, lambda subject: trace_one(client, subject, now.date()), now)
        finally:
            client.close()
        _tell_index(store, by)
    click.echo(_counted(done) or "No number is due: nobody was asked about.")


@trace.command("tell")
@click.option("--every", is_flag=True, help="Also what the index was told before, after a feed brought records anew.")
@as_option
@home_option
def tell(every: bool, who: str, home: Path | None) -> None:
    """Tell the index of the numbers that became known; done after every answer, and again here."""
    with opened(home) as (store, _):
        _tell_index(store, acting(store, who, "trace tell"), every=every)


@trace.command("status")
@as_option
@home_option
def status(who: str, home: Path | None) -> None:
    """Show how the numbers stand, what waits for a person, and the latest rounds. Counts only."""
    from samechild.tracing.standing import drift, how_they_stand, latest_rounds
    from samechild.tracing.telling import records_of

    with opened(home) as (store, _):
        by = acting(store, who, "trace status")
        stand = how_they_stand(store, by, len(records_of(store, by.organisation)))
        differing, rounds = drift(store, by), latest_rounds(store, by)
    click.echo(f"Records: {stand.total:,}. With a verified number: {stand.verified:,} ({stand.share:.1%}).")
    for code, count in stand.by_status.items():
        click.echo(f"  {code.value}  {count:>9,}  {code.words}")
    if stand.by_obtained:
        click.echo("How the numbers became known:")
    for how, count in stand.by_obtained.items():
        click.echo(f"      {count:>9,}  {how.words}")
    if differing:
        click.echo("Waiting for a person:")
    for each in differing:
        click.echo(f"      {each.records:>9,}  {each.field}: {each.kind}, the oldest since {each.since:%Y-%m-%d}")
    for each_round in rounds[:10]:
        word = f", code {each_round.code}" if each_round.code else ""
        when = f"{each_round.requested_at:%Y-%m-%d %H:%M}"
        click.echo(
            f"Round {each_round.round}  {when}  {each_round.route:<4}  {each_round.asked:>7,}  {each_round.state}{word}"
        )


def _due(store: Store, by: Asker, now: datetime, every: bool, most: int) -> Sequence[str]:
    """The records to ask about; files that nobody answered are given up first."""
    from samechild.tracing.actions import HAND, notice_lost
    from samechild.tracing.standing import due
    from samechild.tracing.telling import records_of

    notice_lost(store, by.organisation, now, now - HAND_LOST_AFTER, route=HAND)
    records = records_of(store, by.organisation)
    return (records if every else due(store, by, records, now))[:most]


def _nhs(settings: Settings) -> Nhs:
    from samechild.tracing.nhs import read_nhs

    if not settings.nhs:
        raise Refused(
            "Nothing is sent by itself here: the setting nhs names no agreement. "
            "Write the file with `samechild trace write`, and upload it."
        )
    return read_nhs(Path(settings.nhs))


def _tell_index(store: Store, by: Asker, *, every: bool = False) -> None:
    from samechild.tracing.telling import tell_index

    told = tell_index(store, by, datetime.now(UTC), every=every)
    click.echo(
        f"The index was told of {told.numbers:,} numbers and {told.renumbered:,} replaced or withdrawn ones; "
        f"{told.questions:,} new questions."
    )


def _tell_taken(taken: Taken) -> None:
    if taken.again:
        click.echo("This answer was taken before: nothing was changed.")
        return
    if taken.refused:
        from samechild.tracing.mesh_codes import CODES

        click.echo(f"The service refused the whole file: code {taken.refused}, {CODES[taken.refused].words}.", err=True)
    _tell_issues(taken.issues)
    click.echo(_counted(taken.outcomes) or "Nobody was answered.")
    if taken.missing:
        click.echo(f"Not answered: {taken.missing:,} children, who are asked about again.")


def _tell_issues(issues: Sequence[Issue]) -> None:
    for issue in issues[:20]:
        where = " ".join(word for word in (f"line {issue.row}" if issue.row else "", issue.column) if word)
        click.echo(f"{issue.severity}: {where + ': ' if where else ''}{issue.message}", err=True)
    if len(issues) > 20:
        click.echo(f"... and {len(issues) - 20:,} more.", err=True)


def _counted(outcomes: object) -> str:
    """Outcomes by name, the most frequent first."""
    from collections import Counter

    counted = Counter(outcomes)  # type: ignore[call-overload]
    return ". ".join(f"{name[:1].upper()}{name[1:]}: {count:,}" for name, count in counted.most_common())
