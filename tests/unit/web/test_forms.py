"""A form takes what it asks for and nothing else, whatever is sent; and it says what to do, never what was typed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samechild.web.blocks import Code, Link, Panel, Questions, Sheet, Table, Tag, Words
from samechild.web.forms import Choice, Field, Form, blank, read, wrong
from samechild.web.render import Surroundings, html

PICKS = (Choice("x", "The first"), Choice("y", "The second", "a hint"))
FORM = Form(
    button="Send",
    fields=(
        Field(name="text", label="Text", longest=10),
        Field(name="email", label="Address", kind="email"),
        Field(name="secret", label="Password", kind="password"),
        Field(name="code", label="Code", kind="code"),
        Field(name="lines", label="Lines", kind="lines"),
        Field(name="choice", label="Which one?", kind="choice", choices=PICKS),
        Field(name="select", label="Select", kind="select", choices=PICKS),
        Field(name="many", label="Many", kind="many", choices=PICKS),
        Field(name="tick", label="Tick", kind="tick", needed=False),
        Field(name="day", label="Day", kind="date"),
        Field(name="number", label="Number", kind="number"),
    ),
)
GOOD = {
    "text": ["  words "], "email": ["someone@example.org"], "secret": [" p w "], "code": ["123 456"],
    "lines": ["a\r\nb"], "choice": ["x"], "select": ["y"], "many": ["y", "x", "y"], "tick": ["yes"],
    "day-day": ["29"], "day-month": ["2"], "day-year": ["2028"], "number": ["007"], "other": ["z"],
}  # fmt: skip


def test_answers_are_trimmed_and_nothing_else_is_taken() -> None:
    filled = read(FORM, GOOD)
    assert filled.problems == ()
    assert (filled.one("text"), filled.one("secret"), filled.one("code")) == ("words", " p w ", "123456")
    assert (filled.one("lines"), filled.many("many"), filled.one("tick")) == ("a\nb", ("y", "x"), "yes")
    assert str(filled.day("day")) == "2028-02-29"
    assert "other" not in {**filled.answers, **filled.picked}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("text", "x" * 11, "Shorten it"),
        ("text", "", "Text: answer this question"),
        ("text", "a\x00b", "cannot be seen"),
        ("email", "nobody", "email address"),
        ("email", "a b@example.org", "email address"),
        ("choice", "z", "from the list"),
        ("choice", "", "Which one? answer this question"),
        ("select", "z", "from the list"),
        ("many", "z", "from the list"),
        ("many", "", "from the list"),
        ("number", "-1", "whole number"),
        ("number", "1.5", "whole number"),
        ("number", "١٢", "whole number"),
        ("number", "9" * 16, "whole number"),
        ("day-day", "31", "no such day"),
        ("day-day", "", "as numbers"),
        ("day-year", "28", "as numbers"),
        ("day-year", "0000", "no such day"),
        ("day-month", "٢", "as numbers"),
    ],
)
def test_a_wrong_answer_is_told_without_repeating_it(name: str, value: str, words: str) -> None:
    problems = read(FORM, {**GOOD, name: [value]}).problems
    assert [problem.field for problem in problems] == [name.partition("-")[0]]
    assert words in problems[0].words
    assert len(value) < 3 or value not in problems[0].words


NAMES = st.sampled_from([*GOOD, "x"])


@given(st.dictionaries(NAMES, st.lists(st.text(max_size=30) | st.sampled_from(["x", "y", "yes", "12"]), max_size=3)))
def test_whatever_is_sent_is_read_and_shown_again_safely(sent: dict[str, list[str]]) -> None:
    filled = read(FORM, sent)
    for field in FORM.fields:
        answer = filled.one(field.name)
        assert len(answer) <= field.longest or field.kind == "many"
        if field.kind in ("choice", "select") and not filled.problems:
            assert answer in ("x", "y")
    assert set(filled.many("many")) <= {"x", "y"}
    page = html(Sheet(title="T", blocks=(Questions(filled, "/x"),)), Surroundings(token="t"))
    assert page.count("<form") == 1
    elsewhere = "\n".join(value for name in sent.keys() - {"secret", "code"} for value in sent[name])
    for value in sent.get("secret", []) + sent.get("code", []):
        assert len(value) < 8 or value in elsewhere or value not in page


@given(st.text(max_size=40))
def test_nothing_shown_can_become_markup(text: str) -> None:
    nasty = f"<script>{text}</script>\"'><img src=x onerror=y>"
    blocks = (
        Words(nasty),
        Table(nasty, (nasty,), ((nasty, Link(nasty, "/x", nasty), Tag(nasty), Code(nasty)),)),
        Panel(nasty, nasty),
        Questions(blank(Form(button=nasty, fields=(Field(name="a", label=nasty, hint=nasty),)), a=nasty), "/x"),
    )
    page = html(Sheet(title=nasty, blocks=blocks, above=nasty), Surroundings(token=nasty, who=nasty, said=nasty))
    assert "<script" not in page
    assert "<img" not in page


def test_every_problem_has_a_link_to_where_it_is_mended() -> None:
    page = html(Sheet(title="T", blocks=(Words("x"), Questions(read(FORM, {}), "/x"))), Surroundings(token="t"))
    links = re.findall(r'<a href="#([^"]+)"', page.split("govuk-error-summary__list")[1].split("</ul>")[0])
    assert len(links) == len([field for field in FORM.fields if field.needed])
    for link in links:
        assert page.count(f'id="{link}"') == 1, link
    assert "<title>Error: T - samechild</title>" in page


def test_a_form_without_questions_can_be_wrong_too() -> None:
    assert wrong(blank(Form(button="Go")), "Somebody was quicker").problems[0].words == "Somebody was quicker"
