"""The tables a run gives: the evidence adds up to the weight, and nothing of a protected pair is left."""

from __future__ import annotations

from math import log2

import numpy as np
import pyarrow as pa
import pytest

from linking import a_child, by_hand, known, the_town_linked
from samechild.linkage.children import GRADES
from samechild.linkage.tables import without_protected_former_numbers


def test_the_evidence_adds_up_to_the_two_class_weight() -> None:
    result = the_town_linked()
    links = result.links
    parts = [links[f"weight_{each.name}"].to_numpy().astype(float) for each in result.model.comparisons]
    prior = log2(result.model.prior / (1 - result.model.prior))
    np.testing.assert_allclose(prior + np.sum(parts, axis=0), links["two_class_weight"].to_numpy(), atol=1e-4)
    assert (links["family_weight"].to_numpy() <= 0).all()
    family = links["match_weight"].to_numpy() - links["two_class_weight"].to_numpy()
    np.testing.assert_allclose(np.minimum(family, 0), links["family_weight"].to_numpy(), atol=1e-9)
    assert family.min() < -1


def test_levels_are_told_by_their_labels() -> None:
    result = the_town_linked()
    for comparison in result.model.comparisons:
        labels = {level.label for level in comparison.levels}
        assert set(result.links[f"level_{comparison.name}"].to_pylist()) <= labels


def test_links_are_the_pairs_that_join_or_ask() -> None:
    result = the_town_linked()
    assert set(result.links["decision"].to_pylist()) == {"same", "ask"}
    assert result.links.num_rows == result.counts["same"] + result.counts["ask"]
    weight, probability = (result.pairs[name].to_numpy() for name in ("match_weight", "match_probability"))
    np.testing.assert_allclose(probability, 1 / (1 + np.exp2(-weight)), atol=1e-12)


def test_how_each_record_is_held() -> None:
    children = the_town_linked().children
    rows = children.to_pylist()
    assert {row["grade"] for row in rows} <= set(GRADES)
    for row in rows:
        alone = row["records"] == 1
        assert (row["grade"] == "alone") == alone == (row["strongest_link"] is None) == (row["weakest_link"] is None)
        assert alone or row["weakest_link"] <= row["strongest_link"]


def test_a_question_shows_both_records_as_they_were_given() -> None:
    records = by_hand(
        a_child(source="a", nhs_number="999 000 0018", upn="A999000115001"),
        a_child(source="b", nhs_number="9997000013", upn="A999000115001", forename="THEODORA"),
    )
    (row,) = known(records).review.to_pylist()
    assert {row["forename_a"], row["forename_b"]} == {"Theodora", "THEODORA"}
    assert {row["nhs_number_a"], row["nhs_number_b"]} == {"999 000 0018", "9997000013"}
    assert row["answer"] is row["note"] is None
    assert "address_a" not in row


@pytest.mark.parametrize("encoded", [False, True])
def test_a_former_number_that_ties_two_protected_identities_is_blanked(encoded: bool) -> None:
    former = pa.array(["A1", "C3", None], pa.string())
    records = pa.table(
        {
            "upn": pa.array(["B2", "A1", "C3"]).dictionary_encode(),
            "former_upn": former.dictionary_encode() if encoded else former,
            "given_former_upn": former,
            "upns": pa.array([["A1", "B2"], ["A1", "C3"], ["C3"]]),
        }
    )
    child = np.array([0, 1, 2])
    found = without_protected_former_numbers(records, child, np.array([[0, 1]]))
    assert found["former_upn"].to_pylist() == [None, "C3", None]
    assert found["given_former_upn"].to_pylist() == [None, "C3", None]
    assert found["upns"].to_pylist() == [None, ["A1", "C3"], ["C3"]]
    assert without_protected_former_numbers(records, child, np.zeros((0, 2), np.int64)) is records
