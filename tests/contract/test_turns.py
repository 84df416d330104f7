"""Work that only one may be at: the second is told at once, and the first keeps its turn however long it takes."""

from __future__ import annotations

import time
from typing import Any

import pytest
import sqlalchemy as sa

from samechild.storage import Login
from samechild.storage.turns import turn
from stores import a_store


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_one_at_a_time_and_the_next_when_it_is_done(kind: str) -> None:
    with a_store(kind) as store:
        with turn(store, Login.CONTENT, "work") as mine, turn(store, Login.CONTENT, "work") as too:
            assert (mine, too) == (True, False)
            with turn(store, Login.CONTENT, "other work") as other:
                assert other
        with turn(store, Login.CONTENT, "work") as again:
            assert again


def test_a_server_that_ends_idle_transactions_does_not_take_the_turn_away() -> None:
    with a_store("postgres") as store:
        engine = store.engines[Login.CONTENT]

        @sa.event.listens_for(engine, "connect")
        def impatient(connection: Any, record: object) -> None:
            connection.execute("SET idle_in_transaction_session_timeout = '100ms'")
            connection.commit()

        engine.dispose()
        with turn(store, Login.CONTENT, "long work") as mine:
            time.sleep(0.5)
            with turn(store, Login.CONTENT, "long work") as too:
                assert (mine, too) == (True, False)
