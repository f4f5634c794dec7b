"""What kind of number is this: one that can be a result, or a count, a setting, a name, a size, a share, a change?

A number is taken for a result only where nothing nearer says that it is something else.
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.answers.claims.tokens import Kind, Token
from grader.answers.claims.vocabulary import (
    ABOVE_WORDS,
    APPROXIMATE,
    BELOW_WORDS,
    CHANGE_NOUNS,
    CHANGES,
    COMPARED,
    KEYS,
    NAMED,
    OPTIMIZERS,
    SET_WORDS,
    SHARED,
    SHARES,
    SPLITS,
    UNITS,
    metric_word,
    word_set,
)
from grader.frozen import dataclass

_COUNT_KEYS = word_set(
    """
    support samples images image batch batches workers classes channels filters neurons units hidden features nodes
    blocks layers count steps step values range pixels size p interval scale
    """
)
_PERCENT = word_set("% percent prozent percents")
_MAGNITUDES = word_set("million millions thousand mio billion")
_STEPS = word_set("epoch epochs step steps iteration iter batch id seed version fold run session page epochen")
_BETWEEN = word_set(
    """
    : = of is was to at about around approximately ~ ≈ ( set a an the value equal equals roughly ca least most more
    than over only just another
    """
)
_CLASSIFIED = frozenset(
    {"correct", "correctly", "classified", "korrekt", "richtig", "right", "recognized", "recognised"}
)
_QUOTES = ("'", '"')
_TIMES = word_set("x × * · ⋅")
_QUALIFIERS = APPROXIMATE | word_set("a an the of at to than just only even slightly well ( an")
LONGEST_NAME = 4  # "Model 12", "Figure 3.2"; longer numbers are no names
LONGEST_WHOLE = 100  # digits of "9912 of 10000": nobody counts further
FIRST_YEAR, LAST_YEAR = 1950, 2100


@dataclass(slots=True)
class Quantity:
    """A number from token `at` up to before `end` (its percent sign included)."""

    at: int
    end: int
    text: str
    is_percent: bool = False
    is_result: bool = True
    total: str = ""  # of "9912/10000"
    bound: str = ""
    is_approximate: bool = False
    is_restated: bool = False  # "(99%)" behind "9912/10000"

    @property
    def is_whole(self) -> bool:
        """Without a decimal mark and without a percent sign."""
        return not self.is_percent and self.text.isdigit()


def quantities_in(tokens: Sequence[Token], covered: Sequence[bool]) -> list[Quantity]:
    """All numbers of `tokens`; `covered` says which tokens are part of a mention of a metric.

    >>> from grader.answers.claims.tokens import tokens_of
    >>> def read(text):
    ...     tokens = tokens_of(text, 1)
    ...     return [q.text + q.bound for q in quantities_in(tokens, [False] * len(tokens)) if q.is_result]
    >>> read("Model 1: after 15 epochs with dropout of 0.5, a batch size of 64 and 10% of the data it has over 97.1%")
    ['97.1>']
    >>> read("improved by 2%, lr=0.01, input 28x28 or 28 x 28, shape [1, 28, 28], 20% test split, 9912/10000 (99%)")
    ['9912']
    """
    number = Kind.NUMBER
    numbers = [at for at, token in enumerate(tokens) if token.kind is number]
    found: list[Quantity] = []
    shapes = _in_brackets(tokens) if numbers else set()
    free = 0  # the first token behind the last number
    for at in numbers:
        if at < free:
            continue
        quantity = _quantity_at(tokens, at)
        quantity.is_result = at not in shapes and not _is_other(tokens, quantity, covered)
        _qualify(tokens, quantity)
        if found and found[-1].total and quantity.is_percent and tokens[at - 1].low == "(":
            quantity.is_result, quantity.is_restated = False, True
        _mend_range(tokens, found, quantity)
        found.append(quantity)
        free = quantity.end
    _spread_units(tokens, found)
    return found


def _spread_units(tokens: Sequence[Token], found: list[Quantity]) -> None:
    """In "55, 70 and 95 epochs" the unit holds for all three."""
    is_measured = False
    for last, quantity in zip(reversed(found[:-1]), reversed(found), strict=False):
        is_measured = (is_measured and not quantity.is_result) or (
            quantity.end < len(tokens) and tokens[quantity.end].low in UNITS
        )
        if quantity.is_result or not quantity.is_whole or not last.is_whole or quantity.end >= len(tokens):
            continue
        between = {token.low for token in tokens[last.end : quantity.at]}
        if is_measured and between and between <= {",", "and", "or", "-", "to", "/", "und", "&"}:
            last.is_result = False


def _quantity_at(tokens: Sequence[Token], at: int) -> Quantity:
    end = at + 1
    text = tokens[at].text
    if _is_of_total(tokens, at):
        return Quantity(at, end + 2, text, total=tokens[end + 1].text)
    groups = end
    if len(text) <= 3 and text.isdigit() and text[0] != "0":  # the first group of "390 410"
        while groups < len(tokens) and _is_group(tokens[groups]):
            groups += 1
    if groups > end:
        return Quantity(at, groups, " ".join(token.text for token in tokens[at:groups]))
    if end < len(tokens) and (tokens[end].low in _MAGNITUDES or tokens[end].text in ("M", "K", "k")):
        return Quantity(at, end + 1, f"{text} {tokens[end].text}")
    if end < len(tokens) and tokens[end].low in _PERCENT:
        return Quantity(at, end + 1, text, is_percent=True)
    if end + 1 < len(tokens) and tokens[end].low == "per" and tokens[end + 1].low == "cent":
        return Quantity(at, end + 2, text, is_percent=True)
    return Quantity(at, end, text)


def _is_of_total(tokens: Sequence[Token], at: int) -> bool:
    """Is it "9912/10000" or "9912 of 10000"? Not "80/20", "epoch 3/10"."""
    if at + 2 >= len(tokens) or tokens[at + 1].low not in ("/", "of"):
        return False
    count, total = tokens[at].text, tokens[at + 2].text
    is_whole = count.isdigit() and total.isdigit() and len(count) <= LONGEST_WHOLE >= len(total)
    return is_whole and int(count) <= int(total) > 100


def _is_group(token: Token) -> bool:
    """Three digits after a blank: a group of thousands."""
    return token.kind is Kind.NUMBER and len(token.text) == 3 and token.text.isdigit() and not token.is_glued


def _in_brackets(tokens: Sequence[Token]) -> set[int]:
    """Numbers in "[-1, 32, 28]" and "(16, 6)", and alone in "[12]"."""
    inside: set[int] = set()
    opened = -1
    for at, token in enumerate(tokens):
        low = token.low
        if low not in _BRACKETS:
            continue
        if low in ("[", "("):
            opened = at
        elif low in ("]", ")") and opened >= 0:
            numbers = [i for i in range(opened + 1, at) if tokens[i].kind is Kind.NUMBER]
            others = [
                t
                for t in tokens[opened + 1 : at]
                if t.kind is Kind.WORD or (t.low not in (",", "-", ".") and t.kind is Kind.SIGN)
            ]
            is_citation = token.low == "]" and len(numbers) == 1 and tokens[numbers[0]].text.isdigit()
            if numbers and not others and (len(numbers) > 1 or is_citation):
                inside.update(numbers)
            opened = -1
        elif token.kind is Kind.BREAK:
            opened = -1
    return inside


_BRACKETS = frozenset(("[", "(", "]", ")", "", "\n"))  # and where a line ends


def _is_other(tokens: Sequence[Token], quantity: Quantity, covered: Sequence[bool]) -> bool:
    at, end = quantity.at, quantity.end
    before = tokens[at - 1] if at else None
    after = tokens[end] if end < len(tokens) else None
    if before is not None and (before.kind is Kind.SIGN or before.low == "x") and _is_marked(tokens, at):
        return True
    if after is not None and (_is_measured(tokens, quantity) or _is_share(tokens, quantity, covered)):
        return True
    if (
        quantity.is_whole
        and not quantity.total
        and len(quantity.text) == 4
        and FIRST_YEAR <= int(quantity.text) <= LAST_YEAR
    ):
        return before is not None and before.low not in (":", "=") and not (after and metric_word(after.low))
    if quantity.is_whole and [token.low for token in tokens[max(0, at - 2) : at]] == ["out", "of"]:
        return True  # "the number of correct ones out of 100"
    return _is_of_a_key(tokens, quantity, covered)


def _is_marked(tokens: Sequence[Token], at: int) -> bool:
    """Is the sign before a plus, a plus-minus, a power, a product: "+2%", "± 0.1", "10^4", "5 * 5"?"""
    low = tokens[at - 1].low
    if low in ("±", "^", "#", "@") or low in _TIMES:
        return True
    if low == "+":
        return True
    if low == "/" and at >= 2 and tokens[at - 2].low == "+":
        return True
    if low == "-" and at >= 3 and tokens[at - 2].low == "/" and tokens[at - 3].low == "+":
        return True
    if low == "-" and tokens[at].is_glued and at >= 2:
        return (at >= 3 and tokens[at - 2].low in ("+", "/")) or tokens[at - 2].low in ("e", "^", "±", "(", "top")
    return low == "/" and tokens[at].is_glued and tokens[at - 2].low == "+"


def _is_measured(tokens: Sequence[Token], quantity: Quantity) -> bool:
    """Does a unit follow ("15 epochs"), a product ("28 x 28"), a sum ("2400 + 32"), or more of a clock ("00:18")?"""
    at = quantity.end
    first = tokens[at]
    if first.low in _TIMES or first.low == "^":
        return True
    if first.low == "+" and at + 1 < len(tokens) and (tokens[at + 1].kind is Kind.NUMBER or tokens[at + 1].low == "("):
        return True
    if (
        first.low == ":"
        and first.is_glued
        and at + 1 < len(tokens)
        and tokens[at + 1].kind is Kind.NUMBER
        and tokens[at + 1].is_glued
    ):
        return True
    if quantity.is_percent:
        return first.low == "|" and first.is_glued  # "100%|####" of a progress bar
    if first.low == ":" and quantity.is_whole and at + 1 < len(tokens) and tokens[at + 1].kind is Kind.NUMBER:
        return True  # "Accuracy of 3 : 98.9 %": the class 3
    if first.low == "=" and quantity.is_whole and quantity.at and tokens[quantity.at - 1].kind is Kind.WORD:
        return True  # "params 1 = ...": an index
    if first.low == "-" and at + 1 < len(tokens):
        first = tokens[at + 1]
        if not first.is_glued:
            return False
    if (
        first.low == "/"
        and at + 1 < len(tokens)
        and tokens[at + 1].low in ("step", "epoch", "batch", "it", "s", "sample")
    ):
        return True
    if first.low == "percentage" and at + 1 < len(tokens) and tokens[at + 1].low.startswith("point"):
        return True
    if first.low not in UNITS or first.kind is not Kind.WORD:
        return False
    if not quantity.is_whole and any(token.low in (":", "=") for token in tokens[at + 1 : at + 3]):
        return False  # "0.31 batch_id=4": the next label
    # "0.91 test accuracy": no unit; "0.98 model accuracy" neither
    following = [token.low for token in tokens[at + 1 : at + 3]]
    return not any(metric_word(word) not in (None, "parameters") for word in following) or quantity.is_whole


_COMPARING = word_set(
    "above below more higher lower better less increase improvement drop gain faster of points point decrease worse"
)
_OTHER_VALUE = word_set("the that our its training test validation train baseline what previous first chance random")


def _is_share(tokens: Sequence[Token], quantity: Quantity, covered: Sequence[bool]) -> bool:
    if not quantity.is_percent:
        return tokens[quantity.end].low in ("higher", "lower", "better", "worse", "improvement")
    words = [token for token in tokens[quantity.end : quantity.end + 5] if token.kind is not Kind.BREAK]
    lows = [word.low for word in words]
    if any(metric_word(low) for low in lows[:4]) and lows[0] not in _COMPARING:
        return False
    if lows[:1] == ["-"]:
        lows = lows[1:]
    if lows and lows[0] in ("above", "below", "over", "under"):
        return lows[1:2] != [] and lows[1] in _OTHER_VALUE  # "0.7 % above the validation accuracy"
    if lows and (lows[0] in SHARES or lows[0] in ("points", "point")) and lows[0] != "of":
        return True
    if lows[:1] == ["of"]:
        rest = [low for low in lows[1:] if low not in ("the", "all", "our", "its", "my", "total")]
        around = {token.low for token in tokens[max(0, quantity.at - 8) : quantity.end + 10]}
        if around & _CLASSIFIED:
            return False  # "97 % of the test images were classified correctly"
        return bool(rest) and rest[0] in SHARED and not any(metric_word(low) for low in rest[1:2])
    if len(lows) >= 2 and lows[0] in ("for", "as") and lows[1] in SPLITS and lows[2:3] not in ([","], ["and"], ["/"]):
        return not any(covered)  # "20% for validation"
    return len(lows) >= 2 and lows[0] in SPLITS and (lows[1] in SET_WORDS or lows[1] in ("/", "and", ","))


def _is_of_a_key(tokens: Sequence[Token], quantity: Quantity, covered: Sequence[bool]) -> bool:
    """Is a setting, a name or a change named right before: "dropout of", "Model", "improved by"?"""
    back = quantity.at - 1
    if _is_of_quoted_key(tokens, back, covered):
        return True
    sign = ""
    steps = 0
    while (
        back >= 0
        and steps < 6
        and (tokens[back].low in _BETWEEN or tokens[back].kind is Kind.BREAK)
        and not covered[back]
    ):
        if tokens[back].low in (":", "="):
            sign = tokens[back].low
        if tokens[back].kind is Kind.BREAK and sign:
            return False
        back -= 1
        steps += 1
    if back < 0 or covered[back] or tokens[back].kind is not Kind.WORD:
        return False
    low = tokens[back].low
    is_adjacent = back == quantity.at - 1
    if low in CHANGES or low in CHANGE_NOUNS:
        return True
    if low in KEYS and sign == ":" and back and tokens[back - 1].low in ("with", "without", "no", "data", "using"):
        return False  # "Test accuracy without dropout: 0.83"
    if low in KEYS:
        return not (low in _COUNT_KEYS and not quantity.is_whole and low != "p")
    if low in NAMED and (is_adjacent or tokens[back + 1].low == "(" or low in _STEPS):
        is_name = len(quantity.text) <= LONGEST_NAME and "," not in quantity.text
        return (not quantity.is_percent and is_name) or (quantity.text.isdigit() and low == "top")
    if sign == "=" and tokens[quantity.at - 1].low in ("=", "-") and not low.lstrip("x").isdigit():
        return not quantity.is_percent and low not in SPLITS and low not in OPTIMIZERS
    return False


def _is_of_quoted_key(tokens: Sequence[Token], at: int, covered: Sequence[bool]) -> bool:
    """Does a colon at `at` end a key in quotes that names no metric: "'mape': 2.49" in a printed dictionary?"""
    if at < 2 or tokens[at].low != ":" or tokens[at - 1].low not in _QUOTES:
        return False
    at -= 2
    while at >= 0 and tokens[at].low not in _QUOTES:
        if covered[at] or tokens[at].kind is Kind.BREAK:
            return False
        at -= 1
    return at >= 0


def _qualify(tokens: Sequence[Token], quantity: Quantity) -> None:
    """Set the bound and whether it is only about so much, from the words around."""
    back = quantity.at - 1
    steps = 0
    while back >= 0 and steps < 5:
        low = tokens[back].low
        if low in (">", "≥", ">=") or low in ABOVE_WORDS:
            quantity.bound = ">"
        elif low in ("<", "≤", "<=") or low in BELOW_WORDS:
            quantity.bound = "<"
        elif low in COMPARED and (back + 1 < quantity.at or low in ("least", "most")):
            is_denied = back > 0 and tokens[back - 1].low in ("no", "not", "kein", "nicht")  # "no more than"
            quantity.bound = {">": "<", "<": ">"}[COMPARED[low]] if is_denied else COMPARED[low]
        elif low in ("~", "≈") or low in APPROXIMATE:
            quantity.is_approximate = True
        elif low not in _QUALIFIERS and not low.startswith("tha") and tokens[back].kind is not Kind.BREAK:
            break
        back -= 1
        steps += 1
    after = [token.low for token in tokens[quantity.end : quantity.end + 2]]
    is_sum = len(tokens) > quantity.end + 1 and tokens[quantity.end + 1].kind is Kind.NUMBER
    if (after[:1] == ["+"] and not is_sum) or after in (
        ["or", "more"],
        ["or", "higher"],
        ["or", "above"],
        ["and", "above"],
        ["or", "better"],
    ):
        quantity.bound = quantity.bound or ">"


def _mend_range(tokens: Sequence[Token], found: list[Quantity], quantity: Quantity) -> None:
    """In "70-75%" and "from 70 to 75%" the sign holds for both; a range says about how much."""
    if not found:
        return
    last = found[-1]
    if quantity.at - last.end != 1:
        return
    between = [tokens[last.end].low]
    if (
        between in (["to"], ["→"], ["->"])
        and not last.is_result
        and last.is_percent == quantity.is_percent
        and not last.is_restated
    ):
        quantity.is_result = False  # "dropout from 0.25 to 0.5"
    if between not in (["-"], ["–"], ["to"], ["and"], ["→"], ["->"], ["—"]):
        return
    if quantity.is_percent and not last.is_percent and not last.total and "." not in last.text[:2]:
        opened = tokens[last.at - 1].low if last.at else ""
        if between in (["-"], ["–"]) or opened in ("from", "between", "~", "of") or between in (["→"], ["->"]):
            last.is_percent = True
    is_dash = between in (["-"], ["–"], ["—"]) and (
        quantity.is_percent or quantity.text.count(".") == last.text.count(".") == 1
    )
    is_between = between == ["and"] and last.at > 0 and tokens[last.at - 1].low == "between"
    if (is_dash or is_between) and last.is_percent == quantity.is_percent:
        last.is_approximate = quantity.is_approximate = True
        last.bound, quantity.bound = ">", "<"
        last.is_result = quantity.is_result = last.is_result and (quantity.is_result or is_dash)
