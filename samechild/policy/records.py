"""The nouns of the gate: what is known when a question is decided, and never who the child is.

:class:`Facts` holds relationships, marks, agreements and dates. It holds no name, number or address, so that a decision
never needs one, and a decision can be repeated later from what was known then.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from samechild.records.disclosure import Effect, Mode, Route
from samechild.records.types import Sector


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """An organisation as a decision sees it."""

    organisation: str
    sector: Sector
    kind: str = ""  # the kind of organisation of the register: maintained school, childminder, NHS trust
    public_authority: bool = True  # has public tasks in law: may rely on 6(1)(e), not on 6(1)(ea)
    relevant_person: bool = True  # a person of Children Act 2004 section 16LA
    competent_authority: bool = False  # DPA 2018 Part 3
    dfe: bool = False  # the Department for Education
    active: bool = True  # registered, contract or vouching in force


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a sharing agreement: an exception or a default, allowing or forbidding.

    Empty tuples mean any. ``valid_from`` and ``valid_until`` are the line's own dates (until is not included).
    """

    effect: Effect
    exception: bool
    modes: tuple[Mode, ...]
    record_types: tuple[str, ...] = ()
    sectors: tuple[Sector, ...] = ()
    organisations: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    powers: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    confidences: tuple[str, ...] = ()
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    reason: str = ""


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a data sharing agreement: who shares, with whom, from when to when, by which lines.

    ``parties`` names every organisation whose space may be entered or who may ask; one space is never joined to another
    without an agreement that names both. Signed by each party, or it is not in force.
    """

    agreement: str
    version: int
    owner: str  # whose records are shared
    parties: tuple[str, ...]
    rules: tuple[Rule, ...]
    starts: datetime
    ends: datetime
    signed_by: tuple[str, ...] = ()
    withdrawn: bool = False


class Involvement(StrEnum):
    """How somebody, or their team, is involved with a child, at the moment of asking."""

    NONE = "none"
    PAST = "past"
    ORGANISATION = "organisation"  # a colleague is
    CURRENT = "current"  # they themselves or their team are


class Consent(StrEnum):
    """How consent to this sharing stands now, after conflicts are resolved (:mod:`samechild.policy.consent`)."""

    NOT_ASKED = "not asked"
    REASON_RECORDED = "reason recorded"  # why nobody was asked
    GIVEN = "given"
    IMPLIED = "implied"  # integral to a purpose explained at the outset
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    INVALIDATED = "invalidated"
    EXPIRED = "expired"


class Scheme(StrEnum):
    """How widely the national identifier may be used: proportionate by default, wider only with a legal entry."""

    PROPORTIONATE = "proportionate"  # exchanges with health
    UNIVERSAL = "universal"  # all service delivery
    UNIVERSAL_PLUS = "universal plus"  # also planning and policy analysis, by pseudonym


class LegalEntry(msgspec.Struct, frozen=True):
    """A dated entry that turns something on in law: ``CA2004-s16LC``, ``universal``, ``universal plus``."""

    name: str
    in_force_from: datetime
    source: str  # the instrument, as cited
    in_force_until: datetime | None = None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known about one ask. Gathered in one go; the same facts give the same answer.

    ``own_family``, ``oneself``, ``shielded``, ``sealed_identity`` are yes/no marks on the records asked about;
    ``approvals`` are the opaque ids of those who approved this very ask; ``policy_version`` is the version these facts
    were compiled from and ``policy_head`` the one in force.
    """

    asker: Body
    owner: Body
    role_from: datetime | None  # None: the person does not hold the role they ask in
    role_until: datetime | None = None
    role_organisation: str = ""
    signed_in: bool = True
    agreements: tuple[Agreement, ...] = ()  # of this owner, that name the asker's organisation
    involvement: Involvement = Involvement.NONE
    consent: Consent = Consent.NOT_ASKED
    notice: bool = False  # a notice about this purpose was given, with its date
    override: bool = False  # a standing override of confidence: reason, authoriser, review date not passed
    harm_suspected: bool = False  # reasonable cause to suspect significant harm is recorded
    oneself: bool = False
    own_family: bool = False
    shielded: bool = False
    sealed_identity: bool = False  # would join an adopted child's two identities
    opted_out: bool = False  # national data opt-out
    mediator_signed_in: bool = True  # the other person of a mediated look-up proved who they are
    approvals: tuple[str, ...] = ()
    entries: tuple[LegalEntry, ...] = ()
    policy_version: int = 0
    policy_head: int = 0
    clock_sound: bool = True
    shadow: bool = False
    route: Route | None = None


class OfChild(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a decision may know about the child, and nothing that says who it is. Equal facts, equal answer."""

    involvement: Involvement = Involvement.NONE
    consent: Consent = Consent.NOT_ASKED
    notice: bool = False
    override: bool = False
    harm_suspected: bool = False
    oneself: bool = False
    own_family: bool = False
    shielded: bool = False
    sealed_identity: bool = False
    opted_out: bool = False
