"""What a child's record is made of, read off the declared types: which field is a value, which a list told apart by id.

Merging, parting between the vaults, naming a place, redacting and the tables all walk this one description, so a field
that is declared once in :mod:`samechild.collection.records` is treated alike everywhere.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import Any, get_args, get_type_hints

import msgspec

from samechild.collection.records import KEYS, CareWorker, declared
from samechild.records import Sensitivity


class Role(StrEnum):
    """How a field takes part when submissions are put together."""

    VALUE = "value"  # a date, a code, a flag, a text: the newest one stands
    CODES = "codes"  # a set of codes, replaced whole; their order means nothing
    SECTION = "section"  # one object without an identifier, merged field by field
    ITEMS = "items"  # things told apart by their own id
    WORKERS = "workers"  # allocations of workers, told apart by worker and first day
    RESULTS = "results"  # rows without an identifier, replaced whole


class Part(msgspec.Struct, frozen=True):
    """One field of a type: its role, the type of what stands in it, and the field that tells its items apart."""

    name: str
    role: Role
    kind: type
    key: str = ""
    identity: bool = False  # says who the child is: kept in the identity vault
    holds_identity: bool = False  # somewhere below it stands such a field


@cache
def parts(kind: type) -> tuple[Part, ...]:
    """The fields of one of the declared types in their declared order, without its purge flag."""
    hints = get_type_hints(kind)
    return tuple(_part(kind, name, hints[name]) for name in declared(kind) if name != "purge")


@cache
def things_in(kind: type) -> tuple[Part, ...]:
    """Of these fields those in which further things stand."""
    return tuple(part for part in parts(kind) if part.kind is not object)


@cache
def sets_in(kind: type) -> tuple[Part, ...]:
    """Of these fields those that are sets of codes."""
    return tuple(part for part in parts(kind) if part.role is Role.CODES)


def _part(kind: type, name: str, hint: Any) -> Part:
    inner = next((each for each in get_args(hint) if each is not type(None)), hint)
    many = getattr(inner, "__origin__", None) is tuple
    within = get_args(inner)[0] if many else inner
    identity = declared(kind)[name].sensitivity == Sensitivity.IDENTITY
    if not (isinstance(within, type) and issubclass(within, msgspec.Struct)):
        return Part(name, Role.CODES if many else Role.VALUE, object, identity=identity)
    below = any(part.identity or part.holds_identity for part in parts(within))
    if not many:
        return Part(name, Role.SECTION, within, holds_identity=below)
    if name in KEYS:
        return Part(name, Role.ITEMS, within, KEYS[name], holds_identity=below)
    return Part(name, Role.WORKERS if within is CareWorker else Role.RESULTS, within, holds_identity=below)


def worker_step(worker: str, start: str) -> str:
    """How an allocation of a worker is named in a path: ``WORKERID@FIRSTDAY``, either of which may be empty."""
    return f"{worker}@{start}"


def below(path: str, step: str) -> str:
    """The path one step further down."""
    return f"{path}/{step}" if path else step
