"""On what a question about another organisation's records rests: the power and basis their agreement names.

Whoever keeps records of the same child together in a joint space asks each organisation for its part. Within one's own
organisation nothing need be named; between two, the gate wants the statutory power and the lawful basis, and these
stand in the agreement that made the space.
"""

from __future__ import annotations

import msgspec

from samechild.policy.agreements import between, in_force
from samechild.policy.book import book_of
from samechild.policy.records import Rule
from samechild.records.disclosure import Ask, Effect
from samechild.storage import Store

USUAL_POWER, USUAL_BASIS = "CA2004-s10", "6(1)(e)"
"""Where an agreement leaves it open: co-operation to improve children's well-being, as a public task."""


def grounded(store: Store, ask: Ask) -> Ask:
    """The same question, resting on what an agreement in force between the two organisations names for it.

    What the question names already stays. A question about one's own organisation's records is left as it is, and so is
    one no agreement speaks of: the gate then says what is missing.
    """
    if ask.owner == ask.who.organisation:
        return ask
    lines = [
        line
        for agreement in book_of(store).between.get((ask.owner, ask.who.organisation), ())
        if in_force(agreement, ask)
        for line in agreement.rules
        if line.effect is Effect.ALLOW and _speaks_of(line, ask)
    ]
    if not lines:
        return ask
    line = lines[0]
    return msgspec.structs.replace(
        ask,
        power=ask.power or _named(line.powers, USUAL_POWER),
        basis=ask.basis or _named(line.bases, USUAL_BASIS),
        condition=ask.condition or _named(line.conditions, ""),
        confidence=ask.confidence or _named(line.confidences, ""),
    )


def _speaks_of(line: Rule, ask: Ask) -> bool:
    return (
        ask.mode in line.modes
        and (not line.record_types or ask.record_type in line.record_types)
        and (not line.purposes or ask.purpose in line.purposes)
        and (not line.organisations or ask.who.organisation in line.organisations)
        and between(ask.now, line.valid_from, line.valid_until)
    )


def _named(names: tuple[str, ...], usual: str) -> str:
    return usual if not names or usual in names else names[0]
