"""The usual names of columns in this field, declared once: what agencies call a surname, a birth date, a pupil number.

Collected from the headings of school systems (SIMS, Arbor, Bromcom), social care systems (Mosaic, Liquidlogic LCS),
health systems (SystmOne, EMIS, the Personal Demographics Service's batch trace, the Community Services Data Set), the
Department for Education's school census, children in need census, SSDA903 return and Ofsted's Annex A lists, and from
the field's benchmark files. Names are compared without case, spaces, punctuation, bracketed remarks and the words
"child", "pupil", "patient" and so on in front.

Each field has ranks, best first: "legal surname" outranks "surname". Only the best rank present is used; two columns
of one rank claim one meaning, which a person must settle. Where the field says so, a column of a lower rank then means
something else (a plain surname beside a legal one is another family name).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

USUAL: dict[str, tuple[str, ...]] = {
    "forename": (
        "legal_forename legal_first_name legal_given_name registered_forename official_forename",
        "forename first_name given_name givenname firstname fname fore_name given christian_name forename1 forename_1 "
        "first_forename given_name_1 person_given_name birth_forename",
        "forenames first_names given_names all_forenames",
    ),
    "middle_names": (
        "middle_names middle_name middlename middle_forename middle_forenames second_forename second_name forename2 "
        "forename_2 other_given_name other_given_names other_forenames other_names other_name legal_middle_names "
        "legal_middle_name given_name_2 additional_names person_middle_name",
        "middle_initial middle_initials initials",
    ),
    "known_as": (
        "known_as knownas preferred_forename preferred_first_name preferred_given_name preferred_name chosen_name "
        "chosen_forename familiar_name nickname goes_by usual_forename calling_name alias_forename aka "
        "preferred_forenames name_known_by also_known_as",
    ),
    "surname": (
        "legal_surname legal_last_name legal_family_name registered_surname official_surname",
        "surname last_name lastname family_name familyname lname sname current_surname present_surname "
        "person_family_name",
        "preferred_surname preferred_last_name chosen_surname usual_surname",
    ),
    "former_surname": (
        "former_surname previous_surname surname_at_birth birth_surname maiden_name other_surname alias_surname "
        "former_last_name previous_last_name prev_surname old_surname other_family_name former_family_name "
        "previous_family_name surname_alias alternative_surname birth_family_name known_as_surname",
    ),
    "full_name": (
        "full_name fullname name whole_name complete_name person_name display_name name_in_full surname_forename "
        "surname_and_forename forename_surname forename_and_surname legal_name name_of_child",
        "first_and_surname first_and_last_name preferred_full_name",
    ),
    "date_of_birth": (
        "date_of_birth dob birth_date birthdate dateofbirth d_o_b person_birth_date personbirthdate born date_born "
        "birthday dt_of_birth dobirth birth_dt birthdt dob_date mc_dob date_birth date_of_birth_iso dte_of_birth bdate "
        "person_dob",
    ),
    "sex": (
        "sex legal_sex sex_at_birth registered_sex sex_registered birth_sex person_phenotypic_sex phenotypic_sex "
        "sex_code sexcode sex_of_child person_sex",
        "gender gender_code current_gender gendercurrent gender_current person_stated_gender person_gender "
        "person_gender_code gender_identity m_f mf person_stated_gender_code stated_gender administrative_gender "
        "person_gender_code_current legal_gender",
    ),
    "birth_order": (
        "birth_order birthorder order_of_birth twin_order multiple_birth_order birth_order_number birth_sequence "
        "twin_number place_in_multiple_birth multiple_birth_number birth_order_maternity_sus multiple_birth_integer "
        "birth_rank twin_indicator multiple_birth",
    ),
    "postcode": (
        "postcode post_code postal_code zip zip_code zipcode current_postcode home_postcode home_post_code pcode "
        "pc postcode_of_usual_address postcode_usual_address usual_address_postcode address_postcode postcode_fake "
        "home_address_postcode residential_postcode person_postcode main_postcode postcode_current "
        "current_address_postcode postcode_home pcd pcds primary_postcode primary_address_postcode",
    ),
    "previous_postcode": (
        "previous_postcode former_postcode prev_postcode last_postcode old_postcode previous_post_code "
        "previous_address_postcode postcode_previous prior_postcode postcode_before other_postcode",
    ),
    "address": (
        "address full_address home_address current_address residential_address address_text usual_address "
        "address_full whole_address main_address primary_address person_address address_string single_line_address",
    ),
    "town": (
        "town suburb city town_city post_town posttown town_or_city address_town home_town locality village town_name "
        "city_name",
    ),
    "uprn": ("uprn unique_property_reference_number unique_property_reference property_reference_number home_uprn",),
    "area": (
        "la_code lacode local_authority_code ons_la_code gss_code la_gss_code area_code authority_code lad_code ladcd "
        "new_la_code utla_code resident_la_code la_of_residence",
        "area local_authority la lea authority council district lad utla local_authority_name la_name",
        "lsoa lsoa_code lsoa21 lsoa11 lsoa21cd lsoa11cd lsoa_of_residence ward ward_code",
        "state county region administrative_area",
    ),
    "nhs_number": (
        "nhs_number nhs_no nhsno nhsnumber nhs nhs_num nhsnum new_nhs_number nhs_id national_health_service_number "
        "nhs_number_value current_nhs_number nhs_nbr",
        "matched_nhs_no matched_nhs_number",
        "req_nhs_number req_nhs_no",
    ),
    "nhs_number_status": (
        "nhs_number_status nhs_number_status_indicator nhs_number_status_indicator_code nhs_status nhs_no_status "
        "nhs_number_verification_status nhs_number_verified nhs_number_traced_status nhs_number_trace_status "
        "nhsno_status",
    ),
    "chi_number": ("chi chi_number chi_no chinumber community_health_index community_health_index_number",),
    "hc_number": (
        "hc_number hcn hcn_number h_c_number h_and_c_number health_and_care_number hcnumber hc_no h_c_no hsc_number",
    ),
    "ucrn": ("ucrn unique_citizen_reference_number",),
    "scn": ("scn scottish_candidate_number sqa_candidate_number sqa_number scn_number",),
    "upn": (
        "upn unique_pupil_number upn_number current_upn uniquepupilnumber upn_no permanent_upn upn_current "
        "unique_pupil_no unique_pupil_num",
    ),
    "former_upn": (
        "former_upn previous_upn formerupn prev_upn old_upn former_unique_pupil_number previous_unique_pupil_number "
        "upn_former upn_previous temporary_upn",
    ),
    "uln": ("uln unique_learner_number uln_number unique_learner_no uniquelearnernumber learner_reference_uln",),
    "nino": ("nino ni_number national_insurance_number ni_no ninumber national_insurance_no nat_ins_no",),
    "child_benefit_number": ("child_benefit_number child_benefit_no chb_number chb_no child_benefit_reference",),
    "la_child_id": (
        "la_child_id lachildid la_childid la_child_identifier local_authority_child_id "
        "local_authority_child_identifier "
        "mosaic_id mosaic_number mosaic_no mosaic_person_id liquidlogic_id liquid_logic_id ll_id lcs_id lcs_number "
        "lcs_person_id ics_id ics_number ics_no eclipse_id carefirst_id care_first_id azeus_id social_care_id "
        "social_care_number social_care_ref social_care_reference social_care_person_id csc_id csc_person_id ssd_id "
        "child_unique_id swift_id protocol_id",
    ),
    "other_id": (
        "other_id other_identifier soc_sec_id social_security_number ssn national_id national_identifier "
        "passport_number passport_no "
        "home_office_reference home_office_ref uasc_reference second_id alternative_id pupil_matching_ref "
        "pupil_matching_reference pmr hospital_number hospital_no mrn",
    ),
    "school": (
        "urn school_urn schoolurn establishment_urn unique_reference_number_of_school provider_urn setting_urn",
        "laestab la_estab laestab_number dfe_number dfes_number dfe_no school_laestab estab_number "
        "establishment_number "
        "school_number dfenumber school_dfe_number",
        "school school_code establishment estab setting school_id setting_id provider_id",
        "school_name establishment_name setting_name provider_name provider current_school",
    ),
    "gp_practice": (
        "gp_practice_code gp_code gp_practice practice_code gppracticecode registered_gp_practice ods_code "
        "registered_practice_code general_medical_practice_code general_medical_practice_code_patient_registration "
        "gmp_code orgid_gp org_id_gmp gmpc_registration gp_ods_code",
        "gp registered_gp gp_surgery gp_practice_name surgery gp_name usual_gp",
    ),
    "birth_place": (
        "birth_place birthplace place_of_birth pob town_of_birth birth_town person_birth_place placeofbirth",
        "country_of_birth birth_country",
    ),
    "occupation": ("occupation job job_title profession",),
    "phone": (
        "mobile mobile_number mobile_phone mobile_telephone mobile_no mobile_telephone_number",
        "phone telephone phone_number telephone_number tel tel_no contact_number home_phone telephone_no "
        "home_telephone main_phone phone_no landline",
    ),
    "email": ("email email_address e_mail e_mail_address contact_email personal_email",),
    "ethnicity": (
        "ethnicity_code ethnic_code ethnic_category_code ethnic_group_code",
        "ethnicity ethnic_group ethnic ethnic_category ethnic_origin ethnicity_group ethnic_category_2021",
        "ethnicity_description ethnic_description ethnic_group_description ethnicity_name",
    ),
}
"""Declared field to its usual names, in ranks; only the best rank present is used."""

ADDRESS_PARTS = (
    "flat flat_number flat_no sub_building sub_building_name saon",
    "house_name building building_name building_name_or_number",
    "house_number house_no street_number property_number building_number number paon house house_name_or_number "
    "house_name_number",
    "street street_name road road_name thoroughfare street_description",
    "address_1 address1 address_line_1 address_line1 addressline1 addr1 add1 address_line_one first_line_of_address "
    "home_address_line_1 addr_line_1 line_1",
    "address_2 address2 address_line_2 address_line2 addressline2 addr2 add2 address_line_two home_address_line_2 "
    "addr_line_2 line_2",
    "address_3 address3 address_line_3 address_line3 addressline3 addr3 add3 home_address_line_3 addr_line_3 line_3",
    "address_4 address4 address_line_4 address_line4 addressline4 addr4 add4 home_address_line_4 addr_line_4 line_4",
    "address_5 address5 address_line_5 address_line5 addressline5 addr5 add5 home_address_line_5 addr_line_5 line_5",
)
"""Parts of an address in the order in which they are written; joined into ``address`` when no column holds it whole."""

OTHERWISE = {"forename": "known_as", "surname": "former_surname"}
"""What a column of a lower rank means beside a higher one: a forename beside a legal forename is the known one."""

RECORD_IDS = (
    "record_id recordid rec_id unique_id uniqueid unique_reference row_id record_key record_number record_no "
    "record_reference record_ref source_id local_record_id",
    "pupil_id student_id learner_id patient_id local_patient_id local_patient_id_extended lpi child_id person_id "
    "client_id case_id service_user_id young_person_id yp_id systmone_id emis_number emis_id patient_number sims_id "
    "arbor_id arbor_student_id bromcom_id mis_id admission_number adm_no admission_no admno admin_no roll_number "
    "child_ref child_reference client_ref client_number client_no person_ref person_number person_no person_reference "
    "case_number case_no case_ref case_reference pupil_number pupil_no pupil_ref student_number student_no "
    "patient_ref patient_no patient_reference child_number child_no child booking_id place_id enrolment_id "
    "registration_id family_child_id local_id internal_id synergy_id eyes_id capita_id individual_id "
    "individual_reference identifier child_identifier",
    "id ref reference key code ident number_id uid uuid guid",
)
"""Names of a record's own id, in ranks; a column with these names is evidence of nothing between two systems."""

LAST_RESORT_IDS = ("la_child_id", "other_id", "upn", "nhs_number", "uln", "chi_number", "hc_number", "scn")
"""Fields that may name the records when no column is a record's own id and every row has a different one."""

NEVER_USED = (
    "cluster cluster_id true_child_id true_id true_cluster truth ground_truth entity entity_id true_entity_id gold "
    "gold_id label twin_set former_identity_of true_person_id same_child match_id is_match is_duplicate"
)
"""Columns that hold the answer: using one would be copying from the back of the book."""

_IN_FRONT = (
    "childs child pupils pupil persons person clients client students student patients patient learners learner "
    "serviceuser youngpersons youngperson yp subject individual infant baby"
)
_BRACKETS = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_NOT_WORD = re.compile(r"[^a-z0-9]+")


def plain(heading: str) -> str:
    """Reduce a heading to its letters and digits: "NHS No. (10 digits)" and "nhs_no" are both ``nhsno``."""
    text = unicodedata.normalize("NFKD", heading.replace("\u2019", "'")).lower()
    bare = _NOT_WORD.sub("", _BRACKETS.sub(" ", text))
    return bare or _NOT_WORD.sub("", text)


def meanings(names: str) -> frozenset[str]:
    """Return the reduced forms of a list of names separated by blanks."""
    return frozenset(plain(name) for name in names.split())


def shorter(name: str) -> list[str]:
    """Take a word such as "child" or "pupils" off the front of a reduced heading, in every way it can be taken."""
    return [
        name.removeprefix(word) for word in _IN_FRONT.split() if name.startswith(word) and len(name) > len(word) + 1
    ]


def are_headings(first_row: Iterable[str | None]) -> bool:
    """Answer whether a first row is headings rather than somebody's record: a message may repeat only headings.

    At least two of its cells are usual names (one is enough in a table of one or two columns).
    """
    cells = [plain(cell) for cell in first_row if cell]
    usual = sum(1 for cell in cells if any(name in _every_usual_name() for name in [cell, *shorter(cell)]))
    return usual >= min(2, max(1, len(cells) - 1))


@cache
def _every_usual_name() -> frozenset[str]:
    ranks = [*(names for ranks in USUAL.values() for names in ranks), *RECORD_IDS, *ADDRESS_PARTS, NEVER_USED]
    return frozenset().union(*(meanings(names) for names in ranks))
