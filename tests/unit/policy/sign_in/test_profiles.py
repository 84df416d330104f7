"""The file of sign-in providers: what it may say, and what it may leave open (nothing)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from samechild.errors import Invalid, Unavailable
from samechild.policy.sign_in.profiles import (
    Profile,
    check_profile,
    factors_of,
    is_safe,
    limited_roles,
    named_secret,
    read_profiles,
    values_at,
)

WHOLE: dict[str, Any] = {
    "name": "staff",
    "title": "Staff",
    "issuer": "https://provider.example",
    "client_id": "gate",
    "secret": "env:SECRET",
    "organisation": "council",
}


def a_profile(**changes: Any) -> Profile:
    return Profile(**{**WHOLE, **changes})


def written(path: Path, *profiles: dict[str, str]) -> Path:
    lines = ["[[provider]]\n" + "\n".join(f'{name} = "{value}"' for name, value in each.items()) for each in profiles]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_each_kind_of_provider_brings_what_is_usual_for_it(tmp_path: Path) -> None:
    kinds = ("openid", "dfe-sign-in", "cis2", "entra")
    path = written(tmp_path / "sign_in.toml", *({**WHOLE, "name": kind, "kind": kind} for kind in kinds))
    profiles = read_profiles(path)
    assert list(profiles) == list(kinds)
    assert profiles["dfe-sign-in"].organisation_claim == "organisation.id"
    assert "nationalrbacaccess" in profiles["cis2"].scopes
    assert profiles["entra"].two_factors == {"amr": ["mfa"]}
    assert profiles["openid"].two_factors == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not toml",
        "provider = 7",
        "[[provider]]\nname = 7",
        "[provider]\nname = 'x'",
        "provider = [7]",
        "[[provider]]\nname='a'\ntitle='b'\nissuer='https://x.example'\nclient_id='c'\nunheard_of=1",
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sign_in.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Invalid, match=r"sign_in\.toml"):
        read_profiles(path)
    with pytest.raises(Invalid):
        read_profiles(tmp_path / "none.toml")


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="same name"):
        read_profiles(written(tmp_path / "x.toml", WHOLE, WHOLE))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"issuer": "http://provider.example"}, "https"),
        ({"issuer": "provider.example"}, "https"),
        ({"client_id": ""}, "client_id"),
        ({"secret": "s3cret"}, "env:NAME"),
        ({"secret": ""}, "env:NAME"),
        ({"client_auth": "private_key_jwt"}, "signing_key"),
        ({"algorithms": ("HS256",)}, "algorithm"),
        ({"algorithms": ("none",)}, "algorithm"),
        ({"algorithms": ()}, "algorithm"),
        ({"scopes": ("profile",)}, "openid"),
        ({"organisation": ""}, "organisation is known"),
        ({"organisation": "", "organisation_claim": "org"}, "organisation is known"),
        ({"organisation_claim": "org", "organisation_code": "shoe-size"}, "number of organisations"),
        ({"roles": {"A": ["magician"]}, "roles_claim": "roles"}, "role there is not"),
        ({"roles": {"A": ["nurse"]}}, "both where roles"),
        ({"roles_claim": "roles"}, "both where roles"),
        ({"roles": {"A": ["nurse"]}, "roles_url": "https://api.example/{user}"}, "roles_secret"),
        (
            {
                "roles": {"A": ["nurse"]},
                "roles_url": "http://api.example/{user}",
                "roles_secret": "env:API",
                "roles_audience": "api",
            },
            "roles_url",
        ),
    ],
)
def test_a_profile_that_leaves_something_open(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid, match=words):
        check_profile(a_profile(**changes))


def test_a_whole_profile_is_taken() -> None:
    check_profile(a_profile())
    check_profile(a_profile(client_auth="private_key_jwt", secret="", signing_key="file:key.json"))
    check_profile(a_profile(organisation="", organisation_claim="org", organisation_code="ods"))


@pytest.mark.parametrize(
    ("address", "issuer", "safe"),
    [
        ("https://a.example/x", "https://a.example", True),
        ("http://127.0.0.1:9/x", "http://127.0.0.1:9", True),
        ("http://localhost:9/x", "http://localhost:9", True),
        ("http://127.0.0.1:9/x", "https://a.example", False),
        ("http://a.example/x", "http://127.0.0.1:9", False),
        ("https:///x", "https://a.example", False),
        ("javascript:alert(1)", "https://a.example", False),
        ("", "https://a.example", False),
    ],
)
def test_which_addresses_are_called(address: str, issuer: str, safe: bool) -> None:
    assert is_safe(address, issuer) is safe


def test_a_secret_is_read_from_where_the_profile_says(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    (tmp_path / "broken").write_bytes(b"\xff\xfe")
    assert named_secret("env:SECRET", {"SECRET": "from outside"}) == "from outside"
    assert named_secret(f"file:{tmp_path}/secret", {}) == "from a file"
    for nowhere in ("env:SECRET", f"file:{tmp_path}/none", f"file:{tmp_path}/broken", "file:"):
        with pytest.raises(Unavailable):
            named_secret(nowhere, {})


def test_values_are_found_at_dotted_paths() -> None:
    claims = {"a": {"b": "1"}, "list": [{"c": "2"}, {"c": ["3", 4]}, 5, {"d": "6"}], "n": None}
    assert values_at(claims, "a.b") == ["1"]
    assert values_at(claims, "list.*.c") == ["2", "3", "4"]
    assert values_at(claims, "a.none") == values_at(claims, "n.x") == values_at(claims, "n") == []
    assert values_at(claims, "a.*.b") == []


def test_two_factors_and_roles_are_what_the_profile_says_they_are() -> None:
    profile = a_profile(two_factors={"amr": ["mfa"], "level": ["3"]}, roles={"A": ["nurse", "doctor"], "B": ["nurse"]})
    assert factors_of(profile, {"amr": ["pwd", "mfa"]}) == 2
    assert factors_of(profile, {"level": 3}) == 2
    assert factors_of(profile, {"amr": ["pwd"], "level": "2"}) == 1
    assert factors_of(a_profile(), {"amr": ["mfa"]}) == 1
    assert limited_roles(profile, ["A", "X"]) == ("doctor", "nurse")
    assert limited_roles(profile, ["X"]) == ()
