"""The code sets that councils' records are checked against, with what each code means.

The specification limits only the length of a coded field. Whether a code is one of a list is a question of quality, so
it never refuses a record: a council may use a code of last year for a case of last year. Source: the code lists of the
children in need census, the looked-after return (SSDA903) and the Standard Safeguarding Dataset, collected in
``data/codesets.json`` (see ``data/NOTICES``).
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec


@cache
def _sets() -> dict[str, dict[str, Any]]:
    text = (files("samechild.collection") / "data" / "codesets.json").read_bytes()
    return {name: held for name, held in msgspec.json.decode(text).items() if not name.startswith("_")}


@cache
def codes(name: str) -> dict[str, str]:
    """The codes in use of one code set, such as ``placement_type``: code to what it means."""
    return dict(_sets()[name]["codes"])


@cache
def legacy(name: str) -> dict[str, str]:
    """The codes that are no longer used but still stand in older cases: code to what it meant."""
    return dict(_sets()[name].get("legacy", {}))


@cache
def accepted(name: str) -> frozenset[str]:
    """Every code that a record may hold: those in use and those of older cases."""
    return frozenset(codes(name)) | frozenset(legacy(name))


@cache
def group(name: str, kind: str) -> frozenset[str]:
    """The codes of a code set that belong together, such as the temporary ones of ``placement_type``."""
    return frozenset(_sets()[name]["groups"][kind])


def meaning(name: str, code: str) -> str:
    """What a code means, in words; empty when the code set does not know it."""
    return codes(name).get(code) or legacy(name).get(code, "")


@cache
def authorities() -> frozenset[str]:
    """The three-digit numbers that may stand in a UPN: those of authorities and pseudo-authorities, past and present.

    000 is among them: no authority has it, and made-up numbers carry it.
    """
    found = {"000"}
    for part in _sets()["upn_check"]["valid_la_numbers"]:
        first, _, last = part.partition("-")
        found.update(f"{number:03d}" for number in range(int(first), int(last or first) + 1))
    return frozenset(found)
