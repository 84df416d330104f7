"""Trace files over the Message Exchange for Social Care and Health (MESH): sent, received and never read twice.

The exchange keeps an answer until it is acknowledged, so it is acknowledged only after everything in it is kept: an
interruption at any moment loses nothing, and a message that comes again changes nothing. Automatic sending needs the
NHS's agreement; without one, a person uploads the file and downloads the answer.

Source: NHS England, Message Exchange for Social Care and Health API; its public client and sandbox.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from samechild.errors import Invalid, Unavailable
from samechild.policy import ledger
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store
from samechild.tracing import store as tables
from samechild.tracing.actions import MESH, TRACE, Taken, notice_lost, request, take_answer
from samechild.tracing.mesh_file import LARGEST, Control, Written, file_name
from samechild.tracing.nhs import MeshAccess
from samechild.tracing.store import Round, RoundState

REPORT = "REPORT"
PARTS = 2**20
"""So many bytes of a message are read at a time."""
SECONDS = 60.0


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message of the mailbox: an answer, or a report that one of ours was not delivered (``about`` names it)."""

    message: str
    workflow: str
    content: bytes = b""
    name: str = ""
    round: str = ""
    is_report: bool = False
    about: str = ""
    code: str = ""

    def __repr__(self) -> str:
        return f"Message(message={self.message!r}, workflow={self.workflow!r}, content=hidden)"


class Mailbox:
    """One mailbox of the exchange. Holds a connection; close it when done."""

    def __init__(self, access: MeshAccess, environment: Mapping[str, str] = os.environ) -> None:
        self.access = access
        client = _client()
        certificate = (access.certificate, access.private_key) if access.certificate else None
        with in_our_words():
            self._client = client.MeshClient(
                access.address,
                access.mailbox,
                _secret(access.password, environment),
                shared_key=_secret(access.shared_key, environment).encode(),
                cert=certificate,
                verify=access.authority or None,
                max_chunk_size=access.longest_part,
                transparent_compress=True,
                timeout=SECONDS,
                application_name="samechild",
            )

    def __repr__(self) -> str:
        return f"Mailbox({self.access.mailbox!r})"

    def check(self) -> None:
        """Make sure that the exchange can be reached and knows this mailbox.

        Raises:
            Unavailable: when not.
        """
        with in_our_words():
            self._client.handshake()

    def send(self, content: bytes, name: str, round: str) -> str:
        """Send a file to the tracing service, in parts when it is long; returns the message's id.

        Raises:
            Unavailable: when the exchange does not take it.
        """
        with in_our_words():
            return str(
                self._client.send_message(
                    self.access.service,
                    content,
                    workflow_id=self.access.workflow,
                    filename=name,
                    local_id=round,
                    subject="",
                    content_type="text/csv",
                )
            )

    def waiting(self) -> list[str]:
        """The ids of the messages that wait in the mailbox."""
        with in_our_words():
            return list(self._client.iterate_message_ids())

    def fetch(self, message: str) -> Message:
        """Read one message whole, without acknowledging it.

        Raises:
            Unavailable: when it cannot be read. Invalid: when it is larger than any answer can be.
        """
        with in_our_words():
            found = self._client.retrieve_message(message)
            header = {name.lower(): str(value) for name, value in found.mex_headers()}
            is_report = header.get("messagetype", "").upper() == REPORT
            ours = header.get("workflowid", "") == self.access.answer_workflow
            content = _whole(found.read) if ours and not is_report else b""
            found.close()
        return Message(
            message=message,
            workflow=header.get("workflowid", ""),
            content=content,
            name=header.get("filename", "") or "the answer",
            round=header.get("localid", ""),
            is_report=is_report,
            about=header.get("linkedmsgid", ""),
            code=header.get("statuscode", ""),
        )

    def acknowledge(self, message: str) -> None:
        """Say that a message was dealt with: the exchange then lets go of it."""
        with in_our_words():
            self._client.acknowledge_message(message)

    def track(self, message: str) -> str:
        """How far a message of ours is: accepted, acknowledged, undeliverable, error; in the exchange's word."""
        with in_our_words():
            return str(self._client.track_message(message).get("status", "")).lower()

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """What looking into the mailbox did: answers taken, reports of failure, rounds given up, and what is left.

    ``unreadable`` are messages whose file does not fit: they stay in the mailbox, with the words that say why.
    """

    taken: tuple[Taken, ...] = ()
    again: int = 0
    failed: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    others: int = 0
    unreadable: Mapping[str, str] = {}


def send_round(
    store: Store, by: Asker, mailbox: Mailbox, record_keys: Sequence[str], now: datetime
) -> tuple[Round | None, Written]:
    """Ask about some records through the exchange; returns the round and the file, as :func:`actions.request`.

    The round is noted as sent before it is: should the program stop in between, the answer still finds its children,
    and when none comes they are asked about again.

    Raises:
        Unavailable: when the exchange does not take the file: the round is over, and its children stay to be asked.
        Refused, TooLarge: as :func:`actions.request`.
    """
    mailbox.check()
    control = Control(file_name(now).removesuffix(".csv"), mailbox.access.workflow, 0)
    wanted = control if mailbox.access.control_row else None
    begun, written = request(store, by, record_keys, now, route=MESH, control=wanted)
    if begun is None:
        return None, written
    owner = by.organisation
    with store.write(Login.IDENTITY, owner) as identity:
        tables.move_round(identity, begun.round, RoundState.SENT, sent_at=now)
    try:
        message = mailbox.send(written.content, file_name(now), begun.round)
    except Unavailable:
        _fail(store, owner, begun.round, "not sent", now)
        raise
    with store.write(Login.IDENTITY, owner) as identity:
        tables.move_round(identity, begun.round, RoundState.SENT, (RoundState.SENT,), message=message)
    sent = msgspec.structs.replace(begun, state=RoundState.SENT, sent_at=now, message=message)
    return sent, written


def receive(store: Store, by: Asker, mailbox: Mailbox, now: datetime) -> Received:
    """Take every answer that waits in the mailbox, and notice what was not delivered or never answered.

    Raises:
        Unavailable: when the exchange cannot be reached; whatever was taken before stands.
        Refused: when the asker may not trace.
    """
    taken: list[Taken] = []
    failed: list[str] = []
    unreadable: dict[str, str] = {}
    again = others = 0
    for message in mailbox.waiting():
        if _was_seen(store, by.organisation, message):
            mailbox.acknowledge(message)
            again += 1
            continue
        try:
            found = mailbox.fetch(message)
        except Invalid as error:
            unreadable[message] = str(error)
            continue
        if found.is_report:
            name = _failed(store, by.organisation, found, now)
            failed += [name] if name else []
            mailbox.acknowledge(message)
        elif found.workflow != mailbox.access.answer_workflow:
            others += 1  # somebody else's work: left where it is
        else:
            try:
                one = _answer(store, by, found, now)
            except Invalid as error:
                unreadable[message] = str(error)
                continue
            taken.append(one)
            again += one.again
            mailbox.acknowledge(message)
    lost = notice_lost(store, by.organisation, now, now - timedelta(days=mailbox.access.lost_after_days), route=MESH)
    return Received(
        taken=tuple(one for one in taken if not one.again),
        again=again,
        failed=tuple(failed),
        lost=tuple(lost),
        others=others,
        unreadable=unreadable,
    )


def _answer(store: Store, by: Asker, found: Message, now: datetime) -> Taken:
    """Take an answer; of which round it is, the references in it say, or our own name for it that came back."""
    with store.read(Login.IDENTITY, by.organisation) as identity:
        known = found.round and tables.one_round(identity, by.organisation, found.round) is not None
    name = found.round if known else ""
    return take_answer(store, by, found.content, now, name=found.name, message=found.message, round=name)


def _was_seen(store: Store, owner: str, message: str) -> bool:
    with store.read(Login.IDENTITY, owner) as identity:
        return tables.seen(identity, owner, message)


def _failed(store: Store, owner: str, report: Message, now: datetime) -> str:
    """Note that a round was not delivered, once; the round's name, or nothing when it is none of ours."""
    with store.read(Login.IDENTITY, owner) as identity:
        found = (
            tables.one_round(identity, owner, report.about or report.round) if report.about or report.round else None
        )
    if found is None:
        return ""
    _fail(store, owner, found.round, report.code or "not delivered", now, report.message)
    return found.round


def _fail(store: Store, owner: str, round: str, code: str, now: datetime, message: str = "") -> None:
    with store.write(Login.IDENTITY, owner) as identity:
        waiting = (RoundState.REQUESTED, RoundState.SENT)
        if tables.move_round(identity, round, RoundState.REFUSED, waiting, code=code, received_at=now):
            tables.lose_asked(identity, round, now)
        if message:
            tables.note_seen(identity, owner, message, "report", round, now)
    ledger.append(store, TRACE, {"act": "failed", "round": round, "code": code}, now)


def _whole(read: Callable[[int], bytes]) -> bytes:
    content = b""
    while part := read(PARTS):
        content += part
        if len(content) > LARGEST:
            raise Invalid("A message is larger than any answer can be.")
    return content


def _client() -> Any:
    """The client of the exchange, which is installed only where it is wanted.

    Raises:
        Unavailable: when it is not installed.
    """
    try:
        import mesh_client
    except ImportError:
        raise Unavailable("Sending over MESH needs an optional part: pip install 'samechild[nhs]'.") from None
    return mesh_client


def _secret(where: str, environment: Mapping[str, str]) -> str:
    kind, _, place = where.partition(":")
    try:
        found = environment.get(place, "") if kind == "env" else Path(place).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        found = ""
    if not found:
        raise Unavailable("A secret of the MESH mailbox is not where the setting says: put it there.")
    return found


@contextmanager
def in_our_words() -> Iterator[None]:
    """Turn whatever the exchange or its client raises into an error of ours that shows no address and no secret.

    Raises:
        Unavailable: always, when anything went wrong.
    """
    client = _client()
    import requests
    import urllib3

    broken = (requests.RequestException, urllib3.exceptions.HTTPError, OSError, EOFError, zlib.error)
    try:
        yield
    except client.MeshError:
        words = "MESH did not take the message: look at the mailbox and the workflow in the settings."
        raise Unavailable(words) from None
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        locked = "does not let this mailbox in: look at its password and key"
        raise Unavailable(f"MESH {locked if status in (400, 401, 403) else 'answered'} (status {status}).") from None
    except broken:
        raise Unavailable("MESH cannot be reached: try again later.") from None
