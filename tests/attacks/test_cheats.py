"""Model code that wants more points than its network has earned: by company, by position, by search, by patching torch.

Each attack is run as a student hands it in: through the box, the job `predict` and the check `accuracy`. The labels are
in no process of theirs, so no attack can win more than its numbers say; where the numbers are not the network's own, a
person is told what was seen. The honest networks beside them are never told of.
"""

import textwrap

import pytest

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.sandbox]

SMALL = """
import torch
from torch import nn
from torch.nn import functional as F

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 5, stride=2)
        self.norm = NORM
        self.drop = nn.Dropout(0.2)
        self.fc = nn.Linear(8 * 6 * 6, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm(self.conv(x))), 2)
        return self.fc(self.drop(torch.flatten(x, 1)))

def build_model():
    return Net()
"""


def small(norm="nn.BatchNorm2d(8)", more=""):
    return SMALL.replace("NORM", norm) + textwrap.dedent(more)


def built(code):
    scope = {}
    exec(code, scope)  # noqa: S102  the code of this file
    return scope["build_model"]()


def trained(code, data, epochs=4, seed=0):
    """The honest network's weights: some seconds on one core."""
    images, labels = data["train"]
    torch.manual_seed(seed)
    model = built(code)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(epochs):
        for rows in torch.randperm(len(images)).split(32):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(images[rows]), labels[rows]).backward()
            optimizer.step()
    return model.state_dict()


@pytest.fixture(scope="module")
def weights(digits):
    """Of the small network with BatchNorm, trained honestly: about 97% of the test images."""
    return trained(small(), digits)


@pytest.fixture(scope="module")
def honest_share(digits, weights):
    """What these weights are worth in eval mode, counted here."""
    images, labels = digits["test"]
    model = built(small())
    model.load_state_dict(weights)
    with torch.no_grad():
        return float((model.eval()(images).argmax(1) == labels).double().mean())


DOUBTS = {"not-repeatable", "stored-images", "learned-by-heart"}


# --- honest networks ---------------------------------------------------------------------------

ATTENTION = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.cut = nn.Conv2d(1, 32, 7, stride=7)
        self.place = nn.Parameter(torch.zeros(1, 16, 32))
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.1, batch_first=True)
        self.blocks = nn.TransformerEncoder(layer, 1)
        self.fc = nn.Linear(32, 10)

    def forward(self, x):
        x = self.cut(x).flatten(2).transpose(1, 2) + self.place
        return self.fc(self.blocks(x).mean(1))

def build_model():
    return Net()
"""
OWN_PREPROCESS = """
def preprocess(images):
    return (images > 0.3).float()
"""
OWN_EVAL = """
class Careful(Net):
    def forward(self, x):
        self.eval()
        with torch.no_grad():
            return F.log_softmax(super().forward(x), dim=1)
def build_model():
    return Careful()
"""
ALONE = """
class Alone(Net):
    def forward(self, x):
        return torch.stack([super(Alone, self).forward(one.unsqueeze(0)).squeeze(0) for one in x])
def build_model():
    return Alone()
"""
CACHE = """
class Caching(Net):
    def forward(self, x):
        if not hasattr(self, "places"):
            self.register_buffer("places", torch.zeros(1, 1, 1, 1), persistent=False)
        self.last = super().forward(x + self.places)
        return self.last
def build_model():
    return Caching()
"""
HALF = """
class Half(Net):
    def forward(self, x):
        return super().forward(x.bfloat16())
def build_model():
    return Half().bfloat16()
"""
AUTOCAST = """
class Fast(Net):
    def forward(self, x):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return super().forward(x)
def build_model():
    return Fast()
"""
SCRIPTED = """
def build_model():
    return torch.jit.script(Net())  # no_grad: has weights to load, and is no code to train
"""
DOUBLE = """
class Double(Net):
    def forward(self, x):
        return torch.log(torch.softmax(20 * super().forward(x.double()), 1))
def build_model():
    return Double().double()
"""


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(small(), id="BatchNorm and Dropout"),
        pytest.param(small("nn.GroupNorm(2, 8)"), id="GroupNorm"),
        pytest.param(small("nn.InstanceNorm2d(8)"), id="InstanceNorm within one image"),
        pytest.param(small("nn.utils.parametrizations.spectral_norm(nn.Conv2d(8, 8, 1))"), id="spectral norm"),
        pytest.param(ATTENTION, id="attention"),
        pytest.param(small(more=OWN_PREPROCESS), id="a preprocess of its own"),
        pytest.param(small(more=OWN_EVAL), id="eval and no_grad of its own"),
        pytest.param(small(more=ALONE), id="one image at a time"),
        pytest.param(small(more=CACHE), id="keeps what it saw last, fills a buffer at first"),
        pytest.param(small(more=HALF), id="bfloat16"),
        pytest.param(small(more=AUTOCAST), id="autocast"),
        pytest.param(small(more=DOUBLE), id="float64 and logarithms of probabilities"),
        pytest.param(small(more=SCRIPTED), id="compiled by torch.jit"),
        pytest.param("import torchvision, torch._dynamo, torch.fx, numpy, sklearn\n" + small(), id="many imports"),
    ],
)
def test_honest_networks_are_never_told_of(earned, digits, code):
    is_plain = "no_grad" in code or "torchvision" in code  # has the small network's weights, and is no code to train
    state = trained(small() if is_plain else code, digits, epochs=3)
    made = earned({"model.py": code}, state)
    assert made.waiting == 0, made.findings
    assert set(made.codes) <= {"reached", "below-demand"}, made.findings
    assert made.result["is_repeatable"]
    assert made.points > 20


# --- a: what else is in the batch --------------------------------------------------------------

FUNCTIONAL = """
class Norm(nn.BatchNorm2d):
    def forward(self, x):
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, training=True)
"""
WITHOUT_MOVING = """
class Norm(nn.BatchNorm2d):
    def forward(self, x):
        return F.batch_norm(x, None, None, self.weight, self.bias, training=True)
"""
ALWAYS_TRAINING = """
class Norm(nn.BatchNorm2d):
    training = property(lambda self: True, lambda self, value: None)
    def train(self, mode=True): return self
    def eval(self): return self
"""
BY_HAND = """
class Norm(nn.BatchNorm2d):
    def forward(self, x):
        mean, var = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), keepdim=True)
        x = (x - mean) / (var + 1e-5).sqrt()
        return x * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)
"""
REMEMBERS = """
class Remembering(Net):
    memo = {}
    def forward(self, x):
        made = super().forward(x)
        rows = [self.memo.setdefault(image.numpy().tobytes(), row) for image, row in zip(x, made)]
        return torch.stack(rows)
def build_model():
    return Remembering()
"""
HIDDEN = """
class Hidden(Net):
    def __init__(self):
        super().__init__()
        self.others = [self.norm]  # in a list torch does not see it
    def forward(self, x):
        self.others[0].training = True
        return super().forward(x)
def build_model():
    return Hidden()
"""


@pytest.mark.attack(52)
@pytest.mark.parametrize(
    ("norm", "more"),
    [
        pytest.param(FUNCTIONAL, "", id="F.batch_norm with training=True"),
        pytest.param(WITHOUT_MOVING, "", id="batch statistics that are kept nowhere"),
        pytest.param(ALWAYS_TRAINING, "", id="eval() made a no-op"),
        pytest.param(BY_HAND, "", id="a layer of its own on the batch's mean"),
        pytest.param("Norm = nn.BatchNorm2d", HIDDEN, id="switched on again in forward"),
        pytest.param(WITHOUT_MOVING, REMEMBERS, id="every answer kept, and given again"),
    ],
)
def test_statistics_of_the_test_batch_are_seen(earned, weights, norm, more):
    code = small("Norm(8)").replace("class Net", f"{norm}\nclass Net") + textwrap.dedent(more)
    made = earned({"model.py": code}, weights)
    assert (made.points, made.waiting) == (0, 100)
    assert made.codes[0] == "not-repeatable"
    assert "the answers depend on the batch or on chance" in made.said("not-repeatable")


@pytest.mark.attack(52)
def test_running_statistics_that_go_on_learning_are_named(earned, weights):
    code = small("Norm(8)").replace("class Net", f"{FUNCTIONAL}\nclass Net")
    made = earned({"model.py": code}, weights)
    assert "changed its own norm.running_mean, norm.running_var: it goes on learning" in made.said("went-on-learning")


@pytest.mark.attack(52)
def test_a_network_that_trains_on_the_test_images_is_named(earned, weights):
    """Entropy minimisation while it answers: no labels, but the test images."""
    learning = """
        class Learning(Net):
            def forward(self, x):
                with torch.inference_mode(False), torch.enable_grad():
                    loss = -(torch.softmax(Net.forward(self, x.clone()), 1).max(1).values).mean()
                    for name, p in self.named_parameters():
                        (grad,) = torch.autograd.grad(loss, p, retain_graph=True)
                        p.data -= 0.01 * grad
                return super().forward(x)
        def build_model():
            return Learning()
    """
    made = earned({"model.py": small(more=learning)}, weights)
    assert "it goes on learning from test images" in made.said("went-on-learning")


# --- b: position and calls ---------------------------------------------------------------------

BY_POSITION = """
import itertools
LABELS = [LIST]
calls = itertools.count()
class Knowing(Net):
    def forward(self, x):
        rows = [LABELS[next(calls) % len(LABELS)] for _ in x]
        return F.one_hot(torch.tensor(rows), 10).float()
def build_model():
    return Knowing()
"""
BY_SIZE = """
class Sly(Net):
    def forward(self, x):
        made = super().forward(x)
        return made if len(x) < 100 else made.roll(1, dims=1)
def build_model():
    return Sly()
"""
BY_CALL = """
class Wavering(Net):
    count = 0
    def forward(self, x):
        type(self).count += 1
        return super().forward(x).roll(self.count // 2, dims=1)
def build_model():
    return Wavering()
"""


@pytest.mark.attack(53)
def test_the_labels_by_position_are_worth_nothing(earned, digits, weights):
    """The labels of the test set are public: the code has them all, in the order of the set."""
    labels = ", ".join(str(int(label)) for label in digits["test"][1])
    made = earned({"model.py": small(more=BY_POSITION.replace("LIST", labels))}, weights)
    assert made.points == 0
    assert made.result["correct"] / made.result["n"] < 0.25
    assert made.result["changed"] > 30


@pytest.mark.attack(53, 63)
@pytest.mark.parametrize("more", [BY_SIZE, BY_CALL], ids=["by the size of the batch", "by the number of the call"])
def test_other_answers_in_other_company_are_seen(earned, weights, more):
    made = earned({"model.py": small(more=more)}, weights)
    assert (made.points, made.waiting) == (0, 100)
    assert "got another class" in made.said("not-repeatable")


def test_a_network_that_cannot_take_one_image_keeps_its_points(earned, weights, honest_share):
    """A common slip, and no cheat: squeeze() loses the batch of one. What it answers otherwise counts."""
    squeezing = """
        class Squeezing(Net):
            def forward(self, x):
                return super().forward(x).unsqueeze(0).squeeze()
        def build_model():
            return Squeezing()
    """
    made = earned({"model.py": small(more=squeezing)}, weights)
    assert made.result["correct"] == round(honest_share * 360)
    assert made.waiting == 0
    assert "1 at a time: the model returns the shape (10,) for 1 images" in made.said("refused-small-batches")


def test_a_network_that_refuses_every_small_batch_cannot_be_trusted(earned, weights):
    refusing = """
        class Refusing(Net):
            def forward(self, x):
                if len(x) < 20:
                    raise ValueError("too few")
                return super().forward(x)
        def build_model():
            return Refusing()
    """
    made = earned({"model.py": small(more=refusing)}, weights)
    assert (made.points, made.waiting) == (0, 100)
    assert "64 images got no answer when shown again, few at a time" in made.said("not-repeatable")


# --- c: a search for the labels ----------------------------------------------------------------

SEARCH = """
import gc, numpy, os, sys
from pathlib import Path

def plausible(value, count):
    # 360 numbers from 0 to 9, of which each occurs: what the labels would look like, in any form.
    try:
        if isinstance(value, (bytes, bytearray, memoryview)):
            for size in (1, 2, 4, 8):
                if len(value) == size * count:
                    value = [int.from_bytes(value[i * size : (i + 1) * size], sys.byteorder) for i in range(count)]
                    break
        value = value.tolist() if hasattr(value, "tolist") else list(value)
        return len(value) == count and set(map(int, value)) == set(range(10))
    except Exception:
        return False

def fits(value, count):
    try:
        is_list = isinstance(value, (list, tuple, bytes, bytearray, memoryview, torch.Tensor, numpy.ndarray))
        return is_list and len(value) in (count, 2 * count, 4 * count, 8 * count) and plausible(value, count)
    except Exception:
        return False

def everything():
    frame = sys._getframe()
    while frame is not None:
        yield from frame.f_locals.values()
        yield from frame.f_globals.values()
        frame = frame.f_back
    seen = gc.get_objects()
    yield from seen
    for one in seen:
        yield from gc.get_referents(one)
    for text in (*os.environ.values(), *sys.argv):
        yield text.encode()
    for root in (str(Path(__file__).parents[1]), "/tmp", "/dev/shm", "/proc/self", "/proc/1", "."):
        for path in sorted(Path(root).glob("*")):
            try:
                if path.is_file() and path.name not in ("kmsg",) and path.stat().st_size < 10**7:
                    yield path.read_bytes()
            except OSError:
                pass

class Searching(Net):
    found = None
    def forward(self, x):
        if Searching.found is None:
            hits = [value for value in everything() for count in (360, 564) if fits(value, count)]
            Searching.found = len(hits)
        return torch.eye(10)[torch.full((len(x),), min(Searching.found, 9))]
def build_model():
    return Searching()
"""


@pytest.mark.attack(55)
def test_a_search_of_frames_objects_environment_and_files_finds_no_labels(earned, weights):
    """It answers how many label-like things it found: class 0 for every image, and what that is worth is chance."""
    made = earned({"model.py": small(more=SEARCH)}, weights)
    assert made.result, made.findings
    column = [sum(row[found] for row in made.result["confusion"]) for found in range(10)]
    assert column == [360, *[0] * 9], "something in the box looks like the labels"
    assert made.points == 0
    assert made.result["correct"] / 360 < 0.15


@pytest.mark.attack(55)
def test_the_search_would_find_labels_if_they_were_there(earned, digits, weights):
    """The attack is no straw man: with the labels in a list of its own it finds them."""
    labels = ", ".join(str(int(label)) for label in digits["test"][1])
    made = earned({"model.py": small(more=f"KEPT = [{labels}]\n{SEARCH}")}, weights)
    column = [sum(row[found] for row in made.result["confusion"]) for found in range(10)]
    assert column[0] == 0


# --- d: torch is patched, results are forged ---------------------------------------------------

PATCHES = {
    "torch.argmax": "torch.argmax = lambda *a, **k: torch.zeros(1)",
    "torch.softmax": "torch.softmax = F.softmax = lambda x, *a, **k: torch.ones_like(x)",
    "torch.Tensor.__eq__": "torch.Tensor.__eq__ = lambda a, b: torch.ones(1, dtype=torch.bool)",
    "torch.Tensor.numpy": "torch.Tensor.numpy = lambda self, **k: __import__('numpy').eye(len(self), 10, dtype='f4')",
    "torch.empty": "torch.empty = lambda *a, **k: torch.ones(1)",
    "torch.isfinite": "torch.isfinite = lambda x: torch.ones_like(x, dtype=torch.bool)",
    "torch.inference_mode": "import contextlib\ntorch.inference_mode = lambda *a: contextlib.nullcontext()",
    "torch.Tensor.detach": "torch.Tensor.detach = lambda self: torch.eye(len(self), 10)",
    "torch.Tensor.to": "torch.Tensor.to = lambda self, *a, **k: torch.eye(len(self), 10)",
    "builtins.memoryview": "import builtins\nbuiltins.memoryview = lambda *a: b''",
    "os.write": "import os\nos.write = lambda *a: 0",
    "json.dumps": "import json\njson.dumps = lambda *a, **k: '{}'",
    "torch.nn.Module.__setattr__": "nn.Module.__setattr__ = object.__setattr__",
}


@pytest.mark.attack(47)
@pytest.mark.parametrize("name", PATCHES)
def test_a_patched_function_changes_no_number_and_is_named(earned, weights, honest_share, name):
    """Put in place in the first forward pass, so that the network itself is sound: the count is the honest one."""
    patching = f"""
class Patching(Net):
    def forward(self, x):
        made = super().forward(x)
        patch()
        return made
def patch():
    {PATCHES[name].replace(chr(10), chr(10) + "    ")}
def build_model():
    return Patching()
"""
    made = earned({"model.py": small(more=patching)}, weights)
    assert made.result["correct"] == round(honest_share * 360)
    assert name in made.result["replaced"]
    assert "the code puts functions of its own in place of" in made.said("replaced-functions")


SUBCLASS = """
class Agreeable(torch.Tensor):
    def __eq__(self, other): return torch.ones(len(self), dtype=torch.bool)
    def argmax(self, *a, **k): return torch.zeros(len(self), dtype=torch.long)
    def numpy(self, **k): raise ValueError
    def detach(self): raise ValueError
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func.__name__ in ("clamp", "isfinite", "to", "detach", "contiguous", "numpy", "sum"):
            return torch.eye(len(args[0]), 10)
        with torch._C.DisableTorchFunctionSubclass():
            return func(*args, **(kwargs or {}))
class Pleasing(Net):
    def forward(self, x):
        return super().forward(x).as_subclass(Agreeable)
def build_model():
    return Pleasing()
"""


@pytest.mark.attack(56)
def test_a_tensor_that_equals_everything_is_its_numbers_and_is_named(earned, weights, honest_share):
    made = earned({"model.py": small(more=SUBCLASS)}, weights)
    assert made.result["correct"] == round(honest_share * 360)
    assert "the network answers with a class of its own, 'Agreeable'" in made.said("own-class")


FORGER = """
import gc, os, struct
def channel():
    return next(one for one in gc.get_objects() if type(one).__name__ == "Channel")
def forged(count):
    return struct.pack(f"{count * 10}f", *([1.0] + [0.0] * 9) * count)
"""


@pytest.mark.attack(57, 63)
@pytest.mark.parametrize(
    "act",
    [
        pytest.param("channel().answer(forged(360)); os._exit(0)", id="at import"),
        pytest.param("channel().notes({'stored': {}, 'moved': []}); channel().answer(forged(360)); os._exit(0)",
                     id="with notes"),
    ],
)  # fmt: skip
def test_an_answer_of_its_own_making_is_worth_its_numbers_and_not_believed(earned, weights, act):
    """It speaks the protocol and sends class 0 for every image: the second box is asked otherwise, and gets no such."""
    made = earned({"model.py": small(more=f"{FORGER}\n{act}")}, weights)
    assert made.points == 0
    assert made.codes[0] == "not-repeatable"


@pytest.mark.attack(57)
@pytest.mark.parametrize(
    "act",
    [
        pytest.param("os.write(number, forged(360))", id="raw bytes before the answer"),
        pytest.param("channel().answer(forged(359)); os._exit(0)", id="a row too few"),
        pytest.param("channel().answer({'correct': 360}); os._exit(0)", id="a score in place of answers"),
        pytest.param("channel().notes({'correct': 360, 'accuracy': 1.0}); os._exit(0)", id="a score in the notes"),
    ],
)
def test_early_writes_and_forged_scores_are_no_answer(earned, weights, act):
    pipe = "os.readlink(f'/proc/self/fd/{n}').startswith('pipe')"
    number = f"number = next(n for n in range(3, 99) if os.path.exists(f'/proc/self/fd/{{n}}') and {pipe})"
    made = earned({"model.py": small(more=f"{FORGER}\n{number}\n{act}")}, weights)
    assert (made.points, made.codes[0]) == (0, "no-answer")


@pytest.mark.attack(58)
def test_an_object_with_code_in_it_never_leaves_the_box(earned, weights, tmp_path):
    marker = tmp_path / "escaped"
    code = f"""
        class Bomb(torch.Tensor):
            def __reduce__(self):
                return (open, ({str(marker)!r}, "w"))
        class Sending(Net):
            def forward(self, x):
                return super().forward(x).as_subclass(Bomb)
        def build_model():
            return Sending()
    """
    assert earned({"model.py": small(more=code)}, weights).points > 0
    assert not marker.exists()


@pytest.mark.attack(59)
@pytest.mark.parametrize(
    ("output", "word"),
    [
        pytest.param("made * float('nan')", "NaN or infinite", id="NaN"),
        pytest.param("made / 0", "NaN or infinite", id="infinite"),
        pytest.param("made[:, :9]", "(250, 9) for 250 images", id="a class too few"),
        pytest.param("made.argmax(1)", "(250,) for 250 images", id="classes in place of scores"),
        pytest.param("made.long()", "torch.int64", id="whole numbers"),
        pytest.param("list(made)", "list, not a tensor", id="a list"),
    ],
)
def test_what_are_no_scores_earns_nothing_with_a_sentence(earned, weights, output, word):
    code = f"""
        class Odd(Net):
            def forward(self, x):
                made = super().forward(x)
                return {output}
        def build_model():
            return Odd()
    """
    made = earned({"model.py": small(more=code)}, weights)
    assert made.points == made.waiting == 0
    assert word in made.findings[0].said


@pytest.mark.attack(69)
def test_memory_that_was_not_written_holds_nobodys_answers(earned, weights):
    stale = """
        class Stale(Net):
            def forward(self, x):
                return torch.nan_to_num(torch.empty(len(x), 10)).clamp(-1e30, 1e30)
        def build_model():
            return Stale()
    """
    made = earned({"model.py": small(more=stale)}, weights)
    assert made.points == 0
    assert made.result["correct"] / 360 < 0.3


@pytest.mark.attack(65)
def test_only_our_count_scores_whatever_the_code_prints_or_writes(earned, weights):
    claiming = """
        print("accuracy: 100.00 %")
        class Claiming(Net):
            accuracy = 1.0
            def forward(self, x):
                print("360 of 360 right")
                return super().forward(x) * 0
        def build_model():
            return Claiming()
    """
    made = earned({"model.py": small(more=claiming)}, weights)
    assert made.points == 0
    assert "of 360 right" in made.findings[0].said
