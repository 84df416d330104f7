"""Whatever a council sends, no rule of ours fails, and every place that a problem names is in the child's record."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from samechild.collection.check import check
from samechild.collection.paths import at_path
from samechild.collection.records import (
    Adoption,
    Assessment,
    CareLeaver,
    CareWorker,
    Child,
    Details,
    Enquiry,
    Episode,
    NeedPlan,
    Placement,
    ProtectionPlan,
    SdqAssessment,
    Wellbeing,
    declared,
)
from samechild.collection.rules.catalogue import BROKEN, by_code
from samechild.collection.rules.codes import accepted
from samechild.collection.rules.parts import dated
from samechild.collection.rules.rule import At

TODAY = date(2026, 6, 10)
DAY = st.sampled_from(
    [date(1, 1, 1), date(9999, 12, 31), date(2012, 2, 29), date(2025, 2, 28), TODAY, date(2026, 6, 11)]
    + [date(2026, month, day) for month in (1, 3, 5) for day in (1, 2, 31)]
) | st.dates(date(2008, 1, 1), date(2026, 12, 31))
TEXT = st.sampled_from(["", " ", "X", "SSD_PH", "N/A", "0", "Ł", "X000123418007", "LS1 4AP"]) | st.text(max_size=13)
CODED = {"upn_check"}


def _value(kind: type, name: str) -> st.SearchStrategy[Any]:
    """Anything that the declared type of a field takes, and often what it should be."""
    field = declared(kind)[name]
    if name in dated(kind):
        return st.none() | DAY
    if name in ("factors", "disabilities"):
        codes = st.sampled_from(sorted(accepted(field.codes))) | TEXT
        return st.none() | st.lists(codes, max_size=4).map(tuple)
    if name.endswith("_flag"):
        return st.sampled_from([None, True, False])
    if name == "worker_id":
        return st.sampled_from([None, "", "SSD_PH", "SW1", "SW2"])
    if name == "score":
        return st.none() | st.integers(-5, 60)
    if field.codes and field.codes not in CODED:
        return st.none() | st.sampled_from(sorted(accepted(field.codes))) | TEXT
    return st.none() | TEXT


def _things(kind: type, key: str = "", letter: str = "", **parts: Any) -> st.SearchStrategy[Any]:
    names = [name for name in declared(kind) if name not in (*parts, key, "purge")]
    fields = {name: _value(kind, name) for name in names}
    return st.builds(kind, **fields, **parts, **({key: st.just(letter)} if key else {}))


def _listed(kind: type, key: str, letter: str) -> st.SearchStrategy[Any]:
    """Up to three items with ids of their own."""
    each = [_things(kind, key, f"{letter}{number}") for number in range(3)]
    return st.none() | st.integers(0, 3).flatmap(lambda count: st.tuples(*each[:count]))


def _episode(number: int) -> st.SearchStrategy[Episode]:
    workers = st.lists(_things(CareWorker), max_size=3, unique_by=lambda held: (held.worker_id, held.start_date))
    return _things(
        Episode,
        "social_care_episode_id",
        f"E{number}",
        care_worker_details=st.none() | workers.map(tuple),
        child_and_family_assessments=_listed(Assessment, "child_and_family_assessment_id", "A"),
        child_in_need_plans=_listed(NeedPlan, "child_in_need_plan_id", "N"),
        section_47_assessments=_listed(Enquiry, "section_47_assessment_id", "Q"),
        child_protection_plans=_listed(ProtectionPlan, "child_protection_plan_id", "P"),
        child_looked_after_placements=_listed(Placement, "child_looked_after_placement_id", "L"),
        adoption=st.none() | _things(Adoption),
        care_leavers=st.none() | _things(CareLeaver),
    )


CHILD = st.builds(
    Child,
    la_child_id=st.just("C1"),
    child_details=st.none() | _things(Details),
    health_and_wellbeing=st.none()
    | st.builds(Wellbeing, sdq_assessments=st.none() | st.lists(_things(SdqAssessment), max_size=3).map(tuple)),
    social_care_episodes=st.none() | st.tuples(_episode(0)) | st.tuples(_episode(0), _episode(1)),
)


@settings(max_examples=150, deadline=None)
@example(child=Child(la_child_id="C1"), before=None, shared=frozenset(), far=None)
@given(
    child=CHILD,
    before=st.none() | CHILD,
    shared=st.frozensets(st.sampled_from(["upn", "name and birth"])),
    far=st.sampled_from([None, 0.0, 400.0]),
)
def test_no_rule_fails_and_every_place_is_there(
    child: Child, before: Child | None, shared: frozenset[str], far: float | None
) -> None:
    at = At(
        child=child,
        today=TODAY,
        window=date(2024, 4, 1),
        before=before,
        shared=shared,
        miles=lambda one, other: far,
    )
    for problem in check(at):
        assert problem.rule != BROKEN.code, problem.places
        assert problem.places or not by_code()[problem.rule].fields
        for place in problem.places:
            _assert_there(child, place)


def _assert_there(child: Child, place: str) -> None:
    """The thing that a cell stands in is in the record, unless the record has no details at all."""
    thing, _, field = place.rpartition("/")
    if place.startswith("child_details") and child.child_details is None:
        return
    found = at_path(child, thing)
    assert found is not None, place
    kind: type = type(found)
    assert field in declared(kind)
