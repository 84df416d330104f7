"""Turning a sheet into HTML: one template for every page, so that all are accessible in the same way."""

from __future__ import annotations

from functools import cache

import msgspec
from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader

from samechild.web.blocks import Link, Questions, Sheet


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What stands around a page's own content: the menu, who is signed in, and the token for its forms."""

    path: str = ""
    part: str = ""  # the link of the menu under which the page stands
    links: tuple[Link, ...] = ()
    who: str = ""
    may_change_role: bool = False
    token: str = ""
    demo: bool = False
    said: str = ""


@cache
def templates() -> Environment:
    """The templates of samechild and of the design system, with every value escaped."""
    loader = ChoiceLoader(
        [
            PackageLoader("samechild.web", "templates"),
            PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja", "templates")}),
        ]
    )
    return Environment(loader=loader, autoescape=True)


def html(sheet: Sheet, around: Surroundings) -> str:
    """Write a whole page."""
    problems = [
        {"text": problem.words, "href": f"#f{number}-{anchor_of(block, problem.field)}"}
        for number, block in enumerate(sheet.blocks, start=1)
        if isinstance(block, Questions)
        for problem in block.filled.problems
    ]
    shown = {name: getattr(around, name) for name in Surroundings.__struct_fields__}
    page = {**shown, "sheet": sheet, "problems": problems, "error": bool(problems)}
    return templates().get_template("sheet.html").render(page=page)


def anchor_of(block: Questions, name: str) -> str:
    """Where a problem's link leads: the field itself, or the day of a date."""
    kind = next((field.kind for field in block.filled.form.fields if field.name == name), "")
    return f"{name}-day" if kind == "date" else name
