"""A newcomer and the children near it: every pair of their records, weighed when it is first asked for, and only then.

Which pairs are looked at decides how long a newcomer takes: always those of the newcomer itself; those between two
children only where both may claim it, or where it is open whether the two are one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from math import log2

import msgspec

from samechild.linkage.agglomeration import Lines
from samechild.linkage.bulk import SURE
from samechild.linkage.claims import HOPELESS
from samechild.linkage.constraints import VERIFIED, Why
from samechild.linkage.expectations import Expectations, Sighted, sighted
from samechild.linkage.growing import Claim, Pair, grow, of_records, of_wholes, strongest
from samechild.linkage.matching import Matcher
from samechild.linkage.placement import Group, Member, Near, Ruled
from samechild.linkage.presence import MOST_BITS

_SAID = {"same": Why.SAID_SAME, "different": Why.SAID_DIFFERENT, "protected": Why.NEVER_LINK}
NEWCOMER = 0
"""The newcomer's place; the children near it stand from 1 on."""
Units = Sequence[Sequence[int]]
"""Groups put together so far, each as the places of its members; the newcomer's comes first."""
Between = dict[tuple[int, int], list[Pair]]
"""Pairs of records between two units, by their numbers, lower first."""


class Neighbourhood:
    """The newcomer, the children near it in the order of their names, and their pairs of records."""

    def __init__(
        self, matcher: Matcher, expectations: Expectations, newcomer: Member, groups: Iterable[Group], ruled: Ruled,
        lines: Lines,
    ) -> None:  # fmt: skip
        self.matcher, self.expectations, self.ruled, self.lines = matcher, expectations, ruled, lines
        self.newcomer = newcomer
        self.groups = [Group("", (newcomer,)), *sorted(groups, key=lambda group: group.child)]
        self.children = range(1, len(self.groups))
        self._pairs: Between = {}
        split = matcher.model.thresholds.split
        self._kept = max(0.0, lines.join - log2(split / (1.0 - split))) if 0.0 < split < 1.0 else 0.0
        self.best = [0.0, *(strongest(self.pairs(NEWCOMER, at)).weight for at in self.children)]

    def pairs(self, one: int, other: int) -> list[Pair]:
        """Every pair of records of two groups; ``mine`` is always of the group that stands first."""
        if one > other:
            one, other = other, one
        found = self._pairs.get((one, other))
        if found is None:
            own = one == NEWCOMER and self.groups[other].own
            members = self.groups[other].members
            found = [self._pair(left, right, own) for left in self.groups[one].members for right in members]
            self._pairs[one, other] = found
        return found

    def is_compared(self, one: int, other: int) -> bool:
        """Whether the records of two groups have been weighed against each other."""
        return (min(one, other), max(one, other)) in self._pairs

    def is_protected(self, one: int, other: int) -> bool:
        """Whether two children are known, or look, to be two identities of one adopted child."""
        pairs = self.pairs(one, other) if self.is_compared(one, other) else []
        return one != other and any(pair.why in (Why.TWO_IDENTITIES, Why.NEVER_LINK) for pair in pairs)

    def all_pairs(self, some: Iterable[int], at: int) -> list[Pair]:
        """Every pair of records between some groups and another."""
        return [pair for one in some for pair in self.pairs(one, at)]

    def _pair(self, left: Member, right: Member, own: bool) -> Pair:
        weighed = self.matcher.weigh(left.prepared, right.prepared)
        why, weight = weighed.why, weighed.weight
        single = left.source == right.source and left.source in self.matcher.single_sources
        if single and why in (Why.NOTHING, Why.TWINS, Why.NAMES_AND_NUMBERS_DIFFER):
            why = Why.ONE_RECORD_PER_CHILD
        said = _SAID.get(self.ruled(left.key, right.key))
        if said is not None and (why is not Why.TWO_IDENTITIES or said is Why.NEVER_LINK):
            why = said
        if why is Why.SAID_SAME:
            weight = SURE
        elif own:
            weight += self._kept
        return Pair(left.key, right.key, weighed.levels, weight, why, weighed.contradicts)

    def near(self, at: int, pairs: Sequence[Pair], claim: float, ground: str = "") -> Near:
        """Tell a child with the strongest of some pairs with it, from the newcomer's side."""
        pair = strongest(pairs)
        mine, theirs = pair.mine, pair.theirs
        if any(member.key == mine for member in self.groups[at].members):
            mine, theirs = theirs, mine
        return Near(self.groups[at].child, mine, theirs, pair.levels, pair.weight, claim, ground)

    # --- which children are looked at beside each other ---

    def may_be_one(self, one: int, other: int) -> bool:
        """Whether two children may be one, as far as was known before the newcomer came."""
        if NEWCOMER in (one, other):
            return False
        first, second = self.groups[one], self.groups[other]
        if first.asked is None or second.asked is None:
            return self.best[one] >= HOPELESS and self.best[other] >= HOPELESS
        return second.child in first.asked or first.child in second.asked

    def units(self, sure: Sequence[int]) -> Units:
        """The newcomer with the children it surely is of, and each child that may be the same or must be guarded.

        With a child of whom it is open whether it is one of these, its other rivals come too, one after another.
        """
        unit = self._sighted(sure)
        left = [at for at in self.children if at not in sure]
        chosen = [at for at in left if self._matters(at, unit)]
        before = -1
        while len(chosen) > before:
            before = len(chosen)
            met = [*sure, *chosen]
            chosen += [at for at in left if at not in met and any(self.may_be_one(at, other) for other in met)]
        return [list(sure), *([at] for at in sorted(chosen))]

    def _matters(self, at: int, unit: Sighted) -> bool:
        """Whether a child may claim the newcomer, or must be kept from it."""
        pairs = self.pairs(NEWCOMER, at)
        if self.groups[at].sealed or (self.best[at] >= HOPELESS and any(pair.contradicts for pair in pairs)):
            return True
        if self.best[at] < self.lines.ask - MOST_BITS:
            return False
        presence = self.expectations.evidence(self._sighted((at,)), unit)
        claim = of_wholes(pairs, self.matcher.kinds, presence, self.lines)
        return claim is not None and claim.bits >= self.lines.ask

    def between(self, units: Units) -> Between:
        """The pairs of records between every two units that may be one child or contest one."""
        found = {}
        for j, theirs in enumerate(units):
            for i, ours in enumerate(units[:j]):
                contested = self.best[ours[0]] >= self.lines.ask and self.best[theirs[0]] >= self.lines.ask
                if i == 0 or contested or self.may_be_one(ours[0], theirs[0]):
                    found[i, j] = [pair for at in theirs for pair in self.all_pairs(ours, at)]
        return found

    # --- what they claim of each other ---

    def claims_of_records(self, places: Sequence[int]) -> dict[tuple[int, int], Claim]:
        """What groups claim of each other by their records alone, before it is known which agencies see them."""
        return {
            (i, j): self._unless_sealed(of_records(self.pairs(one, other)), (one, other))
            for j, other in enumerate(places)
            for i, one in enumerate(places[:j])
        }

    def claims_of_wholes(self, units: Units, pairs: Between) -> dict[tuple[int, int], Claim]:
        """What units claim of each other, each taken as one child."""
        seen = [self._sighted(unit) for unit in units]
        claims = {}
        for (i, j), held in pairs.items():
            presence = self.expectations.evidence(seen[j], seen[i])  # the child who is there stands for both
            claim = of_wholes(held, self.matcher.kinds, presence, self.lines)
            if claim is not None:
                claims[i, j] = self._unless_sealed(claim, (*units[i], *units[j]))
        return claims

    def _unless_sealed(self, claim: Claim, places: Iterable[int]) -> Claim:
        sealed = any(self.groups[at].sealed for at in places)
        return msgspec.structs.replace(claim, never=True) if sealed else claim

    def _sighted(self, unit: Iterable[int]) -> Sighted:
        return self._seen([member for at in unit for member in self.groups[at].members])

    def _seen(self, members: Iterable[Member]) -> Sighted:
        year = self.matcher.place["birth_year"]
        return sighted((None if (born := each.prepared[year]) is None else str(born), each.source) for each in members)

    # --- what speaks against a join that the weights allow ---

    def by_number_alone(self, at: int, joined: Collection[int]) -> bool:
        """Whether a child would be joined for an NHS number alone that is not verified on both sides."""
        rest = [NEWCOMER, *(other for other in joined if other != at)]
        pairs = self.all_pairs(rest, at)
        if any(pair.levels[number] in levels for pair in pairs for number, levels in self.matcher.telling):
            return False
        number = self.matcher.number.get("nhs_number")
        same = [pair for pair in pairs if number is not None and pair.levels[number] == self.matcher.equal[number]]
        status = self.matcher.place["nhs_number_status"]
        held = {member.key: member.prepared[status] for each in (at, *rest) for member in self.groups[each].members}
        return bool(same) and not any(held[pair.mine] == held[pair.theirs] == VERIFIED for pair in same)

    def shares_a_twins_number(self, at: int) -> bool:
        """Whether a child holds the newcomer's number and was born the same day, but has quite another forename.

        That is what is left when a number was written into the record of the other twin.
        """
        number, equal, pairs = self.matcher.number, self.matcher.equal, self.pairs(NEWCOMER, at)
        if self.groups[at].own or not {"forename", "date_of_birth"} <= number.keys():
            return False
        forename, birth = number["forename"], number["date_of_birth"]
        reached = {pair.levels[forename] for pair in pairs} - {0}
        same_day = any(pair.levels[birth] == equal[birth] for pair in pairs)
        numbered = any(pair.levels[each] == equal[each] for pair in pairs for each in self.matcher.numbers)
        return bool(reached) and reached <= self.matcher.unlike and same_day and numbered

    def is_torn(self, joined: Collection[int]) -> bool:
        """Whether the newcomer stands between two twins, so that nobody can tell whose record it is.

        It has one twin's forename and the other's number; or one's forename, the other's sex, and no number at all.
        See :func:`samechild.linkage.claims.torn_between_twins`.
        """
        number, equal = self.matcher.number, self.matcher.equal
        if not {"forename", "date_of_birth"} <= number.keys():
            return False
        forename, birth = number["forename"], number["date_of_birth"]
        apart = [at for at in self.children if at not in joined]
        twins = [pair for at in apart for pair in self.pairs(NEWCOMER, at) if pair.why is Why.TWINS]
        ours = [pair for at in joined for pair in self.pairs(NEWCOMER, at)]
        numbered = [pair for pair in ours if any(pair.levels[each] == equal[each] for each in self.matcher.numbers)]
        if any(pair.levels[forename] == equal[forename] and pair.levels[birth] == equal[birth] for pair in twins):
            others = [pair for pair in numbered if pair.levels[forename] not in (0, equal[forename])]
            if others:
                return True
        return not numbered and self._is_of_the_other_sex(joined)

    def _is_of_the_other_sex(self, joined: Collection[int]) -> bool:
        """Whether the newcomer's sex is not that of the children it joins, but that of their twin."""
        sex = self.newcomer.prepared[self.matcher.place["sex"]]
        if sex is None or self._usual_sex((NEWCOMER, *joined)) in (None, sex):
            return False
        return any(
            self._usual_sex((other,)) == sex
            and any(pair.why is Why.TWINS for pair in self.all_pairs((NEWCOMER, *joined), other))
            for other in self.children
            if other not in joined
        )

    def is_rather_ours(self, ours: Collection[int], at: int, key: str) -> bool:
        """Whether one record of a child is the newcomer's (or of those it joins) more than its own child's.

        The three are weighed anew, as if none of them had been put together yet.
        """
        group = self.groups[at]
        record = [member for member in group.members if member.key == key]
        rest = [member for member in group.members if member.key != key]
        here = [member for one in ours for member in self.groups[one].members]
        pairs = self.all_pairs(ours, at)
        between = {
            (0, 1): [pair for pair in pairs if key in (pair.mine, pair.theirs)],
            (0, 2): [pair for pair in pairs if key not in (pair.mine, pair.theirs)],
            (1, 2): [self._pair(record[0], member, False) for member in rest],
        }
        seen = [self._seen(members) for members in (here, record, rest)]
        claims = {
            (i, j): claim
            for (i, j), held in between.items()
            if held
            and (claim := of_wholes(held, self.matcher.kinds, self.expectations.evidence(seen[j], seen[i]), self.lines))
        }
        labels, _ = grow(3, claims, self.matcher.kinds, self.lines)
        return labels[0] == labels[1] != labels[2]

    def _usual_sex(self, places: Iterable[int]) -> str | None:
        sex = self.matcher.place["sex"]
        known = Counter(
            str(value)
            for at in places
            for member in self.groups[at].members
            if (value := member.prepared[sex]) is not None
        )
        return min(known, key=lambda each: (-known[each], each)) if known else None
