"""Give memory back as soon as it is free: ten million records on one machine depend on it.

The C library keeps freed blocks for later, and Arrow's own allocator does too; between the steps of a run that adds up
to half as much again as the run needs. Handing every large block back costs time, so it is done for large files only.
Only Linux with the GNU C library is told; elsewhere nothing happens.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence
from pathlib import Path

_ARENAS, _FROM_SYSTEM = -8, -3  # M_ARENA_MAX and M_MMAP_THRESHOLD of <malloc.h>
_LARGE_BLOCK = 1 << 20
_LARGE_FILES = 400 << 20
_PACKED = 6
"""Text in Parquet takes about so many times more room when it is read."""


def spare_memory(files: Sequence[Path | str]) -> None:
    """Tell the allocators how to deal with freed memory, by the size of the files. Call it before Arrow is imported."""
    if not sys.platform.startswith("linux"):
        return
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    if sum(map(_size, map(Path, files))) < _LARGE_FILES:
        return
    try:
        library = ctypes.CDLL(None)
        library.mallopt(_ARENAS, 2)
        library.mallopt(_FROM_SYSTEM, _LARGE_BLOCK)
    except (OSError, AttributeError):
        return  # another C library: it works all the same, in more memory


def _size(file: Path) -> int:
    try:
        return file.stat().st_size * (_PACKED if file.suffix == ".parquet" else 1)
    except OSError:
        return 0  # reading it will say what is wrong
