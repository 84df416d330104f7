"""Sending a council's children from the council's own side: read extracts, shape them, find what changed, send it.

This runs on a machine of the council, with nothing of an installation beside it: no store, no keys, no gate. It
speaks to the Department for Education's service and to samechild alike, and says afterwards, child by child, what was
kept and what must be mended at source.
"""
