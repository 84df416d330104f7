"""The governance pack: only what is configured stands in it, and what is missing is named."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from asking import DAY, NOW, a_line, an_agreement
from samechild.policy.agreement_actions import Standing
from samechild.policy.governance.documents import documents, measures, period_words
from samechild.policy.governance.downtime import card
from samechild.policy.governance.drafts import NEEDS_POLICY, drafts
from samechild.policy.governance.facts import (
    Access,
    Configured,
    Gap,
    Protection,
    Table,
    gaps_of,
    purposes_used,
    shared_for,
    titles,
)
from samechild.policy.governance.pack import all_gaps, csv_of, markdown, pack
from samechild.policy.people.organisations import Organisation
from samechild.policy.people.rules import Grant
from samechild.policy.records import LegalEntry
from samechild.policy.registers.actions import Count
from samechild.policy.registers.cases import Register
from samechild.policy.retention.periods import schedule
from samechild.records.disclosure import Effect, Route

STRANGE = '=cmd|"x" <script>alert(1)</script> & Sons *bold*'
SAFE = Protection(
    server=True,
    encrypted=False,
    own_sign_in=True,
    https=True,
    witness_apart=True,
    root_apart=True,
    ledger_size=12,
    ledger_head="12:abc",
)
BARE = Protection(
    server=False,
    encrypted=False,
    own_sign_in=False,
    https=False,
    witness_apart=False,
    root_apart=False,
    ledger_size=0,
    ledger_head="0:",
)
LINE = a_line(
    purposes=("safeguarding",),
    record_types=("social-care.episode",),
    powers=("CA2004-s10",),
    bases=("6(1)(e)",),
    conditions=("Sch1-18", "Sch1-2"),
)


def an_organisation(organisation: str, **given: Any) -> Organisation:
    """A council that can be reached."""
    usual = {
        "organisation": organisation,
        "kind": "local-authority",
        "name": f"The {organisation}",
        "active_from": NOW - 9 * DAY,
        "route": Route("duty desk", "01632 960000"),
    }
    return Organisation(**{**usual, **given})


def an_access(role: str, organisation: str = "council", **given: Any) -> Access:
    """A role given thirty days ago, without an end."""
    grant = Grant(
        grant_id=f"g-{role}-{organisation}",
        holder=f"u-{role}",
        role=role,
        organisation=organisation,
        valid_from=NOW - 30 * DAY,
        valid_until=None,
        granted_by="manager",
        granted_at=NOW - 30 * DAY,
    )
    return Access(grant=grant, **{"last_reviewed": None, "due": False, **given})


def configured(**given: Any) -> Configured:
    """A council and a school that share under one agreement in force."""
    usual = {
        "now": NOW,
        "version": "0.1.0",
        "organisations": (an_organisation("council"), an_organisation("school", kind="maintained-school")),
        "agreements": (Standing(an_agreement(rules=(LINE,)), "Safeguarding together", "in force", ()),),
        "entries": (LegalEntry("CA2004-s16LC", NOW - DAY, "SI 2026/1"),),
        "access": (
            an_access("social-worker"),
            an_access("information-governance"),
            an_access("information-governance", "school"),
        ),
        "schedule": schedule(),
        "counts": tuple(Count(register=each, open=0, late=0, closed=0, longest=None) for each in Register),
        "sharing": {"consent": 3},
        "notices": frozenset({"safeguarding"}),
        "unreachable": (),
        "shadows": (),
        "protection": SAFE,
    }
    return Configured(**{**usual, **given})


def nothing() -> Configured:
    """An installation in which nothing was set up."""
    return configured(
        organisations=(),
        agreements=(),
        entries=(),
        access=(),
        counts=(),
        sharing={},
        notices=frozenset(),
        protection=BARE,
    )


def gap_words(found: list[Gap]) -> str:
    """All gaps as one text."""
    return " ".join(gap.words for gap in found)


def test_a_well_set_up_installation_has_no_gap_of_its_own() -> None:
    assert gaps_of(configured()) == []


def test_what_is_missing_is_named() -> None:
    told = gap_words(gaps_of(nothing()))
    for words in ("No organisation", "No agreement is signed", "No legal entry", "https", "not encrypted", "same disk",
                  "accounts kept here"):  # fmt: skip
        assert words in told
    late = Count(register=Register.INCIDENT, open=2, late=1, closed=0, longest=timedelta(hours=2))
    more = configured(
        counts=(late,),
        access=(an_access("social-worker", due=True),),
        unreachable=("The school",),
        shadows=("council",),
    )
    told = gap_words(gaps_of(more))
    for words in (
        "late: 1",
        "review: 1",
        "The council has nobody",
        "The school has not said",
        "The council is in shadow",
    ):
        assert words in told


@pytest.mark.parametrize(
    ("standing", "words"),
    [
        (Standing(an_agreement(signed_by=("council",)), "A", "part signed", ("school",)), "not signed by: The school"),
        (Standing(an_agreement(), "A", "ended", ()), "has ended"),
        (Standing(an_agreement(), "A", "in force", ()), "no lawful basis: 1"),
        (Standing(an_agreement(), "A", "withdrawn", ()), ""),
    ],
)
def test_gaps_of_agreements(standing: Standing, words: str) -> None:
    found = [gap for gap in gaps_of(configured(agreements=(standing,))) if gap.document == "agreement schedule"]
    assert (words in gap_words(found)) if words else found == []


def test_purposes_are_those_that_roles_and_agreements_really_serve() -> None:
    assert {each.name for each in purposes_used(configured())} >= {"safeguarding", "audit", "early-help"}
    assert purposes_used(nothing()) == []
    only = configured(access=(an_access("gone"), an_access("access-manager")))
    assert [each.name for each in purposes_used(only)] == ["safeguarding"]
    everything = configured(agreements=(Standing(an_agreement(), "A", "in force", ()),), access=())
    assert "accountability" not in {each.name for each in purposes_used(everything)}


def test_only_what_is_in_force_and_allows_is_shared() -> None:
    [shared] = shared_for(configured(), "safeguarding")
    assert (shared.owner, shared.recipient, shared.powers) == ("council", "school", ("CA2004-s10",))
    assert shared_for(configured(), "early-help") == []
    forbids = an_agreement(rules=(a_line(effect=Effect.FORBID),))
    assert shared_for(configured(agreements=(Standing(forbids, "A", "in force", ()),)), "safeguarding") == []
    draft = Standing(an_agreement(rules=(LINE,)), "A", "draft", ("school",))
    assert shared_for(configured(agreements=(draft,)), "safeguarding") == []
    named = an_agreement(rules=(a_line(organisations=("trust",), purposes=("safeguarding",)),))
    [to] = shared_for(configured(agreements=(Standing(named, "A", "in force", ()),)), "safeguarding")
    assert to.recipient == "trust"


def test_titles_of_records() -> None:
    assert titles(()) == "every kind of record the owner holds"
    assert titles(("social-care.episode", "gone")) == "Referrals, assessments and child in need plans; gone"


def test_every_document_says_only_what_is_there() -> None:
    them = {each.name: each for each in [*documents(nothing()), *drafts(nothing())]}
    assert "appropriate-policy-sch1-18" not in them
    for name in ("agreement-schedule", "access-review", "legal-entries", "registers"):
        assert [section.table.rows for section in them[name].sections if section.table and section.table.rows] == []
    told = gap_words([gap for document in them.values() for gap in document.gaps])
    for words in ("data protection officer", "not judged", "not signed", "No purpose is in use", "Nobody holds a role"):
        assert words in told


def test_an_appropriate_policy_document_for_each_condition_that_needs_one() -> None:
    names = {each.name for each in drafts(configured())}
    assert names == {"dpia-draft", "privacy-notice", "appropriate-policy-sch1-18"}
    unlimited = an_agreement(rules=(a_line(conditions=("Part3-35(5)",)), a_line(effect=Effect.FORBID)))
    found = drafts(configured(agreements=(Standing(unlimited, "A", "in force", ()),)))[-1]
    assert (found.name, found.law) == ("appropriate-policy-part3-35-5", "DPA 2018 section 42")
    assert found.sections[0].words == ("any purpose.",)
    assert "Sch1-2" not in NEEDS_POLICY


def test_the_notice_says_who_shares_what_with_whom_on_which_law() -> None:
    notice = next(each for each in drafts(configured()) if each.name == "privacy-notice")
    words = " ".join(word for section in notice.sections for word in section.words)
    assert "The council may share with The school: Referrals, assessments and child in need plans." in words
    assert "Children Act 2004 section 10" in words
    assert "each organisation uses only its own records" in words
    assert "duty desk" in words
    missing = gap_words(list(notice.gaps))
    assert "Helping a child and family early" in missing
    assert "Safeguarding and promoting" not in missing
    planning = an_agreement(rules=(a_line(purposes=("service-planning",)),))
    opted = drafts(configured(agreements=(Standing(planning, "A", "in force", ()),), notices=frozenset()))[1]
    assert "opt-out" in " ".join(word for section in opted.sections for word in section.words)


def test_the_assessment_tells_what_is_not_in_place() -> None:
    for given, words in (
        (nothing(), "The witness lies on the same disk."),
        (nothing(), "No notice was recorded"),
        (nothing(), "whole. The root key lies in the same folder."),
    ):
        assert words in markdown(drafts(given)[0], "today")
    unreached = configured(unreachable=("The school",))
    assert "card cannot reach: 1" in markdown(drafts(unreached)[0], "today")
    bare = an_agreement(rules=(a_line(purposes=("safeguarding",)),))
    assert "to be justified" in markdown(
        drafts(configured(agreements=(Standing(bare, "A", "in force", ()),)))[0], "now"
    )
    assert "Roles due for review: 1" in markdown(drafts(configured(access=(an_access("nurse", due=True),)))[0], "now")


def test_measures_are_those_in_place() -> None:
    assert len(measures(configured())) - len(measures(nothing())) == 5


def test_the_review_shows_accounts_by_id_and_roles_without_end() -> None:
    review = next(each for each in documents(configured(access=(an_access("gone"),))) if each.name == "access-review")
    assert review.sections[0].table is not None
    assert review.sections[0].table.rows[0][1:3] == ("gone", "u-gone")
    assert "without an end: 1" in gap_words(list(review.gaps))
    assert next(each for each in documents(nothing()) if each.name == "access-review").gaps == ()


def test_periods_in_words() -> None:
    kept = schedule()
    assert period_words(kept["looked-after child"]) == "75 years from birth; died under 18: 15 years from death"
    assert period_words(kept["as the record it belongs to"]) == "as long as the record it belongs to"
    assert any("if aged" in period_words(each) for each in kept.values())


def test_the_pack_has_a_page_a_text_and_tables_and_names_are_never_markup() -> None:
    strange = configured(
        organisations=(an_organisation("council", name=STRANGE), an_organisation("school", name=STRANGE))
    )
    files = pack(strange, card(strange.organisations, [], NOW, NOW.date()))
    for name in ("index.html", "downtime-card.html", "article-30-record.html", "article-30-record.md", "gaps.csv",
                 "agreements.csv", "access-review.csv", "retention-schedule.csv", "legal-entries.csv"):  # fmt: skip
        assert name in files
    for name, contents in files.items():
        text = contents.decode("utf-8-sig")
        if name.endswith(".html"):
            assert "<script>" not in text
            assert '<html lang="en-GB">' in text
        if name.endswith(".csv"):
            cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
            assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]
        if name.endswith(".md"):
            assert "<script>" not in text
            assert " *bold*" not in text
    assert "&lt;script&gt;" in files["article-30-record.html"].decode()


def test_every_gap_stands_once_and_on_the_first_page() -> None:
    given = nothing()
    found = all_gaps(given, [*documents(given), *drafts(given)])
    assert len(found) == len(set(found))
    page = pack(given, "")["index.html"].decode()
    assert all(gap.document in page for gap in found)


def test_tables_as_text() -> None:
    assert csv_of(Table(("a", "b"), (("1,2", "-3"),))).startswith(b"\xef\xbb\xbfa,b\r\n")
    empty = next(each for each in documents(nothing()) if each.name == "legal-entries")
    assert "None." in markdown(empty, "today")
