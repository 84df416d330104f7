"""A small index for tests: an organisation that loads what a run of linking wrote, and records that arrive."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import gate
from asking import NOW
from commands import linked_town
from samechild.index.loading import Loaded, load
from samechild.index.records import Arrival
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store

OFFICER = Asker(user="dq", organisation="council", role="data-quality-officer", factors=2)
SYSTEM = Asker(user="sender", organisation="council", role="submitting-system", factors=2)
SCHOOL_OFFICER = Asker(user="dq-school", organisation="school", role="data-quality-officer", factors=2)


@cache
def a_small_folder(children: int = 120) -> Path:
    """Some of a linked town's children, with the model that the whole town taught: made once for each process."""
    town, folder = linked_town(), Path(tempfile.mkdtemp(prefix="samechild-small-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name in ("model.json", "model.extra.json", "run.json"):
        shutil.copy(town / name, folder / name)
    records = pq.read_table(town / "records.parquet")
    chosen = pa.array(sorted(set(records["child_id"].to_pylist()))[:children])
    pq.write_table(
        records.filter(pa.compute.is_in(records["child_id"].cast(pa.string()), chosen)), folder / "records.parquet"
    )
    return folder


def an_index(store: Store) -> Loaded:
    """Make a world with people who keep records together, and load the small town into the council's own space."""
    gate.a_world(store)
    with store.write(Login.GATE) as connection:
        for person in (OFFICER, SYSTEM, SCHOOL_OFFICER):
            gate.give(connection, person)
    return load(store, OFFICER, a_small_folder(), NOW)


def an_arrival(record_id: str = "1", **given: Any) -> Arrival:
    """A record that arrives: only what the test is about is stated."""
    usual = {
        "forename": "Zebedee",
        "surname": "Quillfeather",
        "date_of_birth": "2015-03-14",
        "sex": "M",
        "postcode": "ZZ99 3VZ",
    }
    own = {name: given.pop(name) for name in ("owner", "source", "changed_on", "signs") if name in given}
    values = {name: value for name, value in {**usual, **given}.items() if value}
    return Arrival(**{"owner": "council", "source": "case system", **own}, record_id=record_id, given=values)
