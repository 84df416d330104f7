"""``decide`` answers as the truth table does, tens of thousands of times; and the table covers what it must."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable

import msgspec
import pytest

from samechild.policy.decide import decide
from samechild.policy.records import Consent, Involvement
from samechild.records.disclosure import Effect, Mode
from samechild.records.types import Sector, record_types
from spec.policy.combinations import (
    ALONE,
    DOMAINS,
    MATRICES,
    Combination,
    combinations,
    parts_of,
    refused_alone,
    verdict,
    wild,
)
from spec.policy.shrinking import in_words, smallest
from spec.policy.situations import AGREEMENTS, PLAIN, Situation, ask_of, facts_of
from spec.policy.truth import column, compiled, observe, requirements, table, words_in

pytestmark = pytest.mark.xdist_group("truth table")  # the combinations are made once

REFUSALS = tuple(known for known in requirements() if known.effect == "refuse")
Answer = Callable[[Situation], bool]


def decided(situation: Situation) -> bool:
    """What the gate answers."""
    return decide(ask_of(situation), facts_of(situation)).allowed


def expected(situation: Situation) -> bool:
    """What the tables answer."""
    return verdict(situation).allowed


def differences(answer: Answer, among: tuple[Combination, ...]) -> dict[str, list[Situation]]:
    """The situations an answer differs from the table on, by kind of difference."""
    kinds: dict[str, list[Situation]] = defaultdict(list)
    for combination in among:
        if answer(combination.situation) != combination.verdict.allowed:
            rows = " and ".join(combination.verdict.refusing)
            kinds[f"allowed, though {rows} refuses" if rows else "refused, though nothing refuses"].append(
                combination.situation
            )
    return kinds


def report(answer: Answer, among: tuple[Combination, ...]) -> str:
    """Every kind of difference with the smallest situation that shows it; empty when there is none."""
    lines = []
    for kind, situations in sorted(differences(answer, among).items(), key=lambda found: -len(found[1])):
        shrunk = min((smallest(one, answer, expected) for one in situations[:20]), key=lambda s: len(in_words(s)))
        because = verdict(shrunk).refusing
        lines += [f"{len(situations)} {kind}", f"    {in_words(shrunk)}", f"    the table refuses by: {because}"]
    return "\n".join(lines)


class TestTheGate:
    def test_answers_as_the_table_does(self) -> None:
        found = report(decided, combinations())
        assert not found, "\n" + found

    def test_says_why_whatever_it_answers(self) -> None:
        # Golden rule 7, table 5.2 row 11: a decision not to share is recorded as fully as a decision to share.
        for combination in combinations()[::10]:
            decision = decide(ask_of(combination.situation), facts_of(combination.situation))
            effect = Effect.ALLOW if decision.allowed else Effect.FORBID
            assert any(reason.effect == effect and reason.words for reason in decision.reasons), in_words(
                combination.situation
            )
            assert decision.ask == ask_of(combination.situation)

    def test_one_more_forbid_never_allows(self) -> None:
        another = [c.situation for c in combinations() if c.situation.space == "another"]
        for situation in another[::5]:
            forbidden = msgspec.structs.replace(situation, agreements=(*situation.agreements, "forbid all"))
            assert not decided(forbidden), in_words(forbidden)

    def test_the_order_of_agreements_does_not_matter(self) -> None:
        several = [c.situation for c in combinations() if len(c.situation.agreements) > 1]
        assert len(several) > 1_000
        for situation in several:
            turned = msgspec.structs.replace(situation, agreements=situation.agreements[::-1])
            assert decided(turned) == decided(situation), in_words(situation)

    def test_shadow_mode_changes_no_answer(self) -> None:
        for combination in combinations()[::10]:
            situation = combination.situation
            shadowed = msgspec.structs.replace(situation, shadow=not situation.shadow)
            assert decided(shadowed) == decided(situation), in_words(situation)


class TestTheComparisonCanFail:
    @pytest.mark.parametrize("row", ["R8.forbid", "R9.entry", "R11.part-3-needs", "R16.family", "R18.own"])
    def test_a_gate_that_forgets_one_row_is_found(self, row: str) -> None:
        def forgetful(situation: Situation) -> bool:
            return set(verdict(situation).refusing) <= {row}

        among = tuple(c for n, c in enumerate(combinations()) if n % 20 == 0 or row in c.verdict.refusing)
        found = differences(forgetful, among)
        assert set(found) == {f"allowed, though {row} refuses"}
        assert len(found[f"allowed, though {row} refuses"]) >= ALONE

    def test_the_smallest_difference_is_short(self) -> None:
        def forgets_family(situation: Situation) -> bool:
            return set(verdict(situation).refusing) <= {"R16.family"}

        start = next(c.situation for c in combinations() if c.verdict.refusing == ("R16.family",))
        found = in_words(smallest(start, forgets_family, expected))
        assert "own_family=True" in found
        assert found.count("=") <= 3


class TestCombinations:
    def test_are_many_and_no_two_alike(self) -> None:
        assert len(combinations()) >= 50_000
        assert len({combination.situation for combination in combinations()}) == len(combinations())

    def test_are_allowed_and_refused_often_enough(self) -> None:
        share = sum(combination.verdict.allowed for combination in combinations()) / len(combinations())
        assert 0.15 <= share <= 0.85

    def test_show_each_row_as_the_only_reason(self) -> None:
        counts = refused_alone(combinations())
        rare = {
            known.row: counts[known.row] for known in REFUSALS if known.alone == "yes" and counts[known.row] < ALONE
        }
        assert not rare

    def test_show_each_requirement_as_the_only_reason(self) -> None:
        by_requirement = Counter(
            numbers.pop()
            for combination in combinations()
            if len(numbers := {row.partition(".")[0] for row in combination.verdict.refusing}) == 1
        )
        assert {known.number: by_requirement[known.number] >= ALONE for known in REFUSALS} == {
            known.number: True for known in REFUSALS
        }

    def test_meet_also_the_rows_that_never_stand_alone(self) -> None:
        met = Counter(row for combination in combinations() for row in combination.verdict.refusing)
        implied = [known for known in REFUSALS if known.alone != "yes" and known.row != "R11.special"]
        assert all(met[known.row] >= ALONE for known in implied)

    @pytest.mark.parametrize("part", sorted(DOMAINS))
    def test_meet_every_value_of_every_part(self, part: str) -> None:
        met = Counter(getattr(combination.situation, part) for combination in combinations())
        assert [value for value in DOMAINS[part] if met[value] < 20] == []

    @pytest.mark.parametrize("parts", MATRICES, ids=" x ".join)
    def test_meet_every_combination_of_parts(self, parts: tuple[str, ...]) -> None:
        met = {tuple(getattr(c.situation, part) for part in parts) for c in combinations()}
        wanted = 1
        for part in parts:
            wanted *= len(DOMAINS[part])
        assert len({values for values in met if all(v in DOMAINS[p] for v, p in zip(values, parts, strict=True))}) == (
            wanted
        )

    @pytest.mark.parametrize(
        ("part", "never"),
        [
            ("role", {"access-manager", "dashboard-viewer", "headteacher", ""}),
            ("purpose", {"performance-management", "accountability", "curiosity", ""}),
            ("record_type", {"health.everything", ""}),
            ("power", {"CA1989-s999"}),
            ("basis", {"6(1)(b)"}),
            ("condition", {"9(2)(z)"}),
            ("confidence", {"goodwill"}),
            ("asker_sector", set()),
            ("owner_sector", set()),
            ("consent", set()),
            ("involvement", set()),
        ],
    )
    def test_allow_with_every_word_but_these(self, part: str, never: set[str]) -> None:
        met = {getattr(c.situation, part) for c in combinations() if c.verdict.allowed}
        assert set(DOMAINS[part]) - met == never

    def test_allow_another_organisation_under_every_power_basis_and_condition(self) -> None:
        shared = [c.situation for c in combinations() if c.verdict.allowed and c.situation.space == "another"]
        for name, part in (("powers", "power"), ("bases", "basis"), ("conditions", "condition")):
            assert set(column(name)) <= {getattr(situation, part) for situation in shared}

    def test_meet_every_agreement_where_only_it_decides(self) -> None:
        only = {"R8.silent", "R8.forbid"}
        met = Counter(
            c.situation.agreements[0]
            for c in combinations()
            if c.situation.space == "another" and len(c.situation.agreements) == 1 and set(c.verdict.refusing) <= only
        )
        assert [name for name in AGREEMENTS if not met[name]] == []

    def test_are_the_same_each_time(self) -> None:
        assert [wild(random.Random(3)) for _ in range(2)] == [wild(random.Random(3)) for _ in range(2)]
        assert verdict(PLAIN).allowed


class TestTables:
    def test_every_condition_speaks_of_something_observed(self) -> None:
        features: set[str] = set()
        for combination in combinations()[::50]:
            features |= observe(ask_of(combination.situation), facts_of(combination.situation)).keys()
        for row, conditions in compiled("requirements", "when"):
            for condition in conditions:
                assert {condition.feature, condition.other or condition.feature} <= features, row

    def test_every_condition_speaks_of_a_part_that_can_change(self) -> None:
        for known in requirements():
            assert all(parts_of(text) for text in known.when.split(";")), known.row

    def test_every_row_cites_its_authority_in_words(self) -> None:
        for known in requirements():
            assert known.cites, known.row
            assert known.words, known.row
            assert known.effect in {"allow", "refuse"}
            assert known.alone == "yes" or known.alone.startswith("no: ") or known.effect == "allow"
        assert len({known.row for known in requirements()}) == len(requirements())

    @pytest.mark.parametrize("name", ["purposes", "powers", "bases", "conditions", "confidences"])
    def test_no_word_stands_twice(self, name: str) -> None:
        assert len(set(column(name))) == len(column(name))

    def test_record_types_are_those_declared(self) -> None:
        assert set(column("record_types")) == set(record_types())

    def test_lists_name_only_declared_words(self) -> None:
        words = {
            "sectors": {sector.value for sector in Sector},
            "holders": {sector.value for sector in Sector},
            "purposes": {*column("purposes"), "any"},
            "modes": {mode.value for mode in Mode},
        }
        for name in ("roles", "powers", "record_types", "conditions"):
            for row in table(name):
                for heading in words.keys() & row.keys():
                    assert words_in(row[heading]) <= words[heading], row["name"]

    def test_consent_is_known_for_every_state_with_and_without_a_notice(self) -> None:
        stated = {(row["state"], row["notice"]) for row in table("consents")}
        assert stated == {(state.value, notice) for state in Consent for notice in ("yes", "no")}
        assert {state.value for state in Involvement} == set(DOMAINS["involvement"])
