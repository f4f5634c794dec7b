"""What does a formula for a size say, is it right for all whole numbers, and if not, where is it wrong first?

text -> `reading` (every reading, a tree) -> `compare` (proof or smallest counterexample) -> `near_misses`
report lines -> `finding` -> `contradictions`, `remarks`
"""

from grader.answers.formulas.compare import Agreement, Counterexample, FormulaVerdict, compare_formulas
from grader.answers.formulas.contradictions import FormulaContradiction, formula_contradictions
from grader.answers.formulas.domain import Domain, Range, conditions_of, parse_condition
from grader.answers.formulas.finding import FoundFormula, find_formulas
from grader.answers.formulas.layers import Window
from grader.answers.formulas.near_misses import NearMiss, near_misses
from grader.answers.formulas.reading import Formula, Reading, ShapeFormula, parse_formula, parse_shape_formula
from grader.answers.formulas.remarks import remarks_on
from grader.answers.formulas.tree import Node, names_in, render

__all__ = [
    "Agreement",
    "Counterexample",
    "Domain",
    "Formula",
    "FormulaContradiction",
    "FormulaVerdict",
    "FoundFormula",
    "NearMiss",
    "Node",
    "Range",
    "Reading",
    "ShapeFormula",
    "Window",
    "compare_formulas",
    "conditions_of",
    "find_formulas",
    "formula_contradictions",
    "names_in",
    "near_misses",
    "parse_condition",
    "parse_formula",
    "parse_shape_formula",
    "remarks_on",
    "render",
]
