"""Distinctive names, dates and numbers are planted in the files; no screen, log, report, model or problem shows one.

What may hold values of records is said in the pages about results: the tables of records, children, pairs and links,
and the sheets for review. Everything else must be fit to send to a colleague who may not see the children.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from commands import Outcome, run, some_children, write_rows

CANARIES = {
    "forename": "Zyxquendola",
    "surname": "Vlöckenspiegel",
    "dob": "1987-11-23",
    "postcode": "JA7 6QT",
    "nhs_number": "9998887776",
    "upn": "Q998877665544",
    "address": "Canaryfield Cottage",
}
MAY_HOLD_RECORDS = {
    "children.csv", "children.parquet", "children.xlsx", "links.parquet", "pairs.parquet", "records.parquet",
    "review.csv", "review.xlsx",
}  # fmt: skip
PIECES = ("zyxquendola", "vlöckenspiegel", "vlockenspiegel", "1987-11-23", "23/11/1987", "ja7 6qt", "ja76qt",
          "9998887776", "998 888 7776", "q998877665544", "canaryfield", "wrong-canary")  # fmt: skip


def birds_in(text: str) -> list[str]:
    """The canaries a text holds."""
    return [piece for piece in PIECES if piece in text.lower()]


def planted(folder: Path) -> tuple[Path, Path]:
    """Two files with one distinctive child, some of whose values are wrong."""
    rows = [dict(child, upn="", address="") for child in some_children()]
    rows += [{"id": f"x{number}", "sex": "F"} | CANARIES for number in range(3)]
    rows += [
        {"id": "x8", "sex": "Q wrong-canary"} | CANARIES | {"dob": "31/02/1987 wrong-canary", "upn": "wrong-canary"}
    ]
    headings = ["id", "forename", "surname", "dob", "sex", "postcode", "nhs_number", "upn", "address"]
    one = write_rows(folder / "one.csv", rows, headings)
    two = write_rows(folder / "two.csv", [dict(row, id="t" + row["id"]) for row in rows], headings)
    return one, two


def nothing_said(done: Outcome, code: int | None = None) -> None:
    assert birds_in(done.said) == [], done.said
    if code is not None:
        assert done.code == code, done


def test_a_whole_run_shows_nobody(tmp_path: Path) -> None:
    out = tmp_path / "linked"
    files = planted(tmp_path)
    nothing_said(run("check", *files))
    nothing_said(run("link", *files, "--out", out), 0)
    shown = [path for path in out.iterdir() if path.name not in MAY_HOLD_RECORDS]
    assert {"problems.csv", "run.json", "model.json", "model.extra.json", "report.html"} <= {
        path.name for path in shown
    }
    for path in shown:
        assert birds_in(path.read_text(encoding="utf-8-sig")) == [], path.name
    assert birds_in((out / "children.csv").read_text(encoding="utf-8-sig")) == []
    assert birds_in((out / "records.parquet").read_bytes().decode("latin-1")) != []
    nothing_said(run("report", out, "--out", tmp_path / "again.html"), 0)
    assert birds_in((tmp_path / "again.html").read_text()) == []


HEAD = "id,forename,surname,dob,upn\n"
LINE = "1,Zyxquendola,Vlöckenspiegel,1987-11-23,Q998877665544\n"
PAIR = "source_a,record_a,source_b,record_b"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("ragged.csv", HEAD + LINE.strip() + ",Canaryfield,9998887776\n"),
        ("quote.csv", HEAD + '1,"Zyxquendola,Vlöckenspiegel\n'),
        ("headless.csv", LINE * 3),
        ("nul.csv", HEAD + LINE.replace("quen", "qu\0en")),
        ("long.csv", HEAD + LINE.strip() + "Canaryfield" * (1 << 20) + "\n"),
        ("nested.json", '[{"id": 1, "forename": {"first": "Zyxquendola"}}]'),
        ("broken.json", '[{"id": 1, "forename": "Zyxquendola"'),
        ("broken.ndjson", '{"id": 1, "forename": "Zyxquendola"}\n{"id": 2, "forename": "Zyxquendola\n'),
    ],
)
@pytest.mark.parametrize("command", ["check", "link"])
def test_a_bad_file_is_told_of_without_its_values(tmp_path: Path, name: str, content: str, command: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    more = ("--out", tmp_path / "l", "--no-excel", "--no-report") if command == "link" else ()
    nothing_said(run(command, tmp_path / name, *more))


@pytest.mark.parametrize(
    ("option", "content"),
    [
        ("--decisions", f"{PAIR},answer\none,x1,two,tx1,Zyxquendola\n"),
        ("--decisions", f"{PAIR},answer\none,wrong-canary,two,,same\n"),
        ("--decisions", f"{PAIR},answer\none,wrong-canary,two,tx1,same\ntwo,tx1,one,wrong-canary,different\n"),
        ("--decisions", f"{PAIR},answer\nwrong-canary,1,wrong-canary,2,same\n"),
        ("--never-link", f"{PAIR}\none,wrong-canary,two,\n"),
        ("--never-link", f"{PAIR}\none,wrong-canary,two,tx1\n"),
        ("--superseded", "old,new\n9998887776,9998887775\n"),
        ("--map", '[[file]]\nfile = "one.csv"\nsource = 1987-11-23\n'),
        ("--model", '{"comparisons": "Zyxquendola"}'),
    ],
)
def test_a_bad_list_is_told_of_without_its_values(tmp_path: Path, option: str, content: str) -> None:
    given = tmp_path / ("list" + {"--map": ".toml", "--model": ".json"}.get(option, ".csv"))
    given.write_text(content)
    nothing_said(run("link", *planted(tmp_path), "--out", tmp_path / "l", "--no-excel", "--no-report", option, given))


def test_canaries_are_noticed() -> None:
    assert birds_in("Dear Zyxquendola, born 23/11/1987") == ["zyxquendola", "23/11/1987"]
