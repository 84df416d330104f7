"""The records as Splink is given them: already cleaned by samechild, so that cleaning is not charged to Splink.

Both programs then compare the same values. Splink's ids are whole numbers, which it handles fastest; which record each
stands for is in a file of its own.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.towns import TownFolder
from samechild.demographics.standardise import standardise
from samechild.files.gather import gather
from samechild.files.read import read_files

NAMED = {
    "forename": "forename",
    "surname": "surname",
    "date_of_birth": "dob",
    "postcode": "postcode",
    "sex": "sex",
    "nhs_number": "nhs_number",
    "upn": "upn",
    "middle_names": "middle_names",
    "uln": "uln",
    "la_child_id": "la_child_id",
    "uprn": "uprn",
}
"""Standardised fields, and what they are called in Splink's input; the last four only its widest configuration uses."""


def cleaned(town: TownFolder, today: date) -> tuple[Path, Path]:
    """Write Splink's input beside a town, once: the records by number, and the source and record id of each number."""
    path, keys = (town.folder.with_name(f"{town.folder.name}.{name}.parquet") for name in ("cleaned", "keys"))
    given = gather(read_files([str(town.combined)]), source_column="source").given
    made = standardise(given, today=today).table
    number = pa.array(np.arange(made.num_rows, dtype=np.int64))
    columns = {"unique_id": number}
    held = {field: name for field, name in NAMED.items() if field in made.schema.names}
    columns |= {name: made[field].combine_chunks().cast(pa.string()) for field, name in held.items()}
    columns["dob"] = columns["dob"].cast(pa.date32())  # Splink compares dates faster than their text
    pq.write_table(pa.table(columns), path)
    texts = {name: made[name].cast(pa.string()) for name in ("source", "record_id")}
    pq.write_table(pa.table({"unique_id": number, **texts}), keys)
    return path, keys
