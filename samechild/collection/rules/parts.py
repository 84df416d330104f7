"""The things a child's record is made of, in order: so that no rule has to know how they are nested."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any, get_args, get_type_hints

from samechild.collection.records import Child, Details, Episode, Thing

LISTS: tuple[str, ...] = (
    "care_worker_details",
    "child_and_family_assessments",
    "child_in_need_plans",
    "section_47_assessments",
    "child_protection_plans",
    "child_looked_after_placements",
)
"""The lists of an episode."""

SINGLE: tuple[str, ...] = ("adoption", "care_leavers")
"""What an episode holds one of."""

_NO_DETAILS = Details()


def details(child: Child) -> Details:
    """The personal details; empty ones when nothing of them is held."""
    return child.child_details or _NO_DETAILS


def born(child: Child) -> date | None:
    """The date of birth."""
    return details(child).date_of_birth


def episodes(child: Child) -> tuple[Episode, ...]:
    """The social care episodes, in the order in which they are held."""
    return child.social_care_episodes or ()


def parts(child: Child) -> list[tuple[Thing, Episode | None]]:
    """Everything of a child that a rule can look at, each with the episode it stands in: the child itself first."""
    found: list[tuple[Thing, Episode | None]] = [(child, None), (details(child), None)]
    if child.health_and_wellbeing is not None:
        found.append((child.health_and_wellbeing, None))
        found.extend((each, None) for each in child.health_and_wellbeing.sdq_assessments or ())
    for episode in child.social_care_episodes or ():
        found.append((episode, episode))
        for name in LISTS:
            held = getattr(episode, name)
            if held:
                found.extend([(each, episode) for each in held])
        for name in SINGLE:
            single = getattr(episode, name)
            if single is not None:
                found.append((single, episode))
    return found


def each(child: Child, name: str) -> list[tuple[Any, Episode]]:
    """The items of one list (``child_protection_plans``) over all episodes, each with its episode, as they stand."""
    return [(item, episode) for episode in episodes(child) for item in getattr(episode, name) or ()]


@cache
def dated(kind: type) -> tuple[str, ...]:
    """The fields of a type that hold a day."""
    return tuple(name for name, hint in get_type_hints(kind).items() if date in (hint, *get_args(hint)))


@cache
def texts(kind: type) -> tuple[str, ...]:
    """The fields of a type that hold a text."""
    return tuple(name for name, hint in get_type_hints(kind).items() if str in (hint, *get_args(hint)))


def alike(child: Child) -> dict[str, str]:
    """What would be equal for two records of one child, by the word that rules know it by (``At.shared``).

    The number in capitals; the names without regard to capitals, with the date of birth. It is the caller's to compare:
    as it stands within one file, by keyed token where it is kept.
    """
    held = details(child)
    found = {}
    if held.unique_pupil_number:
        found["upn"] = held.unique_pupil_number.strip().upper()
    if held.first_name and held.surname and held.date_of_birth:
        names = (held.first_name.strip().casefold(), held.surname.strip().casefold())
        found["name and birth"] = "\x1f".join((*names, held.date_of_birth.isoformat()))
    return found
