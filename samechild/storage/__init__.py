"""Where an installation keeps things: the identity vault, the content vault and the gate's database, each apart.

Who a child is and what is known about the child lie in two databases under different keys and database roles; the gate
has a third. This room opens them and keeps transactions, and knows nothing of what the rooms above keep in them.
"""

from __future__ import annotations

from samechild.storage.databases import Database, Login, Store
from samechild.storage.opening import open_store

__all__ = ["Database", "Login", "Store", "open_store"]
