"""Rules about the unique pupil number and the reason there is none: CHD-13 to 24.

Form and check letter: DfE, Unique Pupil Numbers: a guide for schools and local authorities. A number that a rule finds
wrong is never mended here.
"""

from __future__ import annotations

import re

from samechild.collection.records import Details
from samechild.collection.rules.care import looked_after_on, periods
from samechild.collection.rules.codes import authorities, codes
from samechild.collection.rules.days import age_on, is_school_age, last_31
from samechild.collection.rules.examples import TODAY, an_episode, details, look, placement
from samechild.collection.rules.parts import episodes
from samechild.collection.rules.rule import At, Cell, Grade, Rule, rule
from samechild.identifiers.upn import ALPHABET

UPN_LENGTH = 13
JUST_IN_CARE = 7
"""So many days a child counts as newly looked after."""
SCHOOL_STARTS = 4

_FORM = re.compile(rf"[{ALPHABET}][0-9]{{11}}[0-9{ALPHABET}]")
_DIGITS = frozenset("0123456789")
_LAST = _DIGITS | frozenset(ALPHABET)


def _upn(it: Details) -> str:
    """The number when it has its length (another is refused at the door); otherwise nothing."""
    number = it.unique_pupil_number or ""
    return number if len(number) == UPN_LENGTH else ""


def _went_further(at: At) -> bool:
    """Whether some referral led to more than no further action."""
    return any(episode.referral_no_further_action_flag is not True for episode in episodes(at.child))


@rule(
    "CHD-13",
    on=Details,
    grade=Grade.ERROR,
    fields=("unique_pupil_number",),
    analogue="CIN 1510; 903 168",
    message="The check letter of the UPN is wrong",
    mend="Ask the school for the number: a character of it was mistyped.",
    passes=[
        details(unique_pupil_number="X000123418007"),
        details(unique_pupil_number="A00012341800C"),  # temporary: not tested
        details(unique_pupil_number=None),
    ],
    fails=[details(unique_pupil_number="A000123418007"), details(unique_pupil_number="x000123418007")],
)
def check_letter_wrong(it: Details, at: At) -> bool:
    """A permanent number whose first letter does not follow from its digits."""
    number = _upn(it)
    if not number or not _DIGITS.issuperset(number[1:]):
        return False
    return number[0] != ALPHABET[sum(place * int(digit) for place, digit in enumerate(number[1:], 2)) % len(ALPHABET)]


@rule(
    "CHD-14",
    on=Details,
    grade=Grade.ERROR,
    fields=("unique_pupil_number",),
    analogue="CIN 1530",
    message="Characters 2 to 4 of the UPN are not the number of an authority",
    mend="Ask the school for the number.",
    passes=[details(unique_pupil_number=None), details(unique_pupil_number="A845123418007"), details()],
    fails=[details(unique_pupil_number="A999123418007"), details(unique_pupil_number="A8X5123418007")],
)
def authority_unknown(it: Details, at: At) -> bool:
    """No authority or pseudo-authority has that number; 000 is taken, because made-up numbers carry it."""
    number = _upn(it)
    return bool(number) and number[1:4] not in authorities()


@rule(
    "CHD-15",
    on=Details,
    grade=Grade.ERROR,
    fields=("unique_pupil_number",),
    analogue="CIN 1540",
    message="Characters 5 to 12 of the UPN are not all digits",
    mend="Ask the school for the number.",
    passes=[details(unique_pupil_number=None), details(unique_pupil_number="A84512341800C"), details()],
    fails=[details(unique_pupil_number="A8451234180O7"), details(unique_pupil_number="A845I23418007")],
)
def middle_not_digits(it: Details, at: At) -> bool:
    """A letter where a digit belongs."""
    number = _upn(it)
    return bool(number) and not _DIGITS.issuperset(number[4:12])


@rule(
    "CHD-16",
    on=Details,
    grade=Grade.ERROR,
    fields=("unique_pupil_number",),
    analogue="CIN 1550",
    message="Character 13 of the UPN is neither a digit nor a letter other than I, O and S",
    mend="Ask the school for the number.",
    passes=[details(unique_pupil_number=None), details(unique_pupil_number="A84512341800C"), details()],
    fails=[details(unique_pupil_number="A84512341800S"), details(unique_pupil_number="A84512341800-")],
)
def last_character_wrong(it: Details, at: At) -> bool:
    """A last character that no number has."""
    number = _upn(it)
    return bool(number) and number[12] not in _LAST


@rule(
    "CHD-17",
    on=Details,
    grade=Grade.QUERY,
    fields=("former_unique_pupil_number",),
    analogue="CIN 1560Q",
    message="The former UPN does not have the form of a UPN",
    mend="Check the former number; leave it out where it is not known.",
    passes=[
        details(),
        details(former_unique_pupil_number="A84512341800C"),
        details(former_unique_pupil_number="A845123418007"),
    ],
    fails=[details(former_unique_pupil_number="1845123418007"), details(former_unique_pupil_number="A84512341800O")],
)
def former_malformed(it: Details, at: At) -> bool:
    """A former number that is neither a permanent nor a temporary one."""
    return it.former_unique_pupil_number is not None and not _FORM.fullmatch(it.former_unique_pupil_number)


@rule(
    "CHD-18",
    on=Details,
    grade=Grade.QUERY,
    fields=("unique_pupil_number", "former_unique_pupil_number"),
    analogue="schema description",
    message="The former UPN is the same as the current one",
    mend="Take the former number away, or correct it.",
    passes=[details(former_unique_pupil_number="A845123418007"), details(unique_pupil_number=None)],
    fails=[details(former_unique_pupil_number="X000123418007")],
)
def former_is_current(it: Details, at: At) -> bool:
    """No change of number."""
    return it.unique_pupil_number is not None and it.unique_pupil_number == it.former_unique_pupil_number


@rule(
    "CHD-19",
    on=Details,
    grade=Grade.QUERY,
    fields=("unique_pupil_number", "unique_pupil_number_unknown_reason", "date_of_birth"),
    analogue="CIN 8770Q; 903 442",
    message="A child of school age has neither a UPN nor a valid reason for having none",
    mend="Enter the UPN; where there is none, enter why (UN2 to UN10).",
    passes=[
        details(unique_pupil_number=None, date_of_birth=None),
        details(),
        details(unique_pupil_number=None, unique_pupil_number_unknown_reason="UN3"),
        details(unique_pupil_number=None, date_of_birth="2021-09-01"),
        look(details(unique_pupil_number=None), referral_no_further_action_flag=True),
    ],
    fails=[
        details(unique_pupil_number=None),
        details(unique_pupil_number=None, unique_pupil_number_unknown_reason="UN1"),
        details(unique_pupil_number=None, unique_pupil_number_unknown_reason="UN99"),
    ],
)
def number_missing(it: Details, at: At) -> bool:
    """Of compulsory school age, with a referral that went further, and no number to find the pupil by."""
    if it.unique_pupil_number or it.date_of_birth is None or not is_school_age(it.date_of_birth, at.today):
        return False
    reason = it.unique_pupil_number_unknown_reason
    return (reason == "UN1" or reason not in codes("upn_unknown_reason")) and _went_further(at)


@rule(
    "CHD-20",
    on=Details,
    grade=Grade.QUERY,
    fields=("unique_pupil_number", "unique_pupil_number_unknown_reason"),
    message="There is both a UPN and a reason for having none",
    mend="Take the reason away if the number is right.",
    passes=[details(), details(unique_pupil_number=None, unique_pupil_number_unknown_reason="UN3")],
    fails=[details(unique_pupil_number_unknown_reason="UN3")],
)
def number_and_reason(it: Details, at: At) -> bool:
    """A number, and the word that there is none."""
    return bool(it.unique_pupil_number and it.unique_pupil_number_unknown_reason)


@rule(
    "CHD-21",
    on=Details,
    grade=Grade.ERROR,
    fields=("unique_pupil_number_unknown_reason",),
    analogue="sector pre-flight check",
    message="The reason for having no UPN is not one of UN1 to UN10",
    mend="Choose one of UN1 to UN10.",
    passes=[details(unique_pupil_number_unknown_reason="UN10"), details()],
    fails=[details(unique_pupil_number_unknown_reason="UN11"), details(unique_pupil_number_unknown_reason="UN")],
)
def reason_unknown(it: Details, at: At) -> bool:
    """A reason that is not of the list."""
    reason = it.unique_pupil_number_unknown_reason
    return reason is not None and reason not in codes("upn_unknown_reason")


@rule(
    "CHD-22",
    on=Details,
    grade=Grade.ERROR,
    fields=("unique_pupil_number_unknown_reason", "date_of_birth"),
    analogue="903 209",
    message="UN1 (not of school age) is given for a looked-after child who was 4 or older on the last 31 August",
    mend="Enter the UPN, or another reason.",
    passes=[
        look(details(unique_pupil_number_unknown_reason="UN3"), placements=[placement("2026-06-03")]),
        look(
            details(date_of_birth=None, unique_pupil_number_unknown_reason="UN1"), placements=[placement("2026-06-03")]
        ),
        look(
            details(date_of_birth="2021-09-01", unique_pupil_number_unknown_reason="UN1"),
            placements=[placement("2026-06-03")],
        ),
        details(unique_pupil_number_unknown_reason="UN1"),
    ],
    fails=[
        look(details(unique_pupil_number_unknown_reason="UN1"), placements=[placement(TODAY)]),
        look(
            details(date_of_birth="2021-08-31", unique_pupil_number_unknown_reason="UN1"),
            placements=[placement("2026-06-03")],
        ),
    ],
)
def not_of_school_age_and_is(it: Details, at: At) -> bool:
    """Looked after today and old enough for school when the school year began."""
    if it.unique_pupil_number_unknown_reason != "UN1" or it.date_of_birth is None:
        return False
    return age_on(it.date_of_birth, last_31(8, at.today)) >= SCHOOL_STARTS and _days_in_care(at) >= 0


@rule(
    "CHD-23",
    on=Details,
    grade=Grade.ERROR,
    fields=("unique_pupil_number_unknown_reason", "social_care_episodes.referral_no_further_action_flag"),
    analogue="CIN 8772",
    message="UN7 (no further action) is given although a referral went further",
    mend="Enter the UPN or another reason, or correct the flag of the referral.",
    passes=[
        look(details(unique_pupil_number_unknown_reason="UN7"), referral_no_further_action_flag=True),
        details(unique_pupil_number_unknown_reason="UN3"),
    ],
    fails=[details(unique_pupil_number_unknown_reason="UN7")],
)
def no_further_action_and_more(it: Details, at: At) -> list[list[Cell]]:
    """UN7 holds only while every referral of the child led to no further action."""
    if it.unique_pupil_number_unknown_reason != "UN7":
        return []
    further: list[Cell] = [
        (episode, "referral_no_further_action_flag")
        for episode in episodes(at.child)
        if episode.referral_no_further_action_flag is False
    ]
    return [[(it, "unique_pupil_number_unknown_reason"), *further]] if further else []


@rule(
    "CHD-24",
    on=Details,
    grade=Grade.QUERY,
    fields=("unique_pupil_number_unknown_reason",),
    analogue="903 210",
    message="UN4 (newly looked after) is given for a child looked after for more than seven days",
    mend="Enter the UPN, or another reason.",
    passes=[
        look(details(unique_pupil_number_unknown_reason="UN3"), placements=[placement("2026-03-02")]),
        look(details(unique_pupil_number_unknown_reason="UN4"), placements=[placement("2026-06-03")]),
        look(
            details(unique_pupil_number_unknown_reason="UN4"), placements=[placement("2026-05-03", "2026-05-04", "E4A")]
        ),
    ],
    fails=[
        look(details(unique_pupil_number_unknown_reason="UN4"), placements=[placement("2026-06-02")]),
        look(
            details(unique_pupil_number_unknown_reason="UN4"),
            episode=an_episode(placements=[placement("2026-05-01", "2026-06-08", "X1"), placement("2026-06-08")]),
        ),
    ],
)
def newly_in_care_for_long(it: Details, at: At) -> bool:
    """The reason is for the first days only."""
    return it.unique_pupil_number_unknown_reason == "UN4" and _days_in_care(at) > JUST_IN_CARE


def _days_in_care(at: At) -> int:
    """How many days the child has been looked after without a break; -1 when not looked after today."""
    for period in periods(at.child):
        first = period.first.start_date
        if first is not None and any(looked_after_on(held, at.today) for held in period.placements):
            return (at.today - first).days
    return -1


RULES: tuple[Rule, ...] = (
    check_letter_wrong,
    authority_unknown,
    middle_not_digits,
    last_character_wrong,
    former_malformed,
    former_is_current,
    number_missing,
    number_and_reason,
    reason_unknown,
    not_of_school_age_and_is,
    no_further_action_and_more,
    newly_in_care_for_long,
)
