"""Asking the national services which NHS number a child has, and keeping how each number became known.

A number told by a parent, copied from a letter or traced carries different weight; each stands with its verification
status, its source and its date. Questions are few and precise, because each one discloses something of a child.
"""
