"""Which tables and columns of the Standard Safeguarding Dataset a daily submission is made from.

Names are those of the dataset (``data/objects`` of ``data-to-insight/ssd-data-model``, MIT). A table is also found
without its prefix ``ssd_``, as in folders of CSV files. Columns in the second group may be absent.
"""

from __future__ import annotations

from collections.abc import Iterator

from samechild.collection.send.config import Table
from samechild.collection.send.sources import Row, Tables
from samechild.errors import Invalid, Missing

COLUMNS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "ssd_person": (
        ("pers_person_id", "pers_dob", "pers_expected_dob", "pers_forename", "pers_surname", "pers_sex",
         "pers_ethnicity"),
        ("pers_legacy_id", "pers_upn", "pers_upn_unknown"),
    ),
    "ssd_address": (("addr_person_id", "addr_address_postcode", "addr_address_start_date"), ()),
    "ssd_disability": (("disa_person_id", "disa_disability_code"), ()),
    "ssd_immigration_status": (
        ("immi_person_id", "immi_immigration_status", "immi_immigration_status_end_date"), (),
    ),
    "ssd_linked_identifiers": (
        ("link_person_id", "link_identifier_type", "link_identifier_value", "link_valid_from_date"), (),
    ),
    "ssd_sdq_scores": (("csdq_person_id", "csdq_sdq_completed_date", "csdq_sdq_score"), ()),
    "ssd_cin_episodes": (
        ("cine_person_id", "cine_referral_id", "cine_referral_date", "cine_referral_source_code", "cine_referral_nfa",
         "cine_close_date", "cine_close_reason"),
        (),
    ),
    "ssd_cin_assessments": (
        ("cina_assessment_id", "cina_referral_id", "cina_assessment_start_date", "cina_assessment_auth_date"), (),
    ),
    "ssd_assessment_factors": (
        ("cinf_assessment_id",), ("cinf_assessment_factors_json", "cinf_assessment_factors"),
    ),
    "ssd_cin_plans": (
        ("cinp_cin_plan_id", "cinp_referral_id", "cinp_person_id", "cinp_cin_plan_start_date",
         "cinp_cin_plan_end_date"),
        (),
    ),
    "ssd_cp_plans": (
        ("cppl_cp_plan_id", "cppl_referral_id", "cppl_cp_plan_start_date", "cppl_cp_plan_end_date"), (),
    ),
    "ssd_s47_enquiry": (
        ("s47e_s47_enquiry_id", "s47e_referral_id", "s47e_s47_start_date", "s47e_s47_end_date"),
        ("s47e_s47_outcome_json",),
    ),
    "ssd_initial_cp_conference": (("icpc_s47_enquiry_id", "icpc_icpc_date"), ()),
    "ssd_cla_episodes": (
        ("clae_cla_id", "clae_person_id", "clae_referral_id", "clae_cla_episode_start_reason",
         "clae_cla_episode_ceased_reason"),
        (),
    ),
    "ssd_cla_placement": (
        ("clap_cla_placement_id", "clap_cla_id", "clap_cla_placement_start_date", "clap_cla_placement_type",
         "clap_cla_placement_postcode", "clap_cla_placement_end_date"),
        ("clap_cla_placement_change_reason",),
    ),
    "ssd_permanence": (
        ("perm_person_id", "perm_adm_decision_date", "perm_matched_date", "perm_placed_for_adoption_date"),
        ("perm_cla_id",),
    ),
    "ssd_care_leavers": (
        ("clea_person_id", "clea_care_leaver_latest_contact", "clea_care_leaver_activity",
         "clea_care_leaver_accommodation"),
        (),
    ),
    "ssd_involvements": (
        ("invo_referral_id", "invo_professional_id", "invo_professional_role_id", "invo_involvement_start_date",
         "invo_involvement_end_date"),
        (),
    ),
    "ssd_professionals": (("prof_professional_id", "prof_social_worker_registration_no"), ()),
}  # fmt: skip
"""By table: the columns that must be there, and those that may."""

OF_PERSON = {
    "ssd_address": "addr_person_id",
    "ssd_disability": "disa_person_id",
    "ssd_immigration_status": "immi_person_id",
    "ssd_linked_identifiers": "link_person_id",
    "ssd_sdq_scores": "csdq_person_id",
}
"""Tables about the person, and the column with the person's id."""


class Dataset:
    """The dataset as one council keeps it: where each table lies, and which columns it has. Reads no row at first.

    Raises Missing naming tables that are not there (``without`` under ``[source]`` says that they are not kept), and
    Invalid naming columns that are not.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.found: dict[str, Table] = {}
        self.wanted: dict[str, dict[str, str]] = {}
        without = {_full(name) for name in tables.config.source.without}
        strange = sorted(without - COLUMNS.keys())
        if strange:
            raise Invalid(f"[source] without names {strange[0]}, which no submission is made from.")
        absent = [name for name in COLUMNS if name not in without and not self._find(name)]
        if absent:
            raise Missing(
                f"The dataset has no {', '.join(absent)}. Correct schema or folder under [source]; a table that the "
                "council does not keep is named in without = [...]."
            )

    def rows(self, name: str) -> Iterator[Row]:
        """The rows of one table; nothing for one that the council does not keep."""
        if name in self.found:
            yield from self._tables.rows(self.found[name], lambda there: self.wanted[name])

    def _find(self, name: str) -> bool:
        found = self._tables.named([name, name.removeprefix("ssd_")])
        if found is None:
            return False
        there = {column.strip().lower() for column in self._tables.columns_of(found)}
        needed, more = COLUMNS[name]
        absent = [column for column in needed if column not in there]
        if absent:
            raise Invalid(f"{found.file or found.table} has no column {', '.join(absent)}: update the dataset.")
        self.found[name] = found
        self.wanted[name] = {column: column for column in (*needed, *more) if column in there}
        return True


def _full(name: str) -> str:
    lower = name.strip().lower()
    return lower if lower.startswith("ssd_") else f"ssd_{lower}"
