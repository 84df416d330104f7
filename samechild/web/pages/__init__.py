"""The pages by area: each function takes a visit, calls one action and says what to show.

A page holds no rule: what may be done is decided by ``policy``, and a page shows the answer or how to get one.
"""
