"""What an agency writes down about a child: the right value, an old one, another child's, a wrong one, or nothing.

Works on whole columns; only the rows that get a spelling or typing mistake are handled one at a time. Rates come from
``rates.toml``; families who have less, and names that English offices do not know, are written down worse (ECHILD:
Libuy and others 2021; Hagger-Johnson and others 2015).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from samechild.identifiers import nhs_number, uln, upn
from samechild.town import errors
from samechild.town.agencies import SCHOOL_AGE, Contacts
from samechild.town.chance import Chance
from samechild.town.names import ENGLISH_SPEAKING, FAMILY_NAME_FIRST, PATRONYMIC, Names
from samechild.town.naming import full_surname
from samechild.town.places import NO_FIXED_ABODE, Places, postcode_text
from samechild.town.rates import AgencyRates, Rates
from samechild.town.records import Children, Flags, Floats, Ints

ULN_AGE = 5113  # fourteen years
NEWBORN = 365
CAN_BE_SWAPPED = 365 / 132  # one date in so many changes when day and month are exchanged: rates count those that do
UNNAMED = {
    "boy": ("Baby", "Baby Boy", "Male Infant", "Baby", "Boy", "Infant"),
    "girl": ("Baby", "Baby Girl", "Female Infant", "Baby", "Girl", "Infant"),
    "twin": ("Twin {n}", "Twin {word}", "Baby {n}", "Twin {roman}", "Baby", "Infant {n}"),
}
WORDS, ROMAN = ("One", "Two", "Three"), ("I", "II", "III")
UNKNOWN_UPN = ("UN1", "UN2", "UN3", "UN4", "UN6", "UN7")
UPRN_START = 990_000_000_000  # no property has a number in this range
COLUMNS = (
    "forename", "middle_names", "known_as", "surname", "former_surname", "date_of_birth", "sex",
    "birth_order", "postcode", "previous_postcode", "uprn", "area", "nhs_number", "upn", "former_upn", "uln",
    "la_child_id", "ethnicity",
)  # fmt: skip
"""The columns of a town's records after source and record_id, by the names of :class:`samechild.records.Record`."""


class Writer:
    """Writes one agency's records: holds what every column needs, so that each column is one short method."""

    def __init__(
        self, agency: str, held: Contacts, children: Children, as_at: int, chance: Chance, places: Places, names: Names,
        rates: Rates,
    ) -> None:  # fmt: skip
        self.agency, self.child, self.held, self.all = agency, held.child, held, children
        self.chance, self.places, self.names = chance, places, names
        self.rates: AgencyRates = rates.agencies[agency]
        self.placement_known = rates.families.adopted_placement_known
        self.recording, self.count = rates.recording, len(held.child)
        self.age = as_at - children.born[self.child]
        self.mate = _other_of_the_birth(children)[self.child]
        self.is_twin = children.babies[self.child] > 1
        self.boy = children.male[self.child]
        hardship = children.hardship[self.child] - 1 / 3
        foreign = ~np.isin(
            children.community[self.child],
            [names.communities.index(group) for group in ENGLISH_SPEAKING],
        )
        effects = rates.hardship
        self.missing_more = (1 + effects.missing * hardship) * np.where(foreign, effects.other_language_missing, 1.0)
        self.misspelt_more = (1 + effects.misspelling * hardship) * np.where(
            foreign, effects.other_language_spelling, 1.0
        )
        newborn = self.age < NEWBORN
        self.unnamed = self.happens(np.where(newborn, self.rates.unnamed_newborn, self.rates.unnamed))
        self.is_old_name = self.happens(self.rates.old_surname)

    def of(self, field: str) -> Any:
        """One field of the children, a value for each record."""
        return getattr(self.all, field)[self.child]

    def happens(self, share: float | Floats) -> Flags:
        """Whether something happens, for each record."""
        return self.chance.happens(share, self.count)

    def blank(self, column: Any, field: str) -> Any:
        """Leave the field out of as many records as the agency leaves it out of, more where families have less."""
        share = getattr(self.rates.missing, field)
        odds = share * self.missing_more
        left_out = self.happens(odds / (1 - share + odds)) if share < 1 else np.ones(self.count, dtype=np.bool_)
        return pc.if_else(pa.array(left_out), pa.scalar(None, pa.string()), column)

    def columns(self) -> dict[str, Any]:
        """Every column of :data:`COLUMNS`, as text."""
        forename, middle, known_as = self._given_names()
        surname, former_surname = self._surnames()
        forename, surname = self._swap(forename, surname)
        postcode, previous, uprn = self._addresses()
        written = {
            "forename": self.blank(forename, "forename"),
            "middle_names": self.blank(middle, "middle_names"),
            "known_as": known_as,
            "surname": self.blank(surname, "surname"),
            "former_surname": former_surname,
            "date_of_birth": self.blank(self._birth_date(), "date_of_birth"),
            "sex": self._sex(),
            "birth_order": self._birth_order(),
            "postcode": self.blank(postcode, "postcode"),
            "previous_postcode": previous,
            "uprn": self.blank(uprn, "uprn"),
            "area": pa.array(self.places.la_codes).take(pa.array(self.held.authority)),
            "nhs_number": self._nhs_number(),
            "upn": self._upn(),
            "former_upn": self._former_upn(),
            "uln": self._uln(),
            "la_child_id": self._la_child_id(),
            "ethnicity": self.blank(
                pa.array(self.places.ethnicities).take(pa.array(self.of("ethnicity"))), "ethnicity"
            ),
        }
        return {name: written[name] for name in COLUMNS}

    # Names

    def _spelt(self, codes: Ints) -> Any:
        """Names as text, with accents or mostly without."""
        keeps = self.happens(self.rates.accents_kept)
        both = pa.concat_arrays([self.names.text, self.names.plain])
        position = np.maximum(codes, 0) + np.where(keeps, 0, len(self.names.text))
        return both.take(pa.array(position, mask=codes < 0))

    def _given_names(self) -> tuple[Any, Any, Any]:
        first, middle, known = self.of("forename"), self.of("middle"), self.of("known_as")
        goes_by = (known >= 0) & self.happens(self.rates.known_as)
        by_middle = (middle >= 0) & self.happens(self.rates.middle_as_first) & ~goes_by
        variant = self.names.variant(first, self.chance)
        varied = (variant >= 0) & self.happens(self.rates.variant_name * self.misspelt_more) & ~goes_by & ~by_middle
        others = self.is_twin & self.happens(self.rates.other_twin_name)
        code = np.where(goes_by, known, np.where(by_middle, middle, np.where(varied, variant, first)))
        code = np.where(others, self.all.forename[self.mate], code)
        forename = self._misspell(self._spelt(code), self.rates.misspelt.forename)
        forename = pc.if_else(pa.array(self.unnamed), self._placeholders(), forename)

        in_middle = np.where(by_middle, first, middle)
        second = np.where(self.unnamed, -1, self.of("second_middle"))
        middles = self._spelt(np.where(self.unnamed, -1, in_middle))
        two = pc.binary_join_element_wise(middles, self._spelt(second), " ")
        middles = pc.if_else(pa.array(second >= 0), two, middles)
        middles = errors.change(middles, self.happens(0.05), self.chance.bits(self.count), _initial_only)
        shown = (known >= 0) & ~goes_by & ~self.unnamed & self.happens(self.recording.known_as_field)
        known_as = self._spelt(
            np.where(shown & (self.agency in ("education", "social_care", "early_years")), known, -1)
        )
        return pc.utf8_slice_codeunits(forename, 0, self.rates.width), middles, known_as

    def _placeholders(self) -> Any:
        """What stands in for a name that was not yet given: Baby, Baby Boy, Twin 1 (seven twins in ten)."""
        listed = _placeholder_list()
        kind = np.where(self.is_twin & self.happens(0.7), self.of("birth_order") - 1, np.where(self.boy, 3, 4))
        return listed.take(pa.array(kind * 6 + self.chance.below(6, self.count)))

    def _misspell(self, text: Any, share: float) -> Any:
        wrong = self.happens(np.minimum(1.0, share * self.misspelt_more))
        twice = wrong & self.happens(self.recording.double_error)
        text = errors.change(text, wrong & ~twice, self.chance.bits(self.count), errors.misspell)
        return errors.change(text, twice, self.chance.bits(self.count), errors.misspell_twice)

    def _surnames(self) -> tuple[Any, Any]:
        former = self.of("former_surname")
        changed = former >= 0
        earlier = changed & self.is_old_name
        code = np.where(self.unnamed, self.of("mother_surname"), np.where(earlier, former, self.of("surname")))
        second = np.where(earlier | self.unnamed, -1, self.of("surname_second"))
        keeps = self.happens(self.rates.accents_kept)
        joiner = self.of("surname_joiner")
        accented = full_surname(code, second, joiner, self.names.text)
        text = pc.if_else(pa.array(keeps), accented, full_surname(code, second, joiner, self.names.plain))
        respelt = self.happens(self.recording.surname_form)
        respelt[respelt] = errors.has_other_form(text.filter(pa.array(respelt)))
        text = errors.change(text, respelt, self.chance.bits(self.count), errors.other_surname_form)
        text = self._misspell(text, self.rates.misspelt.surname)
        shown = changed & ~earlier & (self.agency in ("education", "social_care", "health"))
        shown &= self.happens(self.recording.former_surname_field)
        return pc.utf8_slice_codeunits(text, 0, self.rates.width), self._spelt(np.where(shown, former, -1))

    def _swap(self, forename: Any, surname: Any) -> tuple[Any, Any]:
        """First and last name exchanged: more often where the family name comes first or there is none."""
        unusual = [self.names.communities.index(group) for group in (*FAMILY_NAME_FIRST, *PATRONYMIC)]
        share = self.rates.names_swapped * np.where(np.isin(self.of("community"), unusual), 6.0, 1.0)
        swapped = pa.array(self.happens(share) & ~self.unnamed)
        return pc.if_else(swapped, surname, forename), pc.if_else(swapped, forename, surname)

    # Birth, sex, address

    def _birth_date(self) -> Any:
        rates, born = self.rates.birth_date, self.of("born").astype("datetime64[D]")
        year = born.astype("datetime64[Y]").astype(np.int64) + 1970
        month = born.astype("datetime64[M]").astype(np.int64) % 12 + 1
        day = (born - born.astype("datetime64[M]")).astype(np.int64) + 1
        swapped = self.happens(rates.swapped * CAN_BE_SWAPPED)
        other_month, other_day = errors.swapped_day(year, month, day)
        month, day = np.where(swapped, other_month, month), np.where(swapped, other_day, day)
        january = self.happens(rates.first_january)
        month, day = np.where(january, 1, month), np.where(january, 1, day)
        slip = self.happens(rates.year)
        year = year + np.where(slip, self.chance.below(2, self.count) * 2 - 1, 0)
        typed = self.happens(rates.typing)
        which = self.chance.below(3, self.count)
        step = 1 + self.chance.below(8, self.count)
        day = np.where(typed & (which < 2), (day - 1 + np.where(which == 0, step, 10)) % 28 + 1, day)
        month = np.where(typed & (which == 2), (month - 1 + step) % 12 + 1, month)
        day = np.minimum(day, np.where(month == 2, 28, np.where(np.isin(month, (4, 6, 9, 11)), 30, 31)))
        packed = np.where(swapped | january | slip | typed, _days(year, month, day), self.of("born"))
        seen, code = np.unique(packed, return_inverse=True)
        return pa.array(np.datetime_as_string(seen.astype("datetime64[D]")).tolist(), pa.string()).take(pa.array(code))

    def _sex(self) -> Any:
        boy = self.boy ^ self.happens(self.rates.sex_wrong)
        return self.blank(pc.if_else(pa.array(boy), "M", "F"), "sex")

    def _birth_order(self) -> Any:
        shown = self.is_twin & self.happens(self.recording.birth_order_field) & (self.agency == "health")
        return pa.array(["1", "2", "3"]).take(pa.array(self.of("birth_order") - 1, mask=~shown))

    def _addresses(self) -> tuple[Any, Any, Any]:
        home, earlier, other = self.of("postcode"), self.of("earlier_postcode"), self.of("other_postcode")
        place = np.where(self.held.before_move & (earlier >= 0), earlier, home)
        elsewhere = (other >= 0) & ~self.held.before_move & self.happens(self.rates.other_address)
        place = np.where(elsewhere, other, place)
        if self.agency == "social_care":
            place = self._placement(place)
        count = self.places.authorities
        text = postcode_text(place, count)
        wrong = self.happens(self.rates.postcode_wrong)
        text = errors.change(text, wrong, self.chance.bits(self.count), errors.wrong_postcode)
        homeless = self.all.house[self.child] < 0
        text = pc.if_else(pa.array(homeless), NO_FIXED_ABODE, text)
        shown = (earlier >= 0) & (place != earlier) & (self.agency in ("social_care", "health"))
        shown &= self.happens(self.recording.previous_postcode_field) & ~homeless
        previous = postcode_text(np.where(shown, earlier, -1), count)
        number = pa.array(UPRN_START + place * 100 + np.maximum(self.of("house"), 0), mask=homeless)
        return text, previous, number.cast(pa.string())

    def _placement(self, place: Ints) -> Ints:
        """Social care moved the child to the adopters and wrote their address on the old record."""
        adopted = self.of("adopted_as")
        known = (adopted >= 0) & self.happens(self.placement_known)
        return np.where(known, self.all.postcode[np.maximum(adopted, 0)], place)

    # Numbers

    def _other_twins(self, serials: Ints, field: str) -> Ints:
        others = self.is_twin & self.happens(self.rates.other_twin_number)
        return np.where(others, getattr(self.all, field)[self.mate], serials)

    def _mistype(self, column: Any) -> Any:
        return errors.change(
            column, self.happens(self.rates.number_wrong), self.chance.bits(self.count), errors.wrong_digit
        )

    def _nhs_number(self) -> Any:
        serial = self._other_twins(self.of("nhs_serial"), "nhs_serial")
        first = self.of("first_nhs_serial")
        old = (first >= 0) & self.happens(self.recording.old_number_shown)
        number = nhs_number.synthetic_many(np.where(old, first, serial))
        return self.blank(self._mistype(number), "nhs_number")

    def _upn(self) -> Any:
        serial = self._other_twins(self.of("upn_serial"), "upn_serial")
        former, temporary = self.of("former_upn_serial"), self.of("temporary_upn_serial")
        own_former = (former >= 0) & (self.of("adopted_at") < 0)
        serial = np.where(own_former & self.happens(self.recording.former_upn_shown), former, serial)
        shows_temporary = (temporary >= 0) & self.happens(self.recording.temporary_upn_shown)
        number = pc.if_else(
            pa.array(shows_temporary),
            upn.synthetic_many(np.maximum(temporary, 0), temporary=True),
            upn.synthetic_many(serial),
        )
        number = self.blank(self._mistype(number), "upn")
        at_school = self.age >= SCHOOL_AGE
        left_before = (self.of("adopted_as") >= 0) & (self.of("adopted_at") < SCHOOL_AGE)
        number = pc.if_else(pa.array(at_school & ~left_before), number, pa.scalar(None, pa.string()))
        if self.agency != "social_care":
            return number
        coded = pc.and_(pc.is_null(number), pa.array(self.happens(self.recording.unknown_upn_code)))
        code = np.where(at_school, 1 + self.chance.below(5, self.count), 0)
        return pc.if_else(coded, pa.array(UNKNOWN_UPN).take(pa.array(code)), number)

    def _former_upn(self) -> Any:
        serial = self.of("former_upn_serial")
        number = upn.synthetic_many(np.maximum(serial, 0))
        kept_by_mistake = (self.of("adopted_at") >= 0) & (self.agency == "education")
        shown = (serial >= 0) & (self.age >= SCHOOL_AGE) & (kept_by_mistake | (self.of("adopted_at") < 0))
        number = pc.if_else(pa.array(shown), number, pa.scalar(None, pa.string()))
        return pc.if_else(pa.array(kept_by_mistake), number, self.blank(number, "former_upn"))

    def _uln(self) -> Any:
        number = self.blank(self._mistype(uln.synthetic_many(self.of("uln_serial"))), "uln")
        return pc.if_else(pa.array(self.age >= ULN_AGE), number, pa.scalar(None, pa.string()))

    def _la_child_id(self) -> Any:
        """Social care's own number of the child in its authority; a few schools and nurseries hold it too."""
        number = (self.of("nhs_serial") * 7_368_787 + self.held.authority * 31 + self.held.again * 557) % 100_000_007
        if self.agency == "social_care":
            shown = self.happens(0.97)
        else:
            shown = self.happens(self.recording.shared_child_id) & (self.agency in ("education", "early_years"))
        text = pc.utf8_lpad(pa.array(number).cast(pa.string()), 9, "0")
        return pc.if_else(pa.array(shown), text, pa.scalar(None, pa.string()))


def _initial_only(text: str, number: int) -> str:
    return text[:1]


def _other_of_the_birth(children: Children) -> Ints:
    """The next child of each birth, round the circle; a single child's own position."""
    start = np.arange(len(children)) - (children.birth_order - 1)
    other: Ints = start + children.birth_order % children.babies
    return other


def _days(year: Ints, month: Ints, day: Ints) -> Ints:
    months = (year - 1970) * 12 + month - 1
    days: Ints = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + day - 1
    return days


@cache
def _placeholder_list() -> Any:
    twins = [
        form.format(n=place + 1, word=WORDS[place], roman=ROMAN[place])
        for place in range(3)
        for form in UNNAMED["twin"]
    ]
    return pa.array([*twins, *UNNAMED["boy"], *UNNAMED["girl"]])
