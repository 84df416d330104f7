"""Nobody may ask without pause, and guessing is slower still."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages_served import UNHURRIED, served
from samechild.errors import TooMany
from samechild.web.app import Around
from samechild.web.limits import PACES, Buckets, Pace, seconds_of

PACE = {"client": Pace(3, 60)}


def test_a_bucket_empties_and_fills_again() -> None:
    buckets = Buckets(PACE)
    for _ in range(3):
        buckets.take("client", "a", 100.0)
    with pytest.raises(TooMany) as refused:
        buckets.take("client", "a", 100.0)
    assert seconds_of(refused.value) == 1
    buckets.take("client", "b", 100.0)
    buckets.take("client", "a", 101.0)
    with pytest.raises(TooMany):
        buckets.take("client", "a", 101.5)


@given(st.lists(st.floats(0, 120), max_size=200))
def test_never_more_than_the_burst_and_the_pace(gaps: list[float]) -> None:
    buckets, at, taken = Buckets(PACE), 0.0, 0
    for gap in gaps:
        at += gap
        try:
            buckets.take("client", "a", at)
            taken += 1
        except TooMany:
            pass
    assert taken <= 3 + at + 1e-6


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    buckets = Buckets(PACE)
    for _ in range(3):
        buckets.take("client", "a", 100.0)
    with pytest.raises(TooMany):
        buckets.take("client", "a", 50.0)


def test_what_is_remembered_is_bounded_and_holds_no_address() -> None:
    buckets = Buckets(PACE)
    for number in range(20_100):
        buckets.take("client", f"10.0.0.{number}", 1.0)
    assert len(buckets._left) == 20_000
    assert "10.0.0" not in repr(buckets._left)


def test_too_many_requests_are_told_how_long_to_wait() -> None:
    with served(around=Around(paces={**UNHURRIED, "client": Pace(3, 6)})) as server:
        client = server.browser().client
        answers = [client.get("/about") for _ in range(5)]
        assert [each.status_code for each in answers] == [200, 200, 200, 429, 429]
        assert answers[-1].headers["retry-after"] == "10"
        assert "Try again in 10 seconds" in answers[-1].text
        machine = client.get("/health")
        assert (machine.status_code, machine.headers["content-type"]) == (429, "application/problem+json")


def test_guessing_a_password_is_slow_from_one_address_and_from_many() -> None:
    paces = {**UNHURRIED, "sign-in client": PACES["sign-in client"], "sign-in account": Pace(2, 1)}
    with served(demo=False, around=Around(paces=paces)) as server:
        browser = server.browser()
        browser.open("/sign-in")
        statuses = [
            browser.send("/sign-in", email=email, password="wrong", code="123456").status_code
            for email in ("a@example.org", " A@example.org", "b@example.org")
        ]
        assert statuses == [400, 400, 400]
        token = browser.client.cookies["samechild-start"]
        fields = {"token": token, "email": "A@EXAMPLE.ORG", "password": "x", "code": "1"}
        refused = browser.client.post("/sign-in", data=fields)
        assert (refused.status_code, "retry-after" in refused.headers) == (429, True)
