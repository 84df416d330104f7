"""Registers with clocks: incidents, people's requests, concerns, refusals that somebody reviews."""
