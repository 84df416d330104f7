"""Run one command and write down its wall time, CPU time, peak memory and exit code.

It is a program of its own, and imports next to nothing, because Linux counts the memory of the process that starts
another towards the peak of the started one: a large parent would spoil the measurement.
"""

from __future__ import annotations

import json
import os
import sys
import time


def launch(command: list[str]) -> dict[str, float]:
    """Run a command to its end: seconds on the clock, CPU seconds of it and its children, peak MiB, exit code.

    Peak memory is the largest resident set of any one process of the command, as the kernel counted it
    (``ru_maxrss`` of wait4(2), in KiB on Linux).
    """
    load = os.getloadavg()[0]
    begun = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ)
    _, status, used = os.wait4(pid, 0)
    return {
        "wall": time.perf_counter() - begun,
        "cpu": used.ru_utime + used.ru_stime,
        "peak_mib": used.ru_maxrss / 1024,
        "load": load,
        "code": os.waitstatus_to_exitcode(status),
    }


if __name__ == "__main__":
    measured = launch(sys.argv[2:])
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(measured, file)
