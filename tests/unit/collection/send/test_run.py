"""One night after the other: changes only, a cut run goes on, nothing is purged by accident, the report is right."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clients.stand_in import CREDENTIALS, StandIn
from samechild.collection.rules.catalogue import by_code
from samechild.collection.send.deltas import Print
from samechild.collection.send.report import Report, write_report
from samechild.collection.send.run import Wanted
from samechild.collection.send.sender import Item
from samechild.collection.send.waiting import Waiting
from samechild.errors import Invalid, Refused, Unavailable
from sending import Council, a_record, records, replaced


def test_the_first_night_sends_all_and_the_second_what_changed(tmp_path: Path) -> None:
    council, children = Council(tmp_path), records(250)
    first = council.send(children)
    assert (first.counts["children"], first.counts["new"], first.counts["kept"]) == (250, 250, 250)
    assert [len(post) for post in council.stand_in.posts] == [100, 100, 50]
    children[7]["child_details"]["first_name"] = "Ada"
    children[8]["social_care_episodes"][0]["closure_date"] = "2026-11-01"
    children.append(a_record("NEW1"))
    second = council.send(children)
    assert (second.counts["unchanged"], second.counts["changed"], second.counts["new"]) == (248, 2, 1)
    assert [len(post) for post in council.stand_in.posts[3:]] == [3]
    assert "social_care_episodes" not in council.stand_in.posts[3][0]
    third = council.send(children)
    assert third.counts["unchanged"] == 251
    assert "kept" not in third.counts
    assert third.counts["requests"] == 0


def test_full_mode_and_a_full_run_send_wholes(tmp_path: Path) -> None:
    council, children = Council(tmp_path, mode="full"), records(3)
    council.send(children)
    children[0]["child_details"]["first_name"] = "Ada"
    council.send(children)
    assert council.stand_in.posts[-1] == [children[0]]
    council.send(children, Wanted(full=True))
    assert len(council.stand_in.posts[-1]) == 3


def test_deltas_give_what_wholes_give(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    deltas, wholes = Council(tmp_path / "a"), Council(tmp_path / "b", mode="full")
    children = records(30)
    for night in range(4):
        for number in range(night, 30, 3):
            plans = children[number]["social_care_episodes"][0].setdefault("child_in_need_plans", [])
            plans.append({"child_in_need_plan_id": f"P{night}", "start_date": f"2026-0{night + 3}-05"})
        for council in (deltas, wholes):
            council.send(deepcopy(children))
    assert deltas.stand_in.state == wholes.stand_in.state


def test_children_of_the_wrong_shape_are_held_back_and_named(tmp_path: Path) -> None:
    council, children = Council(tmp_path), records(5)
    children[2]["child_details"]["sex"] = "FEMALE"
    children[3]["la_child_id"] = "not an id"
    report = council.send(children)
    assert (report.counts["held_back"], report.counts["kept"]) == (2, 3)
    assert report.found_problems
    assert {(note.la_child_id, note.rule) for note in report.notes if note.became == "held back"} == {
        ("C0002", "STR-17"),
        ("not an id", "STR-04"),
    }
    assert all(len(post) == 3 for post in council.stand_in.posts)


def test_a_child_twice_in_the_extract_is_sent_once(tmp_path: Path) -> None:
    council = Council(tmp_path)
    report = council.send([a_record("C1"), a_record("C1", details={"first_name": "Ada"})])
    assert (report.counts["kept"], report.counts["held_back"]) == (1, 1)


def test_rules_are_told_of_at_once(tmp_path: Path) -> None:
    report = Council(tmp_path).send([a_record("C1", details={"date_of_birth": "2031-01-01"})])
    told = [note for note in report.notes if note.rule == "CHD-03"]
    assert [(note.la_child_id, note.became, note.grade) for note in told] == [("C1", "kept, with a problem", "error")]
    assert not report.found_problems  # it was kept; the rules are for the morning


def test_what_a_service_refuses_is_sent_again_when_it_is_mended(tmp_path: Path) -> None:
    def strict(service: StandIn, request: httpx.Request) -> httpx.Response | None:
        body = request.content
        if b'"sex":"X"' in body and body.startswith(b"["):
            at = [child["child_details"]["sex"] for child in json.loads(body)].index("X")
            return httpx.Response(400, text=f"[{at}] sex is not known here")
        return None

    council = Council(tmp_path, StandIn(strict))
    children = records(3)
    council.send(children)
    children[1]["child_details"]["sex"] = "X"
    report = council.send(children)
    assert (report.counts["refused"], report.counts.get("kept", 0)) == (1, 0)
    assert [(note.la_child_id, note.words) for note in report.notes if note.became == "refused"] == [
        ("C0001", "[0] sex is not known here")
    ]
    assert council.send(children).counts["refused"] == 1
    children[1]["child_details"]["sex"] = "M"
    assert council.send(children).counts["kept"] == 1


def test_a_cut_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    def dies(service: StandIn, request: httpx.Request) -> httpx.Response | None:
        if "children" in str(request.url) and len(service.posts) == 2:
            raise KeyboardInterrupt
        return None

    service = StandIn(dies)
    council, children = Council(tmp_path, service), records(450)
    with pytest.raises(KeyboardInterrupt):
        council.send(children)
    service.trouble = None
    report = council.send(children)
    assert (report.counts["unchanged"], report.counts["kept"]) == (200, 250)
    assert len(service.held) == 450


def test_an_answer_that_got_lost_makes_a_child_be_sent_whole_again(tmp_path: Path) -> None:
    lost: list[bool] = []

    def loses(service: StandIn, request: httpx.Request) -> httpx.Response | None:
        if lost and "children" in str(request.url):
            service.take(request.content)
            raise httpx.ReadTimeout("too late", request=request)
        return None

    service = StandIn(loses)
    council = Council(tmp_path, service, tries=1)
    before, after = a_record("C1"), a_record("C1", details={"first_name": "Ada"})
    council.send([before])
    lost.append(True)
    with pytest.raises(Unavailable):
        council.send([after])
    assert "The next run goes on" in council.report.stopped
    lost.clear()
    report = council.send([before])  # mended back at source meanwhile: what is held is not sure, so it is sent
    assert report.counts["kept"] == 1
    assert service.held["C1"].child["child_details"]["first_name"] == "Zoë"


def test_a_service_that_fails_at_one_batch_gets_the_others(tmp_path: Path) -> None:
    def fails(service: StandIn, request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(500, headers={"x-request-id": "r-9"}) if b'"C0150"' in request.content else None

    council = Council(tmp_path, StandIn(fails), tries=2)
    with pytest.raises(Unavailable, match=r"not answered for: 1\."):
        council.send(records(300))
    report = council.report
    assert report.counts["kept"] == 200
    assert len(report.warnings) == 1
    assert "r-9" in report.warnings[0]
    council.stand_in.trouble = lambda service, request: httpx.Response(500) if b"[" in request.content[:1] else None
    with pytest.raises(Unavailable):
        council.send(records(900), Wanted(full=True))


def test_gone_children_are_told_of_and_purged_only_when_asked(tmp_path: Path) -> None:
    council, children = Council(tmp_path), records(100)
    council.send(children)
    report = council.send(children[:97])
    assert (report.counts["gone"], len(council.stand_in.held)) == (3, 100)
    assert {note.la_child_id for note in report.notes if note.became == "no longer there"} == {
        "C0097",
        "C0098",
        "C0099",
    }
    replaced(council, deletions="purge")
    report = council.send(children[:97])
    assert report.counts["purged"] == 3
    assert len(council.stand_in.held) == 97
    asked = sorted(council.stand_in.posts[-1], key=lambda child: str(child["la_child_id"]))
    assert asked == [{"la_child_id": f"C00{number}", "purge": True} for number in (97, 98, 99)]
    assert "gone" not in council.send(children[:97]).counts


def test_many_gone_children_are_never_purged_by_accident(tmp_path: Path) -> None:
    council, children = Council(tmp_path, deletions="purge"), records(100)
    council.send(children)
    report = council.send(children[:90])
    assert "purged" not in report.counts
    assert report.found_problems
    assert "--allow-purge" in report.warnings[0]
    assert "purged" not in council.send([]).counts
    assert len(council.stand_in.held) == 100
    assert council.send(children[:90], Wanted(allow_purge=True)).counts["purged"] == 10


def test_a_run_that_is_stopped_purges_nothing(tmp_path: Path) -> None:
    council, children = Council(tmp_path, deletions="purge"), records(100)
    council.send(children)
    council.stand_in.trouble = lambda service, request: httpx.Response(403)
    children[0]["child_details"]["first_name"] = "Ada"
    with pytest.raises(Exception, match=r"token|refused"):
        council.send(children[:99])
    council.stand_in.trouble = lambda service, request: (
        httpx.Response(403) if request.content.startswith(b"[") else None
    )
    with pytest.raises(Refused):
        council.send(children[:99])
    assert len(council.stand_in.held) == 100


def test_children_held_back_are_not_taken_for_gone(tmp_path: Path) -> None:
    council, children = Council(tmp_path, deletions="purge"), records(100)
    council.send(children)
    children[0]["child_details"]["sex"] = "FEMALE"
    report = council.send(children)
    assert "gone" not in report.counts
    assert len(council.stand_in.held) == 100


def test_a_dry_run_sends_nothing_and_remembers_nothing(tmp_path: Path) -> None:
    council, out = Council(tmp_path), tmp_path / "out"
    out.mkdir()
    council.send(records(3))
    posts = len(council.stand_in.posts)
    report = council.send(records(150), Wanted(dry_run=out))
    assert (report.counts["new"], report.counts["unchanged"], report.counts["would_be_sent"]) == (147, 3, 147)
    assert len(council.stand_in.posts) == posts
    written = [json.loads(path.read_bytes()) for path in sorted(out.iterdir())]
    assert [len(batch) for batch in written] == [100, 47]
    assert council.send(records(150)).counts["new"] == 147


def test_the_report_names_children_only_in_the_list(tmp_path: Path) -> None:
    council = Council(tmp_path)
    report = council.send([a_record("C1", details={"sex": "=cmd()"}), a_record("C2")])
    counts, problems = write_report(report, tmp_path / "reports", "night")
    told = json.loads(counts.read_text(encoding="utf-8"))
    assert told["counts"]["held_back"] == 1
    assert told["problems"]["held back STR-17"] == 1
    assert "C1" not in counts.read_text(encoding="utf-8")
    rows = list(csv.DictReader(problems.read_text(encoding="utf-8-sig").splitlines()))
    assert rows[0]["la_child_id"] == "C1"
    assert not any(CREDENTIALS["CLIENT_SECRET"] in path.read_text(encoding="utf-8-sig") for path in (counts, problems))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.sampled_from([0, 0, 0, 429, 500, 1, 2]), max_size=8), min_size=1, max_size=4))
def test_whatever_the_service_does_all_is_kept_in_the_end(
    tmp_path_factory: pytest.TempPathFactory, nights: list[list[int]]
) -> None:
    """Busy, failing, answering nothing, or keeping and then answering nothing: a last quiet night mends it all."""
    folder = tmp_path_factory.mktemp("night")
    troubles: list[int] = []

    def awkward(service: StandIn, request: httpx.Request) -> httpx.Response | None:
        if not request.content.startswith(b"["):
            return None
        trouble = troubles.pop() if troubles else 0
        if trouble in (1, 2):
            if trouble == 2:
                service.take(request.content)
            raise httpx.ReadTimeout("no answer", request=request)
        return httpx.Response(trouble) if trouble else None

    council = Council(folder, StandIn(awkward), tries=2, batch=4)
    children = records(10)
    for number, night in enumerate(nights):
        troubles[:] = night
        children[number]["social_care_episodes"][0]["closure_date"] = f"2026-10-0{number + 1}"
        children[number + 3]["child_details"]["surname"] = f"Quill{number}"
        with suppress(Unavailable):
            council.send(deepcopy(children))
    troubles.clear()
    council.send(deepcopy(children))
    held = {own: each.child for own, each in council.stand_in.held.items()}
    assert held == {child["la_child_id"]: child for child in children}
    assert "kept" not in council.send(deepcopy(children)).counts


def _told(report: Report, *rules: str) -> list[tuple[str, str]]:
    return [(note.la_child_id, note.rule) for note in report.notes if note.rule in rules]


def _apart(own: str, number: str = "", **details: str) -> dict[str, Any]:
    """A child whose name is its own."""
    upn = {"unique_pupil_number": number} if number else {}
    return a_record(own, details={"surname": f"Quill{own}", **upn, **details})


NUMBER = "X000123418007"


def test_a_number_that_two_children_share_is_told_of_both_in_the_receivers_words(tmp_path: Path) -> None:
    council = Council(tmp_path, batch=2)
    twins = [_apart("C9", surname="Same"), _apart("C10", surname="SAME ")]
    report = council.send(
        [_apart("C1", NUMBER), *(_apart(f"C{at}") for at in range(2, 8)), _apart("C8", NUMBER), *twins]
    )
    assert _told(report, "CHD-33", "CHD-34") == [
        ("C1", "CHD-33"),
        ("C8", "CHD-33"),
        ("C9", "CHD-34"),
        ("C10", "CHD-34"),
    ]
    note = next(note for note in report.notes if note.rule == "CHD-33")
    rule = by_code()["CHD-33"]
    assert (note.grade, note.place) == (rule.grade, "child_details/unique_pupil_number")
    assert note.words == f"{rule.message} {rule.mend}"
    assert report.counts["rules_error"] >= 2
    assert report.counts["kept"] == 10, "a rule keeps no child out"


def test_what_is_shared_is_told_when_one_of_them_is_sent_and_then_of_the_unchanged_too(tmp_path: Path) -> None:
    council, children = Council(tmp_path), [_apart("C1", NUMBER), _apart("C2"), _apart("C3")]
    assert _told(council.send(children), "CHD-33") == []
    children[2] = _apart("C3", NUMBER)
    report = council.send(children)
    assert report.counts["unchanged"] == 2
    assert _told(report, "CHD-33") == [("C1", "CHD-33"), ("C3", "CHD-33")]
    assert _told(council.send(children), "CHD-33") == []  # nothing of it is sent; the receiver has told


def test_it_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    def refuses(service: StandIn, request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(403) if request.content.startswith(b"[") else None

    council = Council(tmp_path, StandIn(refuses), batch=1)
    with pytest.raises(Refused):
        council.send([_apart("C1", NUMBER), *(_apart(f"C{at}") for at in range(2, 300)), _apart("C300", NUMBER)])
    assert "kept" not in council.report.counts
    assert _told(council.report, "CHD-33") == [("C1", "CHD-33"), ("C300", "CHD-33")]


def test_a_source_that_fails_half_way_sends_nothing(tmp_path: Path) -> None:
    def half() -> Iterator[dict[str, Any]]:
        yield from records(250)
        raise Invalid("The database gave up.")

    council = Council(tmp_path)
    with pytest.raises(Invalid):
        council.send(half())
    assert council.stand_in.posts == []
    assert council.send(records(250)).counts["kept"] == 250


def test_a_dry_run_tells_of_them_and_held_back_children_share_nothing(tmp_path: Path) -> None:
    (out := tmp_path / "out").mkdir()
    wrong = _apart("C3", NUMBER, sex="FEMALE")
    report = Council(tmp_path).send([_apart("C1", NUMBER), _apart("C2"), wrong], Wanted(dry_run=out))
    assert _told(report, "CHD-33") == []
    (again := tmp_path / "again").mkdir()
    report = Council(tmp_path).send([_apart("C1", NUMBER), _apart("C2", NUMBER)], Wanted(dry_run=again))
    assert _told(report, "CHD-33") == [("C1", "CHD-33"), ("C2", "CHD-33")]


def test_what_waits_is_sealed_in_order_and_gone_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    written: list[bytes] = []
    items = [Item(f"C{at}", b'{"surname":"Quillfeather%d"}' % at, None if at else Print("w")) for at in range(300)]
    with Waiting() as waiting:
        for item in items:
            waiting.put(item)
        assert len(waiting) == 300
        waiting._file.flush()
        waiting._file.seek(0)
        written.append(waiting._file.read())
        assert list(waiting.items()) == items
        assert list(waiting.items()) == items
    assert b"Quillfeather" not in written[0]
    assert len(written[0]) > 300 * 20
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(Unavailable, match="temporary"), Waiting():
        pass
