"""What a step of the index plans to write, shared by the steps that go forward and the one that goes back."""

from __future__ import annotations

import msgspec

from samechild.index.records import Change, Kind

RULED_APART = "A ruling keeps records of these two apart: a person has to lift it before they can be joined."
"""The one answer to every joining that a ruling forbids, so that it tells nothing about the ruling."""


class Planned(msgspec.Struct, frozen=True):
    """A step that may be taken: what kind, the child it is about, the other child if any, and the lines it changes."""

    kind: Kind
    child: str
    other: str
    changes: tuple[Change, ...]
