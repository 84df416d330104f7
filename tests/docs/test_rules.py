"""The page of validation rules says what the declarations say."""

from __future__ import annotations

import rule_catalogue
from samechild.collection.rules.catalogue import REGISTER_RULES, RULES


def test_the_page_is_what_the_declarations_say() -> None:
    written = rule_catalogue.PAGE.read_text(encoding="utf-8")
    assert written == rule_catalogue.page(), "run scripts/rule_catalogue.py"


def test_every_rule_stands_on_it_with_its_examples() -> None:
    page = rule_catalogue.page()
    for each in (*RULES, *REGISTER_RULES):
        assert f"| {each.code} | {each.grade.value} | {each.message} |" in page
        assert (f"- **{each.code}** " in page) == bool(each.passes and each.fails)
        assert each.test is None or f"- **{each.code}** " in page


def test_attendance_stands_by_itself_and_what_needs_a_directory_says_so() -> None:
    page = rule_catalogue.page()
    social_care, attendance = page.split("## School attendance\n")
    assert all(f"**{each.code}**" in attendance for each in REGISTER_RULES)
    assert "CLA-34" not in attendance
    assert "ATT-" not in social_care
    assert social_care.count("Without a postcode directory") == len([each for each in RULES if each.without_postcodes])
    assert "Without a postcode directory: not checked." in social_care
