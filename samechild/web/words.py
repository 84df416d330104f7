"""Names of declared things as people read them: titles in place of codes, organisations in place of ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from samechild.policy.bases import bases, conditions, confidences, powers
from samechild.policy.purposes import purposes
from samechild.policy.roles import roles
from samechild.policy.shown import organisations
from samechild.records.types import record_types
from samechild.storage import Store
from samechild.web.forms import Choice

NOBODY_KNOWS = "an organisation that is not known here"


def organisation_names(store: Store) -> dict[str, str]:
    """The name of every organisation by its id."""
    return {each.organisation: each.name for each in organisations(store)}


def title(declared: Mapping[str, Any], name: str) -> str:
    """The title of something declared; the code itself when it is not."""
    return declared[name].title if name in declared else name


def titles(declared: Mapping[str, Any], names: Iterable[str], anything: str) -> str:
    """Several titles in one line; ``anything`` when none are named."""
    return "; ".join(title(declared, name) for name in names) or anything


def choices(declared: Mapping[str, Any]) -> tuple[Choice, ...]:
    """Everything declared, to pick from."""
    return tuple(Choice(name, each.title) for name, each in declared.items())


def vocabulary() -> dict[str, Mapping[str, Any]]:
    """Every closed list of names, by the word that questions and the ledger use for it."""
    return {
        "purpose": purposes(),
        "power": powers(),
        "basis": bases(),
        "condition": conditions(),
        "confidence": confidences(),
        "role": roles(),
        "record_type": record_types(),
    }
