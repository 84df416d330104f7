"""The numbers that signing in obeys, and the pure questions about roles and times: no database, no clock.

Sources: NIST SP 800-63B (sign-ins of level 2: at most twelve hours, half an hour idle); NCSC guidance on passwords and
lockout; RFC 6238 for the second factor; RFC 9106 for argon2id.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

import msgspec
from argon2 import PasswordHasher

from samechild.policy.people.rules import Grant, holds
from samechild.policy.roles import roles
from samechild.settings import Settings

CLOCK_TOLERANCE = timedelta(seconds=60)
"""So much may two clocks differ; a clock that went back further is not trusted."""

SEEN_EVERY = timedelta(seconds=15)
"""How exactly it is noted that somebody did something: one write in so long."""

FREE_FAILURES = 5
LONGEST_LOCK = timedelta(minutes=15)


class SignInRules(msgspec.Struct, frozen=True, kw_only=True):
    """How long things last, and how hard a password is to guess."""

    idle: timedelta = timedelta(minutes=20)
    longest: timedelta = timedelta(hours=10)
    invitation: timedelta = timedelta(hours=72)
    at_provider: timedelta = timedelta(minutes=10)
    token: timedelta = timedelta(minutes=10)
    hasher: PasswordHasher = PasswordHasher()


def rules_of(settings: Settings) -> SignInRules:
    """Read from the settings how long people stay signed in."""
    return SignInRules(idle=timedelta(minutes=settings.idle_minutes), longest=timedelta(hours=settings.signed_in_hours))


def lock_for(failures: int) -> timedelta:
    """How long nobody may try an address after so many failures: not at all, then twice as long each time."""
    if failures < FREE_FAILURES:
        return timedelta(0)
    doublings = min(failures - FREE_FAILURES, 10)
    return min(LONGEST_LOCK, timedelta(seconds=30 << doublings))


def held_roles(grants: Iterable[Grant], limited_to: Collection[str] | None, now: datetime) -> tuple[str, ...]:
    """The roles somebody holds now, in the order of declaration; a provider may limit them, never add to them."""
    held = {grant.role for grant in grants if holds(grant, now)}
    return tuple(name for name in roles() if name in held and (limited_to is None or name in limited_to))


def open_to(role: str, factors: int) -> bool:
    """Whether so many factors are enough for a role: those who see who a child is need two."""
    return factors >= 2 or not roles()[role].identity
