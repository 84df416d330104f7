"""How the sector's payload builder cuts and recodes values of the Standard Safeguarding Dataset.

Each rule here is one of ``populate_ssd_api_data_staging.sql`` 0.4.8 (``data-to-insight/dfe-csc-api-data-flows``, MIT).
"""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

from samechild.collection.send.values import codes_of, day_of, flag_of, text_of

_NO_UPN = re.compile(r"UN(?:10|[1-9])")


def in_words(value: Any) -> str | None:
    """A date as it is sent; what is no date stays as it was given, for the check to find."""
    return day_of(value)


def day(value: Any) -> date | None:
    """A date to reckon with; None for nothing, and for what is no date."""
    text = day_of(value)
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def cut(value: Any, most: int) -> str | None:
    """The first characters of a code, without blanks around it."""
    text = text_of(value)
    return text[:most].strip() or None if text is not None else None


def squeezed(value: Any, most: int) -> str | None:
    """The first characters of a code as it stands, then without any blank in it."""
    text = value if isinstance(value, str) else text_of(value)
    return re.sub(r"\s", "", text[:most]) or None if text is not None else None


def flag(value: Any) -> bool | None:
    """Yes or no; None for anything else."""
    found = flag_of(value)
    return found if isinstance(found, bool) else None


def outcome_flag(value: Any) -> bool | None:
    """Whether a section 47 enquiry led to a conference: ``CP_CONFERENCE_FLAG`` of its outcomes in JSON."""
    text = text_of(value)
    if text is None:
        return None
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return flag(told.get("CP_CONFERENCE_FLAG")) if isinstance(told, dict) else None


def referral_source(value: Any) -> str | None:
    """The code at the beginning of a referral source; None when it begins with none that is known."""
    text = text_of(value) or ""
    found = re.match(r"10|[1-3][A-F]|5[A-D]|[46789]", text, re.IGNORECASE)
    return found.group().upper() if found else None


def unknown_reason(reason: Any, upn: Any) -> str | None:
    """Why there is no UPN: what is given, or such a code typed in place of the UPN."""
    given = cut(reason, 4)
    if given is not None:
        return given
    written = (text_of(upn) or "").upper()
    return written if _NO_UPN.fullmatch(written) else None


def upn(value: Any) -> str | None:
    """A UPN; None where a code for not having one was typed in its place."""
    text = text_of(value)
    return None if text is None or _NO_UPN.fullmatch(text.upper()) else text


def factors_in(rows: list[dict[str, Any]]) -> list[str]:
    """The factors of an assessment, from a row of JSON or from a row each; sorted, each once, none for none."""
    found: set[str] = set()
    for row in rows:
        told = row.get("cinf_assessment_factors_json")
        told = row.get("cinf_assessment_factors") if told is None else told
        found.update(codes_of(told) or ())
    return sorted(found)
