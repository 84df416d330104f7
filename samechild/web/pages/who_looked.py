"""Who looked at this child: for the officer, and the letter for the family or the young person.

The record's key is typed into a form and never stands in an address. Looking is itself a decision that the ledger
records. A letter leaves only after identity and parental responsibility were checked; who may not be told is told
nothing, not even that.
"""

from __future__ import annotations

from samechild.errors import Refused
from samechild.policy.actions import permit
from samechild.policy.consent.standing import Responsibility, Source
from samechild.policy.governance.letters import Checks, Look, Reader
from samechild.policy.governance.letters_actions import preview_letter, release_letter, who_looked
from samechild.policy.purposes import purposes
from samechild.policy.roles import roles
from samechild.records.disclosure import Ask, Mode, Permit, Scope, Spread
from samechild.records.types import record_types
from samechild.web.blocks import (
    Answer,
    Block,
    Download,
    Heading,
    Inset,
    Letter,
    Link,
    Questions,
    Sheet,
    Table,
    Tag,
    Warn,
    Words,
    moment,
)
from samechild.web.forms import Choice, Field, Filled, Form, blank, read, wrong
from samechild.web.menu import OFFICERS
from samechild.web.routes import Page, Sent
from samechild.web.visits import Visit
from samechild.web.words import NOBODY_KNOWS, organisation_names, title

PART = "/who-looked"
_KEY = Field(
    name="record_key",
    label="Key of the child's record",
    longest=64,
    hint="The opaque key that your system shows beside the record; never a name or a number of the child.",
)
_PURPOSE = Field(
    name="purpose",
    label="What for?",
    kind="choice",
    choices=tuple(Choice(name, purposes()[name].title) for name in ("audit", "peoples-rights")),
)
LOOK = Form(button="Show who looked", fields=(_KEY, _PURPOSE))
CHECKED = (
    Field(
        name="reader",
        label="For whom is the letter?",
        kind="choice",
        choices=(
            Choice(Reader.FAMILY.value, "A parent or carer"),
            Choice(Reader.YOUNG_PERSON.value, "A young person"),
        ),
    ),
    Field(name="person", label="Your reference for this person", longest=64, hint="An id of your own, never a name."),
    Field(name="identity", label="How did you check who they are?", hint="Such as: passport seen in person."),
    Field(
        name="source",
        label="What shows parental responsibility?",
        kind="select",
        needed=False,
        choices=tuple(Choice(each.value, each.value.capitalize()) for each in Source),
        hint="Needed for a parent or carer.",
    ),
    Field(name="relationship", label="Their relationship to the child", needed=False, longest=80),
    Field(name="since", label="Parental responsibility since", kind="date", needed=False, hint="Such as 27 3 2016."),
    Field(
        name="understands",
        label="The young person understands what they are given",
        kind="tick",
        needed=False,
        hint="Needed for a young person.",
    ),
    Field(
        name="withheld",
        label="Ledger entries to leave out",
        needed=False,
        hint="Numbers with commas, when telling would put somebody in danger.",
    ),
)
PREVIEW = Form(button="Look at the letter first", fields=(_KEY, *CHECKED))
RELEASE = Form(button="Release the letter", risky=True)


def show(visit: Visit) -> Answer:
    """Ask whose record."""
    return _ask(blank(LOOK))


def _ask(filled: Filled) -> Sheet:
    return Sheet(
        title="Who looked at a child's record",
        blocks=(
            Words("Your own organisation's records only. That you looked is recorded too."),
            Questions(filled, PART),
        ),
        status=400 if filled.problems else 200,
    )


def _permit(visit: Visit, record_key: str, purpose: str) -> Permit:
    """Leave to look at what the ledger says about one record of one's own organisation."""
    ask = Ask(
        who=visit.by,
        purpose=purpose,
        mode=Mode.EXISTENCE,  # the ledger is read, not the record
        record_type="personal.identity",
        owner=visit.by.organisation,
        scope=Scope(Spread.CHILD, (record_key,)),
        now=visit.now,
    )
    return permit(visit.store, ask)


def look(visit: Visit, sent: Sent) -> Answer:
    """Show who looked, and the form of a letter."""
    filled = read(LOOK, sent)
    if filled.problems:
        return _ask(filled)
    key = filled.one("record_key")
    found = who_looked(visit.store, _permit(visit, key, filled.one("purpose")), visit.now)
    names = organisation_names(visit.store)
    head = ("Entry", "When", "Organisation", "Role", "Purpose", "Kind of record", "Answer")
    blocks: list[Block] = [
        Table("Who asked, newest first", head, tuple(_row(each, names) for each in found), empty="Nobody asked."),
    ]
    if filled.one("purpose") == "peoples-rights":
        blocks += _letter_form(blank(PREVIEW, record_key=key))
    return Sheet(title="Who looked", blocks=tuple(blocks), back=Link("Another record", PART), wide=True)


def _row(each: Look, names: dict[str, str]) -> tuple[str | Link | Tag, ...]:
    answer = Tag("refused", "red")
    if each.allowed:
        answer = Tag("shown", "green") if each.disclosed else Tag("allowed, not shown", "yellow")
    return (
        Link(str(each.entry), f"/ledger/entries/{each.entry}"),
        moment(each.at),
        names.get(each.organisation, NOBODY_KNOWS),
        title(roles(), each.role) + (" (broke the glass)" if each.emergency else ""),
        title(purposes(), each.purpose),
        title(record_types(), each.record_type),
        answer,
    )


def _letter_form(filled: Filled) -> list[Block]:
    return [
        Heading("A letter about it"),
        Inset("Check who asks before you write. A person who must not be told gets no letter, and no reason."),
        Questions(filled, "/who-looked/letter"),
    ]


def preview(visit: Visit, sent: Sent) -> Answer:
    """Show the officer the letter before it is released."""
    filled = read(PREVIEW, sent)
    checks, filled = _checks(visit, filled)
    if checks is None:
        return _preview(filled)
    try:
        made = preview_letter(
            visit.store, _permit(visit, filled.one("record_key"), "peoples-rights"), checks, visit.now
        )
    except Refused as error:
        return _preview(wrong(filled, str(error), "reader"))
    lines = tuple(line for line in made.text.splitlines() if line.strip())
    again = tuple((name, value) for name, values in sent.items() for value in values if name != "token")
    return Sheet(
        title="The letter, before it is released",
        blocks=(
            Letter(lines),
            Heading("Release it"),
            Warn("Read it as the person will. Nothing in it may tell where somebody is. Its release is recorded."),
            Questions(blank(RELEASE), "/who-looked/release", again),
        ),
        back=Link("Another record", PART),
    )


def _preview(filled: Filled) -> Sheet:
    return Sheet(
        title="A letter about who looked",
        blocks=tuple(_letter_form(filled)),
        back=Link("Another record", PART),
        status=400,
    )


def _checks(visit: Visit, filled: Filled) -> tuple[Checks | None, Filled]:
    """What the officer checked, or what is still wrong with it."""
    parts = [part.strip() for part in filled.one("withheld").split(",") if part.strip()]
    if not all(part.isascii() and part.isdigit() and len(part) < 16 for part in parts):
        filled = wrong(filled, "Give numbers of entries with commas between them", "withheld")
    source, since = filled.one("source"), filled.day("since") if not filled.problems else None
    if source and since is None and not filled.problems:
        filled = wrong(filled, "Say since when", "since")
    if filled.problems:
        return None, filled
    responsibility = None
    if source and since is not None:
        responsibility = Responsibility(
            relationship=filled.one("relationship"), source=Source(source), since=since, seen_by=visit.by.user
        )
    checks = Checks(
        reader=Reader(filled.one("reader")),
        person=filled.one("person"),
        identity=filled.one("identity"),
        checked_by=visit.by.user,
        responsibility=responsibility,
        understands=filled.one("understands") == "yes",
        withheld=tuple(int(part) for part in parts),
    )
    return checks, filled


def release(visit: Visit, sent: Sent) -> Answer:
    """Release the letter that was shown, as a file to print."""
    filled = read(PREVIEW, sent)
    checks, filled = _checks(visit, filled)
    if checks is None:
        return _preview(filled)
    try:
        made = release_letter(
            visit.store, _permit(visit, filled.one("record_key"), "peoples-rights"), checks, visit.now
        )
    except Refused as error:
        return _preview(wrong(filled, str(error), "reader"))
    return Download(name=f"letter-{made.entry}.html", media="text/html", content=made.letter.html.encode())


PAGES = (
    Page(path="/who-looked", who=OFFICERS, show=show, do=look, part=PART),
    Page(path="/who-looked/letter", who=OFFICERS, do=preview, part=PART),
    Page(path="/who-looked/release", who=OFFICERS, do=release, part=PART),
)
