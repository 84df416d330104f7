"""Reviewing doubtful pairs: the queue, two records side by side, an answer, and the next pair at once.

Every page works without a script, as plain forms; with one, single keys answer. What a reviewer may not see leaves no
trace here, and an opinion that must be given blind is.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

from samechild.errors import Conflict, Invalid, Missing
from samechild.index.evidence import Evidence, Other, evidence, household
from samechild.index.live import live
from samechild.index.records import Space
from samechild.index.review import DOUBTS, Agreement, Doubt, Reply
from samechild.index.review_actions import Answered, Heard, Pair, Side, answer, finish_answers, open_pair, undo_answer
from samechild.index.review_queue import Filters, Queue, Waiting, let_go, queue, take_next
from samechild.index.side_by_side import Line, Mark, counted, lines
from samechild.index.spaces import spaces_for
from samechild.policy.shown import one_of_staff
from samechild.web import drawing
from samechild.web.blocks import (
    Answer,
    Block,
    Cell,
    Drawn,
    Heading,
    Inset,
    Link,
    Marked,
    More,
    Points,
    Questions,
    Redirect,
    Sheet,
    Summary,
    Table,
    Tag,
    Words,
    day,
)
from samechild.web.forms import Choice, Field, Filled, Form, blank, read, wrong
from samechild.web.menu import REVIEWERS
from samechild.web.routes import Page, Sent
from samechild.web.visits import Visit
from samechild.web.words import organisation_names

PART = "/review"
SCRIPT = "/static/review.js"


KEYS = (
    "S: the same child. D: different children. C: cannot tell. N: write a note (Escape leaves it, Ctrl and Enter "
    "answers). U: take your last answer back. J and K, or the arrows: down and up. In the queue N takes the next "
    "question. Question mark: show or hide these words. Nothing needs the keys: each has its button."
)

ANSWER = Form(
    button="Answer, and show the next",
    fields=(
        Field(
            name="answer",
            label="Are these two records of the same child?",
            kind="choice",
            missing="Say whether they are the same child, or that you cannot tell",
            choices=(
                Choice(Reply.SAME.value, "Yes, the same child", "The two children are put together."),
                Choice(Reply.DIFFERENT.value, "No, two children", "They are kept apart until somebody lifts it."),
                Choice(Reply.CANNOT_TELL.value, "I cannot tell", "Somebody with more experience is asked."),
            ),
        ),
        Field(
            name="note",
            label="Note",
            kind="lines",
            needed=False,
            longest=2_000,
            hint="What made you decide. It is kept sealed and goes when either record is erased.",
        ),
    ),
)
NEXT = Form(button="Take the next question")
UNDO = Form(button="Take my last answer back")
BACK = Form(button="Give this question back")
_MARKS = {Mark.SAME: "green", Mark.ALIKE: "yellow", Mark.DIFFERENT: "red", Mark.ONE_SIDE: "grey"}
_REPLIES = {Reply.SAME: "the same child", Reply.DIFFERENT: "two children", Reply.CANNOT_TELL: "cannot tell"}
_SHOWN = {
    "all": ("All", Filters()),
    "mine": ("Mine", Filters(mine=True)),
    "unassigned": ("Nobody's", Filters(unassigned=True)),
    "second": ("Second opinions", Filters(second=True)),
    "passed-on": ("Passed on", Filters(passed_on=True)),
}
_COUNTS = (
    ("open", "Open questions"),
    ("mine", "Yours"),
    ("unassigned", "Nobody's"),
    ("second", "Waiting for a second opinion"),
    ("passed on", "Passed on by somebody who could not tell"),
)
MOST_SHOWN = 50


# --- the queue --------------------------------------------------------------------------------------------------------


def show_queue(visit: Visit) -> Answer:
    """The questions that wait, how long they have waited, and how far reviewers agree."""
    spaces = spaces_for(visit.store, visit.by.organisation)
    if not spaces:
        return Sheet(title="Review", blocks=(Words("Your organisation keeps no index yet, so nobody is asked."),))
    here = _space(visit, spaces)
    chosen = visit.asked.get("show", "all")
    _, filters = _SHOWN.get(chosen, _SHOWN["all"])
    finish_answers(visit.store, visit.by, here.space, visit.now)
    found = queue(visit.store, visit.by, here.space, visit.now, filters)
    return Sheet(
        title="Questions about records",
        above=here.title,
        blocks=(
            *_last(visit, here.space),
            Words("Each question is whether two records are of the same child. Somebody must look at them."),
            *_to_take(found),
            More("Keys", KEYS),
            Heading("What waits"),
            *(_choose_space(spaces, here) if len(spaces) > 1 else ()),
            Points(
                tuple(
                    f"{words} (shown)" if name == chosen else Link(words, _at(here.space, show=name))
                    for name, (words, _) in _SHOWN.items()
                )
            ),
            Table(
                f"Questions: {_SHOWN.get(chosen, _SHOWN['all'])[0].lower()}",
                ("Asked", "Why", "State"),
                tuple(_row(each) for each in found.waiting[:MOST_SHOWN]),
                empty="Nothing waits here.",
            ),
            *_more_than(found),
            *_measured(visit, found),
        ),
        wide=True,
        script=SCRIPT,
    )


def _space(visit: Visit, spaces: list[Space]) -> Space:
    """The space asked for; the organisation's own when none is."""
    wanted = visit.asked.get("space", "")
    found = next((space for space in spaces if space.space == wanted), None)
    if wanted and found is None:
        raise Missing("There is no such index space. Ask for one of your organisation's.")
    return found or spaces[0]


def _at(space: str, **more: str) -> str:
    return f"{PART}?{urlencode({'space': space, **more})}"


def _to_take(found: Queue) -> list[Block]:
    waits = found.counts["to take"]
    if not waits:
        return [Inset("There is no question for you now. What others hold, or you have answered, is not offered.")]
    words = "One question is for you." if waits == 1 else f"{waits:,} questions are for you, the oldest first."
    return [Words(words), Questions(blank(NEXT), "/review/next", (("space", found.space),))]


def _choose_space(spaces: list[Space], here: Space) -> tuple[Block, ...]:
    others = tuple(Link(space.title, _at(space.space)) for space in spaces if space.space != here.space)
    return (Words("Other index spaces of your organisation:"), Points(others))


def _row(each: Waiting) -> tuple[Cell, ...]:
    days = "today" if not each.days else f"{each.days} day{'s' if each.days > 1 else ''} ago"
    asked: Cell = days
    if each.may_take:
        asked = Link(days, f"/review/pairs/{each.question}", f", {DOUBTS[each.kind].lower()}: open")
    return asked, DOUBTS[each.kind], _state(each)


def _state(each: Waiting) -> Cell:
    if each.mine:
        return Tag("yours", "green")
    if each.held:
        return Tag("held by somebody", "grey")
    if each.passed_on:
        return Tag("passed on", "orange")
    if each.half_answered:
        return Tag("needs another opinion", "yellow")
    return Tag("open", "blue")


def _more_than(found: Queue) -> tuple[Block, ...]:
    more = len(found.waiting) - MOST_SHOWN
    return (Words(f"{more:,} more are not listed here: the oldest come first."),) if more > 0 else ()


def _measured(visit: Visit, found: Queue) -> list[Block]:
    """How the queue ages, and how far reviewers agree."""
    oldest = "nothing waits" if found.ageing.oldest is None else f"{found.ageing.oldest} days"
    return [
        Heading("How the queue stands"),
        Summary(tuple((words, f"{found.counts[name]:,}") for name, words in _COUNTS)),
        Table("How long questions have waited", ("Asked", "Questions"), _waited(found)),
        Summary(
            (
                ("The oldest has waited", oldest),
                ("Asked in the last 7 days, still open", f"{found.ageing.opened:,}"),
                ("Answered in the last 7 days", f"{found.ageing.closed:,}"),
            )
        ),
        Heading("How far reviewers agree"),
        Words(
            "A tenth of the questions, and every question about a shielded child, is answered by two people who do "
            "not know of each other. Kappa is their agreement beyond luck: 1 is full agreement, 0 is luck."
        ),
        Table(
            "Agreement of two reviewers",
            ("Reviewers", "Both answered", "Alike", "Kappa", "In words"),
            tuple(_agreement(visit, each) for each in found.agreements),
        ),
    ]


def _waited(found: Queue) -> tuple[tuple[Cell, ...], ...]:
    return tuple((words, f"{count:,}") for words, count in found.ageing.waiting)


def _agreement(visit: Visit, each: Agreement) -> tuple[Cell, ...]:
    who = " and ".join(_name(visit, user) for user in each.who) if each.who else "All reviewers"
    kappa = "not defined" if each.kappa is None else f"{each.kappa:.2f}".replace("-", "\u2212")
    return who, f"{each.both:,}", f"{each.alike:,}", kappa, each.words


def _name(visit: Visit, user: str) -> str:
    """A colleague's name, or that it is somebody of another organisation."""
    if user == visit.by.user:
        return "you"
    try:
        return one_of_staff(visit.store, visit.by, user).name
    except Missing:
        return "somebody of another organisation"


def take_the_next(visit: Visit, sent: Sent) -> Answer:
    """Take the next question and open it."""
    return _on(visit, _only(sent, "space"))


def _on(visit: Visit, space: str, after: str = "", done: str = "") -> Redirect:
    question = take_next(visit.store, visit.by, space, visit.now)
    more = {name: value for name, value in (("last", after), ("done", done)) if value}
    if not question:
        return Redirect(to=_at(space, **more))
    return Redirect(to=f"/review/pairs/{question}" + (f"?{urlencode(more)}" if more else ""))


def _only(sent: Sent, name: str) -> str:
    return (sent.get(name) or [""])[0]


# --- one pair ---------------------------------------------------------------------------------------------------------


def show_pair(visit: Visit) -> Answer:
    """Two records side by side."""
    try:
        pair = open_pair(visit.store, visit.by, visit.named["question"], visit.now)
    except Conflict as error:
        return Sheet(
            title="This question is somebody else's",
            blocks=(Words(str(error)), Points((Link("The queue", PART),))),
            back=Link("The queue", PART),
            status=409,
        )
    return _pair_sheet(visit, pair, blank(ANSWER))


def _pair_sheet(visit: Visit, pair: Pair, filled: Filled) -> Sheet:
    asked = pair.asked.asked
    names = organisation_names(visit.store)
    found = lines(pair.one.values, pair.other.values, visit.now.date())
    try:
        alive = live(visit.store, asked.space, visit.now)
    except Invalid:  # a space without a model has no evidence to show
        weighed, others = None, []
    else:
        weighed = evidence(alive, pair.one.values, pair.other.values, visit.now.date())
        both = (pair.one.values, pair.other.values)
        others = household(visit.store, visit.by, alive, both, (pair.one.child, pair.other.child), visit.now)
    return Sheet(
        title="Are these two records of the same child?",
        above=f"{DOUBTS[asked.kind]}. Asked on {day(asked.opened_at)}.",
        blocks=(
            *_last(visit, asked.space),
            *(_why_changed(pair)),
            _side_by_side(pair, found, names),
            Words(_in_short(found)),
            *_evidence(weighed),
            *_household(others),
            *_heard(visit, pair.heard),
            Questions(filled, f"/review/pairs/{asked.question}"),
            More("Keys", KEYS),
            Questions(blank(BACK), "/review/back", (("question", asked.question), ("space", asked.space))),
        ),
        back=Link("The queue", _at(asked.space)),
        status=400 if filled.problems else 200,
        wide=True,
        script=SCRIPT,
    )


def _why_changed(pair: Pair) -> tuple[Block, ...]:
    if pair.asked.asked.kind is Doubt.CHANGED or pair.together:
        return (Inset("Both records are held as one child now. If they are two, the first is taken out."),)
    return ()


def _side_by_side(pair: Pair, found: list[Line], names: dict[str, str]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        ("Held by", _holder(pair.one, names), _holder(pair.other, names), ""),
        ("Received", day(pair.one.received_at), day(pair.other.received_at), ""),
        ("Its child", _child(pair, pair.one, "first"), _child(pair, pair.other, "second"), ""),
    ]
    for line in found:
        said = line.words or line.mark.value
        rows.append((line.title, Marked(line.one), Marked(line.other), Tag(said, _MARKS[line.mark])))
    return Table("Both records as they were given", ("Field", "First record", "Second record", "Compared"), tuple(rows))


def _holder(side: Side, names: dict[str, str]) -> str:
    return ", ".join(word for word in (names.get(side.owner, side.owner), side.source) if word)


def _child(pair: Pair, side: Side, which: str) -> Cell:
    if not side.child:
        return "not in the index now"
    return Link("All its records", f"/clusters/{quote(pair.asked.asked.space, safe='')}/{side.child}", f"({which})")


def _in_short(found: list[Line]) -> str:
    count = counted(found)
    told = [
        f"{count[mark]} {words}"
        for mark, words in (
            (Mark.SAME, "the same"),
            (Mark.ALIKE, "alike"),
            (Mark.DIFFERENT, "different"),
            (Mark.ONE_SIDE, "on one side only"),
        )
        if count[mark]
    ]
    return f"In short: {', '.join(told)}. Letters that differ are marked." if told else "Neither record says anything."


def _evidence(weighed: Evidence | None) -> list[Block]:
    """The evidence as a waterfall: each row a bar that begins where the one before it ended."""
    if weighed is None:
        return []
    drawn = drawing.bars([step.bits for step in weighed.steps])
    rows: list[tuple[Cell, ...]] = [
        (step.name, step.seen, drawing.in_bits(step.bits), Drawn(bar))
        for step, bar in zip(weighed.steps, drawn, strict=False)
    ]
    chance = f"{weighed.probability:.1%}" if 0.001 <= weighed.probability <= 0.999 else "almost certain"
    if weighed.probability < 0.001:
        chance = "under 0.1%"
    rows.append(("Together", f"one child, by this alone: {chance}", drawing.in_bits(weighed.weight), Drawn(drawn[-1])))
    return [
        Table(
            "What speaks for and against", ("Compared", "Seen", "Bits", "For (filled), against (hollow)"), tuple(rows)
        ),
        More(
            "What the bits mean",
            "Each bit doubles the odds that both records are of one child; a bit against halves them. They are worked "
            "out from what this page shows. They are no more than a hint: you decide.",
        ),
    ]


def _household(others: list[Other]) -> list[Block]:
    if not others:
        return [Words("No other child of this family name was found near these two records.")]
    rows = tuple(
        (
            each.name or "no name held",
            each.date_of_birth or "not known",
            each.sex or "not known",
            Tag("born the same day", "orange") if each.same_day else "born on another day",
            each.why,
        )
        for each in others
    )
    return [
        Table("Other children near them: brothers, sisters, twins", ("Name", "Born", "Sex", "Twin?", "Near by"), rows)
    ]


def _heard(visit: Visit, heard: tuple[Heard, ...]) -> list[Block]:
    if not heard:
        return []
    rows = tuple((_name(visit, each.who), _REPLIES[each.answer], day(each.at), each.note or "none") for each in heard)
    return [Table("What was said before", ("Who", "Answer", "When", "Note"), rows)]


def _last(visit: Visit, space: str) -> list[Block]:
    """The way to take back the answer just given."""
    last = visit.asked.get("last", "")
    if not last:
        return []
    return [Questions(blank(UNDO), "/review/undo", (("question", last), ("space", space)))]


def give_answer(visit: Visit, sent: Sent) -> Answer:
    """Keep an answer, and show the next pair."""
    question = visit.named["question"]
    filled = read(ANSWER, sent)
    if filled.problems:
        return _pair_sheet(visit, open_pair(visit.store, visit.by, question, visit.now), filled)
    pair_space = open_pair(visit.store, visit.by, question, visit.now).asked.asked.space
    reply = Reply(filled.one("answer"))
    try:
        done = answer(visit.store, visit.by, question, reply, filled.one("note"), visit.now, visit.shell.random)
    except Conflict as error:
        pair = open_pair(visit.store, visit.by, question, visit.now)
        return _pair_sheet(visit, pair, wrong(filled, str(error), "answer"))
    return _on(visit, pair_space, question, _done(done))


def _done(done: Answered) -> str:
    """The code of what the next page says."""
    if done.applied:
        return "review-same" if done.answer is Reply.SAME else "review-different"
    return "review-passed-on" if done.answer is Reply.CANNOT_TELL else "review-waits"


def undo(visit: Visit, sent: Sent) -> Answer:
    """Take back the reader's own last answer, and show that pair again."""
    space = _only(sent, "space")
    question = undo_answer(visit.store, visit.by, space, visit.now, _only(sent, "question"))
    return Redirect(to=f"/review/pairs/{question}?done=review-undone")


def give_back(visit: Visit, sent: Sent) -> Answer:
    """Give a question back to the queue."""
    let_go(visit.store, visit.by, _only(sent, "question"), visit.now)
    return Redirect(to=_at(_only(sent, "space"), done="review-back"))


PAGES = (
    Page(path="/review", who=REVIEWERS, show=show_queue, part=PART),
    Page(path="/review/next", who=REVIEWERS, do=take_the_next, part=PART),
    Page(path="/review/undo", who=REVIEWERS, do=undo, part=PART),
    Page(path="/review/back", who=REVIEWERS, do=give_back, part=PART),
    Page(path="/review/pairs/{question}", who=REVIEWERS, show=show_pair, do=give_answer, part=PART),
)
