"""The register and the keyring: opened whole with the right root key, or not at all."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import msgspec
import pytest

from samechild.errors import Invalid, Missing, Unavailable
from samechild.keys.register import Keyring, Purpose, State, WrappedKey, first_keys, key_id_of, new_key
from samechild.keys.root import fingerprint
from samechild.keys.seal import place, project

ROOT, NOW = bytes(range(32)), datetime(2026, 11, 22, tzinfo=UTC)
HERE = place("anywhere")


@pytest.fixture
def lines() -> list[WrappedKey]:
    return first_keys(ROOT, os.urandom, NOW)


def test_every_purpose_has_a_key_of_its_own(lines: list[WrappedKey]) -> None:
    keys = Keyring(ROOT, lines)
    secrets = {keys.current(purpose).secret for purpose in Purpose}
    assert len(secrets) == len(Purpose)
    assert all(len(secret) == 32 for secret in secrets)
    assert sorted(keys.lines, key=repr) == sorted(lines, key=repr)
    assert keys.root_secret() == ROOT


def test_another_root_key_opens_nothing_and_says_which_is_needed(lines: list[WrappedKey]) -> None:
    other = ROOT[::-1]
    with pytest.raises(Unavailable, match="does not open the keys of this installation") as told:
        Keyring(other, lines)
    assert fingerprint(ROOT) in str(told.value)
    assert fingerprint(other) in str(told.value)


@pytest.mark.parametrize("change", [{"wrapped": bytes(70)}, {"wrapped": b""}, {"public": b"x"}, {"version": 2}])
def test_a_damaged_line_opens_nothing(lines: list[WrappedKey], change: dict[str, object]) -> None:
    broken = [msgspec.structs.replace(lines[0], **change), *lines[1:]]
    with pytest.raises(Unavailable, match="was damaged"):
        Keyring(ROOT, broken)


def test_lines_exchanged_between_purposes_open_nothing(lines: list[WrappedKey]) -> None:
    swapped = [msgspec.structs.replace(lines[2], purpose=lines[3].purpose), *lines[:3], *lines[4:]]
    with pytest.raises(Unavailable, match=r"damaged|has no"):
        Keyring(ROOT, swapped)


def test_a_register_without_a_purpose_is_refused(lines: list[WrappedKey]) -> None:
    with pytest.raises(Unavailable, match="has no ledger-signing key"):
        Keyring(ROOT, lines[1:])


def test_a_process_may_be_given_some_keys_only(lines: list[WrappedKey]) -> None:
    keys = Keyring(ROOT, lines, only={Purpose.IDENTITY})
    assert keys.current(Purpose.IDENTITY)
    with pytest.raises(Missing, match="content"):
        keys.current(Purpose.CONTENT)
    with pytest.raises(Unavailable, match="Start the program again"):
        keys.at(Purpose.CONTENT, 1)
    with pytest.raises(Unavailable, match="has no project:x key"):
        Keyring(ROOT, lines, only={project("x")})


def test_a_new_version_is_used_and_the_former_one_still_opens(lines: list[WrappedKey]) -> None:
    keys = Keyring(ROOT, lines)
    sealed = keys.seal(Purpose.GATE, b"a reason", HERE, os.urandom)
    reference, token = keys.reference("r", b"s"), keys.token("upn", "x")
    for purpose in (Purpose.GATE, Purpose.LEDGER_REFERENCES, Purpose.LOOKUPS):
        made = keys.new_version(purpose, os.urandom, NOW)
        assert made.version == 2
        lines = [
            msgspec.structs.replace(line, state=State.FORMER) if line.purpose == purpose else line for line in lines
        ] + [made]
        keys.take(lines)
    assert (Purpose.GATE, 1) in keys
    assert (Purpose.GATE, 3) not in keys
    assert keys.current(Purpose.GATE).version == 2
    assert keys.unseal(Purpose.GATE, sealed, HERE) == b"a reason"
    assert keys.references("r", b"s") == [keys.reference("r", b"s"), reference]
    assert keys.tokens("upn", "x") == [keys.token("upn", "x"), token]
    assert keys.reference("r", b"s") != reference
    assert keys.token("upn", "x") != keys.token("uln", "x")


def test_what_a_retired_key_sealed_stays_shut(lines: list[WrappedKey]) -> None:
    keys = Keyring(ROOT, lines)
    sealed = keys.seal(Purpose.SESSIONS, b"x", HERE, os.urandom)
    line = next(line for line in lines if line.purpose == Purpose.SESSIONS)
    made = keys.new_version(Purpose.SESSIONS, os.urandom, NOW)
    retired = msgspec.structs.replace(line, state=State.RETIRED, wrapped=b"")
    keys.take([*(each for each in lines if each is not line), retired, made])
    with pytest.raises(Unavailable, match="Version 1 of"):
        keys.unseal(Purpose.SESSIONS, sealed, HERE)


def test_what_cannot_be_taken_leaves_the_keyring_as_it_was(lines: list[WrappedKey]) -> None:
    keys = Keyring(ROOT, lines)
    before = keys.reference("r")
    with pytest.raises(Unavailable):
        keys.take(first_keys(ROOT[::-1], os.urandom, NOW))
    assert keys.reference("r") == before
    assert sorted(keys.lines, key=repr) == sorted(lines, key=repr)


def test_the_root_key_can_be_changed(lines: list[WrappedKey]) -> None:
    keys = Keyring(ROOT, lines)
    retired = msgspec.structs.replace(
        new_key(ROOT, "project:old", 1, os.urandom, NOW), state=State.RETIRED, wrapped=b""
    )
    keys.take([*lines, retired])
    other = ROOT[::-1]
    rewrapped = keys.rewrapped(other, os.urandom)
    assert retired in rewrapped
    before = keys.reference("r")
    keys.take(rewrapped, other)
    assert keys.reference("r") == before
    assert keys.root_secret() == other
    with pytest.raises(Unavailable):
        Keyring(ROOT, rewrapped)


def test_a_project_gets_its_first_version(lines: list[WrappedKey]) -> None:
    keys = Keyring(ROOT, lines)
    made = keys.new_version(project("study"), os.urandom, NOW)
    assert (made.version, made.state, made.public) == (1, State.CURRENT, b"")
    keys.take([*lines, made])
    assert keys.current("project:study").secret not in {keys.current(purpose).secret for purpose in Purpose}


def test_the_ledger_is_signed_with_ed25519(lines: list[WrappedKey]) -> None:
    signer = Keyring(ROOT, lines).signer()
    signature = signer.private.sign(b"root")
    signer.private.public_key().verify(signature, b"root")
    assert signer.public == next(line.public for line in lines if line.purpose == Purpose.LEDGER_SIGNING)
    assert signer.key_id == key_id_of(signer.public)
    assert len(signer.public) == 32


def test_public_keys_outlive_their_private_ones(lines: list[WrappedKey]) -> None:
    keys = Keyring(ROOT, lines)
    first = keys.signer()
    made = keys.new_version(Purpose.LEDGER_SIGNING, os.urandom, NOW)
    retired = msgspec.structs.replace(lines[0], state=State.RETIRED, wrapped=b"")
    keys.take([made, retired, *lines[1:]])
    assert list(keys.public_keys().items()) == [(first.key_id, first.public), (key_id_of(made.public), made.public)]
    assert keys.signer().public == made.public != first.public


def test_a_changed_sealed_value_is_told(lines: list[WrappedKey]) -> None:
    keys = Keyring(ROOT, lines)
    sealed = keys.seal(Purpose.GATE, b"x", HERE, os.urandom)
    with pytest.raises(Invalid):
        keys.unseal(Purpose.GATE, sealed[:-1] + bytes((sealed[-1] ^ 1,)), HERE)


def test_nothing_secret_is_printed(lines: list[WrappedKey]) -> None:
    keys = Keyring(ROOT, lines)
    shown = f"{keys!r} {keys} {keys.signer()!r} {[keys.current(purpose) for purpose in Purpose]}"
    for secret in [ROOT, *(keys.current(purpose).secret for purpose in Purpose)]:
        assert secret.hex() not in shown
        assert repr(secret)[2:-1] not in shown
    assert "ledger-signing 1" in repr(keys)


def test_a_keyring_that_follows_notices_a_rotation_within_a_second(lines: list[WrappedKey]) -> None:
    keys, seconds, kept, read = Keyring(ROOT, lines), [0.0], [lines], []

    def reread() -> list[WrappedKey]:
        read.append(seconds[0])
        return kept[0]

    keys.follow(reread, lambda: seconds[0])
    made = keys.new_version(Purpose.LOOKUPS, os.urandom, NOW)
    former = [
        msgspec.structs.replace(line, state=State.FORMER) if line.purpose == Purpose.LOOKUPS else line for line in lines
    ]
    kept[0] = [*former, made]
    seconds[0] = 0.9
    assert (len(keys.tokens("upn", "x")), keys.current(Purpose.LOOKUPS).version) == (1, 1)
    seconds[0] = 1.0
    assert (len(keys.tokens("upn", "x")), keys.current(Purpose.LOOKUPS).version) == (2, 2)
    assert read == [1.0]
    seconds[0] = 2.5
    assert keys.at(Purpose.LOOKUPS, 1)
    assert keys.reference("r")
    assert read == [1.0, 2.5], "what has not changed is read, and left as it is"


def test_a_version_that_is_not_known_is_looked_for_at_once(lines: list[WrappedKey]) -> None:
    keys = Keyring(ROOT, lines)
    kept = [*lines, msgspec.structs.replace(new_key(ROOT, Purpose.GATE, 2, os.urandom, NOW), state=State.FORMER)]
    keys.follow(lambda: kept, lambda: 0.0)
    assert keys.at(Purpose.GATE, 2).version == 2
    with pytest.raises(Unavailable):
        keys.at(Purpose.GATE, 3)
