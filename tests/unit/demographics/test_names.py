"""How one name is read: what is equal, what is kept, and what is no name."""

from __future__ import annotations

import pytest

from samechild.demographics import letters, names, sounds, variants
from samechild.demographics.full_names import read_full_name
from samechild.demographics.placeholders import read_birth_order

SAME_SURNAME = [
    ("O'Brien", "O Brien", "O’Brien", "OBRIEN", "o`brien", "O-Brien", "Ó Brien"),
    ("MacDonald", "Mac Donald", "MACDONALD", "Mac-Donald", "Mr MacDonald"),
    ("McDonald", "Mc Donald", "MCDONALD", "Mc'Donald"),
    ("St Clair", "St. Clair", "Saint Clair", "St-Clair", "StClair", "SAINTCLAIR"),
    ("de la Cruz", "DE LA CRUZ", "De La Cruz", "Delacruz", "de-la-Cruz"),
    ("Al-Hassan", "Al Hassan", "El Hassan", "el-hassan", "Alhassan"),
    ("Smith-Jones", "Smith Jones", "SmithJones", "SMITH–JONES", "Smith/Jones", "Smith - Jones", "Smith Jones Jnr"),
    ("Müller", "Mu\u0308ller", "MULLER", "MÃ¼ller"),
    ("Wałęsa", "WALESA"),
    ("Strauß", "Strauss", "STRAUSS"),
    ("van der Berg", "Van Der Berg", "VANDERBERG"),
    ("Ивановa", "Ivanova"),
    ("Παπαδόπουλος", "Papadopoylos"),
    ("Đặng", "Dang"),
    ("Şahin", "Sahin", "SAHİN"),
    ("Smith", " smith ", "SMITH.", "Smith (Jones)", "Smith nee Jones"),
]


@pytest.mark.parametrize("written", SAME_SURNAME, ids=lambda forms: forms[0])
def test_one_surname_however_it_is_written(written: tuple[str, ...]) -> None:
    assert len({names.read_surname(form).name for form in written}) == 1


def test_different_surnames_stay_different() -> None:
    apart = [
        "O'Brien",
        "Brien",
        "Smith",
        "Smith-Jones",
        "Jones-Smith",
        "McDonald",
        "MacDonald",
        "Donald",
        "Clair",
        "St Clair",
    ]
    assert len({names.read_surname(name).name for name in apart}) == len(apart)


def test_parts_of_a_double_barrelled_surname_ignore_the_order() -> None:
    one, other = names.read_surname("Smith-Jones"), names.read_surname("Jones Smith")
    assert set(one.parts) & set(other.parts) == {"SMITH", "JONES"}
    assert one.parts == ("JONES", "SMITH", "SMITHJONES")
    assert set(names.read_surname("McDonald").parts) & set(names.read_surname("Mac Donald").parts) == {"DONALD"}
    assert names.read_surname("de la Cruz").parts == ("CRUZ", "DELACRUZ")
    assert names.read_surname("O Brien").parts == ("OBRIEN",)


@pytest.mark.parametrize(
    "real", ["Boy", "Male", "Child", "Baby", "Le", "Na", "Blank", "Junior", "Senior", "Lord", "Mac", "Twin"]
)
def test_surnames_that_look_like_placeholders_are_kept(real: str) -> None:
    assert names.read_surname(real).name == real.upper()


@pytest.mark.parametrize(
    "filler", ["Unknown", "not known", "N/A", "n.k.", "NK", "None", "TEST", "Unborn", "XX", "xxxx", "ZZZ", "AAAA",
    "nan", "TBC", "Jnr", "No name given"]
)  # fmt: skip
def test_surname_fillers_are_no_surname(filler: str) -> None:
    read = names.read_surname(filler)
    assert (read.name, read.parts, read.problem) == (None, (), "surname-placeholder")


@pytest.mark.parametrize(
    "filler",
    ["Baby", "BABY BOY", "Baby girl Smith", "Baby of Jane", "Infant", "Male", "Female", "male infant", "Boy", "Twin",
        "Unknown", "Not known",
     "NK", "N/A", "None", "Test", "Unborn", "UBB", "Xxxx", "Newborn", "New Born", "BABY-BOY", "Fetus", "Master",
     "Miss", "Not yet named", "nan"],
)  # fmt: skip
def test_forename_fillers_are_no_forename(filler: str) -> None:
    read = names.read_forename(filler)
    assert (read.name, read.parts, read.problem) == (None, (), "forename-placeholder")


@pytest.mark.parametrize("text", [".", "...", "-", "?", "12", "''"])
def test_no_letters_are_no_name(text: str) -> None:
    assert names.read_forename(text).problem == "name-unreadable"
    assert names.read_surname(text).name is None


@pytest.mark.parametrize(
    "real", ["Baby-Rae", "Princess", "Junior", "Nan", "Son", "Na", "Max", "Bo", "Ann-Marie", "Md", "Abd", "Sky", "An"]
)
def test_forenames_that_look_odd_are_kept(real: str) -> None:
    assert names.read_forename(real).name == real.upper().replace("-", "")


@pytest.mark.parametrize(
    ("text", "place"),
    [("Twin One", "1"), ("Twin 1", "1"), ("TWIN1", "1"), ("Twin II", "2"), ("Twin B", "2"), ("First twin", "1"),
        ("2nd Twin", "2"),
     ("Triplet A", "1"), ("Triplet C", "3"), ("Twin 2 Smith", "2"), ("Baby B", "2"), ("Baby Twin 2", "2"), ("Twin-1",
         "1"),
     ("Twin", None), ("Baby boy", None)],
)  # fmt: skip
def test_a_placeholder_tells_the_place_in_a_multiple_birth(text: str, place: str | None) -> None:
    read = names.read_forename(text)
    assert (read.name, read.birth_order) == (None, place)


@pytest.mark.parametrize(
    ("text", "answer"),
    [("1", ("1", None)), ("02", ("2", None)), ("2 of 3", ("2", None)), ("Twin B", ("2", None)), ("first", ("1", None)),
        ("1.0", ("1", None)),
     ("singleton", (None, None)), ("9", (None, None)), ("8", (None, None)), ("", (None, None)), ("6", ("6", None)),
     ("maybe", (None, "birth-order-unreadable"))],
)  # fmt: skip
def test_birth_order_of_its_own_field(text: str, answer: tuple[str | None, str | None]) -> None:
    assert read_birth_order(text) == answer


def test_forenames() -> None:
    lily = names.read_forename("Lily-Mae")
    assert (lily.name, lily.parts) == ("LILYMAE", ("LILY", "LILYMAE", "MAE"))
    john = names.read_forename("John Paul")
    assert (john.name, john.more, john.parts) == ("JOHN", "PAUL", ("JOHN", "PAUL"))
    for text in ("William (Bill)", 'William "Bill"', "William known as Bill", "WILLIAM AKA BILL", "William [Bill]"):
        assert (names.read_forename(text).name, names.read_forename(text).aside) == ("WILLIAM", "BILL"), text
    for text in ("Abdul Rahman", "Abd al-Rahman", "Abdul-Rahman", "Abdur Rahman", "ABDULRAHMAN", "Abd Al Rahman"):
        assert names.read_forename(text).name == "ABDULRAHMAN", text
    assert names.read_forename("Miss Jane").name == "JANE"
    assert names.read_forename("De'Andre").name == names.read_forename("Deandre").name
    assert names.read_middle_names("Rose  may-ann").name == "ROSE MAYANN"
    assert names.read_middle_names("N/A").problem == "middle-names-placeholder"
    assert names.read_forename("Christophe").name == "CHRISTOPHE"


def test_former_surnames_stand_aside() -> None:
    for text in ("Smith (Jones)", "Smith née Jones", "Smith formerly Jones", "Smith (née Jones)"):
        assert names.read_surname(text).name == "SMITH"
        assert "JONES" in (names.read_surname(text).aside or "")


def test_what_cannot_be_read_is_told() -> None:
    assert names.read_surname("王").problem == "name-script"
    assert names.read_surname("محمد").name is None
    assert names.read_surname("Jos\ufffd").problem == "name-damaged"
    assert names.read_surname("Sm1th").problem == "name-digits"
    assert names.read_surname("Sm1th").name == "SMTH"
    assert names.read_surname("  ").problem is None


@pytest.mark.parametrize(
    ("whole", "forename", "more", "surname"),
    [("SMITH, John Paul", "JOHN", "PAUL", "SMITH"), ("John Paul Smith", "JOHN", "PAUL", "SMITH"), ("Mr John Smith Jnr",
        "JOHN", None, "SMITH"),
     ("Maria de la Cruz", "MARIA", None, "DELACRUZ"), ("John", "JOHN", None, None), ("Baby Boy Smith", None, None,
         "SMITH"),
     ("Unknown", None, None, None), ("O'Brien, Anne-Marie", "ANNEMARIE", None, "OBRIEN"), ("Smith,", "SMITH", None,
         None),
     ("John Smith, Jnr", "JOHN", None, "SMITH"), ("Thomas of Chudleigh", "THOMAS", None, "CHUDLEIGH"), ("N/A", None,
         None, None),
     ("James Clifford, 1st Baron Clifford", "JAMES", None, "CLIFFORD"), ("Ludwig van Beethoven", "LUDWIG", None,
         "VANBEETHOVEN")],
)  # fmt: skip
def test_whole_names(whole: str, forename: str | None, more: str | None, surname: str | None) -> None:
    given, family = read_full_name(whole)
    assert (given.name, given.more, family.name) == (forename, more, surname)


def test_damaged_text_is_mended_only_when_it_was_damaged_that_way() -> None:
    assert letters.mended("JosÃ©") == "José"
    assert letters.mended("Ângela") == "Ângela"
    assert letters.mended("Ã") == "Ã"


PHONEX = {"CHRISTOPHER": "C623", "NIALL": "N400", "SCHMIDT": "S253", "SMITH": "S530", "AMDD": "A530", "KNUTH": "N300"}


@pytest.mark.parametrize(("name", "code"), PHONEX.items())
def test_sounds_of_published_examples(name: str, code: str) -> None:
    assert sounds.phonex(name) == code


@pytest.mark.parametrize(
    ("one", "other"),
    [("CATHERINE", "KATHERINE"), ("PHILIP", "FILIP"), ("WRIGHT", "RIGHT"), ("KNIGHT", "NIGHT"), ("JEFF", "GEFF"),
        ("SMITH", "SMYTH"),
     ("MOHAMMED", "MUHAMMAD"), ("PETERS", "PETER"), ("ZARA", "SARA")],
)  # fmt: skip
def test_names_that_sound_alike(one: str, other: str) -> None:
    assert sounds.phonex(one) == sounds.phonex(other)
    assert sounds.phonex(one) != sounds.phonex("BOLDWIN")


def test_no_sound_without_a_name() -> None:
    assert sounds.phonex("") is None
    assert sounds.phonex("S") == "S000"


def test_variants_are_pairs_not_groups() -> None:
    def met(one: str, other: str) -> bool:
        return bool(set(variants.forename_marks(one)) & set(variants.forename_marks(other)))

    assert met("BILL", "WILLIAM")
    assert met("MAXAMED", "MOHAMMED")
    assert met("ALEXANDRA", "ALI") == any(
        {a, b} == {"ALEXANDRA", "ALI"} for _, a, b, k in variants.pairs() if k == "first"
    )
    assert not met("BILL", "MOHAMMED")
    assert variants.forename_marks("ZZYZX") == ()
    assert len(variants.pairs()) == 4434


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("MCDONALD", "MACDONALD"),
        ("KOWALSKI", "KOWALSKA"),
        ("IVANOV", "IVANOVA"),
        ("PETRAUSKAS", "PETRAUSKAITE"),
        ("OBRIEN", "OBRIAN"),
    ],
)
def test_forms_of_one_surname_share_a_mark(one: str, other: str) -> None:
    assert set(variants.surname_marks(one)) & set(variants.surname_marks(other))


def test_rules_for_surnames_need_a_stem() -> None:
    assert variants.surname_rule_mark("MAC") is None
    assert variants.surname_rule_mark("SKI") is None
    assert variants.surname_rule_mark("LEWIS") is None
    assert variants.surname_rule_mark("SMITH") is None
