"""Recompute a printed summary: which layers its rows imply, and what in it cannot be."""
