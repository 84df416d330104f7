"""Every error samechild raises, on one page: what it means, the exit code of a command, the status of a web answer.

Problems in *data* are values (:class:`samechild.records.Issue`), collected and returned: one bad row never sinks a
file. Problems in *asking* are the exceptions here, raised where they are noticed and caught only at the doors. A
message says what to do next and names a place (file, sheet, row, column); it never repeats a value from a child's
record.
"""

from __future__ import annotations


class SamechildError(Exception):
    """Something stopped the work. ``exit_code`` is what the command ends with; the message is for a person."""

    exit_code = 70
    http_status = 500


class Invalid(SamechildError):
    """The request itself is malformed: a file that cannot be read, a column nobody can name, an option out of range."""

    exit_code = 2
    http_status = 400


class TooLarge(Invalid):
    """More was sent than is taken at once: send it in smaller parts."""

    http_status = 413


class Unauthenticated(SamechildError):
    """Who are you? Nobody is signed in, or the token or signature does not hold."""

    exit_code = 3
    http_status = 401


class Refused(SamechildError):
    """A rule says no: a recorded decision, or a folder with earlier results that would be overwritten."""

    exit_code = 3
    http_status = 403


class Missing(SamechildError):
    """No such thing, as far as this asker may know."""

    exit_code = 4
    http_status = 404


class Conflict(SamechildError):
    """Somebody else got there first; look again and resubmit."""

    exit_code = 5
    http_status = 409


class Unavailable(SamechildError):
    """Try again later: the disk is full, a service is down, an optional part is not installed."""

    exit_code = 6
    http_status = 503


class TooMany(Unavailable):
    """Too many requests in a short time: wait as long as the answer says."""

    http_status = 429


EXIT_FOUND_PROBLEMS = 1
"""Not an error of ours: a check ran and found something wrong."""

EXIT_INTERRUPTED = 130
"""Ctrl-C or a kill; nothing half-written looks whole."""

EXIT_OUR_BUG = 70
"""Anything else: shown with a reference and without detail."""
