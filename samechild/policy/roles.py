"""What people do at work, and what that lets them ask for: the closed list of roles.

A role is given by an organisation's own access manager, with dates, and holds only there. It never allows anything by
itself: it says which questions may be put at all.
"""

from __future__ import annotations

from functools import cache

import msgspec

from samechild.records.disclosure import Mode
from samechild.records.types import HOLDERS, Sector


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """One role: in which sectors it exists, for which purposes it may ask, and what more it may do.

    ``involved``: content only of children the person (or team) is involved with; others may be asked for by breaking
    the glass if ``break_glass``. ``identity``: sees who a child is, so it needs two factors. ``override_shield``: a
    named role that may see a shielded child's hidden fields, for as long as the look-up lasts, and is investigated.
    ``view``: one of the views of the daily collection, which the council's own access manager gives one by one.
    """

    name: str
    title: str
    sectors: tuple[Sector, ...]
    purposes: tuple[str, ...]
    modes: tuple[Mode, ...] = (Mode.EXISTENCE, Mode.CONTENT)
    identity: bool = True
    involved: bool = True
    break_glass: bool = False
    override_shield: bool = False
    machine: bool = False
    view: bool = False


_S = Sector
_E = Mode.EXISTENCE
_COUNCIL = (Sector.LOCAL_AUTHORITY,)
_PRACTICE = ("child-protection", "safeguarding", "early-help")


def _declared() -> tuple[Role, ...]:
    return (
        Role(
            name="social-worker",
            title="Social worker",
            sectors=(_S.LOCAL_AUTHORITY, _S.CARE_PROVIDER),
            purposes=_PRACTICE,
            break_glass=True,
        ),
        Role(
            name="duty-desk",
            title="Duty desk (multi-agency safeguarding hub)",
            sectors=(_S.LOCAL_AUTHORITY, _S.HEALTH, _S.POLICE, _S.EDUCATION),
            purposes=("child-protection", "safeguarding"),
            involved=False,
            override_shield=True,
        ),
        Role(
            name="safeguarding-lead",
            title="Designated safeguarding lead",
            sectors=(_S.EDUCATION, _S.EARLY_YEARS, _S.HEALTH, _S.VOLUNTARY, _S.HOUSING),
            purposes=(*_PRACTICE, "education-welfare"),
            break_glass=True,
        ),
        Role(
            name="attendance-officer",
            title="Attendance or education welfare officer",
            sectors=(_S.EDUCATION, _S.LOCAL_AUTHORITY),
            purposes=("education-welfare",),
        ),
        Role(
            name="early-years-worker",
            title="Early years worker or childminder",
            sectors=(_S.EARLY_YEARS,),
            purposes=("early-help", "safeguarding"),
        ),
        Role(
            name="nurse",
            title="Nurse, midwife or health visitor",
            sectors=(_S.HEALTH,),
            purposes=("health-care", *_PRACTICE),
            break_glass=True,
        ),
        Role(
            name="doctor",
            title="Doctor",
            sectors=(_S.HEALTH,),
            purposes=("health-care", *_PRACTICE),
            break_glass=True,
        ),
        Role(
            name="police-officer",
            title="Police officer in child protection",
            sectors=(_S.POLICE,),
            purposes=("child-protection", "crime-prevention"),
            break_glass=True,
        ),
        Role(
            name="youth-justice-worker",
            title="Youth justice or probation worker",
            sectors=(_S.JUSTICE, _S.LOCAL_AUTHORITY),
            purposes=("crime-prevention", "safeguarding", "early-help"),
        ),
        Role(
            name="housing-officer",
            title="Housing officer",
            sectors=(_S.HOUSING, _S.LOCAL_AUTHORITY),
            purposes=("safeguarding", "early-help"),
            modes=(_E,),
        ),
        Role(
            name="voluntary-worker",
            title="Family worker of a voluntary organisation",
            sectors=(_S.VOLUNTARY,),
            purposes=("early-help",),
            modes=(_E,),
        ),
        Role(
            name="data-quality-officer",
            title="Data quality officer",
            sectors=(_S.LOCAL_AUTHORITY, _S.EDUCATION, _S.HEALTH, _S.POLICE),
            purposes=("linkage-quality",),
            involved=False,
        ),
        Role(
            name="information-governance",
            title="Information governance officer",
            sectors=tuple(s for s in HOLDERS if s is not Sector.RESEARCH),
            purposes=("audit", "peoples-rights"),
            involved=False,
            override_shield=True,
        ),
        Role(
            name="adoption-custodian",
            title="Named custodian of adoption records",
            sectors=(_S.LOCAL_AUTHORITY, _S.CARE_PROVIDER),
            purposes=("child-protection", "peoples-rights", "linkage-quality"),
            involved=False,
            override_shield=True,
        ),
        Role(
            name="access-manager",
            title="Access manager",
            sectors=tuple(Sector),
            purposes=(),
            modes=(),
            identity=False,
            involved=False,
        ),
        Role(
            name="analyst",
            title="Analyst",
            sectors=(_S.LOCAL_AUTHORITY, _S.HEALTH, _S.GOVERNMENT),
            purposes=(
                "service-planning",
                "statutory-return",
                "research",
                "evaluation",
                "development",
                "performance-management",
                "accountability",
            ),
            identity=False,
            involved=False,
        ),
        Role(
            name="researcher",
            title="Accredited researcher",
            sectors=(_S.RESEARCH, _S.GOVERNMENT),
            purposes=("research", "evaluation"),
            identity=False,
            involved=False,
        ),
        Role(
            name="quality-viewer",
            title="Data quality view of the daily collection",
            sectors=_COUNCIL,
            purposes=("statutory-return",),
            involved=False,
            view=True,
        ),
        Role(
            name="preview-viewer",
            title="Preview of the council's own figures, before they are published",
            sectors=_COUNCIL,
            purposes=("statutory-return", "service-planning"),
            identity=False,
            involved=False,
            view=True,
        ),
        Role(
            name="dashboard-viewer",
            title="Dashboard of published figures",
            sectors=_COUNCIL,
            purposes=(),
            modes=(),
            identity=False,
            involved=False,
            view=True,
        ),
        Role(
            name="submitting-system",
            title="A council's or supplier's system that sends records",
            sectors=(_S.LOCAL_AUTHORITY, _S.EDUCATION, _S.HEALTH, _S.SUPPLIER),
            purposes=("statutory-return", "linkage-quality"),
            involved=False,
            machine=True,
        ),
    )


@cache
def roles() -> dict[str, Role]:
    """Every declared role by name."""
    return {declared.name: declared for declared in _declared()}
