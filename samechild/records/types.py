"""What may be known about a child, by kind: the record types that agreements name and decisions are made about.

Each type is declared once, here: who usually holds it, how private it is, and which rules of retention and of
confidence apply. Agreements, consent, the public page of purposes and the retention schedule are derived from it. The
five families follow the Find and Fetch designs published by the Department for Education (personal, children's
services, education, health, crime and justice).
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache

import msgspec

from samechild.records import Sensitivity


class Sector(StrEnum):
    """The kind of organisation that holds or asks for something, as sharing agreements distinguish them."""

    LOCAL_AUTHORITY = "local authority"
    EARLY_YEARS = "early years"
    EDUCATION = "education"
    HEALTH = "health"
    POLICE = "police"
    JUSTICE = "justice"  # probation, youth justice
    HOUSING = "housing"
    CARE_PROVIDER = "care provider"  # children's homes, fostering and adoption agencies
    VOLUNTARY = "voluntary"
    GOVERNMENT = "government"  # DfE, Jobcentre Plus, Home Office
    RESEARCH = "research"
    SUPPLIER = "supplier"  # of case management systems: a processor that sends for those who name it, holding nothing


HOLDERS = tuple(sector for sector in Sector if sector is not Sector.SUPPLIER)
"""Sectors whose organisations hold records of their own."""


class RecordType(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of thing held about a child: ``confidential`` owes a duty of confidence, ``sensitive`` hides existence.

    ``special`` is special category (Article 9), ``criminal`` criminal offence content (Article 10); ``location`` says
    that it tells where a child is, so that it is hidden for a shielded child.
    """

    name: str
    title: str
    holders: tuple[Sector, ...]
    retention: str
    sensitivity: Sensitivity = Sensitivity.CONTENT
    special: bool = False
    criminal: bool = False
    confidential: bool = False
    sensitive: bool = False
    location: bool = False


_S = Sector
_SOCIAL = (_S.LOCAL_AUTHORITY,)
_SCHOOLS = (_S.EDUCATION, _S.EARLY_YEARS, _S.LOCAL_AUTHORITY)
_I, _THIRD = Sensitivity.IDENTITY, Sensitivity.THIRD_PARTY


def _declared() -> tuple[RecordType, ...]:
    kind = RecordType
    return (
        kind(
            name="personal.identity",
            title="Name, date of birth, sex and identifiers",
            holders=HOLDERS,
            retention="as the record it belongs to",
            sensitivity=_I,
        ),
        kind(
            name="personal.address",
            title="Address, and who else lives there",
            holders=HOLDERS,
            retention="as the record it belongs to",
            sensitivity=_I,
            location=True,
        ),
        kind(
            name="personal.number",
            title="NHS number: how it became known, and what the national service says beside it",
            holders=HOLDERS,
            retention="as the record it belongs to",
            sensitivity=_I,
        ),
        kind(
            name="personal.connected",
            title="Parents, carers and other connected people",
            holders=HOLDERS,
            retention="as the record it belongs to",
            sensitivity=_THIRD,
        ),
        kind(
            name="social-care.involvement",
            title="Which team and worker is involved, and how to reach them",
            holders=_SOCIAL,
            retention="child in need",
            location=True,
        ),
        kind(
            name="social-care.episode",
            title="Referrals, assessments and child in need plans",
            holders=_SOCIAL,
            retention="child in need",
            special=True,
            confidential=True,
        ),
        kind(
            name="social-care.protection-plan",
            title="Section 47 enquiries and child protection plans",
            holders=_SOCIAL,
            retention="child protection",
            special=True,
            confidential=True,
        ),
        kind(
            name="social-care.looked-after",
            title="Looked-after periods and placements",
            holders=(_S.LOCAL_AUTHORITY, _S.CARE_PROVIDER),
            retention="looked-after child",
            special=True,
            confidential=True,
            location=True,
        ),
        kind(
            name="social-care.adoption",
            title="Adoption orders and the former identity",
            holders=(_S.LOCAL_AUTHORITY, _S.CARE_PROVIDER),
            retention="adoption",
            special=True,
            confidential=True,
            sensitive=True,
            location=True,
        ),
        kind(
            name="education.setting",
            title="School or setting, and since when",
            holders=_SCHOOLS,
            retention="education",
            location=True,
        ),
        kind(
            name="education.attendance",
            title="Attendance, suspensions and exclusions",
            holders=_SCHOOLS,
            retention="education",
        ),
        kind(
            name="education.support",
            title="Special educational needs and support",
            holders=_SCHOOLS,
            retention="education",
            special=True,
        ),
        kind(
            name="health.practice",
            title="GP practice and health visiting team",
            holders=(_S.HEALTH,),
            retention="health",
            special=True,
            confidential=True,
            location=True,
        ),
        kind(
            name="health.attendance",
            title="Emergency attendances and missed appointments",
            holders=(_S.HEALTH,),
            retention="health",
            special=True,
            confidential=True,
        ),
        kind(
            name="health.sensitive",
            title="Sexual health, mental health or substance misuse services",
            holders=(_S.HEALTH, _S.VOLUNTARY, _S.LOCAL_AUTHORITY),
            retention="health",
            special=True,
            confidential=True,
            sensitive=True,
        ),
        kind(
            name="justice.involvement",
            title="Police protection, missing episodes and youth justice",
            holders=(_S.POLICE, _S.JUSTICE, _S.LOCAL_AUTHORITY),
            retention="justice",
            criminal=True,
            confidential=True,
        ),
        kind(
            name="housing.tenancy",
            title="Housing applications and tenancies",
            holders=(_S.HOUSING, _S.LOCAL_AUTHORITY),
            retention="housing",
            location=True,
        ),
        kind(
            name="research.answers",
            title="Answers to a survey or study",
            holders=(_S.RESEARCH, _S.GOVERNMENT),
            retention="research",
            special=True,
            confidential=True,
        ),
    )


@cache
def record_types() -> dict[str, RecordType]:
    """Every declared record type by name, in the order of declaration."""
    return {declared.name: declared for declared in _declared()}
