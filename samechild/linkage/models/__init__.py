"""The linkage models samechild comes with: each one immutable file, data rather than code."""
