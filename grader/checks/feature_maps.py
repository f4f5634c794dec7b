"""Are the feature maps and filters that were handed in those of the student's own checkpoint?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar

from grader.answers.answer_error import AnswerError
from grader.answers.numbers import parse_number
from grader.checks._data import data_problems
from grader.checks._lint import setting_problem
from grader.checks._live import FAMILIES, WORDS, squashed
from grader.checks._maps_judged import by_numbers, by_picture
from grader.checks._maps_settings import SETTINGS
from grader.checks._maps_wanted import wanted_maps
from grader.checks._submitted import closest
from grader.checks.base import ANSWERS_FILE, Check, failed, fault, missing, register, shown, unread_answers
from grader.datasets import names, source
from grader.documents import did_you_mean
from grader.evidence.jobs import handed_maps_job, maps_job, missing_files
from grader.model import (
    EvidenceByJob,
    Finding,
    Job,
    Json,
    Outcome,
    Place,
    Problem,
    Rule,
    Submission,
    SubmittedFile,
)

_INDEX: Mapping[str, Json] = {"type": ["integer", "string"], "description": "the number of the image, from 0"}


@register
class FeatureMaps(Check):
    """Compares feature maps and filters that were handed in with those of the student's checkpoint, computed anew.

    What it looks at: the student's checkpoint gets the image that the rubric names, and gives what each entry of `show`
    asks for: the maps of a layer (`layer`), or filters as they stand in the checkpoint (`weights`). A layer is named as
    in `model.named_modules()`, or by what it is: `{kind: conv2d, nth: 1}` is the first convolution of the forward pass,
    `{kind: any_pool, nth: -1}` the last pooling, whether it is a module or the call of a function. The image is one of
    a data set, a photograph of scikit-learn's (`sample`), a picture of the course, or one of the student's own. The
    file shows the maps as numbers or as a picture; both are read in the sandbox.

    Numbers (.npy, .npz, .json): first the shape: (maps, H, W), filters (maps, C, H, W). A batch of one before it, the
    maps' axis at the end, and all maps of the layer where some are asked for, are all right. Then the correlation, map
    by map: no scale and no offset of a map changes it. The maps count as right where each agrees (r of 0.995).

    A picture (PNG, JPEG, GIF): the panels of a grid are found, and each is held against each map. No colour map, no
    sign, no scale of a map and no size changes what is compared: how much of a panel's colours the map's values
    explain. The file counts as right where every map is seen clearly, in the order of the list (`order: any` takes
    each), and other images' maps fit clearly worse. More panels, as the image itself or a colour bar, do no harm.

    Either way a map may be drawn before or after its ReLU, and the image may have been prepared as the rubric says or
    as such images usually are: from 0 to 1, from -1 to 1, by the mean of MNIST, CIFAR-10 or ImageNet.

    Credit: all or nothing, but where a picture clearly shows some of the maps and nothing else, their share. Wrong is
    only what is proven: another number of maps or another size; the maps of another image of the set, which is named;
    filters that are not the checkpoint's. Everything else waits for a person, with what was found: a picture that is
    not understood, maps in another order, numbers that fit no way to prepare the image. With `unlike: strict` such
    numbers are wrong.

    A file that cannot be read, a layer that the model does not have, a checkpoint that does not fit: the finding says
    so, and how to mend it. Without a checkpoint there is nothing to compare with.

    Not covered: what the student says about the maps, titles and axes.

        - check: feature-maps
          model: net
          file: [figures/conv1.png, figures/conv1.npy]
          image: {data: mnist, split: test, index: 0}
          show:
            - {layer: {kind: conv2d, nth: 1}}
    """

    name: ClassVar[str] = "feature-maps"
    uses_model: ClassVar[bool] = True
    uses_picture: ClassVar[bool] = True  # settings["image"]["course"] is read when the rubric is
    settings_schema: ClassVar[Mapping[str, Json]] = SETTINGS

    def other_answers(self, rule: Rule) -> Mapping[str, Mapping[str, Json]]:
        """The number of the image, where the student chooses it."""
        key = (rule.settings.get("image") or {}).get("answer")
        return {key: _INDEX} if key else {}

    def lint(self, rule: Rule) -> Iterable[Problem]:
        """An entry that shows nothing, a kind that there is not, an image from nowhere or from two places."""
        settings, image = rule.settings, rule.settings.get("image")
        for index, entry in enumerate(settings["show"]):
            if ("layer" in entry) == ("weights" in entry):
                fix = "write {layer: ...} or {weights: ...}"
                yield setting_problem(rule, ["show", index], "an entry shows a layer or weights, one of them", fix)
            what = entry.get("layer", entry.get("weights"))
            if isinstance(what, Mapping):
                if what["kind"] not in WORDS:
                    said = f"there is no kind of layer {what['kind']!r}"
                    yield setting_problem(rule, ["show", index], said, did_you_mean(what["kind"], WORDS))
                if what.get("nth", 1) == 0:
                    fix = "write 1 for the first, -1 for the last"
                    yield setting_problem(rule, ["show", index], "layers are counted from 1", fix)
        if any("layer" in entry for entry in settings["show"]) and image is None:
            yield setting_problem(rule, [], "layers give maps for an image, and none is named", "add image")
        if image is not None:
            yield from _image_problems(rule, image)

    def needs(self, rule: Rule, submission: Submission) -> Iterable[Job]:
        """The maps, and what was handed in, where both can be had."""
        if _lacking(rule, submission) is None:
            for job in _jobs(rule, submission):
                if job is not None:
                    yield job

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """One finding, and remarks on how the maps were read."""
        lacking = _lacking(rule, submission)
        if lacking is not None:
            yield lacking
            return
        maps, handed = _jobs(rule, submission)
        file = _file(rule, submission)
        if maps is None or file is None:  # told above
            return
        given = evidence[handed]
        broken = fault(given)
        if broken is not None:
            yield broken
            return
        made = evidence[maps]
        broken = fault(made)
        if broken is not None:
            yield broken
            return
        place, wanted = Place(file.path), wanted_maps(made.result)
        if given.result["picture"] is not None:
            yield from by_picture(rule, given.result["picture"], wanted, place)
        else:
            yield from by_numbers(rule, given.result, wanted, place)


def _paths(rule: Rule) -> Sequence[str]:
    written = rule.settings["file"]
    return [written] if isinstance(written, str) else list(written)


def _file(rule: Rule, submission: Submission) -> SubmittedFile | None:
    return next((file for path in _paths(rule) if (file := submission.file(path)) is not None), None)


def _lacking(rule: Rule, submission: Submission) -> Finding | None:
    """What is not there of all that is needed."""
    paths, image = _paths(rule), rule.settings.get("image") or {}
    if _file(rule, submission) is None:
        near = closest(submission, paths[0])
        fix = f"rename {shown(near)!r} to {paths[0]!r}, if that is the file" if near else f"add {paths[0]!r}"
        said = f"{' or '.join(repr(path) for path in paths)} was not handed in"
        return failed(said, fix=fix, code="missing-file")
    absent = missing_files(submission, rule.settings["model"])
    if absent:
        return missing(absent)
    if "file" in image and submission.file(image["file"]) is None:
        return missing([image["file"]])
    if "course" in image and "bytes" not in image:  # a rule that no rubric file was read for
        said = f"the course's picture {image['course']!r} is not here; a person looks"
        return Finding(Outcome.UNKNOWN, said, fix="put it below reference_solutions/", code="no-picture")
    if "answer" in image:
        index = _index(image["answer"], submission)
        return index if isinstance(index, Finding) else None
    return None


def _index(key: str, submission: Submission) -> int | Finding:
    """The number of the image that the student names."""
    answer = submission.answers.get(key)
    place = Place(ANSWERS_FILE, f"/answers/{key}")
    if answer is None or answer.value in (None, "", [], {}):
        fix = f'add "{key}" under "answers" in answers.json: the number of the image in the set, from 0'
        return unread_answers(submission) or failed("which image is shown is not said", place=place, fix=fix,
                                                    code="unanswered")  # fmt: skip
    try:
        value = parse_number(answer.value, answer.place).value
    except AnswerError as error:
        return failed(error.problem.what, place=place, fix=error.problem.fix, code=error.problem.code)
    if value.denominator != 1 or value < 0 or value >= 10**9:
        fix = "write the number of the image in the set, from 0"
        return failed(f"{shown(answer.value)} is no number of an image", place=place, fix=fix, code="no-index")
    return int(value)


def _jobs(rule: Rule, submission: Submission) -> tuple[Job | None, Job]:
    settings, file = rule.settings, _file(rule, submission)
    image = dict(settings.get("image") or {})
    if "answer" in image:
        index = _index(image.pop("answer"), submission)
        image["index"] = index if isinstance(index, int) else 0
    show = [_entry(entry) for entry in settings["show"]]
    others = settings.get("others", 12)
    maps = maps_job(submission, settings["model"], show=show, image=image or None, others=others)
    return maps, handed_maps_job(submission, file.path if file is not None else "")


def _entry(entry: Mapping[str, Json]) -> dict[str, Json]:
    """An entry of `show` with a kind in all the names that a layer of it may have."""
    made = dict(entry)
    for key in ("layer", "weights"):
        what = entry.get(key)
        if isinstance(what, Mapping):
            own = squashed(what["kind"])
            made[key] = {"kinds": [own, *sorted(FAMILIES.get(what["kind"], ()))], "nth": what.get("nth", 1)}
    return made


def _image_problems(rule: Rule, image: Mapping[str, Json]) -> Iterator[Problem]:
    places = [key for key in ("data", "sample", "course", "file") if key in image]
    if len(places) != 1:
        what = f"the image comes from {' and '.join(places)}" if places else "the image comes from nowhere"
        fix = "write {data: mnist, split: test, index: 0}, {sample: china.jpg}, {course: PATH} or {file: PATH}"
        yield setting_problem(rule, ["image"], what, fix)
        return
    if "data" not in image:
        for key in ("split", "index", "answer"):
            if key in image:
                yield setting_problem(rule, ["image", key], f"`{key}` says nothing without `data`", "leave it out")
        return
    yield from data_problems(rule, image["data"], image.get("split", ""), ("image",))
    if ("index" in image) == ("answer" in image):
        yield setting_problem(rule, ["image"], "one image is named, by `index` or by `answer`", "write one of them")
    count = source(image["data"]).counts.get(image.get("split", ""), 0) if image["data"] in names() else 0
    if count and image.get("index", 0) >= count:
        what = f"the split has {count:,} images, and number {image['index']:,} (from 0) is named"
        yield setting_problem(rule, ["image", "index"], what, f"write at most {count - 1}")
