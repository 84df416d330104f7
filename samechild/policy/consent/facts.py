"""How consent, notices, overrides and suspected harm stand for one sharing: what the gate's decision is given.

Everything kept about one record goes in, four plain facts come out, with no word of why and no name of who.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from samechild.policy.consent.overrides import Harm, Notice, Override, overrides_now
from samechild.policy.consent.standing import ConsentRecord, Topic, standing
from samechild.policy.records import Consent


class ConsentFacts(msgspec.Struct, frozen=True):
    """The facts of one record for one sharing; the names are those of :class:`samechild.policy.records.Facts`."""

    consent: Consent = Consent.NOT_ASKED
    notice: bool = False
    override: bool = False
    harm_suspected: bool = False


def facts_from(records: Iterable[Any], topic: Topic, now: datetime) -> ConsentFacts:
    """Put together how matters stand for a topic, from every row kept about one record.

    Args:
        records: consent records, notices, overrides and suspicions of harm, in any order.
        topic: the purpose, the record type and the recipient asked about.
        now: the moment of the decision.
    """
    kept = list(records)
    overrides = [record for record in kept if isinstance(record, Override)]
    suspicions = [record for record in kept if isinstance(record, Harm) and record.recorded_at <= now]
    latest = max(suspicions, key=lambda harm: (harm.recorded_at, harm.suspected), default=None)
    return ConsentFacts(
        consent=standing([record for record in kept if isinstance(record, ConsentRecord)], topic, now),
        notice=any(
            isinstance(record, Notice) and record.purpose == topic.purpose and record.given_at <= now for record in kept
        ),
        override=any(overrides_now(override, overrides, topic, now) for override in overrides),
        harm_suspected=latest is not None and latest.suspected,
    )
