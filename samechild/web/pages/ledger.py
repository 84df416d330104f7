"""The ledger for an officer: its head, every entry and what it means, and proofs to keep.

An officer sees the entries in which their own organisation asks, owns or is a party; of others only that they are
there. The organisation that runs the installation sees all.
"""

from __future__ import annotations

from typing import Any

import msgspec

from samechild.errors import Invalid, Missing
from samechild.policy import ledger
from samechild.policy.decide import RULES
from samechild.policy.ledger.proofs import proof_file
from samechild.policy.shown import ledger_entry, ledger_page
from samechild.web.blocks import (
    Answer,
    Block,
    Cell,
    Code,
    Download,
    Heading,
    Link,
    Points,
    Pre,
    Questions,
    Redirect,
    Sheet,
    Summary,
    Table,
    Tag,
    Words,
    moment,
)
from samechild.web.forms import Field, Filled, Form, blank, read, wrong
from samechild.web.menu import OFFICERS
from samechild.web.routes import Page, Sent
from samechild.web.visits import Visit
from samechild.web.words import NOBODY_KNOWS, organisation_names, title, vocabulary

PART = "/ledger"
PAGE_LENGTH = 50
FIND = Form(button="Find", fields=(Field(name="entry", label="Number of an entry", kind="number", longest=12),))
_PARTIES = ("organisation", "by_organisation", "owner", "party", "voucher", "council")
_WORDS = {
    "type": "record_type",
    "purpose": "purpose",
    "power": "power",
    "basis": "basis",
    "condition": "condition",
    "confidence": "confidence",
    "role": "role",
}
_LABELS = {
    "action": "What was done",
    "agreement": "Agreement relied on",
    "allowed": "Allowed",
    "asked": "Asked at",
    "basis": "Lawful basis",
    "by": "By the user",
    "condition": "Condition",
    "confidence": "Duty of confidence",
    "decision": "Entry of the decision",
    "event": "What happened",
    "known": "The asker may know that there is something",
    "mode": "How much",
    "organisation": "Organisation",
    "owner": "Whose records",
    "power": "Power or duty",
    "purpose": "Purpose",
    "records": "Number of records",
    "role": "Role",
    "shown": "Number of records shown",
    "type": "Kind of record",
    "user": "User",
    "with": "On behalf of the user",
}
_KINDS = {
    "accept": "An officer accepted the state of the ledger",
    "access": "Access was changed",
    "agreement": "An agreement was written, signed or withdrawn",
    "approval": "A question was approved",
    "burden": "A council entered hours and money",
    "case": "A case was opened in a register",
    "case-step": "A step was taken in a case",
    "concern": "A step was taken in a concern about the daily collection",
    "consent": "A decision about sharing was recorded",
    "decision": "A question was decided",
    "erasure": "A child's record was erased",
    "feed": "A council's feed was opened, changed or closed",
    "downtime": "The downtime card was changed",
    "key": "A key was made or rotated",
    "law": "Law in force was entered",
    "letter": "A letter was released",
    "mark": "A mark was set or lifted",
    "message": "A message was dealt with",
    "outcome": "Something was shown",
    "relationship": "A relationship began or ended",
    "retention": "A hold or a review of what is kept",
    "shadow": "Shadow weeks were set",
    "sign-in": "Somebody signed in",
    "submission": "A council's system sent records",
}


def overview(visit: Visit) -> Answer:
    """The newest entries, or those before a number."""
    return _overview(visit, blank(FIND))


def _overview(visit: Visit, filled: Filled) -> Sheet:
    before = visit.asked.get("before", "")
    limit = int(before) if before.isascii() and before.isdigit() and len(before) < 16 else None
    found = ledger_page(visit.store, limit, PAGE_LENGTH)
    head = ledger.head(visit.store)
    rows = tuple(_line(visit, each) for each in found)
    blocks: list[Block] = [
        Words("Every decision stands here before anything is read, refusals too, and nobody can quietly change it."),
        Summary(
            (
                ("Number of entries", f"{head.size:,}"),
                ("Head", Code(head.text)),
                ("Signed at", moment(head.at) or "Not yet"),
            )
        ),
        Points((Link("Keep the signed checkpoint", "/ledger/checkpoint"),)),
        Questions(filled, "/ledger"),
        Table("Entries, newest first", ("Number", "When", "What"), rows),
    ]
    if found and found[-1].number > 0:
        blocks.append(Points((Link("Earlier entries", f"/ledger?before={found[-1].number}"),)))
    return Sheet(title="Ledger", blocks=tuple(blocks), wide=True, status=400 if filled.problems else 200)


def _line(visit: Visit, entry: ledger.Entry) -> tuple[Cell, ...]:
    what = _KINDS.get(entry.kind, entry.kind)
    if not _concerns(visit, entry):
        return (str(entry.number), moment(entry.at), "Another organisation's")
    if entry.kind == "decision":
        what += ": allowed" if entry.body.get("allowed") else ": refused"
    return (Link(str(entry.number), f"/ledger/entries/{entry.number}"), moment(entry.at), what)


def _concerns(visit: Visit, entry: ledger.Entry) -> bool:
    """Whether the reader's organisation takes part in an entry, or runs the installation.

    What was shown concerns those whom the decision before it concerns.
    """
    signed = visit.signed
    if signed is not None and signed.organisation.host:
        return True
    decision = entry.body.get("decision")
    if entry.kind == "outcome" and isinstance(decision, int):
        return decision < entry.number and _concerns(visit, ledger_entry(visit.store, decision))
    return visit.by.organisation in {entry.body.get(party) for party in _PARTIES}


def find(visit: Visit, sent: Sent) -> Answer:
    """Go to an entry by its number."""
    filled = read(FIND, sent)
    size = ledger.head(visit.store).size
    if not filled.problems and int(filled.one("entry")) >= size:  # and whatever else was typed gets into no address
        filled = wrong(filled, f"There are entries 0 to {size - 1}" if size else "There are no entries yet")
    if filled.problems:
        return _overview(visit, filled)
    return Redirect(to=f"/ledger/entries/{int(filled.one('entry'))}")


def _entry(visit: Visit) -> ledger.Entry:
    """The entry asked for.

    Raises:
        Missing: when there is none, or it is another organisation's.
    """
    text = visit.named["number"]
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise Invalid("The number of an entry is a whole number.")
    found = ledger_entry(visit.store, int(text))
    if not _concerns(visit, found):
        raise Missing("There is no entry of that number that your organisation takes part in.")
    return found


def one(visit: Visit) -> Answer:
    """One entry, explained."""
    entry = _entry(visit)
    names = organisation_names(visit.store)
    facts: list[tuple[str, Cell]] = [("When", moment(entry.at))]
    if entry.kind == "decision":
        allowed = bool(entry.body.get("allowed"))
        facts.append(("Decision", Tag("allowed", "green") if allowed else Tag("refused", "red")))
    facts += [
        (_LABELS[name], _told(name, value, names))
        for name, value in sorted(entry.body.items())
        if name in _LABELS and name != "allowed" and value not in ("", None, [], False)
    ]
    blocks: list[Block] = [Summary(tuple(facts))]
    rules = entry.body.get("rules") or []
    if rules:
        titles = {rule.name: rule for rule in RULES}
        rows = tuple(
            (
                str(each["rule"]),
                str(each["effect"]),
                titles[each["rule"]].title if each["rule"] in titles else "An agreement, or one's own organisation",
                titles[each["rule"]].source if each["rule"] in titles else "The sharing agreement",
            )
            for each in rules
        )
        blocks.append(Table("Rules that decided", ("Rule", "Effect", "What it asks", "Source"), rows))
    blocks += [
        Heading("Proof"),
        Words("The file proves to anybody with the public key that this entry stands in the ledger, unchanged."),
        Points((Link("Keep the proof", f"/ledger/entries/{entry.number}/proof"),)),
        Heading("The entry as it is kept"),
        Pre(_as_kept(entry), "The entry as it is kept"),
    ]
    return Sheet(
        title=f"Entry {entry.number}",
        above=_KINDS.get(entry.kind, entry.kind),
        blocks=tuple(blocks),
        back=Link("Ledger", "/ledger"),
        wide=True,
    )


def _told(name: str, value: Any, names: dict[str, str]) -> str:
    if name in ("organisation", "owner"):
        return names.get(str(value), NOBODY_KNOWS)
    if name in _WORDS:
        return title(vocabulary()[_WORDS[name]], str(value))
    return "yes" if value is True else str(value)


def _as_kept(entry: ledger.Entry) -> str:
    written = msgspec.json.encode(entry.body, order="sorted")
    return msgspec.json.format(written, indent=2).decode()


def proof(visit: Visit) -> Answer:
    """The proof of one entry, as a file."""
    entry = _entry(visit)
    content = proof_file(ledger.prove(visit.store, entry.number))
    return Download(name=f"entry-{entry.number}.proof.json", media="application/json", content=content)


def checkpoint(visit: Visit) -> Answer:
    """The signed checkpoint of the ledger as it is now, as a file."""
    head = ledger.head(visit.store)
    if not head.note:
        raise Missing("The ledger is empty: nothing has been signed yet.")
    return Download(name=f"checkpoint-{head.size}.txt", media="text/plain", content=head.note.encode())


PAGES = (
    Page(path="/ledger", who=OFFICERS, show=overview, do=find, part=PART),
    Page(path="/ledger/checkpoint", who=OFFICERS, show=checkpoint, part=PART),
    Page(path="/ledger/entries/{number}", who=OFFICERS, show=one, part=PART),
    Page(path="/ledger/entries/{number}/proof", who=OFFICERS, show=proof, part=PART),
)
