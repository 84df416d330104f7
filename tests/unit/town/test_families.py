"""Families as the rates set them: births, twins and their names, brothers and sisters, moves, adoptions."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from rapidfuzz.distance import JaroWinkler

from samechild.errors import Invalid
from samechild.town.adoptions import OLDEST, YOUNGEST
from samechild.town.chance import Chance
from samechild.town.families import CHILDHOOD, YOUTH
from samechild.town.names import MUHAMMAD, load_names
from samechild.town.naming import full_surname
from samechild.town.places import choose_places
from samechild.town.records import Children
from towns import AS_AT, SEED, some_children, the_places, the_rates, with_adoptions


@pytest.fixture(scope="module")
def children() -> Children:
    return some_children()


def sets_of(children: Children) -> list[range]:
    """The rows of each multiple birth."""
    starts = np.flatnonzero((children.babies > 1) & (children.birth_order == 1))
    return [range(start, start + int(children.babies[start])) for start in starts]


def near(share: float | np.floating, expected: float, count: float) -> bool:
    """Within five standard errors of what the rates say."""
    return bool(abs(share - expected) < 5 * np.sqrt(expected * (1 - expected) / count) + 1e-9)


def test_a_town_has_exactly_as_many_children_as_asked() -> None:
    for count in (1, 2, 3, 17, 1000, 2999):
        assert len(some_children(count=count)) == count


def test_ages_run_from_birth_to_young_adulthood(children: Children) -> None:
    age = AS_AT - children.born
    assert age.min() >= 0
    assert age.max() < CHILDHOOD + YOUTH
    assert 0 < (age > CHILDHOOD).mean() < 0.03


def test_multiple_births_are_as_common_as_in_life(children: Children) -> None:
    births = np.unique(children.maternity).size
    multiple = len(sets_of(children))
    assert near(multiple / births, the_rates().families.multiple, births)
    assert (children.babies == 3).any()


def test_children_born_together_share_family_day_and_home(children: Children) -> None:
    for rows in sets_of(children):
        for field in ("family", "born", "postcode", "community", "authority", "house"):
            assert len({getattr(children, field)[row] for row in rows}) == 1


def test_twins_numbers_are_neighbours_and_strangers_numbers_are_not(children: Children) -> None:
    for rows in sets_of(children):
        assert np.diff(children.nhs_serial[list(rows)]).tolist() == [1] * (len(rows) - 1)
        assert np.diff(children.upn_serial[list(rows)]).tolist() == [1] * (len(rows) - 1)
    single = np.sort(children.nhs_serial[children.babies == 1])
    assert np.diff(single).min() >= 3


def test_identical_twins_are_of_one_sex(children: Children) -> None:
    same = [len({bool(children.male[row]) for row in rows}) == 1 for rows in sets_of(children) if len(rows) == 2]
    share = the_rates().families.identical
    assert near(np.mean(same), share + (1 - share) / 2, len(same))


def test_a_fifth_of_twin_sets_or_more_have_names_that_look_alike(children: Children) -> None:
    names = load_names().text.to_pylist()
    sets = [[names[children.forename[row]] for row in rows] for rows in sets_of(children)]
    alike = [a for a in sets if a[0][0] == a[1][0] or JaroWinkler.similarity(a[0], a[1]) >= 0.84]
    close = [a for a in sets if a[0] != a[1] and JaroWinkler.similarity(a[0], a[1]) >= 0.84]
    assert len(alike) / len(sets) >= 0.20
    assert len(close) / len(sets) >= 0.05


def test_no_two_children_born_together_have_all_names_in_common(children: Children) -> None:
    muhammad = {load_names().position[name] for name in MUHAMMAD}
    shared = 0
    for rows in sets_of(children):
        first = [int(children.forename[row]) for row in rows]
        both = {(int(children.forename[row]), int(children.middle[row])) for row in rows}
        assert len(both) == len(rows)
        shared += len(set(first)) < len(first) and not set(first) & muhammad
    assert shared > 0


def test_moves_separations_and_name_changes_are_as_set(children: Children) -> None:
    _, one = np.unique(children.family, return_index=True)
    rates = the_rates().families
    assert near((children.other_postcode[one] >= 0).mean(), rates.separated, len(one))
    assert near((children.former_surname[one] >= 0).mean(), rates.surname_changed, len(one))
    crossed = children.earlier_authority != children.authority
    assert near(crossed[one].mean(), rates.moved_across, len(one))
    assert near(
        (children.earlier_postcode[one] >= 0).mean(), 1 - (1 - rates.moved) * (1 - rates.moved_across), len(one) / 3
    )


def test_brothers_and_sisters_rarely_share_a_first_name_and_some_have_another_surname(children: Children) -> None:
    order = np.lexsort((children.forename, children.family))
    same = (np.diff(children.family[order]) == 0) & (np.diff(children.forename[order]) == 0)
    assert same.mean() < 0.002
    pairs = np.flatnonzero((np.diff(children.family) == 0) & (np.diff(children.maternity) != 0))
    assert 0.05 < (children.surname[pairs] != children.surname[pairs + 1]).mean() < 0.4


def test_namesakes_stand_in_the_town() -> None:
    rates = msgspec.structs.replace(the_rates(), families=msgspec.structs.replace(the_rates().families, namesakes=0.02))
    children = some_children(rates, 20_000)
    key = np.stack([children.forename, children.surname, children.born])
    _, counts = np.unique(key, axis=1, return_counts=True)
    assert near((counts > 1).sum() / 20_000, 0.0185, 20_000)


def test_looked_after_children_share_the_address_of_a_home(children: Children) -> None:
    homes, counts = np.unique(children.postcode[children.house == 99], return_counts=True)
    assert counts.max() >= 2
    assert len(homes) < counts.sum()


def test_adoption_gives_a_second_identity_that_shares_no_number(children: Children) -> None:
    everyone = with_adoptions(children)
    old = np.flatnonzero(everyone.adopted_as >= 0)
    new = everyone.adopted_as[old]
    assert near(len(old) / len(children), the_rates().families.adopted, len(children) / 2)
    assert len(everyone) == len(children) + len(old)
    for field in ("nhs_serial", "upn_serial", "uln_serial"):
        held = getattr(everyone, field)
        assert len(np.unique(held)) == len(held)
    assert (everyone.born[old] == everyone.born[new]).all()
    assert (everyone.male[old] == everyone.male[new]).all()
    assert (everyone.family[old] != everyone.family[new]).all()
    assert (everyone.postcode[old] != everyone.postcode[new]).mean() > 0.99
    assert (everyone.surname[old] != everyone.surname[new]).mean() > 0.95
    changed = (everyone.forename[old] != everyone.forename[new]).mean()
    assert near(changed, the_rates().families.adopted_first_name_changed, len(old))
    assert (everyone.adopted_at[old] >= YOUNGEST).all()
    assert (everyone.adopted_at[old] <= OLDEST).all()
    assert (everyone.born[old] + everyone.adopted_at[old] <= AS_AT).all()


def test_twins_are_adopted_together_and_stay_twins() -> None:
    rates = msgspec.structs.replace(the_rates(), families=msgspec.structs.replace(the_rates().families, adopted=0.4))
    everyone = with_adoptions(some_children(rates, 20_000), rates)
    twins = [rows for rows in sets_of(everyone) if everyone.adopted_as[rows[0]] >= 0]
    assert twins
    for rows in twins:
        new = [int(everyone.adopted_as[row]) for row in rows]
        assert min(new) >= 0
        assert len({everyone.maternity[row] for row in new}) == 1
        assert len({everyone.postcode[row] for row in new}) == 1
        assert np.diff(everyone.nhs_serial[new]).tolist() == [1] * (len(new) - 1)


def test_daughters_have_the_female_form_of_a_surname() -> None:
    names = load_names()
    polish = np.full(2, names.communities.index("polish"))
    both = names.women(np.array([names.position["Kowalski"]] * 2), polish, np.array([True, False]))
    assert [names.text[int(name)].as_py() for name in both] == ["Kowalski", "Kowalska"]


def test_double_barrelled_surnames_join_both_parts() -> None:
    text = load_names().text
    at = load_names().position
    smith, jones = at["Smith"], at["Jones"]
    made = full_surname(
        np.array([smith, smith, smith, -1]), np.array([jones, jones, -1, jones]), np.array([0, 1, 0, 0]), text
    )
    assert made.to_pylist() == ["Smith-Jones", "Smith Jones", "Smith", None]


def test_blocks_of_a_town_never_share_a_number() -> None:
    a, b = some_children(count=5000), some_children(count=5000, first=5000)
    everyone = [with_adoptions(a), with_adoptions(b, first=5000)]
    for field in ("family", "maternity", "nhs_serial"):
        assert not set(getattr(everyone[0], field).tolist()) & set(getattr(everyone[1], field).tolist())


def test_draws_are_those_of_a_fixed_stream() -> None:
    chance = Chance(1, 2, 3)
    assert chance.bits(3).tolist() == [6039077264480567, 999930952673796, 4607264225740357]
    assert sorted(Chance(SEED).order(50).tolist()) == list(range(50))
    assert 0 <= Chance(SEED).fractions(1000).min() <= Chance(SEED).fractions(1000).max() < 1
    assert set(Chance(SEED).below(3, 1000).tolist()) == {0, 1, 2}


def test_places_are_the_same_for_a_seed() -> None:
    assert the_places().la_codes == ("E09000030", "E09000032")


def test_a_town_too_large_for_its_postcodes_is_refused() -> None:
    with pytest.raises(Invalid, match="more authorities"):
        choose_places(100_000_000, 1, SEED, load_names())
