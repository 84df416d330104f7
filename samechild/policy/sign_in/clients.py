"""Systems that act by themselves: a council's case system, a supplier's sender; each belongs to one organisation.

A system proves who it is with a secret of 256 random bits, of which only the digest is kept, or better with a private
key of its own, of which we hold the public half. It holds roles with dates like a person, given by the access manager,
and scopes from a closed list.

Sources: RFC 6749 section 2; RFC 7523; OAuth 2.0 Security Best Current Practice (RFC 9700).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from samechild.errors import Invalid, Missing
from samechild.keys.register import Purpose
from samechild.keys.seal import Random, place
from samechild.policy import ledger
from samechild.policy.people import actions as people_actions
from samechild.policy.people import store as people_store
from samechild.policy.people.store import User
from samechild.policy.sign_in import store as kept
from samechild.policy.sign_in.assertions import public_keys
from samechild.policy.sign_in.opaque import digest, new_id, new_token
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store

SCOPES: Mapping[str, str] = {
    "decide": "Ask whether something may be disclosed",
    "ledger": "Read the head of the ledger and proofs",
    "submit": "Send records of one's own organisation",
    "index": "Search, match, read and follow the children of the index",
    "link": "Join and part children of the index, as a person decided",
}
"""What a system may be allowed to do at all; what it may see is decided as for everybody."""

OVERLAP = timedelta(days=7)
"""So long the old secret works beside a new one."""


class Registered(msgspec.Struct, frozen=True):
    """A system just registered: its id, and its secret, shown once (empty when it signs with a key of its own)."""

    client_id: str
    secret: str

    def __repr__(self) -> str:
        return f"Registered(client_id={self.client_id!r}, secret=hidden)"


def register_client(
    store: Store,
    by: Asker,
    organisation: str,
    name: str,
    scopes: Sequence[str],
    now: datetime,
    random: Random,
    *,
    keys: Mapping[str, object] | None = None,
    valid_until: datetime | None = None,
) -> Registered:
    """Register a system of an organisation; ``keys`` is its JSON Web Key Set, if it signs. Its roles are given after.

    Raises:
        Invalid: when the name, a scope or a key cannot be used. Refused: when the asker is no access manager there.
    """
    if not name.strip() or not scopes or not set(scopes) <= SCOPES.keys():
        raise Invalid(f"A system needs a name, and scopes out of: {', '.join(SCOPES)}.")
    checked = _checked_keys(keys)
    with store.read(Login.GATE) as connection:
        people_actions.manage(connection, by, organisation, now)
    client, secret = new_id(random), "" if checked else new_token(random)
    _written(store, by, "system-added", now, organisation=organisation, user=client)
    sealed = store.keys.seal(Purpose.GATE, name.strip().encode(), place("users", "sealed_name", client), random)
    with store.write(Login.GATE) as connection:
        people_store.keep_user(
            connection,
            User(
                user_id=client,
                organisation=organisation,
                sealed_name=sealed,
                sealed_email=b"",
                email_token="",
                machine=True,
                added_at=now,
                added_by=by.user,
            ),
        )
        kept.keep(
            connection,
            kept.clients,
            client_id=client,
            scopes=msgspec.json.encode(sorted(set(scopes))).decode(),
            public_keys=checked,
            valid_from=now,
            valid_until=valid_until,
        )
        if secret:
            kept.keep(connection, kept.client_secrets, secret_hash=digest(secret), client_id=client, made_at=now)
    return Registered(client, secret)


def new_client_secret(store: Store, by: Asker, client_id: str, now: datetime, random: Random) -> str:
    """Draw a new secret for a system that uses one; the old one works for another week. Shown once.

    Raises:
        Missing: when there is no such system any more. Invalid: when it signs with a key of its own.
    """
    if _own_client(store, by, client_id, now)["public_keys"]:
        raise Invalid("This system signs with a key of its own: enter its new keys instead.")
    _written(store, by, "secret-made", now, user=client_id)
    secret = new_token(random)
    with store.write(Login.GATE) as connection:
        kept.limit_secrets(connection, client_id, now + OVERLAP)
        kept.keep(connection, kept.client_secrets, secret_hash=digest(secret), client_id=client_id, made_at=now)
    return secret


def set_client_keys(store: Store, by: Asker, client_id: str, keys: Mapping[str, object], now: datetime) -> None:
    """Enter the public keys a system signs with; its secrets and tokens end now.

    Raises:
        Missing: when there is no such system any more. Invalid: when a key cannot be used.
    """
    checked = _checked_keys(keys)
    _own_client(store, by, client_id, now)
    _written(store, by, "keys-entered", now, user=client_id)
    with store.write(Login.GATE) as connection:
        kept.limit_secrets(connection, client_id, now)
        kept.revoke_tokens(connection, client_id, now)
        kept.change(connection, kept.clients, client_id, public_keys=checked)


def _checked_keys(keys: Mapping[str, object] | None) -> str:
    if keys is None:
        return ""
    public_keys(keys, strict=True)
    return msgspec.json.encode(keys).decode()


def _own_client(store: Store, by: Asker, client_id: str, now: datetime) -> Mapping[str, str]:
    with store.read(Login.GATE) as connection:
        user = people_store.user_of(connection, client_id)
        row = kept.one(connection, kept.clients, client_id)
        if user is None or row is None or user.left_at is not None:
            raise Missing("There is no such system any more.")
        people_actions.manage(connection, by, user.organisation, now)
    return row


def _written(store: Store, by: Asker, action: str, now: datetime, **about: str) -> None:
    ledger.append(store, "access", {"action": action, "by": by.user, "by_organisation": by.organisation, **about}, now)
