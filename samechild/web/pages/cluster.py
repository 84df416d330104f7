"""A child's records as a picture and a table: where they hang together least, taking some out, and taking back.

What would move is shown before anything does. What happened to the child stands below, each step with its button, and
a step that others rest on says which to take back first.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from samechild.errors import Conflict, Invalid, Missing
from samechild.index.cluster import Cluster, Preview, open_cluster, preview_split, split_cluster, undo_event
from samechild.index.records import Event, Held, Kind
from samechild.index.weak_links import Tie
from samechild.policy.shown import one_of_staff
from samechild.web import drawing
from samechild.web.blocks import (
    Answer,
    Block,
    Cell,
    Heading,
    Inset,
    Link,
    Picture,
    Points,
    Questions,
    Redirect,
    Sheet,
    Summary,
    Table,
    Tag,
    Warn,
    Words,
    day,
    moment,
)
from samechild.web.forms import Choice, Field, Filled, Form, blank, read, wrong
from samechild.web.menu import REVIEWERS
from samechild.web.pages.review import PART
from samechild.web.routes import Page, Sent
from samechild.web.visits import Visit
from samechild.web.words import organisation_names

MOST_DRAWN = 24
"""Of more records no picture is drawn: nobody could read it. The table holds them all."""

KINDS = {
    Kind.FOUND: "First known",
    Kind.LINK: "A record was found to be of this child",
    Kind.UNLINK: "A record was taken out: it is of another child",
    Kind.MERGE: "Two children turned out to be one",
    Kind.SPLIT: "One child turned out to be two",
    Kind.UNDO: "An earlier step was taken back",
    Kind.BORN: "Born",
    Kind.PART: "Two records were ruled to be of two children",
    Kind.ALLOW: "Such a ruling was lifted",
    Kind.RENUMBER: "A number was superseded or invalidated",
    Kind.ERASE: "A record was erased",
}
UNDOABLE = frozenset({Kind.LINK, Kind.UNLINK, Kind.MERGE, Kind.SPLIT, Kind.UNDO, Kind.PART, Kind.ALLOW, Kind.BORN})
CONFIRM = Form(
    button="Take these records out",
    risky=True,
    fields=(
        Field(
            name="note",
            label="Why?",
            kind="lines",
            needed=False,
            longest=2_000,
            hint="Kept sealed beside the step.",
        ),
    ),
)


def _at(visit: Visit, step: str = "") -> str:
    """The address of this page, or of a step of it."""
    path = f"/clusters/{quote(visit.named['space'], safe='')}/{quote(visit.named['child'], safe='')}"
    return f"{path}/{step}" if step else path


def leaving_form(numbered: Mapping[str, int], names: Mapping[str, str], records: tuple[Held, ...]) -> Form:
    """The form by which records that leave are picked."""
    choices = tuple(
        Choice(each.record_key, f"Record {numbered[each.record_key]}, {_holder(each, names)}") for each in records
    )
    return Form(
        button="See what would move",
        fields=(
            Field(
                name="leave",
                label="Which records are of another child?",
                kind="many",
                choices=choices,
                hint="They leave together, as a child of their own. Nothing is done yet.",
                missing="Pick the records that are of another child",
            ),
        ),
    )


def show(visit: Visit) -> Answer:
    """A child's records, how they hang together, and what happened."""
    return _sheet(visit, _open(visit))


def _open(visit: Visit) -> Cluster:
    return open_cluster(visit.store, visit.by, visit.named["space"], visit.named["child"], visit.now)


def _sheet(visit: Visit, found: Cluster, filled: Filled | None = None, said: str = "") -> Sheet:
    names = organisation_names(visit.store)
    records = found.read.records
    numbered = {each.record_key: number for number, each in enumerate(records, 1)}
    blocks: list[Block] = [Warn(said)] if said else []
    if found.read.asked != found.read.child:
        blocks.append(Inset("The identifier you asked for was merged: it leads to this child."))
    blocks.append(_records(records, numbered, names))
    blocks += _held(found, numbered, names)
    if len(records) > 1:
        form = leaving_form(numbered, names, records)
        blank_form = Filled(form=form, picked={"leave": found.held.part if found.held else ()})
        blocks += [Heading("Take records out"), Questions(filled or blank_form, _at(visit, "split"))]
    blocks += [Heading("What happened"), *_history(visit, found.events)]
    return Sheet(
        title="A child's records",
        above=f"{len(records)} record{'s' if len(records) != 1 else ''}, {found.read.state}",
        blocks=tuple(blocks),
        back=Link("The review queue", PART),
        wide=True,
        status=400 if said or (filled and filled.problems) else 200,
    )


def _records(records: tuple[Held, ...], numbered: Mapping[str, int], names: Mapping[str, str]) -> Table:
    rows = tuple(
        (
            str(numbered[each.record_key]),
            _holder(each, names),
            " ".join(w for w in (each.values.get("forename", ""), each.values.get("surname", "")) if w)
            or each.values.get("full_name", ""),
            each.values.get("date_of_birth", ""),
            each.values.get("postcode", ""),
            day(each.received_at),
        )
        for each in records
    )
    return Table("Records", ("Record", "Held by", "Name", "Born", "Postcode", "Received"), rows)


def _holder(record: Held, names: Mapping[str, str]) -> str:
    return ", ".join(word for word in (names.get(record.owner, record.owner), record.source) if word)


def _held(found: Cluster, numbered: Mapping[str, int], names: Mapping[str, str]) -> list[Block]:
    """The picture and the table of the links."""
    held, records = found.held, found.read.records
    if held is None:
        return [Words("This index space has no linkage model yet, so the links between records have no weight.")]
    if held.weakest is None:
        return [Words("There is one record, and nothing to hold together.")]
    leaves = set(held.part)
    one_owner = len({each.owner for each in records}) == 1
    nodes = [
        drawing.Node(
            numbered[each.record_key],
            each.source if one_owner else names.get(each.owner, each.owner),
            each.record_key in leaves,
        )
        for each in records
    ]
    links = [
        drawing.Link(numbered[tie.one], numbered[tie.other], tie.bits, tie.holds, _is(tie, held.weakest))
        for tie in held.ties
    ]
    one, other = numbered[held.weakest.one], numbered[held.weakest.other]
    leaving = ", ".join(str(numbered[key]) for key in held.part)
    blocks: list[Block] = [Heading("How they hang together")]
    if len(nodes) <= MOST_DRAWN:
        blocks.append(Picture(drawing.cluster(nodes, links), "Picture of the links"))
    blocks += [
        Words(
            f"The weakest link that holds is between records {one} and {other}. If this is two children, most likely "
            f"record{'s' if len(held.part) > 1 else ''} {leaving} would leave (hollow in the picture)."
        ),
        Table(
            "Links, the strongest first",
            ("Records", "Bits", "Holds"),
            tuple(_link(t, held.weakest, numbered) for t in held.ties),
        ),
    ]
    return blocks


def _is(tie: Tie, weakest: Tie | None) -> bool:
    return weakest is not None and (tie.one, tie.other) == (weakest.one, weakest.other)


def _link(tie: Tie, weakest: Tie | None, numbered: Mapping[str, int]) -> tuple[Cell, ...]:
    state: Cell = "yes" if tie.holds else "no"
    if _is(tie, weakest):
        state = Tag("the weakest that holds", "red")
    return f"{numbered[tie.one]} and {numbered[tie.other]}", drawing.in_bits(tie.bits), state


def _history(visit: Visit, events: tuple[Event, ...]) -> list[Block]:
    if not events:
        return [Words("Nothing has happened yet.")]
    undone = {event.undoes for event in events if event.undoes}
    rows = tuple(
        (
            str(event.number),
            moment(event.at),
            KINDS.get(event.kind, event.kind.value) + (f" (step {event.undoes})" if event.undoes else ""),
            _who(visit, event.by),
            Tag("taken back", "grey") if event.number in undone else "stands",
        )
        for event in events
    )
    blocks: list[Block] = [Table("Steps, the newest first", ("Step", "When", "What", "Who", "State"), rows)]
    back = [event for event in events if event.kind in UNDOABLE and event.number not in undone]
    blocks += [
        Questions(
            blank(Form(button=f"Take back step {event.number}: {KINDS[event.kind].lower()}")),
            _at(visit, "undo"),
            (("number", str(event.number)),),
        )
        for event in back
    ]
    return blocks


def _who(visit: Visit, user: str) -> str:
    if not user:
        return "the index itself"
    try:
        return one_of_staff(visit.store, visit.by, user).name
    except Missing:
        return "somebody of another organisation"


def preview(visit: Visit, sent: Sent) -> Answer:
    """Show what would move, before anything does."""
    found = _open(visit)
    names = organisation_names(visit.store)
    numbered = {each.record_key: number for number, each in enumerate(found.read.records, 1)}
    filled = read(leaving_form(numbered, names, found.read.records), sent)
    if not filled.problems:
        try:
            what = preview_split(
                visit.store, visit.by, visit.named["space"], visit.named["child"], filled.many("leave"), visit.now
            )
        except Invalid as error:
            filled = wrong(filled, str(error), "leave")
    if filled.problems:
        return _sheet(visit, found, filled)
    return _preview(visit, what, numbered, names)


def _preview(visit: Visit, what: Preview, numbered: Mapping[str, int], names: Mapping[str, str]) -> Sheet:
    def said(keys: tuple[str, ...]) -> str:
        return ", ".join(str(numbered[key]) for key in keys)

    return Sheet(
        title="What would move",
        blocks=(
            Summary(
                (
                    ("Records that stay, with the identifier", said(what.stay)),
                    ("Records that leave, with a new identifier", said(what.leave)),
                    ("Earlier identifiers that keep leading to those who stay", str(what.lead_here)),
                    ("Open questions about the records that leave", str(what.open_questions)),
                )
            ),
            Words("These organisations hold a record of the child and learn of it from the feed of changes:"),
            Points(tuple(names.get(each, each) for each in what.told)),
            Inset("The two sides are not put together again by themselves. You can take this step back later."),
            Questions(blank(CONFIRM), _at(visit, "apart"), tuple(("leave", key) for key in what.leave)),
        ),
        back=Link("The child's records", _at(visit)),
    )


def take_apart(visit: Visit, sent: Sent) -> Answer:
    """Take the records out."""
    note = read(CONFIRM, sent).one("note")
    try:
        split_cluster(
            visit.store, visit.by, visit.named["space"], visit.named["child"], sent.get("leave", []), note, visit.now
        )
    except (Invalid, Conflict) as error:
        return _sheet(visit, _open(visit), said=str(error))
    return Redirect(to=f"{_at(visit)}?done=cluster-split")


def take_back(visit: Visit, sent: Sent) -> Answer:
    """Take a step back."""
    number = (sent.get("number") or [""])[0]
    if not (number.isascii() and number.isdigit() and len(number) < 16):
        raise Invalid("Name the step to take back by its number.")
    try:
        undo_event(visit.store, visit.by, visit.named["space"], int(number), "", visit.now)
    except Conflict as error:
        return _sheet(visit, _open(visit), said=str(error))
    return Redirect(to=f"{_at(visit)}?done=cluster-undone")


_CHILD = "/clusters/{space}/{child}"
PAGES = (
    Page(path=_CHILD, who=REVIEWERS, show=show, part=PART),
    Page(path=f"{_CHILD}/split", who=REVIEWERS, do=preview, part=PART),
    Page(path=f"{_CHILD}/apart", who=REVIEWERS, do=take_apart, part=PART),
    Page(path=f"{_CHILD}/undo", who=REVIEWERS, do=take_back, part=PART),
)
