"""What must be there before a decision is kept; each gap has a rule of its own."""

from __future__ import annotations

from datetime import date

import pytest

from consenting import DAY, NOW, TOPIC, a_childs, a_parents, a_responsibility, an_assessment, nobodys
from samechild.policy.consent.check import check, prompt_by_age
from samechild.policy.consent.standing import Age, ConsentRecord, Decider, Response, Topic, Way

R = Response
SPOKEN = "said yes after it was explained; her sister was there"


def rules(record: ConsentRecord, **given: object) -> list[str]:
    """The rules a record breaks."""
    return [issue.rule.removeprefix("consent-") for issue in check(record, NOW, **given)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "record",
    [
        a_parents(),
        a_parents(response=R.REFUSED),
        a_parents(way=Way.PHONE, details=SPOKEN),
        a_parents(response=R.NOT_PROVIDED, reason="two letters, no answer", valid_until=None),
        a_childs(),
        a_childs(way=Way.SELF),
        a_childs(age=Age.SIXTEEN, competence=None),
        a_childs(response=R.REFUSED, competence=None),
        nobodys(),
        nobodys(response=R.NOT_ASKED, notice="", reason="asking would put the child at risk", valid_until=None),
    ],
)
def test_whole_records_pass(record: ConsentRecord) -> None:
    assert rules(record) == []


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        (a_parents(topic=Topic("nosiness", TOPIC.record_types, TOPIC.recipients)), "purpose"),
        (a_parents(topic=Topic("safeguarding", ("gossip",), ("school",))), "record-type"),
        (a_parents(topic=Topic("safeguarding", (), ("school",))), "specific"),
        (a_parents(topic=Topic("safeguarding", TOPIC.record_types)), "specific"),
        (nobodys(notice=""), "notice"),
        (nobodys(response=R.NOT_ASKED, reason=" "), "reason"),
        (a_parents(response=R.NOT_PROVIDED), "reason"),
        (a_parents(way=None), "way"),
        (a_parents(way=Way.PHONE), "verbal-details"),
        (a_parents(way=Way.IN_PERSON, details="  "), "verbal-details"),
        (a_parents(way=Way.SELF), "self"),
        (a_parents(response=R.IMPLIED, notice="n"), "decider"),
        (nobodys(response=R.GIVEN, way=Way.WEB), "decider"),
        (a_parents(person=""), "person"),
        (a_parents(responsibility=None), "responsibility"),
        (a_parents(responsibility=a_responsibility(until=date(2026, 1, 1))), "responsibility"),
        (a_parents(age=Age.ADULT), "adult"),
        (a_childs(competence=None), "competence"),
        (a_childs(competence=an_assessment(topic=Topic("early-help"))), "competence-topic"),
        (a_childs(competence=an_assessment(assessed_at=NOW)), "competence-topic"),
        (a_childs(competence=an_assessment(decides_freely=False)), "not-able"),
        (a_parents(decided_at=NOW + DAY), "future"),
        (a_parents(valid_until=None), "until"),
        (a_parents(valid_until=NOW - 3 * DAY), "until-before"),
        (a_parents(response=R.REFUSED, valid_until=NOW + DAY), "lasting"),
        (a_parents(succeeds="p0"), "succeeds"),
        (a_parents(response=R.WITHDRAWN), "succeeds"),
    ],
)
def test_every_gap_is_named(record: ConsentRecord, rule: str) -> None:
    assert rule in rules(record)


def test_a_withdrawal_names_what_it_withdraws() -> None:
    before = a_parents(id="p0")
    withdrawn = a_parents(response=R.WITHDRAWN, succeeds="p0")
    assert rules(withdrawn, previous=before) == []
    assert rules(withdrawn, previous=a_parents(id="other")) == ["succeeds"]
    assert rules(withdrawn, previous=a_parents(id="p0", record_key="r2")) == ["succeeds"]
    assert rules(withdrawn, previous=a_parents(id="p0", person="father")) == ["withdraws"]
    assert rules(withdrawn, previous=a_parents(id="p0", response=R.REFUSED)) == ["withdraws"]
    narrow = a_parents(response=R.WITHDRAWN, succeeds="p0", topic=Topic("safeguarding", ("education.setting",)))
    assert rules(narrow, previous=before) == ["withdraws"]


def test_what_is_made_void_needs_a_reason_and_may_be_anybodys() -> None:
    void = nobodys(response=R.INVALIDATED, succeeds="p0", notice="", reason="another child's form", valid_until=None)
    assert rules(void, previous=a_parents(id="p0")) == []


def test_a_parents_consent_ends_at_eighteen() -> None:
    assert rules(a_parents(), eighteenth=date(2027, 1, 1)) == ["eighteen"]
    assert rules(a_parents(), eighteenth=date(2032, 3, 9)) == []
    assert rules(a_childs(), eighteenth=date(2027, 1, 1)) == []


def test_messages_hold_no_value() -> None:
    wrong = a_parents(person="Merle Example", details="secret words", way=None, topic=Topic("nosiness"))
    told = " ".join(issue.message for issue in check(wrong, NOW))
    assert "Merle" not in told
    assert "secret" not in told


@pytest.mark.parametrize(("age", "word"), [(None, "not known"), (9, "no lower age"), (15, "no lower age"),
                                           (16, "presumed"), (17, "presumed"), (18, "adult")])  # fmt: skip
def test_the_prompt_is_by_age(age: int | None, word: str) -> None:
    assert word in prompt_by_age(age)


def test_the_prompt_is_never_a_rule() -> None:
    young = a_childs(age=Age.UNDER_16)
    assert young.decider is Decider.CHILD
    assert rules(young) == []
