"""What two groups of records claim of each other once each is taken as one child.

A pair of records may lack what the groups have between them: one record has the forename, another of the same group
the NHS number. So a claim starts from the strongest pair and adds what the groups as wholes know: numbers and
middle names that agree or contradict (each once, however many records repeat it), and which agencies see each of them
(:mod:`samechild.linkage.presence`).
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from samechild.linkage.agglomeration import MOST_BITS, Flags, Labels, Lines
from samechild.linkage.clustering import Links, Whole
from samechild.linkage.coded import Codes
from samechild.linkage.constraints import LOOKS_LIKE_ONE
from samechild.linkage.model import Comparison, Model
from samechild.linkage.presence import Presence
from samechild.linkage.scoring import Floats


class Between(msgspec.Struct, frozen=True):
    """The pairs of records between every two groups: sorted by group pair, the strongest pair of each last."""

    pairs: NDArray[np.int64]  # positions among the scored pairs
    starts: NDArray[np.int64]  # where each group pair begins
    left: NDArray[np.int64]  # for each group pair, the two groups' labels, lower first
    right: NDArray[np.int64]

    @property
    def strongest(self) -> NDArray[np.int64]:
        """The position of each group pair's strongest pair of records."""
        return np.asarray(self.pairs[np.append(self.starts[1:], len(self.pairs)) - 1])

    def any(self, flags: Flags) -> Flags:
        """Whether any pair of records between two groups has the flag (given for the scored pairs)."""
        return np.logical_or.reduceat(flags[self.pairs], self.starts)


def between_groups(group: Labels, links: Links) -> Between | None:
    """Sort the pairs of records that lie between two groups; None when there are none."""
    one, other, weight = group[links.left], group[links.right], links.weight
    pairs = np.flatnonzero(one != other)
    key = np.minimum(one[pairs], other[pairs]) * len(group) + np.maximum(one[pairs], other[pairs])
    possible = np.unique(key[(weight[pairs] >= HOPELESS) | links.never[pairs]])
    if not len(possible):
        return None
    place = np.searchsorted(possible, key)
    place[place == len(possible)] = 0
    keep = possible[place] == key
    pairs, place = pairs[keep], place[keep]
    order = np.lexsort((pairs, weight[pairs], place))
    pairs, place = pairs[order], place[order]
    starts = np.flatnonzero(np.concatenate([[True], place[1:] != place[:-1]]))
    return Between(pairs, starts, possible // len(group), possible % len(group))


HOPELESS = -12.0
"""Groups whose strongest pair is below this many bits are not weighed against each other, for nothing could join
them; but where a pair is forbidden it is kept, so that a third group is not put together with both."""


def claims_of(
    between: Between, links: Links, levels: list[NDArray[np.uint8]], model: Model, presence: Presence, lines: Lines
) -> Links:
    """Weigh every two groups against each other: one link for each group pair, in the order of ``between``."""
    weight = links.weight[between.pairs]
    counts = np.diff(np.append(between.starts, len(between.pairs)))
    mean = np.add.reduceat(np.clip(weight, -MOST_BITS, MOST_BITS), between.starts) / counts
    kinds = [
        (number, comparison)
        for number, comparison in enumerate(model.comparisons)
        if comparison.identifier or (comparison.own and not comparison.shared_by and comparison.name != "forename")
    ][:MOST_KINDS]
    best = links.weight[between.strongest].copy()
    marks = np.zeros(len(best), np.uint16)
    losses = np.zeros(len(kinds))
    for bit, (number, comparison) in enumerate(kinds):
        agree, differ = (
            between.any(levels[number] == _equal(comparison)),
            numbers_contradict(comparison, levels[number]),
        )
        losses[bit] = min([0.0, *(level.weight for level in comparison.levels if level.label.startswith("different"))])
        marks |= (agree.astype(np.uint16) << np.uint16(bit)) | (
            between.any(differ).astype(np.uint16) << np.uint16(bit + MOST_KINDS)
        )
        own = differ[between.strongest]
        best -= np.where(own, losses[bit], 0.0)
        unseen = agree & (levels[number][between.strongest] == 0)
        best += np.where(unseen, min(comparison.levels[_equal(comparison)].weight, MOST_BITS), 0.0)
    against = _against(losses)
    seen = presence.evidence(between.left, between.right)
    claim = best + seen + against[marks]
    claim = np.where(mean < lines.average, np.minimum(claim, mean), claim)
    return Links(
        between.left.astype(np.int32),
        between.right.astype(np.int32),
        claim,
        between.any(links.never),
        Whole(best, seen, marks, against),
    )


MOST_KINDS = 8
"""So many kinds of number (and middle names, and places in a birth) are followed through the joining of groups."""


def _equal(comparison: Comparison) -> int:
    return next(place for place, level in enumerate(comparison.levels) if not level.is_null)


def _against(losses: Floats) -> Floats:
    """What every combination of marks takes away: a kind of number that differs and is nowhere in common."""
    marks = np.arange(1 << (2 * MOST_KINDS))
    total = np.zeros(len(marks))
    for bit, loss in enumerate(losses.tolist()):
        agree, differ = (marks >> bit) & 1, (marks >> (bit + MOST_KINDS)) & 1
        total += np.where((differ == 1) & (agree == 0), loss, 0.0)
    return total


def numbers_contradict(comparison: Comparison, levels: NDArray[np.uint8]) -> Flags:
    """Whether two numbers are plainly two: different, or given out together to two children."""
    two = [
        place
        for place, level in enumerate(comparison.levels)
        if level.label.startswith("different") or level.label.endswith(TOGETHER_LABEL)
    ]
    return np.isin(levels, two)


TOGETHER_LABEL = "issued together"


def torn_between_twins(
    child: Labels,
    left: Codes,
    right: Codes,
    levels: list[NDArray[np.uint8]],
    twins: Flags,
    model: Model,
    sex: Codes | None,
) -> NDArray[np.int64]:
    """Records that stand between two twins, so that nobody can tell whose they are: a person is asked.

    Either a record has one twin's forename and the other twin's number (it shares a number, but not the forename, with
    a record of its child, and the forename with a record of the twin); or it has one twin's forename and the other's
    sex, and no number at all. ``twins``: pairs held apart as twins. ``sex``: code of each record's sex, -1 unknown.
    """
    place = {comparison.name: number for number, comparison in enumerate(model.comparisons)}
    if not {"forename", "date_of_birth"} <= place.keys():
        return np.zeros(0, np.int64)
    forename, birth = levels[place["forename"]], levels[place["date_of_birth"]]
    same_name = forename == _equal(model.comparisons[place["forename"]])
    together = child[left] == child[right]
    apart = twins & ~together
    like_the_other = apart & same_name & (birth == _equal(model.comparisons[place["date_of_birth"]]))
    one_number = np.zeros(len(left), bool)
    for number, comparison in enumerate(model.comparisons):
        if comparison.identifier:
            one_number |= levels[number] == _equal(comparison)
    numbered = together & one_number
    torn = _ends(like_the_other, left, right, len(child)) & _ends(
        numbered & ~same_name & (forename != 0), left, right, len(child)
    )
    if sex is not None:
        torn |= _of_the_other_sex(child, left[apart], right[apart], sex) & ~_ends(numbered, left, right, len(child))
    return np.flatnonzero(torn)


def _ends(pairs: Flags, left: Codes, right: Codes, records: int) -> Flags:
    """The records at either end of the marked pairs."""
    seen = np.zeros(records, bool)
    seen[left[pairs]] = True
    seen[right[pairs]] = True
    return seen


def _of_the_other_sex(child: Labels, left: Codes, right: Codes, sex: Codes) -> Flags:
    """Records of the sex of their child's twin (``left``, ``right``: twin pairs), not of the child's others."""
    records, kinds = len(child), int(sex.max(initial=-1)) + 1
    known = np.flatnonzero(sex >= 0)
    counts = np.bincount(child[known] * kinds + sex[known], minlength=records * kinds).reshape(records, -1)
    usual = np.where(counts.sum(axis=1) > 0, counts.argmax(axis=1) if kinds else 0, -1)
    pairs = np.unique(
        np.stack([np.append(child[left], child[right]), np.append(child[right], child[left])], axis=1), axis=0
    )
    twin_of_other_sex = np.zeros(records, bool)
    differ = (usual[pairs[:, 0]] >= 0) & (usual[pairs[:, 1]] >= 0) & (usual[pairs[:, 0]] != usual[pairs[:, 1]])
    twin_of_other_sex[pairs[differ, 0]] = True
    result = np.zeros(records, bool)
    result[known] = twin_of_other_sex[child[known]] & (sex[known] != usual[child[known]])
    return result


def two_identities(between: Between, claims: Links, levels: list[NDArray[np.uint8]], model: Model) -> Flags:
    """Group pairs that are two valid identities which look like one child (see :mod:`samechild.linkage.constraints`).

    Their numbers contradict and none agrees, no two of their records share a surname, forename and birth date agree in
    the strongest pair, and without the numbers they would be one child or nearly so.
    """
    place = {comparison.name: number for number, comparison in enumerate(model.comparisons)}
    result = np.zeros(len(claims.left), bool)
    if not {"surname", "forename", "date_of_birth"} <= place.keys():
        return result
    strongest = between.strongest
    last = {name: len(model.comparisons[place[name]].levels) - 1 for name in ("surname", "forename")}
    akin = between.any((levels[place["surname"]] != last["surname"]) & (levels[place["surname"]] != 0))
    forename, birth = levels[place["forename"]][strongest], levels[place["date_of_birth"]][strongest]
    result = ~akin & (forename > 0) & (forename < last["forename"] - 1) & (birth > 0) & (birth <= 3)
    assert claims.whole is not None
    contradict = np.zeros(len(result), bool)
    for name in ("nhs_number", "upn"):
        if name in place:
            comparison, level = model.comparisons[place[name]], levels[place[name]]
            agree = between.any(level == _equal(comparison))
            contradict |= between.any(numbers_contradict(comparison, level)) & ~agree
    return result & contradict & (claims.whole.best >= LOOKS_LIKE_ONE)
