"""What all tests share: hypothesis without a stopwatch, and a run in which nothing may be skipped."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import hypothesis
import pytest

NO_SKIPS = "SAMECHILD_NO_SKIPS"
"""Set to 1 where everything the tests need is installed: a skipped test then counts as failed."""

hypothesis.settings.register_profile("samechild", deadline=None, print_blob=True)
hypothesis.settings.load_profile("samechild")


def _forbid_skip(report: Any) -> None:
    if os.environ.get(NO_SKIPS) == "1" and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{NO_SKIPS}=1, and this would have been skipped: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Turn a skipped test into a failed one when nothing may be skipped."""
    report = yield
    _forbid_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    """The same for a file that skips itself as a whole."""
    report = yield
    _forbid_skip(report)
    return report
