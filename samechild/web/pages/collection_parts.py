"""What the pages about taking part in the daily collection share: their places, and who opens which."""

from __future__ import annotations

from samechild.web.blocks import Link, Views
from samechild.web.menu import ANALYSTS, MANAGERS, OFFICERS, REVIEWERS, VIEWERS
from samechild.web.visits import Visit

PART = "/collection"
ACCESS, VIEWS, REQUESTS = f"{PART}/access", f"{PART}/views", f"{PART}/requests"
ROUTES, CONCERNS, LOOKED = f"{PART}/routes", f"{PART}/concerns", f"{PART}/looked"

LOOK_AFTER = OFFICERS | MANAGERS
COUNCIL = LOOK_AFTER | REVIEWERS | VIEWERS
EVERY_ROLE = COUNCIL | ANALYSTS

LINKS: tuple[tuple[Link, frozenset[str], str], ...] = (
    (Link("Daily collection", PART), EVERY_ROLE, "whether something may be sent now, and under what"),
    (Link("Who may send", ACCESS), LOOK_AFTER, "systems, their credentials, suppliers, and when each was last seen"),
    (Link("Who sees what", VIEWS), MANAGERS, "give your people each of the views by itself"),
    (Link("Find a request", REQUESTS), COUNCIL, "what became of a request, by the id in our answer"),
    (Link("Routes compared", ROUTES), EVERY_ROLE, "burden, accuracy, scale and cost of the three routes"),
    (Link("Concerns", CONCERNS), COUNCIL, "raise a concern about sharing or protection, and see it answered"),
    (
        Link("What the department looked at", LOOKED),
        LOOK_AFTER | REVIEWERS,
        "what of your records it looked at, when and why",
    ),
)
"""Each page of this part: its link, the roles that open it, and what it is for."""

NOT_HERE = "Your organisation does not send children's social care records here, so there is nothing to show."


def views(visit: Visit, here: str) -> Views:
    """The pages of this part that somebody may open, beside each other."""
    return Views("Daily collection", tuple(link for link, who, _ in LINKS if visit.by.role in who), here)
