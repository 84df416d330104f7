"""People to try the demonstration as: a built-in provider that asks for no password, for one's own machine only.

It refuses unless the server listens on the loopback address, and personas are made only in an installation that knows
nobody, so that they can never become a way into real records.
"""

from __future__ import annotations

from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec

from samechild.errors import Missing, Refused
from samechild.keys.seal import Random
from samechild.policy.people import actions as people_actions
from samechild.policy.people import store as people_store
from samechild.policy.sign_in import sessions
from samechild.policy.sign_in import store as kept
from samechild.policy.sign_in.accounts import EMAIL
from samechild.policy.sign_in.rules import rules_of
from samechild.policy.sign_in.sessions import Arrival
from samechild.records.disclosure import Asker, Route
from samechild.settings import Settings
from samechild.storage import Login, Store


class Persona(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody to try the demonstration as: synthetic, of one organisation, with one or more roles."""

    persona: str
    name: str
    organisation: str  # the name of the organisation
    kind: str
    roles: tuple[str, ...]
    words: str


COUNCIL, OTHER_COUNCIL, THIRD_COUNCIL = "Fernshire Council", "Larkmouth Council", "Thornvale Council"
SUPPLIER = "Caseline Systems"


def personas() -> tuple[Persona, ...]:
    """Everybody the demonstration can be tried as, in the order in which a page lists them."""

    def somebody(persona: str, name: str, organisation: str, kind: str, roles: str, words: str) -> Persona:
        return Persona(
            persona=persona, name=name, organisation=organisation, kind=kind, roles=tuple(roles.split()), words=words
        )

    council = "local-authority"
    return (
        somebody("social-worker", "Sam Okoro", COUNCIL, council, "social-worker", "A social worker with a caseload."),
        somebody("duty-desk", "Priya Nair", COUNCIL, council, "duty-desk", "Answers the safeguarding hub's calls."),
        somebody(
            "information-governance",
            "Gwen Ellis",
            COUNCIL,
            council,
            "information-governance",
            "Says who saw what about which child, and why.",
        ),
        somebody("access-manager", "Tom Bright", COUNCIL, council, "access-manager", "Gives and takes roles."),
        somebody("data-quality", "Ada Quill", COUNCIL, council, "data-quality-officer", "Keeps records together."),
        somebody("data-team", "Ivo Marsh", COUNCIL, council, "quality-viewer", "Puts right what the council sends."),
        somebody("council-analyst", "Noor Haddad", COUNCIL, council, "analyst", "Plans services from numbers."),
        somebody("custodian", "Ruth Marlow", COUNCIL, council, "adoption-custodian", "Guards adoption records."),
        somebody(
            "other-access-manager",
            "Ines Duarte",
            OTHER_COUNCIL,
            council,
            "access-manager information-governance",
            "Of another council: two roles to choose from.",
        ),
        somebody(
            "other-data-quality",
            "Bo Castell",
            OTHER_COUNCIL,
            council,
            "data-quality-officer",
            "Mends what another council sends every night.",
        ),
        somebody(
            "third-data-quality",
            "Iris Danby",
            THIRD_COUNCIL,
            council,
            "data-quality-officer access-manager",
            "Of a council for which its supplier sends.",
        ),
        somebody(
            "supplier",
            "Kit Lomax",
            SUPPLIER,
            "system-supplier",
            "access-manager",
            "Makes a case system that sends for councils.",
        ),
        somebody(
            "safeguarding-lead",
            "Megan Shaw",
            "Beechwood Academy",
            "academy",
            "safeguarding-lead attendance-officer",
            "The designated safeguarding lead of a school.",
        ),
        somebody(
            "health-visitor", "Joy Adeyemi", "Fernshire Community NHS Trust", "nhs-trust", "nurse", "A health visitor."
        ),
        somebody("doctor", "Ravi Menon", "Mill Lane Surgery", "gp-practice", "doctor", "A general practitioner."),
        somebody(
            "police-officer", "Col Reid", "Fernshire Police", "police-force", "police-officer", "In child protection."
        ),
        somebody(
            "youth-justice",
            "Lena Novak",
            "Fernshire Youth Justice Service",
            "youth-justice",
            "youth-justice-worker",
            "Works with young people after an offence.",
        ),
        somebody(
            "childminder",
            "Beth Carey",
            "Beth Carey, childminder",
            "childminder",
            "early-years-worker",
            "A sole provider for whom the council vouches.",
        ),
        somebody(
            "researcher", "Ola Berg", "Northfield University", "university", "researcher", "An accredited researcher."
        ),
        somebody(
            "dfe-analyst",
            "Max Fielding",
            "Department for Education",
            "department-for-education",
            "analyst",
            "May use a closed list of purposes.",
        ),
    )


def make_personas(store: Store, settings: Settings, now: datetime, random: Random, until: datetime) -> None:
    """Make the organisations and people of the demonstration; ``until`` is the childminder's registration.

    Done a second time, or after it was interrupted, it makes what is missing.

    Raises:
        Refused: when the server does not listen on loopback, or real people are known here.
    """
    _only_here(settings)
    with store.read(Login.GATE) as connection:
        begun = any(kept.one(connection, kept.personas, each.persona) for each in personas())
        if not begun and people_store.any_user_not_of(connection, _MAKER):
            raise Refused("Real people are known to this installation: personas cannot be made in it.")
    operator = people_actions.operator()
    for persona in personas():
        with store.read(Login.GATE) as connection:
            known = kept.one(connection, kept.personas, persona.persona)
        if known is None:
            _make(store, operator, persona, now, random, until)


def sign_in_as(store: Store, settings: Settings, persona: str, now: datetime, random: Random) -> str:
    """Sign in as somebody of the demonstration; returns the token for the cookie.

    Raises:
        Refused: when the server does not listen on loopback.
        Missing: when there is no such persona.
    """
    _only_here(settings)
    with store.read(Login.GATE) as connection:
        row = kept.one(connection, kept.personas, persona)
        user = people_store.user_of(connection, row["user_id"]) if row else None
    if user is None:
        raise Missing("There is nobody of that name in the demonstration.")
    return sessions.start(store, Arrival(user=user, factors=2, method="persona"), now, random, rules_of(settings))


def is_loopback(settings: Settings) -> bool:
    """Whether the server can be reached from this machine alone, by its address and by the one people type."""
    hosts = [urlsplit(f"//{settings.address}").hostname]
    if settings.public_url:
        hosts.append(urlsplit(settings.public_url).hostname)
    return all(stays_here(host or "") for host in hosts)


def stays_here(host: str) -> bool:
    """Whether a host is this machine itself."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _only_here(settings: Settings) -> None:
    if not is_loopback(settings):
        raise Refused("Personas are for one's own machine: the server must listen on 127.0.0.1 and nowhere else.")


_MAKER = "command-line-demo"


def _make(store: Store, by: Asker, persona: Persona, now: datetime, random: Random, until: datetime) -> None:
    by = msgspec.structs.replace(by, user=_MAKER)
    organisation = _organisation(store, by, persona, now, random)
    if persona.kind == "childminder":
        _vouched(store, by, organisation, until, now)
    email = f"{persona.persona}@personas.example"
    with store.read(Login.GATE) as connection:
        present = people_store.users_with(connection, store.keys.tokens(EMAIL, email))
        held = {grant.role for user in present for grant in people_store.grants_to(connection, user.user_id)}
    if present:
        user = present[0].user_id
    else:
        user = people_actions.add_user(store, by, organisation, persona.name, email, now, random)
    for role in persona.roles:
        if role not in held:
            people_actions.grant_role(store, by, user, role, now, random)
    with store.write(Login.GATE) as connection:
        kept.keep(connection, kept.personas, persona=persona.persona, user_id=user)


def _organisation(store: Store, by: Asker, persona: Persona, now: datetime, random: Random) -> str:
    with store.read(Login.GATE) as connection:
        present = {found.name: found.organisation for found in people_store.all_organisations(connection)}
    if persona.organisation in present:
        return present[persona.organisation]
    route = Route(f"The duty officer of {persona.organisation}", "01632 960000, at any hour")
    return people_actions.add_organisation(
        store, by, kind=persona.kind, name=persona.organisation, now=now, random=random, route=route
    )


def _vouched(store: Store, by: Asker, organisation: str, until: datetime, now: datetime) -> None:
    with store.read(Login.GATE) as connection:
        council = next(o for o in people_store.all_organisations(connection) if o.name == COUNCIL)
    at_council = msgspec.structs.replace(by, organisation=council.organisation)
    people_actions.vouch(store, at_council, organisation, until, until, now)
