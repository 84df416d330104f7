"""Every error samechild raises, on one page: what it means and the exit code a command ends with.

Problems in *data* are values (:class:`samechild.records.Issue`), collected and returned: one bad row never sinks a
file. Problems in *asking* are the exceptions here, raised where they are noticed and caught only at the doors. A
message says what to do next and names a place (file, sheet, row, column); it never repeats a value from a child's
record.
"""

from __future__ import annotations


class SamechildError(Exception):
    """Something stopped the work. ``exit_code`` is what the command ends with; the message is for a person."""

    exit_code = 70


class Invalid(SamechildError):
    """The request itself is malformed: a file that cannot be read, a column nobody can name, an option out of range."""

    exit_code = 2


class Refused(SamechildError):
    """A rule says no: for example, a folder with earlier results that would be overwritten."""

    exit_code = 3


class Missing(SamechildError):
    """No such thing, as far as this asker may know."""

    exit_code = 4


class Conflict(SamechildError):
    """Somebody else got there first; look again and resubmit."""

    exit_code = 5


class Unavailable(SamechildError):
    """Try again later: the disk is full, a service is down, an optional part is not installed."""

    exit_code = 6


EXIT_FOUND_PROBLEMS = 1
"""Not an error of ours: a check ran and found something wrong."""

EXIT_INTERRUPTED = 130
"""Ctrl-C or a kill; nothing half-written looks whole."""

EXIT_OUR_BUG = 70
"""Anything else: shown with a reference and without detail."""
