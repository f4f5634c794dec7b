"""Which class does a network give each image, exactly as a plain float32 pass does? Quickly where that is sure.

The plain pass is what everybody writes: the network itself in float32, PyTorch's own memory format, 1,000 images at a
time in the set's order. Its classes are the answer, to the last image, and every other way here only saves it work.

The rule. Of a network that is nothing but known layers (`known_layers`), first answers come from a quick pass, in
bfloat16 where the processor multiplies in it. A random sample of the set (SAMPLE images) is answered by the network
itself in float32 too. The error of an image is how far the difference between its largest score and any other one is
off. With `worst` the largest error in the sample, the bound of an image is

    max(factor * worst, floor * its largest score) * stretch

with factor 4 and floor 2**-8 for bfloat16. `stretch` is 1, or what the image has more than any of the sample: of spread
between its scores, or of reach in a layer (the largest single contribution to a sum there, see `QuickPass`), for an
error is made of roundings, and each is as large as what is rounded. An answer whose two largest scores differ by more
than the bound stands. The others are doubtful, and answered again by a quick pass in float32 with a bound of its own
(factor 16, floor 2**-20: other orders of the same sums). What is doubtful there too, such as every tie, is answered by
the plain pass in the very batches that it has.

What makes the rule doubtful itself makes everything plain: a network of other layers, few images, numbers that are not
finite or over 1e30, a layer that no image of the sample reaches or whose weights could bring out more than the sample
did, and any image that was answered twice and differs by more than half of its bound.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from grader.training.layers import known_layers
from grader.training.pace import Pace, candidates, keep_pace, kept_pace
from grader.training.quick import NotQuickError, QuickPass
from grader.training.steps import as_inputs, check_shape

if TYPE_CHECKING:
    from torch import Tensor, nn

PLAIN_BATCH = 1000
SAMPLE, FULL_SAMPLE = 256, 64  # images whose errors are measured: in bfloat16, and between two orders of float32
FEWEST = 1500  # images for which the sample pays
FEWEST_MEASURED = 8000  # images among which the ways of `pace` can be measured beside
MEASURED = 500  # of them for each way
MOST_DOUBTFUL = 0.5  # of the sample: beyond it, bfloat16 saves nothing
MOST_PLAIN = 1  # images of the sample: with more, nearly every plain batch would be asked for
LARGEST = 1e30  # scores and contributions beyond it may overflow in one pass and not in another
KEPT = 0.5  # of its bound: the most that an error may be, where it is seen
NOT_FINITE = -1
FULL_PACE = Pace("float32", 128)  # in which doubtful images are answered again

Normalisation = tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True)
class Rule:
    """How the bound follows from the errors in a sample."""

    factor: float
    floor: float  # of the largest score


SHORT, FULL = Rule(4.0, 2.0**-8), Rule(16.0, 2.0**-20)


@dataclass
class Course:
    """How the classes were found: for benchmarks and tests, no verdict reads it.

    `why_plain` is why all images went through the plain pass, "" where they did not; `again` images were answered again
    in float32, `plain` in batches of the plain pass (`plain_images` in all). `worst` is the largest error in the
    sample of the first pass, `largest` the largest one seen later, as a share of the image's bound.
    """

    n: int
    pace: Pace | None = None
    why_plain: str = ""
    again: int = 0
    plain: int = 0
    plain_images: int = 0
    worst: float = 0.0
    largest: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)  # CPU seconds of each part


class _PlainError(Exception):
    """Why the plain pass must answer all images."""


def classes_of(
    model: nn.Module, images: Tensor, mean: tuple[float, ...], std: tuple[float, ...], *, pace: Pace | None = None
) -> tuple[Tensor, Course]:
    """The class of each image as the plain float32 pass gives it: that of the largest score, the first one of a tie.

    Shapes:  images (N, C, H, W) uint8, on the device of the model -> (N,) int64; NOT_FINITE where a score is not finite
    The model is put into evaluation mode, and back. `pace` is used in the place of what is kept or measured.
    Raises:  ValueError for another output shape; what the model raises in the plain pass
    """
    import torch

    course = Course(len(images))
    with evaluating(model), torch.inference_mode():
        plain = _Plain(model, images, (mean, std))
        try:
            return _Quickly(plain, course, pace).classes(), course
        except _PlainError as error:
            course.why_plain = str(error)
        except (NotQuickError, RuntimeError, TypeError, ValueError) as error:  # PyTorch's inner layers promise nothing
            course.why_plain = f"{type(error).__name__}: {error}"
        with _timed(course, "plain"):
            return plain.all(), course


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """The model in evaluation mode, and no numbers of ten bits in the place of float32."""
    import torch

    was_training, was_short = model.training, torch.backends.cudnn.allow_tf32
    model.eval()
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = was_short
        model.train(was_training)


@contextmanager
def _timed(course: Course, part: str) -> Iterator[None]:
    began = time.process_time()
    yield
    course.seconds[part] = course.seconds.get(part, 0.0) + time.process_time() - began


@dataclass(frozen=True)
class _Plain:
    """The network itself, in float32, handed its images as they are."""

    model: nn.Module
    images: Tensor
    normalisation: Normalisation

    def scores(self, images: Tensor) -> Tensor:
        made: Tensor = self.model(self.inputs(images))
        check_shape(made, len(images))
        return made

    def inputs(self, images: Tensor) -> Tensor:
        return as_inputs(images, *self.normalisation)

    def batch(self, number: int) -> Tensor:
        """The classes of the plain pass's batch of this number, from 0."""
        import torch

        scores = self.scores(self.images[number * PLAIN_BATCH : (number + 1) * PLAIN_BATCH])
        classes = scores.argmax(dim=1)
        return torch.where(scores.isfinite().all(dim=1), classes, NOT_FINITE)

    def all(self) -> Tensor:
        import torch

        batches = range(-(-len(self.images) // PLAIN_BATCH))
        return torch.cat([torch.empty(0, dtype=torch.int64), *(self.batch(number) for number in batches)])


class _Answers:
    """A quick pass with the errors that it makes in a sample, of which the right scores are known."""

    def __init__(self, quick: QuickPass, rule: Rule, inputs: Tensor, right: Tensor) -> None:
        import torch

        self.quick, self.rule = quick, rule
        unseen: list[Tensor] = []
        scores, reach = quick(inputs, unseen=unseen)
        if scores.shape != right.shape:
            raise _PlainError("the layers give scores of another shape than the network")
        if not (_is_sane(scores).all() and _is_sane(reach).all()):
            raise _PlainError("numbers that are not finite, or very large")
        self.worst = float(_errors(scores, right).amax())
        self.spread, self.reach = _spread(scores).amax(), reach.amax(dim=0)
        if not ((torch.stack(unseen) <= self.reach) & (self.reach > 0)).all():
            raise _PlainError("a layer of which the sample does not show what its weights can do")
        self.of_sample = _First(scores, *self._judged(scores, reach))

    def __call__(self, inputs: Tensor) -> _First:
        scores, reach = self.quick(inputs)
        return _First(scores, *self._judged(scores, reach))

    def _judged(self, scores: Tensor, reach: Tensor) -> tuple[Tensor, Tensor]:
        """The bounds of the errors, and where the two largest scores do not differ by more."""
        stretch = (reach / self.reach).amax(dim=1).maximum(_spread(scores) / self.spread).clamp(min=1)
        bounds = (self.rule.floor * scores.abs().amax(dim=1)).clamp(min=self.rule.factor * self.worst) * stretch
        first, second = scores.topk(2, dim=1).values.unbind(dim=1)
        is_sure = (first - second > bounds) & _is_sane(scores).all(dim=1) & _is_sane(reach).all(dim=1)
        return bounds, ~is_sure


@dataclass(frozen=True)
class _First:
    """First answers: scores (n, classes), bounds of their errors (n,), and which of them are doubtful (n,)."""

    scores: Tensor
    bounds: Tensor
    doubtful: Tensor

    def of(self, chosen: Tensor) -> _First:
        return _First(self.scores[chosen], self.bounds[chosen], self.doubtful[chosen])


def _spread(scores: Tensor) -> Tensor:
    """The largest of each row minus the smallest: (n, classes) -> (n,)."""
    return scores.amax(dim=1) - scores.amin(dim=1)


def _errors(scores: Tensor, right: Tensor) -> Tensor:
    """How far the differences between the largest score of each row and the others are off at most: (n,)."""
    off = scores - right
    return (off.gather(1, scores.argmax(dim=1, keepdim=True)) - off).abs().amax(dim=1)


def _is_sane(numbers: Tensor) -> Tensor:
    return numbers.abs() < LARGEST  # false for NaN, too


class _Quickly:
    """One evaluation by the rule. Raises _PlainError wherever the plain pass must answer all images."""

    def __init__(self, plain: _Plain, course: Course, pace: Pace | None) -> None:
        import torch

        self.plain, self.course, self.images = plain, course, plain.images
        self.shape = tuple(self.images.shape[1:])
        if self.images.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
            raise _PlainError("not in float32 on the CPU")
        if len(self.images) < FEWEST:
            raise _PlainError("few images")
        layers = known_layers(plain.model)
        if not layers:
            raise _PlainError("other layers than the known ones, or hooks")
        self.layers = layers
        order = torch.randperm(len(self.images), generator=torch.Generator().manual_seed(0))
        self.sample, self.others = order[:SAMPLE], order[SAMPLE:].sort().values
        with _timed(course, "sample"):
            self.inputs = plain.inputs(self.images[self.sample])
            self.right = plain.scores(self.images[self.sample])
            if self.right.shape[1] < 2 or self.right.dtype != torch.float32:
                raise _PlainError("no choice between scores of float32")
            if not _is_sane(self.right).all():
                raise _PlainError("numbers that are not finite, or very large")
            self.full = self._answers(FULL_PACE)
            if self.full.of_sample.doubtful.sum() > MOST_PLAIN:
                raise _PlainError("scores that differ by no more than float32 can tell")
            self.tried = self._tried(pace or kept_pace(self.layers, self.shape))

    def _answers(self, pace: Pace) -> _Answers:
        import torch

        dtype = {"bfloat16": torch.bfloat16, "float32": torch.float32}[pace.precision]
        quick = QuickPass(self.layers, self.shape, dtype, batch_size=pace.batch_size)
        quick.is_channels_last = pace.is_channels_last
        if dtype == torch.bfloat16:
            return _Answers(quick, SHORT, self.inputs, self.right)
        return _Answers(quick, FULL, self.inputs[:FULL_SAMPLE], self.right[:FULL_SAMPLE])

    def _tried(self, pace: Pace | None) -> dict[Pace, _Answers]:
        """The ways that first answers are computed in: the given one, else those that are to be measured, or one."""
        ways = candidates()
        if pace is not None or len(self.others) < FEWEST_MEASURED:
            ways = (pace or ways[0],)
        tried = {}
        for way in ways:
            answers = self.full if way == FULL_PACE else self._answers(way)
            if answers.of_sample.doubtful.sum() > MOST_DOUBTFUL * len(answers.of_sample.doubtful):
                tried[FULL_PACE] = self.full  # in bfloat16, nearly all images would be computed twice
            else:
                tried[way] = answers
        return tried

    def classes(self) -> Tensor:
        """The class of each image."""
        import torch

        found = torch.full((len(self.images),), NOT_FINITE)
        again: list[tuple[Tensor, _First]] = []
        left: list[Tensor] = []
        with _timed(self.course, "first"):
            for chosen, rule, first in self._first():
                found[chosen] = first.scores.argmax(dim=1)
                if rule is FULL:
                    left.append(chosen[first.doubtful])
                else:
                    again.append((chosen[first.doubtful], first.of(first.doubtful)))
        with _timed(self.course, "again"):
            left += self._again(found, again)
        with _timed(self.course, "plain"):
            self._plainly(found, torch.cat([torch.empty(0, dtype=torch.int64), *left]))
        return found

    def _first(self) -> Iterator[tuple[Tensor, Rule, _First]]:
        """First answers to all images: which ones, by which rule, and what they are."""
        import torch

        pace, answers = next(iter(self.tried.items()))
        known = len(answers.of_sample.scores)
        yield self.sample[:known], answers.rule, answers.of_sample
        left = torch.cat([self.sample[known:], self.others])
        if len(self.tried) > 1:
            seconds = {}
            for way, tried in self.tried.items():
                chosen, left = left[:MEASURED], left[MEASURED:]
                yield from self._run(tried, chosen[: way.batch_size], way.batch_size)  # makes oneDNN ready
                began = time.process_time()
                made = list(self._run(tried, chosen[way.batch_size :], way.batch_size))
                seconds[way] = (time.process_time() - began) / (MEASURED - way.batch_size)
                yield from made
            pace = keep_pace(self.layers, self.shape, seconds)
        self.course.pace, self.course.worst = pace, self.tried[pace].worst
        yield from self._run(self.tried[pace], left, pace.batch_size)

    def _run(self, answers: _Answers, chosen: Tensor, batch_size: int) -> Iterator[tuple[Tensor, Rule, _First]]:
        for batch in chosen.split(batch_size) if len(chosen) else ():
            yield batch, answers.rule, answers(self.plain.inputs(self.images[batch]))

    def _again(self, found: Tensor, first: Sequence[tuple[Tensor, _First]]) -> list[Tensor]:
        """Answer doubtful images again in float32; those that are doubtful there, too."""
        import torch

        chosen = torch.cat([torch.empty(0, dtype=torch.int64), *(one for one, _ in first)])
        if not len(chosen):
            return []
        was, bounds = (torch.cat([getattr(one, name) for _, one in first]) for name in ("scores", "bounds"))
        self.course.again = len(chosen)
        left, at = [], 0
        for batch, _, now in self._run(self.full, chosen, FULL_PACE.batch_size):
            part = slice(at, at := at + len(batch))
            share = _errors(was[part], now.scores) / bounds[part]
            if not (share <= KEPT).all():
                raise _PlainError("an error in bfloat16 that is larger than the sample lets expect")
            self.course.largest = max(self.course.largest, float(share.amax()))
            found[batch] = now.scores.argmax(dim=1)
            left.append(batch[now.doubtful])
        return left

    def _plainly(self, found: Tensor, left: Tensor) -> None:
        """Answer the images that are left in their batches of the plain pass, and compare the others in these."""
        import torch

        is_left = torch.zeros(len(found), dtype=torch.bool)
        is_left[left] = True
        self.course.plain = len(left)
        for number in (left // PLAIN_BATCH).unique().tolist():
            part = slice(number * PLAIN_BATCH, (number + 1) * PLAIN_BATCH)
            classes = self.plain.batch(number)
            self.course.plain_images += len(classes)
            if not (is_left[part] | (classes == found[part])).all():
                raise _PlainError("an answer that was thought to be sure and was not")
            found[part] = classes
