"""A town's records traced with its own national register: nobody gets another child's number."""

from __future__ import annotations

import random

from bench.tracing import UNDECIDABLE, a_client, cases, chosen, measured, run, samechild_policy, tables


def test_no_wrong_number_is_taken_in_a_small_town() -> None:
    found, nation = cases(250, seed=20_601, harder=True)
    client = a_client(nation, random.Random(1).randbytes)
    judged = [(case, samechild_policy(client, case.subject)) for case in found]
    wrong = [case for case, taken in judged if taken.number and taken.number != case.number]
    assert not [case.kinds for case in wrong if UNDECIDABLE not in case.kinds]
    row = measured("samechild", "any", judged)
    assert row.right.share is not None
    assert row.right.share > 0.85
    assert row.queries < 2.5
    assert row.most_queries <= 12


def test_the_benchmark_runs_every_policy_on_every_kind() -> None:
    outcome = run(250, 20_602, False, 40, 5)
    policies = {row.policy for row in outcome.rows if row.kind == "any"}
    assert policies == {"samechild", "Mavis", "SUI", "samechild, number given"}
    (shown,) = tables(outcome)
    assert len(shown.rows) == len(outcome.rows)
    assert all(len(row) == len(shown.headings) for row in shown.rows)


def test_a_sample_holds_no_record_twice() -> None:
    found, _ = cases(200, seed=20_603, harder=False)
    for sample in chosen(found, 50, 20, random.Random(2)).values():
        assert len({id(case) for case in sample}) == len(sample)
