"""The menu by role, and the words said after something was done.

A link is shown to those whose role may open the page behind it; the page asks again when it is opened.
"""

from __future__ import annotations

from samechild.policy.roles import roles
from samechild.web.blocks import Link
from samechild.web.routes import EVERYBODY

OFFICERS = frozenset({"information-governance"})
MANAGERS = frozenset({"access-manager"})
REVIEWERS = frozenset({"data-quality-officer"})
VIEWERS = frozenset({"quality-viewer"})
ANALYSTS = frozenset({"analyst"})
CUSTODIANS = frozenset({"adoption-custodian"})
PRACTICE = frozenset(name for name, role in roles().items() if role.identity and not role.machine and not role.view)
"""Roles whose work is with children."""

_LINKS: tuple[tuple[Link, frozenset[str]], ...] = (
    (Link("Home", "/"), EVERYBODY),
    (Link("Data quality", "/quality"), VIEWERS),
    (Link("Councils' data quality", "/councils"), ANALYSTS),
    (Link("Daily collection", "/collection"), OFFICERS | MANAGERS | REVIEWERS | VIEWERS | ANALYSTS),
    (Link("Find a child", "/children"), PRACTICE),
    (Link("May I?", "/may-i"), PRACTICE),
    (Link("Review", "/review"), REVIEWERS),
    (Link("Where our records differ", "/drift"), REVIEWERS),
    (Link("NHS number", "/trace"), PRACTICE),
    (Link("Numbers", "/numbers"), REVIEWERS | OFFICERS),
    (Link("Agreements", "/agreements"), EVERYBODY),
    (Link("Organisations and access", "/organisations"), MANAGERS | OFFICERS),
    (Link("Access review", "/access-review"), MANAGERS),
    (Link("Ledger", "/ledger"), OFFICERS),
    (Link("Who looked", "/who-looked"), OFFICERS),
    (Link("Registers", "/registers"), EVERYBODY),
    (Link("Retention", "/retention"), OFFICERS),
    (Link("Adoption records", "/custody"), OFFICERS | CUSTODIANS),
    (Link("Law in force", "/law"), OFFICERS),
    (Link("Whom to phone", "/downtime"), EVERYBODY),
)


def menu(role: str) -> tuple[Link, ...]:
    """The links of somebody in a role; for somebody not signed in, those for everybody."""
    if not role:
        return (Link("Home", "/"), Link("What is shared, and why", "/purposes"), Link("Sign in", "/sign-in"))
    return tuple(link for link, who in _LINKS if role in who)


SAID = {
    "added": "It was added.",
    "changed": "It was changed.",
    "closed": "It was closed.",
    "confirmed": "The access review was confirmed.",
    "cluster-split": "The records were taken out: they are a child of their own now.",
    "cluster-undone": "The step was taken back, exactly.",
    "custody-answered": "Your answer was kept. The two records stay apart for good.",
    "custody-approved": "You approved it. The custodian can open the pair for a day.",
    "custody-asked": "Give the reference to the person who is to approve it.",
    "custody-unsure": "Your answer was kept. The pair stays in the queue.",
    "entered": "It was entered.",
    "granted": "The role was given.",
    "held": "The hold was set.",
    "left": "They have left: every role ended, and they are signed out everywhere.",
    "released": "It was released.",
    "revoked": "The role was taken away.",
    "review-back": "The question went back to the queue.",
    "review-different": "Your answer was kept: two children. They are kept apart until somebody lifts it.",
    "review-passed-on": "Your answer was kept: you cannot tell. Somebody else will be asked.",
    "review-same": "Your answer was kept: the same child. The two are one now.",
    "review-undone": "Your answer was taken back. Here is the pair again.",
    "review-waits": "Your answer was kept. Nothing is done before another person has answered too.",
    "reviewed": "It was reviewed.",
    "signed": "Your organisation has signed.",
    "vouched": "Your council vouches for them.",
    "withdrawn": "The agreement is withdrawn: nothing is shared under it from now on.",
    "written": "A new version was written. Nobody has signed it yet.",
}
"""What a page says after something was done: the words for each code that may stand in ``?done=``."""
