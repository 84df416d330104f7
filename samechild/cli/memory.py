"""Give memory back as soon as it is free: ten million records on one machine depend on it.

The C library keeps large freed blocks for later, and Arrow's own allocator does too; between the steps of a run that
adds up to half as much again as the run needs. Only Linux with the GNU C library is told; elsewhere nothing happens.
"""

from __future__ import annotations

import ctypes
import os
import sys

_ARENAS, _FROM_SYSTEM = -8, -3  # M_ARENA_MAX and M_MMAP_THRESHOLD of <malloc.h>
_LARGE = 1 << 20


def return_memory_promptly() -> None:
    """Have blocks of a mebibyte and more given back the moment they are freed. Call it before Arrow is imported."""
    if not sys.platform.startswith("linux"):
        return
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    try:
        library = ctypes.CDLL(None)
        library.mallopt(_ARENAS, 2)
        library.mallopt(_FROM_SYSTEM, _LARGE)
    except (OSError, AttributeError):
        return  # another C library: it works all the same, in more memory
