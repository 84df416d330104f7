"""Systems: registered, proving who they are, given a token that holds for so long and no longer."""

from __future__ import annotations

import hmac
import os
import warnings
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from samechild.errors import Invalid, Missing, Refused, Unauthenticated, Unavailable
from samechild.policy.people import actions as people_actions
from samechild.policy.people import store as people_store
from samechild.policy.sign_in import clients, tokens
from samechild.policy.sign_in import store as kept
from samechild.policy.sign_in.clients import OVERLAP, Registered
from samechild.policy.sign_in.rules import CLOCK_TOLERANCE, SignInRules
from samechild.policy.sign_in.tokens import ASSERTION_TYPE, IssuedToken, TokenRefused
from samechild.storage import Login
from staff import DAY, NOW, Office, an_office_at_work

ENDPOINT = "https://gate.example/oauth2/token"
SECOND = timedelta(seconds=1)
TOKEN_LIFE = SignInRules().token
RSA = RSAKey.generate_key(2048, parameters={"kid": "one"}, private=True)
OTHER = RSAKey.generate_key(2048, parameters={"kid": "one"}, private=True)


@pytest.fixture
def office() -> Iterator[Office]:
    with an_office_at_work() as filled:
        yield filled


def coded(part: bytes) -> str:
    return urlsafe_b64encode(part).decode().rstrip("=")


def a_system(
    office: Office, *, keys: list[Any] | None = None, scopes: str = "submit decide", **more: Any
) -> Registered:
    public = None if keys is None else {"keys": [key.as_dict(private=False) for key in keys]}
    system = clients.register_client(
        office.store, office.manager, office.council, "Sender", scopes.split(), NOW, os.urandom, keys=public, **more
    )
    people_actions.grant_role(office.store, office.manager, system.client_id, "submitting-system", NOW, os.urandom)
    return system


def ask(office: Office, form: dict[str, str], *, now: datetime = NOW, header: str = "") -> IssuedToken | TokenRefused:
    return tokens.issue_token(
        office.store, {"grant_type": "client_credentials", **form}, header, [ENDPOINT], now, os.urandom
    )


def given_to(office: Office, form: dict[str, str], **more: Any) -> str:
    issued = ask(office, form, **more)
    assert isinstance(issued, IssuedToken), issued
    return issued.access_token


def refused(office: Office, form: dict[str, str], **more: Any) -> str:
    answer = ask(office, form, **more)
    assert isinstance(answer, TokenRefused), answer
    assert answer.status == (401 if answer.error == "invalid_client" else 400)
    return answer.error


def in_body(system: Registered, **more: str) -> dict[str, str]:
    return {"client_id": system.client_id, "client_secret": system.secret, **more}


def basic(system: Registered) -> str:
    return "Basic " + b64encode(f"{system.client_id}:{system.secret}".encode()).decode()


def proof(
    system: Registered,
    *,
    key: Any = RSA,
    alg: str = "RS256",
    kid: str | None = "one",
    now: datetime = NOW,
    **claims: Any,
) -> dict[str, str]:
    """A signed proof as RFC 7523 has it, with what a test changes; None takes a claim away."""
    whole = {
        "iss": system.client_id,
        "sub": system.client_id,
        "aud": ENDPOINT,
        "jti": os.urandom(8).hex(),
        "iat": int(now.timestamp()),
        "exp": int(now.timestamp()) + 120,
        **claims,
    }
    header = {"alg": alg} | ({"kid": kid} if kid else {})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        signed = jwt.encode(
            header, {name: value for name, value in whole.items() if value is not None}, key, algorithms=[alg]
        )
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed}


def test_a_secret_in_the_body_or_the_header_brings_a_token(office: Office) -> None:
    system = a_system(office)
    issued = ask(office, in_body(system, scope="submit"))
    assert isinstance(issued, IssuedToken)
    assert (issued.token_type, issued.expires_in, issued.scope) == ("Bearer", 600, "submit")
    machine = tokens.client_of(office.store, issued.access_token, NOW)
    assert (machine.asker.user, machine.asker.organisation, machine.asker.role) == (
        system.client_id,
        office.council,
        "submitting-system",
    )
    assert (machine.scopes, machine.audience) == (("submit",), "api")
    assert given_to(office, {}, header=basic(system))
    assert given_to(office, {"client_id": system.client_id}, header=basic(system).replace("Basic", "basic"))
    assert system.secret not in repr(system)
    assert issued.access_token not in repr(issued)


@pytest.mark.parametrize(
    ("form", "header", "error"),
    [
        ({"grant_type": "password"}, "", "unsupported_grant_type"),
        ({}, "", "invalid_request"),
        ({"client_secret": "x", "client_assertion": "y"}, "", "invalid_request"),
        ({"client_secret": "x"}, "Basic eDp5", "invalid_request"),
        ({"client_secret": "x"}, "", "invalid_client"),
        ({"client_id": "nobody", "client_secret": "x"}, "", "invalid_client"),
        ({}, "Bearer x", "invalid_request"),
        ({}, "Basic !!!", "invalid_request"),
        ({}, "Basic eHg=", "invalid_request"),
        ({}, "Basic /w==", "invalid_request"),
        ({}, "Basic eDp5", "invalid_client"),
        ({"client_id": "z"}, "Basic eDp5", "invalid_request"),
        ({"client_assertion": "x"}, "", "invalid_request"),
        ({"client_assertion": "x", "client_assertion_type": ASSERTION_TYPE}, "", "invalid_client"),
        ({"client_assertion": "a.b.c", "client_assertion_type": ASSERTION_TYPE}, "", "invalid_client"),
        ({"client_assertion": "a.eyJzdWIiOjF9.c", "client_assertion_type": ASSERTION_TYPE}, "", "invalid_client"),
    ],
)
def test_a_request_that_proves_nothing_gets_nothing(
    office: Office, form: dict[str, str], header: str, error: str
) -> None:
    assert refused(office, form, header=header) == error


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    form=st.dictionaries(
        st.sampled_from(["client_id", "client_secret", "client_assertion", "scope", "audience", "role"]),
        st.text(max_size=30),
    ),
    header=st.text(max_size=30) | st.text(max_size=20).map(lambda text: f"Basic {text}"),
)
def test_nothing_that_is_sent_breaks_it(office: Office, form: dict[str, str], header: str) -> None:
    assert refused(office, form, header=header) in ("invalid_client", "invalid_request")


def test_wrong_scopes_audiences_and_roles_get_nothing(office: Office) -> None:
    system = a_system(office)
    assert refused(office, in_body(system, scope="ledger")) == "invalid_scope"
    assert refused(office, in_body(system, audience="elsewhere")) == "invalid_target"
    assert refused(office, in_body(system, role="social-worker")) == "unauthorized_client"
    bare = clients.register_client(office.store, office.manager, office.council, "B", ["submit"], NOW, os.urandom)
    assert refused(office, in_body(bare)) == "unauthorized_client"
    assert given_to(office, in_body(system, role="submitting-system", audience="api", scope="decide submit"))


def test_a_token_for_one_audience_is_not_good_for_another(office: Office) -> None:
    token = given_to(office, in_body(a_system(office), audience="collection"))
    assert tokens.client_of(office.store, token, NOW, "collection").audience == "collection"
    with pytest.raises(Unauthenticated):
        tokens.client_of(office.store, token, NOW)


def test_a_token_ends_by_itself_or_is_taken_back(office: Office) -> None:
    system = a_system(office)
    token, other = given_to(office, in_body(system)), given_to(office, in_body(system))
    tokens.client_of(office.store, token, NOW + TOKEN_LIFE - SECOND)
    with pytest.raises(Unauthenticated):
        tokens.client_of(office.store, token, NOW + TOKEN_LIFE)
    tokens.revoke_token(office.store, token, NOW)
    tokens.revoke_token(office.store, token, NOW)
    tokens.revoke_token(office.store, "unknown", NOW)
    with pytest.raises(Unauthenticated):
        tokens.client_of(office.store, token, NOW)
    tokens.client_of(office.store, other, NOW)
    with pytest.raises(Unavailable, match="clock"):
        tokens.client_of(office.store, other, NOW - CLOCK_TOLERANCE - SECOND)
    for forged in ("", "x" * 9000, "\ud800", system.secret):
        with pytest.raises(Unauthenticated):
            tokens.client_of(office.store, forged, NOW)


def test_a_token_ends_with_the_role_the_organisation_or_the_dates(office: Office) -> None:
    store = office.store
    system = a_system(office, valid_until=NOW + DAY)
    token = given_to(office, in_body(system))
    long = SignInRules(token=2 * DAY)
    lasting = tokens.issue_token(
        store, {"grant_type": "client_credentials", **in_body(system)}, "", [ENDPOINT], NOW, os.urandom, long
    )
    assert isinstance(lasting, IssuedToken)
    with pytest.raises(Unauthenticated):
        tokens.client_of(store, lasting.access_token, NOW + DAY)
    assert refused(office, in_body(system), now=NOW + DAY) == "invalid_client"
    with store.read(Login.GATE) as connection:
        (grant,) = people_store.grants_to(connection, system.client_id)
    people_actions.revoke_role(store, office.manager, grant.grant_id, NOW)
    with pytest.raises(Unauthenticated):
        tokens.client_of(store, token, NOW)


def test_a_token_ends_with_its_organisation(office: Office) -> None:
    system = clients.register_client(
        office.store, office.school_manager, office.school, "S", ["submit"], NOW, os.urandom
    )
    people_actions.grant_role(
        office.store, office.school_manager, system.client_id, "submitting-system", NOW, os.urandom
    )
    token = given_to(office, in_body(system))
    people_actions.end_organisation(office.store, office.manager, office.school, NOW)
    with pytest.raises(Unauthenticated):
        tokens.client_of(office.store, token, NOW)
    assert refused(office, in_body(system)) == "invalid_client"
    before = NOW - DAY
    assert refused(office, in_body(a_system(office)), now=before) == "invalid_client"


def test_a_new_secret_leaves_a_week_for_the_change(office: Office) -> None:
    system = a_system(office)
    newer = clients.new_client_secret(office.store, office.manager, system.client_id, NOW, os.urandom)
    assert given_to(office, in_body(Registered(system.client_id, newer)))
    assert given_to(office, in_body(system), now=NOW + OVERLAP - SECOND)
    assert refused(office, in_body(system), now=NOW + OVERLAP) == "invalid_client"
    assert given_to(office, in_body(Registered(system.client_id, newer)), now=NOW + OVERLAP)


def test_a_secret_is_not_kept(office: Office) -> None:
    system = a_system(office)
    token = given_to(office, in_body(system))
    with office.store.read(Login.GATE) as connection:
        rows = [connection.execute(table.select()).all() for table in (kept.client_secrets, kept.access_tokens)]
    assert system.secret not in repr(rows)
    assert token not in repr(rows)


@pytest.mark.parametrize(
    ("key", "alg"),
    [
        (RSA, "RS256"),
        (RSA, "PS256"),
        (ECKey.generate_key("P-256", parameters={"kid": "one"}), "ES256"),
        (ECKey.generate_key("P-384", parameters={"kid": "one"}), "ES384"),
        (OKPKey.generate_key("Ed25519", parameters={"kid": "one"}), "Ed25519"),
    ],
)
def test_a_signed_proof_brings_a_token_once(office: Office, key: Any, alg: str) -> None:
    system = a_system(office, keys=[key])
    assert system.secret == ""
    form = proof(system, key=key, alg=alg)
    assert tokens.client_of(office.store, given_to(office, form), NOW).asker.user == system.client_id
    assert refused(office, form) == "invalid_client", "a proof is good once"
    assert given_to(office, {**proof(system, key=key, alg=alg), "client_id": system.client_id})


@pytest.mark.parametrize(
    "change",
    [
        {"key": OTHER},
        {"kid": "two"},
        {"aud": "https://elsewhere.example/token"},
        {"aud": [ENDPOINT, "https://elsewhere.example/token"]},
        {"aud": None},
        {"aud": []},
        {"iss": "somebody"},
        {"iss": None},
        {"jti": None},
        {"jti": ""},
        {"jti": 7},
        {"jti": "x" * 257},
        {"exp": None},
        {"exp": "soon"},
        {"exp": int(NOW.timestamp()) - 61},
        {"exp": int(NOW.timestamp()) + 3600},
        {"exp": float("nan")},
        {"exp": 1e400},
        {"nbf": int(NOW.timestamp()) + 90},
        {"iat": int(NOW.timestamp()) + 90},
        {"azp": "somebody"},
    ],
)
def test_a_proof_that_does_not_hold(office: Office, change: dict[str, Any]) -> None:
    system = a_system(office, keys=[RSA])
    assert refused(office, proof(system, **change)) == "invalid_client"
    assert given_to(office, proof(system, aud=[ENDPOINT]))


def test_algorithms_cannot_be_confused(office: Office) -> None:
    system = a_system(office, keys=[RSA])
    unsigned = proof(system)["client_assertion"].split(".")
    none, shared = coded(b'{"alg":"none","kid":"one"}'), coded(b'{"alg":"HS256","kid":"one"}')
    forgeries = [f"{none}.{unsigned[1]}.", f"{none}.{unsigned[1]}.{unsigned[2]}", f"{unsigned[0]}.{unsigned[1]}."]
    for secret in (RSA.as_pem(private=False), RSA.as_der(private=False), b""):
        signed = f"{shared}.{unsigned[1]}"
        forgeries.append(f"{signed}.{coded(hmac.digest(secret, signed.encode(), 'sha256'))}")
    for forged in forgeries:
        form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": forged}
        assert refused(office, form) == "invalid_client"


def test_a_proof_of_one_system_is_not_good_for_another(office: Office) -> None:
    one, two = a_system(office, keys=[RSA]), a_system(office, keys=[OTHER])
    assert refused(office, proof(two, key=RSA)) == "invalid_client"
    assert refused(office, {**proof(one), "client_id": two.client_id}) == "invalid_client"
    assert refused(office, proof(a_system(office))) == "invalid_client", "it has no keys"
    assert refused(office, proof(Registered("nobody", ""))) == "invalid_client"
    assert refused(office, proof(one, sub=two.client_id, key=OTHER)) == "invalid_client"


def test_a_system_that_signs_has_no_secret_and_the_other_way_round(office: Office) -> None:
    signs, tells = a_system(office, keys=[RSA]), a_system(office)
    with pytest.raises(Invalid, match="key of its own"):
        clients.new_client_secret(office.store, office.manager, signs.client_id, NOW, os.urandom)
    token = given_to(office, in_body(tells))
    keys = {"keys": [OTHER.as_dict(private=False)]}
    clients.set_client_keys(office.store, office.manager, tells.client_id, keys, NOW)
    with pytest.raises(Unauthenticated):
        tokens.client_of(office.store, token, NOW)
    assert refused(office, in_body(tells)) == "invalid_client"
    assert given_to(office, proof(tells, key=OTHER))


def test_who_may_register_a_system_and_how(office: Office) -> None:
    register = clients.register_client
    with pytest.raises(Refused):
        register(office.store, office.other_manager, office.council, "S", ["submit"], NOW, os.urandom)
    for name, scopes in (("", ["submit"]), ("S", []), ("S", ["everything"])):
        with pytest.raises(Invalid):
            register(office.store, office.manager, office.council, name, scopes, NOW, os.urandom)
    with pytest.raises(Missing):
        clients.new_client_secret(office.store, office.manager, office.manager.user, NOW, os.urandom)
    with pytest.raises(Missing):
        clients.set_client_keys(office.store, office.manager, "none", {"keys": [RSA.as_dict(private=False)]}, NOW)
    system = a_system(office)
    with pytest.raises(Refused):
        clients.new_client_secret(office.store, office.other_manager, system.client_id, NOW, os.urandom)


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"keys": []},
        {"keys": "x"},
        {"keys": [7]},
        {"keys": [{"kty": "none"}]},
        {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]},
        {"keys": [RSA.as_dict(private=True)]},
        {"keys": [{**RSA.as_dict(private=False), "use": "enc"}]},
        {"keys": [{"kty": "RSA", "n": "v" * 171, "e": "AQAB"}]},
        {"keys": [ECKey.generate_key("secp256k1").as_dict(private=False)]},
        {"keys": [OKPKey.generate_key("X25519").as_dict(private=False)]},
        {"keys": [{"kty": "RSA", "n": "!", "e": "AQAB"}]},
        {"keys": [RSA.as_dict(private=False), {"kty": "oct", "k": "c2VjcmV0"}]},
    ],
)
@pytest.mark.filterwarnings("ignore:Key size")
def test_keys_that_cannot_be_used(office: Office, keys: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        clients.register_client(
            office.store, office.manager, office.council, "S", ["submit"], NOW, os.urandom, keys=keys
        )
    assert msgspec.json.encode(keys)
