"""The morning after a council's night: its data team opens the pages; nothing of a child is in an address or a log."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import numpy as np
import openpyxl
import pytest

from pages_served import Browser, Served, served
from quality_week import sandbox_tried, sending_councils, three_weeks
from samechild.collection.feeds import close_feed
from samechild.files.postcodes import DEGREES, PostcodeDirectory, keep
from samechild.policy.people.actions import operator
from samechild.web.pages.quality_feed import MARK, SANDBOX

PAGES = (
    "/quality",
    "/quality/problems",
    "/quality/children",
    "/quality/workers",
    "/quality/received",
    "/quality/no-longer-sent",
)
EXPECTED = "/quality/no-longer-sent/expected"


@pytest.fixture(scope="module", name="server")
def a_server() -> Iterator[Served]:
    with served() as server:
        sending_councils(server)
        three_weeks(server, count=20)
        yield server


@pytest.fixture(name="team")
def a_team(server: Served) -> Browser:
    return server.browser("data-team")


def first_child(team: Browser) -> tuple[str, str]:
    """The opaque key and the council's own id of a child with problems."""
    found = re.search(r'href="/quality/children/([0-9a-f]{32})">([^<]+)<', team.open("/quality/children").text)
    assert found
    return found.group(1), found.group(2)


def test_a_child_is_found_by_its_own_id_which_is_in_no_address_and_no_log(server: Served, team: Browser) -> None:
    key, name = first_child(team)
    team.open("/quality")
    answer = team.send("/quality/find", child=name)
    assert answer.status_code == 200
    assert answer.url.path == f"/quality/children/{key}"
    assert f"Child {name}" in answer.text
    team.open("/quality")
    missing = team.send("/quality/find", child="QUILLNOBODY")
    assert missing.status_code == 400
    assert "No child is held under that id" in missing.text
    log = server.log.getvalue()
    assert name not in log
    assert "QUILLNOBODY" not in log


def test_what_is_picked_stands_in_the_address_and_nonsense_is_left_out(team: Browser) -> None:
    team.open("/quality/problems")
    answer = team.send("/quality/problems", state="fixed", grade="error", rule="", age="7")
    assert str(answer.url).endswith("/quality/problems?state=fixed&grade=error&age=7")
    for nonsense in ("?page=99999", "?page=-1&rule=%3Cscript%3E", "?worker=%27%3B--&team=x&age=x&state=x&grade=x"):
        page = team.open(f"/quality/problems{nonsense}")
        assert page.status_code == 200
        assert "<script" not in page.text


def test_the_list_is_kept_as_a_workbook(team: Browser) -> None:
    team.open("/quality/problems")
    answer = team.send("/quality/problems/download", format="xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    assert sheet is not None
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0][:5] == ("Code", "Kind", "Description", "What to do", "Child id")
    assert len(rows) > 3
    team.open("/quality/no-longer-sent?days=90")


def test_a_list_is_compared_from_a_file_or_from_what_is_pasted(server: Served, team: Browser) -> None:
    _, name = first_child(team)
    page = team.open("/quality/no-longer-sent")
    token = re.search(r'name="token" value="([0-9a-f]+)"', page.text)
    assert token
    fields = {"token": token.group(1), "as": "page"}
    for given in (f"la_child_id\n{name}\nQUILLX1\n", f"\ufeff{name},a\r\nQUILLX1,b\r\n"):
        answer = team.client.post(EXPECTED, data=fields, files={"file": ("ours.csv", given.encode())})
        assert answer.status_code == 200
        assert "QUILLX1" in answer.text
        assert "Your list was not kept" in answer.text
    pasted = team.client.post(EXPECTED, data={**fields, "ids": f"{name}\nQUILLX1"})
    assert "QUILLX1" in pasted.text
    csv = team.client.post(EXPECTED, data={**fields, "as": "csv", "ids": f"{name}\nQUILLX1"})
    assert "QUILLX1,on your list and not held here" in csv.content.decode("utf-8-sig")
    wrong = team.client.post(EXPECTED, data=fields, files={"file": ("x.bin", b"\x00\xff\xfe" * 9)})
    assert wrong.status_code == 400
    assert "There is a problem" in wrong.text
    assert "QUILLX1" not in server.log.getvalue()


def test_a_file_is_taken_only_where_one_is_asked_for_and_from_who_is_signed_in(server: Served, team: Browser) -> None:
    files = {"file": ("ours.csv", b"C1\n")}
    assert team.client.post("/quality/find", data={"token": "x"}, files=files).status_code == 415
    assert server.browser().client.post(EXPECTED, data={"token": "x"}, files=files).status_code == 401
    assert team.client.post(EXPECTED, data={"token": "x"}, files=files).status_code == 403
    big = {"file": ("ours.csv", b"C1\n" * 2_000_000)}
    assert team.client.post(EXPECTED, data={"token": "x"}, files=big).status_code == 413
    broken = team.client.post(
        EXPECTED, content=b"--x\r\nno", headers={"content-type": "multipart/form-data; boundary=x"}
    )
    assert broken.status_code in (400, 403)
    nameless = team.client.post(EXPECTED, content=b"abc", headers={"content-type": "multipart/form-data"})
    assert nameless.status_code == 400


def test_teams_are_given_by_the_council(team: Browser) -> None:
    page = team.open("/quality/workers")
    worker = re.search(r">(SW\d+)<", page.text)
    assert worker
    answer = team.send("/quality/workers", teams=f"{worker.group(1)},Duty team\n")
    assert "Duty team" in answer.text
    assert "It was changed" in answer.text
    link = re.search(r'href="(/quality/problems\?team=[0-9a-f]+)"', answer.text)
    assert link
    assert worker.group(1) in team.open(link.group(1)).text
    assert "Duty" not in link.group(1)
    team.open("/quality/workers")
    assert team.send("/quality/workers", teams="only one column").status_code == 400


def test_others_of_the_council_and_other_councils_do_not_come_in(server: Served, team: Browser) -> None:
    key, name = first_child(team)
    for persona in ("social-worker", "data-quality", "access-manager", "dfe-analyst", "council-analyst"):
        for path in (*PAGES, f"/quality/children/{key}"):
            answer = server.browser(persona).get(path)
            assert answer.status_code == 403, (persona, path)
            assert name not in answer.text


def test_the_department_sees_numbers_and_no_child(server: Served, team: Browser) -> None:
    _, name = first_child(team)
    analyst = server.browser("dfe-analyst")
    analyst.open("/councils")
    answer = analyst.send("/councils", purpose="development")
    assert "Fernshire Council" in answer.text
    assert name not in answer.text
    assert "/quality/children/" not in answer.text
    analyst.open("/councils")
    refused = analyst.send("/councils", purpose="research")
    assert "you may not see for this" in refused.text


def test_anybody_reads_what_the_rules_say(server: Served) -> None:
    nobody = server.browser()
    assert "EPI-05" in nobody.open("/rules").text
    assert "Closure date" in nobody.open("/rules/EPI-05").text
    assert nobody.open("/rules/NONE-1").status_code == 404


def test_the_rules_of_attendance_stand_in_a_section_of_their_own(server: Served) -> None:
    nobody = server.browser()
    page = nobody.open("/rules").text
    assert page.index("School attendance</h2>") > page.rindex("CLA-34")
    assert page.index("ATT-18") > page.index("REG-01") > page.index("School attendance</h2>")
    one = nobody.open("/rules/ATT-05").text
    assert "Date of birth" in one
    assert "Minutes late" in nobody.open("/rules/ATT-11").text
    assert "pupil_id" in nobody.open("/rules/REG-01").text


def test_a_rule_that_needs_a_directory_says_that_there_is_none(server: Served) -> None:
    nobody = server.browser()
    told = "Not checked here: no postcode directory."
    assert "not checked here: no postcode directory" in nobody.open("/rules").text
    assert told in nobody.open("/rules/CLA-34").text
    assert "Only its form is checked here" in nobody.open("/rules/CHD-25").text
    assert "directory" not in nobody.open("/rules/CLA-33").text
    directory = PostcodeDirectory(np.ones(1, np.uint64), np.zeros(1, np.float32), np.zeros(1, np.float32), DEGREES)
    keep(directory, server.store.postcodes)
    try:
        assert "no postcode directory" not in nobody.open("/rules").text
        assert "It asks the postcode directory" in nobody.open("/rules/CLA-34").text
    finally:
        server.store.postcodes.unlink()
    assert told in nobody.open("/rules/CLA-34").text


def test_the_sandbox_is_offered_once_there_is_one_and_marked_on_each_page(server: Served, team: Browser) -> None:
    assert "Which records" not in team.open("/quality").text
    assert "has no sandbox here" in team.open("/quality/sandbox/problems").text
    sandbox_tried(server)
    try:
        for path in PAGES:
            tried = path.replace("/quality", "/quality/sandbox")
            assert f'href="{tried}">Sandbox</a>' in team.open(path).text
            assert MARK.words not in team.open(path).text
            page = team.open(tried).text
            assert MARK.words in page
            leads = {to for to in re.findall(r'(?:href|action)="(/quality[^"]*)"', page) if not to.startswith(SANDBOX)}
            assert leads <= {"/quality", path}, "every way but the menu and the switch stays in it"
        answer = team.send("/quality/sandbox/no-longer-sent", days="30")
        assert str(answer.url).endswith("/quality/sandbox/no-longer-sent?days=30")
    finally:
        close_feed(server.store, operator(), "845-sandbox", server.now)
    assert MARK.words in team.open("/quality/sandbox").text, "what was tried is still to be seen"
