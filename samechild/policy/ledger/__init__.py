"""The ledger: every decision and disclosure, written first and never quietly changed.

Each entry is a leaf of a Merkle tree (RFC 6962) whose root is signed with every commit and also kept by a witness
elsewhere; anybody with the public key can check an export or a single entry. It holds codes, opaque ids and keyed
references, so that it says who saw what about which child without holding a name.
"""

from __future__ import annotations

from samechild.policy.ledger.append import accept, announce_key, append, append_all
from samechild.policy.ledger.check import Problem, verify
from samechild.policy.ledger.entry import Entry
from samechild.policy.ledger.export import export
from samechild.policy.ledger.proofs import Head, Proof, head, prove, prove_growth
from samechild.policy.ledger.record import NOTHING_THERE, outcome, record, references_to
from samechild.policy.ledger.store import TABLES, entries, entries_about

__all__ = [
    "NOTHING_THERE",
    "TABLES",
    "Entry",
    "Head",
    "Problem",
    "Proof",
    "accept",
    "announce_key",
    "append",
    "append_all",
    "entries",
    "entries_about",
    "export",
    "head",
    "outcome",
    "prove",
    "prove_growth",
    "record",
    "references_to",
    "verify",
]
