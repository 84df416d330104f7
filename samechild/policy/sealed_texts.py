"""Texts about a child in the gate's database: parted from what a decision needs, and sealed under the child's own key.

A decision about consent needs who decided and when, never why; so the words are taken out of a record, sealed apart,
and put back only for who may read them. The key is made from the child's key of the content vault for this use alone:
erasing the child ends these texts too, in backups as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
import sqlalchemy as sa

from samechild.keys.actions import key_for_child, key_of_child
from samechild.keys.children import Vault
from samechild.keys.references import keyed_digest
from samechild.keys.register import Keyring, Purpose
from samechild.keys.seal import Key, Random, place, seal, unseal

_USE = "texts of the gate"


_PERSON = "p:"
_REFERENCE = re.compile(r"p:[0-9a-f]{32}")


def is_reference(person: str) -> bool:
    """Whether this is what :func:`person_reference` gives, and not words somebody typed."""
    return bool(_REFERENCE.fullmatch(person))


def person_reference(salt: bytes, person: str) -> str:
    """Turn what somebody typed for a person around a child into a reference that means nothing elsewhere.

    The same words give the same reference for the same child, however keys are rotated, whatever capitals and spaces;
    destroying the child's salt ends it. Without a salt nothing was ever kept about the child, and there is none.
    """
    if not person or not salt:
        return ""
    return _PERSON + keyed_digest(Key("person", 1, salt), " ".join(person.casefold().split()))


def seal_texts(
    connection: sa.Connection,
    keyring: Keyring,
    record_key: str,
    row: tuple[str, str],
    texts: Mapping[str, str],
    random: Random,
) -> bytes:
    """Seal the texts of one row (table, id): under the child's key, or the gate's own when it is about no child.

    Empty texts are left out; no bytes at all when there is none.

    Raises:
        Missing: when the child was erased.
    """
    said = {name: text for name, text in texts.items() if text}
    if not said:
        return b""
    plain, bound_to = msgspec.json.encode(said), place(*row, record_key)
    if not record_key:
        return keyring.seal(Purpose.GATE, plain, bound_to, random)
    key = key_for_child(connection, keyring, Vault.CONTENT, record_key, random).derived(_USE)
    return seal(key, plain, bound_to, random)


def open_texts(
    connection: sa.Connection, keyring: Keyring, record_key: str, row: tuple[str, str], sealed: bytes
) -> dict[str, str]:
    """Open the texts of one row; empty when it has none.

    Raises:
        Missing: when the child was erased: the texts can never be read again.
        Invalid: when they were changed, or moved from another row.
    """
    if not sealed:
        return {}
    bound_to = place(*row, record_key)
    if not record_key:
        plain = keyring.unseal(Purpose.GATE, sealed, bound_to)
    else:
        plain = unseal(key_of_child(connection, keyring, Vault.CONTENT, record_key).derived(_USE), sealed, bound_to)
    return msgspec.json.decode(plain, type=dict[str, str])
