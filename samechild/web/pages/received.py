"""What came from a council by day against what usually comes, what was not taken and why, and the specification."""

from __future__ import annotations

from collections import Counter

from samechild.collection.reading.days import DayOf, Mark
from samechild.collection.reading.opening import Sent as Asked
from samechild.collection.reading.received import Received, received
from samechild.collection.records import Feed
from samechild.collection.rules.catalogue import by_code
from samechild.collection.specification import VERSIONS, in_force
from samechild.web.blocks import (
    Answer,
    Block,
    Cell,
    Code,
    Picture,
    Sheet,
    Summary,
    Table,
    Tag,
    Words,
    day,
    moment,
)
from samechild.web.drawing_days import Square, calendar
from samechild.web.pages.quality_feed import of_feed
from samechild.web.pages.quality_parts import RECEIVED, counted, views
from samechild.web.visits import Visit

_TAGS = {
    Mark.MISSING: "red",
    Mark.FEWER: "orange",
    Mark.MORE: "orange",
    Mark.AS_USUAL: "green",
    Mark.NOT_EXPECTED: "grey",
    Mark.UNKNOWN: "grey",
}
_SQUARES = {Mark.MISSING: "missing", Mark.FEWER: "odd", Mark.MORE: "odd", Mark.AS_USUAL: "full"}
_STATES = {"received": "being worked off", "done": "worked off", "refused": "nothing was taken"}


def show(visit: Visit, feed: Feed) -> Answer:
    """The last six weeks."""
    found = received(visit.store, visit.by, feed, visit.now)
    missing = [each.day for each in found.days if each.mark is Mark.MISSING]
    last = f"Something last came on {moment(found.last)}." if found.last else "Nothing has come yet."
    blocks: list[Block] = [views(feed, RECEIVED), Words(last, lead=True)]
    if missing:
        words = f"Nothing came on {', '.join(day(each) for each in missing[-5:])}, when something usually comes."
        blocks.append(Words(words))
    blocks += [
        _in_short(found),
        Picture(_picture(found), "What came by day"),
        Words(
            "A dark square is a day with records, and the number how many came. A crossed-out one is a day on which "
            "nothing came and something usually does. A broken border is a day far from the usual."
        ),
        _days(found),
        _refusals(found),
        *_specification(),
    ]
    return Sheet(title="Received by day", blocks=tuple(blocks), wide=True)


def _in_short(found: Received) -> Summary:
    records = sum(each.came.records for each in found.days)
    unchanged = sum(each.came.unchanged for each in found.days)
    share = f"{100 * unchanged / records:.0f}%" if records else "Nothing came"
    return Summary(
        (
            ("Children held", f"{found.held:,}"),
            ("Records in these six weeks", f"{records:,}"),
            ("Of these unchanged", f"{share}. An unchanged record costs next to nothing, here and for you."),
            ("Being worked off now", counted(found.waiting, "request", "requests")),
        )
    )


def _picture(found: Received) -> str:
    squares = [
        Square(
            day=each.day, words=f"{each.came.records:,}" if each.came.records else "", kind=_SQUARES.get(each.mark, "")
        )
        for each in found.days
    ]
    with_records = sum(1 for each in found.days if each.came.records)
    missing = sum(1 for each in found.days if each.mark is Mark.MISSING)
    words = f"Six weeks: records came on {with_records} days; on {missing} nothing came though something usually does."
    return calendar(squares, words)


def _days(found: Received) -> Table:
    began = next((at for at, each in enumerate(found.days) if each.came.records or each.mark is Mark.MISSING), None)
    shown = () if began is None else found.days[began:]
    return Table(
        "Day by day, the newest first",
        ("Day", "Against the usual", "Requests", "Records", "Usually", "With something new", "Unchanged", "Not taken"),
        tuple(_day_row(each) for each in reversed(shown)),
        empty="Nothing came in these six weeks.",
    )


def _day_row(each: DayOf) -> tuple[Cell, ...]:
    came = each.came
    share = came.unchanged_share
    return (
        f"{each.day:%A} {day(each.day)}",
        Tag(each.mark.value, _TAGS[each.mark]),
        f"{came.requests:,}",
        f"{came.records:,}",
        "" if each.usual is None else f"{each.usual:,}",
        f"{came.changed:,}",
        "" if share is None else f"{came.unchanged:,} ({100 * share:.0f}%)",
        f"{came.refused:,}",
    )


def _refusals(found: Received) -> Table:
    return Table(
        "Requests of which something was not taken, the newest first",
        ("When", "Request", "Answer", "Records", "Not taken", "Why (positions count from 0)"),
        tuple(_refused(each) for each in found.refusals),
        empty="Everything that you sent in these six weeks was taken.",
    )


def _refused(each: Asked) -> tuple[Cell, ...]:
    return (
        moment(each.received_at),
        Code(each.request),
        f"{each.status}, {_became(each)}",
        f"{each.records:,}",
        f"{each.refused:,}",
        why(each),
    )


def _became(each: Asked) -> str:
    return "nothing was taken" if each.status >= 400 else _STATES.get(each.state, each.state)


def why(each: Asked) -> str:
    """The reasons of a request, the most frequent first, with the positions of the first records, counted from 0."""
    counts = Counter(fault.rule for fault in each.faults)
    told = []
    for code, number in counts.most_common(3):
        rule = by_code().get(code)
        words = rule.message if rule else next(fault.words for fault in each.faults if fault.rule == code)
        at = [str(fault.position) for fault in each.faults if fault.rule == code and fault.position >= 0]
        where = f", at position {', '.join(at[:5])}{' and others' if len(at) > 5 else ''}" if at else ""
        told.append(f"{code} ({number}): {words}{where}")
    return ". ".join(told)


def _specification() -> list[Block]:
    now = in_force()
    return [
        Table(
            "The specification",
            ("Version", "Published", "What changed"),
            tuple(
                (
                    f"{each.version} (in force)" if each is now else each.version,
                    ("Proposed " if each.proposed else "") + day(each.published),
                    each.changes,
                )
                for each in reversed(VERSIONS)
            ),
        ),
    ]


PAGES = of_feed(RECEIVED, show=show)
