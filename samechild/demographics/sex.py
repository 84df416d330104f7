"""Sex as recorded, brought to M or F, because every agency has its own code for it.

Codes of the NHS data dictionary (1 male, 2 female, 0 not known, 9 not specified), the school and social care censuses
(M, F, U, I; formerly 1 and 2) and words. What is recorded is not gender identity and nothing is guessed from a name.
"""

from __future__ import annotations

_MALE = frozenset(["M", "MALE", "BOY", "MAN", "1", "01", "MASCULINE", "HE"])
_FEMALE = frozenset(["F", "FEMALE", "GIRL", "WOMAN", "2", "02", "FEMININE", "SHE"])
_UNKNOWN = frozenset(
    [
        "0",
        "00",
        "3",
        "9",
        "09",
        "U",
        "X",
        "I",
        "N",
        "?",
        "-",
        ".",
        "UNKNOWN",
        "INDETERMINATE",
        "INTERSEX",
        "OTHER",
        "NK",
        "N/K",
        "NA",
        "N/A",
        "NONE",
        "NULL",
        "NAN",
        "UNSPECIFIED",
    ]
) | {"NOT KNOWN", "NOT SPECIFIED", "NOT STATED", "NOT RECORDED", "PREFER NOT TO SAY", "NON-BINARY", "NONBINARY"}


def read_sex(value: str) -> tuple[str | None, str | None]:
    """M, F or None, and a problem when the text is none of the usual ones ("sex-unreadable")."""
    text = value.strip().strip("'\"=").upper().removesuffix(".0")
    if text in _MALE:
        return "M", None
    if text in _FEMALE:
        return "F", None
    return None, None if not text or text in _UNKNOWN else "sex-unreadable"
