"""The simple trace, for a childminder as for a hospital: the details of one child in, exactly one child out or none.

Never a list to choose from: whoever asks has one child in front of them, and a list would show them others. The answer
is one child, nothing, or *ask somebody*; it is found in the index, under the gate, among the records that the asker
may be told of. What must not be told is answered, in every word, as nothing. The number is shown only where the
asker's own ground allows it, and what another organisation had from the national service is not handed on.

Source: NHS Spine Mini Service Provider: only a single exact match is ever returned; its response codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import msgspec

from samechild.errors import Invalid, Missing, Refused
from samechild.identifiers import nhs_number
from samechild.index import store as index_tables
from samechild.index.grounds import grounded
from samechild.index.likely import CERTAIN, NOT, likely
from samechild.index.spaces import spaces_for
from samechild.policy.bases import powers
from samechild.policy.vault_actions import comparable
from samechild.records.disclosure import Ask, Mode, Scope, Spread
from samechild.storage import Login, Store
from samechild.tracing.records import NumberStatus, Obtained
from samechild.tracing.standing import Standing, standing

BATCH = "simple trace"


class Outcome(StrEnum):
    """The three answers."""

    ONE = "one"
    NOTHING = "nothing"
    ASK = "ask"


class Code(StrEnum):
    """The response codes of the national mini service, so that systems that know them need learn nothing new."""

    SUCCESS = "SMSP-0000"
    NO_MATCH = "DEMOG-0001"
    MULTIPLE = "DEMOG-0007"
    SUPERSEDED = "DEMOG-0017"  # the number given leads to another
    INVALIDATED = "DEMOG-0022"
    NOT_VERIFIED = "DEMOG-0040"  # the number given is not this child's


WORDS: Mapping[Code, str] = {
    Code.SUCCESS: "One child was found.",
    Code.NO_MATCH: "No child was found with these details.",
    Code.MULTIPLE: "We cannot tell which child this is. Ask the data quality officer of the area's council.",
    Code.SUPERSEDED: "One child was found. The number you gave was replaced by another.",
    Code.INVALIDATED: "One child was found. The number you gave is no longer in use.",
    Code.NOT_VERIFIED: "One child was found. The number you gave is not known to be this child's.",
}
"""What a person is told."""


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the child in front of somebody. ``born``: an ISO date. ``number``: one they were given."""

    given: str
    family: str
    born: str
    sex: str = ""
    postcode: str = ""
    number: str = ""

    def __repr__(self) -> str:
        return "Details(values hidden)"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: one child, nothing, or ask. The number only where it may be seen, with how far it is verified.

    ``child`` is the opaque identifier in ``space``; empty unless one child was found. ``number_words`` says why no
    number is shown.
    """

    outcome: Outcome
    code: Code
    space: str = ""
    child: str = ""
    number: str = ""
    status: NumberStatus | None = None
    how: Obtained | None = None
    number_words: str = ""

    @property
    def words(self) -> str:
        """What a person is told."""
        return WORDS[self.code]

    def __repr__(self) -> str:
        return f"Answer(outcome={self.outcome.value!r}, code={self.code.value!r}, number=hidden)"


NOTHING = Answer(outcome=Outcome.NOTHING, code=Code.NO_MATCH)
UNSURE = Answer(outcome=Outcome.ASK, code=Code.MULTIPLE)


def simple_trace(store: Store, ask: Ask, details: Details) -> Answer:
    """Find the one child that some details are about, in every index space of the asker's organisation.

    Args:
        store: the open installation.
        ask: who asks, why and on which grounds; owner, mode and scope are filled in here.
        details: name, birth date, and if known sex, postcode and number.

    Raises:
        Invalid: when a name or the birth date is missing or cannot be read, or the number is none.
        Refused: when nobody lets this asker look for children.
    """
    given = _read(details, ask.now)
    question = msgspec.structs.replace(ask, scope=Scope(Spread.SEARCH, batch=BATCH))
    found: dict[str, str] = {}
    unsure = False
    refused: list[Refused] = []
    spaces = spaces_for(store, ask.who.organisation)
    for space in spaces:
        try:
            near = likely(store, ask.who, space.space, question, given)
        except Refused as refusal:
            refused.append(refusal)
            continue
        certain = [each.child for each in near if each.grade == CERTAIN]
        unsure = unsure or len(certain) > 1 or (not certain and any(each.grade != NOT for each in near))
        if certain:
            found[space.space] = certain[0]
    if not spaces or len(refused) == len(spaces):
        raise refused[0] if refused else Refused("Your organisation has no index to look in: ask your council.")
    return _answer(store, ask, details, found, unsure)


def _read(details: Details, now: datetime) -> dict[str, str]:
    """The details by field, as they were written.

    Raises:
        Invalid: when what is needed is missing or cannot be read, or the number is none.
    """
    given = {
        "forename": details.given,
        "surname": details.family,
        "date_of_birth": details.born,
        "sex": details.sex,
        "postcode": details.postcode,
        "nhs_number": nhs_number.parse(details.number) if details.number else "",
    }
    given = {name: value for name, value in given.items() if value.strip()}
    readable = comparable(given, now)
    needed = {"forename": "the given name", "surname": "the family name", "date_of_birth": "the whole date of birth"}
    missing = [words for name, words in needed.items() if name not in readable]
    if missing:
        raise Invalid(f"To find one child, give {' and '.join(missing)} so that it can be read.")
    return {name: value for name, value in given.items() if name in readable}


def _answer(store: Store, ask: Ask, details: Details, found: Mapping[str, str], unsure: bool) -> Answer:
    """One child, nothing, or ask; found in two spaces it is one child only when one record of it is in both."""
    if unsure:
        return UNSURE
    if not found:
        return NOTHING
    with store.read(Login.INDEX) as connection:
        members = [set(index_tables.members_of(connection, space, [child])) for space, child in found.items()]
        keys = sorted(set.union(*members))
        owners = {key: row.owner for key, row in index_tables.records_by_key(connection, keys).items()}
    if not set.intersection(*members):
        return UNSURE
    space, child = next(iter(found.items()))
    answer = Answer(outcome=Outcome.ONE, code=Code.SUCCESS, space=space, child=child)
    return _with_number(answer, details, _number(store, ask, owners))


def _number(store: Store, ask: Ask, owners: Mapping[str, str]) -> Standing | None:
    """The best number that the asker may see: of their own records first, verified before unverified.

    ``owners``: whose each record of the child is.
    """
    own = ask.who.organisation
    found: list[tuple[bool, bool, Standing]] = []
    for owner in sorted(set(owners.values()), key=lambda each: (each != own, each)):
        its = sorted(key for key, whose in owners.items() if whose == owner)
        question = grounded(store, msgspec.structs.replace(ask, owner=owner, mode=Mode.CONTENT))
        try:
            stands = standing(store, question, its, national=owner == own or _own_ground(question))
        except (Missing, Refused):
            continue
        found += [(owner != own, each.status is not NumberStatus.VERIFIED, each) for each in stands.values()]
    best = sorted((each for each in found if each[2].number), key=lambda each: (each[1], each[0]))
    return best[0][2] if best else None


def _own_ground(ask: Ask) -> bool:
    """Whether the asker rests on a duty of their own to hold the number, so that a national answer may be told them."""
    return bool(ask.power and powers()[ask.power].entry)


def _with_number(answer: Answer, details: Details, shown: Standing | None) -> Answer:
    if shown is None:
        return msgspec.structs.replace(
            answer, number_words="Your organisation has no ground to be shown the number, or none is held."
        )
    code = Code.SUCCESS
    if details.number:
        given = nhs_number.parse(details.number)
        if given not in (shown.number, shown.previous):
            code = Code.NOT_VERIFIED
        elif given == shown.previous and shown.status is NumberStatus.VERIFIED:
            code = Code.SUPERSEDED
        elif shown.status is NumberStatus.CONFLICT:
            code = Code.INVALIDATED if shown.how is None else Code.NOT_VERIFIED
    return msgspec.structs.replace(answer, code=code, number=shown.number, status=shown.status, how=shown.how)
