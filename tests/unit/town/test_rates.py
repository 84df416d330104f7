"""The rates files: whole, read strictly, and the harder one harder."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest

from samechild.errors import Invalid, Missing
from samechild.town import load_rates

TEXT = resources.files("samechild.town").joinpath("rates.toml").read_text(encoding="utf-8")


def test_the_harder_rates_are_harder_where_it_matters() -> None:
    usual, harder = load_rates(), load_rates(harder=True)
    assert harder.recording.double_error >= 0.2
    assert harder.families.alike_names > usual.families.alike_names >= 0.2
    for agency, rates in usual.agencies.items():
        other = harder.agencies[agency]
        assert other.other_twin_number >= 0.03
        assert other.misspelt.forename > rates.misspelt.forename
        assert other.missing.nhs_number > rates.missing.nhs_number
        assert other.missing.upn >= rates.missing.upn


def test_a_file_of_your_own_is_read(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(re.sub(r"(?m)^adopted = .*$", "adopted = 0.5", TEXT), encoding="utf-8")
    assert load_rates(own).families.adopted == 0.5


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("adopted = ", "adoptd = ", "adopt"),
        ("separated = 0.19", "separated = 1.9", "separated"),
        ("separated = 0.19", 'separated = "often"', "separated"),
        ("[agencies.emergency]", "[agencies.hospital]", "emergency"),
        ("as_at = 2025-08-31", "as_at = ", "cannot be used"),
        ("width = 40", "width = 1", "width"),
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, old: str, new: str, named: str) -> None:
    own = tmp_path / "own.toml"
    assert old in TEXT
    own.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(Invalid, match=named):
        load_rates(own)


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Missing, match=r"nowhere\.toml"):
        load_rates(tmp_path / "nowhere.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00x")
    with pytest.raises(Invalid, match="UTF-8"):
        load_rates(tmp_path / "bytes.toml")
