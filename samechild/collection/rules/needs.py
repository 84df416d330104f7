"""Rules about child in need plans (Children Act 1989, section 17): CNP."""

from __future__ import annotations

from collections.abc import Iterator

from samechild.collection.records import Child, NeedPlan, ProtectionPlan
from samechild.collection.rules.examples import a_child, an_episode, look, need_plan, plan
from samechild.collection.rules.parts import each
from samechild.collection.rules.rule import At, Cell, Grade, Rule, rule
from samechild.collection.rules.spans import Span, overlap, overlapping


@rule(
    "CNP-01",
    on=NeedPlan,
    grade=Grade.ERROR,
    fields=("start_date",),
    analogue="CIN 4010",
    message="A child in need plan has no start date",
    mend="Enter the day on which the plan started.",
    passes=[need_plan("2026-06-03")],
    fails=[need_plan(None), need_plan(None, "2026-06-03")],
)
def start_missing(it: NeedPlan, at: At) -> bool:
    """A plan without a first day."""
    return it.start_date is None


@rule(
    "CNP-02",
    on=NeedPlan,
    grade=Grade.ERROR,
    fields=("start_date", "episode.referral_date"),
    analogue="CIN 4015",
    message="A child in need plan starts before the referral",
    mend="Correct the start of the plan or the referral date; one of an earlier case belongs to that episode.",
    passes=[
        look(need_plan(None), referral_date="2026-06-03"),
        look(need_plan("2026-06-03"), referral_date="2026-06-03"),
        look(need_plan("2026-06-03"), referral_date=None),
    ],
    fails=[look(need_plan("2026-06-02"), referral_date="2026-06-03")],
)
def before_referral(it: NeedPlan, at: At) -> bool:
    """A plan that precedes the referral of its episode."""
    referred = at.episode.referral_date if at.episode else None
    return it.start_date is not None and referred is not None and it.start_date < referred


@rule(
    "CNP-03",
    on=NeedPlan,
    grade=Grade.ERROR,
    fields=("start_date", "end_date"),
    analogue="CIN 4011",
    message="A child in need plan ends before it starts",
    mend="Correct the start or the end of the plan.",
    passes=[need_plan("2025-09-01", "2025-09-01"), need_plan("2025-09-01"), need_plan(None, "2025-09-01")],
    fails=[need_plan("2025-09-01", "2025-08-31")],
)
def ends_before_start(it: NeedPlan, at: At) -> bool:
    """A plan whose end lies before its start."""
    return it.start_date is not None and it.end_date is not None and it.end_date < it.start_date


@rule(
    "CNP-04",
    on=NeedPlan,
    grade=Grade.QUERY,
    fields=("start_date", "end_date"),
    analogue="CIN 4012Q",
    message="A child in need plan started and ended on the same day",
    mend="Check both dates; if the plan was recorded by mistake, erase it.",
    passes=[need_plan("2025-09-01", "2025-09-02"), need_plan(None, None)],
    fails=[need_plan("2025-09-01", "2025-09-01")],
)
def one_day(it: NeedPlan, at: At) -> bool:
    """A plan of no length."""
    return it.start_date is not None and it.start_date == it.end_date


@rule(
    "CNP-05",
    on=Child,
    grade=Grade.ERROR,
    fields=("social_care_episodes.child_in_need_plans.end_date",),
    analogue="CIN 4004",
    message="More than one child in need plan is open",
    mend="Enter the end of each plan that is over; a child has one plan at a time.",
    passes=[a_child(an_episode(need_plans=[need_plan("2025-09-01", "2026-01-05"), need_plan("2026-01-05")]))],
    fails=[
        a_child(an_episode(need_plans=[need_plan("2025-09-01"), need_plan("2026-01-05")])),
        a_child(
            an_episode("2025-08-20", need_plans=[need_plan("2025-09-01")]),
            an_episode("2026-01-04", need_plans=[need_plan("2026-01-05")]),
        ),
    ],
)
def several_open(it: Child, at: At) -> list[list[Cell]]:
    """Plans of one child, in whatever episode, that have no end."""
    opened: list[Cell] = [(held, "end_date") for held, _ in each(it, "child_in_need_plans") if held.end_date is None]
    return [opened] if len(opened) > 1 else []


@rule(
    "CNP-06",
    on=Child,
    grade=Grade.ERROR,
    fields=(
        "social_care_episodes.child_in_need_plans.start_date",
        "social_care_episodes.child_in_need_plans.end_date",
    ),
    analogue="CIN 4014",
    message="Two child in need plans run at the same time",
    mend="Correct the dates so that one plan ends before the next begins; the same day will do.",
    passes=[
        a_child(an_episode(need_plans=[need_plan("2025-09-01", "2026-01-05"), need_plan("2026-01-05", "2026-02-01")])),
        a_child(an_episode(need_plans=[need_plan("2025-09-01"), need_plan("2026-01-05")])),
    ],
    fails=[
        a_child(an_episode(need_plans=[need_plan("2025-09-01", "2026-01-06"), need_plan("2026-01-05")])),
        a_child(an_episode(need_plans=[need_plan("2025-09-01"), need_plan("2026-01-05", "2026-02-01")])),
    ],
)
def plans_overlap(it: Child, at: At) -> Iterator[list[Cell]]:
    """Plans that share a day; two that are both open are left to CNP-05."""
    for earlier, later in overlapping(_spans(it)):
        if earlier.end_date or later.end_date:
            yield [(earlier, "end_date"), (later, "start_date")]


@rule(
    "CNP-07",
    on=Child,
    grade=Grade.ERROR,
    fields=(
        "social_care_episodes.child_in_need_plans.start_date",
        "social_care_episodes.child_in_need_plans.end_date",
        "social_care_episodes.child_protection_plans.start_date",
        "social_care_episodes.child_protection_plans.end_date",
    ),
    analogue="CIN 4001, 4016, 4017",
    message="A child in need plan and a child protection plan run at the same time",
    mend="End the child in need plan on the day the child protection plan starts, or the other way round.",
    passes=[
        a_child(an_episode(need_plans=[need_plan("2025-09-01", "2026-01-05")], plans=[plan("2026-01-05")])),
        a_child(an_episode(need_plans=[need_plan("2026-03-02")], plans=[plan("2026-01-05", "2026-03-02")])),
    ],
    fails=[
        a_child(an_episode(need_plans=[need_plan("2025-09-01")], plans=[plan("2026-01-05")])),
        a_child(an_episode(need_plans=[need_plan("2025-09-01", "2026-01-06")], plans=[plan("2026-01-05")])),
    ],
)
def both_kinds_of_plan(it: Child, at: At) -> Iterator[list[Cell]]:
    """A child in need plan and a child protection plan that share a day, in whatever episodes."""
    protecting: list[Span[ProtectionPlan]] = [
        (held.start_date, held.end_date, held) for held, _ in each(it, "child_protection_plans") if held.start_date
    ]
    for need in _spans(it):
        for protection in protecting:
            if overlap((need[0], need[1], None), (protection[0], protection[1], None)):
                yield [
                    (need[2], "start_date"),
                    (need[2], "end_date"),
                    (protection[2], "start_date"),
                    (protection[2], "end_date"),
                ]


def _spans(child: Child) -> list[Span[NeedPlan]]:
    return [(held.start_date, held.end_date, held) for held, _ in each(child, "child_in_need_plans") if held.start_date]


RULES: tuple[Rule, ...] = (
    start_missing,
    before_referral,
    ends_before_start,
    one_day,
    several_open,
    plans_overlap,
    both_kinds_of_plan,
)
