"""Every agency's records brought to one form, so that they can be compared at all.

What was given is kept beside what was made of it: nobody has to trust this step blindly, and a value that could not be
used is told (:class:`~samechild.records.Issue`), never dropped in silence. A column that holds something else than its
heading says, such as foreign postal codes, is kept as plain text rather than lost. :func:`standardise_one` does the
same for one record in plain Python and defines the right answer; :func:`standardise` does it for a million at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from samechild.demographics.birth_columns import birth_columns
from samechild.demographics.columns import Coded, encode, one_chunk, recode, to_arrow
from samechild.demographics.conventions import Convention, conventions_of
from samechild.demographics.name_columns import name_columns
from samechild.demographics.number_columns import identifier_columns
from samechild.demographics.one import BLANK, standardise_one
from samechild.demographics.place_columns import contact_columns, place_columns
from samechild.demographics.problems import mostly_unusable, tell
from samechild.demographics.sheet import Made, Sheet
from samechild.errors import Invalid
from samechild.records import GIVEN, fields

__all__ = ["Convention", "Standardised", "spell_out_lists", "standardise", "standardise_one"]

GROUP = "group_"
_TASKS: tuple[Callable[[Sheet], Made], ...] = (
    name_columns, identifier_columns, place_columns, birth_columns, contact_columns,
)  # fmt: skip


class Standardised(msgspec.Struct, frozen=True):
    """Records made comparable. ``table``: one row for each given row, in its order; ``problems``: columns of Issue."""

    table: pa.Table
    problems: pa.Table


def standardise(
    given: pa.Table,
    *,
    today: date,
    headings: Mapping[str, Mapping[str, str]] | None = None,
    date_orders: Mapping[str, str] | None = None,
) -> Standardised:
    """Make a table of agencies' records comparable, and list what could not be used.

    ``given`` has the columns source, record_id, row (1 is a file's first row of data) and any of the fields that
    :class:`~samechild.records.Record` declares as given, as text; columns beginning ``group_`` are passed through.
    ``headings`` names each source's own heading of a field, for the problems; ``date_orders`` says for sources where it
    is known whether dates are written day first (``dmy``) or month first (``mdy``), which is else seen from the
    column. The table has source, record_id, row,
    ``given_<field>`` and every standardised field that can be made; all fields are dictionary arrays (int32; distinct,
    non-null strings, or lists of strings), missing is a null index, and a row stays in its place.

    Raises :class:`~samechild.errors.Invalid` when a column is missing or is none of these.
    """
    _check_columns(given)
    declared = [name for name, field in fields().items() if field.given and name not in ("source", "record_id")]
    present = [name for name in declared if name in given.column_names]
    with ThreadPoolExecutor(2) as pool:
        coded = list(pool.map(encode, [given["source"], *(given[name] for name in present)]))
        kept = dict(zip(present, coded[1:], strict=True))
        usable = dict(zip(present, pool.map(_without_blanks, coded[1:]), strict=True))
        sheet = Sheet(coded[0], usable, conventions_of(coded[0], usable, today, date_orders or {}))
        done = list(pool.map(lambda task: task(sheet), _TASKS))
    made = {name: column for columns, _ in done for name, column in columns.items()}
    columns = {
        "source": to_arrow(coded[0]),
        "record_id": one_chunk(given["record_id"]).cast(pa.string()),
        "row": one_chunk(given["row"]).cast(pa.int32()),
    }
    columns |= {GIVEN + name: to_arrow(column) for name, column in kept.items()}
    columns |= {name: one_chunk(given[name]) for name in given.column_names if name.startswith(GROUP)}
    columns |= {name: to_arrow(made[name]) for name in fields() if name in made}
    row = np.asarray(columns["row"].to_numpy(zero_copy_only=False), dtype=np.int32)
    found = [one for _, all_found in done for one in all_found]
    found += mostly_unusable(found, coded[0], usable)
    problems = tell(found, coded[0], row, headings)
    return Standardised(pa.table(columns), problems)


def _check_columns(given: pa.Table) -> None:
    """Refuse a table without the three columns that say where a row comes from, or with a column nobody declared."""
    for name in ("source", "record_id", "row"):
        if name not in given.column_names:
            raise Invalid(f"The table of given records has no column {name}; read the files with samechild.files.")
    for name in given.column_names:
        known = name == "row" or name.startswith(GROUP) or (name in fields() and fields()[name].given)
        if not known:
            raise Invalid(f"The column {name} is not a field that can be given; see samechild.records.")


def _without_blanks(column: Coded) -> Coded:
    """The column with blanks (spaces only) missing."""
    blank = pc.equal(pc.utf8_trim(column.values, characters=BLANK), "")
    if not pc.any(blank).as_py():
        return column
    return recode(column, pc.if_else(blank, pa.scalar(None, pa.string()), column.values))


def spell_out_lists(table: pa.Table) -> pa.Table:
    """The table with its columns of several values (given_names, postcodes ...) as plain lists of text.

    Parquet and pandas cannot hold a dictionary of lists; call this before writing or handing over. Other columns stay.
    """
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type) and pa.types.is_list(field.type.value_type):
            column = one_chunk(table[place])
            table = table.set_column(place, field.name, column.dictionary.take(column.indices))
    return table
