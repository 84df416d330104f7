"""A purge is a real deletion: what it names is taken out of everything that was received up to then as well.

The slices that a council sent are kept as received so that the state can be rebuilt from them. A purge of a part of a
child's record therefore rewrites them: merging the redacted slices gives exactly the state after the purge, and nothing
of what was purged is left to be rebuilt. What a later submission brings again is new, and stays. (A purge of the whole
child destroys the child's keys instead, see :mod:`samechild.policy.retention`.)

Which places were purged is journalled as keyed tokens, so that slices that come back from a backup can be redacted
again without the journal telling anything about a child.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from samechild.collection.parts import Role, below, parts
from samechild.collection.records import Child


def matches(path: str, tokens: Collection[str], token_of: Callable[[str], str]) -> bool:
    """Whether a path was purged, itself or with something that it stands in. ``token_of`` makes the token of a path."""
    steps = path.split("/")
    return any(token_of("/".join(steps[:length])) in tokens for length in range(1, len(steps) + 1))


def redact(sent: Mapping[str, Any], is_purged: Callable[[str], bool]) -> dict[str, Any]:
    """A record as it was received, without what was purged: sections, and items of lists with everything in them.

    ``is_purged`` says whether a path was purged by this record or a later one (see :func:`matches`). The record given
    stays as it is. A list whose items are all gone stays as an empty list, because what a list no longer names matters.
    """
    return _redacted(Child, sent, "", is_purged)


def _redacted(kind: type, sent: Mapping[str, Any], path: str, is_purged: Callable[[str], bool]) -> dict[str, Any]:
    left = dict(sent)
    for part in parts(kind):
        value = left.get(part.name)
        if value is None:
            continue
        place = below(path, part.name)
        if part.role is Role.SECTION:
            if is_purged(place):
                del left[part.name]
            else:
                left[part.name] = _redacted(part.kind, value, place, is_purged)
        elif part.role is Role.ITEMS:
            named = ((f"{place}/{item[part.key]}", item) for item in value)
            left[part.name] = [_redacted(part.kind, item, it, is_purged) for it, item in named if not is_purged(it)]
    return left
