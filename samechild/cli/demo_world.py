"""The installation of the demonstration: organisations, people, children, agreements and a few weeks' history.

Everything is done through the actions that pages and commands use, at made-up times in the order of time, so that the
ledger of the demonstration is a real one that can be checked. The same seed gives the same people, children and
history; keys and ids are drawn anew each time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random as Chance

import msgspec

from samechild.cli.demo_agreements import enter_made_up_law, make_agreements
from samechild.cli.demo_children import keep_children
from samechild.cli.demo_collection import children_held, sending
from samechild.cli.demo_history import (
    Scene,
    asked_at_the_council,
    asked_between,
    carry_out,
    marks,
    officer_looks,
    relationships,
    today,
)
from samechild.cli.demo_index import make_index
from samechild.cli.demo_papers import consents, hold, registers
from samechild.cli.demo_people import make_people, make_team
from samechild.cli.progress import Say, part
from samechild.cli.tables import all_tables
from samechild.keys.seal import Random
from samechild.policy import ledger
from samechild.policy.registers.actions import collect
from samechild.settings import Settings
from samechild.storage import open_store

BEGAN = 100
"""So many days ago the installation began: long enough for the access review to be due."""


class World(msgspec.Struct, frozen=True):
    """What was made: how many children's records and ledger entries, and the key of a record many asked about.

    ``collected`` counts the children whom councils sent night by night.
    """

    children: int
    records: int
    entries: int
    record_key: str
    collected: int = 0


def make_world(
    settings: Settings,
    known: Sequence[Mapping[str, str]],
    linked: Path,
    seed: int,
    now: datetime,
    random: Random,
    say: Say,
) -> World:
    """Make the whole installation in the home folder of the settings, which must not exist yet.

    Args:
        settings: where it goes; the ledger's witness goes beside it.
        known: who the children are, from :func:`samechild.cli.demo_children.identities`.
        linked: what linking the town's files wrote, for the index.
        seed: another number gives another history.
        now: the moment until which everything happens.
        random: where ids and secrets come from.
        say: hears how far it is.

    Raises:
        Refused: when there are real people in it.
        Unavailable: when it cannot be written.
    """
    began = (now - timedelta(days=BEGAN)).replace(hour=8, minute=0, second=0, microsecond=0)
    say("Making organisations and people", 0.0)
    store = open_store(settings, all_tables(), now=began, synchronous="OFF")  # nothing is lost that cannot be remade
    try:
        cast = make_people(store, settings, began, random)
        team = make_team(store, cast, began + timedelta(days=1), random)
        make_agreements(store, cast, began + timedelta(days=5), now - timedelta(days=10))
        enter_made_up_law(store, cast, began + timedelta(days=8), now + timedelta(days=120))
        make_index(store, cast, linked, began + timedelta(days=12), now, part(say, 0.1, 0.5))
        kept_at = began + timedelta(days=20)
        children = keep_children(store, cast, known, kept_at, Chance(seed), part(say, 0.5, 0.7))
        scene = Scene(store, cast, children, now, random)
        history = [relationships(scene, team), *marks(scene), *consents(scene), hold(scene), *registers(scene)]
        history += [*asked_at_the_council(scene), *asked_between(scene), *officer_looks(scene), *today(scene)]
        telling = part(say, 0.7, 1.0)
        with sending(scene, settings, linked, seed) as nights:
            carry_out([*history, *nights], lambda done, of: telling("Letting a few weeks pass", done / of))
        collect(store, now)
        return World(
            children=len(children),
            records=sum(len(child.keys) for child in children),
            entries=ledger.head(store).size,
            record_key=scene.key(0),
            collected=children_held(store),
        )
    finally:
        store.close()
