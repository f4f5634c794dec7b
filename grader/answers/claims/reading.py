"""Which results does a report claim? Tables first, then paragraphs, records and printed lines, in the order of the file.

lines -> tables (grids, cellruns -> tabled) and blocks (blocks -> governed, stance) -> FoundClaim -> doubts
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from grader.answers.answer_error import AnswerError
from grader.answers.claims.blocks import Block, Scope, blocks_of, cleaned_lines, sentences_of
from grader.answers.claims.cellruns import find_cell_runs
from grader.answers.claims.doubts import meaning_of, with_doubts
from grader.answers.claims.found import COUNTS, RATES, FoundClaim
from grader.answers.claims.governed import Sentence, Value, read_sentence
from grader.answers.claims.grids import Grid, find_grids, squeezed
from grader.answers.claims.mentions import mentions_in
from grader.answers.claims.quantities import Quantity
from grader.answers.claims.stance import Stance, stance_of
from grader.answers.claims.tabled import CellValue, read_grid
from grader.answers.claims.tokens import Kind, Token, is_ordinal, tokens_of
from grader.answers.claims.vocabulary import NETWORKS, OPTIMIZERS, SPLITS, datasets_in, metric_word
from grader.answers.numbers import Number, parse_number
from grader.documents.report_lines import Line, Source
from grader.model import Place

# A block without one of these, or without a digit, states nothing: most of a long file is passed over by this test.
_WORTH = (
    "%", "acc", "loss", "err", "param", "precision", "recall", "f1", "f-", "f measure", "psnr", "ssim", "mae", "mse", "auc",
    "iou", "perplex", "percent", "prozent", "acu", "genauigk", "verlust", "fehler", "quote", "exactitud", "classified",
    "klassifiziert", "ion rate", "success rate", "correct", "nøyak", "noggr", " tap", "perte", "top", "scor", "tarkk", "nauwk",
)  # fmt: skip
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
    return any(stem in low for stem in _WORTH)


# --- blocks -----------------------------------------------------------------------------------


def _of_block(block: Block) -> Iterator[FoundClaim]:
    whole = block.tokens
    texts = block.texts
    tables = squeezed(whole) if len(block.lines) > 1 else []
    lines_taken = {row.line for grid in tables for row in grid.rows}
    for grid in tables:
        for value in read_grid(grid, "", block.scope.split):
            claim = _claim_of_cell(value, block.scope, texts.get(value.line, value.text))
            if claim is not None:
                yield claim
    tokens = [token for token in whole if token.line not in lines_taken] if lines_taken else whole
    for run in sentences_of(tokens):
        if not any(token.kind is Kind.NUMBER for token in run):
            continue
        sentence = read_sentence(run)
        for value in sentence.values:
            claim = _claim_of_value(value, sentence, block)
            if claim is not None:
                yield claim
        yield from _bare(sentence, block)


@dataclass(slots=True)
class _Around:
    """What a sentence says besides the number."""

    epoch: int | None = None
    epochs: int | None = None
    optimizer: str | None = None
    dataset: str | None = None
    model: str = ""


def _claim_of_value(value: Value, sentence: Sentence, block: Block) -> FoundClaim | None:
    tokens, quantity = sentence.tokens, value.quantity
    metric = value.label.metric
    if metric == "non_trainable_parameters" or (metric in COUNTS and _is_of_one_layer(tokens, value)):
        return None
    stance = stance_of(tokens, quantity.at, max(quantity.end, value.last)) if block.source is Source.TEXT else Stance()
    if stance.is_nobodys:
        return None
    number, written = _number(tokens, quantity, metric, is_percent=value.is_percent)
    if number is None:
        return None
    around = _around(tokens, value, _scope_of(block))
    split = value.label.split or (block.scope.split if metric not in COUNTS else None)
    reason = "; ".join(reason for reason in value.reasons if reason != "inherited")
    line = tokens[quantity.at].line
    claim = FoundClaim(
        line, max(line, tokens[max(quantity.end, value.last) - 1].line), written, number.value, number, metric, split, around.dataset,
        around.model, around.epoch, around.epochs, around.optimizer, quantity.bound, quantity.is_approximate or _is_round(quantity, metric),
        is_goal=stance.is_goal or (bool(quantity.bound) and block.lines[0].is_heading) or (block.scope.is_goal and not _is_done(tokens)), is_literature=stance.is_literature,
        text=block.texts.get(line, "").strip(),
    )  # fmt: skip
    return _with_open_readings(claim, value, reason)


def _scope_of(block: Block) -> Scope:
    """The scope of a block; a data set that the block itself names stands before that of the heading."""
    sets = [name for name in datasets_in(block.text) if name != "imagenet"]
    return replace(block.scope, dataset=sets[0]) if len(sets) == 1 else block.scope


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
_WHOLE = frozenset({"network", "model", "total", "net", "overall", "altogether", "cnn", "params"})


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


def _around(tokens: Sequence[Token], value: Value, scope: Scope) -> _Around:
    made = _Around(model=scope.model)
    at = value.quantity.at
    named = [place for place, token in enumerate(tokens) if token.low in ("epoch", "epochs", "epoche", "epochen", "ep")]
    for place in [*reversed([place for place in named if place < at]), *(place for place in named if place > at)]:
        if (
            made.epoch is None
            and made.epochs is None
            and not (value.tie == "key" and _lines_between(tokens, place, at) > 1)
        ):
            _set_epoch(tokens, place, made)
    near = [place for place, token in enumerate(tokens) if token.low in OPTIMIZERS]
    before = [place for place in near if place < at]
    if before or len(near) == 1:
        made.optimizer = OPTIMIZERS[tokens[before[-1] if before else near[0]].low]
    else:
        in_head = [OPTIMIZERS[t.low] for t in tokens_of(scope.model, 0) if t.low in OPTIMIZERS]
        made.optimizer = in_head[0] if len(in_head) == 1 else None
    text = " ".join(token.text for token in tokens[max(0, at - 60) : at + 40])
    sets = datasets_in(text)
    made.dataset = sets[0] if len(sets) == 1 else (_nearest_set(tokens, at) if sets else scope.dataset)
    head = " ".join(token.text for token in tokens[max(0, value.first - 40) : at])
    networks = list(NETWORKS.finditer(head))
    own = _own_name(tokens, value)
    if own:
        made.model = own
    elif networks:
        made.model = networks[-1][0]
    return made


def _lines_between(tokens: Sequence[Token], one: int, other: int) -> int:
    return sum(token.kind is Kind.BREAK for token in tokens[min(one, other) : max(one, other)])


def _nearest_set(tokens: Sequence[Token], at: int) -> str | None:
    ahead = datasets_in(" ".join(token.text for token in tokens[max(0, at - 60) : at]))
    return ahead[-1] if ahead else None


def _own_name(tokens: Sequence[Token], value: Value) -> str:
    """The words before a colon that opens the record: "SGD Optimizer: Final loss: 0.20"."""
    for place in range(min(value.first, len(tokens)) - 1, max(-1, value.first - 2), -1):
        if tokens[place].low == ":" and place:
            start = place
            while (
                start
                and tokens[start - 1].kind is not Kind.BREAK
                and tokens[start - 1].low not in _ENDS
                and place - start < 7
            ):
                start -= 1
            words = tokens[start:place]
            is_name = len(words) < 7 and not any(
                t.low in _NO_NAMES or t.low in SPLITS or metric_word(t.low) for t in words
            )
            return " ".join(token.text for token in words) if is_name else ""
    return ""


_ENDS = frozenset({":", ".", ",", ";", "-", "•", "*", "|", "[", "("})
_NO_NAMES = frozenset(
    {"epoch", "epochs", "step", "iteration", "results", "result", "note", "set", "slightly", "following"}
)


def _set_epoch(tokens: Sequence[Token], place: int, made: _Around) -> None:
    before = tokens[place - 1] if place else None
    if before is not None and (before.kind is Kind.NUMBER and before.text.isdigit() and len(before.text) < 6):
        made.epochs = int(before.text)
    elif before is not None and is_ordinal(before):
        made.epoch = int("".join(char for char in before.text if char.isdigit()))
    else:
        at = place + 1
        while at < len(tokens) and at < place + 4 and tokens[at].low in (":", "=", "[", "#", "(", "done"):
            at += 1
        if (
            at < len(tokens)
            and tokens[at].kind is Kind.NUMBER
            and tokens[at].text.isdigit()
            and len(tokens[at].text) < 6
        ):
            if tokens[place].low == "epochs":
                made.epochs = int(tokens[at].text)
            else:
                made.epoch = int(tokens[at].text)


def _number(tokens: Sequence[Token], quantity: Quantity, metric: str, *, is_percent: bool) -> tuple[Number | None, str]:
    """The Number and how it is written. A rate over 1 without a sign is a percentage."""
    text = quantity.text
    written = f"{text}/{quantity.total}" if quantity.total else text + _percent_as_written(tokens, quantity)
    try:
        number = parse_number(f"{text}/{quantity.total}" if quantity.total else text, Place(""))
    except AnswerError:
        return None, written
    if metric in COUNTS:
        whole = [form for form in number.forms if form.value.denominator == 1]
        return (replace(number, forms=tuple(whole), written=written) if whole else None), written
    if metric in RATES and not quantity.total:
        forms = [form for form in number.forms if form.value <= 100]
        if not forms:
            return None, written
        as_percent = quantity.is_percent or is_percent or forms[0].value > 1
        if as_percent:
            forms = [replace(form, value=form.value / 100, step=form.step / 100) for form in forms]
        return replace(number, forms=tuple(forms), written=written, is_percent=quantity.is_percent), written
    sign = (
        -1
        if quantity.at >= 2
        and tokens[quantity.at - 1].low == "-"
        and tokens[quantity.at].is_glued
        and tokens[quantity.at - 2].low in (":", "=")
        else 1
    )
    forms = [replace(form, value=sign * form.value) for form in number.forms]
    decimal = [form for form in forms if form.step < 1] or forms
    return replace(number, forms=tuple(decimal), written=written), written


def _percent_as_written(tokens: Sequence[Token], quantity: Quantity) -> str:
    if not quantity.is_percent or quantity.end - quantity.at < 2:
        return ""
    sign = tokens[quantity.end - 1]
    return sign.text if sign.is_glued else f" {sign.text}"


def _bare(sentence: Sentence, block: Block) -> Iterator[FoundClaim]:
    """Numbers that nothing names, behind a record: "Validation Loss: 1.04, Validation Accuracy: 0.757 1.0492 0.7587"."""
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
        number, written = _number(sentence.tokens, quantity, metric, is_percent=False)
        if number is None or not 0 <= number.value <= (1 if metric in RATES else 100):
            continue
        around = _around(
            sentence.tokens, Value(quantity, last.label, "bare", None, last.first, quantity.end), block.scope
        )
        line = sentence.tokens[quantity.at].line
        claim = FoundClaim(
            line, line, written, number.value, number, metric, None, around.dataset, around.model, around.epoch, around.epochs,
            around.optimizer, text=block.texts.get(line, "").strip(),
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
        if not _DIGIT.search(text) or not (_is_worth_reading(text) or mentions_in(tokens_of(before, 0))):
            continue
        lead = (
            before
            if before.rstrip().endswith(":") or "table" in before.casefold() or before.strip() == scope.heading
            else scope.heading
        )
        texts = {number: " | ".join(row.cells) for row in reversed(grid.rows) for number in (row.line, *row.cell_lines)}
        for value in read_grid(grid, lead, scope.split):
            claim = _claim_of_cell(value, scope, "")
            if claim is None:
                continue
            yield replace(claim, text=texts.get(value.line, value.text))


def _claim_of_cell(value: CellValue, scope: Scope, text: str) -> FoundClaim | None:
    if value.metric == "non_trainable_parameters":
        return None
    number, written = _number(value.tokens, value.quantity, value.metric, is_percent=value.is_percent)
    if number is None:
        return None
    is_goal = any(
        word in value.model.casefold().split()
        for word in ("target", "goal", "required", "requirement", "threshold", "expected", "ziel")
    )
    is_cited = any(
        word in value.model.casefold() for word in ("literature", "state of the art", "sota", "paper", "human")
    )
    claim = FoundClaim(
        value.line, value.line, written, number.value, number, value.metric, value.split, value.dataset or scope.dataset,
        value.model or scope.model, *value.epoch, value.optimizer, value.quantity.bound, value.quantity.is_approximate,
        is_goal=is_goal, is_literature=is_cited, text=text.strip(),
    )  # fmt: skip
    if value.reason:
        claim = replace(claim, readings=(meaning_of(claim, reason=value.reason),))
    return claim


# --- the data set of the whole file -----------------------------------------------------------


def _with_dataset(found: Sequence[FoundClaim], lines: Sequence[Line], name: str) -> list[FoundClaim]:
    """Where a file names one data set only, every claim is about it."""
    if all(claim.dataset is not None for claim in found):
        return list(found)
    named: set[str] = set()
    for line in lines:
        if len(line.text) < 2000:
            named.update(datasets_in(line.text))
    named.discard("imagenet")
    if "cifar100_coarse" in named:
        named.discard("cifar100")
    if not named:
        named.update(datasets_in(name))
    only = named.pop() if len(named) == 1 else None
    return [replace(claim, dataset=claim.dataset or only) for claim in found] if only else list(found)
