"""Consent, registers, letters and the governance pack on every kind of database, through their actions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from msgspec.structs import replace

from asking import DAY, NOW, a_line, an_ask
from consenting import (
    a_childs,
    a_flag,
    a_form,
    a_notice,
    a_parents,
    a_responsibility,
    a_suspicion,
    an_override,
    nobodys,
)
from gate import (
    DESK,
    LEAD,
    NURSE,
    OPERATOR,
    WORKER,
    a_child,
    a_signed_agreement,
    a_world,
    an_officer,
    involve,
    own_ask,
)
from samechild.cli.governance import governance
from samechild.errors import Conflict, Invalid, Missing, Refused
from samechild.keys.actions import destroy_keys
from samechild.keys.store import Tombstone
from samechild.policy import ledger
from samechild.policy.actions import gather_facts, permit
from samechild.policy.consent.actions import (
    decisions_about,
    flags_about,
    give_notice,
    record_consent,
    record_form,
    record_harm,
    record_override,
    set_do_not_tell,
    withdraw,
)
from samechild.policy.consent.standing import ConsentRecord, Response, State, Way
from samechild.policy.consent.store import consent_facts, sharing_records
from samechild.policy.decide import decide
from samechild.policy.governance.actions import governance_pack
from samechild.policy.governance.downtime_actions import downtime_card, enter_number, remove_number
from samechild.policy.governance.letters import Checks, Reader
from samechild.policy.governance.letters_actions import preview_letter, release_letter, who_looked
from samechild.policy.records import Consent
from samechild.policy.registers import store as registers_store
from samechild.policy.registers.actions import cases, collect, counts, one_case, report, take_step
from samechild.policy.registers.cases import Case, Register, Step
from samechild.policy.registers.store import refused_case
from samechild.policy.relationship_actions import lift_mark, set_mark
from samechild.policy.store import messages_for
from samechild.policy.vault_actions import read_record
from samechild.records.disclosure import Ask, Asker, Emergency, Permit, Scope, Spread
from samechild.settings import Settings
from samechild.storage import Login, Store
from stores import KINDS, a_store, an_installation, reopen

OFFICER = an_officer("council")
SECRET = "Wren Avocet said so on the telephone"
HOUR = timedelta(hours=1)
LINE = a_line(purposes=("safeguarding",), powers=("CA2004-s10",), bases=("6(1)(e)",))


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with a_store(request.param) as opened:
        a_world(opened)
        yield opened


@pytest.fixture
def sqlite() -> Iterator[Store]:
    with a_store("sqlite") as opened:
        a_world(opened)
        yield opened


@pytest.fixture
def child(store: Store) -> str:
    found = a_child(store)
    involve(store, found, WORKER)
    return found


def leave(store: Store, child: str, **given: Any) -> Permit:
    """The social worker's leave for the child."""
    return permit(store, own_ask(child, **given))


def school_asks(child: str, **given: Any) -> Ask:
    """The school's lead asks the council for the child's episode, on the family's consent."""
    return an_ask(**{"who": LEAD, "scope": Scope(Spread.CHILD, (child,)), **given})


def officers_leave(store: Store, child: str, who: Asker = OFFICER, **given: Any) -> Permit:
    """The officer's leave to answer a person's question about the child."""
    return permit(store, own_ask(child, who=who, purpose="peoples-rights", record_type="personal.identity", **given))


def facts(store: Store, child: str, now: Any = NOW) -> Any:
    """How matters stand for the school."""
    with store.read(Login.GATE) as gate:
        return consent_facts(gate, [child], "safeguarding", "social-care.episode", "school", now)[child]


def shared_world(store: Store, child: str) -> None:
    """An agreement for the episode, and the lead involved with the child."""
    a_signed_agreement(store, rules=(LINE,))
    involve(store, child, LEAD)


def test_consent_opens_a_sharing_and_its_withdrawal_stops_it_and_lists_it(store: Store, child: str) -> None:
    shared_world(store, child)
    with pytest.raises(Refused):
        permit(store, school_asks(child))
    given = record_consent(store, leave(store, child), a_parents(record_key=child, details=SECRET), NOW, os.urandom)
    assert facts(store, child).consent is Consent.GIVEN
    assert [row.plain for row in read_record(store, school_asks(child))] == [b"an episode"]
    change = a_parents(record_key="x", way=Way.PHONE, details="mother rang")
    ended = withdraw(store, leave(store, child), given.id, change, NOW + HOUR, os.urandom)
    assert facts(store, child, NOW + HOUR).consent is Consent.WITHDRAWN
    assert [(each.organisation, each.record_type, each.confidence) for each in ended.shared] == [
        ("school", "social-care.episode", "consent")
    ]
    with pytest.raises(Refused):
        permit(store, school_asks(child, now=NOW + HOUR))
    with pytest.raises(Conflict):
        withdraw(store, leave(store, child, now=NOW + 2 * HOUR), given.id, change, NOW + 2 * HOUR, os.urandom)
    with store.read(Login.GATE) as gate:
        kinds = [entry.kind for entry in ledger.entries_about(gate, ledger.references_to(store, child))]
    assert kinds.count("consent") == 2


def test_words_are_sealed_and_shown_only_with_leave(store: Store, child: str) -> None:
    record_consent(store, leave(store, child), a_parents(record_key=child, details=SECRET), NOW, os.urandom)
    record_form(store, leave(store, child), a_form(record_key=child, text=SECRET, told=False, why_not_told=SECRET), NOW,
                os.urandom)  # fmt: skip
    with store.read(Login.GATE) as gate:
        kept = gate.execute(sa.select(sharing_records)).all()
        written = [entry.body for entry in ledger.entries(gate, limit=500)]
    assert SECRET not in repr(kept)
    assert SECRET not in repr(written)
    listed = decisions_about(store, leave(store, child), NOW)
    assert [each.kind for each in listed] == ["consent", "share"]
    assert isinstance(listed[0].record, ConsentRecord)
    assert (listed[0].record.details, listed[0].state) == (SECRET, State.GIVEN)
    assert (listed[0].record.person, listed[0].record.responsibility) == ("mother", a_responsibility())
    assert "mother" not in repr(kept) + repr(written)
    assert "2014-03-09" not in repr(kept) + repr(written)
    assert listed[1].record.text == SECRET  # type: ignore[union-attr]
    assert decisions_about(store, leave(store, child), NOW, ("notice",)) == []


def test_what_was_said_about_an_erased_child_can_never_be_read_again(store: Store, child: str) -> None:
    given = leave(store, child)
    record_consent(store, given, a_parents(record_key=child, details=SECRET), NOW, os.urandom)
    with store.write(Login.GATE) as gate:
        destroy_keys(gate, [Tombstone(child, "council", NOW, "request", "e1", "0" * 64)])
    with pytest.raises(Missing):
        decisions_about(store, given, NOW)
    assert facts(store, child).consent is Consent.GIVEN
    assert flags_about(store, [child], "mother") == []


def test_a_withdrawal_names_the_same_person_however_they_are_typed(sqlite: Store) -> None:
    child = a_child(sqlite)
    involve(sqlite, child, WORKER)
    given = leave(sqlite, child)
    kept = record_consent(sqlite, given, a_parents(record_key=child, person="Merle Example"), NOW, os.urandom)
    ended = a_parents(record_key=child, person="merle  EXAMPLE ", response=Response.WITHDRAWN, succeeds=kept.id)
    with pytest.raises(Invalid, match="Only who consented"):
        record_consent(sqlite, given, replace(ended, person="somebody else"), NOW, os.urandom)
    record_consent(sqlite, given, ended, NOW, os.urandom)
    assert facts(sqlite, child).consent is Consent.WITHDRAWN


def test_rows_about_sharing_are_never_changed(store: Store, child: str) -> None:
    record_consent(store, leave(store, child), a_parents(record_key=child), NOW, os.urandom)
    for statement in (sharing_records.update().values(body="{}"), sharing_records.delete()):
        with pytest.raises((Refused, Conflict)), store.write(Login.GATE) as gate:
            gate.execute(statement)


def test_who_records_is_whoever_holds_the_leave_and_for_that_child_only(sqlite: Store) -> None:
    child, other = a_child(sqlite), a_child(sqlite)
    involve(sqlite, child, WORKER)
    given = leave(sqlite, child)
    with pytest.raises(Refused):
        record_consent(sqlite, given, a_parents(record_key=other), NOW, os.urandom)
    record_consent(sqlite, given, a_parents(record_key=child, recorded_by="x", organisation="x"), NOW, os.urandom)
    [listed] = decisions_about(sqlite, given, NOW)
    assert isinstance(listed.record, ConsentRecord)
    assert (listed.record.recorded_by, listed.record.organisation) == ("worker", "council")
    named = replace(a_parents(record_key=child), person="p:Merle Example")
    record_consent(sqlite, given, named, NOW, os.urandom)
    with sqlite.read(Login.GATE) as gate:
        assert "Merle" not in repr(gate.execute(sa.select(sharing_records)).all())
    with pytest.raises(Invalid, match="spoken answer"):
        record_consent(sqlite, given, a_parents(record_key=child, way=Way.PHONE), NOW, os.urandom)
    with pytest.raises(Missing):
        withdraw(sqlite, given, "nothing", a_parents(), NOW, os.urandom)
    with pytest.raises(Missing):
        record_consent(sqlite, given, a_parents(record_key=child, response=Response.WITHDRAWN, succeeds="gone"), NOW,
                       os.urandom)  # fmt: skip
    notice = give_notice(sqlite, given, a_notice(record_key=child), NOW, os.urandom)
    with pytest.raises(Missing):
        withdraw(sqlite, given, notice.id, a_parents(), NOW, os.urandom)
    with pytest.raises(Missing):
        record_consent(sqlite, given, a_parents(record_key=child, response=Response.WITHDRAWN, succeeds=notice.id), NOW,
                       os.urandom)  # fmt: skip


def test_a_disagreement_goes_to_a_named_person(store: Store, child: str) -> None:
    given = leave(store, child)
    record_consent(store, given, a_parents(record_key=child), NOW, os.urandom)
    refused = a_childs(record_key=child, response=Response.REFUSED)
    found = record_consent(store, given, refused, NOW, os.urandom, named="desk")
    assert len(found.disagreements) == 1
    assert facts(store, child).consent is Consent.REFUSED
    [waiting] = cases(store, DESK, Register.DISAGREEMENT, NOW)
    assert waiting.case.named == "desk"
    assert "able child" in one_case(store, DESK, waiting.case.id, NOW).case.text
    with store.read(Login.GATE) as gate:
        assert [row.kind for row in messages_for(gate, "desk", "council", "duty-desk")] == ["look-at-case"]


def test_a_parent_withdraws_what_was_implied(sqlite: Store) -> None:
    child = a_child(sqlite)
    involve(sqlite, child, WORKER)
    given = leave(sqlite, child)
    kept = record_consent(sqlite, given, nobodys(record_key=child), NOW, os.urandom)
    assert facts(sqlite, child).consent is Consent.IMPLIED
    change = a_parents(record_key=child, way=Way.PHONE, details="mother rang")
    withdraw(sqlite, given, kept.id, change, NOW, os.urandom)
    assert facts(sqlite, child).consent is Consent.WITHDRAWN


def test_an_override_is_seen_by_information_governance_within_a_day(store: Store, child: str) -> None:
    given = leave(store, child)
    kept = record_override(store, given, an_override(record_key=child, text=SECRET), NOW, os.urandom)
    assert [each.kind for each in decisions_about(store, given, NOW)] == ["override"]
    assert facts(store, child).override
    [waiting] = cases(store, OFFICER, Register.OVERRIDE, NOW)
    assert waiting.due.at == NOW + DAY
    with store.read(Login.GATE) as gate:
        assert [row.kind for row in messages_for(gate, "x", "council", "information-governance")] == ["look-at-case"]
    record_override(store, given, an_override(record_key=child, ends=kept.id, decided_at=NOW), NOW, os.urandom)
    assert not facts(store, child).override
    with pytest.raises(Refused, match="second person"):
        record_override(store, given, an_override(record_key=child, second="worker"), NOW, os.urandom)


def test_notice_harm_and_flags_are_kept(store: Store, child: str) -> None:
    given = leave(store, child)
    give_notice(store, given, a_notice(record_key=child), NOW, os.urandom)
    record_harm(store, given, a_suspicion(record_key=child), NOW, os.urandom)
    set_do_not_tell(store, given, a_flag(record_key=child), NOW, os.urandom)
    stands = facts(store, child)
    assert (stands.notice, stands.harm_suspected) == (True, True)
    [flag] = flags_about(store, [child])
    assert flag.person.startswith("p:")
    assert flag.text == ""
    assert [each.person for each in flags_about(store, [child], "  FATHER ")] == ["  FATHER "]
    assert [each.person for each in flags_about(store, [child], "mother")] == [flag.person]
    set_do_not_tell(store, given, a_flag(record_key=child, person="everyone"), NOW, os.urandom)
    assert {each.person for each in flags_about(store, [child])} == {"everyone", flag.person}
    kept = record_consent(store, given, a_parents(record_key=child), NOW, os.urandom)
    void = a_parents(record_key=child, response=Response.INVALIDATED, succeeds=kept.id, reason="another child's form",
                     valid_until=None)  # fmt: skip
    record_consent(store, given, void, NOW, os.urandom)
    assert facts(store, child).consent is Consent.INVALIDATED
    assert len(cases(store, OFFICER, Register.OVERRIDE, NOW)) == 1


def test_a_refused_safeguarding_request_is_reviewed_by_somebody_else(store: Store, child: str) -> None:
    with pytest.raises(Refused):
        permit(store, school_asks(child))
    [waiting] = cases(store, OFFICER, Register.REFUSED, NOW)
    assert (waiting.case.asking, waiting.case.about_user, waiting.due.state) == ("school", "lead", "waiting")
    review = Step(case=waiting.case.id, number=1, at=NOW, by="", action="review", outcome="shared another way",
                  note=SECRET)  # fmt: skip
    with pytest.raises(Refused, match="themselves"):
        take_step(store, LEAD, review, NOW + HOUR, os.urandom)
    with pytest.raises(Missing):
        take_step(store, an_officer("trust"), review, NOW + HOUR, os.urandom)
    with pytest.raises(Missing):
        one_case(store, WORKER, waiting.case.id, NOW)
    due = take_step(store, DESK, review, NOW + HOUR, os.urandom)
    assert (due.state, due.late) == ("reviewed", False)
    done = one_case(store, OFFICER, waiting.case.id, NOW + DAY)
    assert (done.took, done.steps[0].note, done.steps[0].by) == (HOUR, SECRET, "desk")
    with pytest.raises(Refused):
        cases(store, WORKER, Register.REFUSED, NOW)
    counted = {count.register: count for count in counts(store, NOW + DAY)}
    assert (counted[Register.REFUSED].closed, counted[Register.REFUSED].longest) == (1, HOUR)


def test_what_a_crash_left_undone_is_found_in_the_ledger(store: Store, child: str) -> None:
    ask = school_asks(child)
    decision = decide(ask, gather_facts(store, ask))
    with pytest.raises(Refused):
        ledger.record(store, decision, NOW)  # and the program dies before anything follows
    assert cases(store, OFFICER, Register.REFUSED, NOW) == []
    assert collect(store, NOW + timedelta(seconds=30)) == 0
    for _ in range(4):
        leave(store, child)
    assert collect(store, NOW + HOUR, page=2) == 1
    assert collect(store, NOW + 2 * HOUR) == 0
    [found] = cases(store, OFFICER, Register.REFUSED, NOW)
    number = found.case.about_entry
    assert number is not None
    with store.write(Login.GATE) as gate:
        refused_case(gate, decision, number, NOW)
    assert len(cases(store, OFFICER, Register.REFUSED, NOW)) == 1


def test_broken_glass_and_lifted_shields_are_reviewed(sqlite: Store) -> None:
    child = a_child(sqlite)
    permit(sqlite, own_ask(child, emergency=Emergency("somebody is at the door", "supervisor")))
    set_mark(sqlite, OFFICER, "council", [child], "shielded", NOW)
    shown = own_ask(child, who=DESK, record_type="education.setting", emergency=Emergency("must find", "supervisor"),
                    owner="council")  # fmt: skip
    permit(sqlite, shown)
    assert collect(sqlite, NOW + HOUR) == 2
    assert len(cases(sqlite, OFFICER, Register.GLASS, NOW)) == 1
    [shield] = cases(sqlite, OFFICER, Register.SHIELD, NOW)
    assert shield.due.at == NOW + DAY


def test_an_incident_runs_its_course(store: Store) -> None:
    case = Case(id="", register=Register.INCIDENT, organisation="", started=NOW - HOUR, opened_at=NOW, opened_by="",
                text=SECRET)  # fmt: skip
    identity = report(store, WORKER, case, NOW, os.urandom)
    [shown] = cases(store, OFFICER, Register.INCIDENT, NOW)
    assert (shown.case.text, shown.due.at) == ("", NOW + 71 * HOUR)
    assert one_case(store, OFFICER, identity, NOW).case.text == SECRET
    step = Step(case=identity, number=1, at=NOW, by="", action="assess as reportable")
    take_step(store, OFFICER, step, NOW, os.urandom)
    with pytest.raises(Refused, match="meanwhile"):
        take_step(store, OFFICER, replace(step, action="notify the Commissioner"), NOW, os.urandom)
    notify = replace(step, number=2, action="notify the Commissioner")
    with pytest.raises(Refused, match="late"):
        take_step(store, OFFICER, notify, NOW + 4 * DAY, os.urandom)
    assert take_step(store, OFFICER, notify, NOW + HOUR, os.urandom).at is None


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"register": Register.REFUSED}, Refused),
        ({"text": " "}, Invalid),
        ({"register": Register.REQUEST, "kind": "gossip"}, Invalid),
        ({"started": NOW + DAY}, Invalid),
    ],
)
def test_what_cannot_be_reported(sqlite: Store, given: dict[str, Any], error: type[Exception]) -> None:
    usual = {"id": "", "register": Register.CONCERN, "organisation": "", "started": NOW, "opened_at": NOW,
             "opened_by": "", "text": "a concern"}  # fmt: skip
    with pytest.raises(error):
        report(sqlite, WORKER, Case(**{**usual, **given}), NOW, os.urandom)


def test_a_request_about_a_child_is_sealed_under_the_childs_key(store: Store, child: str) -> None:
    case = Case(id="", register=Register.REQUEST, organisation="", started=NOW, opened_at=NOW, opened_by="",
                kind="access", record_key=child, text=SECRET)  # fmt: skip
    identity = report(store, WORKER, case, NOW, os.urandom)
    assert one_case(store, OFFICER, identity, NOW).case.text == SECRET


def test_two_people_take_the_same_step(sqlite: Store) -> None:
    case = Case(id="", register=Register.CONCERN, organisation="", started=NOW, opened_at=NOW, opened_by="", text="x")
    identity = report(sqlite, WORKER, case, NOW, os.urandom)
    step = Step(case=identity, number=1, at=NOW, by="a", action="acknowledge")
    with sqlite.write(Login.GATE) as gate:
        registers_store.keep_step(gate, step, b"", 0)
    with pytest.raises(Conflict), sqlite.write(Login.GATE) as gate:
        registers_store.keep_step(gate, replace(step, by="b"), b"", 0)


CHECKS = Checks(reader=Reader.FAMILY, person="mother", identity="passport seen", checked_by="",
                responsibility=a_responsibility())  # fmt: skip


def test_who_looked_is_for_the_officer_and_stands_in_the_ledger(store: Store, child: str) -> None:
    shared_world(store, child)
    record_consent(store, leave(store, child), a_parents(record_key=child), NOW, os.urandom)
    read_record(store, school_asks(child))
    with pytest.raises(Refused):
        permit(store, school_asks(child, who=NURSE))
    looks = who_looked(store, officers_leave(store, child), NOW)
    assert [(look.organisation, look.allowed, look.disclosed) for look in looks] == [
        ("council", True, False),
        ("trust", False, False),
        ("school", True, True),
        ("council", True, False),
    ]
    with store.read(Login.GATE) as gate:
        assert ledger.entries(gate, limit=1)[0].kind == "outcome"
    with pytest.raises(Refused):
        who_looked(store, leave(store, child), NOW)


def test_a_letter_names_no_school_and_is_released_after_checks_alone(store: Store, child: str) -> None:
    shared_world(store, child)
    record_consent(store, leave(store, child), a_parents(record_key=child), NOW, os.urandom)
    read_record(store, school_asks(child))
    given = officers_leave(store, child)
    shown = preview_letter(store, given, CHECKS, NOW)
    assert "The school" not in shown.html + shown.text
    assert "a service that works with children" in shown.text
    released = release_letter(store, given, CHECKS, NOW)
    assert released.letter == shown
    assert "telephone 01632 960000" in released.letter.text
    with store.read(Login.GATE) as gate:
        [entry] = ledger.entries(gate, kind="letter")
    assert entry.number == released.entry
    assert entry.body["person"].startswith("p:")
    assert entry.body["responsibility"] == "birth registration"
    with pytest.raises(Refused, match="parental responsibility"):
        release_letter(store, given, replace(CHECKS, responsibility=None), NOW)
    set_do_not_tell(store, leave(store, child), a_flag(record_key=child, person="mother"), NOW, os.urandom)
    with pytest.raises(Refused, match="do-not-tell"):
        release_letter(store, given, CHECKS, NOW)


def test_a_letter_about_a_child_who_was_ever_hidden_gives_months_only(sqlite: Store) -> None:
    child = a_child(sqlite)
    set_mark(sqlite, OFFICER, "council", [child], "shielded", NOW)
    lift_mark(sqlite, OFFICER, "council", [child], "shielded", NOW + HOUR)
    given = permit(sqlite, own_ask(child, who=OFFICER, purpose="peoples-rights", now=NOW + 2 * HOUR))
    young = Checks(reader=Reader.YOUNG_PERSON, person="them", identity="known to the worker", checked_by="",
                   understands=True)  # fmt: skip
    text = release_letter(sqlite, given, young, NOW + 2 * HOUR).letter.text
    assert "- November 2026. We looked to answer a question about your file." in text
    assert "01632" not in text


def test_the_downtime_card(store: Store) -> None:
    enter_number(store, DESK, "at night", "01632 960999", NOW)
    enter_number(store, DESK, "at night", "01632 960111", NOW)
    enter_number(store, OPERATOR, "by day", "01632 960222", NOW, organisation="school")
    page = downtime_card(store, NOW)
    for words in ("01632 960111", "01632 960222", "duty desk of the council", "The trust"):
        assert words in page
    assert "960999" not in page
    remove_number(store, DESK, "at night", NOW)
    assert "960111" not in downtime_card(store, NOW)
    with pytest.raises(Missing):
        remove_number(store, DESK, "at night", NOW)
    with pytest.raises(Refused):
        enter_number(store, WORKER, "x", "999", NOW)
    with pytest.raises(Missing):
        enter_number(store, OPERATOR, "x", "999", NOW, organisation="nobody")


def test_the_pack_is_written_from_what_is_configured(store: Store, child: str) -> None:
    a_signed_agreement(store)
    give_notice(store, leave(store, child), a_notice(record_key=child), NOW, os.urandom)
    record_consent(store, leave(store, child), a_parents(record_key=child), NOW, os.urandom)
    settings = Settings(home=store.home)
    files = governance_pack(store, settings, NOW)
    for place, apart in (("file:/elsewhere/root.key", True), (f"file:{store.home}/keys/root.key", False)):
        gaps = governance_pack(store, replace(settings, root_key=place), NOW)["gaps.csv"]
        assert (b"root key lies" not in gaps) is apart
    notice = files["privacy-notice.md"].decode()
    assert "The council may share with The school" in notice
    assert "No notice was ever recorded as given for: Helping" in notice
    assert "Sharing for safeguarding" in files["agreements.csv"].decode()
    assert b"lead" in files["access-review.csv"]
    assert child not in "".join(contents.decode("utf-8-sig") for contents in files.values())


def run(*words: str | Path) -> BaseException | None:
    """Run the group of commands; what stopped it, or None."""
    return CliRunner().invoke(governance, [str(word) for word in words]).exception


def test_the_pack_from_the_command_line(tmp_path: Path) -> None:
    with an_installation("sqlite") as settings:
        opened = reopen(settings)
        a_world(opened)
        opened.close()
        out, card = tmp_path / "pack", tmp_path / "card.html"
        home = ("--home", settings.home)
        assert run("pack", *home, "--out", out) is None
        assert {"index.html", "run.json", "gaps.csv", "downtime-card.html"} <= {path.name for path in out.iterdir()}
        assert isinstance(run("pack", *home, "--out", out), Refused)
        assert run("pack", *home, "--out", out, "--force") is None
        assert run("card", *home, "--out", card) is None
        assert isinstance(run("card", *home, "--out", card), Refused)
        assert "duty desk of the council" in card.read_text(encoding="utf-8")
    missing = tmp_path / "nowhere"
    assert isinstance(run("pack", "--home", missing, "--out", tmp_path / "p"), Missing)
    assert not missing.exists()
