"""The documents of the governance pack, each written from what is configured.

What stands in a document is declared or recorded somewhere in this installation; where only people can say something
the document has a gap in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from samechild.policy.bases import bases, powers
from samechild.policy.governance.facts import (
    Configured,
    Document,
    Gap,
    Section,
    Table,
    in_force,
    names_of,
    purposes_used,
    shared_for,
    titles,
)
from samechild.policy.governance.written import day_words
from samechild.policy.people.organisations import is_active, kinds
from samechild.policy.people.rules import holds
from samechild.policy.purposes import purposes
from samechild.policy.retention.periods import Period, RetentionClass
from samechild.policy.roles import roles
from samechild.records.types import record_types


def documents(configured: Configured) -> list[Document]:
    """Write every document of the pack that needs no judgement; the others are drafts."""
    return [
        article_30(configured),
        agreement_schedule(configured),
        access_review(configured),
        retention_schedule(configured),
        legal_entries(configured),
        purposes_register(configured),
        registers(configured),
    ]


def article_30(configured: Configured) -> Document:
    """The record of processing activities (UK GDPR Article 30)."""
    name, names, now = "article-30-record", names_of(configured), configured.now
    rows = []
    for purpose in purposes_used(configured):
        shared = shared_for(configured, purpose.name)
        types = sorted({kind for each in shared for kind in each.record_types})
        rows.append(
            (
                purpose.title,
                purpose.words,
                titles(types) if shared else "the organisation's own records only",
                _listed(names.get(each.recipient, each.recipient) for each in shared) or "nobody",
                _listed(title_of(powers(), power) for each in shared for power in each.powers)
                or "not named in an agreement",
                _listed(title_of(bases(), basis) for each in shared for basis in each.bases)
                or "not named in an agreement",
                _listed(_kept(configured, kind) for kind in types) or "see the retention schedule",
            )
        )
    organisations = [
        (
            each.name,
            kinds()[each.kind].title,
            each.route.who if each.route else "",
            each.route.how if each.route else "",
        )
        for each in configured.organisations
        if is_active(each, now)
    ]
    return Document(
        name=name,
        title="Record of processing activities",
        law="UK GDPR Article 30",
        sections=(
            Section(
                "Controllers",
                ("Each organisation is the controller of the records in its own space.",),
                Table(
                    ("Organisation", "Kind", "Who decides", "How to reach them"), tuple(organisations), "controllers"
                ),
            ),
            Section(
                "What is done, and why",
                ("People whose records these are: children and young people, their parents and carers, and staff.",),
                Table(
                    ("Purpose", "In plain words", "Records", "Shared with", "Powers", "Lawful basis", "Kept"),
                    tuple(rows),
                    "processing-activities",
                ),
            ),
            Section(
                "Transfers outside the United Kingdom",
                ("The program itself sends no record abroad; what your hosting provider does is for you to say.",),
            ),
            Section("How it is protected", measures(configured)),
        ),
        gaps=(
            Gap(
                name, "The data protection officer of each controller is not known here.", "Write it in, with contact."
            ),
            Gap(name, "Where the servers are, and who runs them (processors), is not known here.", "Write it in."),
            *([] if rows else [Gap(name, "Nobody holds a role with a purpose yet.", "Give roles first.")]),
        ),
    )


def measures(configured: Configured) -> tuple[str, ...]:
    """The technical measures that are in place in this installation, and only those (Article 32)."""
    protection = configured.protection
    always = (
        "Names, numbers, addresses and received payloads are sealed with AES-256-GCM under a key of each child's own.",
        "Who a child is and what is known about the child lie in two databases under different keys.",
        "Every question, allowed or refused, is written into a signed, append-only ledger before anything is read; it "
        f"has {protection.ledger_size} entries, head {protection.ledger_head}.",
        "Roles are given with dates by an organisation's own access manager; those that see identity need two factors.",
    )
    found = (
        (protection.server, "The databases are on a server, with a database role for each part of the program."),
        (protection.encrypted, "The database files are encrypted as a whole (SQLCipher)."),
        (protection.own_sign_in, "People sign in through their organisation's own provider."),
        (protection.https, "The service is reached by https."),
        (protection.root_apart, "The root key is kept apart from the installation's folder."),
        (protection.witness_apart, "A witness on another disk receives the ledger's checkpoints."),
    )
    return (*always, *(words for holds_, words in found if holds_))


def agreement_schedule(configured: Configured) -> Document:
    """Every version of every agreement, who signed it, and its lines."""
    names = names_of(configured)
    versions, lines = [], []
    for standing in configured.agreements:
        agreement = standing.agreement
        versions.append(
            (
                standing.title,
                str(agreement.version),
                standing.state,
                names.get(agreement.owner, agreement.owner),
                _listed(names.get(party, party) for party in agreement.parties),
                _listed(names.get(party, party) for party in agreement.signed_by) or "nobody",
                day_words(agreement.starts.date()),
                day_words(agreement.ends.date()),
            )
        )
        lines += [
            (
                f"{standing.title}, version {agreement.version}",
                str(number),
                "exception" if line.exception else "default",
                line.effect.value,
                _listed(line.modes),
                titles(line.record_types),
                _listed((*line.sectors, *(names.get(each, each) for each in line.organisations))) or "any party",
                _listed(line.purposes) or "any",
                _listed(line.powers) or "any",
                _listed(line.bases) or "any",
                _listed(line.conditions) or "any",
                _listed(line.confidences) or "any",
                line.reason,
            )
            for number, line in enumerate(agreement.rules, start=1)
        ]
    return Document(
        name="agreement-schedule",
        title="Schedule of sharing agreements",
        law="UK GDPR Articles 5(2) and 26; ICO data sharing code of practice",
        sections=(
            Section(
                "Agreements",
                (f"{len(in_force(configured))} of {len(configured.agreements)} versions are in force.",),
                Table(
                    ("Agreement", "Version", "State", "Whose records", "Parties", "Signed by", "Starts", "Ends"),
                    tuple(versions),
                    "agreements",
                ),
            ),
            Section(
                "Lines",
                ("Exceptions are read first, in order, then defaults; what no line allows is refused.",),
                Table(
                    (
                        "Agreement",
                        "Line",
                        "Kind",
                        "Effect",
                        "Modes",
                        "Records",
                        "To",
                        "Purposes",
                        "Powers",
                        "Bases",
                        "Conditions",
                        "Confidence",
                        "Reason",
                    ),
                    tuple(lines),
                    "agreement-lines",
                ),
            ),
        ),
    )


def access_review(configured: Configured) -> Document:
    """Who holds which role since when, by opaque id, and what is due to be looked at again."""
    names, now = names_of(configured), configured.now
    rows = [
        (
            names.get(access.grant.organisation, access.grant.organisation),
            title_of(roles(), access.grant.role),
            access.grant.holder,
            f"{access.grant.valid_from:%Y-%m-%d}",
            f"{access.grant.valid_until:%Y-%m-%d}" if access.grant.valid_until else "no end",
            access.grant.granted_by,
            f"{access.last_reviewed:%Y-%m-%d}" if access.last_reviewed else "never",
            "due" if access.due else "",
        )
        for access in configured.access
        if holds(access.grant, now)
    ]
    endless = sum(row[4] == "no end" for row in rows)
    return Document(
        name="access-review",
        title="Access review",
        law="UK GDPR Articles 5(1)(f) and 32",
        sections=(
            Section(
                "Roles held now",
                ("People are shown by the id of their account; access managers see names on the access page.",),
                Table(
                    ("Organisation", "Role", "Account", "From", "Until", "Given by", "Last looked at", "Review"),
                    tuple(rows),
                    "access-review",
                ),
            ),
        ),
        gaps=(Gap("access-review", f"Roles without an end: {endless}.", "Give each an end date."),) if endless else (),
    )


def retention_schedule(configured: Configured) -> Document:
    """How long each class of record is kept, and where that is laid down."""
    rows = tuple(retention_row(each) for each in configured.schedule.values())
    local = sorted(each.name for each in configured.schedule.values() if not each.statutory and not each.follows)
    return Document(
        name="retention-schedule",
        title="Retention schedule",
        law="UK GDPR Article 5(1)(e)",
        sections=(Section("Classes", (), Table(("Class", "Kept", "Then", "Source"), rows, "retention-schedule")),),
        gaps=tuple(
            Gap("retention-schedule", f"The period of {each} is a local choice.", "Confirm it.") for each in local
        ),
    )


def legal_entries(configured: Configured) -> Document:
    """What was entered as in force in law, with instrument and dates."""
    rows = tuple(
        (
            each.name,
            each.source,
            day_words(each.in_force_from.date()),
            day_words(each.in_force_until.date()) if each.in_force_until else "no end",
        )
        for each in configured.entries
    )
    return Document(
        name="legal-entries",
        title="Law entered as in force",
        law="Children Act 2004 sections 16LA to 16LD",
        sections=(
            Section(
                "Entries",
                ("Section 16LC and the wider uses of the identifier are off until they stand here.",),
                Table(("What", "Instrument", "From", "Until"), rows, "legal-entries"),
            ),
        ),
    )


def purposes_register(configured: Configured) -> Document:
    """Every declared purpose, whether it is used here, and by which roles."""
    used = {each.name for each in purposes_used(configured)}
    rows = tuple(
        (
            each.title,
            each.words,
            "never" if each.forbidden else "yes" if each.name in used else "not here",
            _listed(role.title for role in roles().values() if each.name in role.purposes and not each.forbidden),
            "one child's own care" if each.individual else "many children's records",
        )
        for each in purposes().values()
    )
    return Document(
        name="purposes",
        title="Purposes",
        law="UK GDPR Article 5(1)(b)",
        sections=(
            Section(
                "Declared purposes",
                (),
                Table(("Purpose", "In plain words", "Used", "Roles", "About"), rows, "purposes"),
            ),
        ),
    )


def registers(configured: Configured) -> Document:
    """How many cases each register holds, how many are late, and how long the slowest took."""
    rows = tuple(
        (
            count.register.value,
            str(count.open),
            str(count.late),
            str(count.closed),
            f"{count.longest.total_seconds() / 3600:.1f} hours" if count.longest else "",
        )
        for count in configured.counts
    )
    kept = tuple((kind, str(number)) for kind, number in sorted(configured.sharing.items()))
    return Document(
        name="registers",
        title="Registers",
        law="UK GDPR Articles 12, 33 and 34; DPA 2018 section 164A",
        sections=(
            Section("Cases", (), Table(("Register", "Open", "Late", "Closed", "Longest to decide"), rows, "registers")),
            Section("Decisions about sharing", (), Table(("Kind", "Recorded"), kept, "sharing-records")),
        ),
    )


def period_words(kept: RetentionClass) -> str:
    """How long a class is kept, in words."""
    if kept.follows:
        return "as long as the record it belongs to"
    words = "; ".join(_period(period) for period in kept.after)
    died = "; ".join(_period(period) for period in kept.died_under_18)
    return f"{words}{f'; died under 18: {died}' if died else ''}"


def _period(period: Period) -> str:
    aged = f" if aged {period.aged} when closed" if period.aged is not None else ""
    return f"{period.years} years from {period.trigger.value.replace('-', ' ')}{aged}"


def retention_row(kept: RetentionClass) -> tuple[str, ...]:
    """A class of the schedule as a row of a table: name, period, what happens then, source."""
    then = "with that record" if kept.follows else "an officer decides" if kept.disposal == "review" else "destroyed"
    return kept.name, period_words(kept), then, kept.source


def _kept(configured: Configured, record_type: str) -> str:
    kind = record_types().get(record_type)
    kept = configured.schedule.get(kind.retention) if kind else None
    return f"{kept.name}: {period_words(kept)}" if kept else ""


def title_of(declared: Mapping[str, Any], name: str) -> str:
    """The title of something declared; its bare name when it is no longer declared."""
    return str(declared[name].title) if name in declared else name


def _listed(words: Iterable[str]) -> str:
    return "; ".join(sorted({str(word) for word in words if word}))
