"""NHS numbers: the one-child form that anybody with a child in front of them can use, and how the numbers stand.

What is typed about a child is sent in a form and stands in no address. The answer is one child, nothing, or whom to
ask; it never lists children. The page of statuses shows counts, and the questions a person must decide.
"""

from __future__ import annotations

from samechild.errors import Conflict, Invalid, Missing, Refused
from samechild.identifiers.nhs_number import NhsNumber, display
from samechild.tracing.reconcile import Coverage
from samechild.tracing.records import NumberStatus
from samechild.tracing.settling import CANDIDATE, NOT_FOUND_AGAIN, REPLACED, RESTRICTED, TWICE, WITHDRAWN
from samechild.tracing.simple import Answer as Traced
from samechild.tracing.simple import Code, Details, Outcome, simple_trace
from samechild.tracing.standing import Question, drift, how_they_stand, latest_rounds, questions, review
from samechild.tracing.telling import records_of, tell_index
from samechild.web.blocks import (
    Answer,
    Block,
    Cell,
    Heading,
    Inset,
    Link,
    More,
    Panel,
    Picture,
    Points,
    Questions,
    Redirect,
    Sheet,
    Summary,
    Table,
    Tag,
    Words,
    day,
    moment,
)
from samechild.web.drawing import FOR, INK, PAPER
from samechild.web.forms import Choice, Field, Filled, Form, blank, read, wrong
from samechild.web.menu import OFFICERS, PRACTICE, REVIEWERS
from samechild.web.pages.asking import ask_from, purpose_field, purpose_of
from samechild.web.routes import Page, Sent
from samechild.web.visits import Visit

TRACE, NUMBERS = "/trace", "/numbers"
_LOOKS_AFTER = REVIEWERS | OFFICERS

FIELDS = {
    "forename": "First name",
    "middle_names": "Middle names",
    "surname": "Family name",
    "former_surname": "Earlier family name",
    "date_of_birth": "Date of birth",
    "sex": "Sex",
    "postcode": "Postcode",
    "gp_practice": "GP practice",
    "nhs_number": "NHS number",
}
KINDS = {
    "differs": "The national record says something else",
    REPLACED: "Another NHS number stands beside the one here",
    WITHDRAWN: "The NHS number here was withdrawn",
    NOT_FOUND_AGAIN: "Verified before, and not found this time",
    CANDIDATE: "Somebody was found, but something speaks against it",
    TWICE: "Two different answers came about the same child: trace again",
    RESTRICTED: "The national record is restricted: shield the child here too",
}
_ROUTES = {"hand": "By hand", "mesh": "MESH", "pds": "PDS"}


# --- one child --------------------------------------------------------------------------------------------------------


def form_of(visit: Visit) -> Form:
    """The details of one child."""
    return Form(
        button="Look for the child",
        fields=(
            Field(name="given", label="First name", longest=100, missing="Give the first name", autocomplete="off"),
            Field(name="family", label="Family name", longest=100, missing="Give the family name", autocomplete="off"),
            Field(name="born", label="Date of birth", kind="date", hint="Such as 27 3 2016."),
            Field(
                name="sex",
                label="Sex",
                kind="choice",
                needed=False,
                choices=(Choice("F", "Female"), Choice("M", "Male")),
            ),
            Field(
                name="postcode", label="Postcode", needed=False, longest=10, hint="If you know it.", autocomplete="off"
            ),
            Field(
                name="number",
                label="NHS number, if you were given one",
                needed=False,
                longest=20,
                hint="Ten digits, with or without spaces. It is checked.",
                autocomplete="off",
            ),
            purpose_field(visit),
        ),
    )


def show_trace(visit: Visit) -> Answer:
    """The form, with nothing in it yet."""
    return _trace_sheet(blank(form_of(visit), purpose=purpose_of(visit)))


def _trace_sheet(filled: Filled, *answer: Block, status: int = 200) -> Sheet:
    return Sheet(
        title="Find one child's NHS number",
        blocks=(
            *answer,
            Heading("Look for another child")
            if answer
            else Words("Give what you know of one child. You are shown that child, or nobody: never a list."),
            Questions(filled, TRACE),
            More(
                "If no child is found",
                "Check the spelling and the date of birth, and try without the postcode: the family may have moved. "
                "If you believe a child is at risk, do not wait for this service: phone.",
            ),
        ),
        status=400 if filled.problems and status == 200 else status,
    )


def find_one(visit: Visit, sent: Sent) -> Answer:
    """Look for the child, and show one child or none."""
    filled = read(form_of(visit), sent)
    if filled.problems:
        return _trace_sheet(filled)
    details = Details(
        given=filled.one("given"),
        family=filled.one("family"),
        born=filled.one("born"),
        sex=filled.one("sex"),
        postcode=filled.one("postcode"),
        number=filled.one("number"),
    )
    try:
        found = simple_trace(visit.store, ask_from(visit, filled), details)
    except (Invalid, Refused, Missing) as error:
        field = "number" if "NHS number" in str(error) or "check digit" in str(error) else ""
        return _trace_sheet(wrong(filled, str(error), field), status=error.http_status)
    return _trace_sheet(blank(form_of(visit), purpose=filled.one("purpose")), *_found(found))


_MORE = {
    Code.NO_MATCH: "That is not to say that there is none: see below.",
    Code.MULTIPLE: "Ask the data quality officer of the area's council.",
    Code.SUPERSEDED: "The number you gave was replaced by another.",
    Code.INVALIDATED: "The number you gave is no longer in use.",
    Code.NOT_VERIFIED: "The number you gave is not known to be this child's.",
}


def _found(found: Traced) -> list[Block]:
    """The answer in words, and the number where it may be shown."""
    title = {
        Outcome.ONE: "One child was found",
        Outcome.NOTHING: "No child was found",
        Outcome.ASK: "We cannot tell which child this is",
    }[found.outcome]
    blocks: list[Block] = [Panel(title, _MORE.get(found.code, ""), good=found.outcome is Outcome.ONE)]
    if found.outcome is not Outcome.ONE:
        return blocks
    rows: list[tuple[str, Cell]] = []
    if found.number:
        rows.append(("NHS number", display(NhsNumber(found.number))))
    if found.status is not None:
        verified = found.status is NumberStatus.VERIFIED
        rows.append(("Is it verified?", Tag("verified", "green") if verified else Tag("not verified", "yellow")))
        rows.append(("Status", f"{found.status.value}: {found.status.words}"))
    if found.how is not None:
        rows.append(("How it became known", found.how.words))
    if rows:
        blocks.append(Summary(tuple(rows)))
    if found.number_words:
        blocks.append(Inset(found.number_words))
    elif found.status is not NumberStatus.VERIFIED:
        blocks.append(Inset("This number is not verified. Do not rely on it alone to say who a child is."))
    return blocks


# --- how the numbers stand --------------------------------------------------------------------------------------------


def show_numbers(visit: Visit) -> Answer:
    """Counts by status and by how the numbers became known, what waits for a person, and the rounds of asking."""
    stand = how_they_stand(visit.store, visit.by, len(records_of(visit.store, visit.by.organisation)))
    waiting = drift(visit.store, visit.by)
    rounds = latest_rounds(visit.store, visit.by, 25)
    statuses = tuple((code.value, _sentence(code.words), f"{count:,}") for code, count in stand.by_status.items())
    obtained = tuple((how.words, f"{count:,}") for how, count in stand.by_obtained.items())
    differing = tuple(
        (FIELDS.get(each.field, each.field), KINDS.get(each.kind, each.kind), f"{each.records:,}", day(each.since))
        for each in waiting
    )
    asked: tuple[tuple[Cell, ...], ...] = tuple(
        (
            moment(each.requested_at),
            _ROUTES.get(each.route, each.route),
            f"{each.asked:,}",
            Tag(each.state.value, "green" if each.state.value == "read" else "grey"),
            each.code,
        )
        for each in rounds
    )
    heading = "Questions for a person"
    return Sheet(
        title="NHS numbers",
        blocks=(
            Words(
                f"{stand.verified:,} of {stand.total:,} records have a verified NHS number ({stand.share:.0%}). "
                f"{stand.unverified:,} more hold one that is not verified."
            ),
            Picture(bar_of(stand), "Share of records with a verified number"),
            Table("By status", ("Code", "Meaning", "Records"), statuses),
            Table("How the numbers became known", ("How", "Records"), obtained, "No number was noted or traced yet."),
            Heading(heading),
            Words("Neither side is changed by itself. A person decides, and the record is mended where it is kept."),
            Table(
                "What differs from the national record",
                ("What", "Why", "Records", "Oldest"),
                differing,
                "Nothing waits for a person.",
            ),
            *([Inset("Only your own organisation's records are counted here.")] if not differing else []),
            *([_link("Decide them one by one", f"{NUMBERS}/questions")] if differing else []),
            Table("Rounds of asking", ("When", "How", "Children", "State", "Code"), asked, "Nobody was asked yet."),
        ),
        wide=True,
    )


def _link(words: str, to: str) -> Block:
    return Points((Link(words, to),))


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


_WIDE = 320
"""As wide as the narrowest screen, so that the words in it are never made small."""
_ORANGE = "#f46a25"


def bar_of(stand: Coverage) -> str:
    """The share of records with a verified number, with one that is not, and with none, as one bar."""
    none = stand.total - stand.with_number
    parts = ((stand.verified, FOR, "verified"), (stand.unverified, _ORANGE, "not verified"), (none, PAPER, "no number"))
    words = ", ".join(f"{count:,} {label}" for count, _, label in parts)
    scale = _WIDE / max(stand.total, 1)
    text = 'font-family="Arial, Helvetica, sans-serif" font-size="16"'
    drawn, at = [], 0.0
    for row, (count, colour, label) in enumerate(parts):
        y, fill = 44 + 24 * row, f'fill="{colour}" stroke="{INK}"'
        drawn.append(f'<rect x="{at:.1f}" y="2" width="{count * scale:.1f}" height="30" {fill}/>')
        drawn.append(f'<rect x="1" y="{y}" width="16" height="16" {fill}/>')
        drawn.append(f'<text x="26" y="{y + 14}" {text} fill="{INK}">{count:,} {label}</text>')
        at += count * scale
    return f'<svg viewBox="-1 0 {_WIDE + 2} 116" width="100%" role="img" aria-label="{words}">{"".join(drawn)}</svg>'


# --- deciding ---------------------------------------------------------------------------------------------------------


def show_questions(visit: Visit) -> Answer:
    """What a person must decide, with both sides, the oldest first."""
    found = questions(visit.store, visit.by, visit.now, limit=25)
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            Link(FIELDS.get(each.field, each.field), f"{NUMBERS}/questions/{each.proposal}", f", question {number}"),
            KINDS.get(each.kind, each.kind),
            each.here or "nothing",
            each.there or "nothing",
            day(each.since),
        )
        for number, each in enumerate(found, start=1)
    )
    head = ("What", "Why", "Here", "National record", "Since")
    return Sheet(
        title="Questions about numbers",
        blocks=(Table("The oldest questions", head, rows, "Nothing waits for a person."),),
        back=Link("NHS numbers", NUMBERS),
        wide=True,
    )


def decide_form(asked: Question) -> Form:
    """The two answers to one question."""
    yes, no = ("The national record is right", "Our record is right")
    if asked.kind == CANDIDATE:
        yes, no = ("This is the child: keep the number as verified", "This is not the child: forget who was found")
    elif asked.kind == RESTRICTED:
        yes, no = ("Shield the child here too", "Do not shield the child")
    choices = (Choice("national", yes), Choice("local", no))
    return Form(
        button="Decide", fields=(Field(name="answer", label="What do you decide?", kind="choice", choices=choices),)
    )


def _asked(visit: Visit) -> Question:
    found = questions(visit.store, visit.by, visit.now, only=visit.named["proposal"])
    if not found:
        raise Missing("There is no such question now: open the list again.")
    return found[0]


def show_question(visit: Visit) -> Answer:
    """One question with both sides."""
    asked = _asked(visit)
    return _question_sheet(asked, blank(decide_form(asked)))


def _question_sheet(asked: Question, filled: Filled) -> Sheet:
    rows: list[tuple[str, Cell]] = [
        ("What", FIELDS.get(asked.field, asked.field)),
        ("Why it is asked", KINDS.get(asked.kind, asked.kind)),
        ("In your record", asked.here or "nothing"),
        ("In the national record", asked.there or "nothing"),
        ("Since", day(asked.since)),
    ]
    rows += [(f"National record: {FIELDS.get(name, name).lower()}", value) for name, value in asked.beside.items()]
    return Sheet(
        title="Decide a question about a number",
        blocks=(
            Summary(tuple(rows)),
            Inset("Nothing is overwritten. If the national record is right, mend the record where it is kept."),
            Questions(filled, f"{NUMBERS}/questions/{asked.proposal}"),
        ),
        back=Link("Questions about numbers", f"{NUMBERS}/questions"),
        status=400 if filled.problems else 200,
    )


def decide_question(visit: Visit, sent: Sent) -> Answer:
    """Keep the decision, and go back to the list."""
    asked = _asked(visit)
    filled = read(decide_form(asked), sent)
    if filled.problems:
        return _question_sheet(asked, filled)
    try:
        review(visit.store, visit.by, asked.proposal, filled.one("answer"), visit.now)
    except (Conflict, Refused) as error:
        return _question_sheet(asked, wrong(filled, str(error), "answer"))
    if asked.kind == CANDIDATE and filled.one("answer") == "national":
        tell_index(visit.store, visit.by, visit.now)
    return Redirect(to=f"{NUMBERS}/questions?done=reviewed")


PAGES = (
    Page(path=TRACE, who=PRACTICE, show=show_trace, do=find_one, part=TRACE),
    Page(path=NUMBERS, who=_LOOKS_AFTER, show=show_numbers, part=NUMBERS),
    Page(path=f"{NUMBERS}/questions", who=_LOOKS_AFTER, show=show_questions, part=NUMBERS),
    Page(
        path=f"{NUMBERS}/questions/{{proposal}}",
        who=_LOOKS_AFTER,
        show=show_question,
        do=decide_question,
        part=NUMBERS,
    ),
)
