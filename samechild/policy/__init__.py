"""May they? Purposes, powers, agreements, consent, one decision for every disclosure, and the ledger of them all.

Everything that leaves an installation passes here: an ask is decided by rules that people can read, the decision is
written into a ledger nobody can quietly change, and only then is there a permit to read. The room holds no name and
reads none; who a child is and what is known about the child stay in the vaults.
"""
