"""Where bulk work runs when it is said in SQL: DuckDB in this process, or Spark on a cluster.

One machine links a million records faster without SQL. An engine is for what no longer fits one machine, and for
sites whose records already stand in one. Both are asked the same questions and tested to give the same answers.
"""

from samechild.engines.engine import Engine, open_engine

__all__ = ["Engine", "open_engine"]
