"""Which results does a report claim? Those of tables, paragraphs, records and printed lines, in the order of the file.

lines -> tables (grids, cellruns -> tabled) and blocks (blocks -> governed, stance) -> FoundClaim -> doubts
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from grader.answers.claims.blocks import Block, Cleaned, Scope, blocks_of, cleaned_lines, text_of, tokens_in
from grader.answers.claims.cellruns import find_cell_runs
from grader.answers.claims.doubts import meaning_of, with_doubts
from grader.answers.claims.found import COUNTS, RATES, FoundClaim
from grader.answers.claims.governed import read_sentence
from grader.answers.claims.grids import Grid, find_grids
from grader.answers.claims.mentions import mentions_in
from grader.answers.claims.quantities import Quantity
from grader.answers.claims.sentences import sentences_of
from grader.answers.claims.squeezed import squeezed
from grader.answers.claims.stance import Stance, stance_of
from grader.answers.claims.surroundings import around, places_of
from grader.answers.claims.tabled import CellValue, read_grid
from grader.answers.claims.tokens import Kind, Token, tokens_of, tokens_of_label
from grader.answers.claims.values import Sentence, Value
from grader.answers.claims.vocabulary import ACHIEVING, SPLITS, datasets_in, word_set
from grader.answers.claims.written import number_of
from grader.documents.report_lines import Line, Source

# A block without one of these, or without a digit, states nothing: most of a long file is passed over by this test.
_WORTH = (
    "acc", "loss", "err", "param", "precision", "recall", "f1", "f-", "f measure", "psnr", "ssim", "mae", "mse",
    "auc", "iou", "perplex", "acu", "genauigk", "verlust", "fehler", "quote", "exactitud",
    "classified", "klassifiziert", "ion rate", "success rate", "correct", "nøyak", "noggr", " tap", "perte", "top",
    "scor", "tarkk", "nauwk",
)  # fmt: skip
_NAMES_METRIC = (*_WORTH, "tap", "squar", "measure", "korrekt", "cy", "cie")  # of a piece: nothing less than `_WORTH`
# Without a metric only a percentage is a result, and where one of these says so.
_SHARE = ("%", "percent", "prozent")
_OF_A_SHARE = (*SPLITS, *ACHIEVING, "sota", "state", "measure", "squar", "korrekt", "cy", "cie")
_DIGIT = re.compile(r"\d")
MOST_CLAIMS = 50_000  # of one file: more are a log of numbers, of which these are enough


def read_claims(lines: Sequence[Line], *, name: str = "") -> tuple[FoundClaim, ...]:
    """All results, goals and cited values that `lines` state, in the order of the lines.

    `name`  the file's name; it may say which data set the file is about

    >>> claims = read_claims([Line(1, "# MNIST"), Line(3, "We reach 97.05% accuracy on the test set after 15 epochs.")])
    >>> [(c.line, c.metric, c.split, c.dataset, str(c.value), c.epochs) for c in claims]
    [(3, 'accuracy', 'test', 'mnist', '1941/2000', 15)]
    >>> [c.is_goal for c in read_claims([Line(1, "The goal is to achieve 80% accuracy.")])]
    [True]
    """
    taken = [False] * len(lines)
    grids = find_grids(lines)
    for grid in grids:
        taken[grid.first : grid.end] = [True] * (grid.end - grid.first)
    runs = find_cell_runs(lines, taken)
    for grid in runs:
        taken[grid.first : grid.end] = [True] * (grid.end - grid.first)
    found: list[FoundClaim] = []
    scopes: list[tuple[int, Scope, str]] = []
    for block in blocks_of(cleaned_lines(lines, taken)):
        text = block.text
        scopes.append((block.lines[0].number, block.scope, text[-400:]))
        if _DIGIT.search(text) and _is_worth_reading(text) and len(found) < MOST_CLAIMS:
            found += _of_block(block)
    found += _of_grids(lines, [*grids, *runs], scopes)
    found.sort(key=lambda claim: claim.line)
    return with_doubts(_with_dataset(found, lines, name))


def _is_worth_reading(text: str) -> bool:
    low = text.casefold()
    return any(map(low.__contains__, _WORTH)) or (
        any(map(low.__contains__, _SHARE)) and any(map(low.__contains__, _OF_A_SHARE))
    )


def _may_state(text: str) -> bool:
    """Can a piece of a block that is worth reading state a result? A quick test."""
    if not _DIGIT.search(text):
        return False
    low = text.casefold()
    return any(map(low.__contains__, _NAMES_METRIC)) or any(map(low.__contains__, _OF_A_SHARE))


# --- blocks -----------------------------------------------------------------------------------


def _of_block(block: Block) -> Iterator[FoundClaim]:
    if len(block.lines) == 1 or not any(map(_ends_with_number, block.lines[1:])):
        for piece in block.pieces():
            if _may_state(text_of(piece)):
                yield from _of_sentences(block, tokens_in(piece))
        return
    whole = block.tokens
    texts = block.texts
    tables = squeezed(whole)
    lines_taken = {row.line for grid in tables for row in grid.rows}
    for grid in tables:
        for cell in read_grid(grid, "", block.scope.split):
            claim = _claim_of_cell(cell, block.scope, texts.get(cell.line, cell.text).strip())
            if claim is not None:
                yield claim
    tokens = [token for token in whole if token.line not in lines_taken] if lines_taken else whole
    yield from _of_sentences(block, tokens)


_NUMBER_ENDS = (
    *"0123456789%", "m", "k", "mio", "bn", "million", "millions", "thousand", "billion", "percent", "prozent",
    "percents", "cent",
)  # fmt: skip


def _ends_with_number(line: Cleaned) -> bool:
    """May a line be one of a table that lost its columns: "Accuracy 0.89 0.82"?"""
    text = line.text.rstrip("_ \t").casefold()
    return text.endswith(_NUMBER_ENDS) or not text.isascii()


def _of_sentences(block: Block, tokens: Sequence[Token]) -> Iterator[FoundClaim]:
    number = Kind.NUMBER
    for run in sentences_of(tokens, width=block.width):
        if not any(token.kind is number for token in run):
            continue
        sentence = read_sentence(run)
        for value in sentence.values:
            claim = _claim_of_value(value, sentence, block)
            if claim is not None:
                yield claim
        yield from _bare(sentence, block)


def _claim_of_value(value: Value, sentence: Sentence, block: Block) -> FoundClaim | None:
    tokens, quantity = sentence.tokens, value.quantity
    metric = value.label.metric
    if metric == "non_trainable_parameters" or (metric in COUNTS and _is_of_one_layer(tokens, value)):
        return None
    stance = Stance()
    if block.source is Source.TEXT:
        stance = stance_of(tokens, quantity.at, max(quantity.end, value.last), lows=places_of(sentence).lows)
    if stance.is_nobodys:
        return None
    number, written = number_of(tokens, quantity, metric, is_percent=value.is_percent)
    if number is None:
        return None
    near = around(sentence, value, block.own_scope)
    split = value.label.split or (block.scope.split if metric not in COUNTS else None)
    reason = "; ".join(reason for reason in value.reasons if reason != "inherited")
    line = tokens[quantity.at].line
    is_goal = stance.is_goal or (bool(quantity.bound) and block.lines[0].is_heading)
    is_goal = is_goal or (block.scope.is_goal and not _is_done(tokens))
    claim = FoundClaim(
        line, max(line, tokens[max(quantity.end, value.last) - 1].line), written, number.value, number, metric, split,
        near.dataset, near.model, near.epoch, near.epochs, near.optimizer, quantity.bound,
        quantity.is_approximate or _is_round(quantity, metric), is_goal=is_goal, is_literature=stance.is_literature,
        text=block.texts.get(line, "").strip(),
    )  # fmt: skip
    return _with_open_readings(claim, value, reason)


def _is_round(quantity: Quantity, metric: str) -> bool:
    """A whole percentage in fives, such as "reached 80 %", is a rounded one."""
    return (
        metric in RATES
        and quantity.is_percent
        and quantity.text.isdigit()
        and int(quantity.text) % 5 == 0
        and not quantity.bound
    )


def _with_open_readings(claim: FoundClaim, value: Value, reason: str) -> FoundClaim:
    if value.label.others:
        also = [
            meaning_of(claim, split=other, reason=f"the label names {claim.split} and {other}")
            for other in value.label.others
        ]
        return replace(claim, readings=(meaning_of(claim, reason="named first"), *also))
    if "inherited" in value.reasons:
        alone = meaning_of(claim, split="", reason="its own label names no split")
        return replace(
            claim, readings=(meaning_of(claim, reason="the label before it on this line names the split"), alone)
        )
    if reason:
        return replace(claim, readings=(meaning_of(claim, reason=reason),))
    return claim


def _is_done(tokens: Sequence[Token]) -> bool:
    return any(token.low in ("achieved", "reached", "got", "obtained", "result", "results") for token in tokens)


_LAYERISH = frozenset(
    {
        "layer",
        "conv",
        "conv1",
        "conv2",
        "conv3",
        "fc1",
        "fc2",
        "fc",
        "kernel",
        "filter",
        "dense",
        "linear",
        "neuron",
        "convolution",
        "unit",
    }
)
_WHOLE = word_set("network model total net overall altogether cnn params")


def _nearest_scope(tokens: Sequence[Token], at: int) -> bool | None:
    """Is a layer the last thing named before token `at`, rather than the network? None where neither is named."""
    for place in range(at - 1, -1, -1):
        token = tokens[place]
        if token.kind is not Kind.WORD:
            continue
        if token.low in _LAYERISH:
            before = tokens[place - 1].low if place else ""
            after = tokens[place + 1].low if place + 1 < len(tokens) else ""
            if before != "-" and (after != "-" or token.low == "layer"):
                return True  # but not in "the 7-layer net"
        elif token.low in _WHOLE and not {"of", "in"} & {t.low for t in tokens[max(0, place - 3) : place]}:
            return False
    return None


def _is_of_one_layer(tokens: Sequence[Token], value: Value) -> bool:
    """Does the count belong to one layer? "Layer 4 has 131,136 parameters", not "the 7-layer net has 31,898"."""
    mention = value.mention
    if mention is not None and any(
        t.low[:-1] in ("param", "params", "parameters") and t.low[-1:].isdigit()
        for t in tokens[mention.start : mention.end]
    ):
        return True
    verdict = _nearest_scope(tokens, value.quantity.at)
    if verdict is None:
        behind = {token.low for token in tokens[value.quantity.end : value.quantity.end + 7]}
        verdict = bool(behind & _LAYERISH) and not behind & _WHOLE
    if verdict:
        return True
    if mention is None:
        return False
    after = tokens[mention.end : mention.end + 1]
    return (
        bool(after)
        and after[0].kind is Kind.NUMBER
        and len(after[0].text) == 1
        and tokens[mention.end - 1].low.startswith("param")
        and after[0].low != value.quantity.text
    )


def _bare(sentence: Sentence, block: Block) -> Iterator[FoundClaim]:
    """Numbers that nothing names, behind a record: "Val. loss: 1.04, val. accuracy: 0.757 1.0492 0.7587"."""
    keyed = [value for value in sentence.values if value.tie == "key" and value.label.metric not in COUNTS]
    if len(keyed) < 2:
        return
    last = keyed[-1]
    at = last.quantity.end
    bare: list[Quantity] = []
    for quantity in sentence.quantities:
        if quantity.at < at:
            continue
        between = sentence.tokens[bare[-1].end if bare else at : quantity.at]
        if any(token.kind is not Kind.BREAK for token in between) or not quantity.is_result or "." not in quantity.text:
            break
        bare.append(quantity)
    metrics = list(dict.fromkeys(value.label.metric for value in keyed))
    if len(bare) != len(metrics) or any(value.quantity in bare for value in sentence.values if value.tie == "key"):
        return
    for metric, quantity in zip(metrics, bare, strict=True):
        number, written = number_of(sentence.tokens, quantity, metric, is_percent=False)
        if number is None or not 0 <= number.value <= (1 if metric in RATES else 100):
            continue
        near = around(sentence, Value(quantity, last.label, "bare", None, last.first, quantity.end), block.scope)
        line = sentence.tokens[quantity.at].line
        claim = FoundClaim(
            line, line, written, number.value, number, metric, None, near.dataset, near.model, near.epoch, near.epochs,
            near.optimizer, text=block.texts.get(line, "").strip(),
        )  # fmt: skip
        order = " and ".join(metrics)
        readings = (
            meaning_of(claim, reason=f"nothing names this number; {order} stand before it in this order"),
            meaning_of(
                claim, split="test", reason="presumably test: the splits before it are named, and this is printed last"
            ),
        )
        yield replace(claim, readings=readings)


# --- tables -----------------------------------------------------------------------------------


def _of_grids(
    lines: Sequence[Line], grids: Sequence[Grid], scopes: Sequence[tuple[int, Scope, str]]
) -> Iterator[FoundClaim]:
    place = 0
    for grid in sorted(grids, key=lambda grid: grid.first):
        first = lines[grid.first].number
        while place + 1 < len(scopes) and scopes[place + 1][0] <= first:
            place += 1
        _, scope, before = scopes[place] if scopes and scopes[place][0] <= first else (0, Scope(), "")
        text = " ".join(row_cell for row in grid.rows[:40] for row_cell in row.cells)
        if not _DIGIT.search(text):
            continue
        lead = _lead_of(before, scope.heading)
        if not (_is_worth_reading(text) or _is_of_shares(grid, text, lead) or mentions_in(tokens_of(before, 0))):
            continue
        texts = {number: " | ".join(row.cells) for row in reversed(grid.rows) for number in (row.line, *row.cell_lines)}
        for value in read_grid(grid, lead, scope.split):
            claim = _claim_of_cell(value, scope, texts.get(value.line, value.text))
            if claim is not None:
                yield claim


def _is_of_shares(grid: Grid, text: str, lead: str) -> bool:
    """May a table of percentages that names no metric in its first rows (`text`) hold results all the same?"""
    low = text.casefold()
    if not any(map(low.__contains__, _SHARE)):
        return False
    whole = " ".join(cell for row in grid.rows for cell in row.cells).casefold() if len(grid.rows) > 40 else low
    return any(map(whole.__contains__, _NAMES_METRIC + _OF_A_SHARE)) or bool(mentions_in(tokens_of_label(lead)))


def _lead_of(before: str, heading: str) -> str:
    """What announces a table: the last line before it, where it ends in a colon or is a caption, or the heading."""
    last = before.strip().rsplit("\n", 1)[-1]
    is_lead = last.endswith(":") or last.casefold().startswith(("table", "tab."))
    lead = last if is_lead and len(last) <= LONGEST_LEAD else heading
    words = {token.low for token in tokens_of(lead, 0)}
    return "" if len(lead) > LONGEST_LEAD or words & _NO_LEAD else lead


LONGEST_LEAD = 120
_NO_LEAD = word_set("seconds second time times ms per hours minutes memory size")


_GOALS = word_set("target goal required requirement threshold expected ziel")
_CITED = ("literature", "state of the art", "sota", "paper", "human")


def _claim_of_cell(value: CellValue, scope: Scope, text: str) -> FoundClaim | None:
    if value.metric == "non_trainable_parameters":
        return None
    number, written = number_of(value.tokens, value.quantity, value.metric, is_percent=value.is_percent)
    if number is None:
        return None
    model = value.model.casefold()
    is_goal = not _GOALS.isdisjoint(model.split())
    is_cited = any(map(model.__contains__, _CITED))
    claim = FoundClaim(
        value.line, value.line, written, number.value, number, value.metric, value.split,
        value.dataset or scope.dataset,
        value.model or scope.model, *value.epoch, value.optimizer, value.quantity.bound, value.quantity.is_approximate,
        is_goal=is_goal, is_literature=is_cited, text=text,
    )  # fmt: skip
    if value.reason:
        claim = replace(claim, readings=(meaning_of(claim, reason=value.reason),))
    return claim


# --- the data set of the whole file -----------------------------------------------------------


_A_DATASET = re.compile("mnist|cifar|imagenet|svhn|stl", re.IGNORECASE).search


def _with_dataset(found: Sequence[FoundClaim], lines: Sequence[Line], name: str) -> list[FoundClaim]:
    """Where a file names one data set only, every claim is about it."""
    if all(claim.dataset is not None for claim in found):
        return list(found)
    named: set[str] = set()
    for text in {line.text for line in lines if _A_DATASET(line.text)}:
        if len(text) < 2000:
            named.update(datasets_in(text))
    named.discard("imagenet")
    if "cifar100_coarse" in named:
        named.discard("cifar100")
    if not named:
        named.update(datasets_in(name))
    only = named.pop() if len(named) == 1 else None
    return [replace(claim, dataset=only) if only and not claim.dataset else claim for claim in found]
