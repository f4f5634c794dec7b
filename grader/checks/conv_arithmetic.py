"""Does a size, kernel, stride, padding or dilation that the student found fit the equation of the layer?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, Final

from grader.answers.answer_error import AnswerError
from grader.answers.writing import spoken
from grader.architecture import ShapeError
from grader.checks._doubt import doubtful
from grader.checks._given import GIVEN, given_remarks, without_given
from grader.checks._lint import setting_problem
from grader.checks._size_answer import stated_size, working_of
from grader.checks._window import UNKNOWNS, FieldSlip, Slip, Window, field_slips, receptive_field, slips, solutions
from grader.checks._working import working_remarks
from grader.checks.base import Check, answer_to, failed, passed, register, shown, unanswered, unreadable
from grader.model import Answer, EvidenceByJob, Finding, Json, Problem, Rule, Submission

FIELD: Final = "receptive_field"


def _sizes(description: str, *, least: int = 1, most: int = 256) -> Mapping[str, Json]:
    one = {"type": "integer", "minimum": least, "maximum": most}
    return {
        "anyOf": [one, {"type": "array", "minItems": 2, "maxItems": 2, "items": one}],
        "description": f"{description}, one number or [height, width]",
    }


_WINDOW: Final[Mapping[str, Json]] = {
    "kernel": _sizes("the kernel, or the window of a pooling"),
    "stride": _sizes("pixels per step; left out: 1, or the kernel for a pooling"),
    "dilation": _sizes("the distance of two entries of the kernel; left out: 1"),
}
_WORDS: Final = {FIELD: "receptive field"}


@register
class ConvArithmetic(Check):
    """Puts a size, kernel, stride, padding or dilation back into the equation of its layer.

    What it looks at: the rubric gives the known quantities and names the unknown one. The student's value is put into
    PyTorch's equation, rounded down as PyTorch does (up with `ceil_mode`), and has to give the known output, so
    every solution counts where there are several. One number means both axes, as in PyTorch: 252, 252x252 and
    (252, 252) are the same. With working, "(252-3)/1 + 1 = 250", the value at the end counts, and a step that does
    not hold is quoted as a remark. So is a quantity that is written down beside the answer and is not the task's:
    `{"value": "9x9", "given": {"padding": 1}}` where the task has padding 0.

    A wrong value is explained by what it would give ("with kernel 11x11 the output is 502, not 504"), and by the
    slip that leads to it, where one does: the + 1 forgotten, the padding counted once, the division rounded up, kernel
    and padding swapped, the padding of both sides for that of one.

    `unknown: receptive_field` asks for the pixels of the input that one output pixel of a stack of `layers` sees.

    Why it matters: whoever can compute sizes backwards has understood the layer.

    Not covered: whole networks (see `layer-table`), and formulas with letters. `require` narrows what is accepted.

        - check: conv-arithmetic
          answer: "1d"
          known: {input: 512, output: 504, stride: 1, padding: 0}
          unknown: kernel
          require: {square: true, odd: true}
    """

    name: ClassVar[str] = "conv-arithmetic"
    reads_answer: ClassVar[bool] = True
    settings_schema: ClassVar[Mapping[str, Json]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["unknown"],
        "properties": {
            "kind": {
                "enum": ["conv", "pool", "transposed"],
                "default": "conv",
                "description": "the layer: a convolution, a pooling, or a transposed convolution",
            },
            "known": {
                "type": "object",
                "additionalProperties": False,
                "minProperties": 1,
                "properties": {
                    "input": _sizes("the size of the input", most=2048),
                    **_WINDOW,
                    "padding": _sizes("pixels added on each side; left out: 0", least=0),
                    "output": _sizes("the size of the output", most=2048),
                    "output_padding": _sizes("that of a transposed convolution; left out: 0", least=0),
                },
                "description": "what the task states, in pixels",
            },
            "unknown": {
                "enum": [*UNKNOWNS, FIELD],
                "description": "what the task asks for",
            },
            "ceil_mode": {
                "type": "boolean",
                "default": False,
                "description": "whether a pooling rounds up, as PyTorch's argument of that name",
            },
            "layers": {
                "type": "array",
                "minItems": 1,
                "maxItems": 100,
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["kernel"],
                    "properties": {
                        "kind": {
                            "enum": ["conv", "pool"],
                            "default": "conv",
                            "description": "a convolution or a pooling",
                        },
                        **_WINDOW,
                    },
                },
                "description": "for the receptive field: the layers, from the input on",
            },
            "require": {
                "type": "object",
                "additionalProperties": False,
                "minProperties": 1,
                "properties": {
                    "square": {"type": "boolean", "description": "height and width are equal"},
                    "odd": {"type": "boolean", "description": "no even number"},
                    "min": {"type": "integer", "minimum": 0, "description": "the smallest value that is accepted"},
                    "max": {"type": "integer", "minimum": 0, "description": "the largest value that is accepted"},
                },
                "description": "what the task demands of the value besides",
            },
        },
    }

    def answer_schema(self, rule: Rule) -> Mapping[str, Json]:
        """A size, in one of its writings."""
        word = _word(rule.settings)
        return {
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "integer", "minimum": 0}},
                {"type": "string", "minLength": 1, "maxLength": 1000},
                {
                    "type": "object",
                    "required": ["value"],
                    "additionalProperties": False,
                    "properties": {
                        "value": {"type": ["integer", "array", "string"], "description": f"the {word}"},
                        "working": {"type": "string", "maxLength": 2000, "description": "how it was computed"},
                        "given": GIVEN,
                    },
                },
            ],
            "description": f"the {word} in pixels: one number for both axes, [height, width] or text such as 9x9; "
            "its working may stand before it: (28-5)/1 + 1 = 24",
        }

    def lint(self, rule: Rule) -> Iterable[Problem]:
        """Quantities that are missing or asked for, a layer that PyTorch refuses, a task without a solution."""
        misfits = list(_misfits(rule))
        if misfits:
            yield from misfits
            return
        if rule.settings["unknown"] != FIELD:
            yield from _unsolvable(rule)

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """One finding on the value, and a remark for each step of the working that does not hold."""
        del evidence
        answer = answer_to(rule, submission)
        if answer is None:
            yield unanswered(rule)
            return
        answer, given = without_given(answer)
        try:
            has_channels = rule.settings["unknown"] in ("input", "output")
            stated = stated_size(answer, may_have_channels=has_channels)
        except AnswerError as error:
            is_size = error.problem.code == "not-a-size"  # it can be read, as a size of other rank
            right = None if is_size else doubtful(answer, error.problem, lambda piece: _is_right(rule.settings, piece))
            yield right or _unreadable(rule.settings, error, answer)
            return
        judged = _judged_field if rule.settings["unknown"] == FIELD else _judged_window
        details = {"expected": _expected(rule.settings), "observed": shown(answer.value), "place": answer.place}
        findings = [judged(rule.settings, reading, details) for reading in stated.readings]
        yield max(findings, key=lambda finding: finding.credit or 0)  # of several meanings the one that fits
        if stated.working is not None:
            yield from working_remarks(stated.working, answer.place)
        if rule.settings["unknown"] != FIELD:
            yield from given_remarks(given, rule.settings["unknown"], _windows(rule.settings), answer)


def _is_right(settings: Mapping[str, Json], piece: str) -> bool:
    """Would a number be right if it stood alone?"""
    if not piece.isdigit() or len(piece) > 6:
        return False
    judged = _judged_field if settings["unknown"] == FIELD else _judged_window
    return judged(settings, (int(piece),), {}).credit == 1


def _unreadable(settings: Mapping[str, Json], error: AnswerError, answer: Answer) -> Finding:
    """A size that is no whole number is a slip of its own: the division was not rounded."""
    working = working_of(answer)
    if working is None or working.number.value.denominator == 1:
        return unreadable(error.problem, answer.place)
    how = "up" if settings.get("ceil_mode") else "down"
    return failed(
        f"{spoken(working.number.value)} is not a whole number of pixels: the division is rounded {how}",
        expected=_expected(settings),
        observed=shown(answer.value),
        place=answer.place,
        fix=f"round {how} to a whole number",
        code="not-whole",
    )


# --- judging ------------------------------------------------------------------------------------


def _pair(value: Json) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def _windows(settings: Mapping[str, Json]) -> tuple[Window, Window]:
    """The layer along its height and along its width, the unknown still 0."""
    known: Mapping[str, Json] = settings.get("known", {})
    made = []
    for axis in (0, 1):
        values: dict[str, Json] = {name: _pair(value)[axis] for name, value in known.items()}
        values["ceil_mode"] = settings.get("ceil_mode", False)
        made.append(Window(settings.get("kind", "conv"), **values))
    return made[0], made[1]


def _stacks(settings: Mapping[str, Json]) -> tuple[list[Window], list[Window]]:
    """The layers of the receptive field along the height and along the width."""
    stacks: tuple[list[Window], list[Window]] = ([], [])
    for layer in settings["layers"]:
        for axis, stack in enumerate(stacks):
            values: dict[str, Json] = {name: _pair(value)[axis] for name, value in layer.items() if name != "kind"}
            stack.append(Window(layer.get("kind", "conv"), **values))
    return stacks


def _judged_window(settings: Mapping[str, Json], reading: tuple[int, ...], details: Mapping[str, Json]) -> Finding:
    unknown = settings["unknown"]
    answer = _both(reading)
    windows = _windows(settings)
    filled = [window.with_answer(unknown, value) for window, value in zip(windows, answer, strict=True)]
    if all(window.fits() for window in filled):
        unmet = _unmet(settings, answer)
        if unmet:
            said = f"{unknown} {_size(reading)} fits the equation, but {unmet}"
            return failed(said, **details, fix="find a solution that meets this demand too", code="not-as-required")
        said = f"output {_size(reading)} is right"
        if unknown != "output":
            said = f"{unknown} {_size(reading)} gives the output {_size(_outputs(filled))}"
        return passed(said, **details, code="right")
    turned = zip(windows, reversed(answer), strict=True)
    if all(window.with_answer(unknown, value).fits() for window, value in turned):
        said = f"{unknown} {_size(reading)} has height and width swapped"
        return failed(said, **details, fix="write the height first", code="axes-swapped")
    known = slips(windows, unknown, answer)
    code = known[0].code if known else "wrong-size" if unknown == "output" else f"wrong-{unknown}"
    fix = _FIX if known or unknown == "output" else _FIX_BACK
    return failed(f"{_what_it_gives(settings, filled, reading)}{_because(known)}", **details, fix=fix, code=code)


def _because(known: Sequence[Slip | FieldSlip]) -> str:
    """The slips that explain a value: one is named, of several any may be it."""
    if len(known) < 2:
        return f": {known[0].said}" if known else ""
    return f": perhaps {'; or '.join(one.said for one in known[:3])}"


_FIX: Final = "write the equation down, put the numbers in, and look at each step"
_FIX_BACK: Final = "put your value back into the equation: it has to give the known output"


def _what_it_gives(settings: Mapping[str, Json], filled: Sequence[Window], reading: tuple[int, ...]) -> str:
    unknown = settings["unknown"]
    if unknown == "output":
        return f"{_size(reading)} is not the size of the output"
    try:
        made = [window.made() for window in filled]
    except ShapeError as error:
        return f"{unknown} {_size(reading)} makes no layer: {error.problem.what}"
    wanted = [window.output for window in filled]
    return f"with {unknown} {_size(reading)} the output is {_size(made)}, not {_size(wanted)}"


def _judged_field(settings: Mapping[str, Json], reading: tuple[int, ...], details: Mapping[str, Json]) -> Finding:
    stacks = _stacks(settings)
    answer = _both(reading)
    if answer == tuple(receptive_field(stack) for stack in stacks):
        return passed(f"receptive field {_size(reading)} is right", **details, code="right")
    known = field_slips(stacks, answer)
    code = known[0].code if known else "wrong-receptive-field"
    fix = "from layer to layer it grows by (kernel - 1) times the dilation, times the strides of all layers before"
    return failed(f"{_size(reading)} is not the receptive field{_because(known)}", **details, fix=fix, code=code)


def _both(reading: tuple[int, ...]) -> tuple[int, int]:
    return (reading[0], reading[-1])


def _outputs(windows: Sequence[Window]) -> list[int]:
    return [window.output for window in windows]


def _size(sizes: Sequence[int]) -> str:
    """One number for both axes where they agree, as they are written otherwise; a pair stays one as 9x9."""
    is_pair = isinstance(sizes, tuple) and len(sizes) == 2
    return "x".join(map(str, sizes)) if is_pair or len(set(sizes)) > 1 else str(sizes[0])


def _word(settings: Mapping[str, Json]) -> str:
    unknown = settings["unknown"]
    return _WORDS.get(unknown, f"size of the {unknown}" if unknown in ("input", "output") else unknown)


def _unmet(settings: Mapping[str, Json], answer: tuple[int, int]) -> str:
    """The demand that the value does not meet, "" where it meets all."""
    require: Mapping[str, Json] = settings.get("require", {})
    if require.get("square") and answer[0] != answer[1]:
        return "a square one is asked"
    if require.get("odd") and any(value % 2 == 0 for value in answer):
        return "an odd one is asked"
    if min(answer) < require.get("min", 0):
        return f"at least {require['min']} is asked"
    if "max" in require and max(answer) > require["max"]:
        return f"at most {require['max']} is asked"
    return ""


def _solutions(settings: Mapping[str, Json]) -> tuple[list[int], list[int]]:
    """The solutions of each axis that meet the demands; square ones are left to the pair."""
    both = []
    for window in _windows(settings):
        found = solutions(window, settings["unknown"])
        both.append([value for value in found if not _unmet(settings, (value, value))])
    return both[0], both[1]


def _expected(settings: Mapping[str, Json]) -> str:
    if settings["unknown"] == FIELD:
        return _size([receptive_field(stack) for stack in _stacks(settings)])
    down, across = _solutions(settings)
    if down == across or (settings.get("require", {}).get("square") and set(down) & set(across)):
        return _listed([value for value in down if value in across])
    return f"{_listed(down)} down, {_listed(across)} across"


def _listed(values: Sequence[int]) -> str:
    first = " or ".join(map(str, values[:4]))
    return f"{first} or more" if len(values) > 4 else first


# --- the rubric -------------------------------------------------------------------------------


def _misfits(rule: Rule) -> Iterator[Problem]:
    """Settings that do not go together."""
    settings = rule.settings
    unknown, known, kind = settings["unknown"], settings.get("known", {}), settings.get("kind", "conv")
    if unknown == FIELD:
        if "layers" not in settings:
            yield setting_problem(rule, ["unknown"], "a receptive field of no layers", "list them under `layers`")
        for name in ("known", "ceil_mode", "require"):
            if name in settings:
                yield setting_problem(rule, [name], f"{name!r} says nothing about a receptive field", "leave it out")
        return
    if "layers" in settings:
        what = "`layers` are for the receptive field only"
        yield setting_problem(rule, ["layers"], what, "leave them out, or ask for `receptive_field`")
    if unknown in known:
        yield setting_problem(rule, ["known", unknown], f"{unknown!r} is asked for and known", "leave it out")
    for name in ("input", "kernel", "output"):
        if name != unknown and name not in known:
            yield setting_problem(rule, ["known"], f"{name!r} is missing", f"add it under `known`: {unknown} needs it")
    if "output_padding" in known and kind != "transposed":
        what = "only a transposed convolution has an output padding"
        yield setting_problem(rule, ["known", "output_padding"], what, "leave it out, or set `kind: transposed`")
    if settings.get("ceil_mode") and kind != "pool":
        yield setting_problem(rule, ["ceil_mode"], "only a pooling can round up", "leave it out, or set `kind: pool`")


def _unsolvable(rule: Rule) -> Iterator[Problem]:
    settings = rule.settings
    unknown = settings["unknown"]
    if unknown == "output":
        for window in _windows(settings):
            try:
                window.made()
            except ShapeError as error:
                yield setting_problem(rule, ["known"], error.problem.what, error.problem.fix)
                return
    free = {name: value for name, value in settings.items() if name != "require"}
    if not all(_solutions(free)):
        what = f"no {_word(settings)} gives this output"
        yield setting_problem(rule, ["known"], what, "check the numbers: the equation rounds down")
        return
    down, across = _solutions(settings)
    is_square = settings.get("require", {}).get("square", False)
    if not (set(down) & set(across) if is_square else down and across):
        what = f"no {_word(settings)} that gives this output meets the demands"
        yield setting_problem(rule, ["require"], what, "demand less, or change the numbers")
