"""The index of the demonstration: a space that a council, a school and a health trust share under an agreement.

The town's records are loaded as a run of linking left them, and the children of whom more is kept arrive one by one,
so that searching, reviewing and taking apart can be tried on children of whom there is a history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from samechild.cli.demo_people import Cast
from samechild.cli.progress import Say
from samechild.index.actions import open_space
from samechild.index.identifying import identify
from samechild.index.loading import load
from samechild.index.records import Arrival, Space
from samechild.policy.agreement_actions import sign_agreement, write_agreement
from samechild.policy.records import Agreement, Rule
from samechild.records.disclosure import Effect, Mode
from samechild.storage import Store

SPACE = "fernshire"
MEMBERS = ("council", "school", "trust")
HOLDERS = {"education": "school", "health": "trust", "emergency": "trust"}
"""Whose the files of the town are taken to be, by a word of their name; the rest are the council's."""


def make_index(store: Store, cast: Cast, linked: Path, now: datetime, ends: datetime, say: Say) -> None:
    """Open the shared space under its agreements and load the first authority's records into it."""
    agreement = _agreements(store, cast, now, ends)
    officer = cast.people["data-quality"]
    members = tuple(cast.of(short) for short in MEMBERS)
    space = Space(space=SPACE, title="Fernshire: council, school and trust", members=members, agreement=agreement)
    open_space(store, officer, space, now)
    sources = sources_of(linked)
    first = {source for source in sources if source.split("_")[0] == min(sources).split("_")[0]}
    owners = {source: cast.of(holder_of(source)) for source in first}
    load(store, officer, linked, now, space=SPACE, owners=owners, only=first, progress=say)


def sources_of(linked: Path) -> list[str]:
    """The sources of a run of linking."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    column = pq.read_table(linked / "children.parquet", columns=["source"])["source"]
    return sorted(str(source) for source in pc.unique(column.cast("string")).to_pylist())


def holder_of(source: str) -> str:
    """Whose a file of the town is, as the demonstration has it."""
    return next((holder for word, holder in HOLDERS.items() if word in source), "council")


def arrive(
    store: Store, cast: Cast, organisation: str, known: Sequence[tuple[int, Mapping[str, str]]], now: datetime
) -> list[str]:
    """Let an organisation's children arrive in the shared space; returns each one's record key, in order."""
    them = [
        Arrival(
            owner=cast.of(organisation), source=f"{organisation} case system", record_id=str(1000 + number), given=given
        )
        for number, given in known
    ]
    found = identify(store, cast.people["data-quality"], them, now, space=SPACE)
    return [each.record_key for each in found]


def _agreements(store: Store, cast: Cast, now: datetime, ends: datetime) -> str:
    """One agreement that names the space and all its members, and what each lets the others see for it."""
    named = ""
    for owner in MEMBERS:
        rule = Rule(
            effect=Effect.ALLOW,
            exception=False,
            modes=(Mode.EXISTENCE, Mode.CONTENT),
            record_types=("personal.identity", "personal.address"),
            purposes=("linkage-quality",),
            powers=("CA2004-s10",),
            bases=("6(1)(e)",),
        )
        draft = Agreement(
            agreement="",
            version=0,
            owner=cast.of(owner),
            parties=tuple(cast.of(short) for short in MEMBERS),
            rules=(rule,),
            starts=now,
            ends=ends + timedelta(days=365),
        )
        made = write_agreement(store, cast.officer(owner), draft, "Knowing when we mean the same child", now)
        for party in MEMBERS:
            sign_agreement(store, cast.officer(party), made.agreement, made.version, now)
        named = named or made.agreement
    return named
