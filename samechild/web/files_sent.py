"""Forms with a file: read in memory, because a list of children's ids must leave nothing in a temporary folder.

The body's length was limited before. A file is taken as text; a name of it is not even looked at.
"""

from __future__ import annotations

import anyio
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from samechild.errors import Invalid
from samechild.web.bodies import LONGEST_SENDING, pieces, too_slow

MOST_FIELDS = 50


class _InMemory(MultiPartParser):
    """The usual parser, which here never moves what it reads to disk."""

    def __init__(self, request: Request, longest: int) -> None:
        super().__init__(
            request.headers, pieces(request), max_files=MOST_FIELDS, max_fields=MOST_FIELDS, max_part_size=longest
        )
        self.spool_max_size = longest + 1


async def with_files(request: Request, longest: int) -> dict[str, list[str]]:
    """Read a form with files of at most so many bytes; the text of each file by its field's name.

    Raises:
        Invalid: when it cannot be read as such a form. TooSlow: when it does not come in time.
    """
    try:
        with anyio.fail_after(LONGEST_SENDING):
            form = await _InMemory(request, longest).parse()
    except TimeoutError:
        raise too_slow() from None
    except (MultiPartException, KeyError, UnicodeDecodeError):
        raise Invalid("The form cannot be read. Open the page again and send it from there.") from None
    sent: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        text = await _text(value) if isinstance(value, UploadFile) else value
        sent.setdefault(name, []).append(text)
    return sent


async def _text(file: UploadFile) -> str:
    """A file as text: UTF-8, or Windows-1252 as older spreadsheets write it."""
    content = await file.read()
    await file.close()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")
