"""The rules of the gate: each one question, asked of every disclosure, that can forbid it.

``standing`` asks whether this person may ask at all; ``grounds`` whether agreement, power, basis, condition and
confidence carry the disclosure; ``child`` what stands in the way for this child. :mod:`samechild.policy.decide` asks
them all.
"""
