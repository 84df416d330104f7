"""The fields of the single core record: what each is taken from, how it is compared, and by which rules one is chosen.

Declared once, here. The rules are asked in the order given, and each keeps only the values that stand best by it, until
one value is left; what was not chosen is shown beside it. Nothing is chosen because it came first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from samechild.index import differences
from samechild.index.differences import Compare
from samechild.records import Record
from samechild.records.types import Sector


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What one record says of one field. It does not print it.

    ``text`` is the value as it is shown, ``given`` as the agency wrote it. ``record`` is the whole record, made
    comparable. ``status`` is the verification status of the record's NHS number, 01 to 08, or empty.
    """

    field: str
    record_key: str
    owner: str
    source: str
    received_at: datetime
    text: str
    given: str
    status: str
    record: Record

    def __repr__(self) -> str:
        return f"Claim(field={self.field!r}, record_key={self.record_key!r}, owner={self.owner!r}, text=hidden)"


class Among(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule may look at beside the one value: every value of the field, and the sectors of the agencies."""

    field: CoreField
    claims: Sequence[Claim]
    sectors: Mapping[str, Sector]


class Rule(msgspec.Struct, frozen=True):
    """A rule by which one value stands better than another: the lowest place wins. ``words`` tell why it was chosen."""

    name: str
    words: str
    place: Callable[[Claim, Among], int]


class CoreField(msgspec.Struct, frozen=True, kw_only=True):
    """One field of the core record.

    ``takes`` are the fields of :class:`samechild.records.Record` it is made of, of which one of ``needs`` must be
    usable. ``former`` are those that hold its earlier values. ``standing`` are the sectors that know it best, the best
    first. ``per_owner``: each agency gives its own, so that two agencies' values are never in conflict.
    """

    name: str
    title: str
    takes: tuple[str, ...]
    needs: tuple[str, ...]
    compare: Compare
    rules: tuple[str, ...]
    standing: tuple[Sector, ...] = ()
    former: tuple[str, ...] = ()
    per_owner: bool = False


VERIFIED = "01"
FORMER_OF = {"former_surname": "surname", "previous_postcode": "postcode", "former_upn": "upn"}
"""Fields that hold an earlier value, and the field whose earlier value it is."""


def _verified(claim: Claim, among: Among) -> int:
    return 0 if claim.status == VERIFIED else 1


def is_superseded(claim: Claim, among: Among) -> bool:
    """Whether another record names this value as an earlier one."""
    named = [(former, FORMER_OF[former]) for former in among.field.former]
    return any(
        getattr(claim.record, now) and getattr(claim.record, now) == getattr(other.record, former)
        for other in among.claims
        if other.record_key != claim.record_key
        for former, now in named
    )


def _present(claim: Claim, among: Among) -> int:
    return int(is_superseded(claim, among))


def wholeness(claim: Claim, among: Among) -> int:
    """How much is missing from a value: nothing is 0."""
    record = claim.record
    if among.field.name == "name":
        parts = (record.forename, record.surname)
        return sum(2 if not part else int(len(part) == 1) for part in parts)
    if among.field.name == "date_of_birth":
        return 0 if record.date_of_birth else 1 if record.birth_month else 2
    if among.field.name == "address":
        return (not record.postcode) * 2 + (not record.address)
    if among.field.name == "upn":
        return int(record.upn_kind == "temporary")
    return 0


def _agreement(claim: Claim, among: Among) -> int:
    agreeing = {each.owner for each in among.claims if among.field.compare(claim.record, each.record) is None}
    return -len(agreeing)


def _standing(claim: Claim, among: Among) -> int:
    known = among.field.standing
    sector = among.sectors.get(claim.owner)
    return known.index(sector) if sector in known else len(known)


def _recent(claim: Claim, among: Among) -> int:
    return -claim.received_at.date().toordinal()


RULES: Mapping[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule("present", "no other record calls it an earlier value", _present),
        Rule("verified", "it stands on a record whose NHS number is verified", _verified),
        Rule("whole", "it is the most complete", wholeness),
        Rule("agreement", "more agencies hold it than any other", _agreement),
        Rule("standing", "this kind of agency knows it best", _standing),
        Rule("recent", "it is the newest", _recent),
    )
}
"""Every rule by name."""

ALONE = Rule("alone", "nobody else holds one", lambda claim, among: 0)
AGREED = Rule("agreed", "everybody who holds one agrees", lambda claim, among: 0)
ORDER = Rule(
    "order", "nothing else tells them apart: it is first in the alphabet, and somebody should look", lambda c, a: 0
)

_S = Sector
_HEALTH_FIRST = (_S.HEALTH, _S.LOCAL_AUTHORITY, _S.EDUCATION, _S.EARLY_YEARS)
_SCHOOL_FIRST = (_S.EDUCATION, _S.EARLY_YEARS, _S.LOCAL_AUTHORITY)
_COUNCIL_FIRST = (_S.LOCAL_AUTHORITY, _S.HOUSING, _S.EDUCATION, _S.HEALTH)
_WHO = ("verified", "whole", "agreement", "standing", "recent")
_NUMBER = ("verified", "agreement", "standing", "recent")
_PLACE = ("recent", "standing", "agreement")


def _number(name: str, title: str, standing: tuple[Sector, ...], *, per_owner: bool = False) -> CoreField:
    compare = differences.number(name)
    rules = ("recent",) if per_owner else _NUMBER
    return CoreField(
        name=name,
        title=title,
        takes=(name,),
        needs=(name,),
        compare=compare,
        rules=rules,
        standing=standing,
        per_owner=per_owner,
    )


FIELDS: tuple[CoreField, ...] = (
    CoreField(
        name="name",
        title="Name",
        takes=("forename", "middle_names", "surname", "full_name"),
        needs=("forename", "surname"),
        compare=differences.names,
        rules=("present", *_WHO),
        standing=_HEALTH_FIRST,
        former=("former_surname",),
    ),
    CoreField(
        name="known_as",
        title="Known as",
        takes=("known_as",),
        needs=("known_as",),
        compare=differences.known_as,
        rules=_PLACE,
        standing=_SCHOOL_FIRST,
    ),
    CoreField(
        name="date_of_birth",
        title="Date of birth",
        takes=("date_of_birth",),
        needs=("date_of_birth", "birth_month", "birth_year"),
        compare=differences.birth_dates,
        rules=("whole", "verified", "agreement", "standing", "recent"),
        standing=_HEALTH_FIRST,
    ),
    CoreField(
        name="sex",
        title="Sex",
        takes=("sex",),
        needs=("sex",),
        compare=differences.sexes,
        rules=("verified", "agreement", "standing", "recent"),
        standing=_HEALTH_FIRST,
    ),
    CoreField(
        name="address",
        title="Address",
        takes=("address", "town", "postcode", "uprn"),
        needs=("postcode", "address", "uprn"),
        compare=differences.addresses,
        rules=("present", "recent", "agreement", "standing", "whole"),
        standing=_COUNCIL_FIRST,
        former=("previous_postcode",),
    ),
    _number("nhs_number", "NHS number", _HEALTH_FIRST),
    _number("chi_number", "Community Health Index number", _HEALTH_FIRST),
    _number("hc_number", "Health and Care number", _HEALTH_FIRST),
    CoreField(
        name="upn",
        title="Unique Pupil Number",
        takes=("upn",),
        needs=("upn",),
        compare=differences.upns,
        rules=("present", "whole", "agreement", "standing", "recent"),
        standing=_SCHOOL_FIRST,
        former=("former_upn",),
    ),
    _number("uln", "Unique Learner Number", _SCHOOL_FIRST),
    _number("scn", "Scottish Candidate Number", _SCHOOL_FIRST),
    _number("ucrn", "Unique Citizen Reference Number", _COUNCIL_FIRST),
    _number("nino", "National Insurance number", ()),
    _number("la_child_id", "Council's own number of the child", _COUNCIL_FIRST, per_owner=True),
    _number("other_id", "Another number", (), per_owner=True),
    CoreField(
        name="school",
        title="School",
        takes=("school",),
        needs=("school",),
        compare=differences.code("school"),
        rules=_PLACE,
        standing=_SCHOOL_FIRST,
    ),
    CoreField(
        name="gp_practice",
        title="GP practice",
        takes=("gp_practice",),
        needs=("gp_practice",),
        compare=differences.code("gp_practice"),
        rules=_PLACE,
        standing=(_S.HEALTH, _S.LOCAL_AUTHORITY, _S.EARLY_YEARS, _S.EDUCATION),
    ),
)
"""Every field of the core record, in the order in which a page shows them."""
