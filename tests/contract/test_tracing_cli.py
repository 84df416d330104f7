"""Tracing from the command line: a file out for a person to upload, the answer in, and only counts shown."""

from __future__ import annotations

import csv
import stat
from pathlib import Path

from children_kept import WREN, a_record, a_space
from commands import run
from pages_served import served
from samechild.policy.shown import organisations
from samechild.policy.sign_in.sessions import signed_in
from trace_files import a_line, an_answer

PRIVATE = ("Avocet", "AVOCET", "2014-03-09", "20140309", "LS1", "9990000018")


def test_a_file_goes_out_an_answer_comes_in_and_only_counts_are_shown(tmp_path: Path) -> None:
    with served() as server:
        council = next(each.organisation for each in organisations(server.store) if each.name == "Fernshire Council")
        a_space(server.store, council, members=(council,))
        a_record(server.store, "wren", council, WREN, space=council)
        token = server.browser("data-quality").client.cookies["samechild"]
        keeper = signed_in(server.store, token, server.now).asker.user
        who = ("--as", keeper, "--home", server.store.home)
        request, answer = tmp_path / "request.csv", tmp_path / "answer.csv"
        first = run("trace", "write", request, *who)
        assert first.code == 0, first.err
        assert stat.S_IMODE(request.stat().st_mode) & 0o077 == 0
        (asked,) = csv.DictReader(request.read_text(encoding="utf-8").splitlines())
        assert asked["FAMILY_NAME"] == "Avocet"
        assert run("trace", "write", request, *who).code == 3  # it is there already
        assert "No number is due" in run("trace", "write", tmp_path / "second.csv", *who).out
        answer.write_bytes(an_answer(a_line(asked["UNIQUE REFERENCE"], MATCHED_ALGORITHM_INDICATOR="3")))
        read = run("trace", "read", answer, *who)
        assert (read.code, "Matched: 1" in read.out) == (0, True), read.err + read.out
        assert "taken before" in run("trace", "read", answer, *who).out
        status = run("trace", "status", *who)
        assert "With a verified number: 1 (100.0%)" in status.out
        refused = run("trace", "send", *who)
        assert refused.code == 3
        assert "names no agreement" in refused.err
        nonsense = tmp_path / "nonsense.csv"
        nonsense.write_bytes(b"Avocet,Wren\r\n")
        wrong = run("trace", "read", nonsense, *who)
        assert wrong.code == 2
        for said in (first, read, status, refused, wrong):
            assert not any(value in said.out + said.err for value in PRIVATE)
