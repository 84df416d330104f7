"""The demonstration listens to this machine only, at the port asked for or the next free one, and until Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from samechild.cli.demo import listening
from samechild.errors import Unavailable


def test_it_listens_on_this_machines_own_address() -> None:
    with listening(0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


def test_a_busy_port_means_the_next() -> None:
    with listening(0) as first, listening(first.getsockname()[1]) as second:
        assert 0 < second.getsockname()[1] - first.getsockname()[1] <= 50


def test_no_port_at_all() -> None:
    with pytest.raises(Unavailable, match="--port"), listening(70_000):
        pass


def test_what_goes_wrong_while_it_listens_is_not_taken_for_a_busy_port() -> None:
    with pytest.raises(Unavailable, match="something else"), listening(0):
        raise Unavailable("something else")


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals of this kind are those of POSIX")
def test_it_is_shown_until_ctrl_c_and_leaves_nothing(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "from samechild.cli.main import main; main()", "demo", "--children", "60"]
    running = subprocess.Popen(
        [*words, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert running.stdout is not None
    try:
        lines = [*iter(running.stdout.readline, "")] if running.poll() is not None else []
        address = ""
        while not address:
            line = running.stdout.readline()
            assert line, running.communicate()[1]
            lines.append(line)
            found = re.search(r"Shown at (http://127\.0\.0\.1:\d+/)", line)
            address = found[1] if found else ""
        assert "try Gwen Ellis" in running.stdout.readline()
        with urllib.request.urlopen(f"{address}sign-in", timeout=30) as answer:
            assert "Gwen Ellis" in answer.read().decode()
    finally:
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
    assert "Ended." in err
    assert running.returncode == 0
    assert list(tmp_path.iterdir()) == []
