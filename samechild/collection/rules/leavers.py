"""Rules about care leavers: the latest contact, what they do and where they live.

Extracts copy a young person's latest contact into every episode, so each is looked at once. Source: the looked-after
return (SSDA903), Department for Education; Children Act 1989, sections 23A to 24D.
"""

from __future__ import annotations

from samechild.collection.records import CareLeaver, Child
from samechild.collection.rules.care import in_order, is_first_copy, leavers, looked_after_on
from samechild.collection.rules.codes import accepted
from samechild.collection.rules.days import age_on, birthday
from samechild.collection.rules.examples import a_child, an_episode, leaver, look, placement
from samechild.collection.rules.parts import born
from samechild.collection.rules.rule import At, Found, Grade, Rule, rule

_LEAVERS = "social_care_episodes.care_leavers"
_PLACEMENTS = "social_care_episodes.child_looked_after_placements"
_ENDED_FOR_GOOD = ("E2", "E3")


def _age(thing: CareLeaver, at: At) -> int | None:
    """How old the young person was at the contact; None when that is not known."""
    birth = born(at.child)
    return age_on(birth, thing.contact_date) if birth and thing.contact_date else None


@rule(
    "CLV-01",
    on=CareLeaver,
    grade=Grade.QUERY,
    fields=("contact_date", "activity", "accommodation"),
    message="Only part of the latest contact with a care leaver is there",
    mend="Enter the date of the contact, the activity and the accommodation together.",
    analogue="903 153",
    passes=[leaver(), leaver(None, None, None)],
    fails=[leaver(None), leaver(activity=None), leaver(accommodation=None)],
)
def _partly(thing: CareLeaver, at: At) -> Found:
    held = [each is not None for each in (thing.contact_date, thing.activity, thing.accommodation)]
    return any(held) and not all(held) and is_first_copy(thing, at.child)


@rule(
    "CLV-02",
    on=CareLeaver,
    grade=Grade.ERROR,
    fields=("activity",),
    message="The care leaver's activity is not on the list",
    mend="Choose the activity from the list of the looked-after return, such as F2 or G5.",
    analogue="903 132",
    passes=[leaver(activity=code) for code in ("F2", "G6", "F3", None)],
    fails=[leaver(activity=code) for code in ("F6", "f2", "")],
)
def _activity(thing: CareLeaver, at: At) -> Found:
    wrong = thing.activity is not None and thing.activity not in accepted("care_leaver_activity")
    return wrong and is_first_copy(thing, at.child)


@rule(
    "CLV-03",
    on=CareLeaver,
    grade=Grade.ERROR,
    fields=("accommodation",),
    message="The care leaver's accommodation is not on the list",
    mend="Choose the accommodation from the list of the looked-after return: the letter alone, such as U.",
    analogue="903 133",
    passes=[leaver(accommodation=code) for code in ("U", "Z", None)],
    fails=[leaver(accommodation=code) for code in ("A", "u", "1")],
)
def _accommodation(thing: CareLeaver, at: At) -> Found:
    wrong = thing.accommodation is not None and thing.accommodation not in accepted("care_leaver_accommodation")
    return wrong and is_first_copy(thing, at.child)


@rule(
    "CLV-04",
    on=CareLeaver,
    grade=Grade.ERROR,
    fields=("contact_date", "details.date_of_birth"),
    message="Care leaver is younger than 16 or older than 25",
    mend="Check the date of the contact and the date of birth; if this is no care leaver, take the section away.",
    analogue="903 391",
    passes=[
        look(leaver("2026-05-04"), date_of_birth="2010-05-04"),
        look(leaver("2026-05-04"), date_of_birth="2000-05-05"),
        look(leaver("2026-05-04"), date_of_birth=None),
    ],
    fails=[
        look(leaver("2026-05-04"), date_of_birth="2010-05-05"),
        look(leaver("2026-05-04"), date_of_birth="2000-05-04"),
        look(leaver("2026-02-28"), date_of_birth="2012-02-29"),
    ],
)
def _age_of_leaver(thing: CareLeaver, at: At) -> Found:
    age = _age(thing, at)
    return age is not None and not 16 <= age <= 25 and is_first_copy(thing, at.child)


@rule(
    "CLV-05",
    on=CareLeaver,
    grade=Grade.ERROR,
    fields=("accommodation", "contact_date", "details.date_of_birth"),
    message="Foyer (T) before the age of 18",
    mend="Check the accommodation, the date of the contact and the date of birth.",
    analogue="903 347",
    passes=[
        look(leaver("2026-05-04", accommodation="T"), date_of_birth="2008-05-04"),
        look(leaver("2026-05-04", accommodation="U"), date_of_birth="2008-05-05"),
    ],
    fails=[look(leaver("2026-05-04", accommodation="T"), date_of_birth="2008-05-05")],
)
def _foyer(thing: CareLeaver, at: At) -> Found:
    age = _age(thing, at)
    return thing.accommodation == "T" and age is not None and age < 18 and is_first_copy(thing, at.child)


@rule(
    "CLV-06",
    on=CareLeaver,
    grade=Grade.ERROR,
    fields=("accommodation", "contact_date", "details.date_of_birth"),
    message="With former foster carers (Z) before the age of 18",
    mend="Check the accommodation, the date of the contact and the date of birth: carers are former ones from 18.",
    analogue="903 3001",
    passes=[look(leaver("2026-05-04", accommodation="Z"), date_of_birth="2008-05-04")],
    fails=[look(leaver("2026-05-04", accommodation="Z"), date_of_birth="2008-05-05")],
)
def _former_carers(thing: CareLeaver, at: At) -> Found:
    age = _age(thing, at)
    return thing.accommodation == "Z" and age is not None and age < 18 and is_first_copy(thing, at.child)


@rule(
    "CLV-07",
    on=Child,
    grade=Grade.ERROR,
    fields=(f"{_LEAVERS}.contact_date", f"{_PLACEMENTS}.start_date", f"{_PLACEMENTS}.end_date"),
    message="Care leaver who is still looked after",
    mend="Check the date of the contact and the end of the placement: under 18 it is one or the other.",
    analogue="903 1007",
    passes=[
        a_child(
            an_episode("2020-01-06", placements=[placement("2025-02-03", "2026-05-04", "E4A")], leaver=leaver()),
            date_of_birth="2009-05-20",
        ),
        a_child(
            an_episode("2020-01-06", placements=[placement("2025-02-03", placement_type="K2")], leaver=leaver()),
            date_of_birth="2008-05-04",
        ),
    ],
    fails=[
        a_child(
            an_episode("2020-01-06", placements=[placement("2025-02-03", "2026-05-05", "E4A")], leaver=leaver()),
            date_of_birth="2009-05-20",
        ),
        a_child(
            an_episode("2020-01-06", placements=[placement("2026-05-04")], leaver=leaver()),
            date_of_birth="2009-05-20",
        ),
    ],
)
def _still_looked_after(child: Child, at: At) -> Found:
    birth = born(child)
    held = [each for each in leavers(child) if each.contact_date]
    if birth is None or not held:
        return False
    return [
        [(each, "contact_date"), (placement, "start_date"), (placement, "end_date")]
        for each in held
        if each.contact_date and each.contact_date < birthday(birth, 18)
        for placement in in_order(child)
        if looked_after_on(placement, each.contact_date)
    ]


@rule(
    "CLV-08",
    on=CareLeaver,
    grade=Grade.QUERY,
    fields=("contact_date",),
    message="Care leaver of whom no placement was ever sent",
    mend="Send the placements, or take the care leaver section away. If care ended before the history window, nothing "
    "need change.",
    analogue="903 1002",
    passes=[look(leaver(), placements=[placement("2025-02-03", "2026-05-04", "E4A")])],
    fails=[leaver()],
)
def _no_placement(thing: CareLeaver, at: At) -> Found:
    return not in_order(at.child) and is_first_copy(thing, at.child)


@rule(
    "CLV-09",
    on=Child,
    grade=Grade.ERROR,
    fields=(_LEAVERS, f"{_PLACEMENTS}.end_reason"),
    message="Care leaver who died in care or was taken over by another authority",
    mend="Check the reason of the last placement's end (E2, E3); if it is right, take the care leaver section away.",
    analogue="903 1000, 1011",
    passes=[
        a_child(an_episode("2020-01-06", placements=[placement("2025-02-03", "2026-05-04", "E4A")], leaver=leaver())),
        a_child(
            an_episode(
                "2020-01-06",
                placements=[placement("2024-02-05", "2024-05-06", "E3"), placement("2025-02-03", "2026-05-04", "E5")],
                leaver=leaver(),
            )
        ),
    ],
    fails=[
        a_child(an_episode("2020-01-06", placements=[placement("2025-02-03", "2026-05-04", code)], leaver=leaver()))
        for code in _ENDED_FOR_GOOD
    ],
)
def _gone(child: Child, at: At) -> Found:
    held = leavers(child)
    last = in_order(child)[-1:] if held else []
    return [
        [(each, "contact_date"), (placement, "end_reason")]
        for each in held
        for placement in last
        if placement.end_reason in _ENDED_FOR_GOOD
    ]


@rule(
    "CLV-10",
    on=CareLeaver,
    grade=Grade.QUERY,
    fields=("contact_date",),
    message="The latest contact with a care leaver is more than a year old",
    mend="Enter the latest contact. If the young person no longer wants or needs one, close the case.",
    passes=[leaver("2025-06-10"), leaver(None)],
    fails=[leaver("2025-06-09")],
)
def _old_contact(thing: CareLeaver, at: At) -> Found:
    old = thing.contact_date is not None and birthday(thing.contact_date, 1) < at.today
    return old and is_first_copy(thing, at.child)


RULES: tuple[Rule, ...] = (
    _partly,
    _activity,
    _accommodation,
    _age_of_leaver,
    _foyer,
    _former_carers,
    _still_looked_after,
    _no_placement,
    _gone,
    _old_contact,
)
