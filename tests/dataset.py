"""Children of the daily submission as tables of the Standard Safeguarding Dataset: what the demonstration writes."""

from __future__ import annotations

from samechild.cli.demo_extracts import Rows as Rows
from samechild.cli.demo_extracts import dataset_of as dataset_of
from samechild.cli.demo_extracts import write_csv_folder as write_csv_folder
from samechild.cli.demo_extracts import write_database as write_database
