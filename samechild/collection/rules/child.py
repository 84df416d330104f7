"""Rules about who the child is: birth, sex, ethnicity, disability, home, names: CHD-01 to 12, 25, 26 and 31."""

from __future__ import annotations

from datetime import timedelta

from samechild.collection.records import Details
from samechild.collection.rules.care import looked_after_on
from samechild.collection.rules.codes import accepted, codes
from samechild.collection.rules.days import age_on
from samechild.collection.rules.examples import details, look, placement
from samechild.collection.rules.parts import each, episodes
from samechild.collection.rules.rule import At, Cell, Grade, Rule, rule
from samechild.identifiers import postcode
from samechild.identifiers.kinds import Kind

GESTATION = timedelta(days=280)
LATE = timedelta(days=28)
"""So long after the due date a birth is expected to have been recorded."""
TOO_OLD = 26
LONG_OPEN = timedelta(days=90)


def is_unborn(it: Details) -> bool:
    """Whether a child is known by a due date only."""
    return it.date_of_birth is None and it.expected_date_of_birth is not None


@rule(
    "CHD-01",
    on=Details,
    grade=Grade.ERROR,
    fields=("date_of_birth", "expected_date_of_birth"),
    analogue="CIN 8525Q",
    message="Neither a date of birth nor an expected date of birth is given",
    mend="Enter the date of birth; for an unborn child enter the expected date of birth.",
    passes=[details(), details(date_of_birth=None, expected_date_of_birth="2026-08-01", sex="U")],
    fails=[details(date_of_birth=None)],
)
def birth_missing(it: Details, at: At) -> bool:
    """Neither the one nor the other day."""
    return it.date_of_birth is None and it.expected_date_of_birth is None


@rule(
    "CHD-02",
    on=Details,
    grade=Grade.QUERY,
    fields=("date_of_birth", "expected_date_of_birth"),
    analogue="CIN 8525Q",
    message="Both a date of birth and an expected date of birth are given",
    mend="Take the expected date of birth away once the child is born.",
    passes=[details(), details(date_of_birth=None, expected_date_of_birth="2026-08-01")],
    fails=[details(date_of_birth="2026-05-20", expected_date_of_birth="2026-05-28")],
)
def born_and_expected(it: Details, at: At) -> bool:
    """Both days."""
    return it.date_of_birth is not None and it.expected_date_of_birth is not None


@rule(
    "CHD-03",
    on=Details,
    grade=Grade.ERROR,
    fields=("date_of_birth",),
    analogue="CIN 8520; 903 301",
    message="The date of birth is in the future",
    mend="Correct the date of birth; for an unborn child enter it as the expected date of birth.",
    passes=[details(date_of_birth=None), look(details(date_of_birth="2026-06-10"), today="2026-06-10")],
    fails=[look(details(date_of_birth="2026-06-11"), today="2026-06-10")],
)
def born_tomorrow(it: Details, at: At) -> bool:
    """A birth after the day of receipt."""
    return it.date_of_birth is not None and it.date_of_birth > at.today


@rule(
    "CHD-04",
    on=Details,
    grade=Grade.QUERY,
    fields=("expected_date_of_birth",),
    analogue="CIN 8530Q",
    message="The expected date of birth is more than 40 weeks ahead or more than 28 days past",
    mend="Check the expected date of birth; if the child has been born, enter the date of birth.",
    passes=[
        details(date_of_birth=None),
        look(details(date_of_birth=None, expected_date_of_birth="2027-03-17"), today="2026-06-10"),  # 280 days
        look(details(date_of_birth=None, expected_date_of_birth="2026-05-13"), today="2026-06-10"),  # 28 days past
        details(expected_date_of_birth="2015-05-01"),
    ],
    fails=[
        look(details(date_of_birth=None, expected_date_of_birth="2027-03-18"), today="2026-06-10"),
        look(details(date_of_birth=None, expected_date_of_birth="2026-05-12"), today="2026-06-10"),
    ],
)
def due_date_unlikely(it: Details, at: At) -> bool:
    """An unborn child's due date that cannot well be one."""
    due = it.expected_date_of_birth
    return it.date_of_birth is None and due is not None and not at.today - LATE <= due <= at.today + GESTATION


@rule(
    "CHD-05",
    on=Details,
    grade=Grade.QUERY,
    fields=("date_of_birth",),
    analogue="CIN 8775Q; 903 351",
    message="The child was already 26 or older when the history window began",
    mend="Check the date of birth; a person of that age is not expected in the data.",
    passes=[details(date_of_birth=None), look(details(date_of_birth="1998-04-02"), today="2026-06-10")],
    fails=[look(details(date_of_birth="1998-04-01"), today="2026-06-10")],
)
def too_old(it: Details, at: At) -> bool:
    """Nobody of that age has services as a child or care leaver."""
    return it.date_of_birth is not None and age_on(it.date_of_birth, at.window) >= TOO_OLD


@rule(
    "CHD-06",
    on=Details,
    grade=Grade.ERROR,
    fields=("sex",),
    analogue="CIN 4180; 903 101",
    message="Sex is missing or is not M, F or U",
    mend="Enter M, F, or U where it is not known.",
    passes=[details(sex="M"), details(sex="U")],
    fails=[details(sex=None), details(sex="1"), details(sex="f")],
)
def sex_unknown_code(it: Details, at: At) -> bool:
    """Sex left out, or a code of an older return."""
    return it.sex not in codes("sex")


@rule(
    "CHD-07",
    on=Details,
    grade=Grade.ERROR,
    fields=("sex", "expected_date_of_birth"),
    analogue="CIN 8750",
    message="An unborn child has a sex other than U",
    mend="Enter U until the child is born; if the child has been born, enter the date of birth.",
    passes=[
        details(expected_date_of_birth="2015-05-12"),
        details(date_of_birth=None),
        details(date_of_birth=None, expected_date_of_birth="2026-08-01", sex="U"),
        details(sex="M"),
    ],
    fails=[details(date_of_birth=None, expected_date_of_birth="2026-08-01", sex="F")],
)
def unborn_with_sex(it: Details, at: At) -> bool:
    """Sex is recorded at birth."""
    return is_unborn(it) and it.sex != "U"


@rule(
    "CHD-08",
    on=Details,
    grade=Grade.QUERY,
    fields=("sex", "date_of_birth"),
    analogue="CIN 2886Q",
    message="The child has been born and the sex is still U",
    mend="Enter M or F if it is known.",
    passes=[details(), details(date_of_birth=None, expected_date_of_birth="2026-08-01", sex="U")],
    fails=[details(sex="U")],
)
def sex_not_known(it: Details, at: At) -> bool:
    """Unknown sex of a born child."""
    return it.date_of_birth is not None and it.sex == "U"


@rule(
    "CHD-09",
    on=Details,
    grade=Grade.ERROR,
    fields=("ethnicity",),
    analogue="CIN 4220; 903 103",
    message="Ethnicity is missing or is not one of the code list",
    mend="Enter an ethnicity code; NOBT where it has not been obtained, REFU where it was refused.",
    passes=[
        details(ethnicity="MWBA"),
        details(date_of_birth=None, expected_date_of_birth="2026-08-01", ethnicity=None),
    ],
    fails=[
        details(expected_date_of_birth="2015-05-12", ethnicity=None),
        details(date_of_birth=None, ethnicity=None),
        details(ethnicity=None),
        details(ethnicity="XXXX"),
    ],
)
def ethnicity_unknown_code(it: Details, at: At) -> bool:
    """Ethnicity left out or not of the list; an unborn child has none yet."""
    return it.ethnicity not in codes("ethnicity") and not is_unborn(it)


@rule(
    "CHD-10",
    on=Details,
    grade=Grade.QUERY,
    fields=("ethnicity", "social_care_episodes.referral_date"),
    message="Ethnicity has still not been obtained on a case that has been open for more than 90 days",
    mend="Ask the worker to obtain it; enter REFU where it was refused.",
    passes=[
        look(details(ethnicity="NOBT"), referral_date="2025-03-12", referral_no_further_action_flag=True),
        look(details(ethnicity="NOBT"), referral_date=None),
        look(details(ethnicity="NOBT"), referral_date="2026-03-12"),  # 90 days
        look(details(ethnicity="NOBT"), referral_date="2025-03-12", closure_date="2026-05-01", closure_reason="RC7"),
        look(details(ethnicity="REFU"), referral_date="2025-03-12"),
    ],
    fails=[look(details(ethnicity="NOBT"), referral_date="2026-03-11")],
)
def ethnicity_long_unknown(it: Details, at: At) -> list[list[Cell]]:
    """Not obtained, and there was time to."""
    if it.ethnicity != "NOBT":
        return []
    long_open: list[Cell] = [
        (episode, "referral_date")
        for episode in episodes(at.child)
        if episode.referral_date is not None
        and episode.referral_date < at.today - LONG_OPEN
        and episode.closure_date is None
        and episode.referral_no_further_action_flag is not True
    ]
    return [[(it, "ethnicity"), *long_open]] if long_open else []


@rule(
    "CHD-11",
    on=Details,
    grade=Grade.ERROR,
    fields=("disabilities",),
    analogue="CIN 8540",
    message="A disability code is not one of the list, or there is none although the case went further than a referral",
    mend="Enter the disabilities, or NONE.",
    passes=[
        details(disabilities=("AUT", "LD")),
        look(details(disabilities=None), referral_no_further_action_flag=True),
        details(date_of_birth=None, expected_date_of_birth="2026-08-01", disabilities=None),
    ],
    fails=[details(disabilities=("XX",)), details(disabilities=None), details(disabilities=())],
)
def disabilities_missing(it: Details, at: At) -> bool:
    """A code nobody knows; or a born child with a referral that led to something and no word on disability."""
    if it.disabilities:
        return not accepted("disability").issuperset(it.disabilities)
    further = any(episode.referral_no_further_action_flag is not True for episode in episodes(at.child))
    return it.date_of_birth is not None and further


@rule(
    "CHD-12",
    on=Details,
    grade=Grade.ERROR,
    fields=("disabilities",),
    analogue="CIN 8790",
    message="NONE stands beside a disability",
    mend="Take NONE away, or the disabilities.",
    passes=[details(disabilities=("NONE",)), details(disabilities=("AUT", "LD")), details(disabilities=None)],
    fails=[details(disabilities=("NONE", "LD"))],
)
def none_and_some(it: Details, at: At) -> bool:
    """Disabilities beside the word that there are none."""
    return it.disabilities is not None and len(it.disabilities) > 1 and "NONE" in it.disabilities


@rule(
    "CHD-25",
    on=Details,
    grade=Grade.QUERY,
    fields=("postcode",),
    analogue="903 392c",
    message="The home postcode is not a UK postcode",
    mend="Enter the postcode whole, as posted; ZZ99 3VZ for no fixed abode, ZZ99 3WZ where it is not known.",
    passes=[
        details(postcode="LS1 4AP"),
        details(postcode="ZZ99 3VZ"),
        details(postcode="ls14ap"),
        details(postcode=None),
        look(details(postcode="LS1 4AP"), exists=lambda value: True),
    ],
    fails=[
        details(postcode="LS1"),
        details(postcode="12345"),
        details(postcode="N/A"),
        look(details(postcode="LS1 4AB"), exists=lambda value: False),
    ],
    without_postcodes="only its form is checked",
)
def postcode_malformed(it: Details, at: At) -> bool:
    """Not of the form of a postcode, or in no directory, where there is one to ask."""
    if it.postcode is None:
        return False
    return postcode.check(it.postcode).kind is Kind.IMPOSSIBLE or at.exists(it.postcode) is False


@rule(
    "CHD-26",
    on=Details,
    grade=Grade.QUERY,
    fields=("postcode", "social_care_episodes.child_looked_after_placements.start_date"),
    analogue="903 392b",
    message="A looked-after child has no home postcode",
    mend="Enter the postcode of the home from which the child came into care.",
    passes=[
        look(details(), placements=[placement("2026-06-03")]),
        look(details(postcode=None, uasc_flag=True), placements=[placement("2026-06-03")]),
        look(details(postcode=None), placements=[placement("2026-06-03", "2026-06-10", "E4A")]),
    ],
    fails=[look(details(postcode=None), placements=[placement("2026-06-03")])],
)
def postcode_missing_in_care(it: Details, at: At) -> list[list[Cell]]:
    """A child in a placement today, not an unaccompanied asylum-seeking one, without a home postcode."""
    if it.postcode or it.uasc_flag:
        return []
    current: list[Cell] = [(held, "start_date") for held in _current(at)]
    return [[(it, "postcode"), *current]] if current else []


@rule(
    "CHD-31",
    on=Details,
    grade=Grade.QUERY,
    fields=("first_name", "surname"),
    message="The first name or the surname of a born child is missing",
    mend="Enter both names; without a UPN they are needed to recognise the child.",
    passes=[details(), details(date_of_birth=None, expected_date_of_birth="2026-08-01", first_name=None)],
    fails=[details(first_name=None), details(surname=None), details(surname=" ")],
)
def names_missing(it: Details, at: At) -> bool:
    """A born child without a whole name."""
    return it.date_of_birth is not None and not ((it.first_name or "").strip() and (it.surname or "").strip())


def _current(at: At) -> list[object]:
    return [held for held, _ in each(at.child, "child_looked_after_placements") if looked_after_on(held, at.today)]


RULES: tuple[Rule, ...] = (
    birth_missing,
    born_and_expected,
    born_tomorrow,
    due_date_unlikely,
    too_old,
    sex_unknown_code,
    unborn_with_sex,
    sex_not_known,
    ethnicity_unknown_code,
    ethnicity_long_unknown,
    disabilities_missing,
    none_and_some,
    postcode_malformed,
    postcode_missing_in_care,
    names_missing,
)
