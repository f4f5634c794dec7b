"""What did a rubric notice of its mutants? A table of caught and missed, with what each lost and where."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.model import Json
from grader.mutants.trial import Loss, Tested, Trial, Verdict
from grader.reports.plain import plain, points_text

_STYLE = {
    Verdict.CAUGHT: "green",
    Verdict.ASKED: "cyan",
    Verdict.TOLD: "cyan",
    Verdict.MISSED: "bold red",
    Verdict.ELSEWHERE: "bold red",
    Verdict.SKIPPED: "yellow",
    Verdict.NOT_APPLICABLE: "dim",
}
_SHOWN = {Verdict.ASKED: "a person"}


def show_tested(console: Console, tested: Tested) -> None:
    """The reference, the table of mutants, what was not tried, and the sum."""
    card = tested.card
    of = f" ({tested.rubric.variant})" if tested.rubric.variant else ""
    open_points = f", {points_text(card.open_points)} of them for a person" if card.open_points else ""
    reached = points_text(card.points + card.open_points)
    console.print(
        Text(
            f"{card.assignment}{of}: the reference gets {reached} of {points_text(card.max_points)} points{open_points}"
        )
    )
    for loss in tested.short:
        said = f"  the reference lost {points_text(loss.points)} at {loss.rule} (task {loss.task}): {loss.said}"
        console.print(Text(plain(said), style="red"))
    for task, why in tested.absent.items():
        console.print(Text(plain(f"  task {task} is left out: {why}"), style="yellow"))
    for rule, why in tested.unjudged.items():
        console.print(Text(plain(f"  not judged here: {rule}: {why}"), style="yellow"))
    console.print(_table(tested))
    left_out = [trial for trial in tested.trials if trial.verdict is Verdict.NOT_APPLICABLE]
    if left_out:
        console.print(Text(f"Not applicable ({len(left_out)} kinds):", style="dim"))
        by_reason: dict[str, list[str]] = {}
        for trial in left_out:
            by_reason.setdefault(trial.why, []).append(trial.kind)
        for why, kinds in by_reason.items():
            console.print(Text(f"  {', '.join(kinds)}: {why}", style="dim"))
    console.print(Text(summary(tested)))


def _table(tested: Tested) -> Table:
    table = Table(pad_edge=False)
    for column in ("mutant", "what was done", "verdict", "what it lost, and where"):
        table.add_column(column)
    for trial in tested.trials:
        if trial.verdict is not Verdict.NOT_APPLICABLE:
            verdict = Text(_SHOWN.get(trial.verdict, trial.verdict.value), style=_STYLE[trial.verdict])
            table.add_row(trial.kind, Text(plain(trial.said)), verdict, Text("\n".join(_lines(trial))))
    return table


def _lines(trial: Trial) -> Iterator[str]:
    if trial.why:
        yield plain(trial.why)
    for loss in trial.losses:
        if loss.rule in trial.must or loss in trial.elsewhere:
            yield _loss(loss)
    others = [loss for loss in trial.losses if loss.rule not in trial.must and loss not in trial.elsewhere]
    if others:
        yield f"as a consequence: {', '.join(_loss(loss) for loss in others)}"


def _loss(loss: Loss) -> str:
    sign = "?" if loss.is_asked else "-"
    return f"{loss.rule} {sign}{points_text(loss.points)} (task {loss.task})"


def summary(tested: Tested) -> str:
    """One line: how many of how many."""
    counts = {verdict: tested.count(verdict) for verdict in Verdict}
    mutants = sum(count for verdict, count in counts.items() if verdict is not Verdict.NOT_APPLICABLE)
    kinds = len({trial.kind for trial in tested.trials if trial.verdict is not Verdict.NOT_APPLICABLE})
    words = {
        Verdict.CAUGHT: "caught",
        Verdict.ASKED: "left to a person",
        Verdict.TOLD: "told by a remark",
        Verdict.MISSED: "missed",
        Verdict.ELSEWHERE: "noticed at a rule that reads nothing of it",
        Verdict.SKIPPED: "skipped",
    }
    told = ", ".join(
        f"{counts[verdict]} {word}" for verdict, word in words.items() if counts[verdict] or verdict in _ALWAYS
    )
    return f"{mutants} mutants of {kinds} kinds: {told}"


_ALWAYS = (Verdict.CAUGHT, Verdict.MISSED)


def json_of(tested: Tested) -> Json:
    """As rubric-test.schema.json has it. Points are exact fractions in text, such as 7/2."""
    card = tested.card
    return {
        "assignment": card.assignment,
        "variant": tested.rubric.variant or None,
        "is_passed": tested.is_passed,
        "reference": {
            "points": str(card.points),
            "open_points": str(card.open_points),
            "max_points": str(card.max_points),
            "lost": [_loss_json(loss) for loss in tested.short],
            "waits_for_a_person": [rule.rule for task in card.tasks for rule in task.rules if rule.open_points],
            "not_judged": dict(tested.unjudged),
            "absent": dict(tested.absent),
        },
        "counts": {verdict.value: tested.count(verdict) for verdict in Verdict},
        "trials": [_trial_json(trial) for trial in tested.trials],
    }


def _trial_json(trial: Trial) -> Json:
    return {
        "kind": trial.kind,
        "slip": trial.slip,
        "said": trial.said,
        "verdict": trial.verdict.value,
        "must_notice": list(trial.must),
        "losses": [_loss_json(loss) for loss in trial.losses],
        "missed": list(trial.missed),
        "elsewhere": [loss.rule for loss in trial.elsewhere],
        "why": trial.why,
    }


def _loss_json(loss: Loss) -> Json:
    return {
        "task": loss.task,
        "rule": loss.rule,
        "points": str(loss.points),
        "is_asked": loss.is_asked,
        "said": loss.said,
        "code": loss.code,
    }
