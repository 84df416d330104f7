"""Entering the numbers of the downtime card, and writing the card from what organisations say about themselves."""

from __future__ import annotations

from datetime import datetime

from samechild.errors import Missing, Refused
from samechild.policy import ledger
from samechild.policy.clocks import uk_day
from samechild.policy.governance import store as rows
from samechild.policy.governance.downtime import Number, card, checked_number
from samechild.policy.people import store as people_store
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store

MAY = ("access-manager", "information-governance", "duty-desk", "operator")


def enter_number(store: Store, who: Asker, label: str, number: str, now: datetime, organisation: str = "") -> None:
    """Enter an emergency number of one's own organisation, in place of the one of the same label.

    ``organisation`` is for whoever works the command line, who has none of their own.

    Raises:
        Refused: when the role does not keep the card.
        Invalid: when it is no telephone number.
    """
    _may(who)
    ours = who.organisation or organisation
    made = checked_number(Number(organisation=ours, label=label, number=number, entered_by=who.user, entered_at=now))
    ledger.append(store, "downtime", {"action": "enter", "by": who.user, "organisation": ours}, now)
    with store.write(Login.GATE) as gate:
        if people_store.organisation_of(gate, ours) is None:
            raise Missing("There is no such organisation.")
        rows.keep_number(gate, made)


def remove_number(store: Store, who: Asker, label: str, now: datetime) -> None:
    """Remove an emergency number of one's own organisation.

    Raises:
        Refused: when the role does not keep the card.
        Missing: when there is no number of that label.
    """
    _may(who)
    ledger.append(store, "downtime", {"action": "remove", "by": who.user, "organisation": who.organisation}, now)
    with store.write(Login.GATE) as gate:
        if not rows.remove_number(gate, who.organisation, label):
            raise Missing("There is no number of that name.")


def downtime_card(store: Store, now: datetime) -> str:
    """Write the downtime card of the installation as a printable page; it holds nothing of any child."""
    with store.read(Login.GATE) as gate:
        organisations, numbers = people_store.all_organisations(gate), rows.numbers_kept(gate)
    return card(organisations, numbers, now, uk_day(now))


def _may(who: Asker) -> None:
    if who.role not in MAY:
        raise Refused("The downtime card is kept by access managers, information governance and the duty desk.")
