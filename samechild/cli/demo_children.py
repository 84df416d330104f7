"""Which children of the made-up town the demonstration's organisations know, and what each keeps about them.

Who a child is comes from the town's own records; what is kept beside it are short texts in JSON, so that whoever reads
one sees at once that it is made up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from random import Random as Chance

import msgspec

from samechild.cli.demo_index import MEMBERS, arrive
from samechild.cli.demo_people import Cast
from samechild.cli.progress import Say
from samechild.policy.vault_actions import Kept, keep_record
from samechild.storage import Store
from samechild.town import make_town

FEWEST, MOST = 300, 10_000
"""A smaller town is made larger for the gate, and of a larger one as many children are enough."""

_IDENTITY = ("forename", "surname", "date_of_birth", "sex", "postcode", "nhs_number", "upn")
_NEEDED = ("forename", "surname", "date_of_birth", "postcode")
_KNOWN = {"council": (0, 80), "school": (0, 40), "trust": (0, 40), "other council": (80, 130)}
"""Which of the children each organisation knows, from and to: the first forty are known to three of them."""


class Child(msgspec.Struct, frozen=True):
    """A made-up child: who it is, and the key of the record that each organisation keeps, by its short word."""

    identity: Mapping[str, str]
    keys: Mapping[str, str]


def identities(children: int, authorities: int, seed: int) -> list[dict[str, str]]:
    """Who the children of the demonstration are: of the town, those whom most agencies know; no two alike in name.

    Raises:
        Invalid: when there is no such town.
    """
    town = make_town(min(max(children, FEWEST), MOST), authorities, seed)
    found: dict[str, dict[str, str]] = {}
    agencies: dict[str, set[str]] = {}
    columns = [town.truth["true_child_id"].to_pylist(), town.records["source"].to_pylist()]
    columns += [town.records[name].to_pylist() for name in _IDENTITY]
    for child, source, *values in zip(*columns, strict=True):
        known = found.setdefault(child, {})
        agencies.setdefault(child, set()).add(source)
        for name, value in zip(_IDENTITY, values, strict=True):
            if value and name not in known:
                known[name] = value
    whole = [child for child, known in found.items() if all(name in known for name in _NEEDED)]
    ordered = sorted(whole, key=lambda child: (-len(agencies[child]), child))
    once = {(found[child]["forename"], found[child]["surname"]): found[child] for child in reversed(ordered)}
    return list(reversed(once.values()))[: max(end for _, end in _KNOWN.values())]


def keep_children(
    store: Store, cast: Cast, known: Sequence[Mapping[str, str]], now: datetime, chance: Chance, say: Say
) -> list[Child]:
    """Keep every child's record in the two vaults, for each organisation that knows the child."""
    keys: list[dict[str, str]] = [{} for _ in known]
    total, done = sum(end - start for start, end in _KNOWN.values()), 0
    for organisation, (start, end) in _KNOWN.items():
        them = [(number, _told(organisation, known[number])) for number in range(start, min(end, len(known)))]
        indexed = arrive(store, cast, organisation, them, now) if organisation in MEMBERS else [""] * len(them)
        for (number, told), record_key in zip(them, indexed, strict=True):
            keys[number][organisation] = keep_record(
                store,
                Kept(
                    owner=cast.of(organisation),
                    basis="public task",
                    identity={} if record_key else told,
                    content=_content(organisation, number, now.date(), chance),
                    record_key=record_key or chance.randbytes(16).hex(),
                ),
                now,
            )
            done += 1
            say("Keeping children's records", done / total)
    return [Child(identity, held) for identity, held in zip(known, keys, strict=True)]


def _told(organisation: str, identity: Mapping[str, str]) -> dict[str, str]:
    """What one organisation writes of who a child is: a trust holds no pupil number, a school no NHS number."""
    unknown = {"trust": "upn", "school": "nhs_number"}.get(organisation, "")
    return {name: value for name, value in identity.items() if name != unknown}


def _content(organisation: str, number: int, today: date, chance: Chance) -> dict[str, bytes]:
    """What one organisation keeps about one child, by record type, as JSON."""
    ago = today - timedelta(days=chance.randint(20, 700))
    sessions = chance.randint(88, 100)
    told: dict[str, Mapping[str, object]] = {}
    if "council" in organisation:
        told["social-care.involvement"] = {"team": f"Assessment team {1 + number % 3}", "since": ago}
        told["social-care.episode"] = {
            "referred": ago,
            "need": chance.choice(("family in acute stress", "child's disability", "neglect", "parent's illness")),
            "step": chance.choice(("assessment", "child in need plan", "closed after assessment")),
        }
        told["education.setting"] = {"school": "Beechwood Academy", "since": ago}
        told["education.attendance"] = {"half-days attended of 100": sessions}
        if number % 7 == 2:
            told["social-care.protection-plan"] = {"began": ago, "reviewed": today - timedelta(days=9)}
        if number % 9 == 5:
            told["social-care.looked-after"] = {"placed": ago, "with": "a foster family"}
        if number % 31 == 13:
            told["social-care.adoption"] = {"order made": ago}
    if organisation == "school":
        told["education.setting"] = {"year group": chance.randint(1, 11), "since": ago}
        told["education.attendance"] = {"half-days attended of 100": sessions, "suspensions": int(number % 8 == 3)}
        if number % 5 == 1:
            told["education.support"] = {"support": "speech and language", "since": ago}
    if organisation == "trust":
        told["health.practice"] = {"practice": "Mill Lane Surgery", "health visiting team": "North"}
        told["health.attendance"] = {"emergency attendances this year": number % 4, "appointments missed": number % 3}
        if number % 17 == 4:
            told["health.sensitive"] = {"service": "mental health support team", "since": ago}
    return {name: msgspec.json.encode(what) for name, what in told.items()}
