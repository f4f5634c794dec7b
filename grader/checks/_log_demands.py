"""Does a training log show what was asked: epochs, mini-batches, learning rate, and a line often enough?

FAILED here is what the log contradicts in every reading; REVIEW what it does not show, or shows in one reading only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

from grader.answers.curves import Curve, Run, Value
from grader.checks._lint import as_meant
from grader.checks._logged import Logged, curves_of
from grader.checks._settings import counted
from grader.checks.base import failed, passed, review, shown
from grader.model import Finding, Json

_NEAR = Fraction(1, 10**6)


def judge_demands(settings: Mapping[str, Json], logs: Sequence[Logged]) -> Iterator[Finding]:
    """Each demand that the rubric makes, one finding each."""
    if "epochs" in settings:
        yield _epochs(settings["epochs"], logs)
    if "batches" in settings:
        yield _batches(settings["batches"], logs)
    if "learning_rate" in settings:
        yield _learning_rate(settings["learning_rate"], logs)
    if "every" in settings:
        yield _cadence(settings["every"], logs)
    if "prints" in settings:
        yield from _prints(settings["prints"], logs)


def _names(logs: Iterable[Logged]) -> str:
    return ", ".join(logged.path for logged in logs)


# --- epochs -----------------------------------------------------------------------------------


def _epochs(demand: Json, logs: Sequence[Logged]) -> Finding:
    least = demand if isinstance(demand, int) else demand.get("at_least", 0)
    most = demand if isinstance(demand, int) else demand.get("at_most", 10**9)
    asked = _range_said(least, most)
    wrong: list[tuple[Logged, str]] = []
    unsure: list[tuple[Logged, str]] = []
    right: list[tuple[Logged, str]] = []
    for logged in logs:
        readings = _readings(logged)
        if not readings:
            continue
        said = _readings_said(logged, readings)
        if any(least <= low and high <= most for low, high in readings):
            right.append((logged, said))
        elif (
            logged.log.doubts
            or logged.log.kind == "tensorboard"
            or any(low <= most and least <= high for low, high in readings)
        ):
            unsure.append((logged, said))
        else:
            wrong.append((logged, said))
    if not right + unsure + wrong:
        said = f"no epochs were found in {_names(logs)}; {asked} were asked"
        return review(said, place=logs[0].place(1), fix="print the epoch with every line", code="no-epochs")
    logged, said = (wrong or unsure or right)[0]
    details: dict[str, Json] = {"place": _end(logged), "expected": asked, "observed": said}
    if not wrong and not unsure:
        return passed(f"{logged.path} shows {said}", **details, code="epochs")
    fix = f"train for {asked}, and hand in the whole log"
    told = f"{logged.path} shows {said}; {asked} were asked"
    if wrong and not unsure and not right:
        return failed(told, **details, fix=fix, code="epochs")
    return review(f"{told}: a person looks", **details, fix=fix, code="epochs")


def _end(logged: Logged) -> Json:
    return logged.place(logged.entries[-1].number)


def _readings(logged: Logged) -> list[tuple[int, int]]:
    """What the epochs of a log can be: of one run; of several, those of each and of all together."""
    runs = [counts for run in logged.runs if (counts := run.counts())]
    if len(runs) < 2:
        return runs[0] if runs else []
    together = (sum(counts[0][0] for counts in runs), sum(counts[0][1] for counts in runs))
    return [together, *(one for counts in runs for one in counts)]


def _readings_said(logged: Logged, readings: Sequence[tuple[int, int]]) -> str:
    runs = [run.counts()[0] for run in logged.runs if run.counts()]
    if len(runs) > 1:
        each = " and ".join(_count_said(*one) for one in runs[:5]) + (" and more" if len(runs) > 5 else "")
        return f"{len(runs)} trainings of {each} epochs"
    low, high = readings[0]
    return counted(low, "epoch") if low == high else f"{low:,} to {high:,} epochs"


def _count_said(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _range_said(least: int, most: int) -> str:
    if least == most:
        return counted(least, "epoch")
    if most >= 10**9:
        return f"at least {counted(least, 'epoch')}"
    return f"{least:,} to {most:,} epochs" if least else f"at most {counted(most, 'epoch')}"


# --- mini-batches -----------------------------------------------------------------------------


def _batches(about: Mapping[str, Json], logs: Sequence[Logged]) -> Finding:
    n, drop_last = about["n"], about.get("drop_last", "maybe")
    sizes = [about["size"]] if isinstance(about["size"], int) else list(about["size"])
    allowed = sorted(
        {-(-n // size) for size in sizes if drop_last != "always"}
        | {n // size for size in sizes if drop_last != "never" and n >= size}
    )
    asked = f"{' or '.join(f'{one:,}' for one in allowed[:6])} mini-batches an epoch"
    why = f"{n:,} images in batches of {' or '.join(f'{size:,}' for size in sizes[:6])} are {asked}"
    shown_in: list[Finding] = []
    for logged in logs:
        found = _contradicted(logged, n, allowed)
        if found is None:
            continue
        number, said = found
        details: dict[str, Json] = {"place": logged.place(number), "expected": asked, "observed": said}
        if said[:1] not in "!?":
            shown_in.append(passed(f"{logged.path}: {said}; {why}", **details, code="batches"))
            continue
        is_sure, said = said[0] == "!" and not logged.log.doubts, said[1:]
        details["observed"] = said
        fix = "check the batch size and the data set of the training, or print the steps as they were counted"
        told = failed if is_sure else review
        return told(f"{logged.at(number)}: {said}, but {why}", **details, fix=fix, code="batches")
    if shown_in:
        return shown_in[0]
    said = f"{_names(logs)} does not count mini-batches so that they can be held against the epochs; {why}"
    return review(said, place=logs[0].place(1), fix="print the step with the epoch", code="no-batches")


def _contradicted(logged: Logged, n: int, allowed: Sequence[int]) -> tuple[int, str] | None:
    """(number of the entry, what it says); None where nothing is said.

    It begins with `!` where it cannot be, with `?` where the data set may be counted and not what is trained on.
    """
    images = [(entry.number, entry.images[1]) for entry in logged.entries if entry.images]
    if images and all(total != n for _, total in images):
        return images[0][0], f"?an epoch has {images[0][1]:,} images"
    stated = [(entry.number, entry.steps, entry.epochs or 0) for entry in logged.entries if entry.steps]
    if stated and not any(steps in (one, one * epochs) for _, steps, epochs in stated for one in allowed):
        return stated[0][0], f"!{stated[0][1]:,} steps are stated"
    found: tuple[int, str] | None = None
    for run in logged.runs:
        problems = [_out_of_range(run, one) for one in allowed]
        if problems and all(problems):
            return problems[0]
        found = found or _last_step(run)
    if stated and found is None:
        return stated[0][0], f"{stated[0][1]:,} steps are stated"
    return found or ((images[0][0], f"an epoch has {n:,} images") if images else None)


def _last_step(run: Run) -> tuple[int, str] | None:
    last = next((e for e in reversed(run.entries) if e.step is not None and e.epoch is not None), None)
    return None if last is None else (last.number, f"step {int(last.step or 0):,} in epoch {_plain(last.epoch)}")


def _plain(value: Fraction | None) -> str:
    return f"{int(value):,}" if value is not None and value.denominator == 1 else f"{float(value or 0):g}"


def _out_of_range(run: Run, per_epoch: int) -> tuple[int, str] | None:
    """The first step that fits neither a count within the epoch nor one since the start."""
    counted_steps = [(e.number, e.epoch, e.step) for e in run.entries if e.step is not None and e.epoch is not None]
    first = min((epoch for _, epoch, _ in counted_steps), default=Fraction(0))
    base = min(first, Fraction(1))
    if all(step <= per_epoch for _, _, step in counted_steps):
        return None
    for number, epoch, step in counted_steps:
        before = (epoch - base) * per_epoch - 1  # counted from 0
        if not before - per_epoch <= step <= before + 2 * per_epoch + 1:
            return number, f"!step {int(step):,} in epoch {_plain(epoch)}"
    return None


# --- learning rate ------------------------------------------------------------------------------


def _learning_rate(demand: Json, logs: Sequence[Logged]) -> Finding:
    found = [(logged, e.number, rate) for logged in logs for e in logged.entries for rate in e.learning_rates]
    asked = _rates_said(demand)
    if not found:
        said = f"no learning rate was found in {_names(logs)}; {asked} was asked"
        return review(said, place=logs[0].place(1), fix="print the learning rate, as lr=0.001", code="no-learning-rate")
    for logged, number, rate in found:
        if not _is_rate(rate, demand):
            written = shown(rate.written, 40)
            said = f"{logged.at(number)}: the learning rate is {written}; {asked} was asked"
            details: dict[str, Json] = {"place": logged.place(number), "expected": asked, "observed": written}
            return failed(said, **details, fix="train with the learning rate that was asked", code="learning-rate")
    logged, number, rate = found[-1]
    said = (
        f"the learning rate is as asked ({asked}) in all of {counted(len(found), 'entry').replace('entrys', 'entries')}"
    )
    return passed(said, place=logged.place(number), expected=asked, observed=rate.written, code="learning-rate")


def _is_rate(rate: Value, demand: Json) -> bool:
    """Rounded or cut off: "0.001" may stand for anything from 0.0005 up to 0.002, itself not included."""
    if rate.value is None:
        return False
    value, least, most = rate.value, rate.value - rate.step / 2, rate.value + rate.step

    def fits(low: Fraction, high: Fraction) -> bool:
        is_near = low <= value * (1 + _NEAR) and value * (1 - _NEAR) <= high  # float32 prints 0.0010000000474974513
        return is_near or (least <= high and low < most)

    if isinstance(demand, Mapping):
        return fits(as_meant(demand.get("at_least", 0)), as_meant(demand.get("at_most", 10**9)))
    return any(fits(one, one) for one in map(as_meant, demand if isinstance(demand, list | tuple) else [demand]))


def _rates_said(demand: Json) -> str:
    if isinstance(demand, Mapping):
        parts = [
            f"{word} {demand[key]}" for key, word in (("at_least", "at least"), ("at_most", "at most")) if key in demand
        ]
        return " and ".join(parts)
    return " or ".join(str(one) for one in (demand if isinstance(demand, list | tuple) else [demand]))


# --- how often ----------------------------------------------------------------------------------


def _cadence(every: int, logs: Sequence[Logged]) -> Finding:
    asked = f"an entry every {every:,} mini-batches"
    seen: tuple[Logged, int] | None = None
    wrong: tuple[Logged, int, str] | None = None
    for logged in logs:
        for run in logged.runs:
            count, gap = _longest_silence(run, every)
            if gap is not None:
                wrong = wrong or (logged, *gap)
            elif count > 1:
                seen = seen or (logged, count)
    if seen is not None:  # one log of several is enough: the others may be by epoch
        logged, count = seen
        return passed(f"{logged.path} has {asked} at least ({count:,} of them)", place=_end(logged), code="cadence")
    if wrong is None:
        said = f"{_names(logs)} does not say at which steps it was printed; {asked} was asked"
        return review(said, place=logs[0].place(1), fix="print the step with every line", code="no-steps")
    logged, number, said = wrong
    told = f"{logged.at(number)}: {said}; {asked} was asked"
    details: dict[str, Json] = {"place": logged.place(number), "expected": asked, "observed": said}
    if logged.log.doubts:
        return review(told, **details, fix=f"print every {every:,} mini-batches", code="cadence")
    return failed(told, **details, fix=f"print every {every:,} mini-batches", code="cadence")


def _longest_silence(run: Run, every: int) -> tuple[int, tuple[int, str] | None]:
    """(entries with a step, the first stretch of more than `every` mini-batches without one).

    Where the epoch changes, a count since the start may miss nearly twice as many: the rest of both epochs.
    """
    before: tuple[Fraction | None, Fraction] | None = None
    count = 0
    for entry in run.entries:
        if entry.step is None or not (entry.values or entry.learning_rates):
            continue
        count += 1
        begins = before is None or entry.step < before[1] or (entry.epoch != before[0] and entry.step <= before[1])
        since = Fraction(0) if begins or before is None else before[1]
        is_over = not begins and before is not None and entry.epoch != before[0]
        if entry.step - since > every * (2 if is_over else 1):
            return count, (entry.number, f"nothing between step {int(since):,} and step {int(entry.step):,}")
        before = entry.epoch, entry.step
    return count, None


# --- what is printed ------------------------------------------------------------------------------


def _prints(names: Sequence[str], logs: Sequence[Logged]) -> Iterator[Finding]:
    curves = {curve for logged in logs for curve in curves_of(logged)}
    there = {
        "learning_rate": any(e.learning_rates for logged in logs for e in logged.entries),
        "epoch": any(e.epoch is not None for logged in logs for e in logged.entries),
        "step": any(e.step is not None for logged in logs for e in logged.entries),
    }
    absent = []
    for name in names:
        split, _, metric = name.rpartition("_")
        if not there.get(name, Curve(metric, split or None) in curves):
            without = " (one stands there without saying of which images)" if Curve(metric) in curves else ""
            absent.append(name.replace("_", " ") + without)
    if absent:
        said = f"not found in {_names(logs)}: {', '.join(absent)}; a person looks"
        yield review(
            said,
            place=logs[0].place(1),
            fix="print each under its usual name, as test_accuracy=0.97",
            code="not-printed",
        )
    else:
        said = f"{_names(logs)} has {', '.join(name.replace('_', ' ') for name in names)}"
        yield passed(said, place=logs[0].place(1), code="printed")
