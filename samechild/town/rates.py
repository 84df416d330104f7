"""How often things happen in the town, read from one committed file so that nobody can fit it to a linker unseen.

``rates.toml`` holds the rates the project works with, ``rates_harder.toml`` a harder set kept for proof. A rates file
of your own must have the same keys; an unknown or missing key is refused by name.
"""

from __future__ import annotations

import datetime
from importlib import resources
from pathlib import Path
from typing import Annotated

import msgspec

from samechild.errors import Invalid, Missing

AGENCIES = ("education", "health", "social_care", "early_years", "emergency", "youth_justice")
"""The kinds of agency a rates file describes, each in its table."""

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Effect = Annotated[float, msgspec.Meta(ge=0, le=10)]


class _Declared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class FamilyRates(_Declared, frozen=True, kw_only=True):
    """How families live: each a share between 0 and 1, explained beside its value in ``rates.toml``."""

    births: Annotated[list[Share], msgspec.Meta(min_length=1, max_length=8)]
    grown_up: Share
    multiple: Share
    triplets: Share
    identical: Share
    alike_names: Share
    shared_first_name: Share
    half_siblings: Share
    cousins: Share
    cousin_same_name: Share
    namesakes: Share
    double_barrelled: Share
    middle_name: Share
    second_middle_name: Share
    known_as: Share
    muhammad_first: Share
    english_alias: Share
    mother_other_surname: Share
    surname_changed: Share
    moved: Share
    moved_across: Share
    separated: Share
    in_care: Share
    children_home: Share
    guardianship: Share
    adopted: Share
    adopted_first_name_changed: Share
    adopted_across: Share
    adopted_former_upn_kept: Share
    adopted_placement_known: Share
    adoption_team_knows: Share
    second_nhs_number: Share
    temporary_upn: Share
    changed_upn: Share
    no_fixed_abode: Share


class HardshipEffects(_Declared, frozen=True, kw_only=True):
    """How much more often things go wrong for families who have less, or whose names offices do not know."""

    missing: Effect
    moving: Effect
    social_care: Effect
    misspelling: Effect
    other_language_spelling: Effect
    other_language_missing: Effect


class RecordingRates(_Declared, frozen=True, kw_only=True):
    """How all agencies write things down: shares explained beside their values in ``rates.toml``."""

    old_number_shown: Share
    temporary_upn_shown: Share
    former_upn_shown: Share
    unknown_upn_code: Share
    surname_form: Share
    known_as_field: Share
    former_surname_field: Share
    previous_postcode_field: Share
    birth_order_field: Share
    shared_child_id: Share
    left_behind: Share
    double_error: Share


class MissingRates(_Declared, frozen=True, kw_only=True):
    """Share of an agency's records in which a field is blank."""

    nhs_number: Share
    upn: Share
    uln: Share
    middle_names: Share
    sex: Share
    postcode: Share
    date_of_birth: Share
    forename: Share
    surname: Share
    uprn: Share
    ethnicity: Share
    former_upn: Share


class MisspeltRates(_Declared, frozen=True, kw_only=True):
    """Share of an agency's records in which a name is misspelt."""

    forename: Share
    surname: Share


class BirthDateRates(_Declared, frozen=True, kw_only=True):
    """Share of an agency's records in which the birth date is wrong, by the way it went wrong."""

    typing: Share
    swapped: Share
    first_january: Share
    year: Share


class AgencyRates(_Declared, frozen=True, kw_only=True):
    """Whom one agency knows, and how it writes them down."""

    ages: tuple[int, int]
    share: Share
    second_record: Share
    old_address: Share
    other_address: Share
    old_surname: Share
    known_as: Share
    missing: MissingRates
    misspelt: MisspeltRates
    postcode_wrong: Share
    birth_date: BirthDateRates
    names_swapped: Share
    middle_as_first: Share
    variant_name: Share
    accents_kept: Share
    width: Annotated[int, msgspec.Meta(ge=5)]
    number_wrong: Share
    other_twin_number: Share
    other_twin_name: Share
    sex_wrong: Share
    unnamed: Share = 0.0
    unnamed_newborn: Share = 0.0


class Rates(_Declared, frozen=True, kw_only=True):
    """How families live and how agencies write them down."""

    as_at: datetime.date
    families: FamilyRates
    hardship: HardshipEffects
    recording: RecordingRates
    agencies: dict[str, AgencyRates]


def load_rates(path: Path | None = None, *, harder: bool = False) -> Rates:
    """Read the rates of a town: the committed ones, the harder ones, or your own file.

    Raises :class:`~samechild.errors.Missing` when there is no such file and :class:`~samechild.errors.Invalid` when a
    key is unknown, absent or not a share between 0 and 1.
    """
    own = resources.files("samechild.town").joinpath("rates_harder.toml" if harder else "rates.toml")
    try:
        text = (path.read_bytes() if path else own.read_bytes()).decode("utf-8")
    except OSError as error:
        raise Missing(
            f"The rates file {path} cannot be read; name a TOML file like samechild/town/rates.toml."
        ) from error
    except UnicodeDecodeError as error:
        raise Invalid(f"The rates file {path} is not UTF-8 text; save it as UTF-8.") from error
    try:
        rates = msgspec.toml.decode(text, type=Rates)
    except (msgspec.MsgspecError, ValueError) as error:
        raise Invalid(f"The rates file {path or own} cannot be used: {error}. Compare it with rates.toml.") from error
    if set(rates.agencies) != set(AGENCIES):
        raise Invalid(
            f"The rates file {path or own} must describe these agencies, no more, no fewer: {', '.join(AGENCIES)}."
        )
    return rates
