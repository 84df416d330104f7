"""A council leaves with everything and arrives elsewhere with the same children; and its days at the command line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from asking import NOW
from commands import read_rows, run, write_rows
from gate import an_officer, give
from reviewing import ANN, BOB, a_council
from samechild.cli.tables import all_tables
from samechild.errors import Conflict, Invalid, Refused
from samechild.files.folder import OutputFolder
from samechild.index import actions
from samechild.index import store as tables
from samechild.index.arriving import children_digest, take_in
from samechild.index.everything import SUMS, export_everything, question
from samechild.index.everything_tables import unexplained
from samechild.index.identifying import identify
from samechild.index.planned import Planned
from samechild.index.records import Arrival, Change, Kind
from samechild.index.status import status_of
from samechild.index.writing import Draft, write
from samechild.keys.register import Purpose
from samechild.keys.seal import place
from samechild.policy import ledger
from samechild.policy.people.store import User, keep_user
from samechild.policy.relationship_actions import approve, set_mark
from samechild.policy.vault_actions import Kept, keep_record
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store
from stores import a_store, an_installation, reopen

OFFICER = an_officer("council")
CUSTODIAN = Asker(user="custodian", organisation="council", role="adoption-custodian", factors=2)
CHILDREN = (
    ("Wren", "Avocet", "2014-03-09", "LS1 6AB"),
    ("Jay", "Fieldfare", "2013-05-17", "LS2 7EW"),
    ("Linnet", "Dotterel", "2012-01-30", "LS3 8AA"),
    ("Merle", "Ouzel", "2011-02-02", "LS4 9ZZ"),
    ("Teal", "Hoopoe", "2010-10-10", "LS5 1AA"),
    ("Robin", "Sealedworth", "2015-05-05", "LS6 2BB"),
)


def arrivals(source: str = "social care") -> list[Arrival]:
    return [
        Arrival(
            owner="council",
            source=source,
            record_id=f"{source}-{number}",
            given={"forename": forename, "surname": surname, "date_of_birth": born, "postcode": postcode, "sex": "F"},
        )
        for number, (forename, surname, born, postcode) in enumerate(CHILDREN)
    ]


@pytest.fixture(name="store")
def a_council_with_a_past() -> Iterator[Store]:
    """Records of two sources, a merge, a split, an undo, a shielded child, a closed identity, and content."""
    with a_store() as store:
        a_council(store, model=True)
        with store.write(Login.GATE) as gate:
            give(gate, CUSTODIAN)
        one = identify(store, ANN, arrivals(), NOW)
        identify(store, ANN, arrivals("school"), NOW)
        merged = actions.merge(store, ANN, "council", one[0].child, one[1].child, "one", NOW)
        actions.undo(store, ANN, "council", merged.number, "two", NOW)
        actions.merge(store, ANN, "council", one[2].child, one[3].child, "one", NOW)
        actions.split(store, ANN, "council", one[2].child, [one[3].record_key], "two", NOW)
        actions.merge(store, ANN, "council", one[0].child, one[4].child, "one", NOW)
        actions.renumber(store, ANN, "council", "9990000018", "9990000026", "superseded", NOW)
        set_mark(store, OFFICER, "council", [one[4].record_key], "shielded", NOW)
        actions.seal(store, ANN, [one[5].record_key], "E11", NOW)
        for number, text in ((0, b"a referral"), (1, b"\xff\x00 not text")):
            kept = Kept(
                owner="council",
                basis="public task",
                identity={},
                content={"social-care.episode": text},
                record_key=one[number].record_key,
            )
            keep_record(store, kept, NOW)
        yield store


def leave(store: Store, where: Path, *, approved: bool = True) -> Path:
    if approved:
        approve(store, CUSTODIAN, question(store, OFFICER, NOW), NOW)
    with OutputFolder(where) as folder:
        export_everything(store, OFFICER, folder, all_tables(), NOW, supervisor="ann", reason="we move")
    return where


def everything_in(folder: Path) -> str:
    texts = [path.read_bytes() for path in sorted(folder.rglob("*")) if path.suffix in (".csv", ".ndjson", ".json")]
    return b"\n".join(texts).decode("utf-8", errors="replace")


def test_every_table_goes_along_or_has_its_reason() -> None:
    assert unexplained(all_tables()) == []


def test_leaving_needs_a_second_person_and_leaves_nothing_half_written(store: Store, tmp_path: Path) -> None:
    before = ledger.head(store).size
    with pytest.raises(Refused, match="second person"):
        leave(store, tmp_path / "left", approved=False)
    assert list(tmp_path.iterdir()) == []
    assert ledger.head(store).size > before, "that it was asked for stands in the ledger"
    with pytest.raises(Refused), OutputFolder(tmp_path / "left") as folder:
        export_everything(store, ANN, folder, all_tables(), NOW, supervisor="bob", reason="we move")
    assert list(tmp_path.iterdir()) == []


def test_a_council_leaves_and_arrives_with_the_same_children(store: Store, tmp_path: Path) -> None:
    left = leave(store, tmp_path / "left")
    with a_store() as other:
        a_council(other)
        found = take_in(other, ANN, left, NOW, "The council's own")
        assert found.digest == children_digest(store, "council")
        assert children_digest(other, "council") == found.digest
        events = status_of(other, "council").events
        again = take_in(other, ANN, left, NOW, "The council's own")
        assert (again.digest, again.content) == (found.digest, 0), "taking it in again changes nothing"
        assert status_of(other, "council").events == events
        assert found.content == 2
        assert found.rulings >= 1
        rebuilt = actions.rebuild(other, "council")
        assert (rebuilt.differences, rebuilt.same_hash) == (0, True)
        before = {each.record_key for each in identify(other, ANN, arrivals()[:3], NOW)}
        keys = {row["record_key"] for row in read_rows(left / "records.csv")}
        assert before <= keys, "a record that its source sends again is known again"


def test_what_is_left_is_whole_and_says_what_it_is(store: Store, tmp_path: Path) -> None:
    left = leave(store, tmp_path / "left")
    rows = {row["surname"]: row for row in read_rows(left / "records.csv")}
    assert rows["Hoopoe"]["postcode"] == "LS5 1AA", "where a shielded child is goes along"
    content = [json.loads(line) for line in (left / "content" / "social-care.episode.ndjson").open(encoding="utf-8")]
    assert {line.get("text") for line in content} == {"a referral", None}
    rulings = [json.loads(line) for line in (left / "rulings.ndjson").open(encoding="utf-8")]
    assert rulings
    assert all(ruling["ruling"] == "split" for ruling in rulings)
    numbers = [json.loads(line) for line in (left / "numbers.ndjson").open(encoding="utf-8")]
    assert [(number["old"], number["new"]) for number in numbers] == [("9990000018", "9990000026")]
    words = {(row["what"], row["where"], row["name"]) for row in read_rows(left / "dictionary.csv")}
    assert ("field", "records", "surname") in words
    assert ("code", "NHS number status", "01") in words
    for line in (left / SUMS).read_text(encoding="utf-8").splitlines():
        assert (left / line.partition("  ")[2]).is_file()
    assert (left / "verify_ledger.py").is_file() or (left / "ledger.ndjson").is_file()


def test_a_closed_identity_is_nowhere_in_it(store: Store, tmp_path: Path) -> None:
    with store.read(Login.INDEX) as connection:
        lines = tables.every_line(connection, "council")
        closed = {key for what, key in lines if what == "sealed"}
        children = set(tables.children_of(connection, "council", sorted(closed)).values())
    text = everything_in(leave(store, tmp_path / "left"))
    for word in closed | children:
        assert word not in text


@pytest.mark.parametrize("damage", ["changed", "missing", "no list"])
def test_what_is_not_whole_is_not_taken_in(store: Store, tmp_path: Path, damage: str) -> None:
    left = leave(store, tmp_path / "left")
    if damage == "changed":
        (left / "records.csv").write_text("something else", encoding="utf-8")
    elif damage == "missing":
        (left / "children.parquet").unlink()
    else:
        (left / SUMS).unlink()
    with a_store() as other:
        a_council(other)
        with pytest.raises(Invalid):
            take_in(other, ANN, left, NOW, "The council's own")


def test_records_that_are_others_here_are_refused(store: Store, tmp_path: Path) -> None:
    left = leave(store, tmp_path / "left")
    first = read_rows(left / "records.csv")[0]
    with a_store() as other:
        a_council(other)
        planned = Planned(Kind.FOUND, first["child"], "", (Change("child", first["child"], "", "live"),))
        with other.write(Login.INDEX) as connection:
            write(connection, "council", [Draft(planned=planned)], {}, NOW)
        with pytest.raises(Conflict):
            take_in(other, ANN, left, NOW, "The council's own")


# --- at the command line ----------------------------------------------------------------------------------------------


def a_staff(store: Store) -> None:
    """The people of the council as the command line knows them: by their ids."""
    with store.write(Login.GATE) as gate:
        give(gate, CUSTODIAN)
        for person in (ANN, BOB, OFFICER, CUSTODIAN):
            keep_user(
                gate,
                User(
                    user_id=person.user,
                    organisation=person.organisation,
                    sealed_name=store.keys.seal(
                        Purpose.GATE, b"Somebody", place("users", "sealed_name", person.user), os.urandom
                    ),
                    sealed_email=b"",
                    email_token="",
                    machine=False,
                    added_at=NOW,
                    added_by="operator",
                ),
            )


@pytest.fixture(name="home")
def an_installation_with_people() -> Iterator[Path]:
    with an_installation() as settings:
        store = reopen(settings)
        a_council(store, model=True)
        a_staff(store)
        store.close()
        yield settings.home


def a_csv(path: Path) -> Path:
    names = ("id", "forename", "surname", "dob", "postcode")
    return write_rows(path, [dict(zip(names, (str(at), *child), strict=True)) for at, child in enumerate(CHILDREN)])


def test_days_of_the_index_at_the_command_line(home: Path, tmp_path: Path) -> None:
    here = ("--as", ANN.user, "--home", home)
    assert run("index", "import", a_csv(tmp_path / "a.csv"), "--source", "mosaic", "--dry-run", *here).code == 0
    done = run("index", "import", tmp_path / "a.csv", "--source", "mosaic", "--out", tmp_path / "taken", *here)
    assert done.code == 0, done.said
    assert "6 new" in done.out
    rows = read_rows(tmp_path / "taken" / "results.csv")
    assert json.loads((tmp_path / "taken" / "run.json").read_text())["command"] == "index import"
    one, other = rows[0]["child"], rows[1]["child"]
    merged = run("index", "merge", one, other, "--note", "one child", *here)
    assert merged.code == 0, merged.said
    number = merged.out.split("event ")[1].split(".")[0]
    assert run("index", "undo", number, "--note", "two", *here).code == 0
    assert run("index", "merge", one, other, "--note", "one child", *here).code == 0
    assert run("index", "split", one, rows[1]["record_key"], "--note", "two", *here).code == 0
    changes = run("index", "changes", "--after", "0", "--format", "ndjson", *here)
    kinds = [json.loads(line)["kind"] for line in changes.out.splitlines()]
    assert kinds[-4:] == ["merged", "undone", "merged", "split"]
    assert run("index", "changes", "--after", changes.message, *here).out == ""
    status = run("index", "status", "--home", home)
    assert "6  children" in status.out
    assert run("index", "rebuild", "--home", home).code == 0
    assert run("index", "export", tmp_path / "children", "--format", "ndjson", *here).code == 0
    lines = (tmp_path / "children" / "records.ndjson").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 6
    for said in (done, merged, changes, status):
        assert not any(name in said.said for child in CHILDREN for name in child[:3])


def test_one_record_at_a_time_from_standard_input(home: Path, tmp_path: Path) -> None:
    line = {"record_id": "1", "given": {"forename": "Wren", "surname": "Avocet", "date_of_birth": "2014-03-09"}}
    file = tmp_path / "new.ndjson"
    file.write_text(json.dumps(line) + "\n", encoding="utf-8")
    told = run("index", "identify", file, "--source", "mosaic", "--as", ANN.user, "--home", home)
    assert told.code == 0, told.said
    assert json.loads(told.out)["outcome"] == "new"


def test_a_watched_folder_at_the_command_line(home: Path, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    a_csv(inbox / "today.csv")
    (inbox / "bad.csv").write_text("nothing,here\nx,y\n", encoding="utf-8")
    done = run("index", "watch", inbox, "--once", "--every", "0.1", "--as", ANN.user, "--home", home)
    assert done.code == 0, done.said
    assert "today.csv: taken. 6 new" in done.out
    assert [path.name.partition("-")[2] for path in (inbox / "done").iterdir()] == ["today.csv"]
    assert len(list((inbox / "failed").iterdir())) == 2
    again = run("index", "watch", inbox, "--once", "--every", "0.1", "--as", ANN.user, "--home", home)
    assert again.out == ""


def test_leaving_at_the_command_line(home: Path, tmp_path: Path) -> None:
    run("index", "import", a_csv(tmp_path / "a.csv"), "--source", "mosaic", "--as", ANN.user, "--home", home)
    words = ("export", "--everything", tmp_path / "left", "--supervisor", BOB.user, "--reason", "we move")
    officer = ("--as", OFFICER.user, "--home", home)
    refused = run(*words, *officer)
    assert refused.code == 3
    reference = refused.message.split("the question ")[1].split(";")[0]
    assert run("export", "--approve", reference, "--as", CUSTODIAN.user, "--home", home).code == 0
    done = run(*words, *officer)
    assert done.code == 0, done.said
    with an_installation() as settings:
        store = reopen(settings)
        a_council(store)
        a_staff(store)
        store.close()
        taken = run("index", "import", "--everything", tmp_path / "left", "--as", ANN.user, "--home", settings.home)
        assert taken.code == 0, taken.said
        assert "6 records of 6 children" in taken.out


def test_what_is_asked_wrongly_is_said(home: Path, tmp_path: Path) -> None:
    for words, code in (
        (("index", "merge", "a", "b", "--note", "x", "--as", "nobody"), 4),
        (("index", "merge", "a", "b", "--note", "x", "--as", ANN.user), 4),
        (("index", "merge", "a", "b", "--note", "x", "--as", OFFICER.user), 3),
        (("index", "merge", "a", "b", "--note", "x"), 2),
        (("index", "import", "--as", ANN.user), 2),
        (("index", "changes", "--after", "x", "--as", ANN.user), 2),
        (("index", "watch", tmp_path / "nowhere", "--as", ANN.user), 4),
        (("export", "--as", OFFICER.user), 2),
        (("index", "load", tmp_path, "--as", ANN.user), 4),
    ):
        found = run(*words, "--home", home)
        assert found.code == code, (words, found.said)
