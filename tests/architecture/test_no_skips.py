"""Where everything is installed, a test that skips itself is a failed test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from project import ROOT

SKIPPING = {
    "a test": "import pytest\n\ndef test_it():\n    pytest.skip('no browser')\n",
    "a whole file": "import pytest\n\npytest.importorskip('no_such_module')\n\ndef test_it():\n    pass\n",
    "a mark": "import pytest\n\n@pytest.mark.skipif(True, reason='no browser')\ndef test_it():\n    pass\n",
}


@pytest.mark.parametrize("source", SKIPPING.values(), ids=SKIPPING.keys())
def test_a_skip_fails_only_where_nothing_may_be_skipped(tmp_path: Path, source: str) -> None:
    (tmp_path / "conftest.py").write_text(
        (ROOT / "tests" / "conftest.py").read_text(encoding="utf-8"), encoding="utf-8"
    )
    (tmp_path / "test_one.py").write_text(f"{source}\n\ndef test_two():\n    pass\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    codes = []
    for value in ("", "1"):
        environment = {**os.environ, "SAMECHILD_NO_SKIPS": value}
        run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        codes.append(run.returncode)
    allowed = 5 if "importorskip" in source else 0  # 5: no tests were left
    assert codes[0] == allowed
    assert codes[1] in (1, 2)
