"""Rows of many keys are asked for with one bound value, on every database, and found by its index."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from samechild.sql.among import among
from samechild.storage import Login
from stores import KINDS, a_store

NAMES = ["plain", "with ' quote", 'with " quote', "{a,b}", "back\\slash", "null", "", "Łódź 🧒", "[1]"]


def _table(connection: sa.Connection) -> sa.Table:
    table = sa.Table(
        "among_test",
        sa.MetaData(),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("more", sa.Text),
        prefixes=["TEMPORARY"],
    )
    table.create(connection)
    connection.execute(table.insert(), [{"name": name, "more": "x"} for name in NAMES])
    return table


@pytest.mark.parametrize("kind", KINDS)
def test_exactly_the_rows_of_the_given_keys_are_found_however_they_are_written(kind: str) -> None:
    with a_store(kind) as store, store.engines[Login.CONTENT].connect() as connection:
        table = _table(connection)

        def found(*names: str) -> set[str]:
            return set(connection.scalars(sa.select(table.c.name).where(among(table.c.name, names))))

        for name in NAMES:
            assert found(name) == {name}
        assert found() == set()
        assert found("no such") == set()
        assert found(*NAMES, *NAMES, "no such") == set(NAMES)
        assert found(*(f"n{number}" for number in range(100_000)), "plain") == {"plain"}


@pytest.mark.parametrize("kind", KINDS)
def test_it_stands_beside_other_conditions_and_can_be_turned_round(kind: str) -> None:
    with a_store(kind) as store, store.engines[Login.CONTENT].connect() as connection:
        table = _table(connection)
        some = among(table.c.name, ["plain", "null"])
        either = sa.select(table.c.name).where(table.c.more == "x", sa.or_(some, among(table.c.name, ["{a,b}"])))
        none = sa.select(table.c.name).where(sa.not_(some), table.c.more == "x")
        changed = connection.execute(table.update().where(some, table.c.more == "x").values(more="y")).rowcount

        assert set(connection.scalars(either)) == {"{a,b}"}  # of the others, ``more`` is changed
        assert set(connection.scalars(none)) == set(NAMES) - {"plain", "null"}
        assert changed == 2


def test_the_index_is_used() -> None:
    with a_store() as store, store.engines[Login.CONTENT].connect() as connection:
        table = _table(connection)
        asked = sa.select(table.c.more).where(among(table.c.name, ["plain", "null"]))
        written = str(asked.compile(connection, compile_kwargs={"render_postcompile": True}))
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {written}", ('["plain"]',)).fetchall()

        assert any("SEARCH among_test USING" in row[-1] for row in plan)
