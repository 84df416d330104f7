"""What social care does for one child over the years: referrals, assessments, plans, placements, leaving care.

A *life* is drawn whole, past and future, from the seed and the child's number alone. What a council's system shows on
a day is that life cut off at the day (:func:`samechild.town.social_care.sent`): so days follow one another as they
do in a council, and the same day is always the same.

Everything happens in an order that the rules of the statutory returns allow.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec

from samechild.town.case_errors import Slip
from samechild.town.case_people import Person, item_ids
from samechild.town.case_shares import (
    ACTIVITIES,
    AGAIN,
    CHANGES,
    CHILDREN_OF_A_TEAM,
    DISABILITIES,
    ENDS,
    FACTORS,
    HOMES,
    LODGINGS,
    OLDER_HOMES,
    PATHS,
    SOURCES,
    TEAM,
    WINDOW,
)
from samechild.town.draw import Draw


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """One child's social care, past and to come. Dates are dates; an end that never comes is left out."""

    person: Person
    disabilities: tuple[str, ...]
    uasc: bool
    moved: date | None
    episodes: tuple[dict[str, Any], ...]
    sdq: tuple[tuple[date, int], ...]
    adoption: dict[str, date]
    contacts: tuple[tuple[date, str, str], ...]
    slip: Slip | None = None


def birthday(born: date, age: int) -> date:
    """The day on which somebody reaches an age; born on 29 February, that is 1 March in other years."""
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return date(born.year + age, 3, 1)


def office(day: date) -> date:
    """The day itself, or the Monday after a weekend."""
    return day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() > 4 else 0)


def life_of(person: Person, seed: int, today: date, arrives: date | None = None) -> Life:
    """Draw the life of one child whom the council knows on ``today``, or to whom the first referral comes ``arrives``.

    The child is under 18 at the first referral; a person grown up by then is one who left care.
    """
    return _Case(person, seed, today, arrives).whole()


class _Case:
    """A life being drawn: what has happened so far."""

    def __init__(self, person: Person, seed: int, today: date, arrives: date | None) -> None:
        self.person, self.today, self.arrives = person, today, arrives
        self.draw = Draw(seed, person.number, "life")
        self.together = Draw(seed, person.family, "family")  # brothers and sisters are referred together
        self.ids = item_ids(person.number, seed)
        self.team = person.number // CHILDREN_OF_A_TEAM
        self.grown = birthday(person.born, 18)
        self.episodes: list[dict[str, Any]] = []
        self.sdq: list[tuple[date, int]] = []
        self.adoption: dict[str, date] = {}
        self.contacts: list[tuple[date, str, str]] = []
        self.uasc = False

    def whole(self) -> Life:
        """Draw everything, in the order in which it happens."""
        path = self.draw.one_of(PATHS)
        first = self._first_referral(path)
        if first is None:
            path, first = "left care", self._before_leaving()
        elif path == "left care":
            first = self._before_leaving() if self._may_have_left() else first
            path = path if self._may_have_left() else "looked after"
        self._case(path, first)
        while self._referred_again():
            after = self.episodes[-1]["closure_date"] + timedelta(days=self.draw.between(25, 420))
            if office(after) > self.grown - timedelta(days=150):
                break
            self._case(self.draw.one_of({"nfa": 1, "assessed": 5, "plan": 4, "protected": 2}), office(after))
        return Life(
            person=self.person, disabilities=self._disabilities(), uasc=self.uasc,
            moved=self._moves(), episodes=tuple(self.episodes), sdq=tuple(self.sdq), adoption=self.adoption,
            contacts=tuple(self.contacts),
        )  # fmt: skip

    def _first_referral(self, path: str) -> date | None:
        """When the first case begins; None when this person was too old for one."""
        if self.arrives:
            return self.arrives
        reach = 1_700 if path == "looked after" else WINDOW
        earliest = max(self.today - timedelta(days=reach), self.person.born - timedelta(days=90))
        latest = min(self.today, self.grown - timedelta(days=150))
        if latest < earliest:
            return None
        share = self.together.between(0, 10_000) / 10_000
        day = office(earliest + timedelta(days=int((latest - earliest).days * share)))
        return day if day <= latest else day - timedelta(days=3)

    def _may_have_left(self) -> bool:
        """Whether the child is old enough to have left care by now, or soon."""
        return self.arrives is None and self.today >= birthday(self.person.born, 17)

    def _before_leaving(self) -> date:
        """When somebody who left care at 18 was referred, from one to three years before."""
        return office(self.grown - timedelta(days=self.draw.between(400, 1_100)))

    def _referred_again(self) -> bool:
        last = self.episodes[-1]
        share = AGAIN if len(self.episodes) == 1 else AGAIN / 2
        ended = last.get("closure_reason") in ("RC7", "RC8", "RC9") and not self.contacts
        return ended and len(self.episodes) < 4 and self.draw.happens(share)

    def _disabilities(self) -> tuple[str, ...]:
        if not self.draw.happens(0.13):
            return ("NONE",)
        how_many = self.draw.mostly_short(1, 3)
        return tuple(sorted({self.draw.pick(DISABILITIES) for _ in range(how_many)}))

    def _moves(self) -> date | None:
        begun: date = self.episodes[0]["referral_date"]
        return begun + timedelta(days=self.draw.between(20, 1_200)) if self.draw.happens(0.3) else None

    def _case(self, path: str, referred: date) -> None:
        """One episode, from referral to closure."""
        episode: dict[str, Any] = {
            "social_care_episode_id": next(self.ids),
            "referral_date": referred,
            "referral_source": self.together.one_of(SOURCES),
            "referral_no_further_action_flag": path == "nfa",
        }
        self.episodes.append(episode)
        if path == "nfa":
            episode |= {"closure_date": referred + timedelta(days=self.draw.between(0, 2)), "closure_reason": "RC7"}
            return
        alone = path == "looked after" and self.person.born + timedelta(days=15 * 365) < referred
        self.uasc = self.uasc or (alone and self.draw.happens(0.35))
        last = self._assessed(episode, referred, only=path == "assessed")
        closing = {"assessed": self._no_more, "plan": self._in_need, "protected": self._protected}.get(path)
        if closing:
            last, reason = closing(episode, last)
        else:
            last, reason = self._looked_after(episode, referred, last, leaves=path == "left care")
        ends = last + timedelta(days=self.draw.mostly_short(0, 14))
        episode |= {"closure_date": max(last, min(office(ends), self._end())), "closure_reason": reason}
        self._allocate(episode)

    def _end(self) -> date:
        """The last day of childhood."""
        return self.grown - timedelta(days=1)

    def _assessed(self, episode: dict[str, Any], referred: date, only: bool) -> date:
        """A child and family assessment, most within 45 working days of the referral."""
        start = referred + timedelta(days=self.draw.mostly_short(0, 5))
        done = office(start + timedelta(days=self.draw.between(8, 55)))
        if only and self.draw.happens(0.1):
            factors = {"21"}
        else:
            factors = {self.draw.one_of(FACTORS) for _ in range(self.draw.between(1, 6))}
        episode["child_and_family_assessments"] = [
            {
                "child_and_family_assessment_id": next(self.ids), "start_date": start, "authorisation_date": done,
                "factors": sorted(factors),
            }
        ]  # fmt: skip
        return done

    def _enquired(self, episode: dict[str, Any], start: date, conference: bool) -> date:
        """A section 47 enquiry; returns the day of the conference, or of the enquiry's end when there was none."""
        ended = office(start + timedelta(days=self.draw.between(3, 9)))
        enquiry: dict[str, Any] = {
            "section_47_assessment_id": next(self.ids), "start_date": start, "icpc_required_flag": conference,
            "end_date": ended,
        }  # fmt: skip
        episode.setdefault("section_47_assessments", []).append(enquiry)
        if conference:
            held = office(max(ended, start + timedelta(days=self.draw.between(9, 16))))
            enquiry["icpc_date"] = held
            return held
        return ended

    def _no_more(self, episode: dict[str, Any], assessed: date) -> tuple[date, str]:
        """Closed after the assessment, now and then after an enquiry that found nothing."""
        only = episode["child_and_family_assessments"][0]
        if only["factors"] != ["21"] and self.draw.happens(0.15):
            ended = self._enquired(episode, only["start_date"], conference=False)
            return max(ended, assessed), "RC7"
        return assessed, self.draw.one_of({"RC8": 7, "RC9": 3})

    def _in_need(self, episode: dict[str, Any], assessed: date) -> tuple[date, str]:
        """A child in need plan."""
        start = office(assessed + timedelta(days=self.draw.mostly_short(0, 10)))
        end = min(office(start + timedelta(days=self.draw.mostly_short(30, 700))), self._end())
        episode["child_in_need_plans"] = [
            {"child_in_need_plan_id": next(self.ids), "start_date": start, "end_date": end}
        ]
        return end, "RC7"

    def _protected(self, episode: dict[str, Any], assessed: date) -> tuple[date, str]:
        """A section 47 enquiry, a conference, a child protection plan from that day; half step down afterwards."""
        only = episode["child_and_family_assessments"][0]
        start = self._enquired(episode, only["start_date"], conference=True)
        end = min(office(start + timedelta(days=self.draw.mostly_short(60, 760))), self._end())
        end = max(end, assessed)
        episode["child_protection_plans"] = [
            {"child_protection_plan_id": next(self.ids), "start_date": start, "end_date": end}
        ]
        if self.draw.happens(0.5) and end < self._end() - timedelta(days=40):
            after = end + timedelta(days=1)
            last = min(office(after + timedelta(days=self.draw.between(30, 240))), self._end())
            episode["child_in_need_plans"] = [
                {"child_in_need_plan_id": next(self.ids), "start_date": after, "end_date": last}
            ]
            return last, "RC7"
        return end, "RC7"

    def _looked_after(self, episode: dict[str, Any], referred: date, assessed: date, leaves: bool) -> tuple[date, str]:
        """A period of care, placement by placement; returns when the episode may close, and why."""
        if self.uasc:
            start = referred
        elif self.draw.happens(0.5):
            start = self._enquired(episode, assessed, conference=False)
        else:
            start = assessed + timedelta(days=self.draw.mostly_short(0, 60))
        start = max(start, self.person.born)
        how = "adult" if leaves or self.uasc else self.draw.one_of(ENDS)
        stays = self.draw.mostly_short(20, 2_200)
        if how == "adopted":
            stays = self.draw.between(380, 800)
            how = how if start + timedelta(days=stays) < birthday(self.person.born, 9) else "E8"
        ends = start + timedelta(days=stays)
        if how == "adult" or ends >= self.grown:
            how, ends = "adult", self.grown
        self._placements(episode, start, ends, how)
        self._questionnaires(start, ends)
        if how == "adult":
            self._leaves()
            left = birthday(self.person.born, 25) if self.draw.happens(0.3) else birthday(self.person.born, 21)
            return left - timedelta(days=1), "RC7"
        orders = {"adopted": "RC1", "E41": "RC3", "E45": "RC4", "E46": "RC4", "E47": "RC4"}
        return ends, orders.get(how, "RC7")

    def _placements(self, episode: dict[str, Any], start: date, ends: date, how: str) -> None:
        """Placements that join without a gap from the first day in care to the last."""
        found: list[dict[str, Any]] = []
        day, reason = start, "S"
        adopters = self._adoption(start, ends) if how == "adopted" else None
        kind, postcode = self._home(day)
        while True:
            temporary = kind.startswith("T")
            stays = self.draw.between(3, 18) if temporary else self.draw.mostly_short(12, 900)
            until = day + timedelta(days=stays)
            limit = adopters if adopters and day < adopters else ends
            last = until + timedelta(days=20) >= limit or (adopters is not None and day >= adopters)
            until = limit if last else until
            one: dict[str, Any] = {
                "child_looked_after_placement_id": next(self.ids), "start_date": day, "start_reason": reason,
                "placement_type": kind, "end_date": until,
            }  # fmt: skip
            if not self.uasc or postcode:
                one["postcode"] = postcode
            found.append(one)
            if until == ends:
                break
            one["end_reason"], day = "X1", until
            if until == adopters:
                reason, (kind, postcode) = "P", ("A6", self._somewhere())
                one["change_reason"] = "CARPL"
            else:
                reason, kind, postcode = self._change(found, day)
        one["end_reason"] = self._end_reason(how, kind)
        episode["child_looked_after_placements"] = found

    def _change(self, found: list[dict[str, Any]], day: date) -> tuple[str, str, str]:
        """What the next placement is, and why it began; the reason for it stands in the placement that ends."""
        last = found[-1]
        if last["placement_type"].startswith("T"):
            back = found[-2]
            return "P", back["placement_type"], back["postcode"]
        if last["placement_type"].startswith("U") and self.draw.happens(0.04):
            return "P", "T1", self._somewhere()
        if self.draw.happens(0.35):
            return "L", last["placement_type"], last["postcode"]
        last["change_reason"] = self.draw.one_of(CHANGES)
        if self.draw.happens(0.05):
            return "T", last["placement_type"], self._somewhere()
        kind, postcode = self._home(day)
        return self.draw.one_of({"P": 9, "B": 1}), kind, postcode

    def _home(self, day: date) -> tuple[str, str]:
        """Where a child lives who is looked after: by age; with parents, at home."""
        older = day >= birthday(self.person.born, 16)
        kind = self.draw.one_of(OLDER_HOMES if older else HOMES)
        if kind == "K2" and day < birthday(self.person.born, 8):
            kind = "U6"
        if kind == "P1" and self.person.postcode:
            return kind, self.person.postcode
        return "U6" if kind == "P1" else kind, self._somewhere()

    def _somewhere(self) -> str:
        """A postcode of an area that does not exist, where carers live."""
        inward = "ABDEFGHJLNPQRSTUWXYZ"
        area = self.draw.pick(("JA", "JB", "JC", "UA", "UC"))
        district, sector = self.draw.between(1, 30), self.draw.between(0, 9)
        return f"{area}{district} {sector}{self.draw.pick(inward)}{self.draw.pick(inward)}"

    def _adoption(self, start: date, ends: date) -> date:
        """The milestones of an adoption; returns the day of the placement with the adopters."""
        span = (ends - start).days
        self.adoption = {
            "initial_decision_date": office(start + timedelta(days=span // 4)),
            "matched_date": office(start + timedelta(days=span // 2)),
            "placed_date": start + timedelta(days=span // 2 + 20),
        }
        return self.adoption["placed_date"]

    def _end_reason(self, how: str, kind: str) -> str:
        if how == "adopted":
            return self.draw.one_of({"E11": 1, "E12": 2})
        if how == "adult":
            foster = kind.startswith("U") and self.draw.happens(0.6)
            return "E17" if foster else self.draw.one_of({"E5": 7, "E6": 2, "E7": 1})
        return how

    def _questionnaires(self, start: date, ends: date) -> None:
        """A strengths and difficulties questionnaire within each year in care, from 4 to 16 years of age."""
        first = max(start + timedelta(days=self.draw.between(30, 90)), birthday(self.person.born, 4))
        day = first
        while day < min(ends, birthday(self.person.born, 17)):
            self.sdq.append((day, self.draw.between(2, 18) + self.draw.mostly_short(0, 16)))
            day += timedelta(days=self.draw.between(290, 355))

    def _leaves(self) -> None:
        """Contacts with somebody who left care at 18, every few weeks until 21 or 25."""
        day = self.grown + timedelta(days=self.draw.between(3, 50))
        activity, lodging = self.draw.one_of(ACTIVITIES), self.draw.one_of(LODGINGS)
        while day < birthday(self.person.born, 25):
            if self.draw.happens(0.15):
                activity, lodging = self.draw.one_of(ACTIVITIES), self.draw.one_of(LODGINGS)
            self.contacts.append((office(day), activity, lodging))
            day += timedelta(days=self.draw.between(35, 75))

    def _allocate(self, episode: dict[str, Any]) -> None:
        """Workers, one after the other, from the referral to the closure."""
        day, end = episode["referral_date"], episode.get("closure_date")
        workers: list[dict[str, Any]] = []
        before = ""
        while True:
            stays = (
                self.draw.mostly_short(30, 420) if workers else self.draw.between(25, 60)
            )  # first, for the assessment
            until = day + timedelta(days=stays)
            number = self.team * TEAM + self.draw.between(1, TEAM - 1)
            worker = f"SW{10_000 + number * 37}"
            if worker == before:
                worker = f"SW{10_000 + (self.team + 1) * TEAM * 37}"
            one = {"worker_id": worker, "start_date": day}
            workers.append(one)
            if end and until >= end - timedelta(days=2):
                if end > day:
                    one["end_date"] = end
                break
            one["end_date"] = until
            day, before = until, worker
        episode["care_worker_details"] = workers
