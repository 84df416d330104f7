"""The verifier for third parties: published vectors of the curve, one file, an old Python, what it says."""

from __future__ import annotations

import ast
import hashlib
import json
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledgers import KEY, NOW, drafts, head_of, proof_of, public_of, signed_lines
from project import PACKAGE
from samechild.policy.ledger import standalone
from samechild.policy.ledger.checkpoint import FIRST, in_text, key_hash, origin_of, read_checkpoint, sign
from samechild.policy.ledger.entry import Draft, announcement, draft
from samechild.policy.ledger.proofs import Proof, proof_file
from samechild.policy.ledger.standalone import Broken, Reading, check_export, is_signed, main, point_of
from samechild.policy.ledger.tree import grow, leaf_hash, root_of_leaves
from samechild.policy.ledger.witness import line_of

SOURCE = PACKAGE / "policy" / "ledger" / "standalone.py"

# RFC 8032 section 7.1: seed, message, signature of TEST 1, 2, 3 and SHA(abc).
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595b"
        "be24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb430"
        "2aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716e"
        "d28dc027beceea1ec40a",
    ),
    (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        hashlib.sha512(b"abc").hexdigest(),
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138a"
        "c17ad9bef1177331a704",
    ),
]


@pytest.mark.parametrize(("seed", "message", "signature"), VECTORS)
def test_signatures_of_rfc_8032_hold(seed: str, message: str, signature: str) -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
    public, told, signed = public_of(private), bytes.fromhex(message), bytes.fromhex(signature)
    assert private.sign(told) == signed
    assert is_signed(public, told, signed)
    assert not is_signed(public, told + b"x", signed)
    assert not is_signed(public_of(), told, signed)
    for place in (0, 31, 32, 63):
        flipped = bytearray(signed)
        flipped[place] ^= 1
        assert not is_signed(public, told, bytes(flipped))


def test_signatures_in_another_form_are_refused() -> None:
    signed = KEY.sign(b"a")
    s = int.from_bytes(signed[32:], "little") + standalone.L
    assert not is_signed(public_of(), b"a", signed[:32] + s.to_bytes(32, "little"))
    assert not is_signed(public_of(), b"a", signed[:-1])
    assert not is_signed(public_of()[:-1], b"a", signed)
    assert not is_signed((standalone.P + 1).to_bytes(32, "little"), b"a", signed)


def test_points_off_the_curve_are_none() -> None:
    assert point_of((2).to_bytes(32, "little")) is None
    assert point_of(b"\xff" * 32) is None
    assert point_of((1 | 1 << 255).to_bytes(32, "little")) is None  # x = 0 has no sign
    assert point_of((1).to_bytes(32, "little")) == standalone.NEUTRAL


LINES = signed_lines(drafts(12), [1, 3, 2, 5, 1])
HEAD = head_of(LINES)
PUBLIC = in_text(public_of())


def check(lines: list[bytes], head: tuple[int, bytes] | None = HEAD) -> tuple[int, bytes]:
    return check_export(lines, [public_of()], head)


def test_a_whole_export_is_whole() -> None:
    assert check(LINES) == HEAD
    assert check(LINES, None) == HEAD
    assert check(LINES, (6, head_of(LINES[:10])[1])) == HEAD  # an earlier head: it only grew
    assert check(LINES, (0, b"")) == HEAD


def broken(lines: list[bytes], head: tuple[int, bytes] | None = HEAD) -> Broken:
    with pytest.raises(Broken) as found:
        check(lines, head)
    return found.value


@pytest.mark.parametrize(
    ("entry", "line"), [(0, 1), (1, 3), (4, 7), (11, 16)], ids=["first", "in a commit", "of two", "last"]
)
def test_the_first_broken_entry_is_named(entry: int, line: int) -> None:
    lines = [*LINES]
    assert lines[line].startswith(b'{"at"')
    lines[line] = lines[line].replace(b'"count":', b'"cOunt":')
    assert broken(lines).entry == entry
    assert broken(LINES[:line] + LINES[line + 1 :]).entry is not None


def test_what_was_cut_off_put_back_or_moved_is_noticed() -> None:
    assert "shorter than the known head (11 entries, not 12)" in str(broken(LINES[:-2]))
    assert "without a checkpoint" in str(broken(LINES[:-1]))
    assert "middle of line 17" in str(broken([*LINES[:16], LINES[16][:-1], LINES[17]]))
    assert "entry 1 should stand" in str(broken([*LINES[:3], LINES[4], LINES[3], *LINES[5:]]))
    assert "entry 1 should stand" in str(broken([*LINES[:3], LINES[1], *LINES[3:]]))
    assert "does not follow" in str(broken([*LINES[:3], LINES[2], *LINES[3:]]))
    assert "cannot be read" in str(broken([LINES[0], b"{}\n", *LINES[1:]]))
    assert "cannot be read" in str(broken([LINES[0], b"\n", *LINES[1:]]))
    assert "empty" in str(broken([]))
    assert "without a checkpoint" in str(broken(LINES[:1], None))


def test_a_checkpoint_taken_out_is_noticed() -> None:
    assert "does not follow" in str(broken([*LINES[:2], *LINES[3:]]))


def test_a_past_signed_again_with_the_real_key_is_noticed() -> None:
    other = signed_lines([*drafts(11), draft("outcome", {}, NOW.replace(minute=1), [])], [12])
    assert head_of(other)[0] == 12
    assert "known head" in str(broken(other))
    assert check(other, None)[0] == 12  # only a head tells the two apart


def test_another_key_is_noticed() -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    lines = signed_lines(drafts(12), [12], other)
    assert "not signed by the key given" in str(broken(lines, head_of(lines)))
    with pytest.raises(Broken, match="does not name"):
        check_export([LINES[0], *signed_lines(drafts(12), [12], other, origin_of(public_of()))[1:]], [public_of()])


@pytest.mark.parametrize(
    "header",
    [
        {"format": "samechild ledger 2", "keys": [PUBLIC], "origin": origin_of(public_of())},
        {"format": standalone.FORMAT, "keys": [PUBLIC], "origin": origin_of(public_of()), "more": 1},
        {"format": standalone.FORMAT, "keys": [], "origin": origin_of(public_of())},
        {"format": standalone.FORMAT, "keys": PUBLIC, "origin": origin_of(public_of())},
        {"format": standalone.FORMAT, "keys": [PUBLIC, PUBLIC], "origin": origin_of(public_of())},
        {"format": standalone.FORMAT, "keys": [PUBLIC, in_text(bytes(32))], "origin": origin_of(public_of())},
        {"format": standalone.FORMAT, "keys": ["A"], "origin": origin_of(public_of())},
        {"format": standalone.FORMAT, "keys": [PUBLIC[:-2] + chr(ord(PUBLIC[-2]) + 1) + "="], "origin": "x"},
        {"format": standalone.FORMAT, "keys": [7], "origin": origin_of(public_of())},
        {"format": standalone.FORMAT, "keys": [PUBLIC], "origin": "samechild/0000000000000000"},
        {"format": standalone.FORMAT, "keys": [PUBLIC], "origin": 5},
    ],
)
def test_a_header_says_exactly_what_is_so(header: dict[str, object]) -> None:
    written = json.dumps(header, separators=(",", ":"), sort_keys=True).encode() + b"\n"
    assert broken([written, *LINES[1:]])


def test_lines_are_written_in_one_way_only() -> None:
    assert "line 1 is not written" in str(broken([LINES[0].replace(b",", b", ", 1), *LINES[1:]]))
    assert "line 1 cannot be read" in str(broken([b"\xff\n", *LINES[1:]]))
    assert "line 1 is not written" in str(broken([b"[]\n", *LINES[1:]]))
    assert "line 3 is not written" in str(broken([*LINES[:2], LINES[2].replace(b":", b": ", 1), *LINES[3:]]))
    more = LINES[2].replace(b'{"checkpoint"', b'{"checkpoint":1,"checkpoint"')
    assert "line 3 is not written" in str(broken([*LINES[:2], more, *LINES[3:]]))
    beside = LINES[2].replace(b'"}\n', b'","more":1}\n')
    assert "line 3 is not written" in str(broken([*LINES[:2], beside, *LINES[3:]]))
    assert "cannot be read" in str(broken([*LINES[:2], b'{"checkpoint":5}\n', *LINES[3:]]))


def signed_by_hand(
    made: list[Draft], size: int, at: str = "", root: bytes = b"", key: Ed25519PrivateKey = KEY
) -> bytes:
    whole = signed_lines(made, [len(made)])
    hashed = root or head_of(whole)[1]
    return line_of(sign(KEY, origin_of(public_of()), size, hashed, made[-1].now if not at else NOW, FIRST))


def test_a_signed_checkpoint_must_fit_its_entries() -> None:
    made = drafts(3)
    start = signed_lines(made, [3])[:-1]
    assert "wrong place" in str(broken([*start, signed_by_hand(made, 4)], None))
    assert "another time" in str(broken([*start, signed_by_hand(made, 3, at="other")], None))
    assert "entries 0 to 2" in str(broken([*start, signed_by_hand(made, 3, root=bytes(32))], None))
    wrong = read_checkpoint(json.loads(signed_by_hand(made, 3))["checkpoint"])
    forged = sign(Ed25519PrivateKey.generate(), wrong.origin, 3, wrong.root, wrong.at, FIRST)
    named = in_text(key_hash(wrong.origin, public_of()) + forged.signature)
    note = "".join([wrong.note.partition("\n\n")[0], "\n\n\N{EM DASH} ", wrong.origin, " ", named, "\n"])
    assert "does not hold" in str(broken([*start, line_of(read_checkpoint(note))], None))


def test_time_goes_back_only_where_an_officer_accepted_it() -> None:
    late = NOW.replace(hour=20)
    back = [draft("sign-in", {}, late, []), draft("sign-in", {}, NOW, [])]
    assert "entry 1 is dated before" in str(broken(signed_lines(back, [1, 1]), None))
    accepted = [back[0], draft("accept", {}, NOW, [])]
    assert check(signed_lines(accepted, [1, 1]), None)[0] == 2


SECOND = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))


def changed_keys(announced: bytes | None, keys: list[bytes]) -> list[bytes]:
    """Three entries under the first key, the last of which may announce the next; then three under the second."""
    first = drafts(2)
    body = {"announces": in_text(announced)} if announced else {"purpose": "content"}
    first.append(draft("key", body, first[-1].now, [announcement(public_of(SECOND))]))
    made = first + [draft("sign-in", {"n": n}, first[-1].now, []) for n in range(3)]
    origin = origin_of(public_of())
    lines = signed_lines(made, [3, 3], keys=keys, origin=origin)
    start = signed_lines(made[:3], [3], keys=keys, origin=origin)
    last = read_checkpoint(json.loads(start[-1])["checkpoint"])
    end = sign(SECOND, origin, 6, head_of(lines)[1], made[-1].now, last.chain)
    return [*start, *lines[5:8], line_of(end)]


def test_a_key_announced_under_the_old_one_is_trusted() -> None:
    keys = [public_of(), public_of(SECOND)]
    lines = changed_keys(public_of(SECOND), keys)
    for trusted in keys:
        for every in (True, False):
            assert check_export(lines, [trusted], head_of(lines), every=every)[0] == 6
    with pytest.raises(Broken, match="not signed by the key given"):
        check_export(lines, [bytes(32)], head_of(lines))


def test_a_key_nobody_announced_is_not_trusted() -> None:
    keys = [public_of(), public_of(SECOND)]
    for announced in (None, public_of(Ed25519PrivateKey.generate())):
        with pytest.raises(Broken, match="nobody announced"):
            check_export(changed_keys(announced, keys), [public_of(SECOND)])
    with pytest.raises(Broken, match="does not name"):
        check_export(changed_keys(public_of(SECOND), keys[:1]), keys)


def test_an_announcement_must_be_a_key() -> None:
    made = [draft("key", {"announces": "nothing"}, NOW, [])]
    assert "base 64" in str(broken(signed_lines(made, [1]), None))
    assert check(signed_lines([draft("key", {"announces": PUBLIC}, NOW, [])], [1]), None)[0] == 1


def test_the_last_signature_is_always_checked() -> None:
    reading = Reading([public_of()])
    for line in LINES:
        reading.line(line)
    reading.check = lambda public, message, signature: False
    with pytest.raises(Broken, match="signature of the last"):
        reading.end()


# The command


@pytest.fixture(name="folder")
def folder_with_an_export(tmp_path: Path) -> Path:
    (tmp_path / "ledger.ndjson").write_bytes(b"".join(LINES))
    (tmp_path / "key.txt").write_text(PUBLIC + "\n", encoding="ascii")
    (tmp_path / "head.txt").write_text(f"{HEAD[0]}:{in_text(HEAD[1])}\n", encoding="ascii")
    note = json.loads(LINES[-1])["checkpoint"]
    (tmp_path / "checkpoint.txt").write_text(note, encoding="utf-8", newline="\n")
    proof = a_proof(5)
    (tmp_path / "proof.json").write_bytes(proof_file(proof))
    return tmp_path


def a_proof(number: int) -> Proof:
    return proof_of(LINES, number)


def test_heads_and_keys_are_words_or_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(folder / "ledger.ndjson")
    heads = [f"{HEAD[0]}:{HEAD[1].hex()}", f"{HEAD[0]}:{in_text(HEAD[1])}"]
    heads += [str(folder / "head.txt"), str(folder / "checkpoint.txt")]
    for head in heads:
        for key in (PUBLIC, public_of().hex(), str(folder / "key.txt")):
            assert main([file, "--key", key, "--head", head]) == 0
            assert capsys.readouterr().out == f"whole: 12 entries, head 12:{in_text(HEAD[1])}\n"
    assert main([file, "--key", PUBLIC]) == 0
    assert "cut short at a checkpoint cannot be noticed" in capsys.readouterr().out


def test_what_is_not_whole_ends_with_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "ledger.ndjson").write_bytes(b"".join(LINES[:-2]))
    assert main([str(folder / "ledger.ndjson"), "--key", PUBLIC, "--head", str(folder / "head.txt")]) == 1
    assert "not whole: the ledger is shorter" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ["no such file", "--key", PUBLIC],
        ["ledger.ndjson", "--key", "no key"],
        ["ledger.ndjson", "--key", "02" + "00" * 31],
        ["ledger.ndjson", "--key", PUBLIC, "--head", "12"],
        ["ledger.ndjson", "--key", PUBLIC, "--head", "x:" + PUBLIC],
        ["ledger.ndjson", "--key", PUBLIC, "--head", "12:" + "zz" * 32],
    ],
)
def test_what_cannot_be_checked_ends_with_2(
    folder: Path, words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    assert main(words) == 2
    assert "cannot be checked" in capsys.readouterr().err


def test_wrong_words_end_with_2() -> None:
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2


def test_a_proof_is_checked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for head in ([], ["--head", str(folder / "head.txt")], ["--head", "3:" + PUBLIC]):
        assert main([str(folder / "proof.json"), "--key", PUBLIC, *head]) == 0
        assert '"number":5' in capsys.readouterr().out


@pytest.mark.parametrize("number", range(12))
def test_every_entry_can_be_proved(number: int) -> None:
    assert standalone.check_proof(proof_file(a_proof(number)), [public_of()])


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("number", 4),
        ("number", 12),
        ("number", -1),
        ("number", True),
        ("hashes", "x"),
        ("hashes", []),
        ("hashes", [PUBLIC] * 9),
        ("hashes", [7]),
        ("entry", '{"number":5}'),
        ("entry", '{"number": 5}'),
        ("entry", 5),
        ("key", in_text(bytes(32))),
        ("key", 5),
        ("checkpoint", ""),
        ("format", "other"),
        ("more", 1),
    ],
)
def test_a_proof_of_something_else_is_refused(part: str, value: object) -> None:
    proof = json.loads(proof_file(a_proof(5))) | {part: value}
    written = json.dumps(proof, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    with pytest.raises(Broken):
        standalone.check_proof(written, [public_of()])


def test_a_proof_from_another_past_is_refused() -> None:
    with pytest.raises(Broken, match="known head"):
        standalone.check_proof(proof_file(a_proof(5)), [public_of()], (12, bytes(32)))
    with pytest.raises(Broken, match="not signed"):
        standalone.check_proof(proof_file(a_proof(5)), [bytes(32)])


def test_it_is_one_file_that_needs_only_python(folder: Path) -> None:
    copy = folder / "verify_ledger.py"
    shutil.copy(SOURCE, copy)
    line = [sys.executable, "-I", "-S", str(copy), str(folder / "ledger.ndjson"), "--key", PUBLIC]
    run = subprocess.run([*line, "--head", str(folder / "head.txt")], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    tampered = (folder / "ledger.ndjson").read_bytes().replace(b'"count":7', b'"count":8')
    (folder / "ledger.ndjson").write_bytes(tampered)
    run = subprocess.run([*line, "--head", str(folder / "head.txt")], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (1, "")
    assert "entries 6 to 10" in run.stdout


def test_it_is_written_for_python_3_8() -> None:
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"), feature_version=(3, 8))
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= {*sys.stdlib_module_names, "collections.abc"}
    newer = {"removeprefix", "removesuffix", "bit_count", "cache", "pairwise", "zip", "UTC"}
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    used |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert used & newer == set()
    merged = [node for node in ast.walk(tree) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr)]
    assert not any(isinstance(side, ast.Dict) for node in merged for side in (node.left, node.right))


def test_it_runs_as_a_program(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["verify_ledger.py", str(folder / "ledger.ndjson"), "--key", PUBLIC])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(SOURCE), run_name="__main__")
    assert ended.value.code == 0


def test_its_tree_is_the_ledgers() -> None:
    peaks: list[tuple[int, bytes]] = []
    ours: list[tuple[int, bytes]] = []
    assert standalone.root_of([]) == root_of_leaves([])
    for n in range(70):
        standalone.add_leaf(peaks, standalone.leaf_hash(bytes([n])))
        ours, _ = grow(ours, leaf_hash(bytes([n])))
        assert peaks == ours
