"""Logs as JSON lines that hold references, counts and timings, and never what a child's record says.

What is private is left out twice: fields that are declared private in ``records`` by their name, and anything that
looks like an NHS number, a UPN, a date of birth, a postcode or an email address wherever it stands.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from functools import cache
from typing import Any, TextIO

import structlog

from samechild.records import Sensitivity, fields

LEFT_OUT = "[left out]"

_SECRET = {
    "authorization", "client_secret", "code", "cookie", "display_name", "email", "key", "name", "password", "reason",
    "secret", "text", "token",
}  # fmt: skip

_LOOKS_PRIVATE = re.compile(
    r"""
    (?<!\d)\d{3}[\ -]?\d{3}[\ -]?\d{4}(?!\d)                                # NHS number, telephone number
    | (?<![A-Za-z0-9])[A-Za-z]\d{11}[0-9A-Za-z](?![A-Za-z0-9])              # UPN
    | (?<!\d)(?:19|20)\d\d[-/.](?:0?[1-9]|1[0-2])[-/.](?:[0-2]?\d|3[01])(?!\d)   # date, year first
    | (?<!\d)(?:[0-2]?\d|3[01])[-/. ](?:0?[1-9]|1[0-2])[-/. ](?:19|20)\d\d(?!\d)  # date, day first
    | (?<![A-Za-z0-9])[A-Za-z]{1,2}\d[A-Za-z0-9]?\ ?\d[A-Za-z]{2}(?![A-Za-z0-9])  # postcode
    | [^\s@]+@[^\s@]+\.[^\s@]+                                              # email address
    | (?<![A-Za-z0-9])[A-Za-z]{2}\d{6}[A-Da-d](?![A-Za-z0-9])               # National Insurance number
    """,
    re.VERBOSE,
)


@cache
def private_names() -> frozenset[str]:
    """Names of fields whose value never goes into a log: all that ``records`` declares as telling about a person."""
    told = {name for name, field in fields().items() if field.sensitivity is not Sensitivity.TECHNICAL}
    return frozenset(told | _SECRET)


def without_private(value: object) -> object:
    """Take out of a value, however deep, what looks like somebody's number, date, postcode or address."""
    if isinstance(value, str):
        return _LOOKS_PRIVATE.sub(LEFT_OUT, value)
    if isinstance(value, dict):
        return {
            without_private(str(name)): LEFT_OUT if str(name).lower() in private_names() else without_private(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [without_private(inner) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return without_private(str(value)) if isinstance(value, int) and abs(value) >= 10**9 else value
    return type(value).__name__  # an object's own text may hold anything


def redact(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Leave out what is private: a step every log line goes through."""
    clean = without_private(dict(event))
    return clean if isinstance(clean, dict) else {}


STEPS: list[Any] = [
    structlog.processors.add_log_level,
    redact,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.JSONRenderer(sort_keys=True),
]


def log_to(stream: TextIO | None = None) -> Any:
    """A log that writes JSON lines to a stream (standard error when none is given)."""
    return structlog.wrap_logger(structlog.PrintLogger(stream or sys.stderr), processors=STEPS)


class _Line(logging.Formatter):
    """Writes what other libraries log in the same way: the message redacted, never a traceback with its values."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one line."""
        event: MutableMapping[str, Any] = {"event": record.getMessage(), "logger": record.name}
        if record.exc_info and record.exc_info[0]:
            event = {"event": "error", "logger": record.name, "kind": record.exc_info[0].__name__}
        line: Any = event
        for step in STEPS:
            line = step(None, record.levelname.lower(), line)
        return str(line)


def quieten_others(stream: TextIO | None = None) -> None:
    """Let the logs of other libraries (the web server's own) go the same redacted way."""
    writing = logging.StreamHandler(stream or sys.stderr)
    writing.setFormatter(_Line())
    root = logging.getLogger()
    root.handlers = [writing]
    root.setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        one = logging.getLogger(name)
        one.handlers, one.propagate = [], name != "uvicorn.access"
