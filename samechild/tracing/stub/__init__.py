"""A stand-in for the Personal Demographics Service, for the demonstration and the tests.

It knows synthetic people only. It answers as the service's published interface says it does (searching, wildcards,
history, restricted, superseded and invalidated people, too many matches, error codes, five requests a second), and
misbehaves when told to. How the real service scores likeness is not published, so the scores here are of our own
making and nothing in samechild relies on them.
"""
