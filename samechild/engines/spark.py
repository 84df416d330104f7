"""Spark: for records that no longer fit one machine, on the cluster a site already has, or in local mode to try it.

Started by ``spark-submit``, in a notebook of a cluster, or where a session is already running, that session is used,
through a child session of its own, so that its settings, tables and functions stay as they were. Otherwise Spark starts
here, on this machine alone: it listens on 127.0.0.1 only, encrypts what it writes to disk, and logs nothing, because
Spark's error messages may quote a value.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from samechild.engines.engine import Dialect, Function, Kind, plain
from samechild.errors import Unavailable

_TYPES: dict[Kind, str] = {"text": "string", "whole": "bigint", "real": "double"}

OF_A_CLUSTER = ("PYSPARK_GATEWAY_PORT", "SPARK_REMOTE", "SPARK_CONNECT_MODE_ENABLED", "DATABRICKS_RUNTIME_VERSION")
"""Set in the environment where somebody else has configured Spark already."""

_LOGGERS = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")
"""Where PySpark itself writes what went wrong, values and all."""

_OURS = {
    "spark.sql.legacy.sizeOfNull": "false",
    "spark.sql.legacy.consecutiveStringLiterals.enabled": "false",
    "spark.sql.parser.escapedStringLiterals": "false",
}
"""What our SQL relies on, set in the child session whatever the cluster's own settings are."""


class Spark:
    """See :class:`samechild.engines.engine.Engine`.

    Raises :class:`~samechild.errors.Unavailable` when PySpark (4.1 or later) or Java is missing, or does not start.
    """

    dialect: Dialect = "spark"

    def __init__(self, threads: int = 2) -> None:
        try:
            from pyspark.sql import SparkSession
            from pyspark.sql.functions import arrow_udf
        except ImportError as error:
            raise Unavailable(
                "Spark is not installed here. Install PySpark 4.1 or later (pip install 'samechild[spark]') and Java "
                "17 or 21; or leave --engine out: one machine links millions of records without it."
            ) from error
        self._as_function: Any = arrow_udf
        self._frames: dict[str, Any] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        running = SparkSession.getActiveSession()
        self._is_ours = running is None and not any(name in os.environ for name in OF_A_CLUSTER)
        self._started = (
            self._start(SparkSession.builder, threads) if self._is_ours else SparkSession.builder.getOrCreate()
        )
        if self._is_ours:
            for name in _LOGGERS:
                logging.getLogger(name).disabled = True
        self._session: Any = self._started.newSession()
        for setting, value in _OURS.items():
            self._session.conf.set(setting, value)

    def register(self, name: str, table: pa.Table) -> None:
        """Let SQL see a table under a name; a table of that name is replaced."""
        self.drop(name)
        self._held(name, self._session.createDataFrame(plain(table)).persist())

    def define(self, name: str, function: Function, takes: tuple[Kind, ...], gives: Kind) -> None:
        """Let SQL call a function of ours."""
        del takes  # Spark hands over whatever the SQL says
        made = self._as_function(lambda *columns: function(*columns), _TYPES[gives])
        self._session.udf.register(name, made)

    def keep(self, name: str, sql: str) -> None:
        """Work a query out once and keep what it gives as a table."""
        self.drop(name)
        frame = self._session.sql(sql).persist()
        with _told_plainly():
            frame.count()  # Spark would otherwise put the work off
        self._held(name, frame)

    def fetch(self, sql: str) -> pa.Table:
        """Run a query and bring what it gives to this process."""
        with _told_plainly():
            return self._session.sql(sql).toArrow()

    def drop(self, name: str) -> None:
        """Forget a registered or kept table, and free what it took."""
        self._session.catalog.dropTempView(name)
        frame = self._frames.pop(name, None)
        if frame is not None:
            frame.unpersist()

    def close(self) -> None:
        """Forget everything; stop Spark if it was started here."""
        for name in list(self._frames):
            self.drop(name)
        if self._is_ours:
            self._started.stop()
        if self._folder is not None:
            self._folder.cleanup()

    def _held(self, name: str, frame: Any) -> None:
        frame.createOrReplaceTempView(name)
        self._frames[name] = frame

    def _start(self, builder: Any, threads: int) -> Any:
        java = os.environ.get("JAVA_HOME")
        if not (shutil.which("java") or (java and (Path(java) / "bin").is_dir())):
            raise Unavailable("Spark needs Java, which is not installed here. Install Java 17 or 21 and run again.")
        self._folder = tempfile.TemporaryDirectory(prefix="samechild-", ignore_cleanup_errors=True)
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # the only place where Spark looks
        settings = _local_settings(Path(self._folder.name), threads)
        try:
            for setting, value in settings.items():
                builder = builder.config(setting, value)
            session = builder.master(f"local[{threads}]").appName("samechild").getOrCreate()
            session.sparkContext.setLogLevel("OFF")
        except Exception as error:  # PySpark raises its own, the JVM's and the operating system's
            self._folder.cleanup()
            raise Unavailable(
                "Spark did not start. Check that Java 17 or 21 runs on this machine and that memory is free."
            ) from error
        return session


@contextmanager
def _told_plainly() -> Iterator[None]:
    """Say what to do when a cluster gives up; its own words may quote a value, so they are not repeated."""
    from pyspark.errors import AnalysisException, ParseException

    try:
        yield
    except (AnalysisException, ParseException):
        raise  # a mistake in our SQL, not a cluster in trouble
    except Exception as error:
        if not (isinstance(error, OSError) or type(error).__module__.startswith(("pyspark.", "py4j."))):
            raise
        raise Unavailable(
            "Spark gave up half-way, most often for want of memory or disk. Give the driver and the executors more, or "
            "link fewer records at once; the cluster's own log says what happened."
        ) from error


def _local_settings(folder: Path, threads: int) -> dict[str, str]:
    """Spark on this machine alone. ``folder`` takes what does not fit into memory."""
    settings = folder / "log4j2.properties"
    settings.write_text(
        "appender.nowhere.type = Null\nappender.nowhere.name = nowhere\n"
        "rootLogger.level = off\nrootLogger.appenderRef.nowhere.ref = nowhere\n",
        encoding="utf-8",
    )
    return {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "4g",
        "spark.driver.maxResultSize": "0",
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={settings.as_uri()}",
        "spark.io.encryption.enabled": "true",
        "spark.local.dir": str(folder),
        "spark.sql.shuffle.partitions": str(2 * threads),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
