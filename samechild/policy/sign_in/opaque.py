"""Opaque random tokens: what a browser or a system shows to be known again, and what is kept of it.

Only the SHA-256 of a token is kept: a stolen database signs nobody in. A token carries 256 random bits, so its digest
needs neither salt nor a slow hash (OWASP ASVS 4.0 section 2.9, 3.2).
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256

from samechild.keys.seal import Random

BYTES = 32
LONGEST = 512
"""No token of ours is longer; a longer one is not even hashed."""


def new_token(random: Random) -> str:
    """Draw a token of 256 random bits, written in 43 characters that are safe in a cookie, a link or a header."""
    return urlsafe_b64encode(random(BYTES)).rstrip(b"=").decode()


def new_id(random: Random) -> str:
    """Draw an id of our own: 32 hexadecimal characters that mean nothing."""
    return random(16).hex()


def digest(token: str) -> str:
    """What is kept of a token: its SHA-256 in hexadecimal; of one that is too long to be ours, of nothing."""
    return sha256(token.encode("utf-8", "surrogatepass") if len(token) <= LONGEST else b"").hexdigest()


def derived(token: str, use: str) -> str:
    """Make a second token from a token: the one that forms carry, from the one in the cookie. Nothing of it is kept."""
    return hmac.new(token.encode("utf-8", "surrogatepass"), use.encode(), sha256).hexdigest()


def same(one: str, other: str) -> bool:
    """Compare two texts without telling, by the time it takes, how far they agree."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))
