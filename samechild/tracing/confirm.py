"""Is the person whom the national service found the child who was asked about?

One match is not yet the right match: a twin has the same family name, birth date and address, and another child of the
same name may have been born on the same day. So what came back is compared field by field with what is known here. A
given name or a birth date that contradicts is never accepted by itself; whatever is written a little differently needs
something else that agrees, the address above all.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

import msgspec
from rapidfuzz.distance import OSA

from samechild.demographics.names import NameRead, read_forename, read_surname
from samechild.demographics.variants import forename_marks, surname_marks
from samechild.identifiers import postcode
from samechild.tracing.records import Person, Query, Subject


class Level(StrEnum):
    """How one thing known here compares with what the service holds."""

    SAME = "same"
    ASSERTED = "asserted"  # the service says it was once so
    OTHER_ORDER = "other order"  # the same names, used otherwise: a middle name first, or family name and given crossed
    VARIANT = "variant"  # a short form, another spelling, part of a double name
    NEAR = "near"  # a typing error apart
    SWAPPED = "swapped"  # day and month exchanged
    UNKNOWN = "unknown"  # not known on one side
    OTHER = "other"


class Verdict(StrEnum):
    """Whether a person may be taken for the child without asking."""

    ACCEPT = "accept"
    UNSURE = "unsure"  # nothing speaks against it; one more question may settle it
    DOUBTFUL = "doubtful"  # written otherwise, and too little agrees; one more question may settle it
    AGAINST = "against"


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A child and a person, field by field. ``further``: the given names after the first."""

    given: Level
    family: Level
    birth: Level
    sex: Level
    place: Level
    further: Level
    practice: Level
    restricted: bool = False
    one_of_several: bool = False
    others_seen: bool = False  # the service knows the other twin too, and they do not answer to this name

    @property
    def differences(self) -> tuple[str, ...]:
        """Fields of :class:`samechild.records.Record` in which the service says something else."""
        named = (
            ("forename", self.given),
            ("middle_names", self.further),
            ("surname", self.family),
            ("date_of_birth", self.birth),
            ("sex", self.sex),
            ("postcode", self.place),
            ("gp_practice", self.practice),
        )
        return tuple(field for field, level in named if level not in (Level.SAME, Level.UNKNOWN))


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A child as the service can be asked about: names as written, placeholders and what cannot be used left out.

    ``given``: the first given name, empty for a baby who has none yet; ``further``: the others.
    """

    subject: Subject
    given: str
    further: tuple[str, ...]
    also_called: tuple[str, ...]
    family: str
    former: tuple[str, ...]
    postcode: str
    earlier_postcodes: tuple[str, ...]
    one_of_several: bool

    def __repr__(self) -> str:
        return "Known(values hidden)"


def known_of(subject: Subject) -> Known:
    """Read what is known of a child: "Baby", "Male infant" and "Twin 1" are no names, brackets hold other names."""
    reads = [read_forename(name) for name in subject.given if name.strip()]
    first = reads[0] if reads else NameRead()
    words = [word for name in subject.given[:1] for word in _before_bracket(name).split()] if first.name else []
    later = [_before_bracket(name) for name in subject.given[1:] if read_forename(name).name]
    surname = read_surname(subject.family)
    families = [name for name in subject.former_families if read_surname(name).name]
    called = [name for name in subject.also_called if read_forename(name).name]
    return Known(
        subject=subject,
        given=words[0] if words else "",
        further=tuple(word for name in (*words[1:], *later) for word in name.split()),
        also_called=tuple(_before_bracket(name) for name in [*called, *([first.aside] if first.aside else [])]),
        family=_before_bracket(subject.family) if surname.name else "",
        former=tuple(_before_bracket(name) for name in [*families, *([surname.aside] if surname.aside else [])]),
        postcode=_usable(subject.postcode),
        earlier_postcodes=tuple(each for each in map(_usable, subject.earlier_postcodes) if each),
        one_of_several=subject.one_of_several or any(read.birth_order for read in reads),
    )


def _before_bracket(name: str) -> str:
    kept = name.replace("*", " ")  # a wildcard of the service, never part of a name
    for opening in '([{"“':
        kept = kept.partition(opening)[0]
    return " ".join(kept.split())


def _usable(written: str) -> str:
    return postcode.check(written).value or ""


def compare(known: Known, person: Person, query: Query) -> Comparison:
    """Compare a child with the person a query found. What a plain search asked for, the service has asserted."""
    return Comparison(
        given=_given(known, person, query),
        family=_family(known, person, query),
        birth=_birth(known.subject.birth_date, person.birth_date),
        sex=_sex(known.subject.sex, person.sex),
        place=_place(known, person, query),
        further=_further(known, person),
        practice=_practice(known.subject.gp_practice, person.gp_practice),
        restricted=person.restricted,
        one_of_several=known.one_of_several or bool(person.plural or person.birth_order),
    )


def judge(found: Comparison) -> tuple[Verdict, tuple[str, ...]]:
    """Decide what a comparison allows, and name what speaks against it."""
    against = [
        code
        for code, level in (("given-name", found.given), ("family-name", found.family), ("birth-date", found.birth))
        if level is Level.OTHER
    ]
    if against:
        return Verdict.AGAINST, tuple(against)
    if found.given is Level.UNKNOWN:
        return Verdict.AGAINST, ("no-given-name",)  # it may always be the other twin
    if found.sex is Level.OTHER and found.further is Level.OTHER:
        return Verdict.AGAINST, ("sex", "middle-names")
    weak = _weak(found)
    if found.further is Level.OTHER and "given-name-differs" in weak:
        return Verdict.AGAINST, (*weak, "middle-names")
    placed = found.place in (Level.SAME, Level.ASSERTED)
    supported = placed or found.further is Level.SAME
    if found.further is Level.OTHER and not placed:
        return Verdict.DOUBTFUL, ("middle-names",)
    if not weak:
        if supported or (found.restricted and found.sex is Level.SAME):
            return Verdict.ACCEPT, ()
        return Verdict.UNSURE, ()
    return (Verdict.ACCEPT if _outweighed(found, weak, placed, supported) else Verdict.DOUBTFUL), weak


def judge_by_number(found: Comparison) -> tuple[str, ...]:
    """Name what speaks against the person of a number that somebody gave; empty when nothing does.

    The number itself says much, so a changed family name is no obstacle when given name, birth date and sex agree; but
    a twin's number is given by mistake now and then, so the given name must not contradict.
    """
    against = [
        code for code, level in (("given-name", found.given), ("birth-date", found.birth)) if level is Level.OTHER
    ]
    if found.sex is Level.OTHER and found.given is not Level.SAME:
        against.append("sex")
    exact = found.given in (Level.SAME, Level.OTHER_ORDER) and found.birth is Level.SAME
    if found.family is Level.OTHER and not (exact and found.sex is not Level.UNKNOWN):
        against.append("family-name")
    if found.birth is Level.UNKNOWN:
        against.append("birth-date")
    if found.birth is Level.SWAPPED and not (found.given is Level.SAME and found.family is not Level.OTHER):
        against.append("birth-date")
    if found.given is Level.UNKNOWN and (found.one_of_several or found.sex is not Level.SAME):
        against.append("no-given-name")
    return tuple(dict.fromkeys(against))


def only_family_differs(found: Comparison) -> bool:
    """Whether nothing but the spelling of the family name is otherwise, so that no twin can be meant."""
    return (
        _weak(found) == ("family-name-differs",)
        and found.family in (Level.NEAR, Level.VARIANT)
        and (found.given, found.sex) == (Level.SAME, Level.SAME)
        and found.further is not Level.OTHER
    )


def _weak(found: Comparison) -> tuple[str, ...]:
    """What is written otherwise, as codes."""
    weak = []
    if found.given in (Level.VARIANT, Level.NEAR) or (
        found.given is Level.OTHER_ORDER and found.family is not Level.OTHER_ORDER
    ):
        weak.append("given-name-differs")
    if found.family not in (Level.SAME, Level.ASSERTED):
        weak.append("family-name-differs")
    if found.birth is not Level.SAME:
        weak.append("birth-date-differs")
    if found.sex is Level.OTHER:
        weak.append("sex-differs")
    return tuple(weak)


def _outweighed(found: Comparison, weak: tuple[str, ...], placed: bool, supported: bool) -> bool:
    """Whether what agrees outweighs what is written otherwise."""
    if "given-name-differs" in weak and found.one_of_several and not found.others_seen:
        return False
    if "birth-date-differs" in weak:
        return supported and len(weak) == 1 and found.birth is Level.SWAPPED
    if len(weak) == 1:
        return placed or (supported and found.sex is Level.SAME)
    return len(weak) == 2 and placed and found.sex is Level.SAME and found.given is not Level.NEAR


def _given(known: Known, person: Person, query: Query) -> Level:
    theirs = [read_forename(names[0]) for names in person.givens if names and names[0].strip()]
    first = [read for read in theirs if read.name]
    if not known.given or not first:
        return Level.UNKNOWN
    mine = read_forename(known.given)
    others = {name for names in person.givens for each in names[1:] for name in read_forename(each).parts}
    called = {name for each in (*known.also_called, *known.further) for name in read_forename(each).parts}
    if any(read.name == mine.name for read in first):
        return Level.SAME
    if mine.name in others or any(read.name in called for read in first):
        return Level.OTHER_ORDER
    if _crossed(known, person):
        return Level.OTHER_ORDER
    marks = set(forename_marks(mine.name or ""))
    for read in first:
        shared = marks & set(forename_marks(read.name or "")) or set(mine.parts) & set(read.parts)
        if shared or _begins(mine.name or "", read.name or ""):
            return Level.VARIANT
    return Level.NEAR if any(_near(mine.name or "", read.name or "") for read in first) else Level.OTHER


def _family(known: Known, person: Person, query: Query) -> Level:
    mine = [read_surname(name) for name in (known.family, *known.former) if name]
    theirs = [read for read in map(read_surname, person.families) if read.name]
    if not theirs:
        return Level.UNKNOWN if not query.family else Level.ASSERTED
    if any(one.name == other.name for one in mine for other in theirs):
        return Level.SAME
    if _crossed(known, person):
        return Level.OTHER_ORDER
    if query.family and not query.fuzzy and query.history and not query.family.endswith("*"):
        return Level.ASSERTED
    for one in mine:
        for other in theirs:
            parts = {part for part in set(one.parts) & set(other.parts) if len(part) > 2}
            marks = set(surname_marks(one.name or "")) & set(surname_marks(other.name or ""))
            if parts or marks:
                return Level.VARIANT
            if _near(one.name or "", other.name or "", twice_from=5):
                return Level.NEAR
    return Level.OTHER


def _crossed(known: Known, person: Person) -> bool:
    """Whether the given name here is the family name there, and the reverse."""
    given, family = read_surname(known.given).name, read_forename(known.family).name
    return any(
        read_surname(theirs).name == given and any(read_forename(name).name == family for name in names[:1])
        for theirs, names in zip(person.families, person.givens, strict=True)
    )


def _birth(mine: date | None, theirs: str) -> Level:
    if mine is None or not theirs:
        return Level.UNKNOWN
    if theirs == mine.isoformat():
        return Level.SAME
    if len(theirs) < 10:
        return Level.UNKNOWN if mine.isoformat().startswith(theirs) else Level.OTHER
    return Level.SWAPPED if theirs == f"{mine.year:04}-{mine.day:02}-{mine.month:02}" else Level.OTHER


def _sex(mine: str, theirs: str) -> Level:
    if not mine or not theirs:
        return Level.UNKNOWN
    return Level.SAME if mine == theirs else Level.OTHER


def _place(known: Known, person: Person, query: Query) -> Level:
    mine = {each for each in (known.postcode, *known.earlier_postcodes) if each}
    theirs = {each for each in map(_usable, person.postcodes) if each}
    if mine & theirs:
        return Level.SAME
    if query.postcode and not query.fuzzy and not query.postcode.endswith("*"):
        return Level.ASSERTED
    return Level.OTHER if mine and theirs else Level.UNKNOWN


def _further(known: Known, person: Person) -> Level:
    mine = [name for name in (read_forename(each).name for each in known.further) if name]
    theirs = [name for names in person.givens for each in names[1:] for name in (read_forename(each).name,) if name]
    if not mine or not theirs:
        return Level.UNKNOWN
    firsts = {read_forename(names[0]).name for names in person.givens if names}
    held = {name for name in theirs if len(name) > 1}
    if set(mine) & (held | firsts) or read_forename(known.given).name in held:
        return Level.SAME
    initials = any(one[0] == other[0] and 1 in (len(one), len(other)) for one in mine for other in theirs)
    return Level.NEAR if initials else Level.OTHER


def _practice(mine: str, theirs: str) -> Level:
    if not mine or not theirs:
        return Level.UNKNOWN
    return Level.SAME if mine.strip().upper() == theirs.upper() else Level.OTHER


def _begins(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return len(short) >= 3 and long.startswith(short)


def _near(one: str, other: str, twice_from: int = 8) -> bool:
    """Whether two names are one slip of the keyboard apart, or two in a long name."""
    shortest = min(len(one), len(other))
    return shortest >= 4 and OSA.distance(one, other) <= (2 if shortest >= twice_from else 1)
