"""What a page is made of: headings, paragraphs, tables, lists and forms, as values that one template turns into HTML.

A page function returns a :class:`Sheet`; it never writes HTML itself, so that every page is accessible in the same way
and no value can slip in unescaped. The look is that of the GOV.UK Design System without what belongs to GOV.UK alone.
"""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from samechild.web.forms import Filled


class Link(msgspec.Struct, frozen=True):
    """A link; ``hidden`` is read by screen readers only and tells links with the same words apart.

    ``whole`` keeps a code or an id on one line.
    """

    words: str
    to: str
    hidden: str = ""
    whole: bool = False


class Tag(msgspec.Struct, frozen=True):
    """A short state, such as ``in force``; ``colour`` is one of the design system's."""

    words: str
    colour: str = "grey"


class Code(msgspec.Struct, frozen=True):
    """Something for machines that a person may have to copy: a digest, a key, a checkpoint."""

    words: str


class Marked(msgspec.Struct, frozen=True):
    """A value in pieces, some of them marked because they differ from the value beside it."""

    parts: tuple[tuple[str, bool], ...]


class Drawn(msgspec.Struct, frozen=True):
    """A small picture from :mod:`samechild.web.drawing` in a cell, beside cells that say the same in words."""

    svg: str


class Failing(msgspec.Struct, frozen=True):
    """A value with what is to be said beside it: ``note`` in small letters, and the numbers of problems it is part of.

    ``first`` are those numbers to which a link to the problem's cells leads here.
    """

    words: str
    note: str = ""
    problems: tuple[int, ...] = ()
    first: tuple[int, ...] = ()


class Numbered(msgspec.Struct, frozen=True):
    """The number of a problem in the list of them, which leads to its cells where these are shown."""

    number: int
    shown: bool = True


Cell = str | Link | Tag | Code | Marked | Drawn | Failing | Numbered


class Words(msgspec.Struct, frozen=True, tag=True):
    """A paragraph; ``lead`` is set larger."""

    words: str
    lead: bool = False


class Heading(msgspec.Struct, frozen=True, tag=True):
    """A heading within the page; ``level`` 2 or 3."""

    words: str
    level: int = 2


class Points(msgspec.Struct, frozen=True, tag=True):
    """A list of points."""

    items: tuple[Cell, ...]


class Table(msgspec.Struct, frozen=True, tag=True):
    """A table with a caption; the first column heads its row. ``empty`` is said when there is nothing to show."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: str = "There is nothing here yet."


class Summary(msgspec.Struct, frozen=True, tag=True):
    """Facts about one thing: name and value."""

    rows: tuple[tuple[str, Cell], ...]


class Inset(msgspec.Struct, frozen=True, tag=True):
    """Something that stands apart from the text around it."""

    words: str


class Warn(msgspec.Struct, frozen=True, tag=True):
    """Something that has consequences."""

    words: str


class Panel(msgspec.Struct, frozen=True, tag=True):
    """The answer to what somebody just did: ``good`` or not."""

    title: str
    words: str = ""
    good: bool = True


class Pre(msgspec.Struct, frozen=True, tag=True):
    """Text for machines, as it is."""

    words: str
    label: str


class More(msgspec.Struct, frozen=True, tag=True):
    """Words that open when asked for."""

    title: str
    words: str


class Questions(msgspec.Struct, frozen=True, tag=True):
    """A form, with what was filled in and what is wrong with it; ``to`` is where it is sent.

    ``folded`` are the words under which it opens when asked for; one with something wrong is open.
    """

    filled: Filled
    to: str
    hidden: tuple[tuple[str, str], ...] = ()
    folded: str = ""


class Letter(msgspec.Struct, frozen=True, tag=True):
    """A whole letter or card as paragraphs, set apart for printing; lines beginning with ``#`` are its headings."""

    lines: tuple[str, ...]


class Picture(msgspec.Struct, frozen=True, tag=True):
    """A picture from :mod:`samechild.web.drawing`, which says in words what it shows; ``label`` names its place."""

    svg: str
    label: str


class Views(msgspec.Struct, frozen=True, tag=True):
    """The views of one part, beside each other; ``here`` is the address of the one that is open."""

    label: str
    links: tuple[Link, ...]
    here: str


Block = (
    Words
    | Heading
    | Points
    | Table
    | Summary
    | Inset
    | Warn
    | Panel
    | Pre
    | More
    | Questions
    | Letter
    | Picture
    | Views
)


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """One page to show: its title (also the first heading), its blocks, and the way back."""

    title: str
    blocks: tuple[Block, ...]
    above: str = ""  # small words above the first heading: what the page belongs to
    back: Link | None = None
    status: int = 200
    wide: bool = False
    script: str = ""  # a script of this server that makes the page quicker to work with; it works without


class Redirect(msgspec.Struct, frozen=True, kw_only=True):
    """Go to another page. ``token`` signs this browser in; ``sign_out`` forgets whoever was signed in."""

    to: str
    token: str = ""
    sign_out: bool = False
    start: str = ""  # kept by the browser while the person is away at a sign-in provider


class Download(msgspec.Struct, frozen=True, kw_only=True):
    """A file to keep."""

    name: str
    media: str
    content: bytes


Answer = Sheet | Redirect | Download

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def day(value: date | datetime | None) -> str:
    """Write a day as people say it, such as 5 April 2026."""
    return "" if value is None else f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def moment(value: datetime | None) -> str:
    """Write a day and time of day, in UTC."""
    return "" if value is None else f"{day(value)}, {value:%H:%M} UTC"
