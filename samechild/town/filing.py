"""The files themselves: each agency's own headings, date forms, codes and file format, as analysts receive them."""

from __future__ import annotations

import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import xlsxwriter

from samechild.town.records import Town

MOST_FOR_A_WORKBOOK = 100_000
"""Towns of more children get social care as CSV: nobody opens so large a workbook."""


class Layout(msgspec.Struct, frozen=True):
    """How one kind of agency lays out its file: its headings by field, and its habits."""

    form: str
    headings: dict[str, str]
    date: str = "iso"  # iso, uk (31/12/2010), words (31 Dec 2010), day (a true date)
    sexes: tuple[str, str] = ("M", "F")
    capitals: bool = False
    encoding: str = "utf-8"


LAYOUTS = {
    "education": Layout(
        "csv",
        {
            "record_id": "Pupil ID", "upn": "UPN", "former_upn": "Former UPN", "uln": "ULN", "surname": "Legal Surname",
            "forename": "Legal Forename", "middle_names": "Middle Names", "known_as": "Preferred Forename",
            "former_surname": "Former Surname", "date_of_birth": "DOB", "sex": "Gender", "postcode": "Postcode",
            "uprn": "UPRN", "nhs_number": "NHS No", "la_child_id": "LA Child ID", "ethnicity": "Ethnicity",
            "area": "LA Code",
        },
        date="uk",
        encoding="utf-8-sig",
    ),
    "social_care": Layout(
        "xlsx",
        {
            "record_id": "Case ID", "la_child_id": "LA Child ID", "forename": "Forename",
            "middle_names": "Middle Name(s)",
            "known_as": "Known As", "surname": "Surname", "former_surname": "Previous Surname",
            "date_of_birth": "Date of Birth", "sex": "Gender", "postcode": "Post Code",
            "previous_postcode": "Previous Post Code", "uprn": "UPRN", "nhs_number": "NHS Number", "upn": "UPN",
            "former_upn": "Former UPN", "ethnicity": "Ethnicity Code", "area": "LA Code",
        },
        date="day",
        sexes=("Male", "Female"),
    ),
    "health": Layout(
        "parquet",
        {
            "record_id": "patient_id", "nhs_number": "nhs_number", "forename": "given_name",
            "middle_names": "other_given_names", "surname": "family_name", "former_surname": "previous_family_name",
            "date_of_birth": "birth_date", "sex": "sex", "birth_order": "birth_order", "postcode": "postcode",
            "previous_postcode": "previous_postcode", "uprn": "uprn", "ethnicity": "ethnicity", "area": "la_code",
        },
        date="day",
        sexes=("1", "2"),
    ),
    "early_years": Layout(
        "ndjson",
        {
            "record_id": "child_ref", "forename": "first_name", "middle_names": "middle_names", "known_as": "known_as",
            "surname": "last_name", "date_of_birth": "date_of_birth", "sex": "sex", "postcode": "post_code",
            "nhs_number": "nhs_no", "upn": "upn", "la_child_id": "la_child_id", "ethnicity": "ethnic_group",
        },
    ),
    "emergency": Layout(
        "csv",
        {
            "record_id": "Patient ID", "nhs_number": "NHS Number", "surname": "Surname", "forename": "Forename",
            "middle_names": "Middle Names", "date_of_birth": "Date of Birth", "sex": "Sex", "postcode": "Postcode",
            "ethnicity": "Ethnicity",
        },
        date="uk",
        capitals=True,
        encoding="cp1252",
    ),
    "youth_justice": Layout(
        "tsv",
        {
            "record_id": "Person ID", "surname": "Last Name", "forename": "First Name", "middle_names": "Middle Names",
            "date_of_birth": "DOB", "sex": "Sex", "postcode": "Postcode", "upn": "UPN", "uln": "ULN",
            "nhs_number": "NHS Number", "ethnicity": "Ethnicity",
        },
        date="words",
        sexes=("Male", "Female"),
        capitals=True,
    ),
}  # fmt: skip


def lay_out(records: Any, layout: Layout) -> Any:
    """The records as one agency would hand them over: its own headings, date form and codes."""
    columns: dict[str, Any] = {}
    for field, heading in layout.headings.items():
        column = records[field].combine_chunks()
        if field == "date_of_birth":
            column = _dates(column, layout.date)
        elif field == "sex":
            boy, girl = layout.sexes
            column = pc.if_else(pc.equal(column, "M"), boy, girl)
        elif layout.capitals and field in ("forename", "surname", "middle_names"):
            column = pc.utf8_upper(column)
        columns[heading] = column
    return pa.table(columns)


def _dates(column: Any, form: str) -> Any:
    if form == "iso":
        return column
    known = column.dictionary_encode()
    days = [datetime.date.fromisoformat(text) for text in known.dictionary.to_pylist()]
    if form == "day":
        return pa.array(days, pa.date32()).take(known.indices)
    pattern = "%d/%m/%Y" if form == "uk" else "%d %b %Y"
    return pa.array([day.strftime(pattern) for day in days], pa.string()).take(known.indices)


class _CsvFile:
    def __init__(self, path: Path, *, encoding: str = "utf-8", delimiter: str = ",") -> None:
        self._file = path.open("wb")
        self._encoding, self._delimiter, self._begun = encoding, delimiter, False

    def add(self, table: Any) -> None:
        options = pyarrow.csv.WriteOptions(
            include_header=not self._begun, delimiter=self._delimiter, quoting_style="needed"
        )
        sink = pa.BufferOutputStream()
        pyarrow.csv.write_csv(table, sink, options)
        written = sink.getvalue().to_pybytes()
        if self._encoding == "cp1252":
            written = written.decode("utf-8").encode("cp1252", "replace")
        elif self._encoding == "utf-8-sig" and not self._begun:
            self._file.write(b"\xef\xbb\xbf")
        self._file.write(written)
        self._begun = True

    def close(self) -> None:
        self._file.close()


class _ParquetFile:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: Any = None

    def add(self, table: Any) -> None:
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, table.schema, compression="zstd")
        self._writer.write_table(table)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


class _NdjsonFile:
    def __init__(self, path: Path) -> None:
        self._file, self._encoder = path.open("wb"), msgspec.json.Encoder()

    def add(self, table: Any) -> None:
        self._file.write(self._encoder.encode_lines(table.to_pylist()))

    def close(self) -> None:
        self._file.close()


class _Workbook:
    """One sheet, identifiers as text, dates as Excel dates."""

    def __init__(self, path: Path) -> None:
        self._book = xlsxwriter.Workbook(path, {"constant_memory": True, "strings_to_formulas": False})
        self._book.set_properties({"created": datetime.datetime(2025, 8, 31)})
        self._sheet = self._book.add_worksheet("Children")
        self._day = self._book.add_format({"num_format": "dd/mm/yyyy"})
        self._row = 0

    def add(self, table: Any) -> None:
        if not self._row:
            self._sheet.write_row(0, 0, table.column_names)
            self._row = 1
        for values in zip(*(column.to_pylist() for column in table.columns), strict=True):
            for place, value in enumerate(values):
                if isinstance(value, str):
                    self._sheet.write_string(self._row, place, value)
                elif value is not None:
                    self._sheet.write_datetime(self._row, place, value, self._day)
            self._row += 1

    def close(self) -> None:
        self._book.close()


Open = _CsvFile | _ParquetFile | _NdjsonFile | _Workbook


def _open(path: Path, encoding: str) -> Open:
    match path.suffix:
        case ".parquet":
            return _ParquetFile(path)
        case ".ndjson":
            return _NdjsonFile(path)
        case ".xlsx":
            return _Workbook(path)
        case ".tsv":
            return _CsvFile(path, encoding=encoding, delimiter="\t")
        case _:
            return _CsvFile(path, encoding=encoding)


class Filing:
    """The open files of a town being written; the truth goes into a folder of its own."""

    def __init__(self, out: Path, sources: list[str], children: int, *, form: str | None, combined: bool) -> None:
        self._out, self._filled = out, set[str]()
        truth = out / "truth"
        truth.mkdir(parents=True, exist_ok=True)
        self._truth = {part: _CsvFile(truth / f"{part}.csv") for part in ("truth", "never_link", "superseded")}
        self._files: dict[str, Open] = {}
        self._paths = {f"truth/{part}": truth / f"{part}.csv" for part in self._truth}
        if combined:
            self._paths[""] = out / "combined.parquet"
            self._files[""] = _open(self._paths[""], "utf-8")
        self._layouts = {} if combined else {source: LAYOUTS[source.split("_", 1)[1]] for source in sources}
        for source, layout in self._layouts.items():
            suffix = form or ("csv" if layout.form == "xlsx" and children > MOST_FOR_A_WORKBOOK else layout.form)
            self._paths[source] = out / f"{source}.{suffix}"
            self._files[source] = _open(self._paths[source], layout.encoding)

    def add(self, block: Town) -> None:
        """Write one block of the town."""
        for part, file in self._truth.items():
            file.add(getattr(block, part))
        if "" in self._files:
            self._files[""].add(block.records)
            return
        known = block.records["source"].combine_chunks().dictionary_encode()
        code = known.indices.to_numpy()
        order = {source: number for number, source in enumerate(known.dictionary.to_pylist())}
        for source, layout in self._layouts.items():
            rows = np.flatnonzero(code == order.get(source, -1))
            if len(rows):
                self._filled.add(source)
                self._files[source].add(lay_out(block.records.take(pa.array(rows)), layout))

    def __enter__(self) -> Filing:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in (*self._files.values(), *self._truth.values()):
            file.close()
        for source in set(self._layouts) - self._filled:  # an agency that knows nobody sends nothing
            self._paths.pop(source).unlink(missing_ok=True)

    @property
    def written(self) -> tuple[Path, ...]:
        """The files written, named from the town's folder."""
        return tuple(path.relative_to(self._out) for path in self._paths.values())
