"""Rules about child protection plans: their days, their conferences, and one plan at a time.

Source: the children in need census (Department for Education); Working Together to Safeguard Children 2023, for the
initial child protection conference at which a plan begins.
"""

from __future__ import annotations

from samechild.collection.records import Child, ProtectionPlan
from samechild.collection.rules.days import birthday
from samechild.collection.rules.examples import a_child, an_episode, enquiry, look, plan
from samechild.collection.rules.parts import born, each
from samechild.collection.rules.rule import At, Found, Grade, Rule, Unsure, rule

_PLANS = "social_care_episodes.child_protection_plans"


@rule(
    "CPP-01",
    on=ProtectionPlan,
    grade=Grade.ERROR,
    fields=("start_date",),
    message="Child protection plan has no start date",
    mend="Enter the day of the conference at which the plan was agreed.",
    analogue="CIN 8720",
    passes=[plan("2026-05-18")],
    fails=[plan(None)],
)
def _no_start(plan: ProtectionPlan, at: At) -> Found:
    return plan.start_date is None


@rule(
    "CPP-02",
    on=ProtectionPlan,
    grade=Grade.ERROR,
    fields=("start_date", "episode.referral_date"),
    message="Child protection plan starts before the referral",
    mend="Check both dates; if the plan belongs to an earlier episode, move it there.",
    analogue="CIN 1105",
    passes=[look(plan("2026-06-03"), referral_date="2026-06-03"), look(plan("2026-06-03"), referral_date=None)],
    fails=[look(plan("2026-06-02"), referral_date="2026-06-03")],
)
def _before_referral(plan: ProtectionPlan, at: At) -> Found:
    referred = at.episode and at.episode.referral_date
    return bool(plan.start_date and referred and plan.start_date < referred)


@rule(
    "CPP-03",
    on=ProtectionPlan,
    grade=Grade.ERROR,
    fields=("start_date", "end_date"),
    message="Child protection plan ends before it starts",
    mend="Check both dates and correct the wrong one.",
    analogue="CIN 8925",
    passes=[plan("2026-05-18", "2026-05-19"), plan("2026-05-18"), plan(None, "2026-05-19")],
    fails=[plan("2026-05-18", "2026-05-17")],
)
def _ends_before_start(plan: ProtectionPlan, at: At) -> Found:
    return bool(plan.start_date and plan.end_date and plan.end_date < plan.start_date)


@rule(
    "CPP-04",
    on=ProtectionPlan,
    grade=Grade.ERROR,
    fields=("start_date", "end_date"),
    message="Child protection plan starts and ends on the same day",
    mend="Correct the date that is wrong; if there never was a plan, delete it.",
    analogue="CIN 8840",
    passes=[plan("2026-05-18", "2026-05-19"), plan(None, None)],
    fails=[plan("2026-05-18", "2026-05-18")],
)
def _one_day(plan: ProtectionPlan, at: At) -> Found:
    return plan.start_date is not None and plan.start_date == plan.end_date


@rule(
    "CPP-05",
    on=Child,
    grade=Grade.ERROR,
    fields=(f"{_PLANS}.end_date",),
    message="More than one child protection plan is open",
    mend="Enter the end date of the plan that has ended, or delete the plan that was recorded twice.",
    analogue="CIN 8935",
    passes=[
        a_child(an_episode(plans=[plan("2025-02-03", "2025-06-02"), plan("2026-05-18")])),
        a_child(),
    ],
    fails=[
        a_child(an_episode(plans=[plan("2026-05-18"), plan("2026-05-20")])),
        a_child(
            an_episode("2025-02-03", "2025-09-01", "RC7", plans=[plan("2025-02-20")]),
            an_episode(plans=[plan("2026-05-18")]),
        ),
    ],
)
def _two_open(child: Child, at: At) -> Found:
    unended = [plan for plan, _ in each(child, "child_protection_plans") if plan.end_date is None]
    return [[(plan, "end_date") for plan in unended]] if len(unended) > 1 else False


@rule(
    "CPP-06",
    on=Child,
    grade=Grade.ERROR,
    fields=(f"{_PLANS}.start_date", f"{_PLANS}.end_date"),
    message="Child protection plans overlap",
    mend="A plan ends before the next one starts: correct the dates, or delete the plan that was recorded twice.",
    analogue="CIN 8940",
    passes=[
        a_child(an_episode("2024-05-01", plans=[plan("2024-05-20", "2024-10-25"), plan("2024-10-26", "2025-01-06")])),
        a_child(an_episode(plans=[plan("2026-05-18"), plan("2026-05-20")])),  # both open: CPP-05 says so
    ],
    fails=[
        a_child(an_episode("2024-05-01", plans=[plan("2024-05-20", "2024-10-25"), plan("2024-08-26", "2025-01-06")])),
        a_child(an_episode("2024-05-01", plans=[plan("2024-05-20", "2024-10-25"), plan("2024-10-25", "2025-01-06")])),
        a_child(an_episode("2024-05-01", plans=[plan("2024-05-20"), plan("2024-08-26", "2025-01-06")])),
    ],
)
def _overlap(child: Child, at: At) -> Found:
    plans = [plan for plan, _ in each(child, "child_protection_plans") if plan.start_date]
    plans.sort(key=lambda plan: plan.start_date)
    return [
        [(first, "end_date"), (second, "start_date")]
        for place, first in enumerate(plans)
        for second in plans[place + 1 :]
        if (second.start_date <= first.end_date if first.end_date else second.end_date)
    ]


@rule(
    "CPP-07",
    on=ProtectionPlan,
    grade=Grade.ERROR,
    fields=("start_date", "episode.section_47_assessments.icpc_date"),
    message="Child protection plan does not start on the day of a conference",
    mend="Check the start date of the plan and the date of the initial child protection conference: they are one day. "
    "A child who moved in on a plan has a transfer-in conference and no enquiry here: then nothing need change.",
    analogue="CIN 2885",
    passes=[
        look(plan("2026-05-18"), referral_date="2026-04-27", enquiries=[enquiry("2026-04-30", "2026-05-18")]),
        look(plan(None), enquiries=[enquiry("2026-06-03", "2026-06-08")]),
    ],
    fails=[
        look(plan("2026-05-19"), referral_date="2026-04-27", enquiries=[enquiry("2026-04-30", "2026-05-18")]),
        look(plan("2026-05-19"), referral_date="2026-04-27", enquiries=[enquiry("2026-04-30")]),
        look(plan("2026-05-19")),
    ],
)
def _no_conference(plan: ProtectionPlan, at: At) -> Found:
    enquiries = (at.episode and at.episode.section_47_assessments) or ()
    if plan.start_date is None or any(one.icpc_date == plan.start_date for one in enquiries):
        return False
    if not enquiries:  # transferred in: the conference of another authority is not sent
        return [Unsure([(plan, "start_date")])]
    return [[(plan, "start_date"), *((one, "icpc_date") for one in enquiries)]]


@rule(
    "CPP-08",
    on=ProtectionPlan,
    grade=Grade.QUERY,
    fields=("end_date", "details.date_of_birth"),
    message="Child protection plan goes on after the 18th birthday",
    mend="Enter the date the plan ended, on the 18th birthday at the latest; check the date of birth.",
    passes=[
        look(plan("2026-01-12"), date_of_birth="2008-06-10"),
        look(plan("2026-01-12", "2026-06-01"), date_of_birth="2008-06-01"),
        look(plan("2026-01-12"), date_of_birth=None),
    ],
    fails=[
        look(plan("2026-01-12"), date_of_birth="2008-06-09"),
        look(plan("2026-01-12", "2026-06-02"), date_of_birth="2008-06-01"),
        look(plan("2026-01-12", "2026-03-02"), date_of_birth="2008-02-29"),
    ],
)
def _adult(plan: ProtectionPlan, at: At) -> Found:
    birth = born(at.child)
    return birth is not None and (plan.end_date or at.today) > birthday(birth, 18)


@rule(
    "CPP-09",
    on=ProtectionPlan,
    grade=Grade.INFO,
    fields=("start_date",),
    message="Child protection plan has been open for two years or more",
    mend="Nothing is wrong with the record. Check that the plan is still open; if it ended, enter the date.",
    passes=[
        look(plan("2024-06-11"), date_of_birth="2015-05-20"),
        look(plan("2024-01-10", "2026-06-01")),
    ],
    fails=[look(plan("2024-06-10")), look(plan("2020-02-29"))],
)
def _two_years(plan: ProtectionPlan, at: At) -> Found:
    unended = plan.start_date is not None and plan.end_date is None
    return unended and plan.start_date is not None and birthday(plan.start_date, 2) <= at.today


RULES: tuple[Rule, ...] = (
    _no_start,
    _before_referral,
    _ends_before_start,
    _one_day,
    _two_open,
    _overlap,
    _no_conference,
    _adult,
    _two_years,
)
