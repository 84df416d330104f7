"""A results folder is there whole or not at all, and nobody's documents are ever removed."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from samechild.errors import Conflict, Invalid, Missing, Refused, Unavailable
from samechild.files.folder import OutputFolder, clear_leftovers, is_disk_full
from samechild.files.read import read
from samechild.files.run_record import RunRecord, inputs_of, read_run_record, versions, write_run_record


def make(path: Path, text: str = "x", force: bool = False) -> None:
    with OutputFolder(path, force=force) as folder:
        (folder / "children.csv").write_text(text)
        (folder / "parts").mkdir()
        (folder / "parts" / "one.txt").write_text("1")
        write_run_record(folder, RunRecord("link", "2026-01-01T00:00:00Z", 1.0))


def hidden(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def test_results_appear_whole_with_a_list_of_what_was_written(tmp_path: Path) -> None:
    make(tmp_path / "deep" / "linked")
    found = tmp_path / "deep" / "linked"
    assert sorted(path.name for path in found.iterdir()) == ["children.csv", "parts", "run.json"]
    record = read_run_record(found)
    assert (record.command, record.format_version) == ("link", 1)
    assert set(record.outputs) == {"children.csv", "parts/one.txt"}
    assert record.outputs["children.csv"].bytes == 1
    assert hidden(tmp_path / "deep") == []


def test_nothing_is_seen_at_the_place_before_the_end(tmp_path: Path) -> None:
    with OutputFolder(tmp_path / "linked") as folder:
        (folder / "children.csv").write_text("x")
        assert not (tmp_path / "linked").exists()
        assert folder.parent == tmp_path


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_error_or_ctrl_c_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    def write_and_stop() -> None:
        with OutputFolder(tmp_path / "linked") as folder:
            (folder / "children.csv").write_text("x")
            raise error

    with pytest.raises(error):
        write_and_stop()
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_result_is_refused_unless_forced_and_survives_a_failure(tmp_path: Path) -> None:
    make(tmp_path / "linked", "old")
    with pytest.raises(Refused, match="--force"):
        make(tmp_path / "linked", "new")

    def fail() -> None:
        with OutputFolder(tmp_path / "linked", force=True):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert (tmp_path / "linked" / "children.csv").read_text() == "old"
    make(tmp_path / "linked", "new", force=True)
    assert (tmp_path / "linked" / "children.csv").read_text() == "new"
    assert hidden(tmp_path) == []


def test_an_empty_folder_may_be_used(tmp_path: Path) -> None:
    (tmp_path / "linked").mkdir()
    make(tmp_path / "linked")
    assert (tmp_path / "linked" / "children.csv").exists()


def test_somebodys_documents_are_never_replaced(tmp_path: Path) -> None:
    place = tmp_path / "documents"
    place.mkdir()
    (place / "letter.docx").write_text("x")
    with pytest.raises(Refused, match="did not write"):
        make(place, force=True)
    (place / "run.json").write_text('{"hello": 1}')
    with pytest.raises(Refused, match="did not write"):
        make(place, force=True)
    assert (place / "letter.docx").exists()


@pytest.mark.parametrize("name", ["notes.txt", "children.csv", "parts/one.txt"])
def test_what_a_person_added_or_changed_is_never_replaced(tmp_path: Path, name: str) -> None:
    make(tmp_path / "linked")
    (tmp_path / "linked" / name).write_text("filled in by a person")
    with pytest.raises(Refused, match=rf"added or changed.*{name}"):
        make(tmp_path / "linked", force=True)
    assert (tmp_path / "linked" / name).read_text() == "filled in by a person"


def test_a_file_or_link_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "linked").write_text("x")
    with pytest.raises(Refused, match="not a folder"):
        make(tmp_path / "linked", force=True)
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(Refused, match="not a folder"):
        make(tmp_path / "link", force=True)


def test_a_place_taken_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    def race() -> None:
        with OutputFolder(tmp_path / "linked") as folder:
            (folder / "children.csv").write_text("late")
            make(tmp_path / "linked", "first")

    with pytest.raises((Refused, Conflict)):
        race()
    assert (tmp_path / "linked" / "children.csv").read_text() == "first"
    assert hidden(tmp_path) == []


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), pa.ArrowException("IOError: No space left on device")],
)
def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, error: Exception) -> None:
    def fill() -> None:
        with OutputFolder(tmp_path / "linked") as folder:
            (folder / "children.csv").write_text("x")
            raise error

    with pytest.raises(Unavailable, match="disk is full"):
        fill()
    assert list(tmp_path.iterdir()) == []
    assert not is_disk_full(OSError(errno.EACCES, "no"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_really_full_device_is_recognised() -> None:
    def fill() -> None:
        with Path("/dev/full").open("wb", buffering=0) as file:
            file.write(b"x")

    with pytest.raises(OSError) as caught:
        fill()
    assert is_disk_full(caught.value)


KILLED = """
import os, signal, sys
from pathlib import Path
from samechild.files import folder as room
from samechild.files.folder import OutputFolder
from samechild.files.run_record import RunRecord, write_run_record

place, moment = Path(sys.argv[1]), sys.argv[2]
die = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)
with OutputFolder(place, force=True) as folder:
    (folder / "children.csv").write_text("half")
    write_run_record(folder, RunRecord("link", "", 0.0))
    if moment == "writing":
        die()
    if moment == "reaching the disk":
        room._reach_disk = die
    if moment == "between the two renames":
        real, calls = os.rename, []
        def rename(a, b):
            if calls:
                die()
            calls.append(1)
            real(a, b)
        os.rename = rename
    if moment == "before removing the old":
        room.shutil.rmtree = die
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is a POSIX signal")
@pytest.mark.parametrize("earlier", [False, True])
@pytest.mark.parametrize(
    "moment", ["writing", "reaching the disk", "between the two renames", "before removing the old"]
)
def test_kill_9_leaves_nothing_that_looks_whole_and_loses_nothing(tmp_path: Path, moment: str, earlier: bool) -> None:
    place = tmp_path / "linked"
    if earlier:
        make(place, "old")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(place), moment], check=False)
    assert killed.returncode in (-signal.SIGKILL, 0)
    new_is_whole = moment == "before removing the old" or (moment == "between the two renames" and not earlier)
    if new_is_whole:
        assert (place / "children.csv").read_text() == "half"
        assert "children.csv" in read_run_record(place).outputs
    else:
        assert killed.returncode == -signal.SIGKILL
    clear_leftovers(place)
    assert hidden(tmp_path) == []
    assert place.exists() == (earlier or new_is_whole)
    if earlier and not new_is_whole:
        assert (place / "children.csv").read_text() == "old"
    make(place, "next", force=True)
    assert (place / "children.csv").read_text() == "next"
    assert hidden(tmp_path) == []


def test_a_living_run_is_left_alone(tmp_path: Path) -> None:
    with OutputFolder(tmp_path / "linked") as folder:
        os.utime(folder, (0, 0))
        assert clear_leftovers(tmp_path / "linked") == 0
        assert folder.exists()
        (folder / "children.csv").write_text("x")
    assert (tmp_path / "linked" / "children.csv").exists()


def test_other_places_leftovers_are_not_touched(tmp_path: Path) -> None:
    other = tmp_path / ".linked2.samechild-new-abc"
    other.mkdir()
    os.utime(other, (0, 0))
    assert clear_leftovers(tmp_path / "linked") == 0
    assert clear_leftovers(tmp_path / "linked2") == 1
    assert not other.exists()


def test_a_run_record_tells_its_inputs(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,upn\n1,x\n2,y\n")
    [described] = inputs_of([read(tmp_path / "a.csv")], ["education"])
    assert (described.file, described.rows, described.source, len(described.sha256)) == ("a.csv", 2, "education", 64)
    assert {"python", "numpy", "pyarrow"} <= set(versions())


def test_a_folder_that_is_not_ours_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(Missing):
        read_run_record(tmp_path)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(Invalid, match="damaged"):
        read_run_record(tmp_path)
    write_run_record(tmp_path, RunRecord("link", "", 0.0, format_version=99))
    with pytest.raises(Invalid, match="newer"):
        read_run_record(tmp_path)
