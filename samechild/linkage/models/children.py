"""The model for children's records from any mixture of agencies, before it has learnt anything from the files.

It says which evidence is looked at and where learning starts; every weight used in a run is learnt from the records
of that run (:mod:`samechild.linkage.training`) or read from a stored model. Evidence whose fields the files do not
hold is left out. Starting values are rough on purpose: they only tell the four classes of pair apart (a family shares
its surname and address; twins also share the birth date; nobody shares an identifier).
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from samechild.linkage.conditions import (
    Always,
    Call,
    Compare,
    Condition,
    IsNull,
    Literal,
    Not,
    Or,
    alike,
    both,
    columns_of,
    differs,
    edits,
    equal,
    exchanged,
    is_value,
    issued_together,
    missing,
    shares,
)
from samechild.linkage.model import (
    BlockingRule,
    Comparison,
    KeyPart,
    Level,
    Model,
    PairClass,
    TermFrequency,
    Thresholds,
)

TWIN, SIBLING = PairClass.TWIN, PairClass.SIBLING

THRESHOLDS = Thresholds(join=0.97, ask=0.5, split=0.5, floor=0.001)
LARGEST_BLOCK = 1000
BROAD = 300_000
"""Rules that bring strangers together by the thousand are used only while they bring no more pairs than this."""
WIDE = 8_000_000
"""Rules by birth date and one name bring strangers together in numbers that grow with the square of the records: beyond
so many pairs the narrower rule beside each of them stands in for it."""
AGREEING = 0.85
"""Starting share of pairs of one child that agree exactly."""


def _comparison(
    name: str,
    levels: list[tuple[str, Condition] | tuple[str, Condition, TermFrequency]],
    absent: Condition,
    *,
    shared_by: tuple[PairClass, ...] = (),
    identifier: bool = False,
    own: bool = False,
    description: str = "",
) -> Comparison:
    """A comparison with starting values: agreement likely for SAME and for the classes that share the evidence."""
    count = len(levels)
    m = [AGREEING] + [(1 - AGREEING) / count] * count
    chance = [0.01] + [0.01] * (count - 1) + [1 - 0.01 * count]
    if not (own or identifier or shared_by):
        chance = [1 / (count + 1)] * (count + 1)
    started = []
    for number, (label, condition, *frequency) in enumerate(
        [*levels, (f"different {name.replace('_', ' ')}", Always())]
    ):
        together = identifier and label.endswith("issued together")
        started.append(
            Level(
                label,
                condition,
                m=0.001 if together else m[number],
                twin=0.5 if together else (m if TWIN in shared_by else chance)[number],
                sibling=(m if SIBLING in shared_by else chance)[number],
                term_frequency=frequency[0] if frequency else None,
            )
        )
    null = Level(f"{name.replace('_', ' ')} missing", absent, is_null=True)
    return Comparison(name, (null, *started), description, identifier, shared_by, own or identifier)


def _number(name: str, words: str, *more: tuple[str, Condition]) -> Comparison:
    return _comparison(name, [(f"same {words}", equal(name)), *more], missing(name), identifier=True, description=words)


TOGETHER = 3
"""Numbers given out within so many of each other were given out to children registered together."""


def _context(name: str, words: str, *shared_by: PairClass) -> Comparison:
    return _comparison(
        name,
        [(f"same {words}", equal(name), TermFrequency(name))],
        missing(name),
        shared_by=shared_by,
        description=words,
    )


def _text(name: str, words: str, *shared_by: PairClass) -> Comparison:
    return _comparison(
        name,
        [(f"same {words}", equal(name), TermFrequency(name)), (f"{words} alike", alike(name, 0.88))],
        missing(name),
        shared_by=shared_by,
        description=words,
    )


def _same_initial(name: str) -> Condition:
    left, right = both(name)
    first = [Call("substr", (side, Literal(1), Literal(1))) for side in (left, right)]
    return Compare("=", first[0], first[1])


_KNOWN = Or(tuple(Not(IsNull(side)) for side in both("birth_order")))
BIRTH_ORDER = Comparison(
    "birth_order",
    (
        Level("birth order always counts", Not(Always()), is_null=True),
        Level("same place in the birth", equal("birth_order"), m=0.01, twin=0.005, sibling=0.001),
        Level("different places in the birth", differs("birth_order"), m=0.001, twin=0.2, sibling=0.001),
        Level("one known to be of a multiple birth", _KNOWN, m=0.02, twin=0.4, sibling=0.02),
        Level("no multiple birth known of", Always(), m=0.969, twin=0.395, sibling=0.978),
    ),
    "first or second of a multiple birth; that one is known of makes twins likelier",
    own=True,
)
FORENAME = _comparison(
    "forename",
    [
        ("same forename", equal("forename"), TermFrequency("forename")),
        ("forename known to vary so", shares("forename_variants")),
        ("a given name in common", shares("given_names")),
        ("forename much alike", alike("forename", 0.92)),
        ("forename alike", alike("forename", 0.8)),
        ("forename and surname exchanged", exchanged("forename", "surname")),
        ("same initial", _same_initial("forename")),
    ],
    missing("forename"),
    own=True,
    description="given name",
)
SURNAME = _comparison(
    "surname",
    [
        ("same surname", equal("surname"), TermFrequency("surname")),
        ("part of the surname in common", shares("surname_parts")),
        ("surname known to vary so", shares("surname_variants")),
        ("surname much alike", alike("surname", 0.92)),
        ("surname alike", alike("surname", 0.8)),
    ],
    Or((missing("surname"), exchanged("surname", "forename"))),  # the forename's comparison counts the exchange
    shared_by=(TWIN, SIBLING),
    description="family name",
)
BIRTH = _comparison(
    "date_of_birth",
    [
        ("same date of birth", equal("date_of_birth"), TermFrequency("date_of_birth")),
        ("day and month exchanged", equal("date_of_birth", "birth_date_swapped")),
        ("one slip in the date of birth", edits("date_of_birth", 1)),
        ("same month of birth", equal("birth_month")),
        ("two slips in the date of birth", edits("date_of_birth", 2)),
        ("same year of birth", equal("birth_year")),
    ],
    missing("birth_year"),
    shared_by=(TWIN,),
    own=True,
    description="date of birth",
)
PLACE = _comparison(
    "postcode",
    [
        ("same postcode", equal("postcode"), TermFrequency("postcode")),
        ("a postcode in common, now or before", shares("postcodes")),
        ("same postcode sector", equal("postcode_sector")),
        ("one slip in the postcode", edits("postcode", 1)),
        ("same postcode district", equal("postcode_district")),
    ],
    missing("postcode"),
    shared_by=(TWIN, SIBLING),
    description="where the child lives",
)
UPN = _comparison(
    "upn",
    [
        ("same UPN", equal("upn")),
        ("one UPN is the other's former one", shares("upns")),
        ("UPNs issued together", issued_together("upn", 2, 12, TOGETHER)),
        ("a temporary UPN on either side", is_value("upn_kind", "temporary")),
    ],
    missing("upn"),
    identifier=True,
    description="Unique Pupil Number",
)
OTHER_ID = _comparison(
    "other_id",
    [("same number", equal("other_id")), ("one slip in the number", edits("other_id", 1))],
    missing("other_id"),
    identifier=True,
    description="another identifier",
)

COMPARISONS: tuple[Comparison, ...] = (
    FORENAME,
    SURNAME,
    BIRTH,
    _comparison("sex", [("same sex", equal("sex"))], missing("sex"), description="sex"),
    BIRTH_ORDER,
    _comparison(
        "middle_names",
        [
            ("same other names", equal("middle_names")),
            ("other names alike", alike("middle_names", 0.85)),
            ("same initial of other names", _same_initial("middle_names")),
        ],
        missing("middle_names"),
        own=True,
        description="other given names",
    ),
    PLACE,
    _text("address", "address", TWIN, SIBLING),
    _context("uprn", "property", TWIN, SIBLING),
    _context("town", "town", TWIN, SIBLING),
    _number("nhs_number", "NHS number", ("NHS numbers issued together", issued_together("nhs_number", 1, 9, TOGETHER))),
    UPN,
    _number("uln", "ULN"),
    _number("chi_number", "CHI number"),
    _number("hc_number", "Health and Care number"),
    _number("ucrn", "UCRN"),
    _number("scn", "Scottish Candidate Number"),
    _number("nino", "National Insurance number"),
    _number("la_child_id", "local authority child id"),
    OTHER_ID,
    _context("school", "school", TWIN, SIBLING),
    _context("gp_practice", "GP practice", TWIN, SIBLING),
    _text("birth_place", "place of birth", TWIN, SIBLING),
    _text("occupation", "occupation", TWIN, SIBLING),
    _context("phone", "telephone number", TWIN, SIBLING),
    _context("email", "email address", TWIN, SIBLING),
)  # fmt: skip


def _rule(*parts: str, most_pairs: int | None = None, training: bool | None = None) -> BlockingRule:
    """A rule from its parts: ``surname`` or ``forename:3`` for the first three letters.

    Rules with a limit are left out of training unless ``training`` says otherwise.
    """
    made = []
    for part in parts:
        column, _, length = part.partition(":")
        made.append(KeyPart(column, length=int(length) if length else None))
    learnt_from = most_pairs is None if training is None else training
    return BlockingRule(tuple(made), training=learnt_from, most_pairs=most_pairs)


BLOCKING: tuple[BlockingRule, ...] = (
    _rule("nhs_number"),
    _rule("upns"),
    _rule("uln"),
    _rule("chi_number"),
    _rule("hc_number"),
    _rule("ucrn"),
    _rule("scn"),
    _rule("nino"),
    _rule("la_child_id"),
    _rule("other_id"),
    _rule("date_of_birth", "surname_parts"),
    _rule("date_of_birth", "surname_sound", most_pairs=WIDE, training=True),
    _rule("date_of_birth", "surname_sound", "forename:1", training=False),
    _rule("date_of_birth", "given_names", most_pairs=WIDE, training=True),
    _rule("date_of_birth", "given_names", "surname:1", training=False),
    _rule("date_of_birth", "postcode"),
    _rule("forename", "surname", "birth_year", most_pairs=WIDE, training=True),
    _rule("forename", "surname", "birth_month", training=False),
    _rule("postcode", "forename:3"),
    _rule("forename", "surname", "birth_place"),
    _rule("forename", "surname", "town"),
    _rule("forename", "surname", "occupation"),
    _rule("email"),
    _rule("phone"),
    _rule("forename", "surname", most_pairs=BROAD),
    _rule("surname", "birth_year", most_pairs=BROAD),
    _rule("surname_parts", "birth_place", most_pairs=BROAD),
    _rule("surname", "postcode_district", most_pairs=BROAD),
    _rule("forename", "postcode_sector", most_pairs=BROAD),
    _rule("surname_sound", "birth_month", most_pairs=BROAD),
    _rule("forename_sound", "birth_month", "birth_place", most_pairs=BROAD),
    _rule("surname_sound", "occupation", "birth_place", most_pairs=BROAD),
    _rule("date_of_birth", most_pairs=BROAD),
    _rule("postcode", most_pairs=BROAD),
    _rule("address", most_pairs=BROAD),
)


def children_model(fields: Collection[str]) -> Model:
    """The model for files that hold these standardised fields; what they lack is neither compared nor blocked on."""
    present = frozenset(fields)
    comparisons = tuple(
        _only_with(comparison, present) for comparison in COMPARISONS if comparison.columns[0] in present
    )
    rules = tuple(rule for rule in BLOCKING if all(part.column in present for part in rule.parts))
    return Model("children", comparisons, rules, thresholds=THRESHOLDS, largest_block=LARGEST_BLOCK)


def _only_with(comparison: Comparison, present: frozenset[str]) -> Comparison:
    """Drop the levels that look at fields the files lack."""
    levels = tuple(level for level in comparison.levels if set(columns_of(level.condition)) <= present)
    if "forename" not in present and comparison.name == "surname":
        levels = (Level("surname missing", missing("surname"), is_null=True), *levels)
    return msgspec.structs.replace(comparison, levels=levels)
