"""What changed about a child since it was last kept, known from fingerprints alone.

Nothing of a child is stored between two nights: only keyed hashes of its parts, so that the file on a laptop tells
nobody anything. What changed is sent as the receiving side merges it: personal details whole, a changed episode with
its own fields and its changed lists, and every current item of a list that is sent, the unchanged ones by id alone, so
that the receiver can see what is no longer there. Absence deletes nothing; deleting is a purge, asked for by name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from samechild.collection.records import KEYS
from samechild.collection.send.values import canonical

BYTES = 12
"""Of each fingerprint (BLAKE2b, RFC 7693): 96 bits, so that a change is never missed by chance."""

_EPISODES = "social_care_episodes"
_WHOLE_SECTIONS = ("child_details", "health_and_wellbeing")

Mark = Callable[[bytes], str]
"""A keyed fingerprint of some bytes, as text."""


class Episode(msgspec.Struct, frozen=True, rename={"own": "o", "parts": "p", "items": "i"}):
    """Fingerprints of one episode: its own fields, each list or section whole, and the items of lists with ids."""

    own: str
    parts: dict[str, str] = {}
    items: dict[str, dict[str, str]] = {}


class Print(msgspec.Struct, frozen=True, rename={"whole": "w", "sections": "s", "episodes": "e"}):
    """Fingerprints of one child. ``whole`` decides whether anything changed."""

    whole: str
    sections: dict[str, str] = {}
    episodes: dict[str, Episode] | None = None


def marker(key: bytes) -> Mark:
    """Make fingerprints with a key: without it nobody can try which child gives which."""

    def mark(content: bytes) -> str:
        return hashlib.blake2b(content, digest_size=BYTES, key=key[:64]).hexdigest()

    return mark


def print_of(child: Mapping[str, Any], mark: Mark, *, steady_ids: bool = True) -> Print:
    """The fingerprints of a child whose lists stand in one order (:func:`whole_child`).

    With ``steady_ids`` off, ids of episodes and of what is in them do not count when deciding whether it changed.
    """
    whole = child if steady_ids else without_ids(child)
    episodes = child.get(_EPISODES)
    return Print(
        whole=mark(canonical(whole)),
        sections={name: mark(canonical(child[name])) for name in _WHOLE_SECTIONS if name in child},
        episodes=None
        if episodes is None
        else {_named(_EPISODES, each, mark): _episode_print(each, mark) for each in episodes},
    )


def without_ids(child: Mapping[str, Any]) -> dict[str, Any]:
    """A child without the ids of its episodes and of what is in them, in an order that does not depend on them."""

    def plain(value: Any, key: str = "") -> Any:
        if isinstance(value, Mapping):
            return {name: plain(each, KEYS.get(name, "")) for name, each in value.items() if name != key}
        if isinstance(value, list):
            items = [
                plain({name: each for name, each in item.items() if name != key}) if isinstance(item, dict) else item
                for item in value
            ]
            return sorted(items, key=canonical)
        return value

    return {name: plain(value, KEYS.get(name, "")) for name, value in child.items()}


def delta(child: Mapping[str, Any], before: Print, mark: Mark) -> dict[str, Any]:
    """What is sent of a changed child: the ids, the personal details whole, and what changed of the rest."""
    changed = {name: child[name] for name in ("la_child_id", "mis_child_id", "child_details") if name in child}
    wellbeing = child.get("health_and_wellbeing")
    if wellbeing is not None and mark(canonical(wellbeing)) != before.sections.get("health_and_wellbeing"):
        changed["health_and_wellbeing"] = wellbeing
    episodes = child.get(_EPISODES, [])
    known = before.episodes or {}
    sent = [_episode_delta(each, known.get(_named(_EPISODES, each, mark)), mark) for each in episodes]
    gone = len(known.keys() - {_named(_EPISODES, each, mark) for each in episodes}) > 0
    if gone or any(len(each) > 1 for each in sent):
        changed[_EPISODES] = sent
    return changed


def purge_of(la_child_id: str) -> dict[str, Any]:
    """What asks the receiver to erase everything it holds of a child."""
    return {"la_child_id": la_child_id, "purge": True}


def _named(items: str, item: Mapping[str, Any], mark: Mark) -> str:
    return mark(str(item.get(KEYS[items], "")).encode())


def _own_fields(episode: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in episode.items() if not isinstance(value, list | dict)}


def _episode_print(episode: Mapping[str, Any], mark: Mark) -> Episode:
    parts = {name: value for name, value in episode.items() if isinstance(value, list | dict)}
    return Episode(
        own=mark(canonical(_own_fields(episode))),
        parts={name: mark(canonical(value)) for name, value in parts.items()},
        items={
            name: {_named(name, item, mark): mark(canonical(item)) for item in value}
            for name, value in parts.items()
            if name in KEYS
        },
    )


def _episode_delta(episode: dict[str, Any], before: Episode | None, mark: Mark) -> dict[str, Any]:
    """An episode as it is sent: whole when it is new, its id alone when nothing changed."""
    if before is None:
        return episode
    key = KEYS[_EPISODES]
    own = _own_fields(episode)
    sent = own if mark(canonical(own)) != before.own else {key: episode[key]}
    for name, value in episode.items():
        if isinstance(value, list | dict) and mark(canonical(value)) != before.parts.get(name):
            sent = {**sent, name: _list_delta(name, value, before.items.get(name, {}), mark)}
    emptied = [name for name in before.parts if name in _LISTS and name not in episode]
    return {**sent, **{name: [] for name in emptied}}


_LISTS = frozenset({*KEYS, "care_worker_details"}) - {_EPISODES}


def _list_delta(name: str, value: Any, before: Mapping[str, str], mark: Mark) -> Any:
    """A list with ids: changed items whole, the others by id alone; anything else whole."""
    if name not in KEYS:
        return value
    key = KEYS[name]
    return [
        {key: item[key]} if before.get(_named(name, item, mark)) == mark(canonical(item)) else item for item in value
    ]
