"""The names of the town: which families use which, how often, and which names are variants of one another.

Lists come from published counts (``data/DATA_LICENCES.md``). Name groups only make plausible names; they must never be
used to guess a real person's origin.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
from rapidfuzz import process
from rapidfuzz.distance import JaroWinkler

from samechild.town.chance import Chance
from samechild.town.records import Flags, Floats, Ints

COHORTS = (1996, 2004, 2008, 2012, 2016, 2020, 2024)
GENERAL = ""
MUHAMMAD = ("Muhammad", "Mohammed", "Mohammad", "Mohamed", "Muhammed", "Mohamad", "Md.")
MUSLIM = ("pakistani", "bangladeshi", "arabic", "somali", "afghan", "kurdish", "iranian", "turkish", "nigerian_hausa")
PATRONYMIC = ("somali", "eritrean_ethiopian", "sri_lankan")
FAMILY_NAME_FIRST = ("chinese", "vietnamese", "hungarian")
TWO_SURNAMES = ("spanish_latin", "portuguese")
ENGLISH_ALIAS = ("chinese", "vietnamese", "hebrew_yiddish", "nigerian_yoruba", "nigerian_igbo", "ghanaian")
ENGLISH_SPEAKING = (GENERAL, "irish", "scottish", "welsh", "caribbean", "gypsy_roma_traveller", "zimbabwean")
FEMALE_SURNAMES = {
    "pakistani": ("Bibi", "Begum", "Akhtar", "Kauser", "Parveen", "Khatoon"),
    "bangladeshi": ("Begum", "Khatun", "Khanom", "Akhtar", "Nessa"),
}
ENDINGS = {  # male ending, female ending; the first that fits
    "polish": (("dzki", "dzka"), ("cki", "cka"), ("ski", "ska")),
    "czech_slovak": (("ý", "á"), ("y", "a"), ("", "ova")),
    "bulgarian": (("ski", "ska"), ("ov", "ova"), ("ev", "eva"), ("in", "ina")),
    "russian": (("sky", "skaya"), ("ov", "ova"), ("ev", "eva"), ("in", "ina")),
    "lithuanian": (("as", "aite"), ("is", "yte"), ("us", "ute"), ("ys", "yte")),
    "latvian": (("is", "e"), ("s", "a")),
}
EUROPEAN: tuple[str, ...] = (
    "irish",
    "scottish",
    "welsh",
    "italian",
    "greek_cypriot",
    "caribbean",
    "hebrew_yiddish",
    "portuguese",
)
EUROPEAN += ("spanish_latin", "romanian", "czech_slovak", "polish", "lithuanian", "latvian", "hungarian", "russian")
EUROPEAN += ("gypsy_roma_traveller", "bulgarian", "ukrainian")


class Pool(NamedTuple):
    """Names with how often each is drawn: positions in the town's list, and running shares up to 1."""

    names: Ints
    running: Floats

    def draw(self, chance: Chance, count: int) -> Ints:
        """Draw so many names, each as often as it occurs."""
        drawn: Ints = self.names[np.searchsorted(self.running, chance.fractions(count), side="right")]
        return drawn


class Names(msgspec.Struct, frozen=True):
    """Every name of the town in one list, and the pools, variants and endings that speak of it by position."""

    text: Any  # pa.Array of string: every name
    plain: Any  # the same without accents
    position: dict[str, int]
    communities: tuple[str, ...]
    general_first: dict[tuple[bool, int], Pool]  # by male, cohort
    first: dict[tuple[bool, int], Pool]  # by male, community
    last: dict[int, Pool]  # by community
    feminine: dict[int, Ints]  # by community: each name's female form
    variant_start: Ints
    variants: Ints
    alike: dict[bool, dict[int, Ints]]  # by male: common names that look alike
    initial: dict[bool, dict[str, Ints]]  # by male: common names by first letter
    own_share: Floats  # by community: share of children with a name of the community's own list

    def variant(self, names: Ints, chance: Chance) -> Ints:
        """A short form or other spelling of each name, or -1 where none is listed."""
        held = np.maximum(names, 0)
        start, stop = self.variant_start[held], self.variant_start[held + 1]
        pick = start + chance.below(stop - start, len(names))
        found: Ints = np.where(
            (names >= 0) & (stop > start), self.variants[np.minimum(pick, len(self.variants) - 1)], -1
        )
        return found

    def same_initial(self, name: int, male: bool) -> Ints:
        """Common names for a boy or girl with the same first letter, the name itself left out."""
        found = self.initial[male].get(self.text[name].as_py()[:1], np.array([], dtype=np.int64))
        others: Ints = found[found != name]
        return others

    def women(self, surnames: Ints, community: Ints, male: Flags) -> Ints:
        """Surnames with the female ending where a community has one and the child is a girl."""
        result = surnames.copy()
        for number, forms in self.feminine.items():
            chosen = (community == number) & ~male & (surnames >= 0)
            result[chosen] = forms[surnames[chosen]]
        return result


def read_rows(name: str) -> list[dict[str, str]]:
    """The rows of one of the room's lists."""
    raw = resources.files("samechild.town").joinpath("data", name).read_bytes()
    text = (gzip.decompress(raw) if name.endswith(".gz") else raw).decode("utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def _variant_rows() -> list[dict[str, str]]:
    raw = resources.files("samechild.demographics").joinpath("data", "name_variants.csv").read_bytes()
    return [row for row in csv.DictReader(io.StringIO(raw.decode("utf-8"))) if row["applies_to"] == "first"]


def _pool(weights: Iterable[tuple[int, float]]) -> Pool:
    pairs = list(weights)
    running = np.cumsum([weight for _, weight in pairs])
    running = running / running[-1]
    running[-1] = 1.0
    return Pool(np.array([name for name, _ in pairs], dtype=np.int64), running)


def _female_form(name: str, endings: tuple[tuple[str, str], ...]) -> str:
    for male, female in endings:
        if name.endswith(male) and not name.endswith(female):
            return name[: len(name) - len(male)] + female
    return name


def _look_alikes(pool: Pool, text: list[str], most: int = 700) -> dict[int, Ints]:
    """For each common name, other common names that are easily taken for it: Jaro-Winkler 0.84 or more, or a rhyme."""
    share = np.diff(pool.running, prepend=0.0)
    common = pool.names[np.argsort(-share, kind="stable")[:most]]
    spelt = [text[name] for name in common.tolist()]
    tails = np.array([name[1:] if len(name) > 3 else name for name in spelt])
    near = process.cdist(spelt, spelt, scorer=JaroWinkler.similarity, dtype=np.float64) >= 0.84
    near |= tails[:, None] == tails[None, :]
    np.fill_diagonal(near, False)
    return {name: common[row] for name, row in zip(common.tolist(), near, strict=True) if row.any()}


def _by_initial(pool: Pool, text: list[str], most: int = 400) -> dict[str, Ints]:
    share = np.diff(pool.running, prepend=0.0)
    found: dict[str, list[int]] = defaultdict(list)
    for name in pool.names[np.argsort(-share, kind="stable")[:most]].tolist():
        found[text[name][:1]].append(name)
    return {letter: np.array(names, dtype=np.int64) for letter, names in found.items()}


Weighted = list[tuple[int, float]]
"""Names by position, each with how often it occurs."""


class _Register:
    """Gives each name its position in the town's list, and keeps how it looks without accents."""

    def __init__(self) -> None:
        self.position: dict[str, int] = {}
        self.plain: dict[str, str] = {}

    def __call__(self, name: str) -> int:
        return self.position.setdefault(name, len(self.position))


def _read_first_names(
    at: _Register, number: dict[str, int]
) -> tuple[dict[tuple[bool, int], Weighted], dict[tuple[bool, int], Weighted]]:
    """Each community's own first names, and the general ones by cohort, without those of other communities."""
    own: dict[tuple[bool, int], Weighted] = defaultdict(list)
    general: dict[tuple[bool, int], Weighted] = defaultdict(list)
    elsewhere: set[str] = set()
    for row in read_rows("first_name_groups.csv.gz"):
        own[row["sex"] == "M", number[row["group"]]].append((at(row["name"]), float(row["count"])))
        if row["group"] not in EUROPEAN:
            elsewhere.add(row["name"])
    for row in read_rows("first_names.csv.gz"):
        if row["name"] not in elsewhere:
            general[row["sex"] == "M", int(row["year"])].append((at(row["name"]), float(row["count"])))
    return own, general


def _read_surnames(
    at: _Register, number: dict[str, int], fathers: dict[tuple[bool, int], Weighted]
) -> tuple[dict[int, Weighted], dict[int, dict[int, int]]]:
    """Each community's surnames, and the female form of each where it has one."""
    last: dict[int, Weighted] = defaultdict(list)
    female: dict[int, dict[int, int]] = defaultdict(dict)
    for row in read_rows("surnames.csv.gz"):
        group, surname = row["group"], row["surname"]
        endings = ENDINGS.get(group, ())
        if any(len(ending) > 2 and surname.endswith(ending) for _, ending in endings):
            continue  # the male form of a list's female entry is in the list
        if group == GENERAL and set(row["also_in_groups"].split()) - set(EUROPEAN):
            continue
        at.plain[surname] = row["ascii_form"]
        last[number[group]].append((at(surname), float(row["weight"])))
        if endings:
            form = _female_form(surname, endings)
            at.plain[form] = _female_form(row["ascii_form"], endings)
            female[number[group]][at(surname)] = at(form)
    for group in PATRONYMIC:  # the father's given name
        last[number[group]] = fathers[True, number[group]]
    for community in number.values():
        last[community] = last[community] or last[number[GENERAL]]
    return last, female


@cache
def load_names() -> Names:
    """Read the name lists once (under a second) and make the pools of every community."""
    at = _Register()
    communities = tuple(row["group"] for row in read_rows("name_groups.csv"))
    number = {group: index for index, group in enumerate(communities)}
    own, general = _read_first_names(at, number)
    last, female = _read_surnames(at, number, own)
    for name in (*MUHAMMAD, "Singh", "Kaur", *(name for names in FEMALE_SURNAMES.values() for name in names)):
        at(name)
    pairs = [(at(row["name_a"]), at(row["name_b"])) for row in _variant_rows()]
    text = list(at.position)
    feminine = {community: np.arange(len(text), dtype=np.int64) for community in female}
    for community, forms in female.items():
        feminine[community][list(forms)] = list(forms.values())
    pools = {key: _pool(names) for key, names in general.items()}
    starts, variants = _variants(pairs, len(text))
    return Names(
        text=pa.array(text),
        plain=pa.array([at.plain.get(name, name) for name in text]),
        position=at.position,
        communities=communities,
        general_first=pools,
        first={key: _pool(names) for key, names in own.items()},
        last={key: _pool(names) for key, names in last.items()},
        feminine=feminine,
        variant_start=starts,
        variants=variants,
        alike={male: _look_alikes(pools[male, 2016], text) for male in (True, False)},
        initial={male: _by_initial(pools[male, 2016], text) for male in (True, False)},
        own_share=np.array([_own_share(group, own, number[group]) for group in communities]),
    )


def _own_share(group: str, own: dict[tuple[bool, int], Weighted], community: int) -> float:
    """Share of children whose first name comes from the community's own list: less where the list is short."""
    shortest = min(len(own.get((male, community), ())) for male in (True, False))
    if group == GENERAL or not shortest:
        return 0.0
    if group in ("irish", "scottish", "welsh", "caribbean", "gypsy_roma_traveller"):
        return 0.3
    return 0.75 if shortest >= 10 else 0.45


def _variants(pairs: list[tuple[int, int]], count: int) -> tuple[Ints, Ints]:
    both = np.array(sorted({*pairs, *((b, a) for a, b in pairs)}), dtype=np.int64)
    starts = np.searchsorted(both[:, 0], np.arange(count + 1))
    return starts.astype(np.int64), both[:, 1]
