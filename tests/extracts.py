"""Children of the daily submission as the flat extracts of a council, for tests of what sends them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from samechild.files.write_workbook import write_workbook

Rows = dict[str, list[dict[str, Any]]]


def extracts_of(children: Iterable[Mapping[str, Any]]) -> Rows:
    """One table for each list, under the names of the specification's fields."""
    rows: Rows = {}

    def add(table: str, thing: Mapping[str, Any], **keys: Any) -> None:
        plain = {name: value for name, value in thing.items() if not isinstance(value, list | dict)}
        rows.setdefault(table, []).append({**keys, **plain})

    for child in children:
        own = child["la_child_id"]
        details = child.get("child_details", {})
        codes = {"disabilities": ";".join(details["disabilities"])} if "disabilities" in details else {}
        add("children", {**child, **details, **codes})
        for each in child.get("health_and_wellbeing", {}).get("sdq_assessments", []):
            add("sdq_assessments", each, la_child_id=own)
        for episode in child.get("social_care_episodes", []):
            add("social_care_episodes", episode, la_child_id=own)
            keys = {"la_child_id": own, "social_care_episode_id": episode["social_care_episode_id"]}
            for name, value in episode.items():
                if isinstance(value, dict):
                    add(name, value, **keys)
                for item in value if isinstance(value, list) else []:
                    add(name, item, **keys)
                    for code in item.get("factors", []):
                        name_of = "child_and_family_assessment_id"
                        rows.setdefault("factors", []).append({**keys, name_of: item[name_of], "code": code})
    return rows


def write_extracts(children: Iterable[Mapping[str, Any]], folder: Path, form: str = "csv") -> dict[str, str]:
    """Write a file for each table; returns table to file."""
    folder.mkdir(exist_ok=True)
    written = {}
    for name, rows in extracts_of(children).items():
        columns = list(dict.fromkeys(column for row in rows for column in row))
        path = folder / f"{name}.{form}"
        if form == "csv":
            with path.open("w", encoding="utf-8", newline="") as file:
                lines = csv.DictWriter(file, columns)
                lines.writeheader()
                lines.writerows(rows)
        else:
            table = pa.table({name: pa.array([_text(row.get(name)) for row in rows], pa.string()) for name in columns})
            pq.write_table(table, path) if form == "parquet" else write_workbook(table, path)
        written[name] = path.name
    return written


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def settings_for(files: Mapping[str, str], **send: Any) -> str:
    """A submit.toml for these files, in the folder ``extracts``."""
    lines = ["[send]", "pause = 0.0", *(f"{name} = {_toml(value)}" for name, value in send.items())]
    lines += ["[source]", 'folder = "extracts"']
    for name, file in files.items():
        lines += [f"[tables.{name}]", f'file = "{file}"']
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)
