"""Who works in the demonstration: the people to pick, and officers who sign agreements where nobody to pick does.

Everybody is made up. Whoever does something in the demonstration's history does it as themselves, in a role they hold.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from samechild.keys.seal import Random
from samechild.policy.people import access_review
from samechild.policy.people import actions as people_actions
from samechild.policy.people import store as people_store
from samechild.policy.sign_in import store as signed
from samechild.policy.sign_in.personas import COUNCIL, OTHER_COUNCIL, SUPPLIER, THIRD_COUNCIL, make_personas, personas
from samechild.records.disclosure import Asker
from samechild.settings import Settings
from samechild.storage import Login, Store

OFFICER = "information-governance"
REGISTERED_FOR = timedelta(days=365)

ORGANISATIONS = {
    "council": COUNCIL,
    "other council": OTHER_COUNCIL,
    "third council": THIRD_COUNCIL,
    "supplier": SUPPLIER,
    "school": "Beechwood Academy",
    "trust": "Fernshire Community NHS Trust",
    "surgery": "Mill Lane Surgery",
    "police": "Fernshire Police",
    "youth justice": "Fernshire Youth Justice Service",
    "childminder": "Beth Carey, childminder",
    "university": "Northfield University",
    "department": "Department for Education",
}
"""The organisations of the demonstration: the short word for each in its history, and the name."""

_OFFICERS = {
    "school": "Alma Reyes",
    "trust": "Hugh Lacey",
    "surgery": "Nadia Frost",
    "police": "Gus Whitlock",
    "third council": "Lou Penhale",
    "department": "Dana Kirkby",
}


class Cast(msgspec.Struct, frozen=True):
    """Everybody of the demonstration by persona (or ``officer of the school``), and organisations by short word."""

    people: dict[str, Asker]
    organisations: dict[str, str]

    def of(self, organisation: str) -> str:
        """The id of an organisation."""
        return self.organisations[organisation]

    def officer(self, organisation: str) -> Asker:
        """The information governance officer of an organisation."""
        known = {"council": OFFICER, "other council": "other-access-manager"}
        found = self.people[known.get(organisation, f"officer of the {organisation}")]
        return msgspec.structs.replace(found, role=OFFICER)


def make_people(store: Store, settings: Settings, now: datetime, random: Random) -> Cast:
    """Make the organisations and everybody in them; one team of three organisations.

    Raises:
        Refused: when real people are known to the installation.
    """
    make_personas(store, settings, now, random, now + REGISTERED_FOR)
    by = people_actions.operator()
    with store.read(Login.GATE) as gate:
        known = {each.name: each.organisation for each in people_store.all_organisations(gate)}
        users = {
            each.persona: (signed.one(gate, signed.personas, each.persona) or {})["user_id"] for each in personas()
        }
    organisations = {short: known[name] for short, name in ORGANISATIONS.items()}
    people = {
        each.persona: Asker(
            user=users[each.persona], organisation=known[each.organisation], role=each.roles[0], factors=2
        )
        for each in personas()
    }
    for short, name in _OFFICERS.items():
        email = f"officer-{short.replace(' ', '-')}@personas.example"
        user = people_actions.add_user(store, by, organisations[short], name, email, now, random)
        people_actions.grant_role(store, by, user, OFFICER, now, random)
        people[f"officer of the {short}"] = Asker(user=user, organisation=organisations[short], role=OFFICER, factors=2)
    return Cast(people, organisations)


def make_team(store: Store, cast: Cast, now: datetime, random: Random) -> str:
    """Make a team led by the council with people of the school and the trust, each added for their own employer."""
    manager = cast.people["access-manager"]
    team = access_review.make_team(store, manager, "Fernshire early help team", now, random)
    access_review.join_team(store, manager, team, cast.people["social-worker"].user, now, random)
    for persona in ("safeguarding-lead", "health-visitor"):
        access_review.join_team(store, people_actions.operator(), team, cast.people[persona].user, now, random)
    return team
