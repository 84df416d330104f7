"""Tables as files to keep: CSV or an Excel workbook, in which no cell can run."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow as pa

from samechild.files.write import write_csv
from samechild.files.write_workbook import write_workbook
from samechild.web.blocks import Download
from samechild.web.forms import Choice, Field, Form

_MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

AS_FILE = Form(
    button="Download",
    fields=(
        Field(
            name="format",
            label="As which file?",
            kind="choice",
            choices=(Choice("xlsx", "Excel workbook"), Choice("csv", "CSV, which Excel opens as well")),
            missing="Say as which file",
        ),
    ),
)
"""Asks as which file."""


def as_file(table: pa.Table, kind: str, name: str, sheet: str) -> Download:
    """A table of text as a CSV file or an Excel workbook (``csv`` or ``xlsx``); ``name`` is without its ending."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.{kind}"
        if kind == "csv":
            write_csv(table, path)
        else:
            write_workbook(table, path, sheet=sheet)
        return Download(name=path.name, media=_MEDIA[kind], content=path.read_bytes())
