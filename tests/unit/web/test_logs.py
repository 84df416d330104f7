"""Logs hold references, counts and timings; a person's name, number, date, postcode or address never gets in."""

from __future__ import annotations

import io
import json
import logging
import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages_served import UNHURRIED, served
from samechild.records import fields
from samechild.web.app import Around
from samechild.web.logs import LEFT_OUT, log_to, private_names, quieten_others, without_private
from samechild.web.watch import letters

PRIVATE = [
    "9998887776", "999 888 7776", "999-888-7776", "A123456789012", "Q99887766554A", "1987-11-23", "23/11/1987",
    "23.11.1987", "1987/11/23", "JA7 6QT", "ja76qt", "SW1A 1AA", "someone@example.org", "QQ123456C",
]  # fmt: skip


@pytest.mark.parametrize("value", PRIVATE)
@pytest.mark.parametrize("around", ["{}", "of {} here", "({})", "x={},y", '{{"a": "{}"}}', "/path/{}/end"])
def test_what_looks_private_is_left_out_wherever_it_stands(value: str, around: str) -> None:
    stream = io.StringIO()
    text = around.format(value)
    log_to(stream).info(text, place=text, deep={"a": [text, (text,)]}, **{"k": {text: text}})
    assert value not in stream.getvalue()
    assert LEFT_OUT in stream.getvalue()


@pytest.mark.parametrize("name", sorted(private_names()))
def test_declared_fields_are_left_out_by_name(name: str) -> None:
    stream = io.StringIO()
    log_to(stream).info("x", **{name: "Zyxquendola"}, deep=[{name.upper(): "Zyxquendola"}])
    assert "Zyxquendola" not in stream.getvalue()


def test_every_declared_field_about_a_person_counts() -> None:
    assert {"forename", "surname", "date_of_birth", "postcode", "school", "ethnicity"} <= private_names()
    assert "source" not in private_names()
    assert set(fields()) - private_names() <= {"source", "upn_kind"}


@given(st.dates(date(1990, 1, 1), date(2030, 1, 1)))
def test_no_date_of_birth_in_any_usual_form_gets_in(born: date) -> None:
    for form in ("%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d %m %Y", "%Y/%m/%d"):
        assert born.strftime(form) not in str(without_private(f"born {born.strftime(form)}."))


@given(st.binary(min_size=12, max_size=12))
def test_a_reference_is_never_taken_for_something_private(drawn: bytes) -> None:
    assert without_private(letters(drawn)) == letters(drawn)


def test_objects_numbers_and_errors_of_others_are_not_written_out() -> None:
    assert without_private(ValueError("Zyxquendola")) == "ValueError"
    assert without_private(9998887776) == LEFT_OUT
    assert without_private(b"Zyxquendola") == "bytes"
    assert without_private([1, 2.5, None, True]) == [1, 2.5, None, True]


def test_other_libraries_log_the_same_way() -> None:
    stream = io.StringIO()
    root = logging.getLogger()
    kept, level = root.handlers, root.level
    try:
        quieten_others(stream)
        try:
            raise RuntimeError("Zyxquendola 9998887776")
        except RuntimeError:
            logging.getLogger("uvicorn.error").exception("Exception for Zyxquendola")
        logging.getLogger("somebody").warning("seen %s", "ja7 6qt")
        logging.getLogger("uvicorn.access").warning("GET /people/Zyxquendola")
    finally:
        root.handlers = kept
        root.setLevel(level)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["error", f"seen {LEFT_OUT}"]
    assert lines[0]["kind"] == "RuntimeError"
    assert "Zyxquendola" not in stream.getvalue()


CANARIES = ("zyxquendola", "9998887776", "999 888 7776", "ja7 6qt", "1987-11-23", "canary@example.org")


def test_nothing_a_person_types_or_asks_for_gets_into_logs_counts_addresses_or_headers() -> None:
    with served() as server:
        seen: list[str] = []
        for persona in ("information-governance", "access-manager", ""):
            browser = server.browser(persona)
            for path in ("/ledger", "/who-looked", "/law", "/retention", "/sign-in", "/organisations"):
                browser.client.get(f"{path}?q=Zyxquendola&before=9998887776", headers={"x-canary": "ja7 6qt"})
                browser.client.get(f"{path}/Zyxquendola/1987-11-23")
                token = re.search(r'name="token" value="([0-9a-f]+)"', browser.open(path).text)
                for bird in CANARIES:
                    form = {"token": token.group(1) if token else "", "record_key": bird, "name": bird, "email": bird}
                    form |= {"purpose": "audit", "entry": bird, "reference": bird, "source": bird, "password": bird}
                    answer = browser.client.post(path, data=form)
                    seen += [str(answer.headers), answer.headers.get("location", "")]
        seen += [server.log.getvalue(), server.browser().get("/metrics").text]
        found = [bird for bird in CANARIES if any(bird in text.lower() for text in seen)]
        assert found == []


def test_our_mistake_is_told_by_a_reference_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(around=Around(paces=UNHURRIED)) as server:
        browser = server.browser("information-governance")

        def broken(*anything: object, **more: object) -> None:
            raise RuntimeError("the child is Zyxquendola")

        monkeypatch.setattr("samechild.web.pages.ledger.ledger.head", broken)
        monkeypatch.setattr("samechild.web.api_operations.Ready", broken)
        page = browser.get("/ledger")
        machine = browser.get("/ready")
        assert (page.status_code, machine.status_code) == (500, 500)
        for answer in (page, machine):
            assert "Zyxquendola" not in answer.text
            assert answer.headers["x-request-id"] in answer.text
            assert answer.headers["x-frame-options"] == "DENY"
        log = server.log.getvalue()
        assert "Zyxquendola" not in log
        told = next(json.loads(line) for line in log.splitlines() if "our mistake" in line)
        assert (told["kind"], told["reference"]) == ("RuntimeError", page.headers["x-request-id"])
        assert any(place.startswith("ledger:") for place in told["places"])
