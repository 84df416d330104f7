"""Columns are recognised by the usual names of this field; a guess between two is asked, not made."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from samechild.errors import Invalid
from samechild.files.check import check
from samechild.files.columns import recognise
from samechild.files.read import read
from samechild.files.records import FileMap, Mapping, ReadFile
from samechild.files.usual_names import ADDRESS_PARTS, LAST_RESORT_IDS, OTHERWISE, RECORD_IDS, USUAL, meanings, plain
from samechild.records import fields


def a_file(columns: dict[str, list[str | None]], name: str = "x.csv") -> ReadFile:
    table = pa.table({heading: pa.array(values, pa.string()) for heading, values in columns.items()})
    rows = pa.array(range(1, table.num_rows + 1), pa.int32())
    return ReadFile(Path(name).stem, Path(name), "csv", table, rows, name, "utf-8")


def headed(*headings: str) -> ReadFile:
    return a_file({heading: [f"{heading}{n}" for n in range(3)] for heading in headings})


def test_every_given_field_has_usual_names_and_no_other_does() -> None:
    given = {name for name, field in fields().items() if field.given} - {"source", "record_id"}
    assert set(USUAL) == given
    assert set(OTHERWISE.values()) | set(OTHERWISE) | set(LAST_RESORT_IDS) <= given


def test_no_usual_name_means_two_things() -> None:
    seen: dict[str, str] = {}
    places = [(f"{field}", names) for field, ranks in USUAL.items() for names in ranks]
    places += [("record_id", names) for names in RECORD_IDS] + [("address part", names) for names in ADDRESS_PARTS]
    for field, names in places:
        for name in meanings(names):
            assert seen.setdefault(name, field) == field, name


@pytest.mark.parametrize("field", USUAL)
def test_every_usual_name_is_recognised_in_any_writing(field: str) -> None:
    for names in USUAL[field]:
        for name in names.split():
            for heading in (name, name.upper(), name.replace("_", " ").title(), name.replace("_", "-"), f" {name}: "):
                assert field in recognise(headed(heading)).fields, heading


SYSTEMS = {
    "SIMS": (
        ["Adm No", "Legal Surname", "Legal Forename", "Preferred Surname", "Preferred Forename", "Middle Name", "DOB",
         "Gender", "UPN", "Former UPN", "ULN", "Post Code", "Ethnicity"],
        "Adm No",
        {"surname": "Legal Surname", "forename": "Legal Forename", "former_surname": "Preferred Surname",
         "known_as": "Preferred Forename", "middle_names": "Middle Name", "date_of_birth": "DOB", "sex": "Gender",
         "upn": "UPN", "former_upn": "Former UPN", "uln": "ULN", "postcode": "Post Code", "ethnicity": "Ethnicity"},
    ),
    "Arbor": (
        ["Arbor Student ID", "Legal First Name", "Legal Last Name", "Preferred First Name",
         "Date of birth (dd/mm/yyyy)", "Legal sex", "Unique Pupil Number (UPN)", "Address", "Postcode"],
        "Arbor Student ID",
        {"forename": "Legal First Name", "surname": "Legal Last Name", "known_as": "Preferred First Name",
         "date_of_birth": "Date of birth (dd/mm/yyyy)", "sex": "Legal sex", "upn": "Unique Pupil Number (UPN)",
         "address": "Address", "postcode": "Postcode"},
    ),
    "Mosaic": (
        ["Person ID", "First Name", "Last Name", "Date of Birth", "Gender", "NHS No.", "Mosaic ID", "Home Postcode",
         "Ethnic Code", "Ethnicity"],
        "Person ID",
        {"forename": "First Name", "surname": "Last Name", "date_of_birth": "Date of Birth", "sex": "Gender",
         "nhs_number": "NHS No.", "la_child_id": "Mosaic ID", "postcode": "Home Postcode", "ethnicity": "Ethnic Code"},
    ),
    "children in need census": (
        ["LAchildID", "UPN", "FormerUPN", "PersonBirthDate", "Sex", "Ethnicity"],
        "LAchildID",
        {"la_child_id": "LAchildID", "upn": "UPN", "former_upn": "FormerUPN", "date_of_birth": "PersonBirthDate",
         "sex": "Sex", "ethnicity": "Ethnicity"},
    ),
    "SSDA903": (
        ["CHILD", "SEX", "DOB", "ETHNIC", "UPN"],
        "CHILD",
        {"sex": "SEX", "date_of_birth": "DOB", "ethnicity": "ETHNIC", "upn": "UPN"},
    ),
    "PDS batch trace": (
        ["UNIQUE REFERENCE", "NHS_NO", "FAMILY_NAME", "GIVEN_NAME", "OTHER_GIVEN_NAME", "GENDER", "DATE_OF_BIRTH",
         "POSTCODE", "ADDRESS_LINE1", "ADDRESS_LINE2", "ADDRESS_LINE3", "GP_PRACTICE_CODE"],
        "UNIQUE REFERENCE",
        {"nhs_number": "NHS_NO", "surname": "FAMILY_NAME", "forename": "GIVEN_NAME", "middle_names": "OTHER_GIVEN_NAME",
         "sex": "GENDER", "date_of_birth": "DATE_OF_BIRTH", "postcode": "POSTCODE", "gp_practice": "GP_PRACTICE_CODE",
         "address": "ADDRESS_LINE1 + ADDRESS_LINE2 + ADDRESS_LINE3"},
    ),
    "SystmOne": (
        ["NHS Number", "Patient First Name", "Patient Surname", "Patient DOB", "Mother's Surname", "NHS Number Status"],
        None,
        {"nhs_number": "NHS Number", "forename": "Patient First Name", "surname": "Patient Surname",
         "date_of_birth": "Patient DOB", "nhs_number_status": "NHS Number Status"},
    ),
    "FEBRL": (
        ["rec_id", "given_name", "surname", "street_number", "address_1", "address_2", "suburb", "postcode", "state",
         "date_of_birth", "soc_sec_id"],
        "rec_id",
        {"forename": "given_name", "surname": "surname", "address": "street_number + address_1 + address_2",
         "town": "suburb", "postcode": "postcode", "area": "state", "date_of_birth": "date_of_birth",
         "other_id": "soc_sec_id"},
    ),
    "historical": (
        ["unique_id", "cluster", "full_name", "first_and_surname", "first_name", "surname", "dob", "birth_place",
         "postcode_fake", "gender", "occupation"],
        "unique_id",
        {"full_name": "full_name", "forename": "first_name", "surname": "surname", "date_of_birth": "dob",
         "birth_place": "birth_place", "postcode": "postcode_fake", "sex": "gender", "occupation": "occupation"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_the_fields_systems_export_is_recognised(system: str) -> None:
    headings, record_id, expected = SYSTEMS[system]
    columns = recognise(headed(*headings))
    assert {field: " + ".join(found) for field, found in columns.fields.items()} == expected
    assert columns.record_id == (record_id or "NHS Number")


@pytest.mark.parametrize(
    "heading",
    ["Mother's surname", "Parent first name", "Carer DOB", "Social worker name", "Father NHS number", "Sibling UPN",
     "Expected date of birth", "Date of death", "true_child_id", "cluster", "twin_set", "Emergency contact phone"],
)  # fmt: skip
def test_other_peoples_columns_and_the_truth_are_never_used(heading: str) -> None:
    columns = recognise(headed("surname", heading))
    assert columns.unused == (heading,)


def test_two_columns_claiming_one_meaning_are_refused_with_both_named() -> None:
    with pytest.raises(Invalid, match=r'"dob" and "Date of birth".*\[file.columns\] date_of_birth = "dob"'):
        recognise(headed("id", "dob", "Date of birth"))


def test_two_columns_that_say_the_same_or_nothing_are_no_conflict() -> None:
    same: list[str | None] = ["2010-01-01", None]
    assert recognise(a_file({"dob": same, "birth_date": same})).fields == {"date_of_birth": ("dob",)}
    assert recognise(a_file({"dob": [None, None], "birth_date": same})).fields == {"date_of_birth": ("birth_date",)}


def test_a_file_with_no_usable_column_is_refused() -> None:
    with pytest.raises(Invalid, match=r"no column that says who a child is \(it has 2 columns"):
        recognise(headed("x", "y"))
    with pytest.raises(Invalid, match=r'no column.*"id", "cluster"'):
        recognise(headed("id", "cluster"))


def test_a_record_in_the_place_of_headings_is_never_repeated(tmp_path: Path) -> None:
    for row in ("Zzyzx,Qwertyuiop,2010-01-02,M", "Zzyzx,Zzyzx,2010-01-02,M"):
        (tmp_path / "x.csv").write_text(f"{row}\n{row}\n")
        with pytest.raises(Invalid, match="headings") as told:
            recognise(read(tmp_path / "x.csv"))
        assert "Zzyzx" not in str(told.value)
        assert "2010" not in str(told.value)
    (tmp_path / "x.csv").write_text("Zzyzx,Qwertyuiop,2010-01-02,M\n1,2,3,4\n")
    assert "Zzyzx" not in str(check([tmp_path / "x.csv"]))


def test_the_record_id_is_chosen_by_name_and_by_being_different_in_every_row() -> None:
    file = a_file({"id": ["1", "2", "3"], "pupil_id": ["a", "a", "b"], "surname": ["X", "Y", "Z"]})
    assert recognise(file).record_id == "id"
    mostly = a_file({"pupil_id": ["a", "a", "b", None], "surname": ["X", "Y", "Z", "W"]})
    assert recognise(mostly).record_id == "pupil_id"


def test_without_an_id_rows_are_numbered_and_it_is_told() -> None:
    columns = recognise(a_file({"id": ["x", "x", "x"], "surname": ["A", "B", "C"]}))
    assert columns.record_id is None
    assert [issue.rule for issue in columns.issues] == ["no-record-id"]


def test_a_local_systems_own_number_is_evidence_of_nothing() -> None:
    columns = recognise(headed("child_id", "surname"))
    assert (columns.record_id, list(columns.fields)) == ("child_id", ["surname"])


def test_the_map_outranks_the_usual_names() -> None:
    entry = FileMap(
        "x.csv", mapped={"forename": "c1", "record_id": "c2", "address": ["c3", "c4"]},
        group_columns=("Ward",), ignore=("dob",),
    )  # fmt: skip
    columns = recognise(headed("forename", "c1", "c2", "c3", "c4", "Ward", "dob", "surname"), Mapping((entry,)))
    assert columns.fields == {"forename": ("c1",), "surname": ("surname",), "address": ("c3", "c4")}
    assert (columns.record_id, columns.groups, columns.unused) == ("c2", ("Ward",), ("forename",))


@pytest.mark.parametrize(
    "entry",
    [
        FileMap("x.csv", mapped={"forename": "nothing"}),
        FileMap("x.csv", mapped={"fornames": "a"}),
        FileMap("x.csv", mapped={"forename": ["a", "surname"]}),
        FileMap("x.csv", ignore=("nothing",)),
        FileMap("x.csv", group_columns=("nothing",)),
    ],
)
def test_a_map_that_names_what_is_not_there_is_refused(entry: FileMap) -> None:
    with pytest.raises(Invalid, match=r"The map"):
        recognise(headed("a", "surname"), Mapping((entry,)))


def test_headings_are_compared_by_letters_and_digits() -> None:
    assert plain("NHS No. (10 digits)") == plain("nhs_no") == "nhsno"
    assert plain("(UPN)") == "upn"
    assert plain("Prénom") == "prenom"
