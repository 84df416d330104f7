"""samechild says which records of children's services are of one child, and which pairs a person must look at.

From a notebook: ``samechild.link(["education.csv", "health.parquet"])`` returns Arrow tables, which pandas, Polars and
R's arrow read. From a terminal: ``samechild link``. Nothing is imported until it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from samechild.linkage.actions import Result

__all__ = ["link"]


def link(files: Sequence[str | PathLike[str]] | str | PathLike[str], **asked: Any) -> Result:
    """Say which records in some files are of one child.

    Args:
        files: the agencies' files (CSV, TSV, Excel, Parquet, JSON, NDJSON), or one file.
        asked: what ``samechild link`` takes as options, with underscores: ``map_file``, ``source_column``, ``model``,
            ``never_link``, ``superseded``, ``decisions``, ``previous``, ``seed``, ``threads``, ``engine``,
            ``review_limit``, ``join``, ``ask`` (see :class:`samechild.linkage.request.Request`).

    Returns:
        Tables ``children``, ``pairs``, ``links``, ``records``, ``review`` and ``problems`` (pyarrow), the ``model``,
        and the ``summary`` in counts. ``restricted`` holds protected pairs: show it to nobody but the named person.

    Raises:
        samechild.errors.SamechildError: when a file or an option cannot be used, with what to do next.
    """
    from samechild.linkage.request import asked_for, run

    return run(asked_for(files, asked), lambda what, share: None).result
