"""The demonstration, made and not served; and a town of one's own."""

from __future__ import annotations

import re
from pathlib import Path

from commands import files_of, read_rows, run


def test_the_demonstration_is_built_and_every_link_on_its_first_page_leads_somewhere(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    done = run("demo", "--children", "600", "--seed", "3", "--build-only", folder)
    assert done.code == 0, done.err
    assert "Against the truth" in done.out
    first = (folder / "index.html").read_text()
    links = re.findall(r'href="([^"]+)"', first)
    assert len(links) == 6
    assert all((folder / link).is_file() for link in links)
    assert "Precision" in (folder / "evaluation.html").read_text()
    assert 'href="index.html"' in (folder / "evaluation.html").read_text()
    assert run("demo", "--children", "600", "--build-only", folder).code == 3
    assert run("demo", "--children", "300", "--build-only", folder, "--force").code == 0


def test_a_town_of_ones_own(tmp_path: Path) -> None:
    town = tmp_path / "town"
    done = run("synth", town, "--children", "200", "--authorities", "1", "--seed", "4", "--harder", "--format", "csv")
    assert done.code == 0, done.err
    assert f"evaluate linked/ --truth {town / 'truth' / 'truth.csv'}" in done.out
    assert {path.suffix for path in files_of(town)} == {".csv"}
    assert {"source", "record_id", "true_child_id"} <= set(read_rows(town / "truth" / "truth.csv")[0])
    assert run("synth", town, "--children", "200").code == 3
    assert run("synth", town, "--children", "100", "--combined", "--force").code == 0
    assert [path.suffix for path in files_of(town)] == [".parquet"]
