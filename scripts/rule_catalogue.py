"""Write docs/rules.md anew: every validation rule with its words and its examples, from the declarations.

Run it after a rule has changed: ``.venv/bin/python scripts/rule_catalogue.py``. A test says when the page is behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from samechild.collection.records import SPECIFICATION, Child
from samechild.collection.rules.catalogue import RULES, SECTIONS
from samechild.collection.rules.examples import TODAY, a_child, an_episode, details, look, placed, placement
from samechild.collection.rules.rule import Day, Example, Rule

PAGE = Path(__file__).parents[1] / "docs" / "rules.md"

_HEAD = f"""# Validation rules

What is checked in the records that councils send each day. This page is written by `scripts/rule_catalogue.py` from the
declarations in `samechild/collection/rules/`; the examples are those that the tests run.

- **reject**: refused at the door, and the whole batch with it. Only the shape of what is sent (specification
  {SPECIFICATION}) is checked there.
- **error**: kept, and to be mended at source. **query**: to be checked, and mended or left. **info**: nothing to mend.
- A rule looks at everything held of a child after merging, not at the fragment that was sent. An error that what came
  before the history window may explain counts as a query.
- *From* names the rule of the children in need census (CIN) or of the looked-after return (903) that it comes from.
- Examples show only what differs from the usual child: eleven years old, one open episode since a week, looked at on
  {TODAY}. A placement is with a foster carer, and the child started to be looked after with it.

Check your own files: `samechild check tonight.json`.
"""


def page() -> str:
    """The whole page."""
    parts = [_HEAD]
    for letters, title in SECTIONS.items():
        rules = [each for each in RULES if each.code.startswith(f"{letters}-")]
        parts.append(f"\n## {title}\n")
        parts.append("| rule | grade | what is wrong | what to do | from |\n| --- | --- | --- | --- | --- |")
        parts.extend(_row(each) for each in rules)
        parts.extend(_examples(rules))
    return "\n".join(parts) + "\n"


def _row(rule: Rule) -> str:
    cells = (rule.code, rule.grade.value, rule.message, rule.mend, rule.analogue)
    return "| " + " | ".join(each.replace("|", "\\|") for each in cells) + " |"


def _examples(rules: Sequence[Rule]) -> Iterator[str]:
    shown = [each for each in rules if each.test is not None]
    if not shown:
        return
    yield "\n<details><summary>Examples</summary>\n"
    for each in shown:
        yield f"- **{each.code}** {each.message}"
        yield f"  - right: {_told(each.passes)}"
        yield f"  - wrong: {_told(each.fails)}"
    yield "\n</details>"


def _told(examples: Sequence[Example]) -> str:
    return "; ".join(dict.fromkeys(f"`{_text(placed(each))}`" for each in examples))


def _text(example: Example) -> str:
    """What an example is about, without what is usual."""
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
    print(f"{PAGE.name}: {len(RULES)} rules")
