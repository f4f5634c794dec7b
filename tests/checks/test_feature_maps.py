"""Feature maps and filters against the checkpoint. The oracle is PyTorch's own forward hook, in this process."""

import io
import json
from fractions import Fraction

import pytest

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")
Image = pytest.importorskip("PIL.Image")
ImageDraw = pytest.importorskip("PIL.ImageDraw")

from grader.checks import all_checks, run_check  # noqa: E402
from grader.datasets import load  # noqa: E402
from grader.datasets.samples import sample  # noqa: E402
from grader.model import Outcome  # noqa: E402

pytestmark = [pytest.mark.sandbox, pytest.mark.torch]

NET = """
import torch
import torch.nn.functional as F
from torch import nn
class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 6, 5, padding=2)
        self.pool = nn.AvgPool2d(2)
        self.c2 = nn.Conv2d(6, 8, 5)
        self.fc = nn.Linear(8 * 25, 10)
    def forward(self, x):
        x = self.pool(F.relu(self.c1(x)))
        x = F.avg_pool2d(F.relu(self.c2(x)), 2)
        return self.fc(torch.flatten(x, 1))
def build_model():
    return LeNet()
"""
COLOUR = NET.replace("Conv2d(1, 6, 5, padding=2)", "Conv2d(3, 6, 7, padding=3)")
MODEL = {
    "code": "model.py", "factory": "build_model", "checkpoint": "model.pth", "input": [1, 28, 28], "mean": [0.5],
    "std": [0.5],
}  # fmt: skip
INDEX = 3
IMAGE = {"data": "digits", "split": "test", "index": INDEX}
FIRST = [{"layer": {"kind": "conv2d", "nth": 1}}]
VIRIDIS = [(68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37)]
GREY = [(0, 0, 0), (255, 255, 255)]


def network(seed=1, code=NET):
    scope = {}
    exec(code, scope)  # noqa: S102  the model of this file
    torch.manual_seed(seed)
    return scope["build_model"]().eval()


def weights(model):
    stream = io.BytesIO()
    torch.save(model.state_dict(), stream)
    return stream.getvalue()


def hooked(model, layer, image, *, mean=0.5, std=0.5):
    """What a layer gives for one image (C, H, W) of bytes: (maps, H, W), before what later layers do in place."""
    seen = []
    handle = model.get_submodule(layer).register_forward_hook(
        lambda _part, _inputs, output: seen.append(output.clone())
    )
    with torch.no_grad():
        model((torch.from_numpy(np.array(image)).float()[None] / 255 - mean) / std)
    handle.remove()
    return seen[0][0].numpy()


def digit(index=INDEX):
    return load("digits", "test").images[index]


def coloured(numbers, stops):
    stops = np.array(stops, dtype=float)
    span = np.ptp(numbers) or 1
    at = (numbers - numbers.min()) / span * (len(stops) - 1)
    return np.stack([np.interp(at, range(len(stops)), stops[:, c]) for c in range(3)], axis=-1).round().astype(np.uint8)


def drawn(maps, *, columns=3, stops=VIRIDIS, times=3, gap=14, framed=True):
    """Maps side by side on white, each scaled by itself, with a frame, ticks and a title as matplotlib draws them."""
    panels = [np.repeat(np.repeat(coloured(one, stops), times, 0), times, 1) for one in maps]
    height, width = panels[0].shape[:2]
    rows = -(-len(panels) // columns)
    page = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, 3), 255, dtype=np.uint8)
    for number, panel in enumerate(panels):
        top, left = gap + number // columns * (height + gap), gap + number % columns * (width + gap)
        page[top : top + height, left : left + width] = panel
        if framed:
            page[[top, top + height - 1], left : left + width] = page[top : top + height, [left, left + width - 1]] = 0
            page[top + height : top + height + 3, left + 5 : left + width : 20] = 0
            page[top - 8 : top - 4, left + 4 : left + 40 : 2] = 0
    return page


def png(pixels, format_="PNG"):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format_)
    return stream.getvalue()


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@pytest.fixture
def look(graded):
    def run(data, name="maps.png", *, net=None, code=NET, files=None, answers=None, **settings):
        handed = {"model.py": code, "model.pth": weights(net or network(code=code)), name: data, **(files or {})}
        handed = {path: content for path, content in handed.items() if content is not None}
        settings = {"model": MODEL, "file": name, "image": IMAGE, "show": FIRST, **settings}
        return graded("feature-maps", files=handed, answers=answers, **settings)

    return run


# --- numbers ----------------------------------------------------------------------------------

MINE = hooked(network(), "c1", digit())


@pytest.mark.parametrize(
    ("array", "show"),
    [
        pytest.param(MINE, FIRST, id="as the hook gives it"),
        pytest.param(MINE, [{"layer": "c1"}], id="by the module's name"),
        pytest.param(MINE[None], FIRST, id="with the batch"),
        pytest.param(MINE.transpose(1, 2, 0), FIRST, id="channels last"),
        pytest.param(MINE.astype("f8"), FIRST, id="in doubles"),
        pytest.param(np.maximum(MINE, 0), FIRST, id="after the ReLU"),
        pytest.param((MINE - MINE.min()) / np.ptp(MINE), FIRST, id="from 0 to 1"),
        pytest.param(MINE * np.arange(1, 7)[:, None, None] + 3, FIRST, id="each map scaled by itself"),
        pytest.param(MINE.astype("f2"), FIRST, id="in half precision"),
        pytest.param(MINE[[1, 4]], [{"layer": "c1", "maps": [1, 4]}], id="some of the maps"),
        pytest.param(MINE, [{"layer": "c1", "maps": [1, 4]}], id="all maps where some are asked for"),
        pytest.param(MINE[5], [{"layer": "c1", "maps": [5]}], id="one map by itself"),
        pytest.param(hooked(network(), "c1", digit(), mean=0, std=1), FIRST, id="the image not normalised"),
        pytest.param(hooked(network(), "c1", digit(), mean=0.1307, std=0.3081), FIRST, id="as MNIST usually is"),
        pytest.param(hooked(network(), "pool", digit()), [{"layer": {"kind": "any_pool"}}], id="a pooling"),
        pytest.param(
            hooked(network(), "c2", digit()), [{"layer": {"kind": "conv2d", "nth": -1}}], id="the last convolution"
        ),
    ],
)
def test_the_numbers_of_pytorchs_hook_are_right_however_they_are_saved(look, array, show):
    [found] = look(npy(array), "maps.npy", show=show)
    assert (found.outcome, found.credit, found.code) == (Outcome.PASSED, 1, "maps-agree"), found.said


def test_lists_in_json_and_several_arrays_do_as_well(look):
    [found] = look(json.dumps(MINE.tolist()), "maps.json")
    assert found.outcome is Outcome.PASSED
    stream = io.BytesIO()
    np.savez(stream, second=hooked(network(), "c2", digit()), first=network().c1.weight.detach().numpy())
    show = [{"layer": "c2"}, {"weights": "c1"}]
    [found] = look(stream.getvalue(), "maps.npz", show=show)
    assert found.outcome is Outcome.PASSED
    [found] = look(npy(MINE), "maps.npy", show=show)
    assert (found.outcome, found.code) == (Outcome.REVIEW, "other-arrays")


@pytest.mark.parametrize(
    ("array", "outcome", "code"),
    [
        pytest.param(MINE[:5], Outcome.FAILED, "shape", id="a map too few"),
        pytest.param(MINE[:, :-1, :-1], Outcome.FAILED, "shape", id="another size"),
        pytest.param(MINE.reshape(6, 784), Outcome.REVIEW, "shape-unclear", id="flattened"),
        pytest.param(np.stack([MINE, MINE]), Outcome.REVIEW, "shape-unclear", id="two images"),
        pytest.param(hooked(network(), "c1", digit(4)), Outcome.FAILED, "another-image", id="the next image"),
        pytest.param(MINE[::-1], Outcome.REVIEW, "order", id="another order"),
        pytest.param(-MINE, Outcome.REVIEW, "inverted", id="the sign turned"),
        pytest.param(hooked(network(2), "c1", digit()), Outcome.REVIEW, "other-maps", id="another checkpoint"),
        pytest.param(hooked(network(), "c1", digit(211)), Outcome.REVIEW, "other-maps", id="an image from elsewhere"),
        pytest.param(np.zeros((6, 28, 28)), Outcome.REVIEW, "other-maps", id="nothing"),
    ],
)
def test_what_is_not_the_maps_is_wrong_where_that_is_proven_and_else_for_a_person(look, array, outcome, code):
    [found] = look(npy(np.ascontiguousarray(array)), "maps.npy")
    assert (found.outcome, found.code) == (outcome, code), found.said
    assert found.fix
    if code == "another-image":
        assert "for image 4 of the test split" in found.said


def test_strict_calls_other_numbers_wrong_and_any_order_takes_any(look):
    other = hooked(network(2), "c1", digit())
    [found] = look(npy(other), "maps.npy", unlike="strict")
    assert (found.outcome, found.code) == (Outcome.FAILED, "other-maps")
    [found] = look(npy(MINE[::-1].copy()), "maps.npy", order="any", unlike="strict")
    assert found.outcome is Outcome.PASSED


def test_filters_are_those_of_the_checkpoint_or_wrong(look):
    show = [{"weights": {"kind": "conv2d"}}]
    own, other = (network(seed).c1.weight.detach().numpy() for seed in (1, 2))
    assert look(npy(own), "maps.npy", show=show)[0].outcome is Outcome.PASSED
    assert look(npy(own[:, 0]), "maps.npy", show=show)[0].outcome is Outcome.PASSED
    [found] = look(npy(other), "maps.npy", show=show)
    assert (found.outcome, found.code) == (Outcome.FAILED, "other-weights")


# --- pictures ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "format_"),
    [
        pytest.param(drawn(MINE), "PNG", id="viridis with frames"),
        pytest.param(drawn(MINE, stops=GREY, framed=False), "PNG", id="grey without"),
        pytest.param(drawn(MINE, stops=GREY[::-1]), "PNG", id="grey turned round"),
        pytest.param(drawn(MINE, columns=6, times=4), "PNG", id="in one row"),
        pytest.param(drawn(MINE, columns=2), "JPEG", id="JPEG"),
        pytest.param(drawn(np.maximum(MINE, 0)), "PNG", id="after the ReLU"),
        pytest.param(drawn([digit()[0].astype(float), *MINE], columns=4), "PNG", id="with the image itself"),
        pytest.param(drawn(MINE, stops=GREY, times=1, gap=2, framed=False), "PNG", id="a montage"),
        pytest.param(drawn(MINE, stops=GREY, times=1, gap=0, framed=False), "PNG", id="a montage without gaps"),
        pytest.param(drawn(MINE, times=1, gap=9, framed=False)[::1], "GIF", id="GIF"),
        pytest.param(drawn(hooked(network(), "c1", digit(), mean=0, std=1)), "PNG", id="the image not normalised"),
    ],
)
def test_a_picture_of_the_maps_is_right_however_it_is_drawn(look, page, format_):
    found, *_ = look(png(page, format_))
    assert (found.outcome, found.code) == (Outcome.PASSED, "maps-agree"), (found.said, found.observed)


@pytest.mark.parametrize(
    ("page", "outcome", "code"),
    [
        pytest.param(drawn(hooked(network(), "c1", digit(4))), Outcome.FAILED, "another-image", id="the next image"),
        pytest.param(
            drawn(hooked(network(2), "c1", digit())), Outcome.REVIEW, "unclear-picture", id="another checkpoint"
        ),
        pytest.param(
            drawn(hooked(network(), "c1", digit(211))), Outcome.REVIEW, "unclear-picture", id="an image from elsewhere"
        ),
        pytest.param(drawn(MINE[::-1]), Outcome.REVIEW, "order", id="another order"),
        pytest.param(drawn(MINE[:3]), Outcome.REVIEW, "unclear-picture", id="half of them, with titles"),
        pytest.param(drawn(hooked(network(), "c2", digit())), Outcome.REVIEW, "unclear-picture", id="another layer"),
        pytest.param(np.full((90, 90, 3), 255, dtype=np.uint8), Outcome.FAILED, "blank", id="blank"),
        pytest.param(
            np.random.default_rng(0).integers(0, 255, (90, 90, 3), dtype=np.uint8),
            Outcome.REVIEW,
            "unclear-picture",
            id="noise",
        ),
    ],
)
def test_a_picture_is_wrong_only_where_that_is_proven(look, page, outcome, code):
    found, *_ = look(png(page))
    assert (found.outcome, found.code) == (outcome, code), (found.said, found.observed)


def test_some_of_the_maps_and_nothing_else_are_worth_their_share(look):
    [found] = look(png(drawn(MINE[:3], framed=False)))
    assert (found.outcome, found.credit, found.code) == (Outcome.PARTIAL, Fraction(1, 2), "fewer-maps"), found.observed


def test_a_map_that_has_the_pages_colour_is_not_called_missing(look):
    """White is the ground: a panel of white corners is not seen as one, and nobody can say that it is not there."""
    maps = [*MINE[:5], np.where(np.eye(28) > 0, MINE[5], MINE[5].max())]
    page = drawn(maps, stops=GREY, framed=False)
    found, *_ = look(png(page))
    assert found.outcome is Outcome.REVIEW


def dead():
    """A network whose third filter gives the same everywhere."""
    model = network()
    with torch.no_grad():
        model.c1.weight[2] = 0
    return model


def test_a_dead_filter_needs_a_panel_and_is_said(look):
    maps = hooked(dead(), "c1", digit())
    found, remark = look(png(drawn(maps)), net=dead())
    assert (found.outcome, found.code) == (Outcome.PASSED, "maps-agree"), (found.said, found.observed)
    assert (remark.code, remark.weight) == ("flat-maps", 0)
    found, *_ = look(png(drawn(np.delete(maps, 2, axis=0))), net=dead())
    assert found.outcome is Outcome.REVIEW
    [found] = look(npy(maps), "maps.npy", net=dead())
    assert found.outcome is Outcome.PASSED


def test_filters_and_their_maps_in_one_picture_as_the_cifar_sheet_asks(look):
    """Filters and activations of the first layer for a photograph: three channels, filters shown in colours."""
    chosen = [0, 2, 3, 5]
    model = network(code=COLOUR)
    photograph = np.asarray(Image.fromarray(sample("flower.jpg").transpose(1, 2, 0)).resize((28, 28), Image.BILINEAR))
    maps = hooked(model, "c1", photograph.transpose(2, 0, 1))
    filters = model.c1.weight.detach().numpy()
    scaled = [(one - one.min()) / np.ptp(one) for one in filters[chosen].transpose(0, 2, 3, 1)]
    top = [np.repeat(np.repeat((255 * one).round().astype(np.uint8), 12, 0), 12, 1) for one in scaled]
    below = [np.repeat(np.repeat(coloured(maps[number], VIRIDIS), 3, 0), 3, 1) for number in chosen]
    page = np.full((2 * 104, 4 * 104, 3), 255, dtype=np.uint8)
    for row, panels in enumerate((top, below)):
        for column, panel in enumerate(panels):
            y, x = row * 104 + 10, column * 104 + 10
            page[y : y + 84, x : x + 84] = panel
    show = [{"weights": "c1", "maps": chosen}, {"layer": "c1", "maps": chosen}]
    settings = {
        "model": {**MODEL, "input": [3, 28, 28], "mean": [0.5] * 3, "std": [0.5] * 3},
        "image": {"sample": "flower.jpg"},
        "show": show,
    }
    found, *_ = look(png(page), code=COLOUR, **settings)
    assert (found.outcome, found.code) == (Outcome.PASSED, "maps-agree"), (found.said, found.observed)
    other, *_ = look(png(page), code=COLOUR, **{**settings, "image": {"sample": "china.jpg"}})
    assert (other.outcome, other.code) == (Outcome.FAILED, "another-image"), (other.said, other.observed)
    assert "flower.jpg" in other.said


def test_the_image_may_be_the_students_own_picture(look):
    own = Image.fromarray(digit(7)[0])
    stream = io.BytesIO()
    own.save(stream, "PNG")
    settings = {"image": {"file": "own/7.png"}, "show": [{"layer": "c1"}]}
    maps = hooked(network(), "c1", digit(7))
    [found] = look(npy(maps), "maps.npy", files={"own/7.png": stream.getvalue()}, **settings)
    assert found.outcome is Outcome.PASSED
    [found] = look(npy(maps), "maps.npy", **settings)
    assert (found.outcome, found.code) == (Outcome.FAILED, "missing-file")


def test_the_student_may_name_the_image(look):
    image = {"data": "digits", "split": "test", "answer": "which"}
    maps = npy(hooked(network(), "c1", digit(9)))
    assert look(maps, "maps.npy", answers={"which": 9}, image=image)[0].outcome is Outcome.PASSED
    assert look(maps, "maps.npy", answers={"which": 10}, image=image)[0].code == "another-image"
    assert look(maps, "maps.npy", answers={"which": 5000}, image=image)[0].code == "no-such-image"
    assert look(maps, "maps.npy", answers={}, image=image)[0].code == "unanswered"
    assert look(maps, "maps.npy", answers={"which": "a seven"}, image=image)[0].outcome is Outcome.FAILED


# --- faults -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        pytest.param({"files": {"model.pth": None}}, "missing-file", id="no checkpoint"),
        pytest.param({"files": {"model.pth": b"nonsense"}}, None, id="a broken checkpoint"),
        pytest.param({"net": torch.nn.Linear(2, 2)}, "keys-differ", id="a checkpoint of another network"),
        pytest.param({"show": [{"layer": "conv_1"}]}, "no-such-layer", id="no such name"),
        pytest.param({"show": [{"layer": {"kind": "conv2d", "nth": 3}}]}, "no-such-layer", id="no third convolution"),
        pytest.param({"show": [{"layer": "c1", "maps": [6]}]}, "no-such-map", id="no seventh map"),
        pytest.param({"show": [{"layer": "fc"}]}, "no-maps", id="a layer without maps"),
        pytest.param({"show": [{"weights": "pool"}]}, "no-such-tensor", id="a layer without filters"),
        pytest.param({"files": {"maps.npy": b"hello"}}, "not-an-array", id="no array"),
        pytest.param({"files": {"maps.npy": png(drawn(MINE))[:500]}}, "not-an-image", id="a picture that is cut off"),
    ],
)
def test_a_fault_of_the_student_is_said_with_a_remedy(look, settings, code):
    [found] = look(npy(MINE), "maps.npy", **settings)
    assert found.outcome is Outcome.FAILED, found.said
    assert found.fix
    assert code in (None, found.code), found.said


def test_the_file_is_missing_or_one_of_several(look):
    [found] = look(npy(MINE), "maps.npy", file=["maps.png", "maps.npy"])
    assert found.outcome is Outcome.PASSED
    [found] = look(npy(MINE), "Maps.npy", file=["maps.png", "maps.npy"])
    assert (found.outcome, found.code) == (Outcome.FAILED, "missing-file")
    assert "'Maps.npy'" in found.fix


def test_a_fault_of_the_machine_costs_nothing(make_rule, hand_in, system_fault):
    check = all_checks()["feature-maps"]
    rule = make_rule("feature-maps", model=MODEL, file="maps.npy", image=IMAGE, show=FIRST)
    submission = hand_in(files={"model.py": NET, "model.pth": b"x", "maps.npy": b"x"})
    [found] = run_check(check, rule, submission, dict.fromkeys(check.needs(rule, submission), system_fault))
    assert found.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        pytest.param({"show": [{}]}, "one of them", id="nothing is shown"),
        pytest.param({"show": [{"layer": "a", "weights": "a"}]}, "one of them", id="both"),
        pytest.param({"show": [{"layer": {"kind": "convolution"}}]}, "no kind of layer", id="no kind"),
        pytest.param({"show": [{"layer": {"kind": "conv2d", "nth": 0}}]}, "counted from 1", id="the zeroth"),
        pytest.param({"image": None}, "none is named", id="no image"),
        pytest.param({"image": {}}, "from nowhere", id="an image from nowhere"),
        pytest.param({"image": {"sample": "china.jpg", "file": "a.png"}}, "sample and file", id="from two places"),
        pytest.param({"image": {"data": "digits", "split": "test"}}, "`index` or by `answer`", id="no number"),
        pytest.param({"image": {**IMAGE, "index": 360}}, "360 images", id="a number too high"),
        pytest.param({"image": {**IMAGE, "split": "dev"}}, "no split", id="no split"),
        pytest.param({"image": {"sample": "china.jpg", "index": 3}}, "without `data`", id="the third of a photograph"),
    ],
)
def test_what_makes_no_sense_is_told_to_the_teacher(make_rule, settings, what):
    settings = {"model": MODEL, "file": "a.png", "image": IMAGE, "show": FIRST, **settings}
    settings = {key: value for key, value in settings.items() if value is not None}
    problems = list(all_checks()["feature-maps"].lint(make_rule("feature-maps", **settings)))
    assert any(what in problem.what for problem in problems), problems


def test_a_picture_of_the_course_comes_with_the_rubric(look):
    import base64

    stream = io.BytesIO()
    Image.fromarray(digit(7)[0]).save(stream, "PNG")
    image = {"course": "demo/seven.png", "bytes": base64.b64encode(stream.getvalue()).decode()}
    maps = npy(hooked(network(), "c1", digit(7)))
    assert look(maps, "maps.npy", image=image)[0].outcome is Outcome.PASSED
    broken = {**image, "bytes": base64.b64encode(b"no picture").decode()}
    assert look(maps, "maps.npy", image=broken)[0].outcome is Outcome.UNKNOWN  # ours, not the student's
    assert look(maps, "maps.npy", image={"course": "demo/seven.png"})[0].outcome is Outcome.UNKNOWN
