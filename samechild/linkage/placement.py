"""The nouns of placing one record: the newcomer, the children near it, and where it was found to belong."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from samechild.linkage.compiled import Prepared
from samechild.linkage.reference import probability_of

Ruled = Callable[[str, str], str]
"""What people and lists say of two records, by their keys: ``same``, ``different``, ``protected``, or nothing."""


class Member(msgspec.Struct, frozen=True):
    """A record: what is compared of it (:meth:`~samechild.linkage.matching.Matcher.prepare`), its source, its key.

    A source is one organisation's: two councils' files of one name are two sources.
    """

    prepared: Prepared
    source: str
    key: str


class Group(msgspec.Struct, frozen=True):
    """A child near the newcomer, with all its records.

    ``sealed``: an adopted child's former identity, which gains no record by itself. ``asked``: children with whom a
    question about it is open; None when that is not known, and then it is compared with every other child given.
    ``own``: the child that the newcomer is a record of already (see :func:`samechild.linkage.placing.fits`).
    """

    child: str
    members: tuple[Member, ...]
    sealed: bool = False
    asked: frozenset[str] | None = None
    own: bool = False


class Near(msgspec.Struct, frozen=True):
    """A child near the newcomer and the strongest pair with it: two records' keys, and what they weigh in bits.

    ``mine`` is the newcomer or a record it was put together with, ``theirs`` a record of ``child``. ``weight`` is the
    pair's, ``claim`` that of the two children as wholes. ``ground`` says in words what else there is to it.
    """

    child: str
    mine: str
    theirs: str
    levels: tuple[int, ...]
    weight: float
    claim: float
    ground: str = ""

    @property
    def probability(self) -> float:
        """How likely the two records, taken alone, are of one child."""
        return probability_of(self.weight)


class Placement(msgspec.Struct, frozen=True):
    """Where a newcomer belongs.

    ``joins``: no child (it is new), one, or several that it shows to be one, the nearest first; ``because`` has the
    strongest pair with each. ``asks``: questions for a person, worst first; one about a child it joins is about two
    numbers that contradict each other. ``leaves``: records (``theirs``) of a child that cannot be the newcomer's, which
    the newcomer shows to have been put there too soon: they go with it. ``restricted``: what only the
    adoption custodian may see: never joined, and named nowhere else.
    """

    joins: tuple[str, ...] = ()
    because: tuple[Near, ...] = ()
    asks: tuple[Near, ...] = ()
    leaves: tuple[Near, ...] = ()
    restricted: tuple[Near, ...] = ()
