"""Names made comparable, because a surname is written in many ways and a newborn often has no name yet.

A name becomes capitals A to Z without spaces, hyphens or apostrophes, so that "O'Brien", "O Brien" and "OBRIEN" are
one, and so are "Smith-Jones", "Smith Jones" and "SmithJones". The parts are kept beside the whole, so that
"Jones-Smith" and "Jones" can still agree with it. Placeholders ("Baby", "Twin One", "Unknown") are not names: two of
them never agree, but what they tell about the place in a multiple birth is kept. The rules follow NHS England's
published cleaning lists for linkage and the usual ways UK records vary a name; the given text is never changed, only
read.
"""

from __future__ import annotations

import re

import msgspec

from samechild.demographics.letters import to_letters, words_of
from samechild.demographics.placeholders import is_forename_placeholder, is_no_name, place_in_birth

TITLES = words_of("MR MRS MS MISS MX MASTER MSTR MST DR PROF PROFESSOR REV REVEREND SIR DAME MADAM")
SUFFIXES = words_of("JR JNR JUNIOR SR SNR SENIOR II III IV ESQ")

SURNAME_PREFIXES = words_of(
    """O MC MAC ST DE DA DI DU D DEL DELA DELLA DOS DAS LA LE VAN VON DER DEN TEN TER AL BIN BINT BINTE BINTI IBN
    ABU ABDUL BEN FITZ N L M"""
)
FORENAME_PREFIXES = words_of("ABDUL ABU ST LA DE D N O")
_ONE_FORM = {
    "SAINT": "ST", "EL": "AL", "ABDEL": "ABDUL", "ABDAL": "ABDUL", "ABDUR": "ABDUL", "ABDER": "ABDUL",
    "ABDOUL": "ABDUL",
    "ABD": "ABDUL", "ABDI": "ABDI",
}  # fmt: skip
_NEVER_ALONE = SUFFIXES - {"JUNIOR", "SENIOR"}
_NO_STEM = words_of("O MC MAC ST D N L M")
"""Prefixes that are never left off: Brien is another name than O'Brien (Donald and McDonald meet by another rule)."""
_ARTICLES = words_of("AL UL EL UR AR AN AS US")


_ASIDE = re.compile(r"[(\[{\"“”«]([^)\]}\"“”»]*)[)\]}\"“”»]?")
_KNOWN_AS = re.compile(r"\b(?:A\.?K\.?A\.?|K/A|KNOWN AS|LIKES TO BE CALLED|PREFERS)\b[: ]*(.*)$", re.IGNORECASE)
_FORMERLY = re.compile(
    r"\b(?:N[EÉ]E|FORMERLY|PREVIOUSLY|WAS|A\.?K\.?A\.?|K/A|KNOWN AS|BORN)\b[: ]+(.*)$", re.IGNORECASE
)
_ONE_INSIDE = re.compile(r"(?<=[a-z]{2})(?=[A-Z][a-z]{2})")
RUN_TOGETHER = 12
"""Longest name, in letters, that people write as one from two (LILYMAE, ABDULRAHMAN)."""


class NameRead(msgspec.Struct, frozen=True):
    """What one name field says.

    ``name`` is the whole in one form; ``parts`` every form under which it may be met (the whole included); ``more`` the
    further given names after the first; ``aside`` a name given in brackets or after "known as" or "née".
    """

    name: str | None = None
    parts: tuple[str, ...] = ()
    more: str | None = None
    aside: str | None = None
    birth_order: str | None = None
    problem: str | None = None


NOTHING = NameRead()


def read_forename(value: str) -> NameRead:
    """Read a forename field: "Lily-Mae" is LILYMAE with parts LILY and MAE; "John Paul" is JOHN and, more, PAUL.

    A bracket or "known as" gives ``aside``; "Twin 2" gives no name but ``birth_order`` 2. ``problem`` is one of
    forename-placeholder, name-script, name-damaged, name-digits, name-unreadable.
    """
    value, aside = _take_aside(value, _KNOWN_AS)
    letters = to_letters(value)
    known_as = read_forename(aside).name if aside else None
    order = place_in_birth(letters.text)
    if order or is_forename_placeholder(value, letters.text):
        return NameRead(aside=known_as, birth_order=order, problem="forename-placeholder")
    names = _given_names(letters.text)
    problem = _what_happened(letters.text, letters.lost, letters.damaged, bool(names))
    if not names:
        return NameRead(aside=known_as, problem=problem if value.strip() else None)
    if len(names) == 1 and names[0][0] in TITLES:
        return NameRead(aside=known_as, problem="forename-placeholder")
    first, first_parts = names[0]
    parts = list(first_parts)
    for name, its_parts in names[1:]:
        parts += [name, *its_parts]
    more = " ".join(name for name, _ in names[1:]) or None
    return NameRead(name=first, parts=_distinct((first, *parts)), more=more, aside=known_as, problem=problem)


def read_middle_names(value: str) -> NameRead:
    """Read a field of further given names: ``name`` is all of them with single spaces, placeholders left out."""
    value, _ = _take_aside(value, _KNOWN_AS)
    letters = to_letters(value)
    if is_forename_placeholder(value, letters.text):
        return NameRead(problem="middle-names-placeholder")
    names = _given_names(letters.text)
    problem = _what_happened(letters.text, letters.lost, letters.damaged, bool(names))
    if not names:
        return NameRead(problem=problem if value.strip() else None)
    parts = [part for name, its_parts in names for part in (name, *its_parts)]
    return NameRead(name=" ".join(name for name, _ in names), parts=_distinct(parts), problem=problem)


def read_surname(value: str) -> NameRead:
    """Read a family name: "Smith-Jones" is SMITHJONES with parts JONES and SMITH; "O'Brien" is OBRIEN.

    Prefixes join what follows ("de la Cruz" is DELACRUZ, met as CRUZ too; Saint is ST, El is AL); a title or a suffix
    such as Jnr is left out; a name in brackets or after "née" or "formerly" is ``aside``. The order of a
    double-barrelled name is kept in ``name``, because one person's records usually keep it, and lost in ``parts``,
    because some do not. ``problem``: surname-placeholder, name-script, name-damaged, name-digits, name-unreadable.
    """
    value, aside = _take_aside(value, _FORMERLY)
    former = read_surname(aside).name if aside else None
    letters = to_letters(_ONE_INSIDE.sub(" ", value) if not value.isupper() else value)
    tokens = _words(letters.text)
    while len(tokens) > 1 and tokens[0] in TITLES:
        tokens = tokens[1:]
    while len(tokens) > 1 and tokens[-1] in SUFFIXES:
        tokens = tokens[:-1]
    whole = "".join(tokens)
    if is_no_name(value, whole) or tokens[:2] == ["NOT", "KNOWN"] or whole in _NEVER_ALONE:
        return NameRead(aside=former, problem="surname-placeholder")
    problem = _what_happened(letters.text, letters.lost, letters.damaged, bool(whole))
    if not whole:
        return NameRead(aside=former, problem=problem if value.strip() else None)
    names = _with_prefixes(tokens, SURNAME_PREFIXES)
    parts: list[str] = []
    for name, stem in names:
        parts += [name, stem, *surname_stems(name)]
    whole = "".join(name for name, _ in names)
    return NameRead(name=whole, parts=tuple(sorted({whole, *parts})), aside=former, problem=problem)


def surname_stems(name: str) -> tuple[str, ...]:
    """The surname without a joined Mc or Mac (MCDONALD is also met as DONALD), when enough letters are left."""
    for prefix in ("MAC", "MC"):
        if name.startswith(prefix) and len(name) >= len(prefix) + 4:
            return (name[len(prefix) :],)
    return ()


def _take_aside(value: str, words: re.Pattern[str]) -> tuple[str, str]:
    """Take out what stands in brackets or quotation marks, or after words such as "known as"."""
    found = _ASIDE.search(value)
    if found:
        return _ASIDE.sub(" ", value), found[1]
    found = words.search(value)
    if found and found.start() > 0:
        return value[: found.start()], found[1]
    return value, ""


def _words(text: str) -> list[str]:
    """The words of a name without digits, hyphens taken as spaces."""
    words = text.replace("-", " ").split()
    return words if text.isascii() and not any(map(str.isdigit, text)) else [w for w in map(_no_digits, words) if w]


def _no_digits(word: str) -> str:
    return "".join(letter for letter in word if not letter.isdigit())


def one_form(word: str) -> str:
    """The one form in which a prefix is written: SAINT is ST, EL is AL, ABDUR is ABDUL."""
    return _ONE_FORM.get(word, word)


def _with_prefixes(words: list[str], prefixes: frozenset[str]) -> list[tuple[str, str]]:
    """Words joined with the prefixes before them: (whole, stem) for each, [("DELACRUZ", "CRUZ")]."""
    names: list[tuple[str, str]] = []
    held = ""
    for place, word in enumerate(words):
        last = place == len(words) - 1
        form = one_form(word)
        if held.endswith("ABDUL") and word in _ARTICLES and not last:
            continue
        if not last and form in prefixes:
            held += form
            continue
        if word.startswith("SAINT") and len(word) > 8:
            word = "ST" + word[5:]
        names.append((held + word, held + word if held in _NO_STEM else word))
        held = ""
    return names


def _given_names(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """Given names in order: (one form, its parts); a hyphen makes one name of two, a space does not."""
    words = text.split()
    while len(words) > 1 and words[0] in TITLES:
        words = words[1:]
    if len(words) > 1 and words[0] in ("ABD", "ABDUL") and "-" in words[1]:
        words[1:2] = words[1].split("-")  # Abd al-Rahman
    names: list[tuple[str, tuple[str, ...]]] = []
    held = ""
    for place, word in enumerate(words):
        last = place == len(words) - 1
        form = one_form(word)
        if held.endswith("ABDUL") and word in _ARTICLES and not last:
            continue
        if not last and form in FORENAME_PREFIXES and "-" not in word:
            held += form
            continue
        pieces = [piece for piece in (_no_digits(p) for p in word.split("-")) if piece]
        if len(pieces) > 1:
            pieces = [stem for name in _with_prefixes(pieces, FORENAME_PREFIXES) for stem in (name[0],)]
        if pieces:
            whole = held + "".join(pieces)
            parts = tuple(pieces) if len(pieces) > 1 else ((pieces[0],) if held and len(pieces[0]) > 2 else ())
            names.append((whole, parts))
        held = ""
    return names


def _what_happened(text: str, lost: bool, damaged: bool, any_left: bool) -> str | None:
    if lost:
        return "name-script"
    if not any_left:
        return "name-unreadable"
    if damaged:
        return "name-damaged"
    return "name-digits" if any(map(str.isdigit, text)) else None


def _distinct(names: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))
