"""What does a report claim? Metric, split, data set and value of every result that it states, with the line."""

from grader.answers.claims.found import COUNTS, RATES, FoundClaim, Meaning
from grader.answers.claims.reading import read_claims

__all__ = ["COUNTS", "RATES", "FoundClaim", "Meaning", "read_claims"]
