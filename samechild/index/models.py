"""The linkage model a space uses, kept sealed: it knows how common names are here.

Models are read and written in Splink's settings format with what Splink has no word for beside it, as everywhere.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from os import urandom

import msgspec
import sqlalchemy as sa

from samechild.errors import Missing
from samechild.index import store as tables
from samechild.index.planned import Planned
from samechild.index.records import Kind
from samechild.index.writing import Draft, write
from samechild.keys.register import Purpose
from samechild.keys.seal import place
from samechild.linkage.frequencies import Frequencies, read_frequencies, write_frequencies
from samechild.linkage.model import Model
from samechild.linkage.model_extra import read_extra, write_extra
from samechild.linkage.splink_settings import read_settings, write_settings
from samechild.storage import Login, Store

Trained = tuple[Model, dict[str, Frequencies]]


def keep_model(store: Store, space: str, model: Model, frequencies: Mapping[str, Frequencies], now: datetime) -> None:
    """Let a space use a trained model from now on; what was decided by the former one stands.

    An event says so, by which every program that holds the space in memory learns of it.

    Raises:
        Missing: when there is no such space.
    """
    written = {
        "settings": write_settings(model),
        "extra": write_extra(model) | {"frequencies": write_frequencies(frequencies)},
    }
    packed = zlib.compress(msgspec.json.encode(written), 6)
    sealed = store.keys.seal(Purpose.GATE, packed, place("index_spaces", "model", space), urandom)
    with store.write(Login.INDEX) as connection:
        tables.hold(connection)
        if tables.head(connection, space) is None:
            raise Missing("There is no such index space.")
        tables.keep_model(connection, space, sealed)
        why = {"model": sha256(packed).hexdigest()[:16]}
        write(connection, space, [Draft(planned=Planned(Kind.CHANGE, "", "", ()), why=why)], {}, now)


def model_in(store: Store, space: str) -> Trained | None:
    """The model a space uses; None when it has none yet."""
    with store.read(Login.INDEX) as connection:
        return opened_model(store, connection, space)


def opened_model(store: Store, connection: sa.Connection, space: str) -> Trained | None:
    """The model a space uses, read in the caller's transaction."""
    head = tables.head(connection, space)
    if head is None or not head[1]:
        return None
    packed = store.keys.unseal(Purpose.GATE, head[1], place("index_spaces", "model", space))
    written = msgspec.json.decode(zlib.decompress(packed))
    model = read_extra(read_settings(written["settings"], "index"), written["extra"])
    return model, read_frequencies(written["extra"]["frequencies"])
