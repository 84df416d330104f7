"""The governance pack as files: a page and a Markdown text for each document, and a CSV for each table.

CSV cells that a spreadsheet would run as a formula are written so that it does not.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from samechild.files.write import harmless
from samechild.policy.governance.documents import documents
from samechild.policy.governance.drafts import drafts
from samechild.policy.governance.facts import Configured, Document, Gap, Table, gaps_of
from samechild.policy.governance.written import day_words, render

CARD = "downtime-card.html"


def pack(configured: Configured, card: str) -> dict[str, bytes]:
    """Write the whole pack: file name to contents.

    Args:
        configured: what the documents are written from.
        card: the downtime card, as a page.
    """
    them = [*documents(configured), *drafts(configured)]
    gaps = all_gaps(configured, them)
    found: dict[str, bytes] = {CARD: card.encode()}
    for document in them:
        values = {"document": document, "today": day_words(configured.now.date()), "version": configured.version}
        found[f"{document.name}.html"] = render("governance_document.html", **values).encode()
        found[f"{document.name}.md"] = markdown(document, day_words(configured.now.date())).encode()
        for section in document.sections:
            if section.table is not None and section.table.file:
                found[f"{section.table.file}.csv"] = csv_of(section.table)
    told = Table(("Document", "What is missing", "What to do"), tuple((g.document, g.words, g.todo) for g in gaps))
    found["gaps.csv"] = csv_of(told)
    found["index.html"] = render(
        "governance_index.html",
        documents=them,
        gaps=gaps,
        card=CARD,
        today=day_words(configured.now.date()),
        version=configured.version,
    ).encode()
    return found


def all_gaps(configured: Configured, them: Sequence[Document]) -> list[Gap]:
    """Every gap of the installation and of each document, once."""
    return sorted({*gaps_of(configured), *(gap for document in them for gap in document.gaps)})


def markdown(document: Document, today: str) -> str:
    """A document as Markdown, for an organisation's own template."""
    parts = [f"# {document.title}", f"{document.law}. Written from what was configured on {today}."]
    if document.draft:
        parts.append("**Draft: people must finish, check and sign it.**")
    for section in document.sections:
        parts += [f"## {section.heading}", *(_plain(words) for words in section.words)]
        if section.table is not None:
            parts.append(_markdown_table(section.table))
    if document.gaps:
        parts += ["## What is missing", "\n".join(f"- {_plain(gap.words)} {_plain(gap.todo)}" for gap in document.gaps)]
    return "\n\n".join(parts) + "\n"


def csv_of(table: Table) -> bytes:
    """A table as CSV, UTF-8 with a mark for Excel, formulas made harmless."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow(table.headings)
    writer.writerows([harmless(cell) for cell in row] for row in table.rows)
    return b"\xef\xbb\xbf" + written.getvalue().encode()


def _markdown_table(table: Table) -> str:
    if not table.rows:
        return "None."
    lines = [table.headings, tuple("---" for _ in table.headings), *table.rows]
    return "\n".join(f"| {' | '.join(_plain(cell).replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _plain(words: str) -> str:
    """Text that Markdown shows as it is: names people typed are no markup."""
    escaped = "".join(f"\\{each}" if each in "\\`*_[]<>#" else each for each in words)
    return " ".join(escaped.split())
