"""Model code whose answer to an image depends on its company, its place or the calls before; and code that is honest.

Each attack is run as a student hands it in: through the box, the job `predict` and the check `accuracy`. The points
wait for a person, who is told what was seen. The honest networks beside them are never told of.
"""

import textwrap

import pytest

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.sandbox]


# --- honest networks ---------------------------------------------------------------------------

SPECTRAL = "nn.utils.parametrizations.spectral_norm(nn.Conv2d(8, 8, 1))"
IMPORTS = "import torchvision, torch._dynamo, torch.fx, numpy, sklearn\n"
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
        pytest.param(lambda small: small(), id="BatchNorm and Dropout"),
        pytest.param(lambda small: small("nn.GroupNorm(2, 8)"), id="GroupNorm"),
        pytest.param(lambda small: small("nn.InstanceNorm2d(8)"), id="InstanceNorm within one image"),
        pytest.param(lambda small: small(SPECTRAL), id="spectral norm"),
        pytest.param(lambda _: ATTENTION, id="attention"),
        pytest.param(lambda small: small(more=OWN_PREPROCESS), id="a preprocess of its own"),
        pytest.param(lambda small: small(more=OWN_EVAL), id="eval and no_grad of its own"),
        pytest.param(lambda small: small(more=ALONE), id="one image at a time"),
        pytest.param(lambda small: small(more=CACHE), id="keeps what it saw last, fills a buffer at first"),
        pytest.param(lambda small: small(more=HALF), id="bfloat16"),
        pytest.param(lambda small: small(more=AUTOCAST), id="autocast"),
        pytest.param(lambda small: small(more=DOUBLE), id="float64 and logarithms of probabilities"),
        pytest.param(lambda small: small(more=SCRIPTED), id="compiled by torch.jit"),
        pytest.param(lambda small: IMPORTS + small(), id="many imports"),
    ],
)
def test_honest_networks_are_never_told_of(earned, trained, code, small):
    code = code(small)
    is_plain = "no_grad" in code or "torchvision" in code  # has the small network's weights, and is no code to train
    state = trained(small() if is_plain else code, epochs=3)
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
def test_statistics_of_the_test_batch_are_seen(earned, weights, norm, more, small):
    code = small("Norm(8)").replace("class Net", f"{norm}\nclass Net") + textwrap.dedent(more)
    made = earned({"model.py": code}, weights)
    assert (made.points, made.waiting) == (0, 100)
    assert made.codes[0] == "not-repeatable"
    assert "the answers depend on the batch or on chance" in made.said("not-repeatable")


@pytest.mark.attack(52)
def test_running_statistics_that_go_on_learning_are_named(earned, weights, small):
    code = small("Norm(8)").replace("class Net", f"{FUNCTIONAL}\nclass Net")
    made = earned({"model.py": code}, weights)
    assert "changed its own norm.running_mean, norm.running_var: it goes on learning" in made.said("went-on-learning")


@pytest.mark.attack(52)
def test_a_network_that_trains_on_the_test_images_is_named(earned, weights, small):
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
def test_the_labels_by_position_are_worth_nothing(earned, digits, weights, small):
    """The labels of the test set are public: the code has them all, in the order of the set."""
    labels = ", ".join(str(int(label)) for label in digits["test"][1])
    made = earned({"model.py": small(more=BY_POSITION.replace("LIST", labels))}, weights)
    assert made.points == 0
    assert made.result["correct"] / made.result["n"] < 0.25
    assert made.result["changed"] > 30


@pytest.mark.attack(53, 63)
@pytest.mark.parametrize("more", [BY_SIZE, BY_CALL], ids=["by the size of the batch", "by the number of the call"])
def test_other_answers_in_other_company_are_seen(earned, weights, more, small):
    made = earned({"model.py": small(more=more)}, weights)
    assert (made.points, made.waiting) == (0, 100)
    assert "got another class" in made.said("not-repeatable")


def test_a_network_that_cannot_take_one_image_keeps_its_points(earned, weights, honest_share, small):
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


def test_a_network_that_refuses_every_small_batch_cannot_be_trusted(earned, weights, small):
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
