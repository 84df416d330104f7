"""The page of validation rules says what the declarations say."""

from __future__ import annotations

import rule_catalogue
from samechild.collection.rules.catalogue import RULES


def test_the_page_is_what_the_declarations_say() -> None:
    written = rule_catalogue.PAGE.read_text(encoding="utf-8")
    assert written == rule_catalogue.page(), "run scripts/rule_catalogue.py"


def test_every_rule_stands_on_it_with_its_examples() -> None:
    page = rule_catalogue.page()
    for each in RULES:
        assert f"| {each.code} | {each.grade.value} | {each.message} |" in page
        assert (f"- **{each.code}** " in page) == (each.test is not None)
