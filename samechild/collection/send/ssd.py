"""The Standard Safeguarding Dataset straight to the specification, for councils that keep it and write no SQL.

Which columns become which fields, the history window, who is in and how values are cut follow the sector's own builder
(``build_dfe_payload_staging/populate_ssd_api_data_staging.sql`` 0.4.8 of ``data-to-insight/dfe-csc-api-data-flows``,
MIT), so that a council that changes from one to the other sends the same children. Three things differ on purpose:
every list is in one order, so that nothing looks changed that is not; every 31 March of the window counts for
workers, where the builder looks at the first and the last year only; and factors are read whether they lie in one
row of JSON or in a row each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import msgspec

from samechild.collection.send import ssd_tables as columns
from samechild.collection.send.mapping import Built
from samechild.collection.send.sources import Row
from samechild.collection.send.ssd_values import (
    cut,
    day,
    factors_in,
    flag,
    in_words,
    outcome_flag,
    referral_source,
    squeezed,
    unknown_reason,
    upn,
)
from samechild.collection.send.values import canonical, text_of, whole_child, whole_of
from samechild.collection.send.window import Window, window_of, years_after

Rows = Callable[[str], Iterator[Row]]
"""The rows of a table of the dataset, by its name; nothing when the council does not keep it."""

NONE = ["NONE"]
FORMER_UPN = "former unique pupil number"


class _Gathered(msgspec.Struct):
    """Everything but the persons themselves, by the key it is looked up under."""

    episodes: dict[str, list[Row]] = {}  # by person
    lists: dict[str, dict[str, list[Row]]] = {}  # by list of the payload, then by referral
    looked_after: set[str] = set()  # persons
    planned: set[str] = set()  # persons with a child in need plan in the window
    waiting: set[str] = set()  # persons with an open referral without assessment
    adoption: dict[str, Row] = {}  # by person
    leavers: dict[str, list[Row]] = {}  # by person
    of_person: dict[str, dict[str, list[Row]]] = {}  # by table, then by person


def children_of_ssd(rows: Rows, today: date, built: Built, months: int = 24) -> Iterator[dict[str, Any]]:
    """The children of a dataset who belong into a daily submission on ``today``, each whole and in one order."""
    window = window_of(today, months)
    found = _gather(rows, window, built)
    seen: set[str] = set()
    for row in rows("ssd_person"):
        person = text_of(row.get("pers_person_id"))
        if person is None:
            built.astray("ssd_person", "without pers_person_id")
        elif person in seen:
            built.astray("ssd_person", "with a key that stands there before")
        elif _is_in(person, row, found, window):
            seen.add(person)
            yield _child(person, row, found, window)


def _by(rows: Iterator[Row], key: str, table: str, built: Built) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        name = text_of(row.get(key))
        if name is None:
            built.astray(table, f"without {key}")
        else:
            found.setdefault(name, []).append(row)
    return found


def _gather(rows: Rows, window: Window, built: Built) -> _Gathered:
    found = _Gathered()
    assessed = _assessments(rows, found, window, built)
    _referrals(rows, found, window, assessed, built)
    _plans(rows, found, window, built)
    _enquiries(rows, found, window, built)
    _placements(rows, found, window, built)
    _workers(rows, found, window, built)
    found.leavers = _by(rows("ssd_care_leavers"), "clea_person_id", "ssd_care_leavers", built)
    for table, key in columns.OF_PERSON.items():
        found.of_person[table] = _by(rows(table), key, table, built)
    return found


def _referrals(rows: Rows, found: _Gathered, window: Window, assessed: set[str], built: Built) -> None:
    for row in rows("ssd_cin_episodes"):
        person, referral = text_of(row.get("cine_person_id")), text_of(row.get("cine_referral_id"))
        if person is None or referral is None:
            built.astray("ssd_cin_episodes", "without cine_person_id or cine_referral_id")
            continue
        row["referral"] = referral
        closed = day(row.get("cine_close_date"))
        if window.overlaps(day(row.get("cine_referral_date")), closed):
            found.episodes.setdefault(person, []).append(row)
        if closed is None and referral not in assessed:
            found.waiting.add(person)


def _assessments(rows: Rows, found: _Gathered, window: Window, built: Built) -> set[str]:
    """Keep the assessments of the window; returns every referral for which one was ever begun."""
    factors = _by(rows("ssd_assessment_factors"), "cinf_assessment_id", "ssd_assessment_factors", built)
    begun: set[str] = set()
    kept = found.lists.setdefault("child_and_family_assessments", {})
    for row in rows("ssd_cin_assessments"):
        referral, own = text_of(row.get("cina_referral_id")), text_of(row.get("cina_assessment_id"))
        if referral is None or own is None:
            built.astray("ssd_cin_assessments", "without cina_referral_id or cina_assessment_id")
            continue
        start, authorised = day(row.get("cina_assessment_start_date")), day(row.get("cina_assessment_auth_date"))
        if start is not None:
            begun.add(referral)
        if window.holds(start) or window.holds(authorised):
            thing = {
                "child_and_family_assessment_id": own[:36],
                "start_date": in_words(row.get("cina_assessment_start_date")),
                "authorisation_date": in_words(row.get("cina_assessment_auth_date")),
                "factors": factors_in(factors.get(own, [])),
            }
            kept.setdefault(referral, []).append(thing)
    return begun


def _plans(rows: Rows, found: _Gathered, window: Window, built: Built) -> None:
    for table, prefix, name, key in (
        ("ssd_cin_plans", "cinp_cin_plan", "child_in_need_plans", "child_in_need_plan_id"),
        ("ssd_cp_plans", "cppl_cp_plan", "child_protection_plans", "child_protection_plan_id"),
    ):
        short = prefix.partition("_")[0]
        kept = found.lists.setdefault(name, {})
        for row in rows(table):
            referral, own = text_of(row.get(f"{short}_referral_id")), text_of(row.get(f"{prefix}_id"))
            start, end = row.get(f"{prefix}_start_date"), row.get(f"{prefix}_end_date")
            if not window.overlaps(day(start), day(end)):
                continue
            person = text_of(row.get(f"{short}_person_id"))
            if person is not None and name == "child_in_need_plans":
                found.planned.add(person)
            if referral is None or own is None:
                built.astray(table, f"without {short}_referral_id or {prefix}_id")
                continue
            thing = {key: own[:36], "start_date": in_words(start), "end_date": in_words(end)}
            kept.setdefault(referral, []).append(thing)


def _enquiries(rows: Rows, found: _Gathered, window: Window, built: Built) -> None:
    """Section 47 enquiries, each with the latest conference that followed; a conference without one has no place."""
    latest: dict[str, tuple[date, Any]] = {}
    for row in rows("ssd_initial_cp_conference"):
        enquiry, held = text_of(row.get("icpc_s47_enquiry_id")), day(row.get("icpc_icpc_date"))
        if enquiry is None:
            built.astray("ssd_initial_cp_conference", "without a section 47 enquiry (transferred in)")
        elif held is not None and (enquiry not in latest or held > latest[enquiry][0]):
            latest[enquiry] = (held, row.get("icpc_icpc_date"))
    kept = found.lists.setdefault("section_47_assessments", {})
    for row in rows("ssd_s47_enquiry"):
        referral, own = text_of(row.get("s47e_referral_id")), text_of(row.get("s47e_s47_enquiry_id"))
        if referral is None or own is None:
            built.astray("ssd_s47_enquiry", "without s47e_referral_id or s47e_s47_enquiry_id")
            continue
        start, end = row.get("s47e_s47_start_date"), row.get("s47e_s47_end_date")
        conference = latest.get(own)
        if window.overlaps(day(start), day(end)) or (conference is not None and window.holds(conference[0])):
            thing = {
                "section_47_assessment_id": own[:36],
                "start_date": in_words(start),
                "icpc_required_flag": outcome_flag(row.get("s47e_s47_outcome_json")),
                "icpc_date": conference[0].isoformat() if conference else None,
                "end_date": in_words(end),
            }
            kept.setdefault(referral, []).append(thing)


def _placements(rows: Rows, found: _Gathered, window: Window, built: Built) -> None:
    """Placements with the reasons of the care episodes in them, and who was looked after."""
    episodes = _by(rows("ssd_cla_episodes"), "clae_cla_id", "ssd_cla_episodes", built)
    open_referrals = {row["referral"] for several in found.episodes.values() for row in several}
    person_of: dict[str, str] = {}
    for own, several in episodes.items():
        for row in several:
            person = text_of(row.get("clae_person_id"))
            if person is not None:
                person_of[own] = person
                if text_of(row.get("clae_referral_id")) in open_referrals:
                    found.looked_after.add(person)
    grouped: dict[tuple[str, str, bytes], Row] = {}
    for row in rows("ssd_cla_placement"):
        placement, care = text_of(row.get("clap_cla_placement_id")), text_of(row.get("clap_cla_id"))
        start, end = day(row.get("clap_cla_placement_start_date")), day(row.get("clap_cla_placement_end_date"))
        if not window.overlaps(start, end):
            continue
        if placement is None or care not in episodes:
            built.astray("ssd_cla_placement", "without clap_cla_placement_id, or of an unknown care episode")
            continue
        if care in person_of:
            found.looked_after.add(person_of[care])
        for episode in episodes[care]:
            referral = text_of(episode.get("clae_referral_id"))
            if referral is not None:
                _placed(grouped, referral, placement, row, episode)
    kept = found.lists.setdefault("child_looked_after_placements", {})
    for (referral, _, _), thing in grouped.items():
        kept.setdefault(referral, []).append(thing)
    _adoptions(rows, found, window, person_of, built)


def _placed(grouped: dict[tuple[str, str, bytes], Row], referral: str, own: str, row: Row, episode: Row) -> None:
    """One placement of a referral; of several care episodes in it the alphabetically first reasons count."""
    start, end = row.get("clap_cla_placement_start_date"), row.get("clap_cla_placement_end_date")
    begun, ended = day(start), day(end)
    thing = {
        "child_looked_after_placement_id": own[:36],
        "start_date": in_words(start),
        "placement_type": cut(row.get("clap_cla_placement_type"), 3),
        "postcode": text_of(row.get("clap_cla_placement_postcode")),
        "end_date": None if ended and begun and ended < begun else in_words(end),
        "change_reason": text_of(row.get("clap_cla_placement_change_reason")),
    }
    kept = grouped.setdefault((referral, own, canonical(thing)), thing)
    for field, reason in (
        ("start_reason", cut(episode.get("clae_cla_episode_start_reason"), 1)),
        ("end_reason", squeezed(episode.get("clae_cla_episode_ceased_reason"), 3)),
    ):
        told = [each for each in (kept.get(field), reason) if each is not None]
        kept[field] = min(told) if told else None


def _adoptions(rows: Rows, found: _Gathered, window: Window, person_of: dict[str, str], built: Built) -> None:
    """The latest adoption of each person with a day in the window."""
    best: dict[str, date] = {}
    names = ("perm_placed_for_adoption_date", "perm_matched_date", "perm_adm_decision_date")
    for row in rows("ssd_permanence"):
        person = text_of(row.get("perm_person_id")) or person_of.get(text_of(row.get("perm_cla_id")) or "")
        if person is None:
            built.astray("ssd_permanence", "of nobody that is known")
            continue
        days = [day(row.get(name)) for name in names]
        if not any(map(window.holds, days)):
            continue
        newest = next(each for each in days if each is not None)
        if person not in best or newest > best[person]:
            best[person] = newest
            found.adoption[person] = {
                "initial_decision_date": in_words(row.get("perm_adm_decision_date")),
                "matched_date": in_words(row.get("perm_matched_date")),
                "placed_date": in_words(row.get("perm_placed_for_adoption_date")),
            }


def _workers(rows: Rows, found: _Gathered, window: Window, built: Built) -> None:
    """Registered case workers of referrals with a child in need plan, active on a 31 March of the window."""
    with_plan = found.lists["child_in_need_plans"].keys()
    registered = {}
    for row in rows("ssd_professionals"):
        own, number = text_of(row.get("prof_professional_id")), text_of(row.get("prof_social_worker_registration_no"))
        if own is not None and number is not None:
            registered[own] = number[:12]
    marches = window.marches()
    kept = found.lists.setdefault("care_worker_details", {})
    for row in rows("ssd_involvements"):
        referral, worker = text_of(row.get("invo_referral_id")), text_of(row.get("invo_professional_id"))
        role = (text_of(row.get("invo_professional_role_id")) or "").upper()
        if referral not in with_plan or role != "CW" or worker not in registered:
            continue
        start, end = day(row.get("invo_involvement_start_date")), day(row.get("invo_involvement_end_date"))
        if start is not None and any(start <= march and (end is None or end >= march) for march in marches):
            thing = {
                "worker_id": registered[worker],
                "start_date": in_words(row.get("invo_involvement_start_date")),
                "end_date": in_words(row.get("invo_involvement_end_date")),
            }
            if thing not in kept.setdefault(referral, []):
                kept[referral].append(thing)


def _is_in(person: str, row: Row, found: _Gathered, window: Window) -> bool:
    """Whether a person belongs into the submission: by age, and by what the council does or did."""
    born, due = day(row.get("pers_dob")), day(row.get("pers_expected_dob"))
    if born is not None:
        if not (born <= window.end and years_after(born, 26) > window.start):
            return False
    elif in_words(row.get("pers_dob")) is None and not window.holds(due):
        return False  # a birth date that cannot be read keeps the child in, so that somebody is told
    return (
        person in found.episodes
        or person in found.waiting
        or person in found.planned
        or person in found.looked_after
        or (born is not None and _is_leaver(person, born, found, window))
    )


def _is_leaver(person: str, born: date, found: _Gathered, window: Window) -> bool:
    """A care leaver of 16 to 25 with a contact in the window and an open episode."""
    if not (years_after(born, 16) < window.end and years_after(born, 26) >= window.start):
        return False
    contacts = (day(row.get("clea_care_leaver_latest_contact")) for row in found.leavers.get(person, []))
    if not any(contact is not None and window.start <= contact < window.end for contact in contacts):
        return False
    return any(day(row.get("cine_close_date")) is None for row in found.episodes.get(person, []))


def _child(person: str, row: Row, found: _Gathered, window: Window) -> dict[str, Any]:
    child: dict[str, Any] = {
        "la_child_id": person,
        "mis_child_id": cut(row.get("pers_legacy_id"), 36),
        "child_details": _details(person, row, found, window),
    }
    scores = [
        {"date": in_words(each.get("csdq_sdq_completed_date")), "score": _score(each.get("csdq_sdq_score"))}
        for each in found.of_person["ssd_sdq_scores"].get(person, [])
        if window.holds(day(each.get("csdq_sdq_completed_date"))) and text_of(each.get("csdq_sdq_score")) is not None
    ]
    if scores:
        child["health_and_wellbeing"] = {"sdq_assessments": scores}
    episodes = [_episode(person, each, found) for each in found.episodes.get(person, [])]
    if episodes:
        child["social_care_episodes"] = episodes
    return whole_child(_present(child))


def _score(value: Any) -> int | None:
    score = whole_of(value)
    return score if isinstance(score, int) else None


def _details(person: str, row: Row, found: _Gathered, window: Window) -> Row:
    codes = {cut((text_of(each.get("disa_disability_code")) or "").upper(), 4)
             for each in found.of_person["ssd_disability"].get(person, [])} - {None}  # fmt: skip
    sex = text_of(row.get("pers_sex"))
    flagged, ended = _asylum(person, found, window)
    return {
        "unique_pupil_number": upn(row.get("pers_upn")),
        "former_unique_pupil_number": _former_upn(person, found),
        "unique_pupil_number_unknown_reason": unknown_reason(row.get("pers_upn_unknown"), row.get("pers_upn")),
        "first_name": text_of(row.get("pers_forename")),
        "surname": text_of(row.get("pers_surname")),
        "date_of_birth": in_words(row.get("pers_dob")),
        "expected_date_of_birth": in_words(row.get("pers_expected_dob")),
        "sex": sex if sex in ("M", "F") else "U",
        "ethnicity": cut(row.get("pers_ethnicity"), 4),
        "disabilities": sorted(str(code) for code in codes)[:12] or NONE,
        "postcode": _latest(found.of_person["ssd_address"].get(person, []), "addr_address_start_date",
                            "addr_address_postcode"),
        "uasc_flag": flagged,
        "uasc_end_date": ended,
    }  # fmt: skip


def _asylum(person: str, found: _Gathered, window: Window) -> tuple[bool, str | None]:
    """Whether the child is or was unaccompanied and asylum-seeking within the window, and when that ended."""
    ends = [
        row.get("immi_immigration_status_end_date")
        for row in found.of_person["ssd_immigration_status"].get(person, [])
        if (text_of(row.get("immi_immigration_status")) or "").upper() == "U"
    ]
    current = [end for end in ends if (ended := day(end)) is None or ended >= window.start]
    if not current:
        return False, None
    if any(day(end) is None for end in current):
        return True, None
    return True, max(str(in_words(end)) for end in current)


def _former_upn(person: str, found: _Gathered) -> str | None:
    rows = [
        row
        for row in found.of_person["ssd_linked_identifiers"].get(person, [])
        if (text_of(row.get("link_identifier_type")) or "").lower() == FORMER_UPN
    ]
    value = _latest(rows, "link_valid_from_date", "link_identifier_value")
    return value if value is not None and len(value) == 13 else None


def _latest(rows: list[Row], when: str, what: str) -> str | None:
    """The value of the row with the latest day; of the same day the last in the alphabet, so that it is always one."""
    if not rows:
        return None
    newest = max(rows, key=lambda row: (day(row.get(when)) or date.min, text_of(row.get(what)) or ""))
    return text_of(newest.get(what))


def _episode(person: str, row: Row, found: _Gathered) -> Row:
    referral = row["referral"]
    leavers = found.leavers.get(person, [])
    contact = "clea_care_leaver_latest_contact"
    leaver = max(leavers, key=lambda each: (day(each.get(contact)) or date.min, str(sorted(each.items(), key=str))),
                 default=None)  # fmt: skip
    episode: Row = {
        "social_care_episode_id": referral[:36],
        "referral_date": in_words(row.get("cine_referral_date")),
        "referral_source": referral_source(row.get("cine_referral_source_code")),
        "referral_no_further_action_flag": flag(row.get("cine_referral_nfa")),
        "closure_date": in_words(row.get("cine_close_date")),
        "closure_reason": cut(row.get("cine_close_reason"), 3),
        **{name: by_referral.get(referral) for name, by_referral in found.lists.items()},
        "adoption": found.adoption.get(person),
    }
    if leaver is not None:
        episode["care_leavers"] = {
            "contact_date": in_words(leaver.get(contact)),
            "activity": cut(leaver.get("clea_care_leaver_activity"), 2),
            "accommodation": cut(leaver.get("clea_care_leaver_accommodation"), 1),
        }
    return episode


def _present(thing: Any) -> Any:
    """The same without what holds nothing; empty lists stay, for they say that there is none."""
    if isinstance(thing, dict):
        found = {name: _present(value) for name, value in thing.items() if value is not None}
        return {name: value for name, value in found.items() if value != {}}
    return [_present(each) for each in thing] if isinstance(thing, list) else thing
