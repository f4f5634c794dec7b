"""Which recomputations are there, and which submitted files does each read?

A check names jobs with these functions; nothing runs here. A file that is not in the submission is left
out of the job: the check that wants it says so (`missing_files`), so that no job is made in vain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grader.model import Job, Json, Submission, SubmittedFile

CHECKPOINT = "checkpoint"
TRANSFER = "transfer"
DESCRIBE = "describe"
PREDICT = "predict"
DENOISE = "denoise"
ACTIVATIONS = "activations"
TRAIN = "train"
NOTEBOOK = "notebook"
SYNTAX = "syntax"
PICTURE = "picture"
EMBEDDED = "embedded"
FIGURES = "figures"
HANDED_MAPS = "handed-maps"
OWN_IMAGES = "own-images"
REFERENCE = "reference"
FINGERPRINT = "fingerprint"


def missing_files(submission: Submission, model: Mapping[str, Json], *, needs_checkpoint: bool = True) -> list[str]:
    """Of the files that the rubric's `model` names, those that were not handed in."""
    wanted = [model["code"]] + ([model["checkpoint"]] if needs_checkpoint else [])
    return [path for path in wanted if submission.file(path) is None]


def checkpoint_job(submission: Submission, path: str, *, max_elements: int | None = None) -> Job:
    """Open a weights file without torch and list its tensors. Reads that one file."""
    return Job(CHECKPOINT, _present(submission, [path]), {"checkpoint": path, "max_elements": max_elements})


def transfer_job(submission: Submission, path: str, pretrained: str) -> Job:
    """Hold a weights file against the weights of the pretrained network of this name, tensor by tensor."""
    return Job(TRANSFER, _present(submission, [path]), {"checkpoint": path, "pretrained": pretrained})


def describe_job(submission: Submission, model: Mapping[str, Json], *, with_checkpoint: bool = False) -> Job:
    """Build the student's model and trace one forward pass; with its checkpoint, compare their keys too.

    Reads every Python file of the submission (one may import another). The checkpoint only where it is asked
    about: a broken one must not hide what the code is worth.
    """
    if not with_checkpoint:
        model = {**model, "checkpoint": ""}
    return Job(DESCRIBE, _model_files(submission, model), _model_parameters(submission, model))


def predict_job(submission: Submission, model: Mapping[str, Json], *, data: str, split: str) -> Job:
    """Logits of the student's checkpoint on a data set; counted against the labels outside the sandbox."""
    parameters = _model_parameters(submission, model) | {"data": data, "split": split}
    for key in ("mean", "std"):
        if key in model:
            parameters[key] = model[key]
    return Job(PREDICT, _model_files(submission, model), parameters)


def denoise_job(
    submission: Submission, model: Mapping[str, Json], *, data: str, split: str, output_range: Sequence[float] = (0, 1)
) -> Job:
    """What the student's checkpoint makes of noisy images, measured against the clean ones outside the sandbox.

    `output_range` is what the network gives for black and for white.
    """
    job = predict_job(submission, model, data=data, split=split)
    return Job(DENOISE, job.files, {**job.parameters, "output_range": list(output_range)})


def embedded_job(submission: Submission) -> Job:
    """Measure how much data the submission's Python files hold. Runs none of them."""
    return Job(EMBEDDED, tuple(file for file in submission.files if file.path.endswith(".py")), {})


def activations_job(
    submission: Submission,
    model: Mapping[str, Json],
    *,
    layers: Sequence[str],
    data: str,
    split: str,
    images: Sequence[int],
) -> Job:
    """What named layers of the student's checkpoint give for the images of these numbers of a data set."""
    parameters = _model_parameters(submission, model)
    parameters |= {"layers": list(layers), "data": data, "split": split, "images": list(images)}
    for key in ("mean", "std"):
        if key in model:
            parameters[key] = model[key]
    return Job(ACTIVATIONS, _model_files(submission, model), parameters)


def maps_job(
    submission: Submission,
    model: Mapping[str, Json],
    *,
    show: Sequence[Mapping[str, Json]],
    image: Mapping[str, Json] | None,
    others: int = 0,
) -> Job:
    """What layers of the student's checkpoint give for an image, prepared in several ways, and for other images too.

    `show`: {"layer" or "weights": a name or {"kinds": [...], "nth": n}, "maps": numbers or None for all}. `image`:
    {"data", "split", "index"}, {"sample"}, {"bytes": base64 of a picture} or {"file"}, a picture of the hand-in.
    """
    parameters = _model_parameters(submission, model)
    parameters |= {"show": [dict(one) for one in show], "image": dict(image) if image else None, "others": others}
    parameters |= {key: model[key] for key in ("mean", "std") if key in model}
    parameters |= {key: image[key] for key in ("data", "split") if image and key in image}
    own = _present(submission, [image["file"]]) if image and "file" in image else ()
    return Job(ACTIVATIONS, _model_files(submission, model) + own, parameters)


def train_job(
    submission: Submission, model: Mapping[str, Json], *, recipe: Mapping[str, Json], seed: int, budget_s: int
) -> Job:
    """The student's network trained by a recipe (as `Recipe.to_json` writes it), in `budget_s` of CPU time at most.

    Reads the code alone, no checkpoint: a training begins without weights.
    """
    parameters = _model_parameters(submission, {**model, "checkpoint": ""})
    parameters |= {"recipe": dict(recipe), "seed": seed, "budget_s": budget_s}
    return Job(TRAIN, _model_files(submission, {**model, "checkpoint": ""}), parameters)


def notebook_job(submission: Submission, paths: Sequence[str]) -> Job:
    """Open notebooks by Jupyter's own library and list their cells."""
    return Job(NOTEBOOK, _present(submission, paths), {"files": list(paths)})


def syntax_job(submission: Submission, paths: Sequence[str]) -> Job:
    """Parse files of Python, without running them."""
    return Job(SYNTAX, _present(submission, paths), {"files": list(paths)})


def picture_job(submission: Submission, paths: Sequence[str], *, max_pixels: int | None = None) -> Job:
    """Decode pictures and say what is seen of each."""
    return Job(PICTURE, _present(submission, paths), {"files": list(paths), "max_pixels": max_pixels})


def figures_job(submission: Submission, paths: Sequence[str]) -> Job:
    """Decode pictures and say how much is on each, and which of them show the same."""
    return Job(FIGURES, _present(submission, paths), {"files": list(paths)})


def handed_maps_job(submission: Submission, path: str) -> Job:
    """The numbers of a file, or the panels of a picture: maps as a student shows them."""
    return Job(HANDED_MAPS, _present(submission, [path]), {"file": path})


def own_images_job(
    submission: Submission, model: Mapping[str, Json], *, data: str, split: str, paths: Sequence[str]
) -> Job:
    """What the student's checkpoint answers to the student's own images, as they are and with colours inverted.

    A path may be that of a zip of images. `data` is the set whose size they get, and whose images they are compared to.
    """
    parameters = predict_job(submission, model, data=data, split=split).parameters
    files = _model_files(submission, model) + _present(submission, paths)
    return Job(OWN_IMAGES, files, {**parameters, "files": list(paths)})


def fingerprint_job(submission: Submission, of: str, paths: Sequence[str]) -> Job:
    """What of these files would be the same in a copy; `of` is "weights", "texts" (code too) or "pictures"."""
    return Job(FINGERPRINT, _present(submission, paths), {"of": of, "files": list(paths)})


def _model_parameters(submission: Submission, model: Mapping[str, Json]) -> dict[str, Json]:
    has_checkpoint = submission.file(model["checkpoint"]) is not None
    return {
        "code": model["code"],
        "factory": model["factory"],
        "checkpoint": model["checkpoint"] if has_checkpoint else None,
        "input": list(model["input"]),
    }


def _model_files(submission: Submission, model: Mapping[str, Json]) -> tuple[SubmittedFile, ...]:
    code = tuple(file for file in submission.files if file.path.endswith(".py"))
    return code + _present(submission, [model["checkpoint"]])


def _present(submission: Submission, paths: Sequence[str]) -> tuple[SubmittedFile, ...]:
    return tuple(file for path in paths if (file := submission.file(path)) is not None)
