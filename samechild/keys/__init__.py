"""The keys of an installation: what opens what is sealed, and what is destroyed when a child is erased.

One root key, kept outside the databases, opens a register of purpose keys; purpose keys open a key of each child's own.
Destroying a child's key erases the child everywhere, in backups too, because nothing sealed under it can be read again.
"""
