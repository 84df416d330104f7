"""Keyed references: what stands for a record key or a search term where the thing itself may not be written.

The ledger must show that two entries are about the same child without naming a child, to anyone who holds it and not
the key. A reference also takes the salt of the child it is about (:mod:`samechild.keys.children`), so that destroying
the salt ends every possibility of telling whom an entry was about.
"""

from __future__ import annotations

import hashlib
import hmac

from samechild.keys.seal import Key

LENGTH = 32
"""Characters of a reference: 128 bits written in hexadecimal."""


def keyed_digest(key: Key, value: str | bytes, salt: bytes = b"") -> str:
    """Turn a value into 32 hex characters that mean nothing without the key: HMAC-SHA-256 (RFC 2104), cut to 128 bits.

    The key is used through one derived for this use, so that whatever else the purpose's key does tells nothing here.
    """
    given = value.encode() if isinstance(value, str) else value
    written = len(salt).to_bytes(4, "big") + salt + given
    return hmac.new(key.derived("reference").secret, written, hashlib.sha256).hexdigest()[:LENGTH]
