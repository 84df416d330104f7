"""Clients of the daily submission as councils run them, imitated as to what they send and how they read an answer.

Written from what both published clients do on the wire (``data-to-insight/dfe-csc-api-data-flows``, MIT), so that a
service can be tried without them.
"""
