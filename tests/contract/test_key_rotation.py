"""Rotating keys of a whole installation, also from the command line and killed half way: nothing is ever lost."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from os import urandom
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from asking import NOW
from gate import WORKER, a_child, a_world, involve, own_ask
from samechild.cli.keys import keys as command
from samechild.cli.tables import all_tables
from samechild.errors import Conflict, Invalid, Missing, SamechildError, Unavailable
from samechild.keys import rotation
from samechild.keys import store as key_store
from samechild.keys.register import Purpose, State
from samechild.keys.root import make_root_key, root_key
from samechild.keys.seal import project
from samechild.policy import ledger
from samechild.policy import rotation as room
from samechild.policy.ledger.check import verify
from samechild.policy.rotation import new_project_key, rotate, rotate_root
from samechild.policy.vault_actions import read_record
from samechild.settings import Settings
from samechild.storage import Login, Store, cipher, open_store
from stores import KINDS, an_installation, reopen


class Killed(BaseException):
    """The program ends here."""


class Place:
    """An installation with a child in it, which may be opened again and again."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.time = settings, NOW
        self.store = reopen(settings)
        a_world(self.store)
        self.children = [a_child(self.store) for _ in range(3)]
        for child in self.children:
            involve(self.store, child, WORKER)
        self.references = [set(ledger.references_to(self.store, child)) for child in self.children]

    def now(self) -> Any:
        """The time: a minute later whenever asked."""
        self.time += timedelta(minutes=1)
        return self.time

    def again(self, settings: Settings | None = None) -> Store:
        """Start again, perhaps with other settings."""
        self.store.close()
        self.settings = settings or self.settings
        self.store = reopen(self.settings)
        return self.store

    def is_whole(self) -> None:
        """Every child is read, every reference still found, and the ledger verifies."""
        for child, before in zip(self.children, self.references, strict=True):
            assert read_record(self.store, own_ask(child, now=self.now()))[0].plain == b"an episode"
            assert before <= set(ledger.references_to(self.store, child))
        assert verify(self.store) == []

    def lines(self, purpose: str) -> list[tuple[int, State, bool]]:
        """Versions, states, and whether a wrapped key is there, of one purpose."""
        with self.store.read(Login.GATE) as gate:
            kept = key_store.wrapped_keys(gate)
        return [(line.version, line.state, bool(line.wrapped)) for line in kept if line.purpose == purpose]


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    with an_installation(request.param) as settings:
        made = Place(settings)
        yield made
        made.store.close()


@pytest.fixture
def small() -> Iterator[Place]:
    with an_installation("sqlite") as settings:
        made = Place(settings)
        yield made
        made.store.close()


GONE = [(1, State.RETIRED, False), (2, State.CURRENT, True)]
STAYS = [(1, State.FORMER, True), (2, State.CURRENT, True)]


@pytest.mark.parametrize("purpose", Purpose)
def test_every_key_can_be_rotated(place: Place, purpose: Purpose) -> None:
    told: list[int] = []
    done = rotate(place.store, purpose, "operator", place.now(), urandom, told.append)
    wraps = purpose in (Purpose.IDENTITY, Purpose.CONTENT, Purpose.LEDGER_REFERENCES)
    goes = purpose not in (Purpose.LEDGER_REFERENCES, Purpose.LOOKUPS, Purpose.GATE)
    assert (done.version, done.rewrapped, done.retired, done.resumed) == (2, 3 * wraps, (1,) * goes, False)
    assert told == [3] * wraps
    assert place.lines(purpose) == (GONE if goes else STAYS)
    place.is_whole()
    place.again()
    place.is_whole()
    with place.store.read(Login.GATE) as gate:
        entries = ledger.entries(gate, kind="key")
    said = [entry.body.get("stage", "announced") for entry in reversed(entries)]
    assert said == ["announced"] * (purpose == Purpose.LEDGER_SIGNING) + ["begun", "finished"]


def test_a_program_that_runs_meanwhile_goes_on(place: Place) -> None:
    running = reopen(place.settings)
    assert read_record(running, own_ask(place.children[0], now=place.now()))
    for purpose in Purpose:
        rotate(place.store, purpose, "operator", place.now(), urandom)
    for child in place.children:
        assert read_record(running, own_ask(child, now=place.now()))[0].plain == b"an episode"
    a_child(running)
    assert verify(place.store) == []
    running.close()


def killed_at(true: Callable[..., Any], times: int, after: bool) -> Callable[..., Any]:
    """The same function, but the program ends before or after it is called for the last time."""
    left = [times]

    def either(*args: Any, **more: Any) -> Any:
        left[0] -= 1
        if left[0] == 0 and not after:
            raise Killed
        result = true(*args, **more)
        if left[0] == 0:
            raise Killed
        return result

    return either


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("where", "name", "times"),
    [
        (room, "append", 1),
        (rotation, "begin", 1),
        (rotation, "rewrap", 1),
        (rotation, "rewrap", 2),
        (rotation, "rewrap", 4),
        (room, "append", 2),
        (rotation, "retire", 1),
        (room, "overwrite_freed", 1),
    ],
)
def test_a_rotation_killed_anywhere_is_finished_by_the_same_command(
    small: Place, monkeypatch: pytest.MonkeyPatch, where: Any, name: str, times: int, after: bool
) -> None:
    true: Any = rotation.rewrap
    monkeypatch.setattr(rotation, "rewrap", lambda *args: true(*args, limit=1))
    monkeypatch.setattr(where, name, killed_at(getattr(where, name), times, after))
    with pytest.raises(Killed):
        rotate(small.store, Purpose.CONTENT, "operator", small.now(), urandom)
    monkeypatch.undo()
    small.again()
    small.is_whole()
    done = rotate(small.store, Purpose.CONTENT, "operator", small.now(), urandom)
    small.is_whole()
    assert not any(state is State.FORMER for _, state, _ in small.lines(Purpose.CONTENT))
    assert done.version == (3 if (name, after) in {("overwrite_freed", False), ("overwrite_freed", True)} else 2)


def test_what_has_no_key_is_missing(small: Place) -> None:
    with pytest.raises(Missing):
        rotate(small.store, "nonsense", "operator", small.now(), urandom)


def test_a_project_has_a_key_of_its_own_once(place: Place) -> None:
    purpose = project("study-1")
    new_project_key(place.store, purpose, "operator", place.now(), urandom)
    first = place.store.keys.current(purpose).secret
    with pytest.raises(Conflict):
        new_project_key(place.store, purpose, "operator", place.now(), urandom)
    rotate(place.store, purpose, "operator", place.now(), urandom)
    assert place.again().keys.at(purpose, 1).secret == first


def moved(settings: Settings, path: Path) -> Settings:
    return msgspec.structs.replace(settings, root_key=f"file:{path}")


def test_the_root_key_is_changed_for_everything_at_once(place: Place, tmp_path: Path) -> None:
    new = make_root_key(tmp_path / "new.key", urandom)
    assert rotate_root(place.store, new, "operator", place.now(), urandom)
    assert not rotate_root(place.store, new, "operator", place.now(), urandom)
    place.is_whole()
    with pytest.raises(Unavailable, match="does not open"):
        place.again()
    place.again(moved(place.settings, tmp_path / "new.key"))
    place.is_whole()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("name", ["wrap_for", "append", "change_root", "wrap_only_for"])
def test_a_root_key_killed_half_way_leaves_one_that_opens(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, after: bool
) -> None:
    new = make_root_key(tmp_path / "new.key", urandom)
    where: Any = {"append": room, "change_root": rotation}.get(name, cipher)
    monkeypatch.setattr(where, name, killed_at(getattr(where, name), 1, after))
    with pytest.raises(Killed):
        rotate_root(place.store, new, "operator", place.now(), urandom)
    monkeypatch.undo()
    changed = name == "wrap_only_for"
    settings = moved(place.settings, tmp_path / "new.key")
    if not changed:
        place.again()
        place.is_whole()
        assert rotate_root(place.store, new, "operator", place.now(), urandom)
    place.again(settings)
    place.is_whole()
    assert not rotate_root(place.store, new, "operator", place.now(), urandom)


def run(*words: str) -> Result:
    return CliRunner().invoke(command, words, standalone_mode=False)


class TestCommand:
    @pytest.fixture
    def home(self, tmp_path: Path) -> Path:
        home = tmp_path / "home"
        open_store(Settings(home=home), all_tables(), synchronous="OFF").close()
        return home

    def test_keys_are_listed_and_never_shown(self, home: Path) -> None:
        told = run("list", "--home", str(home))
        assert told.exception is None
        store = open_store(Settings(home=home), all_tables(), synchronous="OFF")
        lines, secrets = store.keys.lines, [store.keys.current(purpose).secret for purpose in Purpose]
        store.close()
        assert all(purpose.value in told.output for purpose in Purpose)
        assert f"signs as {store.keys.signer().key_id}" in told.output
        machine = run("list", "--home", str(home), "--format", "json")
        listed = json.loads(machine.output)
        assert [(line["purpose"], line["version"], line["state"]) for line in listed] == [
            (line.purpose, line.version, line.state.value) for line in lines
        ]
        shown = told.output + machine.output
        for secret in [*secrets, *(line.wrapped for line in lines), root_key("", home)]:
            assert secret.hex() not in shown

    def test_a_key_is_rotated(self, home: Path) -> None:
        told = run("rotate", "content", "--home", str(home))
        assert told.exception is None
        assert "the content key is at version 2" in told.output
        assert "Destroyed: 1" in told.output
        listed = json.loads(run("list", "--home", str(home), "--format", "json").output)
        states = [(line["version"], line["state"]) for line in listed if line["purpose"] == "content"]
        assert states == [(1, "retired"), (2, "current")]

    def test_an_interrupted_rotation_is_finished(self, home: Path) -> None:
        store = open_store(Settings(home=home), all_tables(), synchronous="OFF")
        with store.write(Login.GATE) as gate:
            rotation.begin(gate, store.keys, store.keys.new_version("identity", urandom, NOW))
        store.close()
        assert "An interrupted rotation was finished" in run("rotate", "identity", "--home", str(home)).output

    def test_the_root_key_is_made_and_changed(self, home: Path, tmp_path: Path) -> None:
        new = tmp_path / "elsewhere" / "new.key"
        told = run("rotate", "root", "--home", str(home), "--to", f"file:{new}")
        assert told.exception is None
        assert "A new root key was made" in told.output
        assert f'root_key = "file:{new}"' in told.output
        assert new.read_text(encoding="ascii").strip() not in told.output
        with pytest.raises(Unavailable):
            open_store(Settings(home=home), all_tables())
        (home / "samechild.toml").write_text(f'root_key = "file:{new}"\n', encoding="utf-8")
        again = run("rotate", "root", "--home", str(home), "--to", f"file:{new}")
        assert again.exception is None
        assert "Now write" not in again.output
        assert run("list", "--home", str(home)).exception is None

    @pytest.mark.parametrize(
        ("words", "error"),
        [
            (["rotate", "root"], Invalid),
            (["rotate", "root", "--to", "nonsense"], Invalid),
            (["rotate", "root", "--to", "env:NOT_SET_ANYWHERE"], Missing),
            (["rotate", "content", "--to", "file:x"], Invalid),
            (["rotate", "nonsense"], Missing),
            (["rotate", ""], Missing),
            (["rotate", "project:none"], Missing),
        ],
    )
    def test_what_cannot_be_done_is_told_and_changes_nothing(
        self, home: Path, words: list[str], error: type[SamechildError]
    ) -> None:
        before = run("list", "--home", str(home)).output
        assert isinstance(run(*words, "--home", str(home)).exception, error)
        assert run("list", "--home", str(home)).output == before

    @pytest.mark.skipif(os.name != "posix", reason="files have no such modes here")
    def test_a_lost_root_key_is_told_and_nothing_is_made_in_its_place(self, home: Path) -> None:
        kept = (home / "root.key").read_bytes()
        (home / "root.key").unlink()
        assert isinstance(run("list", "--home", str(home)).exception, Missing)
        assert not (home / "root.key").exists()
        make_root_key(home / "root.key", urandom)
        assert isinstance(run("list", "--home", str(home)).exception, Unavailable)
        (home / "root.key").write_bytes(kept)
        assert run("list", "--home", str(home)).exception is None
