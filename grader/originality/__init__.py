"""Which hand-ins of a class are alike beyond chance? One pass over fingerprints that were taken one by one.

    check `originality` -> a fingerprint per hand-in -> weights | passages | logs | pictures -> clues -> pairs

Each look finds its candidates by an index: no hand-in is held against all others. What half of the class has, and what
the course gave, is no clue. The same fingerprints give the same pairs, in whatever order they came.
"""

from grader.originality.marked import Clue, Marked
from grader.originality.pairs import Compared, Pair, compared

__all__ = ["Clue", "Compared", "Marked", "Pair", "compared"]
