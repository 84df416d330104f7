"""Rules about adoption: the decision, the match, the placement with the adopters, and the care around them.

Extracts copy a child's latest adoption section into every episode, so each is looked at once. Source: the looked-after
return (SSDA903), Department for Education; Adoption Agencies Regulations 2005.
"""

from __future__ import annotations

from samechild.collection.records import Adoption, Child
from samechild.collection.rules.care import ADOPTED, ADOPTIVE, STARTED, adoptions, in_order, is_first_copy
from samechild.collection.rules.examples import a_child, adoption, an_episode, placement
from samechild.collection.rules.parts import episodes
from samechild.collection.rules.rule import At, Cell, Found, Grade, Rule, Unsure, rule

_ADOPTION = "social_care_episodes.adoption"
_PLACEMENTS = "social_care_episodes.child_looked_after_placements"
_DATES = ("initial_decision_date", "matched_date", "placed_date")
_WHOLE = adoption("2024-11-04", "2025-03-03", "2025-05-06")
_MOVED_IN = placement("2025-05-06", start_reason="P", placement_type="A6")


@rule(
    "ADO-01",
    on=Adoption,
    grade=Grade.ERROR,
    fields=("matched_date", "initial_decision_date"),
    message="Matched with adopters before the decision for adoption",
    mend="Check both dates and correct the wrong one.",
    analogue="903 333",
    passes=[adoption("2024-11-04", "2024-11-04"), adoption(None, "2024-11-04"), adoption("2024-11-04")],
    fails=[adoption("2024-11-04", "2024-11-03")],
)
def _matched_too_soon(adoption: Adoption, at: At) -> Found:
    decided, matched = adoption.initial_decision_date, adoption.matched_date
    return bool(decided and matched and matched < decided) and is_first_copy(adoption, at.child)


@rule(
    "ADO-02",
    on=Adoption,
    grade=Grade.ERROR,
    fields=("placed_date", "matched_date"),
    message="Placed with adopters before they were matched",
    mend="Check both dates and correct the wrong one.",
    analogue="903 331",
    passes=[adoption(None, "2025-03-03", "2025-03-03"), adoption("2024-11-04", None, "2025-03-03")],
    fails=[adoption("2024-11-04", "2025-03-03", "2025-03-02")],
)
def _placed_too_soon(adoption: Adoption, at: At) -> Found:
    matched, placed = adoption.matched_date, adoption.placed_date
    return bool(matched and placed and placed < matched) and is_first_copy(adoption, at.child)


@rule(
    "ADO-03",
    on=Child,
    grade=Grade.ERROR,
    fields=(f"{_ADOPTION}.initial_decision_date", f"{_PLACEMENTS}.start_date"),
    message="Decision for adoption before the child was looked after",
    mend="Check the date of the decision and the start of the first placement; if an earlier placement is missing, "
    "send it.",
    analogue="903 1003",
    passes=[
        a_child(an_episode("2020-01-06", placements=[placement("2024-11-04")], adoption=_WHOLE)),
        a_child(an_episode("2020-01-06", adoption=_WHOLE)),
    ],
    fails=[
        a_child(an_episode("2020-01-06", placements=[placement("2024-11-05")], adoption=_WHOLE)),
        # care began before the placements that are sent: a query
        a_child(an_episode("2020-01-06", placements=[placement("2024-11-05", start_reason="P")], adoption=_WHOLE)),
    ],
)
def _decided_too_soon(child: Child, at: At) -> Found:
    held = adoptions(child)
    first = next(iter(in_order(child)), None) if held else None
    if first is None or first.start_date is None:
        return False
    found: list[list[Cell] | Unsure] = []
    for each in held:
        if each.initial_decision_date and each.initial_decision_date < first.start_date:
            cells: list[Cell] = [(each, "initial_decision_date"), (first, "start_date")]
            found.append(cells if first.start_reason == STARTED else Unsure(cells))
    return found


@rule(
    "ADO-04",
    on=Child,
    grade=Grade.QUERY,
    fields=(f"{_ADOPTION}.placed_date", f"{_PLACEMENTS}.start_date", f"{_PLACEMENTS}.placement_type"),
    message="No placement for adoption starts on the day the child was placed with the adopters",
    mend="Check the date placed and the start of the placement (type A3 to A6): they are one day.",
    passes=[
        a_child(an_episode("2020-01-06", placements=[_MOVED_IN], adoption=_WHOLE)),
        a_child(an_episode("2020-01-06", adoption=adoption("2024-11-04"))),
    ],
    fails=[
        a_child(an_episode("2020-01-06", adoption=_WHOLE)),
        a_child(
            an_episode("2020-01-06", placements=[placement("2025-05-07", placement_type="A6")], adoption=_WHOLE),
        ),
        a_child(an_episode("2020-01-06", placements=[placement("2025-05-06")], adoption=_WHOLE)),
    ],
)
def _placed_nowhere(child: Child, at: At) -> Found:
    held = [each for each in adoptions(child) if each.placed_date]
    if not held:
        return False
    adoptive = [each for each in in_order(child) if each.placement_type in ADOPTIVE]
    days = {each.start_date for each in adoptive}
    return [
        [(each, "placed_date"), *((one, "start_date") for one in adoptive)]
        for each in held
        if each.placed_date not in days
    ]


@rule(
    "ADO-05",
    on=Child,
    grade=Grade.QUERY,
    fields=(f"{_PLACEMENTS}.end_reason", _ADOPTION),
    message="Adopted child without all the dates of the adoption",
    mend="Enter the dates of the decision, of the match and of the placement with the adopters.",
    analogue="903 601",
    passes=[
        a_child(
            an_episode(
                "2020-01-06",
                placements=[placement("2025-05-06", "2026-01-12", "E11", placement_type="A6")],
                adoption=_WHOLE,
            )
        ),
        a_child(an_episode("2020-01-06", placements=[placement("2025-05-06", "2026-01-12", "E4A")])),
    ],
    fails=[
        a_child(an_episode("2020-01-06", placements=[placement("2025-05-06", "2026-01-12", "E11")])),
        a_child(
            an_episode(
                "2020-01-06",
                placements=[placement("2025-05-06", "2026-01-12", "E12")],
                adoption=adoption("2024-11-04", None, "2025-05-06"),
            )
        ),
    ],
)
def _adopted_without_dates(child: Child, at: At) -> Found:
    adopted = [
        (each, episode)
        for episode in episodes(child)
        for each in episode.child_looked_after_placements or ()
        if each.end_reason in ADOPTED
    ]
    if not adopted:
        return False
    held = adoptions(child)
    if any(all(getattr(each, name) for name in Adoption.__struct_fields__ if name != "purge") for each in held):
        return False
    missing: list[Cell] = [
        (each, name)
        for each in held
        for name in Adoption.__struct_fields__
        if name != "purge" and not getattr(each, name)
    ]
    return [[(placement, "end_reason"), *(missing or [(episode, "adoption")])] for placement, episode in adopted]


RULES: tuple[Rule, ...] = (
    _matched_too_soon,
    _placed_too_soon,
    _decided_too_soon,
    _placed_nowhere,
    _adopted_without_dates,
)
