"""The column path equals the plain reading of each record, whatever is in the file, and never loses or moves a row."""

from __future__ import annotations

import random
from datetime import date

import msgspec
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from samechild.demographics import dates, letters, names, sounds, variants
from samechild.demographics.address import read_address, read_addresses, read_text, read_texts
from samechild.demographics.columns import encode
from samechild.demographics.conventions import conventions_of
from samechild.demographics.people import marks_of, read_names
from samechild.demographics.problems import rules
from samechild.demographics.sets import of_lists, union
from samechild.demographics.standardise import _without_blanks, standardise, standardise_one
from samechild.identifiers import nhs_number, uln, upn
from samechild.records import GIVEN, fields

TODAY = date(2026, 11, 22)

FORENAMES = [
    "Lily-Mae", "LILY MAE", "John Paul", "William (Bill)", 'Robert "Bob"', "Baby", "Baby Boy", "BABY OF JANE",
    "Twin One",
    "twin2", "TWINA", "Second Twin", "Triplet C", "Male infant", "Unknown", "N/A", "nan", "NAN", "Nan", "...", ".",
    "Xxxx",
    "AAAA", "Aaa", "José", "JosÃ©", "Łukasz", "Ольга", "محمد", "Baby-Rae", "Abdul Rahman", "Abd al-Rahman",
    "Abdul-Rahman",
    "Md", "Master", "Miss Jane", "De'Andre", "J.P.", "Mary aka Polly", "R2D2", "ANN-MARIE", "Leeann", "LeeAnn", "M",
    "é",
    "Mac", "Saint John", "Bill", "bill", "BILL", "d", "Jos\ufffd", "Test", "TBC", "Twins", "BabyGirl", "Boy", "M.",
]  # fmt: skip
SURNAMES = [
    "O'Brien", "O Brien", "O’Brien", "OBRIEN", "Mac Donald", "MacDonald", "McDonald", "MCDONALD", "Smith-Jones",
    "SmithJones",
    "Jones Smith", "St. Clair", "Saint Clair", "Saintclair", "de la Cruz", "DE LA CRUZ", "Al-Hassan", "el Hassan",
    "Boy",
    "Unknown", "XX", "ZZZ", "BBBB", "Smith Jnr", "Smith (Jones)", "Smith née Jones", "Kowalska", "KOWALSKI", "Le",
    "Mr Smith",
    "Wałęsa", "王", "Petrauskas", "Petrauskaite", "van der Berg", "Macey", "Mc", "Test", "Na", "N/A", "D'Souza", "II",
]  # fmt: skip
DATES = [
    "2010-01-03", "3/1/2010", "03/25/2010", "25/03/2010", "3 Jan 2010", "40181", "40181.0", "20100103", "03012010",
    "2010",
    "Jan 2010", "2010-01", "??/05/2010", "31/02/2010", "1900-01-01", "9999-12-31", "1630-08-01", "2027-05-01",
    "2030-01-01",
    "1/2/10", "1/2/30", "garbage", "2010-01-03T00:00:00", "2010-01-03 00:00:00.000", "3rd March 2010", "030110", "0",
    "-",
    "5/5/2010", "12/11/2010", "1850-01-01", "Unknown",
]  # fmt: skip
NUMBERS = [
    "9990000018", "999 000 0018", "999-000-0026", '="9990000018"', "9.990000018E+09", "9.99E+09", "9990000018.0",
    "9990000019", "0000000000", "9999999999", "9276308686", "0101011237", "UN1", "un10", "P207000016049", "QQ123456A",
    "AB123456C", "AB123456", "NK", "x", "１２３", "'9990000018", "123", "007", "A-12", "a 12",
]  # fmt: skip
POSTCODES = ["LS1 6AB", "ls16ab", "ZZ99 3VZ", "4000", "2601", "Unknown", "NFA", "LS1", "W1A 1AA", "SW1A1AA.", "é"]
OTHERS = ["", " ", "M", "F", "male", "2", "9", "K", "W", "Flat 2, 12 St. John's Road", "12 Straße", "THE NO",
    "not known",
          "020 7946 0000", "+44 7700 900123", "7700900123", "a@b.org", "a@", "302/1234", "Ünal-Ö", "1", "01",
          "8 of 9"]  # fmt: skip
LIKELY = {
    "forename": FORENAMES, "middle_names": FORENAMES, "known_as": FORENAMES, "surname": SURNAMES,
    "former_surname": SURNAMES,
    "full_name": [f"{a} {b}" for a, b in zip(FORENAMES, SURNAMES, strict=False)] + ["SMITH, John", "Smith,", ",",
    "Mr J Smith Jr"],
    "date_of_birth": DATES, "postcode": POSTCODES, "previous_postcode": POSTCODES,
    "birth_order": ["1", "2 of 3", "Twin B", "singleton", "8", "first", "x", "02"],
} | dict.fromkeys(
    ("nhs_number", "chi_number", "hc_number", "ucrn", "scn", "upn", "former_upn", "uln", "nino", "la_child_id",
        "other_id", "uprn"),
    NUMBERS,
)  # fmt: skip
GIVEN_FIELDS = [name for name, field in fields().items() if field.given and name not in ("source", "record_id")]


def values_of(field: str) -> st.SearchStrategy[str | None]:
    likely = LIKELY.get(field, OTHERS)
    return st.one_of(
        st.none(), st.sampled_from(likely), st.sampled_from(likely), st.sampled_from(OTHERS), st.text(max_size=12)
    )


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """A few rows of two sources with some of the fields, each of likely or unlikely text."""
    rows = draw(st.integers(1, 6))
    chosen = draw(st.lists(st.sampled_from(GIVEN_FIELDS), min_size=1, max_size=9, unique=True))
    columns = {
        field: pa.array(draw(st.lists(values_of(field), min_size=rows, max_size=rows)), pa.string()) for field in chosen
    }
    for field in chosen:
        if draw(st.booleans()):
            columns[field] = columns[field].dictionary_encode()
    source = draw(st.lists(st.sampled_from(["education", "health"]), min_size=rows, max_size=rows))
    return pa.table(
        {
            "source": source,
            "record_id": [str(i) for i in range(rows)],
            "row": pa.array(range(1, rows + 1), pa.int32()),
            **columns,
        }
    )


def the_records(table: pa.Table) -> list[dict[str, object]]:
    """What the plain reading makes of every row: only the fields that have a value."""
    source = encode(table["source"])
    given = {f: _without_blanks(encode(table[f])) for f in GIVEN_FIELDS if f in table.column_names}
    conventions = dict(zip(source.values.to_pylist(), conventions_of(source, given, TODAY, {}), strict=True))
    made = []
    for row in table.to_pylist():
        record = standardise_one({k: v for k, v in row.items() if k != "row"}, conventions[row["source"]])
        made.append({k: v for k, v in msgspec.structs.asdict(record).items() if v is not None})
    return made


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables())
def test_columns_equal_the_plain_reading_of_each_record(table: pa.Table) -> None:
    done = standardise(table, today=TODAY)
    standard = [
        {k: tuple(v) if isinstance(v, list) else v for k, v in row.items() if v is not None and k in fields()}
        for row in done.table.to_pylist()
    ]
    assert standard == the_records(table)
    for field in GIVEN_FIELDS:
        if field in table.column_names:
            assert done.table[GIVEN + field].to_pylist() == table[field].to_pylist()
    for name in done.table.column_names:
        if name in fields() and name not in ("source", "record_id"):
            chunk = done.table[name].chunk(0)
            assert pa.types.is_dictionary(chunk.type)
            assert chunk.type.index_type == pa.int32()
            distinct = [tuple(v) if isinstance(v, list) else v for v in chunk.dictionary.to_pylist()]
            assert len(set(distinct)) == len(distinct)
            assert None not in distinct
            assert "" not in distinct
            assert () not in distinct
    for problem in done.problems.to_pylist():
        severity, message = rules()[problem["rule"]]
        assert (problem["severity"], problem["message"]) == (severity, message)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(table: pa.Table, chance: random.Random) -> None:
    order = list(range(table.num_rows))
    chance.shuffle(order)
    straight = standardise(table, today=TODAY).table.take(order)
    shuffled = standardise(table.take(order), today=TODAY).table
    assert straight.to_pylist() == shuffled.to_pylist()


names_with_spaces = st.one_of(
    st.sampled_from(FORENAMES + SURNAMES), st.text(max_size=15), st.from_regex(r"[A-Za-z]{1,9}", fullmatch=True)
)


@given(st.lists(names_with_spaces, max_size=20))
@pytest.mark.parametrize("read", [names.read_forename, names.read_middle_names, names.read_surname])
def test_names_read_as_columns(read, values: list[str]) -> None:  # type: ignore[no-untyped-def]
    done = read_names(pa.array(values, pa.string()), read)
    for place, value in enumerate(values):
        one = read(value)
        assert done.name[place].as_py() == one.name
        assert tuple(done.parts[place].as_py()) == one.parts
        assert done.more[place].as_py() == one.more
        assert done.aside[place].as_py() == one.aside
        assert done.birth_order[place].as_py() == one.birth_order
        assert done.problem[place].as_py() == one.problem


@given(st.lists(st.text(alphabet="ABCDGHKLMNPRSTWVZQJEIOUY", max_size=14), max_size=20))
def test_sounds_of_a_column(values: list[str]) -> None:
    assert sounds.phonex_many(pa.array(values, pa.string())).to_pylist() == [sounds.phonex(value) for value in values]


@given(st.text(max_size=30))
def test_letters_are_letters(text: str) -> None:
    made = letters.to_letters(text).text
    assert all(c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -" for c in made)
    assert letters.to_letters(made).text == made


@given(st.lists(st.one_of(st.sampled_from(OTHERS), st.text(max_size=20)), max_size=20))
def test_texts_and_addresses_of_a_column(values: list[str]) -> None:
    column = pa.array(values, pa.string())
    assert read_texts(column).to_pylist() == [read_text(value) for value in values]
    assert read_addresses(column).to_pylist() == [read_address(value) for value in values]


@given(st.one_of(st.sampled_from(FORENAMES), st.text(max_size=15)))
def test_a_name_made_comparable_is_letters_and_stays_itself(value: str) -> None:
    read = names.read_surname(value)
    if read.name is not None:
        assert read.name.isascii()
        assert read.name.isalpha()
        assert read.name.isupper()
        assert read.name in read.parts
    first = names.read_forename(value)
    assert first.name is None or first.name in first.parts
    assert first.birth_order is None or first.name is None


@given(st.dates(min_value=date(1700, 1, 1), max_value=TODAY))
def test_every_way_to_write_a_date_is_read_as_that_date(day: date) -> None:
    old = dates.DateReading(TODAY, historical=True)
    ways = [
        "%Y-%m-%d",
        "%d/%m/%Y",
        "%d.%m.%Y",
        "%d %b %Y",
        "%d %B %Y",
        "%Y%m%d",
        "%Y-%m-%dT%H:%M:%S",
        "%B %d, %Y",
        "%d-%b-%Y",
    ]
    for way in [w for w in ways if w != "%Y%m%d" or day.year >= 1800]:
        read = dates.read_date(day.strftime(way), old)
        assert read.date == day.isoformat(), way
        assert read.month == day.isoformat()[:7]
        assert read.swapped is None or dates.swapped(read.swapped) == read.date
    month_first = dates.DateReading(TODAY, month_first=True, historical=True)
    assert dates.read_date(day.strftime("%m/%d/%Y"), month_first).date == day.isoformat()
    if day > date(1927, 5, 17):
        assert dates.read_date(str((day - date(1899, 12, 30)).days), old).date == day.isoformat()
    if (TODAY - day).days < 36000:
        assert dates.read_date(day.strftime("%d/%m/%y"), old).date == day.isoformat()


@given(st.text(max_size=20))
def test_no_text_breaks_a_date(text: str) -> None:
    read = dates.read_date(text, dates.DateReading(TODAY))
    assert read.date is None or date.fromisoformat(read.date) <= dates.latest_birth(TODAY)
    assert read.problem is None or read.problem in rules()


@given(st.sampled_from([variants.FORENAME, variants.SURNAME]), st.data())
def test_names_share_a_mark_exactly_when_they_are_a_pair(kind: str, data: st.DataObject) -> None:
    listed = sorted(variants.marks(kind))
    one, other = data.draw(st.sampled_from(listed)), data.draw(st.sampled_from(listed))
    known = variants.marks(kind)
    pairs = {frozenset((a, b)) for _, a, b, applies_to in variants.pairs() if applies_to == kind}
    assert bool(set(known[one]) & set(known[other])) == (one == other or frozenset((one, other)) in pairs)
    column = pa.array([one, other])
    answer = variants.forename_marks if kind == variants.FORENAME else variants.surname_marks
    assert [tuple(m) for m in marks_of(column, kind).to_pylist()] == [answer(one), answer(other)]


word = st.sampled_from(["LILY", "MAE", "ROSE", "JOHN", "PAUL"])


@given(st.lists(st.tuples(st.lists(word, max_size=3), st.lists(word, max_size=3)), min_size=1, max_size=30))
def test_union_of_sets(rows: list[tuple[list[str], list[str]]]) -> None:
    columns = []
    for place in (0, 1):
        distinct = sorted({tuple(row[place]) for row in rows})
        codes = encode(pa.array([str(distinct.index(tuple(row[place]))) for row in rows]))
        lists = pa.array([list(distinct[int(v)]) for v in codes.values.to_pylist()], pa.list_(pa.string()))
        columns.append(of_lists(codes.codes, lists))
    done = union(columns)
    expected = [sorted({*one, *other}) for one, other in rows]
    values = done.values.to_pylist()
    assert [values[c] if c >= 0 else [] for c in done.codes.tolist()] == expected
    assert len({tuple(v) for v in values}) == len(values)


@given(st.integers(0, 10_000))
def test_numbers_keep_their_value_through_a_spreadsheet(serial: int) -> None:
    number = nhs_number.from_serial(serial)
    for written in (number, f'="{number}"', f"'{number}", f"{number}.0", f"{int(number):.9E}".replace("E+0", "E+0")):
        row = {"source": ["a"], "record_id": ["1"], "row": pa.array([1], pa.int32()), "nhs_number": [written]}
        assert standardise(pa.table(row), today=TODAY).table["nhs_number"].to_pylist() == [number], written
    learner, pupil = uln.from_serial(serial), upn.from_serial(serial)
    row = {
        "source": ["a"],
        "record_id": ["1"],
        "row": pa.array([1], pa.int32()),
        "nhs_number": [learner],
        "uln": [pupil],
    }
    done = standardise(pa.table(row), today=TODAY)
    assert done.table["nhs_number"].to_pylist() == [None]
    assert done.table["uln"].to_pylist() == [learner]
    assert done.table["upn"].to_pylist() == [pupil]
    assert sorted(done.problems["rule"].to_pylist()) == ["uln-misplaced", "upn-misplaced"]
