"""On what a disclosure rests, in three separate questions that are never one field.

Which *statutory power or duty* lets or makes the organisation share? Which *UK GDPR basis and condition* (or Part 3 of
the Data Protection Act 2018) makes the processing lawful? How is the *duty of confidence* and Article 8 met? Consent
is rarely the lawful basis, and the lawful basis never answers the question of confidence.

Sources: Children Act 1989 sections 17, 27, 47; Children Act 2004 sections 10, 11, 16LA, 16LC (inserted by the
Children's Wellbeing and Schools Act 2026 section 4); Education Act 2002 sections 157, 175; Education Act 1996 sections
436A and 537A; Childcare Act 2006 section 1; Care Act 2014 section 6; Crime and Disorder Act 1998 section 115; NHS Act
2006 section 82; Digital Economy Act 2017 section 64; UK GDPR Articles 6, 9, 10; DPA 2018 Schedule 1 and Part 3.
"""

from __future__ import annotations

from functools import cache

import msgspec

from samechild.records.types import HOLDERS, Sector


class Power(msgspec.Struct, frozen=True, kw_only=True):
    """A statutory power or duty: who may rely on it, for which purposes, and what must be recorded first.

    ``judgement``: rests on a person's recorded judgement of detriment. ``entry``: off until dated regulations are
    entered. ``conversation``: the consent conversation, or the reason there was none, must be recorded (section 17).
    ``despite_refusal``: a refusal of consent does not stop it. ``relevant_persons``: only between section 16LA persons.
    """

    name: str
    title: str
    holders: tuple[Sector, ...]  # the discloser's sector
    purposes: tuple[str, ...]
    duty: bool = False
    judgement: bool = False
    entry: bool = False
    conversation: bool = False
    despite_refusal: bool = False
    relevant_persons: bool = False


class Basis(msgspec.Struct, frozen=True, kw_only=True):
    """A lawful basis: UK GDPR Article 6, or DPA 2018 Part 3 for a competent authority's law enforcement."""

    name: str
    title: str
    public_only: bool = False  # public authorities and bodies with a task in law
    private_only: bool = False  # 6(1)(ea), recognised legitimate interests: never a public authority at its tasks
    part_3: bool = False


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """A condition for special category (Article 9) or criminal offence content (Article 10), with Schedule 1."""

    name: str
    title: str
    special: bool = False
    criminal: bool = False
    purposes: tuple[str, ...] = ()  # empty: any


class Confidence(msgspec.Struct, frozen=True, kw_only=True):
    """How the common-law duty of confidence and Article 8 are met."""

    name: str
    title: str
    consent: bool = False  # rests on consent, so consent must stand
    notice: bool = False  # implied consent: only with a notice given at the outset
    overriding: bool = False  # public interest: an override with reason, authoriser and review date must stand
    statute: bool = False  # a statutory gateway: a power that is a duty


_S = Sector
_RELEVANT = (
    _S.LOCAL_AUTHORITY,
    _S.EDUCATION,
    _S.EARLY_YEARS,
    _S.HEALTH,
    _S.POLICE,
    _S.JUSTICE,
    _S.CARE_PROVIDER,
)
_WELFARE = ("child-protection", "safeguarding", "early-help", "education-welfare")


def _powers() -> tuple[Power, ...]:
    return (
        Power(
            name="CA1989-s17",
            title="Children Act 1989 section 17: services for children in need",
            holders=(_S.LOCAL_AUTHORITY,),
            purposes=("safeguarding", "early-help"),
            conversation=True,
        ),
        Power(
            name="CA1989-s27",
            title="Children Act 1989 section 27: help that a council may ask of another authority",
            holders=(_S.LOCAL_AUTHORITY, _S.HEALTH, _S.HOUSING, _S.EDUCATION),
            purposes=("safeguarding", "child-protection", "early-help"),
        ),
        Power(
            name="CA1989-s47",
            title="Children Act 1989 section 47: enquiries when a child may be suffering significant harm",
            holders=(
                _S.LOCAL_AUTHORITY,
                _S.HEALTH,
                _S.HOUSING,
                _S.EDUCATION,
                _S.EARLY_YEARS,
                _S.POLICE,
                _S.JUSTICE,
            ),
            purposes=("child-protection",),
            duty=True,
            despite_refusal=True,
        ),
        Power(
            name="CA1989-s83",
            title="Children Act 1989 section 83: research and returns",
            holders=(_S.LOCAL_AUTHORITY,),
            purposes=("statutory-return", "research", "evaluation", "development"),
            despite_refusal=True,
        ),
        Power(
            name="CA2004-s10",
            title="Children Act 2004 section 10: co-operation to improve children's well-being",
            holders=(_S.LOCAL_AUTHORITY, _S.HEALTH, _S.POLICE, _S.JUSTICE, _S.EDUCATION),
            purposes=(*_WELFARE, "service-planning", "linkage-quality"),
        ),
        Power(
            name="CA2004-s11",
            title="Children Act 2004 section 11: safeguarding and promoting welfare",
            holders=(_S.LOCAL_AUTHORITY, _S.HEALTH, _S.POLICE, _S.JUSTICE),
            purposes=("child-protection", "safeguarding"),
        ),
        Power(
            name="CA2004-s16LA",
            title="Children Act 2004 section 16LA: the duty to share information",
            holders=_RELEVANT,
            purposes=("child-protection", "safeguarding", "early-help", "education-welfare", "health-care"),
            duty=True,
            judgement=True,
            despite_refusal=True,
            relevant_persons=True,
        ),
        Power(
            name="CA2004-s16LC",
            title="Children Act 2004 section 16LC: the consistent identifier",
            holders=_RELEVANT,
            purposes=("child-protection", "safeguarding", "early-help", "education-welfare", "health-care"),
            duty=True,
            judgement=True,
            entry=True,
            despite_refusal=True,
            relevant_persons=True,
        ),
        Power(
            name="EA2002-s175",
            title="Education Act 2002 section 175: welfare of pupils (maintained schools, colleges, councils)",
            holders=(_S.EDUCATION, _S.LOCAL_AUTHORITY),
            purposes=("child-protection", "safeguarding", "education-welfare"),
        ),
        Power(
            name="EA2002-s157",
            title="Education Act 2002 section 157: welfare of pupils (academies and independent schools)",
            holders=(_S.EDUCATION,),
            purposes=("child-protection", "safeguarding", "education-welfare"),
        ),
        Power(
            name="EA1996-s436A",
            title="Education Act 1996 section 436A: children not receiving education",
            holders=(_S.LOCAL_AUTHORITY, _S.EDUCATION),
            purposes=("education-welfare",),
            duty=True,
            despite_refusal=True,
        ),
        Power(
            name="CCA2006-s1",
            title="Childcare Act 2006 section 1: well-being of young children",
            holders=(_S.LOCAL_AUTHORITY, _S.EARLY_YEARS),
            purposes=("early-help", "safeguarding"),
        ),
        Power(
            name="CareAct2014-s6",
            title="Care Act 2014 section 6: co-operation, and the move to adult care",
            holders=(_S.LOCAL_AUTHORITY, _S.HEALTH, _S.HOUSING),
            purposes=("safeguarding",),
        ),
        Power(
            name="NHSA2006-s82",
            title="NHS Act 2006 section 82: co-operation of NHS bodies and councils",
            holders=(_S.HEALTH, _S.LOCAL_AUTHORITY),
            purposes=("health-care",),
        ),
        Power(
            name="CDA1998-s115",
            title="Crime and Disorder Act 1998 section 115: disclosure to prevent crime",
            holders=(_S.POLICE, _S.JUSTICE, _S.LOCAL_AUTHORITY, _S.HEALTH, _S.HOUSING),
            purposes=("crime-prevention", "child-protection"),
            despite_refusal=True,
        ),
        Power(
            name="DEA2017-s64",
            title="Digital Economy Act 2017 section 64: de-identified research",
            holders=(_S.LOCAL_AUTHORITY, _S.EDUCATION, _S.POLICE, _S.JUSTICE, _S.HOUSING, _S.GOVERNMENT),
            purposes=("research", "evaluation"),
        ),
        Power(
            name="DPA2018-rights",
            title="UK GDPR Articles 12 to 22: a person's own rights, and the controller's accountability",
            holders=HOLDERS,
            purposes=("peoples-rights", "audit", "linkage-quality"),
            duty=True,
            despite_refusal=True,
        ),
    )


def _bases() -> tuple[Basis, ...]:
    return (
        Basis(name="6(1)(a)", title="Consent"),
        Basis(name="6(1)(c)", title="Legal obligation"),
        Basis(name="6(1)(d)", title="Vital interests"),
        Basis(name="6(1)(e)", title="Public task", public_only=True),
        Basis(name="6(1)(ea)", title="Recognised legitimate interests (safeguarding)", private_only=True),
        Basis(name="6(1)(f)", title="Legitimate interests", private_only=True),
        Basis(name="DPA-Part-3", title="Law enforcement by a competent authority", part_3=True),
    )


def _conditions() -> tuple[Condition, ...]:
    return (
        Condition(name="9(2)(a)", title="Explicit consent", special=True),
        Condition(name="9(2)(c)", title="Vital interests", special=True, purposes=("child-protection", "health-care")),
        Condition(
            name="Sch1-18",
            title="9(2)(g) and 10: safeguarding of children (Schedule 1 paragraph 18)",
            special=True,
            criminal=True,
            purposes=(
                "child-protection",
                "safeguarding",
                "early-help",
                "education-welfare",
                "crime-prevention",
            ),
        ),
        Condition(
            name="Sch1-6",
            title="9(2)(g) and 10: statutory and government purposes (Schedule 1 paragraph 6)",
            special=True,
            criminal=True,
        ),
        Condition(
            name="Sch1-2",
            title="9(2)(h) and 10: health or social care (Schedule 1 paragraph 2)",
            special=True,
            criminal=True,
            purposes=("health-care", "safeguarding", "child-protection", "early-help"),
        ),
        Condition(
            name="Sch1-4",
            title="9(2)(j) and 10: research and statistics (Schedule 1 paragraph 4)",
            special=True,
            criminal=True,
            purposes=("research", "evaluation", "service-planning", "statutory-return", "development"),
        ),
        Condition(name="Part3-35(5)", title="Law enforcement, strictly necessary (section 35(5))", special=True),
    )


def _confidences() -> tuple[Confidence, ...]:
    return (
        Confidence(name="consent", title="Explicit consent", consent=True),
        Confidence(name="implied", title="Implied consent, explained at the outset", consent=True, notice=True),
        Confidence(name="public-interest", title="Overriding public interest", overriding=True),
        Confidence(name="statute", title="A statutory duty or gateway", statute=True),
    )


@cache
def powers() -> dict[str, Power]:
    """Every declared statutory power or duty by name."""
    return {declared.name: declared for declared in _powers()}


@cache
def bases() -> dict[str, Basis]:
    """Every declared lawful basis by name."""
    return {declared.name: declared for declared in _bases()}


@cache
def conditions() -> dict[str, Condition]:
    """Every declared condition for special category or criminal offence content by name."""
    return {declared.name: declared for declared in _conditions()}


@cache
def confidences() -> dict[str, Confidence]:
    """Every declared way to meet the duty of confidence by name."""
    return {declared.name: declared for declared in _confidences()}
