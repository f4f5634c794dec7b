"""What does a rubric's document say, and everything that is wrong with it? One pass that never stops at the first slip.

The published schema goes first; what it refuses is not looked at again, and everything else still is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from grader.course.attempts import signs_of
from grader.course.bands import Bands
from grader.course.choices import choice_from, task_problems
from grader.course.order import order_problems
from grader.course.points import points_from, points_text, points_words, share_from, shared
from grader.course.references import References, Resolved
from grader.course.rubrics import Checks, CheckSpec, is_warning
from grader.course.shared_answers import conflicts
from grader.course.terms import late_policy
from grader.course.variants import Chosen, chosen, variant_names, with_variant
from grader.course.written import COMMON_KEYS, Path_, Written
from grader.documents import Document, did_you_mean, schema, validator
from grader.documents.validation import broken_rules
from grader.documents.wording import clean
from grader.model import Choice, Json, Place, Problem, Rubric, Rule, Task, Terms, Visibility


class Reading:
    """One rubric being read: the problems found so far, each with the line it belongs to."""

    def __init__(
        self,
        document: Document,
        checks: Checks,
        *,
        stem: str,
        layer_schema: Mapping[str, Json] | None = None,
        bands: Bands | None = None,
        variant: str = "",
    ) -> None:
        self._chosen = chosen(document, variant)
        self._document = document = self._chosen.document
        self._checks = checks
        self._stem = stem
        self._found: dict[Problem, int] = {}
        self._unsound: list[Path_] = []
        self._bands = bands or Bands(None, stem)
        self._references = References(document, self._is_sound, layer_schema, self._bands)
        self._validators: dict[str, Any] = {}
        self._sound_rules: list[Rule] = []  # those that their checks have nothing against

    def problems(self) -> tuple[Problem, ...]:
        """Errors and warnings in the order of the lines."""
        return tuple(sorted(self._found, key=lambda problem: self._found[problem]))

    def problems_with_lines(self) -> tuple[tuple[Problem, int], ...]:
        """The same, each with the line that it belongs to."""
        return tuple((problem, self._found[problem]) for problem in self.problems())

    def errors(self) -> tuple[Problem, ...]:
        """What keeps the rubric from being used."""
        return tuple(problem for problem in self.problems() if not is_warning(problem))

    def add(self, place: Place, problem: Problem) -> None:
        """Keep a problem that belongs to `place`; the same one is kept once."""
        self._found.setdefault(problem, place.line or 0)

    def rubric(self, digest: str) -> Rubric | None:
        """The rubric, or None where there is an error."""
        value = self._document.value
        self._schema_pass(value)
        for told in self._chosen.told:
            self._say(*told)
        if not isinstance(value, dict):
            return None
        for told in self._references.layer_problems():
            self._say(*told)
        written = self._written(value)
        tasks = [self._task(path, task, rules) for path, task, rules in written]
        rules = [rule for *_, rules in written for rule in rules]
        self._ids(written)
        self._answers()
        for rule, code, what, fix in order_problems(rules):
            self._say(code, (*rule.path, "after"), what, fix)
        choices = self._choices(value, tasks)
        placed = [(path, task) for (path, *_), task in zip(written, tasks, strict=True)]
        for told in task_problems(placed, choices, None if self.errors() else self._checks):
            if self._is_sound(*told[1][:2]):  # of a task that is broken elsewhere it would prove nothing
                self._say(*told)
        made = Rubric("", "", tuple(tasks), "", "", choices=choices)
        self._head(value, made.points)
        if self.errors():
            return None
        return replace(
            made,
            assignment=value["assignment"],
            title=value["title"],
            tasks=tuple(self._with_signs(tasks)),
            terms=Terms(
                late=late_policy(value["late"]) if "late" in value else None,
                group_limit=value.get("groups", {}).get("at_most"),
            ),
            file=self._document.name,
            digest=self._bands.digest(with_variant(digest, self._chosen.name)),
            pass_points=points_from(value["pass_points"]) if "pass_points" in value else None,
            description=value.get("description", ""),
            variant=self._chosen.name,
            variants=variant_names(self._document),
        )

    @property
    def chosen(self) -> Chosen:
        """The document as this variant has it."""
        return self._chosen

    # --- finding problems ---------------------------------------------------------------------

    def _say(self, code: str, path: Path_, what: str, fix: str) -> None:
        place = self._document.place(path)
        self.add(place, Problem(code, clean(str(place)), what, fix))

    def _schema_pass(self, value: Json) -> None:
        checker = validator(schema("rubric"))
        if checker.is_valid(value):
            return
        for at, _, explained in broken_rules(checker, value):
            if not self._chosen.is_absent(at):
                self._unsound.append(at)
                self._say("rubric", at, explained.said, explained.fix)

    def _is_sound(self, *path: str | int) -> bool:
        """Whether the schema has nothing against what stands at `path` or below."""
        return not any(at[: len(path)] == path for at in self._unsound)

    def _head(self, value: Mapping[str, Json], total: Fraction) -> None:
        if self._is_sound("assignment") and value.get("assignment", self._stem) != self._stem:
            what = f"the assignment is {value['assignment']!r}, the file is named {self._stem!r}"
            fix = f"write assignment: {self._stem}, or rename the file to {value['assignment']}.yaml"
            self._say("other-name", ("assignment",), what, fix)
        # A total that other problems make wrong proves nothing about the pass line.
        if {"pass_points", "tasks"} <= value.keys() and self._is_sound("pass_points") and self._is_sound("tasks"):
            pass_points = points_from(value["pass_points"])
            if pass_points > total:
                what = f"to pass takes {points_words(pass_points)}, all tasks together have {points_text(total)}"
                self._say("pass-points", ("pass_points",), what, f"write {points_text(total)} or less")

    def _choices(self, value: Mapping[str, Json], tasks: list[Task]) -> tuple[Choice, ...]:
        """The choices among tasks. Only sound ones are given back."""
        made: list[Choice] = []
        by_id = {task.id: task for task in tasks}
        for at, entry in self._chosen.entries(value.get("choose")):
            if self._is_sound("choose", at):
                found = choice_from(entry, ("choose", at), by_id, made)
                if isinstance(found, Choice):
                    made.append(found)
                else:
                    self._say(*found)
        return tuple(made)

    def _with_signs(self, tasks: list[Task]) -> Iterator[Task]:
        for task in tasks:
            yield replace(task, signs=signs_of(tasks, task, self._checks)) if task.is_optional else task

    def _ids(self, tasks: list[tuple[Path_, Mapping[str, Json], list[Written]]]) -> None:
        """Every task's id once, every rule's id once."""
        seen: dict[str, Path_] = {}
        for path, task, _ in tasks:
            name = task.get("id")
            if isinstance(name, str) and self._is_sound(*path, "id"):
                if name in seen:
                    what = f"two tasks have the id {name!r}, the other{self._on_line(seen[name])}"
                    self._say("duplicate-id", (*path, "id"), what, "give each task an id of its own")
                seen.setdefault(name, path)
        rules: dict[str, Written] = {}
        for rule in (rule for *_, rules_of_task in tasks for rule in rules_of_task):
            if rule.id is None:
                continue
            other = rules.setdefault(rule.id, rule)
            if other is not rule:
                where = (*rule.path, "id") if rule.has_own_id else rule.path
                what = f"two rules have the id {rule.id!r}, the other{self._on_line(other.path)}"
                takes = "" if rule.has_own_id and other.has_own_id else " (a rule without one takes its check's name)"
                self._say("duplicate-id", where, what, f"give each rule an id of its own{takes}")

    def _on_line(self, path: Path_) -> str:
        line = self._document.place(path).line
        return f" on line {line}" if line is not None else ""

    # --- tasks and rules ----------------------------------------------------------------------

    def _written(self, value: Mapping[str, Json]) -> list[tuple[Path_, Mapping[str, Json], list[Written]]]:
        """Every task and rule that is a table of keys at all."""
        made = []
        for index, task in self._chosen.entries(value.get("tasks")):
            path: Path_ = ("tasks", index)
            rules = [self._rule(rule, (*path, "rules", at)) for at, rule in self._chosen.entries(task.get("rules"))]
            written = task.get("rules")
            if not rules and isinstance(written, list) and any(isinstance(rule, dict) for rule in written):
                what = f"no rule of the task is there in the variant {self._chosen.name!r}"
                self._say("never-there", path, what, "write variants for the task too, or give it a rule")
            made.append((path, task, rules))
        return made

    def _rule(self, value: Mapping[str, Json], path: Path_) -> Written:
        def sound(key: str) -> Json:
            return value.get(key) if self._is_sound(*path, key) else None

        points = sound("points")
        check = sound("check")
        ramp = sound("ramp") or {}
        return Written(
            path=path,
            value=value,
            id=sound("id") if "id" in value else check,
            check=check,
            points=None if points is None else points_from(points),
            points_are_sound=self._is_sound(*path, "points"),
            after=tuple(sound("after") or ()),
            is_bonus=bool(sound("bonus")),
            is_deduction=bool(sound("deduction")),
            ramp=(share_from(ramp.get("from", 0)), share_from(ramp.get("full", 1))) if ramp else None,
        )

    def _task(self, path: Path_, task: Mapping[str, Json], rules: list[Written]) -> Task:
        """The task. Where something in it is wrong, it is only good for finding more that is wrong."""
        has_points = "points" in task and self._is_sound(*path, "points")
        points = points_from(task["points"]) if has_points else Fraction(0)
        counted = [rule for rule in rules if rule.is_counted]
        if has_points and rules and self._is_sound(*path, "rules") and all(rule.points_are_sound for rule in rules):
            self._sum(path, task, points, counted)
        for rule in rules:
            self._extra(rule)
        shares = iter(shared(points, [rule.points for rule in counted]))
        made = [self._made(rule, next(shares) if rule.is_counted else rule.points or Fraction(0)) for rule in rules]
        line = (
            points_from(task["pass_points"]) if "pass_points" in task and self._is_sound(*path, "pass_points") else None
        )
        is_optional = task.get("optional") is True
        return Task(str(task.get("id", "")), str(task.get("title", "")), points, tuple(made), is_optional, line)

    def _extra(self, rule: Written) -> None:
        """What a rule beside the task's points lacks, and a ramp that does not rise."""
        if rule.is_bonus and rule.is_deduction:
            what = "a rule cannot give bonus and take a deduction"
            self._say("deduction", (*rule.path, "deduction"), what, "make two rules of it")
        if rule.is_bonus and "points" not in rule.value:
            self._say("bonus-points", rule.path, "the bonus rule states no points", "add points: the bonus it gives")
        elif rule.is_deduction and "points" not in rule.value:
            what = "the deduction states no points"
            self._say("deduction", rule.path, what, "add points: what is taken away where it fails")
        if rule.ramp is not None and rule.ramp[0] >= rule.ramp[1]:
            low, full = rule.ramp
            what = f"the ramp rises from {float(low):g} to {float(full):g}"
            self._say("ramp", (*rule.path, "ramp"), what, "let `full` be more than `from`")

    def _sum(self, path: Path_, task: Mapping[str, Json], points: Fraction, counted: list[Written]) -> None:
        """Refuse rules that do not share the task's points exactly."""
        stated = sum((rule.points for rule in counted if rule.points is not None), Fraction(0))
        silent = [rule for rule in counted if rule.points is None]
        name = f"task {task['id']!r}" if isinstance(task.get("id"), str) else "the task"
        has = f"the task has {points_text(points)}"
        at = (*path, "points")
        if stated > points:
            what = f"the rules of {name} have {points_words(stated)} together, {has}"
            fix = f"take {points_text(stated - points)} off them, or write points: {points_text(stated)} for the task"
            self._say("points-sum", at, what, fix)
        elif silent and points > 0 and stated == points:
            for rule in silent:
                what = f"nothing is left for this rule: the others of {name} have all of {points_words(points)}"
                self._say("points-sum", rule.path, what, "write points: 0 if it only informs, or lower the others")
        elif not silent and stated < points:
            if not counted:
                what, fix = f"only bonus rules share {name}, and {has}", "write points: 0 for the task, or add a rule"
            else:
                what = f"the rules of {name} have {points_words(stated)} together, {has}"
                fix = f"add {points_text(points - stated)} to them, or write points: {points_text(stated)} for the task"
            self._say("points-sum", at, what, fix)

    def _made(self, written: Written, points: Fraction) -> Rule:
        """The rule with its settings resolved and checked by its check."""
        value, path = written.value, written.path
        settings = {key: setting for key, setting in value.items() if key not in COMMON_KEYS}
        rule = Rule(
            id=written.id or "",
            check=written.check or "",
            points=points,
            settings=settings,
            answer=value.get("answer") if self._is_sound(*path, "answer") else None,
            after=written.after,
            visibility=Visibility(value.get("visibility", "student")) if self._is_sound(*path, "visibility")
            else Visibility.STUDENT,
            is_bonus=written.is_bonus,
            is_deduction=written.is_deduction,
            ramp=written.ramp,
            place=self._document.place(path),
        )  # fmt: skip
        if written.check is None:
            return rule
        check = self._checks.get(written.check)
        if check is None:
            what = f"there is no check named {clean(repr(written.check), 80)}"
            self._say("unknown-check", (*path, "check"), what, did_you_mean(written.check, self._checks))
            return rule
        self._answer(check, written)
        resolved = self._references.resolve(check, value, path)
        for told in resolved.problems:
            self._say(*told)
        rule = replace(rule, settings={**settings, **resolved.settings})
        if self._settings_are_sound(check, rule.settings, resolved, path):
            linted = list(check.lint(rule))
            if all(is_warning(problem) for problem in linted):
                self._sound_rules.append(rule)
            for problem in linted:
                place = self._spot(problem, rule.place, resolved, path)
                self.add(place, replace(problem, where=clean(str(place))))
        return rule

    def _answers(self) -> None:
        """An answer that two rules read has to fit both."""
        readers = [rule for rule in self._sound_rules if rule.answer is not None]
        if len({rule.answer for rule in readers}) == len(readers):
            return
        for rule, other in conflicts((rule, self._checks[rule.check].answer_schema(rule)) for rule in readers):
            line = f" on line {other.place.line}" if other.place.line is not None else ""
            what = f"no answer fits both this rule and {other.id!r}{line}, which reads {rule.answer!r} too"
            place = rule.place.child("answer")
            self.add(place, Problem("answer-conflict", clean(str(place)), what, "give one of them another answer key"))

    def _spot(self, problem: Problem, rule: Place, resolved: Resolved, path: Path_) -> Place:
        """Where a problem that a check's lint names below its rule is written, with the line of that very setting."""
        below = problem.where.removeprefix(str(rule))
        if below == problem.where or not below.startswith("/"):
            return rule
        steps: list[str | int] = []
        for word in below[1:].split("/"):
            step = word.replace("~1", "/").replace("~0", "~")
            at = self._document.at(resolved.origin(path, tuple(steps)))
            steps.append(int(step) if isinstance(at, list) and step.isdecimal() else step)
        # A reference itself stands in the rule, what is below it in the entry that it names.
        return self._document.place(resolved.origin(path, tuple(steps)) if len(steps) > 1 else (*path, *steps))

    def _answer(self, check: CheckSpec, written: Written) -> None:
        """A check that reads an answer needs its key; another takes none."""
        if check.reads_answer and "answer" not in written.value:
            what = f"the check {check.name!r} reads an answer, and the rule names none"
            self._say("answer", written.path, what, 'add answer: KEY, its key under "answers" in answers.json')
        elif not check.reads_answer and "answer" in written.value:
            what = f"the check {check.name!r} reads no answer"
            self._say("answer", (*written.path, "answer"), what, "remove answer")

    def _settings_are_sound(
        self, check: CheckSpec, settings: Mapping[str, Json], resolved: Resolved, path: Path_
    ) -> bool:
        """Check the settings by the check's own schema, closed: a key it does not name is a slip of the pen."""
        if check.name not in self._validators:
            rules = {"additionalProperties": False, **check.settings_schema}
            # The common keys are taken out of the settings before: they are named here to be suggested.
            rules["properties"] = {**dict.fromkeys(COMMON_KEYS, True), **rules.get("properties", {})}
            self._validators[check.name] = validator(rules)
        checker = self._validators[check.name]
        is_sound = not resolved.unresolved
        if checker.is_valid(settings):
            return is_sound
        for at, _, explained in broken_rules(checker, settings):
            if at[:1] and at[0] in resolved.unresolved:  # told already, where the reference is
                continue
            self._say("settings", resolved.origin(path, at), explained.said, explained.fix)
            is_sound = False
        return is_sound
