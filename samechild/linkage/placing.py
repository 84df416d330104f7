"""One record arrives: which of the children near it is it of, is it a new child, or must a person say?

The answer is what linking everything anew would give (:func:`samechild.linkage.bulk.put_together`), worked out for one
newcomer beside children who are there already: first what is sure without a contradiction, then each child weighed as
a whole, with the agencies that see it. A newcomer may show that two children are one. What a person or a list has said
outranks the evidence; a sealed child gains no record by itself; and a number that nobody has verified never links on
its own. Nothing here reads a clock, a store or chance: the same neighbours give the same answer, in any order.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import inf

import msgspec

from samechild.linkage.agglomeration import Lines
from samechild.linkage.bulk import SURER
from samechild.linkage.constraints import Why
from samechild.linkage.deciding import WORDS, Ground
from samechild.linkage.expectations import Expectations
from samechild.linkage.growing import Claim, Pair, grow, two_identities
from samechild.linkage.matching import Matcher
from samechild.linkage.neighbourhood import NEWCOMER, Between, Neighbourhood, Units
from samechild.linkage.placement import Group, Member, Near, Placement, Ruled

__all__ = ["Group", "Member", "Near", "Placement", "Ruled", "fits", "place"]

NUMBER_ALONE = "an NHS number that is not verified is all the two have in common"
RESTRICTED = "two valid identities that look like one child: other surname, other number"
SEALED = "looks like a child whose identity is sealed"
BESIDE = "beside two protected identities"


def place(
    matcher: Matcher, expectations: Expectations, newcomer: Member, groups: Sequence[Group], ruled: Ruled, lines: Lines
) -> Placement:
    """Say which of the children near it a newcomer is of.

    ``groups``: the children that share a blocking key with it, each with all its records, and those with whom a
    question about one of these is open. ``expectations`` count the children as they are, without the newcomer.
    ``lines`` are :func:`samechild.linkage.bulk.lines_of` the model.
    """
    held = [group for group in groups if group.members]
    if not held:
        return Placement()
    near = Neighbourhood(matcher, expectations, newcomer, held, ruled, lines)
    sure = _sure(near)
    units = near.units(sure)
    pairs = near.between(units)
    claims = near.claims_of_wholes(units, pairs)
    guarded = _guarded(near, units, pairs, claims)
    labels, rivals = _grown(near, units, claims)
    joined = [at for unit, label in zip(units, labels, strict=True) if label == labels[0] for at in unit if at]
    found = _Found(near, units, claims, {frozenset((labels[i], labels[j])) for i, j in rivals}, labels)
    kept, grounds = _kept(found, joined)
    hidden = _restricted(found, kept, guarded)
    asks, leaves = _asks(found, kept, grounds, hidden), _leaving(found, kept, hidden)
    return _without_the_hidden(found, kept, asks, leaves, hidden)


def fits(
    matcher: Matcher, expectations: Expectations, member: Member, groups: Sequence[Group], ruled: Ruled, lines: Lines
) -> tuple[bool, Placement]:
    """Say whether a record whose values changed still belongs with its own child (the group marked ``own``).

    Gives yes or no, and where it would be placed. The own child keeps it down to the model's splitting line. After a
    no nothing is taken apart by itself: a person is asked. A child that has no other record keeps this one anyhow.
    """
    found = place(matcher, expectations, member, groups, ruled, lines)
    own = next((group for group in groups if group.own), None)
    return own is None or not own.members or own.child in found.joins, found


class _Found(msgspec.Struct, frozen=True):
    """What growing came to: the units, their claims on each other, each unit's child, and children that are rivals."""

    near: Neighbourhood
    units: Units
    claims: dict[tuple[int, int], Claim]
    rivals: set[frozenset[int]]
    labels: Sequence[int]

    def claim(self, at: int, beside: Collection[int] = ()) -> float:
        """The strongest claim, in bits, between a child and the newcomer's unit or those of other children."""
        number = self.unit_of(at)
        wanted = {(min(own, number), max(own, number)) for own in (0, *(self.unit_of(other) for other in beside))}
        return max((self.claims[pair].bits for pair in wanted if pair in self.claims), default=self.near.best[at])

    def unit_of(self, at: int) -> int:
        """The number of the unit a child is in; -1 for a child that was not looked at further."""
        return next((number for number, unit in enumerate(self.units) if at in unit), -1)


# --- the steps --------------------------------------------------------------------------------------------------------


def _sure(near: Neighbourhood) -> list[int]:
    """The newcomer and the children it surely is of, before it is known which agencies see them."""
    sure = msgspec.structs.replace(near.lines, join=near.lines.join + SURER)
    top = max(near.best[1:])
    if top < sure.join:
        return [NEWCOMER]
    line = max(top - sure.margin, sure.ask)
    firm = [at for at in near.children if near.best[at] >= sure.join]
    beside = [at for at in near.children if near.best[at] >= line or any(near.may_be_one(at, other) for other in firm)]
    places = [NEWCOMER, *dict.fromkeys([*firm, *beside])]
    labels, _ = grow(len(places), near.claims_of_records(places), (), sure)
    return [at for at, label in zip(places, labels, strict=True) if label == labels[0]]


def _guarded(near: Neighbourhood, units: Units, pairs: Between, claims: dict[tuple[int, int], Claim]) -> list[int]:
    """The children with whom it looks like two identities of one child: from now on never to be joined."""
    guarded: list[int] = []
    for number in range(1, len(units)):
        claim = claims.get((0, number))
        if claim and two_identities(pairs[0, number], claim, near.matcher.kinds, near.matcher.model):
            claims[0, number] = msgspec.structs.replace(claim, never=True)
            guarded += units[number]
    return guarded


def _grown(
    near: Neighbourhood, units: Units, claims: dict[tuple[int, int], Claim]
) -> tuple[list[int], list[tuple[int, int]]]:
    """Put units together: those connected with the newcomer's by claims at the asking line or above."""
    edges = [pair for pair, claim in claims.items() if claim.bits >= near.lines.ask and not claim.never]
    reached, before = {0}, 0
    while len(reached) > before:
        before = len(reached)
        reached |= {number for pair in edges if not reached.isdisjoint(pair) for number in pair}
    if len(reached) == 1:
        return list(range(len(units))), []
    inside = {pair: claim for pair, claim in claims.items() if reached.issuperset(pair)}
    return grow(len(units), inside, near.matcher.kinds, near.lines)


def _kept(found: _Found, joined: Sequence[int]) -> tuple[list[int], dict[int, str]]:
    """The children that stay joined, the nearest first; for the others, why a person is asked.

    In bulk everything that could speak against a join is there; of a newcomer's twin more may be on its way. So a
    second child, born the same day and with quite another forename, is not brought in by a number that it shares.
    """
    near = found.near
    said = [at for at in joined if any(pair.why is Why.SAID_SAME for pair in near.pairs(NEWCOMER, at))]
    if joined and not said and near.is_torn(joined):
        return [], dict.fromkeys(joined, WORDS[Ground.RIVALS])
    nearest = sorted(joined, key=lambda at: (at not in said, -near.best[at], at))
    grounds: dict[int, str] = {}
    sure = near.lines.join + SURER
    for place, at in enumerate(nearest):
        if at in said:
            continue
        if near.by_number_alone(at, joined):
            grounds[at] = NUMBER_ALONE
        elif place and near.best[at] < sure and near.shares_a_twins_number(at):
            grounds[at] = WORDS[Ground.DOUBT]
    if nearest and nearest[0] in grounds:  # what it would have brought together hung on the nearest
        grounds |= {at: WORDS[Ground.DOUBT] for at in nearest if at not in said and at not in grounds}
    return [at for at in nearest if at not in grounds], grounds


# --- what is told -----------------------------------------------------------------------------------------------------


def _restricted(found: _Found, kept: Sequence[int], guarded: Collection[int]) -> dict[int, Near]:
    """Children that are not to be named: two identities of one adopted child, or sealed ones that match."""
    near = found.near
    hidden: dict[int, Near] = {}
    for at in near.children:
        if at in kept:
            continue
        pairs = near.pairs(NEWCOMER, at)
        unruled = [pair for pair in pairs if pair.why is not Why.NEVER_LINK]
        alike = [pair for pair in unruled if pair.why is Why.TWO_IDENTITIES]
        sealed = near.groups[at].sealed
        if alike or at in guarded:
            hidden[at] = near.near(at, alike or unruled or pairs, found.claim(at), RESTRICTED)
        elif sealed and found.claim(at) >= near.lines.ask:
            hidden[at] = near.near(at, pairs, found.claim(at), SEALED)
        elif len(unruled) < len(pairs) and any(pair.weight >= near.lines.ask for pair in unruled):
            hidden[at] = near.near(at, unruled, found.claim(at), BESIDE)
    return hidden


def _asks(found: _Found, kept: Sequence[int], grounds: dict[int, str], hidden: Collection[int]) -> list[Near]:
    """The questions about the newcomer's child: one for each other child, and one where numbers contradict."""
    near, asks = found.near, []
    for at in near.children:
        if at in kept:
            pairs = [p for p in near.pairs(NEWCOMER, at) if p.contradicts and p.why is not Why.SAID_SAME]
            ground = WORDS[Ground.CONTRADICTION]
        elif at in hidden or near.groups[at].sealed or found.unit_of(at) < 0:
            continue
        else:
            pairs, ground = _open(found, at, kept, grounds)
        if pairs:
            asks.append(near.near(at, pairs, found.claim(at, kept), ground))
    return sorted(asks, key=lambda ask: (-ask.claim, ask.child))


def _open(found: _Found, at: int, kept: Sequence[int], grounds: dict[int, str]) -> tuple[list[Pair], str]:
    """The pairs a question about another child is put with (none where there is no question), and its ground."""
    near = found.near
    pairs = near.all_pairs([NEWCOMER, *(other for other in kept if near.is_compared(other, at))], at)
    if any(pair.is_forbidden for pair in pairs):
        return [], ""
    rivals = frozenset((found.labels[0], found.labels[found.unit_of(at)])) in found.rivals
    if at in grounds:
        return pairs, grounds[at]
    if rivals or found.claim(at, kept) >= near.lines.ask:
        return pairs, WORDS[Ground.RIVALS if rivals else Ground.DOUBT]
    return [], ""


def _leaving(found: _Found, kept: Sequence[int], hidden: Collection[int]) -> list[Near]:
    """Records of children that cannot be the newcomer's, but which are its own more than their child's, and plainly."""
    near, leaving = found.near, []
    for at in near.children:
        pairs = near.pairs(NEWCOMER, at)
        if at in kept or at in hidden or near.groups[at].sealed or not any(pair.is_forbidden for pair in pairs):
            continue
        for pair in pairs:
            if (
                pair.weight >= near.lines.join
                and not pair.is_forbidden
                and near.is_rather_ours((NEWCOMER, *kept), at, pair.theirs)
            ):
                leaving.append(near.near(at, [pair], pair.weight, WORDS[Ground.OTHERS_DISAGREE]))
    return leaving


def _without_the_hidden(
    found: _Found, kept: Sequence[int], asks: Sequence[Near], leaves: Sequence[Near], hidden: dict[int, Near]
) -> Placement:
    """The placement, nothing of it naming two identities together.

    Beside a restricted child every question goes where that is seen, and so does every join but the surest; that one
    too, where the claim of a sealed child is nearly as good. A question, or a second join, that stands beside two
    protected children goes there as well.
    """
    near = found.near
    because = [near.near(at, near.pairs(NEWCOMER, at), found.claim(at)) for at in kept]
    withheld = [] if not hidden else [*because[1:], *asks]
    if hidden and kept:
        sealed = [one.weight for one in hidden.values() if one.ground == SEALED]
        if max(sealed, default=-inf) >= near.best[kept[0]] - near.lines.margin:
            withheld, kept = [*because, *asks], []
        because = because[: min(len(kept), 1)]
    elif not hidden:
        place_of = {near.groups[at].child: at for at in near.children}
        named = [*kept, *(place_of[ask.child] for ask in asks)]
        withheld = [ask for ask in asks if any(near.is_protected(place_of[ask.child], other) for other in named)]
    told = tuple(ask for ask in asks if ask not in withheld)
    beside = [msgspec.structs.replace(one, ground=BESIDE) for one in withheld]
    joins = tuple(one.child for one in because)
    return Placement(joins, tuple(because), told, () if hidden else tuple(leaves), (*hidden.values(), *beside))
