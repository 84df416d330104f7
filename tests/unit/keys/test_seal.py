"""Sealing: what is opened is what was sealed, in its place, under its key, or it is not opened at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from samechild.errors import Invalid
from samechild.keys.references import keyed_digest
from samechild.keys.seal import Key, derive, place, project, seal, sealed_version, unseal

KEY = Key("identity", 7, bytes(range(32)))
HERE = place("identity_rows", "sealed", "record-1", "row-1")


def fixed(count: int) -> bytes:
    return b"\x09" * count


def test_the_envelope_is_what_the_module_says() -> None:
    sealed = seal(KEY, b"plain", HERE, fixed)
    head, nonce = bytes((1, 0, 0, 0, 7)), b"\x09" * 12
    assert sealed == head + nonce + AESGCM(KEY.secret).encrypt(nonce, b"plain", head + HERE)
    assert len(sealed) == len(b"plain") + 33
    assert sealed_version(sealed) == 7


def test_what_is_moved_or_opened_with_another_key_stays_shut() -> None:
    sealed = seal(KEY, b"plain", HERE, os.urandom)
    with pytest.raises(Invalid, match="does not open"):
        unseal(KEY, sealed, place("identity_rows", "sealed", "record-2", "row-1"))
    with pytest.raises(Invalid, match="does not open"):
        unseal(Key("identity", 7, bytes(32)), sealed, HERE)
    with pytest.raises(Invalid, match="another version"):
        unseal(Key("identity", 8, KEY.secret), sealed, HERE)


@pytest.mark.parametrize("broken", [b"", b"\x01", bytes(32), b"\x02" + bytes(60), seal(KEY, b"", HERE, fixed)[:-1]])
def test_what_is_no_envelope_is_told(broken: bytes) -> None:
    with pytest.raises(Invalid, match="not one"):
        unseal(KEY, broken, HERE)


def test_no_two_places_look_alike() -> None:
    assert place("ab", "c") != place("a", "bc") != place("abc")
    assert place("a", "") != place("a") != place("", "a")


def test_each_use_of_a_key_has_a_key_of_its_own() -> None:
    assert derive(KEY.secret, "a") != derive(KEY.secret, "b") != KEY.secret
    assert KEY.derived("a") == Key("identity/a", 7, derive(KEY.secret, "a"))


def test_derivation_is_hkdf_of_rfc_5869() -> None:
    import hashlib
    import hmac

    extracted = hmac.new(bytes(32), KEY.secret, hashlib.sha256).digest()
    assert derive(KEY.secret, "use") == hmac.new(extracted, b"samechild use\x01", hashlib.sha256).digest()


def test_references_depend_on_key_value_and_salt() -> None:
    seen = {
        keyed_digest(KEY, "r1"),
        keyed_digest(KEY, "r2"),
        keyed_digest(Key("identity", 7, bytes(32)), "r1"),
        keyed_digest(KEY, "r1", b"salt"),
        keyed_digest(KEY, "alt" + "r1", b"s"),
    }
    assert len(seen) == 5
    assert all(len(each) == 32 for each in seen)
    assert keyed_digest(KEY, "r1") == keyed_digest(KEY, b"r1")


def test_a_secret_is_never_printed() -> None:
    for shown in (repr(KEY), str(KEY), f"{KEY}", repr([KEY])):
        assert "hidden" in shown
        assert repr(KEY.secret)[2:-1] not in shown


@pytest.mark.parametrize("name", ["study-1", "a", "0" * 63])
def test_projects_have_purposes_of_their_own(name: str) -> None:
    assert project(name) == f"project:{name}"


@pytest.mark.parametrize("name", ["", "-a", "A", "a b", "a" * 64, "a\n", "é", "a/b"])
def test_a_project_is_named_plainly(name: str) -> None:
    with pytest.raises(Invalid, match="small letters"):
        project(name)


def test_nothing_draws_random_bytes_by_itself() -> None:
    import samechild.keys

    for path in Path(samechild.keys.__file__).parent.glob("*.py"):
        assert "urandom" not in path.read_text(encoding="utf-8").replace("``os.urandom``", "")
