"""Recomputations: what they depend on (jobs, keys), where they run, and where results are kept (cache)."""
