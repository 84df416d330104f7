"""Settings: what is misspelt or contradicts itself is refused by name, and secrets go nowhere they should not."""

from __future__ import annotations

from pathlib import Path

import pytest

from clients.stand_in import CREDENTIALS
from samechild.collection.send.config import Config, credentials_of, read_config, read_env, surroundings
from samechild.errors import Invalid, Missing


def written(folder: Path, text: str) -> Path:
    path = folder / "submit.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_everything_has_a_default(tmp_path: Path) -> None:
    config = read_config(written(tmp_path, '[source]\nfolder = "x"\n'))
    assert (config.send.mode, config.send.batch, config.send.deletions) == ("delta", 100, "report")
    assert config.state == tmp_path / "submit-state.sqlite"
    assert config.key == tmp_path / "submit-state.sqlite.key"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[send]\nmod = 1", "mod"),
        ("[send]\nbatch = 101", "batch"),
        ("[send]\npause = -1", "pause"),
        ("[send]\nmost_deleted = 101", "most_deleted"),
        ('[send]\nmode = "some"', "mode"),
        ("[source]\nmonths = 0", "months"),
        ('[source]\ndatabase = "x"\nfolder = "y"', "database and a folder"),
        ('[source]\nkind = "ssd"', "neither"),
        ('[source]\nkind = "ssd"\nfolder = "x"\n[tables.children]\nfile = "y"', "tables"),
        ('[tables.children]\nfile = "x"\nquery = "y"', "one of file"),
        ('[tables.children]\nquery = "select 1"', "names none"),
        ("send = [", "TOML"),
    ],
)
def test_what_cannot_be_obeyed_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        read_config(written(tmp_path, text))


def test_no_settings(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="example"):
        read_config(tmp_path / "submit.toml")


def test_the_env_file_and_the_environment(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "# credentials\nAPI_ENDPOINT=https://a.example.org/1\nexport SCOPE = 'api://x'\n"
        'CLIENT_SECRET="a=b#c"\nLA_CODE=845  # ours\n',
        encoding="utf-8",
    )
    assert read_env(tmp_path / ".env") == {
        "API_ENDPOINT": "https://a.example.org/1",
        "SCOPE": "api://x",
        "CLIENT_SECRET": "a=b#c",
        "LA_CODE": "845",
    }
    found = surroundings(Config(folder=tmp_path), {"LA_CODE": "846"})
    assert found["LA_CODE"] == "846"
    assert read_env(tmp_path / "none") == {}


def test_credentials_do_not_print_and_what_is_absent_is_named() -> None:
    credentials = credentials_of(CREDENTIALS)
    assert credentials.address == "https://csc.example.org/receiver/1/children_social_care_data/845/children"
    assert "secret" not in repr(credentials)
    with pytest.raises(Invalid, match="SCOPE, SUPPLIER_KEY"):
        credentials_of({**CREDENTIALS, "SCOPE": " ", "SUPPLIER_KEY": ""})


@pytest.mark.parametrize(
    "address", ["http://csc.example.org/", "ftp://x", "csc.example.org", "https://u:p@x.example.org/"]
)
def test_secrets_go_only_where_they_are_encrypted(address: str) -> None:
    with pytest.raises(Invalid, match="https://"):
        credentials_of({**CREDENTIALS, "API_ENDPOINT": address})
    assert credentials_of({**CREDENTIALS, "API_ENDPOINT": "http://127.0.0.1:8000/1"})


def test_an_authority_has_three_digits() -> None:
    with pytest.raises(Invalid, match="three digits"):
        credentials_of({**CREDENTIALS, "LA_CODE": "84"})
