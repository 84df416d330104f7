"""``samechild submit`` as a council runs it at night: what it says, what it leaves, and how it ends."""

from __future__ import annotations

import json
import ssl
from pathlib import Path

import httpx
import pytest

from clients.stand_in import CREDENTIALS, StandIn
from commands import run
from dataset import dataset_of, write_csv_folder
from extracts import settings_for, write_extracts
from loopback import council, on_loopback
from samechild.town.social_care import children
from sending import records


def test_a_night(tmp_path: Path) -> None:
    made = records(120)
    made[5]["child_details"]["surname"] = "Canaryname"
    made[6]["child_details"]["sex"] = "FEMALE"
    files = write_extracts(made, tmp_path / "extracts")
    with on_loopback(StandIn()) as address:
        config = council(tmp_path, address, settings_for(files))
        assert run("submit", "test-endpoint", "--config", config).code == 0
        assert run("submit", "test-db", "--config", config).code == 0
        assert run("submit", "--config", config, "test-schema").code == 0
        done = run("submit", "--config", config)
        again = run("submit", "--config", config)
        status = run("submit", "status", "--config", config)
    assert done.code == 1, done.said  # one child is to be mended
    assert "kept" in done.out
    assert "119" in done.out
    assert "119" in next(line for line in again.out.splitlines() if line.startswith("unchanged"))
    assert "kept" in status.out
    reports = sorted((tmp_path / "submit-reports").iterdir())
    for told in (
        done.said,
        again.said,
        status.said,
        *(each.read_text("utf-8") for each in reports if each.suffix == ".json"),
    ):
        assert "Canaryname" not in told
        assert "C0006" not in told
        assert CREDENTIALS["CLIENT_SECRET"] not in told
    assert any("C0006" in each.read_text("utf-8-sig") for each in reports if each.suffix == ".csv")


def test_the_dataset_straight_to_the_service(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    write_csv_folder(dataset_of(children(40, 2, datetime.now(UTC).date())), tmp_path / "ssd-files")
    settings = run("submit", "example", "--source", "ssd").out.replace(
        'database = "env:SSD_DATABASE"', 'folder = "ssd-files"'
    )
    service = StandIn()
    with on_loopback(service) as address:
        done = run("submit", "--config", council(tmp_path, address, settings.replace("pause = 0.4", "pause = 0")))
    assert done.code == 0, done.said
    assert len(service.held) > 25


def test_a_dry_run_needs_no_credentials_and_leaves_only_its_folder(tmp_path: Path) -> None:
    files = write_extracts(records(3), tmp_path / "extracts")
    (tmp_path / "submit.toml").write_text(settings_for(files), encoding="utf-8")
    done = run("submit", "--config", tmp_path / "submit.toml", "--dry-run", "--out", tmp_path / "out")
    assert done.code == 0, done.said
    assert len(json.loads((tmp_path / "out" / "batch-00001.json").read_bytes())) == 3
    assert {path.name for path in tmp_path.iterdir()} == {"extracts", "submit.toml", "out"}
    assert run("submit", "--config", tmp_path / "submit.toml", "--dry-run", "--out", tmp_path / "out").code == 3


@pytest.mark.parametrize(("trouble", "code"), [(401, 3), (403, 3), (503, 6), (404, 2)])
def test_how_it_ends(tmp_path: Path, trouble: int, code: int) -> None:
    files = write_extracts(records(3), tmp_path / "extracts")
    refuses = StandIn(lambda service, request: httpx.Response(trouble) if request.content[:1] == b"[" else None)
    with on_loopback(refuses) as address:
        done = run("submit", "--config", council(tmp_path, address, settings_for(files, tries=1)))
    assert done.code == code, done.said
    assert "status" in done.message
    [report] = (tmp_path / "submit-reports").glob("*.json")
    assert json.loads(report.read_bytes())["stopped"]


def test_nobody_listens(tmp_path: Path) -> None:
    files = write_extracts(records(3), tmp_path / "extracts")
    config = council(tmp_path, "http://127.0.0.1:9", settings_for(files, tries=1))
    assert run("submit", "--config", config).code == 3
    tried = run("submit", "test-endpoint", "--config", config)
    assert (tried.code, "no connection" in tried.message) == (3, True)


def test_no_credentials_and_no_settings(tmp_path: Path) -> None:
    files = write_extracts(records(1), tmp_path / "extracts")
    (tmp_path / "submit.toml").write_text(settings_for(files), encoding="utf-8")
    done = run("submit", "--config", tmp_path / "submit.toml")
    assert (done.code, "API_ENDPOINT" in done.message) == (2, True)
    assert run("submit", "--config", tmp_path / "other.toml").code == 4
    assert run("submit", "status", "--config", tmp_path / "submit.toml").code == 4


def test_certificates_of_the_settings_are_read(tmp_path: Path) -> None:
    files = write_extracts(records(1), tmp_path / "extracts")
    config = council(tmp_path, "http://127.0.0.1:9", settings_for(files, certificates="authority.pem"))
    assert run("submit", "test-endpoint", "--config", config).code == 4
    (tmp_path / "authority.pem").write_text("not a certificate", encoding="utf-8")
    assert run("submit", "test-endpoint", "--config", config).code == 2
    assert ssl.create_default_context().verify_mode == ssl.CERT_REQUIRED


def test_the_examples_can_be_read(tmp_path: Path) -> None:
    from samechild.collection.send.config import read_config
    from samechild.collection.send.mapping import check_settings

    for source in ("tables", "ssd"):
        (tmp_path / "submit.toml").write_text(run("submit", "example", "--source", source).out, encoding="utf-8")
        config = read_config(tmp_path / "submit.toml")
        assert config.send.mode == "delta"
        if source == "tables":
            check_settings(config)


def test_a_source_is_checked_before_it_is_sent(tmp_path: Path) -> None:
    made = records(4)
    made[2]["child_details"]["date_of_birth"] = "2031-01-01"
    files = write_extracts(made, tmp_path / "extracts")
    (tmp_path / "submit.toml").write_text(settings_for(files), encoding="utf-8")
    done = run("check", tmp_path / "submit.toml", "--csv", tmp_path / "problems.csv")
    assert done.code == 1
    assert "4 children in 4 records" in done.out
    assert "CHD-03" in done.out
    assert "C0002" not in done.out
    assert "C0002" in (tmp_path / "problems.csv").read_text(encoding="utf-8-sig")
