"""Write docs/rules.md anew: every validation rule with its words and its examples, from the declarations.

Run it after a rule has changed: ``.venv/bin/python scripts/rule_catalogue.py``. A test says when the page is behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from samechild.collection.attendance.records import Mark, Pupil
from samechild.collection.attendance.rules import SchoolDay, Within
from samechild.collection.records import SPECIFICATION, Child
from samechild.collection.rules.catalogue import REGISTER_RULES, REGISTER_SECTIONS, RULES, SECTIONS
from samechild.collection.rules.examples import TODAY, a_child, an_episode, details, look, placed, placement
from samechild.collection.rules.rule import Day, Example, Rule

PAGE = Path(__file__).parents[1] / "docs" / "rules.md"

_HEAD = f"""# Validation rules

What is checked in the records that councils send each day, and, at the end, in the [attendance
registers](#school-attendance) that schools send. This page is written by `scripts/rule_catalogue.py` from the
declarations in `samechild/collection/rules/` and `samechild/collection/attendance/`; the examples are those that the
tests run.

- **reject**: refused at the door, and the whole batch with it. Only the shape of what is sent (specification
  {SPECIFICATION}) is checked there.
- **error**: kept, and to be mended at source. **query**: to be checked, and mended or left. **info**: nothing to mend.
- A rule looks at everything held of a child after merging, not at the fragment that was sent. An error that what came
  before the history window may explain counts as a query.
- *From* names the rule of the children in need census (CIN) or of the looked-after return (903) that it comes from.
- A few rules ask a postcode directory, which whoever runs them brings: `samechild postcodes load`. What becomes of them
  without one is said beside each.
- Examples show only what differs from the usual child: eleven years old, one open episode since a week, looked at on
  {TODAY}. A placement is with a foster carer, and the child started to be looked after with it.

Check your own files: `samechild check tonight.json`.
"""


_SCHOOLS = f"""
## School attendance

What is checked in the attendance registers that schools send each day. The codes are those of the School Attendance
(Pupil Registration) (England) Regulations 2024 (SI 2024/208), as the statutory guidance *Working together to improve
school attendance* (Department for Education, August 2024) explains them. What is not JSON, not UTF-8 or no day is
refused by the `STR` rules above. Examples show only what differs from the usual pupil, eleven years old, of school
900001, looked at on {TODAY}.
"""


def page() -> str:
    """The whole page."""
    parts = [_HEAD]
    for letters, title in SECTIONS.items():
        parts.append(f"\n## {title}\n")
        parts.extend(_section([each for each in RULES if each.code.startswith(f"{letters}-")]))
    parts.append(_SCHOOLS)
    for letters, title in REGISTER_SECTIONS.items():
        parts.append(f"\n### {title}\n")
        parts.extend(_section([each for each in REGISTER_RULES if each.code.startswith(f"{letters}-")]))
    return "\n".join(parts) + "\n"


def _section(rules: Sequence[Rule]) -> Iterator[str]:
    yield "| rule | grade | what is wrong | what to do | from |\n| --- | --- | --- | --- | --- |"
    yield from (_row(each) for each in rules)
    yield from _examples(rules)


def _row(rule: Rule) -> str:
    needs = f" Without a postcode directory: {rule.without_postcodes}." if rule.without_postcodes else ""
    cells = (rule.code, rule.grade.value, rule.message, rule.mend + needs, rule.analogue)
    return "| " + " | ".join(each.replace("|", "\\|") for each in cells) + " |"


def _examples(rules: Sequence[Rule]) -> Iterator[str]:
    shown = [each for each in rules if each.passes or each.fails]
    if not shown:
        return
    yield "\n<details><summary>Examples</summary>\n"
    for each in shown:
        yield f"- **{each.code}** {each.message}"
        yield f"  - right: {_told(each.passes)}"
        yield f"  - wrong: {_told(each.fails)}"
    yield "\n</details>"


def _told(examples: Sequence[Example]) -> str:
    return "; ".join(dict.fromkeys(f"`{_text(each)}`" for each in examples))


def _text(example: Example) -> str:
    """What an example is about, without what is usual."""
    if isinstance(example.thing, bytes):
        return str(example.thing.decode())
    if isinstance(example.thing, SchoolDay):
        return ", ".join(f"{count} pupils {code}" for code, count in example.thing.counts.items())
    if isinstance(example.at, Within):
        return _of_pupil(example)
    return _of_example(placed(example))


def _of_pupil(example: Example) -> str:
    """A mark with what stands beside it, or a pupil with the marks."""
    at: Within = example.at
    marks = [each for some in at.marks.values() for each in some]
    said = [_of_mark(example.thing)] if isinstance(example.thing, Mark) else []
    changed = {
        name: value
        for name, value in msgspec.to_builtins(at.pupil).items()
        if value != _USUAL_PUPIL.get(name) and name != "marks"
    }
    said += [_fields(changed)] if changed else []
    said += [f"no {name}" for name in _USUAL_PUPIL if getattr(at.pupil, name) is None]
    others = [_of_mark(each) for each in marks if each is not example.thing]
    if len(others) > _MANY:
        others = [f"{others[0]} to {others[-1]}"]
    if others:
        said.append(f"beside {', '.join(others)}" if isinstance(example.thing, Mark) else ", ".join(others))
    return ", ".join(said) or "the usual pupil"


def _of_mark(mark: Mark) -> str:
    late = "" if mark.minutes_late is None else f" {mark.minutes_late} minutes late"
    return f"{mark.code} on {mark.date} {mark.session}{late}"


_MANY = 4
_USUAL_PUPIL = msgspec.to_builtins(
    Pupil(pupil_id="P1", unique_pupil_number="X000123418007", date_of_birth=date(2015, 5, 20))
)


def _of_example(example: Example) -> str:
    if isinstance(example.thing, Day) or example.at is None:
        numbers = msgspec.to_builtins(example.thing).items()
        return _fields({name: value for name, value in numbers if value and name != "day"}) or "a quiet day"
    at, usual = example.at, look(a_child()).at
    assert usual is not None
    said = [_of_child(at.child)]
    if at.today != usual.today:
        said.append(f"on {at.today}")
    if at.shared:
        said.append(f"another child has the same {', '.join(sorted(at.shared))}")
    if at.before is not None:
        said.append(f"before: {_of_child(at.before)}")
    far = at.miles("", "")
    if far is not None:
        said.append(f"{far:g} miles between the postcodes")
    if at.exists("") is False:
        said.append("the postcode is in no directory")
    return ", ".join(said)


def _of_child(child: Child) -> str:
    parts = []
    if child.child_details is None:
        parts.append("no child_details")
    elif changed := _changed(child.child_details, details()):
        parts.append(_fields(changed))
    if child.health_and_wellbeing is not None:
        parts.append(_fields(msgspec.to_builtins(child.health_and_wellbeing)))
    if not child.social_care_episodes:
        parts.append("no episode")
    else:
        episodes = [_changed(each, an_episode()) for each in child.social_care_episodes]
        if episodes != [{}]:
            parts.extend(f"episode ({_fields(each) or 'usual'})" for each in episodes)
    return ", ".join(parts) or "the usual child"


def _changed(thing: msgspec.Struct, usual: msgspec.Struct) -> dict[str, Any]:
    """The fields of a thing that are not as usual; its id says nothing here."""
    ours, theirs = msgspec.to_builtins(thing), msgspec.to_builtins(usual)
    names = [name for name in thing.__struct_fields__ if not name.endswith("_id")]
    return {name: ours.get(name) for name in names if ours.get(name) != theirs.get(name)}


def _fields(tree: dict[str, Any]) -> str:
    return ", ".join(_field(name, value) for name, value in tree.items() if _says(name, value))


def _says(name: str, value: Any) -> bool:
    """Whether a field says anything: ids of things do not, nor what is usual of a placement."""
    if name.endswith("_id"):
        return name == "worker_id"
    return name not in _USUAL_PLACEMENT or bool(value != _USUAL_PLACEMENT[name])


_USUAL_PLACEMENT = {
    name: value for name, value in msgspec.to_builtins(placement("2026-06-03")).items() if name != "start_date"
}


def _field(name: str, value: Any) -> str:
    if value is None:
        return f"no {name}"
    if isinstance(value, dict):
        return f"{name} ({_fields(value)})"
    if isinstance(value, list | tuple | set):
        if any(isinstance(each, dict) for each in value):
            usual = dict.fromkeys(_USUAL_PLACEMENT) if name == "child_looked_after_placements" else {}
            return ", ".join(f"{_ONE.get(name, name)} ({_fields({**usual, **each}) or 'empty'})" for each in value)
        return f"{name} {'+'.join(sorted(value)) or 'empty'}"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"{name} {text if text.strip() else 'blank'}"


_ONE = {
    "child_and_family_assessments": "assessment",
    "child_in_need_plans": "child in need plan",
    "section_47_assessments": "section 47 enquiry",
    "child_protection_plans": "child protection plan",
    "child_looked_after_placements": "placement",
    "care_worker_details": "worker",
    "sdq_assessments": "questionnaire",
}


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.name}: {len(RULES)} rules, and {len(REGISTER_RULES)} of attendance")
