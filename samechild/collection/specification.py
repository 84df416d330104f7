"""Which version of the published specification is in force, what it changed, and what is known of the next one.

Source: ``openapi.json`` of ``DFE-Digital/children-in-social-care-schemas`` (MIT), as published up to version 1.0.1.
"""

from __future__ import annotations

from datetime import date

import msgspec

from samechild.collection.records import SPECIFICATION


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A version: when it was published and what changed in it; ``proposed`` has not been published."""

    version: str
    published: date
    changes: str
    proposed: bool = False


VERSIONS: tuple[Version, ...] = (
    Version(version="0.8.0", published=date(2025, 3, 28), changes="Education, health and care plans were taken out."),
    Version(
        version="0.8.1",
        published=date(2025, 11, 13),
        changes="The reason why there is no UPN may be four characters long, before: three.",
    ),
    Version(
        version="1.0.0",
        published=date(2026, 2, 27),
        changes="The placement type may be three characters long, before: two. The first live version.",
    ),
    Version(
        version="1.0.1",
        published=date(2026, 5, 19),
        changes=(
            "Your own id of a child is 1 to 20 letters and digits, before: up to 36, with hyphens and underscores as "
            "well."
        ),
    ),
    Version(
        version="next",
        published=date(2026, 4, 22),
        changes="A worker's id may hold a full stop. Proposed and not published: nothing has to be changed yet.",
        proposed=True,
    ),
)
"""Every version, the oldest first, then what is proposed."""


def in_force() -> Version:
    """The version that records are taken by."""
    return next(each for each in VERSIONS if each.version == SPECIFICATION)


def to_come() -> tuple[Version, ...]:
    """What is known of the versions that follow."""
    return tuple(each for each in VERSIONS if each.proposed or each.published > in_force().published)
