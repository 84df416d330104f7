"""The root key: from where it comes, and everything that must not be taken for one."""

from __future__ import annotations

import base64
import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from samechild.errors import Conflict, Invalid, Missing, Unavailable
from samechild.keys import root as room
from samechild.keys.root import fingerprint, keep_folder, make_root_key, root_key

SECRET = bytes(range(1, 33))
posix_only = pytest.mark.skipif(os.name != "posix", reason="files have no such modes here")


def write(path: Path, text: str | bytes, mode: int = 0o600) -> str:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)
    return f"file:{path}"


def test_at_first_use_a_key_is_made_in_home_and_found_again(tmp_path: Path) -> None:
    home = tmp_path / "home"
    made = root_key("", home, os.urandom)
    assert root_key("", home) == root_key("", home, os.urandom) == made
    assert len(made) == 32
    if os.name == "posix":
        assert stat.S_IMODE((home / "root.key").stat().st_mode) == 0o600


def test_a_lost_key_is_never_quietly_replaced(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="root key is not at"):
        root_key("", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "written",
    [
        SECRET.hex(),
        SECRET.hex().upper() + "\r\n",
        base64.b64encode(SECRET).decode(),
        base64.b64encode(SECRET).decode().rstrip("="),
        base64.urlsafe_b64encode(SECRET).decode() + "\n",
    ],
)
def test_hexadecimal_and_base64_are_read(tmp_path: Path, written: str) -> None:
    assert root_key(write(tmp_path / "k", written), tmp_path) == SECRET


@pytest.mark.parametrize(
    "written",
    [
        "",
        "\n",
        "short",
        SECRET.hex()[:-2],
        SECRET.hex() + "00",
        "zz" * 32,
        b"\xff" * 64,
        SECRET,
        b"\x00" * 5000,
        "é" * 32,
    ],
)
def test_anything_else_is_refused_without_repeating_it(tmp_path: Path, written: str | bytes) -> None:
    with pytest.raises(Invalid, match="does not hold a root key") as told:
        root_key(write(tmp_path / "k", written), tmp_path)
    assert SECRET.hex()[:20] not in str(told.value)


@pytest.mark.parametrize("weak", ["00" * 32, "ab" * 32, "01" * 16 + "02" * 16])
def test_a_key_nobody_drew_at_random_is_refused(tmp_path: Path, weak: str) -> None:
    with pytest.raises(Invalid, match="not drawn at random"):
        root_key(write(tmp_path / "k", weak), tmp_path)


@posix_only
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777])
def test_a_file_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(Invalid, match="chmod 600"):
        root_key(write(tmp_path / "k", SECRET.hex(), mode), tmp_path)


def test_windows_has_no_such_modes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = write(tmp_path / "k", SECRET.hex(), 0o644)
    monkeypatch.setattr(os, "name", "nt")
    keep_folder(tmp_path / "not there")
    try:
        found = room._from_file(type(tmp_path)(where.removeprefix("file:")))
    finally:
        monkeypatch.undo()
    assert found == SECRET


def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(Unavailable, match="cannot be read"):
        root_key(f"file:{tmp_path}", tmp_path)


def test_the_environment_holds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_ROOT_KEY", SECRET.hex())
    assert root_key("env:A_ROOT_KEY", tmp_path) == SECRET
    monkeypatch.delenv("A_ROOT_KEY")
    with pytest.raises(Missing, match="A_ROOT_KEY"):
        root_key("env:A_ROOT_KEY", tmp_path)


def command(program: str) -> str:
    return f'command:"{sys.executable}" -c "{program}"'


def test_a_command_gives_it(tmp_path: Path) -> None:
    assert root_key(command(f"print('{SECRET.hex()}')"), tmp_path) == SECRET


def test_a_command_is_run_without_a_shell(tmp_path: Path) -> None:
    marker = tmp_path / "made"
    program = "import sys; print('ab' * 3 if len(sys.argv) == 1 else bytes(range(1, 33)).hex())"
    assert root_key(f"{command(program)} ; touch {marker}", tmp_path) == SECRET
    assert not marker.exists()


@pytest.mark.parametrize(
    ("where", "error", "words"),
    [
        (command("raise SystemExit(3)"), Unavailable, "ended with 3"),
        (command("print('secret-looking nonsense')"), Invalid, "does not hold a root key"),
        ("command:no-such-program-anywhere --give", Missing, "not installed"),
        ('command:"unfinished', Invalid, "quotation mark"),
        ("command:", Invalid, "file:PATH"),
        ("command:   ", Invalid, "file:PATH"),
        ("file:", Invalid, "file:PATH"),
        ("env:", Invalid, "file:PATH"),
        ("vault:somewhere", Invalid, "file:PATH"),
        (SECRET.hex(), Invalid, "file:PATH"),
        ("file:/no/such/place/at all", Missing, "not at"),
    ],
)
def test_what_cannot_give_a_key_says_why(tmp_path: Path, where: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words) as told:
        root_key(where, tmp_path)
    assert "nonsense" not in str(told.value)
    assert SECRET.hex() not in str(told.value)


def test_a_command_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PATIENCE", 0.2)
    with pytest.raises(Unavailable, match="did not answer"):
        root_key(command("import time; time.sleep(30)"), tmp_path)


def test_a_command_that_may_not_run_is_told(tmp_path: Path) -> None:
    with pytest.raises((Unavailable, Missing)):
        root_key(f"command:{tmp_path}", tmp_path)


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "root.key"
    path.write_text("something else", encoding="ascii")
    with pytest.raises(Conflict, match="never overwritten"):
        make_root_key(path, os.urandom)
    assert path.read_text(encoding="ascii") == "something else"


def test_where_nothing_can_be_made_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("", encoding="ascii")
    with pytest.raises(Unavailable, match="cannot be written"):
        make_root_key(tmp_path / "a file" / "root.key", os.urandom)


def test_a_full_disk_leaves_no_half_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match="No space left"):
        make_root_key(tmp_path / "root.key", os.urandom)
    assert list(tmp_path.iterdir()) == []


def test_fingerprints_tell_keys_apart_and_say_nothing_of_them() -> None:
    one, other = fingerprint(SECRET), fingerprint(SECRET[::-1])
    assert one != other
    assert len(one) == 16
    assert one not in SECRET.hex()


def test_whoever_opens_at_the_same_moment_never_reads_half_a_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        for turn in range(40):
            home = tmp_path / str(turn)
            read = list(pool.map(lambda _, at=home: root_key("", at, os.urandom), range(8)))
            assert len(set(read)) == 1
            assert [file.name for file in home.iterdir()] == ["root.key"]
