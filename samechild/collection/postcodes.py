"""The postcode directory of an installation, for rules that ask how far a placement is or whether a postcode exists.

Nobody has to bring one. Where there is none, or none that can be read, those rules say less and the page of rules says
so; no council's records wait for it.
"""

from __future__ import annotations

from samechild.errors import SamechildError
from samechild.files.postcodes import NO_DIRECTORY, PostcodeDirectory, open_directory
from samechild.storage import Store

_PLACE = "collection.postcodes"


def postcodes_of(store: Store) -> PostcodeDirectory:
    """The directory of an installation, opened once and again when it was replaced; one that knows nothing if none."""
    try:
        told = store.postcodes.stat()
    except OSError:
        return NO_DIRECTORY
    mark = (told.st_mtime_ns, told.st_size, told.st_ino)
    held: tuple[tuple[int, int, int], PostcodeDirectory] | None = store.memory.get(_PLACE)
    if held is None or held[0] != mark:
        try:
            held = (mark, open_directory(store.postcodes))
        except SamechildError:
            held = (mark, NO_DIRECTORY)
        store.memory[_PLACE] = held
    return held[1]
