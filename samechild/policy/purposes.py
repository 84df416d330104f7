"""Why something about a child may be asked for: the closed list of purposes, each in words a parent understands.

A purpose is part of every question, every agreement and every ledger entry. Purposes about *one child's care* and
purposes about *many children's records* (research, planning) obey different rules: the national data opt-out and the
pseudonym instead of the number hold for the second.
"""

from __future__ import annotations

from functools import cache

import msgspec


class Purpose(msgspec.Struct, frozen=True, kw_only=True):
    """One purpose: ``individual`` is about a child's own care; ``words`` is what the public page of purposes says.

    ``dfe`` marks the three purposes for which the Department for Education may read councils' early-adopter data;
    ``forbidden`` marks what that data may never be used for.
    """

    name: str
    title: str
    words: str
    individual: bool
    opt_out: bool = False  # the national data opt-out applies
    dfe: bool = False
    forbidden: bool = False


def _declared() -> tuple[Purpose, ...]:
    return (
        Purpose(
            name="child-protection",
            title="Protecting a child from harm",
            words="To find out whether a child is being hurt or is likely to be, and to keep the child safe.",
            individual=True,
        ),
        Purpose(
            name="safeguarding",
            title="Safeguarding and promoting a child's welfare",
            words="So that the people who look after a child's welfare know what they need to help early and together.",
            individual=True,
        ),
        Purpose(
            name="early-help",
            title="Helping a child and family early",
            words="To offer a family help before things get worse. The family can say no.",
            individual=True,
        ),
        Purpose(
            name="education-welfare",
            title="Making sure a child is in education and supported there",
            words="To know that a child goes to school, and to help when they do not.",
            individual=True,
        ),
        Purpose(
            name="health-care",
            title="Caring for a child's health",
            words="So that doctors, nurses and health visitors can look after a child.",
            individual=True,
        ),
        Purpose(
            name="crime-prevention",
            title="Preventing and investigating crime against children",
            words="To stop crimes in which children are hurt or used, and to find those responsible.",
            individual=True,
        ),
        Purpose(
            name="linkage-quality",
            title="Keeping records of the same child together, and of different children apart",
            words="To check that what is written about a child is about that child and not another.",
            individual=True,
        ),
        Purpose(
            name="peoples-rights",
            title="Answering a person who asks about their own records",
            words="To show you what is held about you, who looked at it, and to correct it.",
            individual=True,
        ),
        Purpose(
            name="audit",
            title="Checking that records are used rightly",
            words="To check that nobody looked at a child's record who should not have.",
            individual=True,
        ),
        Purpose(
            name="statutory-return",
            title="Sending the Department for Education what the law requires",
            words="Councils must tell the government each year about the children they help.",
            individual=False,
        ),
        Purpose(
            name="service-planning",
            title="Planning services",
            words="To plan how much help is needed and where. Nobody is contacted because of it.",
            individual=False,
            opt_out=True,
        ),
        Purpose(
            name="research",
            title="Research",
            words="To learn what helps children, with names and numbers taken out.",
            individual=False,
            opt_out=True,
            dfe=True,
        ),
        Purpose(
            name="evaluation",
            title="Evaluating whether a programme works",
            words="To find out whether a way of helping children works, with names and numbers taken out.",
            individual=False,
            opt_out=True,
            dfe=True,
        ),
        Purpose(
            name="development",
            title="Developing the daily collection itself",
            words="To test and improve the way councils send their records.",
            individual=False,
            dfe=True,
        ),
        Purpose(
            name="performance-management",
            title="Managing the performance of a council or its staff",
            words="Not done with these records.",
            individual=False,
            forbidden=True,
        ),
        Purpose(
            name="accountability",
            title="Holding a council to account, or inspecting it",
            words="Not done with these records.",
            individual=False,
            forbidden=True,
        ),
    )


@cache
def purposes() -> dict[str, Purpose]:
    """Every declared purpose by name."""
    return {declared.name: declared for declared in _declared()}
