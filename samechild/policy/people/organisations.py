"""Every kind of organisation that holds or asks for something about a child, declared once.

Sharing agreements distinguish sectors; the law distinguishes more. Whether a body is a public authority decides which
lawful basis is open to it; whether it is a person of Children Act 2004 section 16LA decides whether that duty binds it;
whether it is a competent authority decides whether Part 3 of the Data Protection Act 2018 applies. A decision reads
these from the kind, never from the name.

Sources: the annex of La Valle, Graham and Payne, *A consistent identifier in education and children's services*,
research report RR547 (2016), as ``data/org_types.csv``; Children Act 2004 sections 11 and 16LA; Data Protection Act
2018 sections 7 and 30 and Schedule 7; Freedom of Information Act 2000 Schedule 1.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib import resources

import msgspec

from samechild.errors import Invalid
from samechild.policy.records import Body
from samechild.records.disclosure import Route
from samechild.records.types import Sector


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of organisation; ``annex`` are its rows in the annex of 2016, ``codes`` the numbers it is known by.

    ``sole_provider`` is one person who is also the organisation, such as a childminder: the commissioning council
    vouches for them, and access ends with the registration or the contract.
    """

    name: str
    title: str
    sector: Sector
    codes: tuple[str, ...]
    annex: tuple[int, ...] = ()
    public_authority: bool = False
    relevant_person: bool = True
    competent_authority: bool = False
    sole_provider: bool = False
    dfe: bool = False


class Organisation(msgspec.Struct, frozen=True, kw_only=True):
    """An organisation of this installation. It owns a data space of its own, which bears the organisation's id.

    ``active_until``, ``registered_until`` and ``contract_until`` are moments from which it has no access any more.
    ``voucher_until`` is when the organisation that vouches for it ends or ended.
    """

    organisation: str
    kind: str
    name: str
    active_from: datetime
    codes: Mapping[str, str] = {}
    active_until: datetime | None = None
    vouched_by: str = ""
    registered_until: datetime | None = None
    contract_until: datetime | None = None
    voucher_until: datetime | None = None
    host: bool = False  # runs this installation: adds other organisations
    route: Route | None = None  # who can decide when somebody is refused, and how to reach them


SANDBOX = "-sandbox"
"""Behind an organisation's id, the id of the one whose made-up and trial records it keeps; ids that are drawn have no
such ending."""


def behind_sandbox(organisation: str) -> str:
    """Whose a sandbox is; any other organisation is nobody's but its own."""
    return organisation.removesuffix(SANDBOX)


CODES: Mapping[str, str] = {
    "la-code": r"\d{3}",
    "gss": r"[ENSW]\d{8}",
    "urn": r"\d{5,6}",
    "laestab": r"\d{3}/\d{4}",
    "ukprn": r"1\d{7}",
    "ofsted-urn": r"(?:EY|SC|VC|RP)?\d{4,8}",
    "ods": r"[A-Z0-9]{3,10}",
    "police-force": r"\d{2}",
    "company": r"[A-Z0-9]{8}",
    "dsi": r"[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}",  # organisation id of DfE Sign-in
    "entra": r"[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}",  # tenant id
}
"""The numbers organisations are known by, and the form of each; the last two are those of sign-in providers."""

_EVERYBODY = ("dsi", "entra", "ods", "company")
_S = Sector
_COUNCIL = ("la-code", "gss")
_SCHOOL = ("urn", "laestab", "ukprn")
_OFSTED = ("ofsted-urn",)


def _kind(
    name: str,
    title: str,
    sector: Sector,
    codes: tuple[str, ...],
    annex: tuple[int, ...] = (),
    *,
    public: bool = False,
    relevant: bool = True,
    law: bool = False,
) -> Kind:
    return Kind(
        name=name,
        title=title,
        sector=sector,
        codes=codes,
        annex=annex,
        public_authority=public,
        relevant_person=relevant,
        competent_authority=law,
    )


def _councils() -> tuple[Kind, ...]:
    return (
        _kind("local-authority", "Council with children's services", _S.LOCAL_AUTHORITY, _COUNCIL, (1,), public=True),
        _kind(
            "appointed-body", "Body appointed to a council's functions", _S.LOCAL_AUTHORITY, _COUNCIL, (3,), public=True
        ),
        _kind("safeguarding-partnership", "Safeguarding partnership", _S.LOCAL_AUTHORITY, _COUNCIL, public=True),
        _kind("social-work-provider", "Provider of social work services", _S.CARE_PROVIDER, _OFSTED, (2,)),
    )


def _early_years() -> tuple[Kind, ...]:
    early = _S.EARLY_YEARS
    return (
        _kind("nursery", "Nursery or pre-school", early, _OFSTED, (4, 5, 24)),
        _kind("childminder", "Childminder", early, _OFSTED, (4, 24)),
        _kind("domestic-childcare", "Childcare on domestic premises", early, _OFSTED, (6,)),
        _kind("home-childcarer", "Home childcarer", early, _OFSTED, (7,)),
        _kind("childrens-centre", "Children's centre or family hub", early, _SCHOOL, (8, 23), public=True),
        _kind("out-of-school-childcare", "Childcare out of school hours", early, _OFSTED, (25, 26)),
    )


def _care() -> tuple[Kind, ...]:
    care = _S.CARE_PROVIDER
    return (
        _kind("childrens-home", "Children's home", care, _OFSTED, (9,)),
        _kind("secure-childrens-home", "Secure children's home", care, _OFSTED, (10,)),
        _kind("residential-school-home", "Residential special school registered as a home", care, _OFSTED, (11,)),
        _kind("residential-family-centre", "Residential family centre", care, _OFSTED, (12,)),
        _kind("holiday-scheme", "Holiday scheme for disabled children", care, _OFSTED, (13,)),
        _kind("fostering-agency", "Independent fostering agency", care, _OFSTED, (14,)),
        _kind("adoption-agency", "Voluntary adoption agency", care, _OFSTED, (15,)),
        _kind("adoption-support-agency", "Adoption support agency", care, _OFSTED, (16,)),
    )


def _education() -> tuple[Kind, ...]:
    school = _S.EDUCATION
    return (
        _kind("maintained-school", "Maintained school", school, _SCHOOL, (17, 18), public=True),
        _kind("maintained-special-school", "Maintained special school", school, _SCHOOL, (19,), public=True),
        _kind("residential-special-school", "Residential special school", school, _SCHOOL, (20,)),
        _kind("state-boarding-school", "State boarding school", school, _SCHOOL, (21,), public=True),
        _kind("maintained-nursery-school", "Maintained nursery school", school, _SCHOOL, (22,), public=True),
        _kind("independent-school", "Independent school", school, _SCHOOL, (27, 28)),
        _kind("non-maintained-special-school", "Non-maintained special school", school, _SCHOOL, (29,)),
        _kind("academy", "Academy or free school", school, _SCHOOL, (30, 31), public=True),
        _kind("special-academy", "Special academy", school, _SCHOOL, (32,), public=True),
        _kind("academy-16-19", "16 to 19 academy", school, _SCHOOL, (33,), public=True),
        _kind("alternative-provision-academy", "Alternative provision academy", school, _SCHOOL, (34,), public=True),
        _kind("academy-trust", "Academy trust", school, ("ukprn", "company"), public=True),
        _kind("sixth-form-college", "Sixth form college", school, _SCHOOL, (35,), public=True),
        _kind("further-education-college", "Further education college", school, _SCHOOL, (36,), public=True),
        _kind("special-post-16", "Special post-16 institution", school, _SCHOOL, (37,)),
        _kind("pupil-referral-unit", "Pupil referral unit", school, _SCHOOL, (38,), public=True),
        _kind("alternative-provider", "Alternative provider without registration", school, ("company",), (39, 40)),
    )


def _health_and_justice() -> tuple[Kind, ...]:
    return (
        _kind("nhs-trust", "NHS trust or foundation trust", _S.HEALTH, ("ods",), public=True),
        _kind("integrated-care-board", "Integrated care board", _S.HEALTH, ("ods", "gss"), public=True),
        _kind("nhs-england", "NHS England", _S.HEALTH, ("ods",), public=True),
        _kind("gp-practice", "GP practice", _S.HEALTH, ("ods",), public=True),
        _kind("health-visiting", "Health visiting and school nursing service", _S.HEALTH, ("ods",), public=True),
        _kind("independent-health-provider", "Independent provider under an NHS contract", _S.HEALTH, ("ods",)),
        _kind("police-force", "Police force", _S.POLICE, ("police-force", "gss"), public=True, law=True),
        _kind("transport-police", "British Transport Police", _S.POLICE, ("police-force",), public=True, law=True),
        _kind("probation", "Probation service", _S.JUSTICE, ("gss",), public=True, law=True),
        _kind("youth-justice", "Youth justice (youth offending) team", _S.JUSTICE, _COUNCIL, public=True, law=True),
        _kind(
            "secure-institution",
            "Prison, young offender institution, secure school",
            _S.JUSTICE,
            ("gss",),
            public=True,
            law=True,
        ),
    )


def _others() -> tuple[Kind, ...]:
    return (
        _kind("housing-authority", "District council: housing", _S.HOUSING, _COUNCIL, public=True),
        _kind("housing-association", "Housing association", _S.HOUSING, ("company",), relevant=False),
        _kind("voluntary-organisation", "Voluntary organisation", _S.VOLUNTARY, ("company",), relevant=False),
        _kind("commissioned-voluntary", "Voluntary organisation under contract", _S.VOLUNTARY, ("company",)),
        _kind("department-for-education", "Department for Education", _S.GOVERNMENT, (), public=True, relevant=False),
        _kind("jobcentre-plus", "Jobcentre Plus", _S.GOVERNMENT, (), public=True, relevant=False),
        _kind("home-office", "Home Office", _S.GOVERNMENT, (), law=True, public=True, relevant=False),
        _kind("university", "University or public research body", _S.RESEARCH, ("ukprn",), public=True, relevant=False),
        _kind("research-body", "Independent research body", _S.RESEARCH, ("company",), relevant=False),
        _kind("system-supplier", "Supplier of a case management system", _S.SUPPLIER, ("company",), relevant=False),
    )


@cache
def kinds() -> dict[str, Kind]:
    """Every declared kind of organisation by name."""
    declared = (*_councils(), *_early_years(), *_care(), *_education(), *_health_and_justice(), *_others())
    special = {
        "childminder": {"sole_provider": True},
        "home-childcarer": {"sole_provider": True},
        "department-for-education": {"dfe": True},
    }
    return {kind.name: msgspec.structs.replace(kind, **special.get(kind.name, {})) for kind in declared}


@cache
def annex() -> tuple[Mapping[str, str], ...]:
    """The annex of 2016, row by row: law, who is responsible, service, setting, regulator, example codes."""
    text = resources.files("samechild.policy").joinpath("data", "org_types.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def checked_codes(kind: Kind, codes: Mapping[str, str]) -> dict[str, str]:
    """Check the numbers an organisation is known by, and write them in one form.

    Raises:
        Invalid: when that kind of organisation has no such number, or the number has another form.
    """
    checked = {}
    for name, code in codes.items():
        if name not in (*kind.codes, *_EVERYBODY):
            raise Invalid(f"A {kind.title.lower()} has no {name} number: choose from {', '.join(kind.codes)}.")
        if not re.fullmatch(CODES[name], code.strip().upper()):
            raise Invalid(f"The {name} number does not have the form of one: look at it again.")
        checked[name] = code.strip().upper()
    return checked


def is_active(organisation: Organisation, now: datetime) -> bool:
    """Whether an organisation may take part now: begun, not ended, and as registered, contracted and vouched for.

    A sole provider needs all three, with dates; another organisation loses access with whichever it has.
    """
    ends = (organisation.active_until, organisation.registered_until, organisation.contract_until)
    if now < organisation.active_from or any(end is not None and end <= now for end in ends):
        return False
    if not kinds()[organisation.kind].sole_provider:
        return True
    vouched = bool(organisation.vouched_by and organisation.registered_until and organisation.contract_until)
    return vouched and (organisation.voucher_until is None or now < organisation.voucher_until)


def body_of(organisation: Organisation, now: datetime) -> Body:
    """See an organisation as a decision does: what its kind is in law, and whether it is active now."""
    kind = kinds()[organisation.kind]
    return Body(
        organisation=organisation.organisation,
        sector=kind.sector,
        kind=kind.name,
        public_authority=kind.public_authority,
        relevant_person=kind.relevant_person,
        competent_authority=kind.competent_authority,
        dfe=kind.dfe,
        active=is_active(organisation, now),
    )
