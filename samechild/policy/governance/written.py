"""Letters, cards and documents written from templates: everything put into one is shown as text, never as markup."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def render(template: str, **values: Any) -> str:
    """Write one of this room's templates with the given values.

    In an HTML template values are escaped; a name that a template needs and is not given is an error.
    """
    return _environment().get_template(template).render(**values)


def day_words(day: date) -> str:
    """A day as people write it: 3 March 2026."""
    return f"{day.day} {day:%B %Y}"


def month_words(day: date) -> str:
    """A month as people write it: March 2026."""
    return f"{day:%B %Y}"


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("samechild.policy"),
        autoescape=lambda name: name is not None and name.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"day": day_words, "month": month_words}
    return made
