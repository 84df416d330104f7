"""The custodian's page: pairs that look like one child with two identities, opened by two people and never joined.

The custodian sees references and how far each is. The second person types a reference and approves, without being shown
anything. Nobody else has a page here, and the second person's is the same whether or not anything waits.
"""

from __future__ import annotations

from collections.abc import Sequence

from samechild.errors import Conflict, Missing, Refused
from samechild.index.custody import (
    APPROVERS,
    Beside,
    Reply,
    State,
    Waiting,
    answer,
    approve_pair,
    ask_approval,
    open_pair,
    queue,
)
from samechild.index.side_by_side import Line, Mark, lines
from samechild.policy.rules.child import CUSTODIAN
from samechild.web.blocks import (
    Answer,
    Block,
    Code,
    Heading,
    Inset,
    Link,
    Marked,
    Questions,
    Redirect,
    Sheet,
    Table,
    Tag,
    Warn,
    Words,
    moment,
)
from samechild.web.forms import Choice, Field, Filled, Form, blank, read, wrong
from samechild.web.menu import CUSTODIANS
from samechild.web.routes import Page, Sent
from samechild.web.visits import Visit

PART = "/custody"
WHO = frozenset(APPROVERS)

WHICH = Form(button="Continue", fields=(Field(name="question", label="Which pair?", longest=128),))
"""How the pair that a form is about comes back: picked from the list, or carried along."""
APPROVE = Form(
    button="Approve",
    fields=(
        Field(
            name="reference",
            label="Reference that you were given",
            longest=128,
            hint="The custodian who wants to open a pair gives it to you.",
            missing="Enter the reference that you were given",
        ),
    ),
)
ASK = Form(button="Ask for approval")
ANSWER = Form(
    button="Answer",
    fields=(
        Field(
            name="reply",
            label="Are these two identities of one child?",
            kind="choice",
            missing="Say whether they are of one child, or that you cannot tell",
            choices=(
                Choice(Reply.SAME.value, "Yes, one child", "The two stay apart for good."),
                Choice(Reply.TWO.value, "No, two children", "The two stay apart for good."),
                Choice(Reply.UNSURE.value, "I cannot tell", "The pair stays in the queue."),
            ),
        ),
        Field(
            name="note",
            label="Note",
            kind="lines",
            needed=False,
            longest=2_000,
            hint="What made you decide. It is kept sealed, for custodians only.",
        ),
    ),
)
MOST_OFFERED = 50
"""So many pairs are offered at once, the oldest; the others follow when these are answered."""
_PICK = "Pick a pair"
_STATES = {
    State.OPEN: Tag("new", "blue"),
    State.ASKED: Tag("approval asked for", "yellow"),
    State.UNSURE: Tag("could not be told", "purple"),
}
_MARKS = {Mark.SAME: "green", Mark.ALIKE: "yellow", Mark.DIFFERENT: "red", Mark.ONE_SIDE: "grey"}


def show(visit: Visit) -> Answer:
    """The custodian's list, or the second person's form."""
    return _front(visit)


def _front(visit: Visit, wrong_pair: str = "", approving: Filled | None = None) -> Sheet:
    approving = approving or blank(APPROVE)
    return Sheet(
        title="Adoption records",
        blocks=(
            *(_waiting(visit, wrong_pair) if visit.by.role == CUSTODIAN else ()),
            Heading("Approve for a custodian"),
            Words("A custodian of adoption records opens two identities only when another person has approved it."),
            Words("You are not shown the pair. Ask why it has to be opened, then approve, or do not."),
            Questions(approving, f"{PART}/approve"),
        ),
        status=400 if wrong_pair or approving.problems else 200,
        wide=True,
    )


def _waiting(visit: Visit, wrong_pair: str) -> list[Block]:
    found = queue(visit.store, visit.by, visit.now)
    blocks: list[Block] = [
        Words("Each pair looks like one child with two valid identities. Nothing joins them by itself, ever."),
        Table(
            "Pairs that wait, the oldest first",
            ("Since", "State", "Reference"),
            tuple((moment(each.since), _state(each), Code(each.question)) for each in found.waiting),
            empty="No pair waits.",
        ),
    ]
    if wrong_pair and not found.waiting:
        blocks.append(Inset(wrong_pair))
    if found.waiting:
        form = blank(_choose(found.waiting[:MOST_OFFERED]))
        blocks += [
            Heading("Open a pair"),
            Words("Another person has to approve before you see it. An approval holds for a day."),
            Questions(wrong(form, wrong_pair, "question") if wrong_pair else form, f"{PART}/pair"),
        ]
    return blocks


def _choose(waiting: Sequence[Waiting]) -> Form:
    choices = tuple(
        Choice(
            each.question,
            f"The reference that begins {each.question[:8]}",
            f"Since {moment(each.since)}: {_state(each).words}.",
        )
        for each in waiting
    )
    return Form(
        button="Continue", fields=(Field(name="question", label="Which pair?", kind="choice", choices=choices),)
    )


def _state(each: Waiting) -> Tag:
    return Tag("approved: you may open it", "green") if each.approved else _STATES[each.state]


def approve(visit: Visit, sent: Sent) -> Answer:
    """Approve as the second person."""
    filled = read(APPROVE, sent)
    if filled.problems:
        return _front(visit, approving=filled)
    try:
        approve_pair(visit.store, visit.by, filled.one("reference"), visit.now)
    except (Missing, Refused) as error:
        return _front(visit, approving=wrong(filled, str(error), "reference"))
    return Redirect(to=f"{PART}?done=custody-approved")


def show_pair(visit: Visit, sent: Sent) -> Answer:
    """Both identities side by side, or how approval is got."""
    filled = read(WHICH, sent)
    if filled.problems:
        return _front(visit, _PICK)
    question = filled.one("question")
    try:
        beside = open_pair(visit.store, visit.by, question, visit.now)
    except Missing as error:
        return _front(visit, str(error))
    except Refused as error:
        return _to_approve(question, str(error))
    return _pair(visit, beside, blank(ANSWER))


def _to_approve(question: str, why: str) -> Sheet:
    return Sheet(
        title="Another person has to approve this",
        blocks=(
            Inset(why),
            Words("Another custodian or an information governance officer of your organisation can approve."),
            Words("Tell them why you need it, and give them the reference. They enter it under Adoption records."),
            Table("To hand on", ("What", "Reference"), (("This pair", Code(question)),)),
            Questions(blank(ASK), f"{PART}/ask", (("question", question),)),
        ),
        back=Link("Adoption records", PART),
        status=403,
    )


def ask(visit: Visit, sent: Sent) -> Answer:
    """Ask for another person's approval."""
    filled = read(WHICH, sent)
    if filled.problems:
        return _front(visit, _PICK)
    try:
        ask_approval(visit.store, visit.by, filled.one("question"), visit.now)
    except Missing as error:
        return _front(visit, str(error))
    return Redirect(to=f"{PART}?done=custody-asked")


def _pair(visit: Visit, beside: Beside, filled: Filled) -> Sheet:
    rows = tuple(_row(each) for each in lines(beside.one, beside.other, visit.now.date()))
    return Sheet(
        title="Two identities side by side",
        blocks=(
            Warn("Tell nobody what you see here. Where a child lives is left out: you do not need it to answer."),
            Table("What the two records say", ("What", "One", "The other", "Compared"), rows),
            Questions(filled, f"{PART}/answer", (("question", beside.question),)),
        ),
        back=Link("Adoption records", PART),
        status=400 if filled.problems else 200,
        wide=True,
    )


def _row(line: Line) -> tuple[str | Marked | Tag, ...]:
    words = line.mark.value + (f": {line.words}" if line.words else "")
    return (line.title, Marked(line.one), Marked(line.other), Tag(words, _MARKS[line.mark]))


def send_answer(visit: Visit, sent: Sent) -> Answer:
    """Take the custodian's answer."""
    which, filled = read(WHICH, sent), read(ANSWER, sent)
    if which.problems:
        return _front(visit, _PICK)
    question = which.one("question")
    try:
        if filled.problems:
            return _pair(visit, open_pair(visit.store, visit.by, question, visit.now), filled)
        reply = Reply(filled.one("reply"))
        answer(visit.store, visit.by, question, reply, filled.one("note"), visit.now)
    except (Missing, Conflict) as error:
        return _front(visit, str(error))
    except Refused as error:
        return _to_approve(question, str(error))
    return Redirect(to=f"{PART}?done=custody-{'unsure' if reply is Reply.UNSURE else 'answered'}")


PAGES = (
    Page(path=PART, who=WHO, show=show, part=PART),
    Page(path=f"{PART}/approve", who=WHO, do=approve, part=PART),
    Page(path=f"{PART}/ask", who=CUSTODIANS, do=ask, part=PART),
    Page(path=f"{PART}/pair", who=CUSTODIANS, do=show_pair, part=PART),
    Page(path=f"{PART}/answer", who=CUSTODIANS, do=send_answer, part=PART),
)
