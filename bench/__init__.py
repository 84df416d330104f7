"""Measurements that anyone can repeat: samechild beside Splink, twins on unseen towns, others' data, growth.

Every program is run as ``python -m bench.NAME``, prints tables and writes its figures to ``bench/results`` as JSON.
What a linkage sees and what it is judged by are kept apart: the truth is read only after a run has ended.
"""
