"""The classes are those of the plain float32 pass, image by image, however flat, wild or sly the network is."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.places import cache_folder
from grader.training import exact
from grader.training.exact import NOT_FINITE, SAMPLE, classes_of
from grader.training.pace import IN_FULL, IN_SHORT, Pace

torch = pytest.importorskip("torch")
nn = torch.nn

pytestmark = pytest.mark.torch
N = 2300  # more than two batches of the plain pass, and a smaller one
SHORT = Pace("bfloat16", 128)  # asked for, so that it is tried on machines that only emulate it, too


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _images(n: int = N, side: int = 8, channels: int = 1, seed: int = 0):
    """Noise of another brightness and another edge in each image."""
    chance = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (n, channels, side, side), generator=chance)
    lit = torch.rand((n, 1, side, side), generator=chance) < 0.1 + torch.rand((n, 1, 1, 1), generator=chance)
    edge = torch.arange(side) < torch.randint(0, side, (n, 1, 1, 1), generator=chance)
    return (images * lit // (1 + edge.long() * 3)).byte()


def _plain(model, images, mean=(), std=()):
    """What everybody writes, written again: float32, PyTorch's own memory format, a thousand images at a time."""
    model.eval()
    found = []
    with torch.no_grad():
        for batch in images.split(1000):
            made = batch.float() / 255
            if mean:
                made = (made - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
            scores = model(made)
            is_finite = scores.isfinite().all(dim=1)
            found.append(torch.where(is_finite, scores.argmax(dim=1), torch.tensor(NOT_FINITE)))
    return torch.cat(found)


def _network(classes: int = 10, seed: int = 0):
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1, bias=False),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(64, 32),
        nn.ReLU(),
        nn.Linear(32, classes),
    )
    for layer in model:
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return _centred(model)


def _centred(model):
    """With as much of each class among such images as of another: no score is the largest for all of them."""
    last, images = model[-1], _images(300, seed=3)
    with torch.no_grad():
        scores = model.eval()(images.float() / 255)
        mean, deviation = scores.mean(dim=0), scores.std()
        if mean.isfinite().all() and 1e-30 < deviation < 1e30:
            last.bias.sub_(mean)
    return model


def _scaled(model, *, last: float = 1.0, bias: float = 0.0):
    with torch.no_grad():
        model[-1].weight.mul_(last)
        model[-1].bias.mul_(last).add_(bias)
    return model


@pytest.mark.parametrize("pace", [*IN_SHORT, *IN_FULL], ids=str)
def test_no_result_depends_on_how_the_first_answers_are_computed(pace):
    model, images = _network(), _images()
    found, course = classes_of(model, images, (0.4,), (0.3,), pace=pace)
    assert (course.why_plain, course.pace) == ("", pace)
    assert torch.equal(found, _plain(model, images, (0.4,), (0.3,)))


def test_the_first_answers_alone_would_not_do():
    """Else the tests of this file could not fail: in bfloat16 some of these images have another class."""
    model, images = _network(), _images()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        short = model.eval()(images.float() / 255).argmax(dim=1)
    found, course = classes_of(model, images, (), (), pace=SHORT)
    plain = _plain(model, images)
    assert (short != plain).any()
    assert torch.equal(found, plain)
    assert 0 < course.again < N / 2


def test_without_the_bounds_the_answers_would_be_wrong(monkeypatch):
    model, images = _network(), _images()
    monkeypatch.setattr(exact, "SHORT", exact.Rule(0.0, 0.0))
    found, _ = classes_of(model, images, (), (), pace=SHORT)
    assert not torch.equal(found, _plain(model, images))


def _constant():
    model = _network()
    for tensor in model.parameters():
        torch.nn.init.zeros_(tensor)
    return model


def _twins():
    """Each class twice, with the same weights: every image is a tie, and the first one of it counts."""
    model = _network()
    with torch.no_grad():
        model[-1].weight[5:] = model[-1].weight[:5]
        model[-1].bias[5:] = model[-1].bias[:5]
    return model


def _nearly_twins():
    model = _twins()
    with torch.no_grad():
        model[-1].bias[5:] += 2.0**-24
    return model


def _other_order():
    """The same sums in another order for two classes: they differ by what float32 rounds, if at all."""
    model = _twins()
    with torch.no_grad():
        at = torch.randperm(32)
        model[-3].weight.copy_(model[-3].weight[at])
        model[-1].weight[5:] *= 1 + 2.0**-23
    return model


def _not_a_number():
    model = _network()
    with torch.no_grad():
        model[4].weight[3, 2, 1, 1] = float("nan")
    return model


FLAT = {
    "all scores equal": _constant,
    "every image a tie": _twins,
    "ties but for the last bit": _nearly_twins,
    "equal but for rounding": _other_order,
    "tiny differences": lambda: _scaled(_network(), last=1e-6),
    "tiny differences beside a large number": lambda: _scaled(_network(), last=1e-3, bias=1e3),
    "differences below what float32 can add": lambda: _scaled(_network(), last=1e-4, bias=1e6),
    "subnormal scores": lambda: _scaled(_network(), last=1e-39),
    "huge scores": lambda: _scaled(_network(), last=1e25),
    "scores of which some overflow": lambda: _scaled(_network(), last=1e39),
    "a weight that is not a number": _not_a_number,
    "two classes": lambda: _network(2),
    "one class": lambda: _network(1),
    "a thousand classes": lambda: _network(1000),
}


@pytest.mark.parametrize("pace", [SHORT, Pace("float32", 64), None], ids=["bfloat16", "float32", "as measured"])
@pytest.mark.parametrize("name", FLAT)
def test_flat_and_wild_networks_get_the_classes_of_the_plain_pass(name, pace):
    model, images = FLAT[name](), _images()
    found, _ = classes_of(model, images, (), (), pace=pace)
    assert torch.equal(found, _plain(model, images))


def test_ties_among_few_images_only_are_settled_by_the_batches_that_have_them():
    """Blank images: all scores are the bias, of which two are equal. The others are told apart without these."""
    model, images = _network(), _images(4000)
    with torch.no_grad():
        model[-1].bias.zero_()
        for layer in (model[0], model[9]):
            layer.bias.zero_()
        model[1].running_mean.zero_()
    others = _not_in_sample(4000)
    blank = others[others < 1000][:3]
    images[blank] = 0
    found, course = classes_of(model, images, (), (), pace=SHORT)
    assert torch.equal(found, _plain(model, images))
    assert found[blank].eq(0).all()
    assert course.why_plain == ""
    assert course.plain >= 3
    assert course.plain_images < 4000


def _not_in_sample(n: int):
    order = torch.randperm(n, generator=torch.Generator().manual_seed(0))
    return order[SAMPLE:].sort().values


@pytest.mark.parametrize("weight", [3e3, 1e6, 1e12], ids=lambda weight: f"{weight:g}")
def test_what_only_images_outside_the_sample_bring_out_is_not_trusted(weight):
    """Two units see one pixel, which only three images have; large weights take the one's answer from the other's."""
    images = _images()
    images[:, 0, 0, 0] = 0
    rare = _not_in_sample(N)[[7, 700, 1700]]
    images[rare, 0, 0, 0] = torch.tensor([201, 77, 143], dtype=torch.uint8)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 512), nn.ReLU(), nn.Linear(512, 2))
    with torch.no_grad():
        model[1].weight[:, 0] = 0
        model[1].weight[:2] = 0
        model[1].weight[0, 0], model[1].weight[1, 0] = 1.0, 1.0009
        model[1].bias[:2] = 0
        model[3].weight[:, :2] = 0
        model[3].weight[0, 0], model[3].weight[0, 1] = weight, -weight
        model[3].weight[1, 0], model[3].weight[1, 1] = -weight, weight
        model[3].bias[:2] = weight * 2.0**-11
        model[5].weight[:, :2] = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    found, course = classes_of(model, images, (), (), pace=SHORT)
    assert torch.equal(found, _plain(model, images))
    assert course.why_plain or course.again >= 3


def test_a_dead_unit_whose_rounding_alone_would_decide_is_not_trusted():
    """It is off for every image of the sample, by far less than bfloat16 rounds in its sum."""
    images = _images()
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 3)).eval()
    torch.manual_seed(0)
    with torch.no_grad():
        model[1].weight[0] = torch.randn(64) * 1e4
        model[1].bias[0] = 0
        sums = model[1](images.flatten(1).float() / 255)[:, 0]
        rare = sums.argmax()
        if rare not in set(_not_in_sample(N).tolist()):
            other = int(_not_in_sample(N)[0])
            images[[int(rare), other]] = images[[other, int(rare)]]
        model[1].bias[0] = -sums.sort().values[-2:].mean()
        model[3].weight[:, 0] = torch.tensor([0.0, 0.2, -0.2])
    found, course = classes_of(model, images, (), (), pace=SHORT)
    assert torch.equal(found, _plain(model, images))
    assert "does not show" in course.why_plain


class _Sly(nn.Module):
    """A network with a `forward` of its own, which the tests' networks add their slyness to."""

    def __init__(self) -> None:
        super().__init__()
        self.net = _network()
        self.calls = 0

    def forward(self, images):
        return self.net(images)


class _ByType(_Sly):
    def forward(self, images):
        scores = self.net(images)
        return scores if scores.dtype == torch.float32 else scores.flip(1)


class _ByAutocast(_Sly):
    def forward(self, images):
        return self.net(images).flip(1) if torch.is_autocast_enabled("cpu") else self.net(images)


class _ByBatchSize(_Sly):
    def forward(self, images):
        return self.net(images) if len(images) in (300, 1000) else self.net(images).flip(1)


class _ByCompany(_Sly):
    def forward(self, images):
        scores = self.net(images)
        return scores - scores.mean(dim=0)


class _ByPlace(_Sly):
    def forward(self, images):
        return self.net(images) + torch.arange(len(images))[:, None] % 10 * torch.eye(10)[0]


class _ByPixel(_Sly):
    def forward(self, images):
        return self.net(images).flip(1) if images[0, 0, 0, 0] > 0.5 else self.net(images)


class _Counting(_Sly):
    def forward(self, images):
        self.calls += 1
        return self.net(images).roll(self.calls, dims=1)


class _ByStride(_Sly):
    def forward(self, images):
        return self.net(images) if images.is_contiguous() else self.net(images).flip(1)


class _OwnCall(_Sly):
    def __call__(self, images):
        return self.forward(images).flip(1)


class _ChildOfAttribute(_Sly):
    """The name of a part leads to another one."""

    @property
    def other(self):
        return lambda images: self.net(images).flip(1)

    def forward(self, images):
        return self.other(images)


class _Softmax(_Sly):
    def forward(self, images):
        return (self.net(images) * 1e4).softmax(dim=1)


class _Residual(_Sly):
    def forward(self, images):
        return self.net(images) + images.flatten(1)[:, :10]


def _hooked():
    model = _Sly()
    model.net.register_forward_hook(lambda _module, _inputs, scores: scores.flip(1))
    return model


def _patched():
    model = _Sly()
    model.net[3].forward = lambda made: nn.functional.max_pool2d(made, 2).flip(1)
    return model


def _parametrized():
    model = _Sly()
    torch.nn.utils.parametrizations.weight_norm(model.net[9])
    return model


def _batch_statistics():
    model = _network()
    model[1] = nn.BatchNorm2d(8, track_running_stats=False)
    return model


def _with(layer, at: int = 12):
    model = _network()
    model.insert(at, layer)
    return model


def _in_double():
    model = _network()
    model[9] = model[9].double()
    model[9].register_forward_pre_hook(lambda _module, given: (given[0].double(),))
    model[9].register_forward_hook(lambda _module, _given, made: made.float())
    return model


SLY: dict[str, Callable[[], nn.Module]] = {
    "looks at the type": _ByType,
    "looks at autocast": _ByAutocast,
    "looks at the batch's size": _ByBatchSize,
    "looks at the batch's other images": _ByCompany,
    "looks at an image's place": _ByPlace,
    "looks at a pixel": _ByPixel,
    "counts its calls": _Counting,
    "looks at the memory format": _ByStride,
    "has a __call__ of its own": _OwnCall,
    "has a property in the place of a part": _ChildOfAttribute,
    "gives saturated probabilities": _Softmax,
    "adds its input": _Residual,
    "has a hook": _hooked,
    "has a forward put on an object": _patched,
    "has weights that are computed": _parametrized,
    "normalises by the batch": _batch_statistics,
    "normalises over the batch": lambda: _with(nn.Softmax(dim=0)),
    "saturates": lambda: _with(nn.Sigmoid()),
    "is chaotic": lambda: _with(nn.Sequential(nn.Hardshrink(0.1), nn.Tanhshrink())),
    "computes in double": _in_double,
    "wraps its borders": lambda: nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular"), _network()),
}


@pytest.mark.parametrize("name", SLY)
def test_a_network_of_which_it_is_not_sure_goes_through_the_plain_pass_alone(name):
    images = _images()
    torch.manual_seed(0)
    found, course = classes_of(SLY[name](), images, (), (), pace=SHORT)
    torch.manual_seed(0)
    assert torch.equal(found, _plain(SLY[name](), images))
    assert course.why_plain


def test_a_network_that_only_calls_its_parts_is_quick():
    images, model = _images(), _Sly()
    found, course = classes_of(model, images, (), (), pace=SHORT)
    assert torch.equal(found, _plain(model, images))
    assert course.why_plain == ""


def test_chance_is_not_drawn_and_the_mode_is_kept():
    images, model = _images(), _network()
    model.train()
    state = torch.get_rng_state()
    first, _ = classes_of(model, images, (), (), pace=SHORT)
    assert torch.equal(state, torch.get_rng_state())
    assert all(part.training for part in model.modules())
    assert torch.equal(first, _plain(model, images))


def test_an_error_that_the_sample_did_not_show_makes_everything_plain(monkeypatch):
    """Of images outside the sample bfloat16 answers are off by far more; some of them are doubtful, and tell."""
    model, images = _network(), _images()
    whole = exact.QuickPass.__call__

    def off(self, inputs, **named):
        scores, reach = whole(self, inputs, **named)
        if self.dtype == torch.bfloat16 and len(inputs) != SAMPLE:
            scores = scores + scores.std() * torch.linspace(-1, 1, scores.shape[1])
        return scores, reach

    monkeypatch.setattr(exact.QuickPass, "__call__", off)
    found, course = classes_of(model, images, (), (), pace=SHORT)
    assert torch.equal(found, _plain(model, images))
    assert "larger than the sample lets expect" in course.why_plain


def test_an_answer_that_a_plain_batch_does_not_confirm_makes_everything_plain(monkeypatch):
    """Sure answers stand in batches that are asked for because of a tie: they are compared there."""
    model, images = _twins_for_blank(), _images()
    blank = _not_in_sample(N)[:1]
    images[blank] = 0
    whole = exact.QuickPass.__call__

    def off(self, inputs, **named):
        scores, reach = whole(self, inputs, **named)
        if len(inputs) != SAMPLE and self.dtype == torch.bfloat16:
            scores = scores.roll(1, dims=1)
        return scores, reach

    monkeypatch.setattr(exact.QuickPass, "__call__", off)
    monkeypatch.setattr(exact, "KEPT", float("inf"))
    found, course = classes_of(model, images, (), (), pace=SHORT)
    assert torch.equal(found, _plain(model, images))
    assert "was not" in course.why_plain


def _twins_for_blank():
    model = _network()
    with torch.no_grad():
        for layer in (model[0], model[9], model[11]):
            layer.bias.zero_()
    return model


@pytest.mark.parametrize("n", [1, 2, 999, 1000, 1499, 1500, 1501, 2000, 2256], ids=lambda n: f"{n} images")
def test_any_number_of_images_is_answered(n):
    model, images = _network(), _images(n)
    found, _ = classes_of(model, images, (), (), pace=SHORT)
    assert torch.equal(found, _plain(model, images))


def test_a_layer_that_the_sample_leaves_dark_makes_everything_plain():
    model = _network()
    with torch.no_grad():
        model[9].bias.fill_(-1e3)
    found, course = classes_of(model, _images(), (), (), pace=SHORT)
    assert torch.equal(found, _plain(model, _images()))
    assert "does not show" in course.why_plain


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"fastest": {"precision": "float8", "batch_size": -1}}', b'{"fastest": {"batch_size": "64"}}'],
    ids=["empty", "cut off", "a list", "an unknown way", "a wrong type"],
)
def test_what_is_kept_of_earlier_measurements_is_never_trusted(content, monkeypatch, tmp_path):
    monkeypatch.setenv("GRADER_CACHE", str(tmp_path))
    monkeypatch.setattr(exact, "FEWEST_MEASURED", 1000)
    monkeypatch.setattr(exact, "MEASURED", 260)
    model, images = _network(), _images(3000)
    plain = _plain(model, images)
    first, course = classes_of(model, images, (), ())
    [file] = cache_folder("paces").iterdir()
    assert json.loads(file.read_text())["fastest"]["batch_size"] == course.pace.batch_size
    file.write_bytes(content)
    second, _ = classes_of(model, images, (), ())
    assert torch.equal(first, plain)
    assert torch.equal(second, plain)
    assert json.loads(file.read_text())["fastest"]


def test_a_cache_that_cannot_be_written_changes_nothing(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GRADER_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(exact, "FEWEST_MEASURED", 1000)
    monkeypatch.setattr(exact, "MEASURED", 260)
    model, images = _network(), _images(3000)
    found, course = classes_of(model, images, (), ())
    assert torch.equal(found, _plain(model, images))
    assert course.why_plain == ""


def test_the_kept_way_is_used_again(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADER_CACHE", str(tmp_path))
    monkeypatch.setattr(exact, "FEWEST_MEASURED", 1000)
    monkeypatch.setattr(exact, "MEASURED", 260)
    model, images = _network(), _images(3000)
    classes_of(model, images, (), ())
    [file] = cache_folder("paces").iterdir()
    said = json.loads(file.read_text())
    said["fastest"] = {"precision": "float32", "batch_size": 128, "is_channels_last": True}
    file.write_text(json.dumps(said))
    monkeypatch.setattr(exact, "keep_pace", lambda *_: pytest.fail("measured again"))
    _, course = classes_of(model, images, (), ())
    assert course.pace == Pace("float32", 128) or exact.FULL_PACE not in exact.candidates()


@pytest.mark.parametrize("threads", [1, 2])
def test_the_number_of_threads_changes_no_class(threads):
    torch.set_num_threads(threads)
    model, images = _network(), _images()
    found, course = classes_of(model, images, (), (), pace=SHORT)
    assert course.why_plain == ""
    assert torch.equal(found, _plain(model, images))


def test_under_autocast_the_caller_gets_what_the_network_gives_there():
    model, images = _network(), _images()
    with torch.autocast("cpu", torch.bfloat16):
        found, course = classes_of(model, images, (), ())
        assert torch.equal(found, _plain(model, images))
    assert "not in float32" in course.why_plain


def _drawn_layers(draw):
    """A chain of known layers with weights of any size, and places that the draw makes odd."""
    torch.manual_seed(draw(st.integers(0, 2**31)))
    layers, channels, side = [], 1, 8
    for _ in range(draw(st.integers(0, 3))):
        filters = draw(st.sampled_from([1, 3, 8, 16]))
        stride = draw(st.sampled_from([1, 1, 2])) if side > 2 else 1
        has_bias, groups = draw(st.booleans()), draw(st.sampled_from([1, channels if filters % channels == 0 else 1]))
        layers.append(nn.Conv2d(channels, filters, 3, stride=stride, padding=1, bias=has_bias, groups=groups))
        channels, side = filters, -(-side // stride)
        if draw(st.booleans()):
            layers.append(nn.BatchNorm2d(channels))
        if draw(st.booleans()):
            layers.append(nn.ReLU())
        if side >= 4 and draw(st.booleans()):
            layers.append(draw(st.sampled_from([nn.MaxPool2d, nn.AvgPool2d]))(2))
            side //= 2
    if draw(st.booleans()):
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        places = channels
    else:
        layers.append(nn.Flatten())
        places = channels * side * side
    for _ in range(draw(st.integers(0, 2))):
        units = draw(st.sampled_from([2, 16, 64]))
        layers += [nn.Linear(places, units), nn.ReLU()]
        places = units
    layers.append(nn.Linear(places, draw(st.sampled_from([2, 3, 10]))))
    return layers


@st.composite
def _chains(draw):
    model = nn.Sequential(*_drawn_layers(draw))
    with torch.no_grad():
        for layer in model:
            if isinstance(layer, nn.BatchNorm2d):
                layer.running_var.uniform_(0.01, 4)
                layer.running_mean.normal_()
                layer.weight.normal_()
            for tensor in layer.parameters():
                tensor.mul_(10.0 ** draw(st.integers(-3, 3)))
                if tensor.ndim > 1 and draw(st.integers(0, 4)) == 0:
                    tensor[draw(st.integers(0, len(tensor) - 1))] *= 10.0 ** draw(st.integers(-4, 6))
                if len(tensor) > 1 and draw(st.integers(0, 4)) == 0:
                    tensor[-1] = tensor[0]
    return _centred(model) if draw(st.booleans()) else model


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(model=_chains(), kind=st.sampled_from(["noise", "few values", "mostly dark", "nearly alike"]))
def test_any_chain_of_known_layers_gets_the_classes_of_the_plain_pass(model, kind):
    images = _images(1600, seed=1)
    if kind == "few values":
        images = images // 128 * 255
    elif kind == "mostly dark":
        images[torch.rand(1600, generator=torch.Generator().manual_seed(2)) < 0.9] = 0
    elif kind == "nearly alike":
        images = images // 200 + 100
    plain = _plain(model, images)
    for pace in (SHORT, Pace("float32", 64)):
        found, _ = classes_of(model, images, (), (), pace=pace)
        assert torch.equal(found, plain)


def test_what_the_plain_pass_raises_is_raised():
    class Broken(_Sly):
        def forward(self, _images):
            raise RuntimeError("broken by its author")

    with pytest.raises(RuntimeError, match="by its author"):
        classes_of(Broken(), _images(), (), ())
    with pytest.raises(ValueError, match="the model gives"):
        classes_of(nn.Sequential(nn.Conv2d(1, 2, 3)), _images(), (), ())


def test_the_stored_seconds_are_of_the_parts_that_ran():
    _, course = classes_of(_network(), _images(), (), (), pace=SHORT)
    assert set(course.seconds) == {"sample", "first", "again", "plain"}
    assert all(map(partial(float.__le__, 0.0), course.seconds.values()))
