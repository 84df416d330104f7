"""Whatever a council sends in whatever order, the merged child is what the slow model says, and can be rebuilt."""

from __future__ import annotations

import copy
import functools
import random
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from samechild.collection.history import differences, known_at, replay, true_at
from samechild.collection.merge import WHOLE, Held, child_of, joined, merge, parted
from samechild.collection.paths import at_path, path_of, paths
from samechild.collection.records import KEYS
from samechild.collection.redact import matches, redact
from slow_merge import Slow, slow_merge

MANY = 300
START = date(2026, 1, 5)
DAYS = st.sampled_from(["2025-03-01", "2025-06-30", "2026-01-02", "2026-02-28"])
IDS = st.sampled_from(["1", "2", "3"])
PURGE = st.sampled_from([False, False, False, True])
POSTCODES = st.sampled_from(["ZZ99 3WZ", "ZZ99 3VZ"])


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with any of its fields."""
    return st.fixed_dictionaries({}, optional=fields)


def item(key: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with its id and any of its other fields."""
    return st.fixed_dictionaries({key: IDS}, optional={**fields, "purge": PURGE})


DETAILS = some(
    first_name=st.sampled_from(["Qix", "Zorb"]),
    surname=st.sampled_from(["Vane", "Wisp"]),
    unique_pupil_number=st.sampled_from(["A000000000001", "B000000000002"]),
    sex=st.sampled_from("MF"),
    date_of_birth=st.sampled_from(["2014-05-06", "2014-06-05"]),
    disabilities=st.lists(st.sampled_from(["NONE", "HAND", "MOB"]), unique=True, max_size=3),
    postcode=POSTCODES,
    uasc_flag=st.booleans(),
    purge=PURGE,
)
WORKERS = st.lists(some(worker_id=st.sampled_from(["A", "B"]), start_date=DAYS, end_date=DAYS), max_size=4)
EPISODES = st.lists(
    item(
        "social_care_episode_id",
        referral_date=DAYS,
        closure_date=DAYS,
        closure_reason=st.sampled_from(["RC1", "RC2"]),
        care_worker_details=WORKERS,
        child_and_family_assessments=st.lists(
            item(
                "child_and_family_assessment_id",
                start_date=DAYS,
                factors=st.lists(st.sampled_from(["1A", "2B"]), unique=True),
            ),
            max_size=3,
        ),
        child_in_need_plans=st.lists(item("child_in_need_plan_id", start_date=DAYS, end_date=DAYS), max_size=3),
        section_47_assessments=st.lists(item("section_47_assessment_id", icpc_required_flag=st.booleans()), max_size=2),
        child_protection_plans=st.lists(item("child_protection_plan_id", start_date=DAYS), max_size=3),
        child_looked_after_placements=st.lists(
            item("child_looked_after_placement_id", start_date=DAYS, postcode=POSTCODES, end_date=DAYS), max_size=3
        ),
        adoption=some(matched_date=DAYS, placed_date=DAYS, purge=PURGE),
        care_leavers=some(contact_date=DAYS, activity=st.sampled_from(["F1", "F2"]), purge=PURGE),
    ),
    max_size=3,
)
RECORDS = st.fixed_dictionaries(
    {"la_child_id": st.just("QC91")},
    optional={
        "mis_child_id": st.sampled_from(["QM91", "QM92", None]),
        "child_details": DETAILS,
        "health_and_wellbeing": some(
            sdq_assessments=st.lists(some(date=DAYS, score=st.integers(0, 3)), max_size=3), purge=PURGE
        ),
        "social_care_episodes": EPISODES,
        "purge": st.sampled_from([False] * 15 + [True]),
    },
)
HISTORIES = st.lists(RECORDS, min_size=1, max_size=6)


def day(number: int) -> str:
    """The ISO day on which the record of this number was received."""
    return (START + timedelta(days=number)).isoformat()


def flat(tree: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """A tree as a table of places and values."""
    found: dict[str, Any] = {}
    for name, value in tree.items():
        place = f"{path}/{name}" if path else name
        if isinstance(value, dict):
            found |= flat(value, place)
        elif name in KEYS:
            for each in value:
                found |= flat(each, f"{place}/{each[KEYS[name]]}")
        elif name == "care_worker_details":
            for each in value:
                found |= flat(each, f"{place}/{each.get('worker_id', '')}@{each.get('start_date', '')}")
        else:
            found[place] = value
    return found


def as_bytes(held: Held | None) -> bytes:
    """A state as it would be kept."""
    return msgspec.json.encode(held)


def held_after(history: list[dict[str, Any]]) -> Held | None:
    """What some records add up to, received one a day."""
    return replay((day(number), sent) for number, sent in enumerate(history))


@settings(max_examples=MANY)
@given(HISTORIES)
def test_any_history_adds_up_to_what_the_slow_model_says(history: list[dict[str, Any]]) -> None:
    held: Held | None = None
    slow: Slow | None = None
    for number, sent in enumerate(history):
        given_before, held_before = copy.deepcopy(sent), as_bytes(held)
        merged = merge(held, sent, day(number))
        slow = slow_merge(slow, sent, day(number))
        assert sent == given_before
        assert as_bytes(held) == held_before
        if slow is None:
            assert merged.held is None
        else:
            assert merged.held is not None
            assert flat(merged.held.child) == slow.cells
            assert merged.held.unreported == slow.marks
        assert merged.changed == (as_bytes(merged.held) != held_before)
        held = merged.held


@settings(max_examples=MANY)
@given(HISTORIES, RECORDS)
def test_sent_twice_is_sent_once(history: list[dict[str, Any]], sent: dict[str, Any]) -> None:
    once = merge(held_after(history), sent, day(20)).held
    twice = merge(once, sent, day(20))
    assert as_bytes(twice.held) == as_bytes(once)
    assert not twice.changed


@given(HISTORIES, st.randoms(use_true_random=False))
def test_the_order_within_lists_means_nothing(history: list[dict[str, Any]], chance: random.Random) -> None:
    history = [_single(sent) for sent in history]
    assert as_bytes(held_after(history)) == as_bytes(held_after([_shuffled(sent, chance) for sent in history]))


def _single(sent: Any) -> Any:
    """Without repeated ids and without allocations that leave open which one is meant."""
    if isinstance(sent, dict):
        found = {}
        for name, value in sent.items():
            if name in KEYS:
                value = list({each[KEYS[name]]: each for each in value}.values())
            if name == "care_worker_details":
                value = list(
                    {
                        (each.get("worker_id"), each["start_date"]): each for each in value if "start_date" in each
                    }.values()
                )
            found[name] = _single(value)
        return found
    return [_single(each) for each in sent] if isinstance(sent, list) else sent


def _shuffled(sent: Any, chance: random.Random) -> Any:
    if isinstance(sent, dict):
        names = list(sent)
        chance.shuffle(names)
        return {name: _shuffled(sent[name], chance) for name in names}
    if isinstance(sent, list):
        return chance.sample([_shuffled(each, chance) for each in sent], len(sent))
    return sent


@settings(max_examples=MANY)
@given(HISTORIES)
def test_merging_the_redacted_slices_gives_the_state_after_the_purges(history: list[dict[str, Any]]) -> None:
    held: Held | None = None
    slices: list[tuple[str, dict[str, Any]]] = []
    for number, sent in enumerate(history):
        merged = merge(held, sent, day(number))
        held = merged.held
        slices.append((day(number), sent))
        if merged.purged == (WHOLE,):
            slices = []
            continue
        is_purged = functools.partial(
            matches, tokens=[f"token of {path}" for path in merged.purged], token_of="token of {}".format
        )
        for at, (received, slice_) in enumerate(slices):
            before = copy.deepcopy(slice_)
            slices[at] = received, redact(slice_, is_purged)
            assert slice_ == before
        for _, slice_ in slices:
            left = flat(_without_purge(slice_))
            assert not [place for place in left if matches(place, merged.purged, str)]
    assert as_bytes(replay(slices)) == as_bytes(held)


def _without_purge(sent: Any) -> Any:
    if isinstance(sent, dict):
        return {name: _without_purge(value) for name, value in sent.items() if name != "purge"}
    return [_without_purge(each) for each in sent] if isinstance(sent, list) else sent


@given(HISTORIES)
def test_parting_and_joining_restores_every_byte(history: list[dict[str, Any]]) -> None:
    held = held_after(history)
    if held is None:
        return
    identity, content = parted(held)
    told = msgspec.json.encode(content).decode()
    for canary in ("QC91", "QM91", "QM92", "Qix", "Zorb", "Vane", "Wisp", "A000000000001", "2014-0", "ZZ99"):
        assert canary not in told
    identity, content = msgspec.json.decode(msgspec.json.encode((identity, content)))
    assert as_bytes(joined(identity, content)) == as_bytes(held)


@given(HISTORIES)
def test_every_place_is_found_by_its_path(history: list[dict[str, Any]]) -> None:
    held = held_after(history)
    if held is None:
        return
    child = child_of(held)
    things = list(paths(child))
    assert len({path for path, _ in things}) == len(things)
    for path, thing in things:
        assert at_path(child, path) is thing
        assert path_of(child, (thing, "")) == path
    decoded = msgspec.to_builtins(child)
    for place in flat(held.child):
        assert place in flat(decoded)
        assert at_path(child, place) is not None


@given(HISTORIES, st.integers(0, 6))
def test_what_was_known_on_a_day_is_what_was_merged_by_then(history: list[dict[str, Any]], number: int) -> None:
    received = [(day(at), sent) for at, sent in enumerate(history)]
    assert as_bytes(known_at(received, START + timedelta(days=number))) == as_bytes(held_after(history[: number + 1]))


@given(HISTORIES)
def test_what_is_true_at_the_end_of_time_is_what_is_held(history: list[dict[str, Any]]) -> None:
    held = held_after(history)
    if held is None:
        return
    assert as_bytes(true_at(held, date.max)) == as_bytes(held)
    then = date(2025, 6, 30)
    once = true_at(held, then)
    assert as_bytes(true_at(once, then)) == as_bytes(once)
    for place, value in flat(once.child).items():
        assert flat(held.child)[place] == value or place.endswith("sdq_assessments")
        assert not (place.endswith("_date") and value > then.isoformat())


@given(HISTORIES, HISTORIES)
def test_there_are_differences_exactly_when_two_states_differ(
    one: list[dict[str, Any]], other: list[dict[str, Any]]
) -> None:
    before, after = held_after(one), held_after(other)
    assert differences(before, before) == []
    told = differences(before, after)
    if before is not None and after is not None and before.child != after.child:
        assert told
    assert len(told) == len(set(told))


# --- a client that sends changes only ---------------------------------------------------------------------------------


def partial(now: Any, before: Any) -> dict[str, Any]:
    """The changes between two whole records as the sector's client sends them (notes on its ``payload.py``)."""
    whole = {name: now[name] for name in ("la_child_id", "mis_child_id", "child_details") if name in now}
    return {**_changes(now, before), **whole}


def _changes(now: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in now.items():
        was = before.get(name)
        if was == value:
            continue
        if isinstance(value, dict) and isinstance(was, dict):
            if _changes(value, was):
                found[name] = _changes(value, was)
        elif isinstance(value, list) and isinstance(was, list):
            found[name] = [_item_changes(each, was, name) for each in value]
        else:
            found[name] = value
    return found


def _item_changes(each: Any, before: list[Any], name: str) -> Any:
    key = next((field for field in each if field.endswith("_id")), None) if isinstance(each, dict) else None
    match = next((was for was in before if key and was.get(key) == each[key]), None)
    if key is None or match is None:
        return each
    changes = {**_changes(each, match), key: each[key]}
    if name in ("social_care_episodes", "child_in_need_plans", "child_protection_plans"):
        changes["purge"] = False
    return changes


class Source:
    """A council's system: a child whose record grows, changes and shrinks from day to day."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data
        self.days = 0
        self.child: dict[str, Any] = {
            "la_child_id": "C1",
            "child_details": {"first_name": "Qix", "sex": "F", "unique_pupil_number": "A000000000001"},
            "social_care_episodes": [],
        }

    def pick(self, upto: int) -> int:
        """A number below another."""
        return self.data.draw(st.integers(0, upto - 1))

    def fresh(self) -> str:
        """A day that was never used before."""
        self.days += 1
        return (date(2025, 1, 1) + timedelta(days=self.days)).isoformat()

    def change(self) -> None:
        """Something happens."""
        what, child = self.pick(8), self.child
        episodes = child["social_care_episodes"]
        if what == 0 or not episodes:
            episodes.append({"social_care_episode_id": f"E{self.fresh()}", "referral_date": self.fresh()})
            return
        episode = episodes[self.pick(len(episodes))]
        if what == 1:
            name, (key, _) = list(_ITEM_DATES.items())[self.pick(len(_ITEM_DATES))]
            episode.setdefault(name, []).append({key: f"I{self.fresh()}", "start_date": self.fresh()})
        elif what == 2:
            lists = [name for name in _ITEM_DATES if episode.get(name)]
            if lists:
                name = lists[self.pick(len(lists))]
                episode[name][self.pick(len(episode[name]))][_ITEM_DATES[name][1]] = self.fresh()
        elif what == 3:
            lists = [name for name in _ITEM_DATES if episode.get(name)]
            if lists:
                name = lists[self.pick(len(lists))]
                del episode[name][self.pick(len(episode[name]))]
        elif what == 4:
            self._worker(episode)
        elif what == 5:
            details = child["child_details"]
            field = ["first_name", "sex", "unique_pupil_number"][self.pick(3)]
            if details.pop(field, None) is None:
                details[field] = {"first_name": "Zorb", "sex": "M"}.get(field, "B000000000002")
        elif what == 6:
            rows = child.setdefault("health_and_wellbeing", {}).setdefault("sdq_assessments", [])
            rows.insert(0, {"date": self.fresh(), "score": self.pick(41)})
        else:
            episode.setdefault("adoption", {})["matched_date"] = self.fresh()

    def _worker(self, episode: dict[str, Any]) -> None:
        """A worker is allocated, or an allocation ends."""
        rows = episode.setdefault("care_worker_details", [])
        unended = [row for row in rows if "end_date" not in row]
        if unended and self.pick(2):
            unended[self.pick(len(unended))]["end_date"] = self.fresh()
        else:
            rows.append({"worker_id": "AB"[self.pick(2)], "start_date": self.fresh()})

    def payload(self) -> dict[str, Any]:
        """The whole record as the system's view gives it: what is empty is left out."""
        child = copy.deepcopy(self.child)
        for episode in child["social_care_episodes"]:
            for name in [name for name, value in episode.items() if value == []]:
                del episode[name]
        return child


_ITEM_DATES = {
    "child_and_family_assessments": ("child_and_family_assessment_id", "authorisation_date"),
    "child_in_need_plans": ("child_in_need_plan_id", "end_date"),
    "section_47_assessments": ("section_47_assessment_id", "icpc_date"),
    "child_protection_plans": ("child_protection_plan_id", "end_date"),
    "child_looked_after_placements": ("child_looked_after_placement_id", "end_date"),
}


@settings(max_examples=MANY)
@given(st.data())
def test_changes_alone_lead_to_the_same_as_whole_records(data: st.DataObject) -> None:
    source = Source(data)
    source.change()
    before = source.payload()
    whole = changes = merge(None, before, day(0)).held
    for number in range(1, data.draw(st.integers(2, 8))):
        for _ in range(data.draw(st.integers(0, 3))):
            source.change()
        now = source.payload()
        whole = merge(whole, now, day(number)).held
        changes = merge(changes, partial(now, before), day(number)).held
        assert whole is not None
        assert changes is not None
        assert flat(changes.child) == flat(whole.child)
        assert changes.unreported == whole.unreported
        before = now
