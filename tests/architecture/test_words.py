"""The files speak of the work and nothing else, in British spelling.

Paths of somebody's machine, numbers of tickets and talk of how a file came to be written mean nothing to its reader.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

from project import pages, short, text_files, tracked

OUT_OF_PLACE = {
    "a path of one machine": r"(?<![\w.])/(?:work|root|home/\w+|Users/\w+)/",
    "a path outside the project": r"\bshared/(?:data|design|reference)\b",
    "a ticket's number": r"\b(?:issue|ticket|pull request|PR) #?\d+\b"
    r"|\b(?:fix(?:es|ed)?|close[sd]?|see|in|per) #\d+\b",
    "how it was written": r"\b(?:in|during|by|from|of) (?:this|a|an|the|my|our|another|an earlier|the next) sessions?\b"
    r"|\bnext sessions?\b",
}

AMERICAN = {
    r"(?:standard|normal|recogn|organ|summar|anonym|pseudonym|optim|categor|minim|maxim|random|initial|priorit|author"
    r"|util|emphas|tokeni|general|special|visual|synthes|character|harmon|capital|local|final|real|item|penal)"
    r"iz(?:e[srd]?|ing|ation)s?": "-ise, -ising, -isation",
    r"analyz(?:e[srd]?|ing)": "analyse",
    r"colors?|colored": "colour",
    r"behaviors?|neighbors?|neighboring|neighborhood|favors?|favorite|honors?|labors?": "-our",
    r"centers?|centered": "centre",
    r"defense|offense": "defence, offence",
    r"catalogs?|dialogs?": "catalogue, dialogue",
    r"gray": "grey",
    r"enroll(?:s|ment)?|fulfill(?:s|ment)?": "enrol, fulfil",
    r"cancel(?:ed|ing)|label(?:ed|ing)|model(?:ed|ing)|travel(?:ed|ing)": "double l",
}
AMERICAN_WORD = re.compile(r"\b(?:" + "|".join(f"(?:{word})" for word in AMERICAN) + r")\b", re.IGNORECASE)

WORDS_OF_PROTOCOLS = {"authorization"}
"""The name of a header (RFC 9110), which is spelt so everywhere."""


def out_of_place(text: str) -> list[str]:
    """What in a text does not belong in the project, with its line."""
    return [
        f"line {number}: {what}"
        for number, line in enumerate(text.splitlines(), start=1)
        for what, pattern in OUT_OF_PLACE.items()
        if re.search(pattern, line, re.IGNORECASE)
    ]


def prose_of_code(source: str) -> str:
    """Docstrings, comments, and the names a module gives to its functions, classes and arguments, as text."""
    tree = ast.parse(source)
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    parts = [ast.get_docstring(node) or "" for node in ast.walk(tree) if isinstance(node, documented)]
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    parts += [token.string for token in tokens if token.type == tokenize.COMMENT]
    defined = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    names = [node.name for node in ast.walk(tree) if isinstance(node, defined)]
    names += [node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)]
    parts += [re.sub(r"_|(?<=[a-z])(?=[A-Z])", " ", name) for name in names]
    return "\n".join([without_code("\n".join(parts)), *sentences(tree)])


def sentences(tree: ast.Module) -> list[str]:
    """Texts in a module that a person may read: at least four words, and nothing of code in them."""
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return [without_code(text) for text in texts if len(text.split()) > 3 and not re.search(r"[{}<>;=_\\]|::", text)]


def text_of_page(html: str) -> str:
    """What a reader sees of a web page or template."""
    return re.sub(r"<style.*?</style>|<[^>]*>|{[{%#].*?[}%#]}", " ", html, flags=re.DOTALL)


def without_code(text: str) -> str:
    """Text without what stands in backticks, code blocks, links and quotation: others' names keep their spelling."""
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    text = re.sub(r"``?[^`\n]+``?", "", text)
    text = re.sub(r"^(?: {4}|\t).*$", "", text, flags=re.MULTILINE)
    return re.sub(r"\]\([^)]*\)|https?://\S+|\*[^*\n]+\*|\"[^\"\n]+\"", "", text)


def american(text: str) -> list[str]:
    """American spellings in a text."""
    return sorted({found.group().lower() for found in AMERICAN_WORD.finditer(text)} - WORDS_OF_PROTOCOLS)


WRITTEN = [path for path in text_files() if path != Path(__file__).resolve() and path.suffix != ".csv"]
PYTHON = [path for path in tracked() if path.suffix == ".py" and path != Path(__file__).resolve()]


@pytest.mark.parametrize("path", WRITTEN, ids=short)
def test_nothing_is_out_of_place(path: Path) -> None:
    assert out_of_place(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", PYTHON, ids=short)
def test_code_is_written_in_british_spelling(path: Path) -> None:
    assert american(prose_of_code(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("path", pages(), ids=short)
def test_pages_are_written_in_british_spelling(path: Path) -> None:
    assert american(without_code(path.read_text(encoding="utf-8"))) == []


def test_templates_are_written_in_british_spelling() -> None:
    templates = [path for path in tracked() if path.suffix == ".html"]
    assert {short(path): american(text_of_page(path.read_text(encoding="utf-8"))) for path in templates} == {
        short(path): [] for path in templates
    }


@pytest.mark.parametrize(
    "line",
    [
        "see /home/somebody/notes",
        "cp ../" + "shared/data/names.csv .",
        "as issue 2 asks",
        "see #12",
        "done in an earlier session",
    ],
)
def test_what_is_out_of_place_is_noticed(line: str) -> None:
    assert out_of_place(line) != []


@pytest.mark.parametrize(
    "line",
    [
        "SparkSession.builder",
        'scope="session"',
        "color: #000;",
        "a record's second copy is #2 of its kind;",
        "homework/",
    ],
)
def test_what_belongs_is_left_alone(line: str) -> None:
    assert out_of_place(line) == []


def test_american_spelling_is_noticed() -> None:
    source = '"""Normalize it."""\n# the color\ndef standardize_name(analyzer): "``color`` is Vega\'s word"\n'
    assert american(prose_of_code(source)) == ["analyzer", "color", "normalize", "standardize"]
    assert american(prose_of_code("say('the favorite of them all', 'color: red; and more words')")) == ["favorite"]
    assert american(text_of_page('<p style="color: red">The gray one {{ color }}</p>')) == ["gray"]
    assert american(without_code("The `color` of [a catalog](catalog.md)")) == ["catalog"]
