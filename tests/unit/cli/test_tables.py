"""No room's tables are forgotten, and each says whose it is."""

from __future__ import annotations

import importlib
import re

import sqlalchemy as sa

from project import PACKAGE, modules
from samechild.cli.tables import all_tables
from samechild.sql.columns import kept_columns
from samechild.storage import Database, schema
from samechild.storage.guards import guard_of


def declared_anywhere() -> list[sa.MetaData]:
    """Every MetaData that stands in some module of the package."""
    found: list[sa.MetaData] = []
    for path in modules():
        if re.search(r"\bMetaData\(", path.read_text(encoding="utf-8")):
            name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
            values = vars(importlib.import_module(name)).values()
            found += [value for value in values if isinstance(value, sa.MetaData) and value not in found]
    return found


def test_every_declared_table_is_collected() -> None:
    collected = {id(declared) for declared in all_tables()}
    assert [sorted(each.tables) for each in declared_anywhere() if id(each) not in collected] == []
    assert len(collected) == len(all_tables())


def test_every_table_lives_in_one_database_under_a_name_of_its_own() -> None:
    names = [name for declared in all_tables() for name in declared.tables]
    assert len(names) == len(set(names))
    assert {declared.info["database"] for declared in all_tables()} == set(Database)


def test_rows_of_an_organisations_space_carry_the_five_columns() -> None:
    kept = {column.name for column in kept_columns()}
    for database in Database:
        for table in schema.tables_in(database, all_tables()):
            guard_of(database, table)
            if table.info.get("owned"):
                wanted = kept if "record_key" in table.columns else {"owner"}  # one about no record has an owner
                assert wanted <= set(table.columns.keys()), table.name
            if database is not Database.GATE and "record_key" in table.columns:
                assert table.info.get("owned"), table.name
