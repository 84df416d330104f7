"""The living index: which records are of the same child, today, and every step by which that came to be known.

Records arrive all day; each is found its child, starts a new one, or is put to a person. Whatever is joined can be
parted again exactly as it was, and an identifier once given means one child for good.
"""
