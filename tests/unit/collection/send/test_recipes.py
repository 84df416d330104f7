"""The recipes for Windows: the XML is one Task Scheduler takes, the command ends as a scheduler expects."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from project import ROOT

RECIPES = ROOT / "recipes"
TASK = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


def test_the_task_is_one_that_task_scheduler_takes() -> None:
    content = (RECIPES / "task-scheduler.xml").read_bytes()
    assert content.isascii()  # schtasks reads UTF-16 otherwise
    task = ElementTree.fromstring(content)
    assert task.tag == f"{TASK}Task"
    order = ["RegistrationInfo", "Triggers", "Principals", "Settings", "Actions"]
    assert [part.tag.removeprefix(TASK) for part in task] == order
    principal = task.find(f"{TASK}Principals/{TASK}Principal")
    assert principal is not None
    assert principal.findtext(f"{TASK}RunLevel") == "LeastPrivilege"
    actions = task.find(f"{TASK}Actions")
    assert actions is not None
    assert principal.get("id") == actions.get("Context")
    command = task.findtext(f"{TASK}Actions/{TASK}Exec/{TASK}Command", "")
    assert (RECIPES / command.rpartition("\\")[2]).is_file()


def test_the_command_runs_submit_and_tells_how_it_ended() -> None:
    content = (RECIPES / "submit-nightly.cmd").read_bytes()
    assert content.isascii()
    assert content.count(b"\r\n") == content.count(b"\n")
    text = content.decode()
    assert 'samechild.exe" submit --config submit.toml' in text
    assert text.rstrip().endswith("exit /b %CODE%")


def test_the_agent_job_runs_the_same_command() -> None:
    text = (RECIPES / "sql-agent-job.sql").read_text(encoding="ascii")
    assert "submit-nightly.cmd" in text
    assert len(re.findall(r"EXEC dbo\.sp_add_job\w*\n", text)) == 3
    assert text.count("'") % 2 == 0
