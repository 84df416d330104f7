"""What the gate keeps of decisions about sharing: one table that is only added to, read in one query by a decision.

A row holds codes, opaque ids and dates; its words are sealed. Nothing is edited: a withdrawal, an end or a lifting is a
row that names the one it succeeds, and no row can be succeeded twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from samechild.policy.consent.facts import ConsentFacts, facts_from
from samechild.policy.consent.overrides import DoNotTell, Harm, Notice, Override
from samechild.policy.consent.share_forms import Answer, ShareForm
from samechild.policy.consent.standing import ConsentRecord, Topic
from samechild.sql.columns import Moment, kept_columns

TABLES = sa.MetaData(info={"database": "gate"})

sharing_records = sa.Table(
    "sharing_records",
    TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    *kept_columns(),
    sa.Column("kind", sa.Text, nullable=False, comment="consent, override, notice, harm, do-not-tell or share"),
    sa.Column("purpose", sa.Text, nullable=False, comment="empty when about no one purpose"),
    sa.Column("happened_at", Moment, nullable=False),
    sa.Column("body", sa.Text, nullable=False, comment="JSON of the record without its words"),
    sa.Column("sealed", sa.LargeBinary, nullable=False, comment="its words, sealed under the child's key"),
    sa.Column("succeeds", sa.Text, unique=True, comment="the row this one ends or withdraws"),
    sa.Column("entry", sa.Integer, nullable=False, comment="ledger entry"),
    sa.Index("sharing_records_by_record", "record_key", "kind"),
    info={"append_only": True, "grants": {"gate": "SELECT, INSERT"}},
    comment="decisions about sharing: consent, overrides, notices, suspected harm, do-not-tell flags, share forms",
)

Kept = ConsentRecord | Override | Notice | Harm | DoNotTell | ShareForm

KINDS: dict[str, type[Kept]] = {
    "consent": ConsentRecord,
    "override": Override,
    "notice": Notice,
    "harm": Harm,
    "do-not-tell": DoNotTell,
    "share": ShareForm,
}
"""The kinds of row, and what each one is."""

BASIS = "6(1)(c)"
"""On what these rows are held: the duty to be able to show why something was or was not shared (Article 5(2))."""

RETENTION = "as the record it belongs to"

_WORDS = ("details", "reason", "assessment", "text", "why_not_told", "why_beyond")
_SINCE, _RELATIONSHIP, _ANSWER = "responsibility.since", "responsibility.relationship", "answers."
_ENDS = ("succeeds", "ends", "lifts")


class Row(msgspec.Struct, frozen=True):
    """One row as it is kept: the record without its words, and the words sealed."""

    record: Kept
    kind: str
    sealed: bytes
    entry: int


def kind_of(record: Kept) -> str:
    """The kind of row that a record makes."""
    return next(kind for kind, made in KINDS.items() if isinstance(record, made))


def moment_of(record: Kept) -> datetime:
    """When what a record tells happened."""
    for name in ("decided_at", "given_at", "recorded_at"):
        found = getattr(record, name, None)
        if found is not None:
            return found  # type: ignore[no-any-return]
    assert isinstance(record, DoNotTell)
    return record.since


def purpose_of(record: Kept) -> str:
    """The one purpose a record is about; empty when there is none."""
    if isinstance(record, ConsentRecord | Override):
        return record.topic.purpose
    return record.purpose if isinstance(record, Notice | ShareForm) else ""


def ends_of(record: Kept) -> str:
    """The record that this one withdraws, ends or lifts; empty when none."""
    return next((str(getattr(record, name)) for name in _ENDS if getattr(record, name, "")), "")


def parted(record: Kept) -> tuple[Kept, dict[str, str]]:
    """Part a record from its words: the record without them, and the words by name of field.

    Since when parental responsibility holds is sealed too: for most parents that is the child's date of birth. What
    stays open is that it held on the day of the decision.
    """
    texts = {name: str(getattr(record, name)) for name in _WORDS if hasattr(record, name) and name != "reason"}
    blank: dict[str, Any] = dict.fromkeys(texts, "")
    if isinstance(record, ConsentRecord):
        texts["reason"] = record.reason
        blank["reason"] = ""
        held, day = record.responsibility, record.decided_at.date()
        if held is not None:
            texts |= {_SINCE: held.since.isoformat(), _RELATIONSHIP: held.relationship}
            blank["responsibility"] = msgspec.structs.replace(held, since=max(held.since, day), relationship="")
    if isinstance(record, ShareForm):
        texts |= {f"{_ANSWER}{test}": answer.why for test, answer in record.answers.items()}
        blank["answers"] = {test: Answer(answer.met) for test, answer in record.answers.items()}
    return msgspec.structs.replace(record, **blank), texts


def joined(record: Kept, texts: dict[str, str]) -> Kept:
    """Put a record and its words together again: the inverse of :func:`parted`."""
    given: dict[str, Any] = {name: text for name, text in texts.items() if "." not in name}
    if isinstance(record, ConsentRecord) and record.responsibility is not None and _SINCE in texts:
        since, relationship = date.fromisoformat(texts[_SINCE]), texts.get(_RELATIONSHIP, "")
        held = msgspec.structs.replace(record.responsibility, since=since, relationship=relationship)
        given["responsibility"] = held
    if isinstance(record, ShareForm):
        given["answers"] = {
            test: Answer(answer.met, texts.get(f"{_ANSWER}{test}", "")) for test, answer in record.answers.items()
        }
    return msgspec.structs.replace(record, **given)


def keep(connection: sa.Connection, row: Row, received_at: datetime) -> None:
    """Keep one row; the database refuses a second one that succeeds the same row."""
    record = row.record
    connection.execute(
        sharing_records.insert().values(
            id=record.id,
            owner=record.organisation,
            record_key=record.record_key,
            received_at=received_at,
            basis=BASIS,
            retention=RETENTION,
            kind=row.kind,
            purpose=purpose_of(record),
            happened_at=moment_of(record),
            body=msgspec.json.encode(record).decode(),
            sealed=row.sealed,
            succeeds=ends_of(record) or None,
            entry=row.entry,
        )
    )


def row_of(connection: sa.Connection, identity: str) -> Row | None:
    """Find one row by its id; None when there is none."""
    found = connection.execute(sa.select(sharing_records).where(sharing_records.c.id == identity)).first()
    return None if found is None else _row(found)


def is_succeeded(connection: sa.Connection, identity: str) -> bool:
    """Whether a row was withdrawn, ended or lifted by another one already."""
    found = sa.select(sharing_records.c.id).where(sharing_records.c.succeeds == identity)
    return connection.scalar(found) is not None


def rows_about(connection: sa.Connection, record_keys: Sequence[str], kinds: Iterable[str] = KINDS) -> list[Row]:
    """Every row of some kinds about some records, the oldest first."""
    table = sharing_records
    asked = sa.select(table).where(table.c.record_key.in_(record_keys), table.c.kind.in_(list(kinds)))
    return [_row(found) for found in connection.execute(asked.order_by(table.c.happened_at, table.c.entry))]


def consent_facts(
    connection: sa.Connection,
    record_keys: Sequence[str],
    purpose: str,
    record_type: str,
    recipient: str,
    now: datetime,
) -> dict[str, ConsentFacts]:
    """How consent, notices, overrides and suspected harm stand for one sharing, by record, in one query.

    Every record asked about is in the answer; at most 10,000 at once, so that one query can carry them.
    """
    found: dict[str, list[Kept]] = {key: [] for key in record_keys}
    for row in connection.execute(_ASKED, {"record_keys": list(record_keys), "purposes": [purpose, ""]}):
        found[row.record_key].append(_record(row.kind, row.body))
    topic = Topic(purpose, (record_type,), (recipient,))
    return {key: facts_from(records, topic, now) if records else _NOTHING for key, records in found.items()}


_NOTHING = ConsentFacts()
_ASKED = sa.select(sharing_records.c.record_key, sharing_records.c.kind, sharing_records.c.body).where(
    sharing_records.c.record_key.in_(sa.bindparam("record_keys", expanding=True)),
    sharing_records.c.kind.in_(("consent", "override", "notice", "harm")),
    sharing_records.c.purpose.in_(sa.bindparam("purposes", expanding=True)),
)
"""Built once: putting it together takes longer than running it."""


def _row(found: sa.Row[Any]) -> Row:
    return Row(_record(found.kind, found.body), found.kind, found.sealed, found.entry)


def _record(kind: str, body: str) -> Kept:
    return msgspec.json.decode(body, type=KINDS[kind])
