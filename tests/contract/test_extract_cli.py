"""``samechild extract``: a council's analyst gets files, the department's does not, nothing half-written is left."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pyarrow.parquet as pq

from collecting import a_payload
from commands import run
from pages_served import Served, served
from quality_week import COUNCIL, send, sending_councils
from samechild.policy.sign_in.sessions import signed_in


def user_of(server: Served, persona: str) -> str:
    """The id of one of the demonstration's people."""
    token = server.browser(persona).client.cookies["samechild"]
    return signed_in(server.store, token, server.now).asker.user


def test_an_analyst_extracts_their_own_council_and_the_department_may_not(tmp_path: Path) -> None:
    with served() as server:
        of = sending_councils(server)
        send(server, of[COUNCIL], "845", [a_payload("QC91"), a_payload("QC92")], "r1")
        home = ("--home", server.store.home)
        mine = ("--as", user_of(server, "council-analyst"), *home)
        usual = ("extract", "--authority", "845", "--project", "demand", "--out", tmp_path / "out")
        done = run(*usual, "--purpose", "service-planning", *mine)
        assert done.code == 0, done.err
        assert "2 children in" in done.out
        assert pq.read_table(tmp_path / "out" / "children.parquet").num_rows == 2
        record = msgspec.json.decode((tmp_path / "out" / "run.json").read_bytes())
        assert (record["command"], record["counts"]["children"]) == ("extract", 2)
        assert "dictionary.html" in record["outputs"]
        again = run(*usual, "--purpose", "service-planning", *mine)
        assert again.code == 3  # it is there already
        elsewhere = ("--out", tmp_path / "other")
        theirs = run(*usual, *elsewhere, "--purpose", "research", "--as", user_of(server, "dfe-analyst"), *home)
        assert theirs.code == 3
        for words, code in (
            (("--purpose", "cats"), 2),
            (("--purpose", "service-planning", "--as-at", "2026-02-30"), 2),
            (("--purpose", "service-planning", "--project", "../up"), 2),
            (("--purpose", "safeguarding"), 3),  # an analyst has no role for it
            (("--purpose", "service-planning", "--authority", "999"), 4),
        ):
            assert run(*usual, *elsewhere, *words, *mine).code == code, words
        assert [each.name for each in tmp_path.iterdir()] == ["out"]
        for said in (done, again, theirs):
            assert not any(value in said.said for value in ("Zebedee", "QC9", "ZZ99"))
