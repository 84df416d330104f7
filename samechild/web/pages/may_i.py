"""May I? A page that tries a question about nobody in particular and shows which rules decided, and why.

So that people learn the rules before they need them, and an agreement can be tried before a child depends on it. A
question about a child is never tried: it is asked in earnest, and recorded.
"""

from __future__ import annotations

from samechild.policy.actions import ask_gate
from samechild.policy.bases import bases, conditions, confidences, powers
from samechild.policy.purposes import purposes
from samechild.policy.roles import roles
from samechild.records.disclosure import Ask, Decision, Effect, Judgement, Mode, Scope, Spread
from samechild.records.types import record_types
from samechild.web.blocks import Answer, Block, Inset, Panel, Points, Questions, Sheet, Summary, Table, Words
from samechild.web.forms import Choice, Field, Filled, Form, blank, read
from samechild.web.menu import PRACTICE
from samechild.web.routes import Page, Sent
from samechild.web.visits import Visit
from samechild.web.words import choices, organisation_names, title

_LEFT = "Leave as it is when the records are your own organisation's."


def form_of(visit: Visit) -> Form:
    """The question, with what this role may ask for to pick from."""
    role = roles()[visit.by.role]
    owners = tuple(Choice(name, words) for name, words in organisation_names(visit.store).items())
    wanted = tuple(Choice(name, purposes()[name].title) for name in role.purposes)
    return Form(
        button="Try it",
        fields=(
            Field(name="owner", label="Whose records?", kind="select", choices=owners),
            Field(name="record_type", label="What kind of record?", kind="select", choices=choices(record_types())),
            Field(
                name="mode",
                label="How much do you need?",
                kind="choice",
                choices=(
                    Choice("existence", "Whether there is a record, and whom to ask"),
                    Choice("content", "What the record says"),
                ),
            ),
            Field(name="purpose", label="What for?", kind="select", choices=wanted),
            Field(
                name="power",
                label="On which power or duty?",
                kind="select",
                choices=choices(powers()),
                needed=False,
                hint=_LEFT,
            ),
            Field(name="basis", label="On which lawful basis?", kind="select", choices=choices(bases()), needed=False),
            Field(
                name="condition",
                label="Under which condition for special category content?",
                kind="select",
                choices=choices(conditions()),
                needed=False,
            ),
            Field(
                name="confidence",
                label="How is the duty of confidence met?",
                kind="select",
                choices=choices(confidences()),
                needed=False,
            ),
            Field(
                name="judged",
                label="I have judged that sharing is not more detrimental to the child than not sharing",
                kind="tick",
                needed=False,
            ),
        ),
    )


def show(visit: Visit) -> Answer:
    """The question."""
    return _sheet(blank(form_of(visit)))


def _sheet(filled: Filled, *answer: Block) -> Sheet:
    return Sheet(
        title="May I?",
        blocks=(
            Words("Try a question about nobody in particular and see how it would be decided. Nothing is recorded."),
            Inset("Do not put anything about a child here. If a child is at risk now, do not try: ask, or phone."),
            *answer,
            Questions(filled, "/may-i"),
        ),
        status=400 if filled.problems else 200,
    )


def try_it(visit: Visit, sent: Sent) -> Answer:
    """Decide the question and show why."""
    filled = read(form_of(visit), sent)
    if filled.problems:
        return _sheet(filled)
    mode = Mode(filled.one("mode"))
    spread = Spread.SEARCH if mode is Mode.EXISTENCE else Spread.BATCH
    judged = Judgement(made_by=visit.by.user, made_at=visit.now, reason="tried out") if filled.one("judged") else None
    ask = Ask(
        who=visit.by,
        purpose=filled.one("purpose"),
        mode=mode,
        record_type=filled.one("record_type"),
        owner=filled.one("owner"),
        scope=Scope(spread, batch="may-i"),
        now=visit.now,
        power=filled.one("power"),
        basis=filled.one("basis"),
        condition=filled.one("condition"),
        confidence=filled.one("confidence"),
        judgement=judged,
    )
    return _sheet(filled, *answer_blocks(ask_gate(visit.store, ask)))


def answer_blocks(decision: Decision) -> list[Block]:
    """A decision with its reasons, and what follows from it."""
    told = decision.reasons if decision.allowed else decision.told
    rows = tuple(("allows" if each.effect is Effect.ALLOW else "forbids", each.words, each.rule) for each in told)
    blocks: list[Block] = [
        Panel("Yes, as far as the rules go", "A real question is about a child, and what is known of the child counts.")
        if decision.allowed
        else Panel("No", "A refusal is not the end: see who can decide.", good=False),
        Table("Why", ("Effect", "Reason", "Rule"), rows),
    ]
    facts = [
        ("Agreement relied on", decision.agreement or "None is needed within one organisation"),
        ("The national identifier may be", _NUMBER[decision.number]),
        ("Approvals needed", str(decision.approvals_needed)),
    ]
    if decision.route:
        facts.append(("Who can decide", f"{decision.route.who}: {decision.route.how}"))
    if decision.shadow:
        facts.append(("Shadow weeks", "Decided and recorded only; nothing is disclosed yet"))
    blocks.append(Summary(tuple(facts)))
    if decision.duties:
        blocks += [Words("What follows from it:"), Points(tuple(_DUTIES.get(duty, duty) for duty in decision.duties))]
    if not decision.allowed:
        blocks.append(Words(f"Asked for: {title(purposes(), decision.ask.purpose)}."))
    return blocks


_NUMBER = {
    "none": "neither searched with nor seen",
    "search": "used to search, not seen",
    "see": "seen",
    "pseudonym": "replaced by a pseudonym",
}
_DUTIES = {
    "tell-supervisor": "Your supervisor is told at once.",
    "investigate-override": "The officer of the organisation whose records these are looks into it.",
    "visible-to-owner": "The organisation whose records these are sees it.",
    "review-override": "Your own officer reviews it.",
    "name-both": "Both people are named in the ledger.",
    "broker-contact": "The service gets in touch with you; you are not told where it is.",
}

PAGES = (Page(path="/may-i", who=PRACTICE, show=show, do=try_it, part="/may-i"),)
