"""Gathering what the governance pack is written from: agreements, roles, counts; never anything of a child."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from samechild.files.run_record import versions
from samechild.policy import ledger
from samechild.policy import store as tables
from samechild.policy.agreement_actions import standings
from samechild.policy.consent.store import sharing_records
from samechild.policy.governance import store as downtime_store
from samechild.policy.governance.downtime import card, unreachable
from samechild.policy.governance.facts import Access, Configured, Protection
from samechild.policy.governance.pack import pack
from samechild.policy.people import store as people_store
from samechild.policy.people.rules import is_due
from samechild.policy.registers.actions import counts
from samechild.policy.retention.periods import Schedule, schedule
from samechild.settings import Settings
from samechild.storage import Login, Store


def governance_pack(store: Store, settings: Settings, now: datetime, kept: Schedule | None = None) -> dict[str, bytes]:
    """Write the governance pack of an installation: file name to contents; ``kept`` is its own retention schedule."""
    configured = gather(store, settings, now, kept)
    with store.read(Login.GATE) as gate:
        numbers = downtime_store.numbers_kept(gate)
    return pack(configured, card(configured.organisations, numbers, now, now.date()))


def gather(store: Store, settings: Settings, now: datetime, kept: Schedule | None = None) -> Configured:
    """Gather everything the pack is written from, as it stands now."""
    agreements = standings(store, now)
    with store.read(Login.GATE) as gate:
        organisations = people_store.all_organisations(gate)
        access = [line for each in organisations for line in _access(gate, each.organisation, now)]
        missing = unreachable(organisations, downtime_store.numbers_kept(gate), now)
        sharing, notices = _sharing(gate)
        entries = tables.entries_kept(gate)
        shadows = [row.organisation for row in tables.shadow_kept(gate) if row.since <= now and _open(row.until, now)]
    return Configured(
        now=now,
        version=versions().get("samechild", ""),
        organisations=tuple(sorted(organisations, key=lambda each: each.name.lower())),
        agreements=tuple(agreements),
        entries=tuple(entries),
        access=tuple(access),
        schedule=schedule() if kept is None else kept,
        counts=tuple(counts(store, now)),
        sharing=sharing,
        notices=notices,
        unreachable=tuple(missing),
        shadows=tuple(sorted(set(shadows))),
        protection=_protection(store, settings),
    )


def _access(gate: sa.Connection, organisation: str, now: datetime) -> list[Access]:
    reviewed = people_store.last_reviewed(gate, organisation)
    return [
        Access(
            grant=grant,
            last_reviewed=reviewed.get(grant.grant_id),
            due=is_due(grant, reviewed.get(grant.grant_id), now),
        )
        for grant in people_store.grants_in(gate, organisation)
        if grant.ended_at is None and _open(grant.valid_until, now)
    ]


def _sharing(gate: sa.Connection) -> tuple[Mapping[str, int], frozenset[str]]:
    """How many rows about sharing there are by kind, and for which purposes notices were given."""
    table = sharing_records
    found: Counter[str] = Counter()
    notices: set[str] = set()
    asked = sa.select(table.c.kind, table.c.purpose, sa.func.count().label("rows")).group_by(
        table.c.kind, table.c.purpose
    )
    for kind, purpose, rows in gate.execute(asked):
        found[kind] += rows
        if kind == "notice":
            notices.add(purpose)
    return dict(found), frozenset(notices)


def _protection(store: Store, settings: Settings) -> Protection:
    head = ledger.head(store)
    return Protection(
        server=bool(settings.gate_url),
        encrypted=settings.encrypted,
        own_sign_in=bool(settings.sign_in),
        https=settings.public_url.startswith("https://"),
        witness_apart=_apart(store.home, settings.witness_folder),
        root_apart=_root_apart(settings),
        ledger_size=head.size,
        ledger_head=head.text,
    )


def _apart(home: Path, witness: Path) -> bool:
    """Whether two folders lie on different disks, as far as the operating system tells."""
    try:
        return home.stat().st_dev != witness.stat().st_dev
    except OSError:
        return False


def _root_apart(settings: Settings) -> bool:
    """Whether the root key is anywhere but in the home folder."""
    kind, _, where = settings.root_key.partition(":")
    return bool(kind) and (kind != "file" or not Path(where).resolve().is_relative_to(settings.home.resolve()))


def _open(until: datetime | None, now: datetime) -> bool:
    return until is None or now < until
