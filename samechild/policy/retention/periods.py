"""How long records are kept: which have run out, which an officer must look at, and which nobody may destroy now.

The periods are data (``policy/data/retention.toml``), each with its source: regulations where there are any, published
local choices otherwise. Keeping too long breaks UK GDPR Article 5(1)(e); destroying too early can never be mended, so
whatever is not known for certain goes to a person. Nothing here destroys anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cache
from importlib.resources import files
from pathlib import Path

import msgspec

from samechild.errors import Invalid


class Trigger(StrEnum):
    """What a period is counted from. ``CLOSED`` is the end of a case, treatment, tenancy, approval or project."""

    BIRTH = "birth"
    DEATH = "death"
    CLOSED = "closed"
    LAST_CONTACT = "last-contact"
    ORDER = "order"


class Act(StrEnum):
    """What is to be done: destroy, have an officer look, or leave alone because a hold forbids destroying."""

    DISPOSE = "dispose"
    REVIEW = "review"
    HELD = "held"


class Because(StrEnum):
    """Why something is on the list."""

    PERIOD_ENDED = "period ended"
    DATE_UNKNOWN = "date unknown"
    CLASS_UNKNOWN = "class not in the schedule"


class HoldKind(StrEnum):
    """What suspends disposal: a public inquiry's order, litigation, or a person's own request for access."""

    INQUIRY = "inquiry"  # Inquiries Act 2005 section 35: destroying what is relevant is an offence
    LITIGATION = "litigation"
    ACCESS_REQUEST = "access request"  # DPA 2018 section 173: destroying to prevent disclosure is an offence


class Period(msgspec.Struct, frozen=True, rename={"trigger": "from"}, forbid_unknown_fields=True):
    """So many years from a trigger; with ``aged``, only for who was of that age when the record was closed."""

    trigger: Trigger
    years: int
    aged: int | None = None


class RetentionClass(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the schedule: what is kept how long, where that is laid down, and what happens then."""

    name: str
    source: str
    statutory: bool
    disposal: Act = Act.REVIEW
    after: tuple[Period, ...] = ()
    died_under_18: tuple[Period, ...] = ()
    follows: bool = False


Schedule = Mapping[str, RetentionClass]
"""The retention classes by name."""


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """An order to destroy nothing: of one child, of one class, or (both empty) of everything an organisation holds."""

    id: str
    owner: str
    kind: HoldKind
    reference: str
    placed_by: str
    placed_at: datetime
    record_key: str = ""
    retention: str = ""
    lifted_by: str = ""
    lifted_at: datetime | None = None

    def covers(self, owner: str, record_key: str, retention: str) -> bool:
        """Whether this hold, while it stands, forbids destroying such a record."""
        return (
            self.lifted_at is None
            and self.owner == owner
            and self.record_key in ("", record_key)
            and self.retention in ("", retention)
        )


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """An officer's decision on a record that came up: destroy it, or keep it until a day with a reason's code."""

    owner: str
    record_key: str
    retention: str
    dispose: bool
    reason: str
    decided_by: str
    decided_at: datetime
    keep_until: date | None = None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about how long one child's records of one class are to be kept.

    ``dates``: a trigger that is absent has not happened; one whose date is None has, but nobody knows when. A child
    without a date of birth in ``dates`` has one that is not known.
    """

    owner: str
    record_key: str
    retention: str
    dates: Mapping[Trigger, date | None]
    holds: tuple[Hold, ...] = ()
    review: Review | None = None


class Disposal(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list of what has run out: which records, what is to be done, since when, and why."""

    owner: str
    record_key: str
    retention: str
    act: Act
    because: Because
    due_on: date | None
    source: str


def due(schedule: Schedule, facts: Iterable[Facts], now: datetime) -> list[Disposal]:
    """List what has run out or cannot be told, oldest first; what is to be kept longer is not on the list.

    Args:
        schedule: the retention classes, from :func:`schedule` or :func:`read_schedule`.
        facts: one for each child and class.
        now: the time; a period ends with the day in UTC, which is never before the day here.

    Returns:
        Only lines of the class's ``disposal = "dispose"`` with every date known, or that an officer decided to
        destroy, are to be disposed of. Unknown dates and classes are for review, and a hold suspends everything.
    """
    today = now.astimezone(UTC).date()
    found = [line for each in facts if (line := _line(schedule.get(each.retention), each, today)) is not None]
    return sorted(found, key=lambda line: (line.due_on or date.min, line.record_key, line.retention))


def ends_on(kept: RetentionClass, dates: Mapping[Trigger, date | None]) -> date | None:
    """Say on which day a class's period has run out; None while one of its periods has not begun.

    Raises:
        Invalid: when a date that counts is not known.
    """
    latest: date | None = None
    for period in kept.died_under_18 if kept.died_under_18 and _died_under_18(dates) else kept.after:
        if period.aged is not None:
            if Trigger.CLOSED not in dates:
                return None
            if _age(_known(dates, Trigger.BIRTH), _known(dates, Trigger.CLOSED)) != period.aged:
                continue
        if period.trigger not in dates and period.trigger is not Trigger.BIRTH:
            return None
        ends = anniversary(_known(dates, period.trigger), period.years)
        latest = ends if latest is None else max(latest, ends)
    return latest


def anniversary(day: date, years: int) -> date:
    """The same day so many years on; 29 February becomes 1 March where there is none, so that nothing ends early.

    Raises:
        Invalid: when it would be after the year 9999.
    """
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        pass
    if day.year + years > date.max.year:
        raise Invalid("A date of a record is too far in the future for a period to be counted from it.")
    return date(day.year + years, 3, 1)


@cache
def schedule() -> dict[str, RetentionClass]:
    """The schedule that comes with samechild."""
    return _read((files("samechild.policy") / "data" / "retention.toml").read_bytes(), "The retention schedule")


def read_schedule(path: Path) -> dict[str, RetentionClass]:
    """Read an organisation's own schedule from a TOML file of the same form.

    Raises:
        Invalid: when it cannot be read, a class stands twice, or a class never runs out.
    """
    try:
        return _read(path.read_bytes(), str(path))
    except OSError as error:
        raise Invalid(f"{path} cannot be read ({error.strerror}).") from None


class _File(msgspec.Struct, frozen=True, rename={"classes": "class"}, forbid_unknown_fields=True):
    classes: tuple[RetentionClass, ...]


def _read(written: bytes, place: str) -> dict[str, RetentionClass]:
    try:
        classes = msgspec.toml.decode(written, type=_File).classes
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{place} cannot be used: {error}.") from None
    found = {each.name: each for each in classes}
    if len(found) != len(classes):
        raise Invalid(f"{place} holds a retention class twice: leave one.")
    for each in classes:
        periods = each.after + each.died_under_18
        if each.follows == bool(each.after) or each.disposal is Act.HELD:
            raise Invalid(
                f"{place}: the class {each.name} needs either `after` or `follows = true`, and may not be held."
            )
        if any(period.years < 0 or (period.aged or 0) < 0 for period in periods):
            raise Invalid(f"{place}: a period of the class {each.name} is below nought.")
        if each.after and all(period.aged is not None for period in each.after):
            raise Invalid(f"{place}: the class {each.name} needs a period for every age.")
    return found


def _line(kept: RetentionClass | None, facts: Facts, today: date) -> Disposal | None:
    ended: date | None = None
    if kept is None:
        act, because = Act.REVIEW, Because.CLASS_UNKNOWN
    elif kept.follows:
        return None
    else:
        try:
            ended = ends_on(kept, facts.dates)
        except Invalid:
            act, because = Act.REVIEW, Because.DATE_UNKNOWN
        else:
            if ended is None or today < ended:
                return None
            act, because = kept.disposal, Because.PERIOD_ENDED
    review = facts.review
    if review is not None and review.dispose:
        act = Act.DISPOSE
    elif review is not None and review.keep_until is not None and today < review.keep_until:
        return None
    if any(hold.covers(facts.owner, facts.record_key, facts.retention) for hold in facts.holds):
        act = Act.HELD
    return Disposal(
        owner=facts.owner,
        record_key=facts.record_key,
        retention=facts.retention,
        act=act,
        because=because,
        due_on=ended,
        source=kept.source if kept else "",
    )


def _died_under_18(dates: Mapping[Trigger, date | None]) -> bool:
    if Trigger.DEATH not in dates:
        return False
    return _known(dates, Trigger.DEATH) < anniversary(_known(dates, Trigger.BIRTH), 18)


def _known(dates: Mapping[Trigger, date | None], trigger: Trigger) -> date:
    day = dates.get(trigger)
    if day is None:
        raise Invalid(f"The date of {trigger.value} is not known.")
    return day


def _age(born: date, day: date) -> int:
    return day.year - born.year - (anniversary(born, day.year - born.year) > day)
