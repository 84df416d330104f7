"""Rules about unaccompanied asylum-seeking children: CHD-27 to 30."""

from __future__ import annotations

from samechild.collection.records import Details
from samechild.collection.rules.days import birthday
from samechild.collection.rules.examples import details, look, placement
from samechild.collection.rules.parts import each
from samechild.collection.rules.rule import At, Grade, Rule, rule


@rule(
    "CHD-27",
    on=Details,
    grade=Grade.ERROR,
    fields=("uasc_flag", "uasc_end_date"),
    analogue="903 303",
    message="There is a day on which asylum-seeking status ended, and the child is not marked as unaccompanied",
    mend="Set the flag, or take the end date away.",
    passes=[details(uasc_flag=True, uasc_end_date="2026-05-20"), details(uasc_flag=False), details()],
    fails=[details(uasc_flag=False, uasc_end_date="2026-05-20"), details(uasc_end_date="2026-05-20")],
)
def status_ends_without_flag(it: Details, at: At) -> bool:
    """An end of what never was."""
    return it.uasc_end_date is not None and it.uasc_flag is not True


@rule(
    "CHD-28",
    on=Details,
    grade=Grade.ERROR,
    fields=("uasc_end_date", "date_of_birth"),
    analogue="903 304",
    message="Unaccompanied asylum-seeking status ends after the 18th birthday",
    mend="Enter the 18th birthday or the earlier day on which the status ended; check the date of birth.",
    passes=[
        details(),
        details(date_of_birth=None, uasc_flag=True, uasc_end_date="2026-03-01"),
        details(date_of_birth="2008-02-29", uasc_flag=True, uasc_end_date="2026-03-01"),
    ],
    fails=[details(date_of_birth="2008-02-29", uasc_flag=True, uasc_end_date="2026-03-02")],
)
def status_ends_late(it: Details, at: At) -> bool:
    """The status belongs to children."""
    ended, born = it.uasc_end_date, it.date_of_birth
    return ended is not None and born is not None and ended > birthday(born, 18)


@rule(
    "CHD-29",
    on=Details,
    grade=Grade.ERROR,
    fields=("uasc_end_date", "date_of_birth"),
    analogue="903 104",
    message="The day on which asylum-seeking status ended is before the birth or in the future",
    mend="Correct the end date; leave it out while the status lasts.",
    passes=[
        details(uasc_flag=True, uasc_end_date="2015-05-20"),
        details(date_of_birth=None, uasc_flag=True, uasc_end_date="2015-05-20"),
        details(uasc_flag=True, uasc_end_date="2026-06-10"),
        details(uasc_flag=True),
    ],
    fails=[
        details(uasc_flag=True, uasc_end_date="2026-06-11"),
        details(date_of_birth="2015-05-20", uasc_flag=True, uasc_end_date="2015-05-19"),
    ],
)
def status_end_impossible(it: Details, at: At) -> bool:
    """An end that cannot have happened."""
    ended, born = it.uasc_end_date, it.date_of_birth
    return ended is not None and (ended > at.today or (born is not None and ended < born))


@rule(
    "CHD-30",
    on=Details,
    grade=Grade.QUERY,
    fields=("uasc_flag",),
    message="An unaccompanied asylum-seeking child has never been looked after",
    mend="Check the flag, and whether the placements were sent.",
    passes=[
        look(details(uasc_flag=True), placements=[placement("2026-06-03")]),
        details(uasc_flag=True, uasc_end_date="2026-05-20"),
        details(uasc_flag=False),
    ],
    fails=[details(uasc_flag=True)],
)
def alone_and_not_in_care(it: Details, at: At) -> bool:
    """A child who is alone in the country is normally accommodated (Children Act 1989, section 20)."""
    alone = it.uasc_flag is True and it.uasc_end_date is None
    return alone and not each(at.child, "child_looked_after_placements")


RULES: tuple[Rule, ...] = (
    status_ends_without_flag,
    status_ends_late,
    status_end_impossible,
    alone_and_not_in_care,
)
