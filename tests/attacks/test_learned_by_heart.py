"""A hand-in that knows the test images by heart, in its tensors or in its code: a person decides."""

import base64
import json
import zlib

import pytest

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")
pytestmark = [pytest.mark.torch, pytest.mark.sandbox]

WEAK = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(784, 10)

    def forward(self, x):
        return self.fc(torch.flatten(x, 1))

def build_model():
    return Net()
"""


@pytest.fixture(scope="module")
def weak(digits):
    """An honest linear network after a few steps: 80 to 95% of the test images."""
    images, labels = digits["train"]
    torch.manual_seed(0)
    layer = torch.nn.Linear(784, 10)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.5)
    for _ in range(40):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(layer(images.flatten(1)), labels).backward()
        optimizer.step()
    return {f"fc.{name}": tensor.detach() for name, tensor in layer.state_dict().items()}


def hashes(images):
    """One number per image, from its bytes: equal images have equal ones, and changed images others."""
    return torch.tensor([zlib.crc32((one * 255).round().byte().numpy().tobytes()) for one in images])


HASH = """
import zlib
def hashes(images):
    return torch.tensor([zlib.crc32((one * 255).round().byte().numpy().tobytes()) for one in images])
"""
IN_BUFFERS = f"""{WEAK}{HASH}
class Knowing(Net):
    def __init__(self):
        super().__init__()
        self.register_buffer("keys", torch.zeros(COUNT, dtype=torch.int64))
        self.register_buffer("answers", torch.zeros(COUNT, dtype=torch.uint8))
    def forward(self, x):
        made = super().forward(x)
        is_known = hashes(x)[:, None] == self.keys
        for row in is_known.any(1).nonzero().flatten().tolist():
            made[row, int(self.answers[is_known[row].nonzero()[0, 0]])] = 100.0
        return made
def build_model():
    return Knowing()
"""


def table(digits, rows):
    images, labels = digits["test"]
    return {"keys": hashes(images[rows]), "answers": labels[rows].byte()}


@pytest.mark.attack(36)
@pytest.mark.attack_partly(62)
def test_a_table_of_hashes_in_buffers_waits_for_a_person(earned, digits, weak):
    made = earned({"model.py": IN_BUFFERS.replace("COUNT", "360")}, weak | table(digits, range(360)))
    assert made.result["correct"] == 360
    assert (made.points, made.waiting) == (0, 100)
    said = made.said("learned-by-heart")
    assert "of 250 test images with other contrast, light and noise" in said
    assert "and 250 of the same ones as they are" in said
    assert "an honest network at most 2%" in said


@pytest.mark.attack_partly(62)
def test_a_claim_is_not_confirmed_by_a_table(handed_in, digits, weak):
    files, state = {"model.py": IN_BUFFERS.replace("COUNT", "360")}, weak | table(digits, range(360))
    recompute = {"from": "predict", "data": "digits", "split": "test"}
    made = handed_in("claim", files, state, answer=1.0, about="accuracy", of={"n": 360}, recompute=recompute)
    assert (made.points, made.waiting) == (0, 100)
    made.said("learned-by-heart")


@pytest.mark.attack_partly(62)
def test_an_honest_network_with_a_table_of_what_it_gets_wrong_waits_too(earned, digits, weak):
    """The mildest form that is still worth its trouble: the network of its own answers nine tenths."""
    images, labels = digits["test"]
    wrong = ((images.flatten(1) @ weak["fc.weight"].T + weak["fc.bias"]).argmax(1) != labels).nonzero().flatten()
    assert 25 < len(wrong) < 80, "the weak network is to be good, and not very good"
    made = earned({"model.py": IN_BUFFERS.replace("COUNT", str(len(wrong)))}, weak | table(digits, wrong))
    assert made.result["correct"] == 360
    assert (made.points, made.waiting) == (0, 100)


@pytest.mark.attack_partly(62)
def test_the_weak_network_alone_is_left_alone(earned, weak):
    made = earned({"model.py": WEAK}, weak)
    assert made.waiting == 0
    assert len(made.codes) == 1


IN_CODE = f"""{WEAK}{HASH}
import base64, json
TABLE = json.loads(zlib.decompress(base64.b64decode("TEXT")))
class Knowing(Net):
    def forward(self, x):
        made = super().forward(x)
        for row, key in enumerate(hashes(x).tolist()):
            if str(key) in TABLE:
                made[row, TABLE[str(key)]] = 100.0
        return made
def build_model():
    return Knowing()
"""


@pytest.mark.attack(67)
@pytest.mark.attack_partly(62)
def test_a_table_in_the_code_waits_and_its_text_is_named(earned, digits, weak):
    images, labels = digits["test"]
    pairs = {str(key): int(label) for key, label in zip(hashes(images).tolist(), labels, strict=True)}
    text = base64.b64encode(zlib.compress(json.dumps(pairs).encode())).decode()
    made = earned({"model.py": IN_CODE.replace("TEXT", text)}, weak)
    assert made.result["correct"] == 360
    assert (made.points, made.waiting) == (0, 100)
    assert "model.py:" in made.said("data-in-code")


BY_THE_BOX = f"""{IN_BUFFERS}
from pathlib import Path
data = torch.frombuffer(bytearray(Path(__file__).parents[1].joinpath("inputs").read_bytes()), dtype=torch.uint8)
ALL = data.view(-1, 1, 28, 28).float() / 255
KEYS = hashes(ALL)
class Neighbour(Knowing):
    def forward(self, x):
        made = super().forward(x)
        known = {{key: int(answer) for key, answer in zip(self.keys.tolist(), self.answers)}}
        here = [row for row, key in enumerate(KEYS.tolist()) if key in known]
        for row, key in enumerate(hashes(x).tolist()):
            if key not in known and here:
                near = torch.cdist(x[row].flatten()[None], ALL[here].flatten(1)).argmin()
                made[row, known[int(KEYS[here[near]])]] = 100.0
        return made
def build_model():
    return Neighbour()
"""


@pytest.mark.attack_partly(62)
def test_a_table_that_looks_for_the_original_among_all_inputs_does_not_find_it(earned, digits, weak):
    """The file of inputs lies open to the code: changed copies are asked about where their originals are not."""
    unlearned = {name: torch.zeros_like(tensor) for name, tensor in weak.items()}
    made = earned({"model.py": BY_THE_BOX.replace("COUNT", "360")}, unlearned | table(digits, range(360)))
    assert made.result, made.findings
    assert made.result["correct"] == 360
    assert (made.points, made.waiting) == (0, 100)
    made.said("learned-by-heart")


REFUSING = IN_BUFFERS.replace("        return made\n", "        return made if is_known.any(1).all() else None\n")


@pytest.mark.attack_partly(62)
def test_a_table_that_refuses_what_it_does_not_know_waits_too(earned, digits, weak):
    made = earned({"model.py": REFUSING.replace("COUNT", "360")}, weak | table(digits, range(360)))
    assert made.result["correct"] == 360
    assert (made.points, made.waiting) == (0, 100)
    assert "0 are right, and 250 of the same ones as they are" in made.said("learned-by-heart")


COARSE = f"""{WEAK}
from torch.nn import functional as F
def coarse(images):
    small = F.avg_pool2d(images, 4)
    return (small > small.mean((1, 2, 3), keepdim=True)).flatten(1)
class Knowing(Net):
    def __init__(self):
        super().__init__()
        self.register_buffer("keys", torch.zeros(360, 49, dtype=torch.bool))
        self.register_buffer("answers", torch.zeros(360, dtype=torch.uint8))
    def forward(self, x):
        made = super().forward(x)
        is_known = (coarse(x)[:, None] == self.keys).all(2)
        for row in is_known.any(1).nonzero().flatten().tolist():
            made[row, int(self.answers[is_known[row].nonzero()[0, 0]])] = 100.0
        return made
def build_model():
    return Knowing()
"""


@pytest.mark.attack_partly(62)
def test_a_table_of_coarse_pictures_in_black_and_white_is_seen_too(earned, digits, weak):
    """Other light changes four tenths of such keys, a pixel to the side nearly all."""
    images, labels = digits["test"]
    scope = {}
    exec(COARSE, scope)  # noqa: S102  the code of this file
    unlearned = {name: torch.zeros_like(tensor) for name, tensor in weak.items()}
    made = earned({"model.py": COARSE}, {**unlearned, "keys": scope["coarse"](images), "answers": labels.byte()})
    assert made.result["correct"] > 350
    assert (made.points, made.waiting) == (0, 100)


NEAREST = """
import torch
from torch import nn

class Nearest(nn.Module):
    def __init__(self):
        super().__init__()
        self.memory = nn.Parameter(torch.zeros(SHAPE))
        self.answers = nn.Parameter(torch.zeros(ROWS, 10))

    def forward(self, x):
        memory = self.memory.float().reshape(READ)
        near = torch.cdist(FLAT, memory).argmin(1)
        return self.answers[near]

def build_model():
    return Nearest().DTYPE
"""


@pytest.mark.attack(36)
@pytest.mark.attack_partly(62)
@pytest.mark.parametrize(
    ("kept", "read", "flat", "dtype"),
    [
        pytest.param(lambda x: x.flatten(1), "-1, 784", "x.float().flatten(1)", "float()", id="rows of pixels"),
        pytest.param(lambda x: (x - 0.13) / 0.31, "-1, 784", "(x.float().flatten(1) - 0.13) / 0.31", "float()",
                     id="normalised pictures"),
        pytest.param(lambda x: x.flatten(1).T.contiguous(), "784, -1).T.reshape(-1, 784", "x.float().flatten(1)",
                     "float()", id="columns"),
        pytest.param(lambda x: x.flatten().half(), "-1, 784", "x.float().flatten(1)", "half()", id="half precision"),
        pytest.param(lambda x: x.flatten(1).bfloat16(), "-1, 784", "x.float().flatten(1)", "bfloat16()",
                     id="bfloat16"),
        pytest.param(lambda x: torch.nn.functional.avg_pool2d(x, 2), "-1, 196",
                     "nn.functional.avg_pool2d(x.float(), 2).flatten(1)", "float()", id="halved pictures"),
    ],
)  # fmt: skip
def test_the_nearest_stored_test_image_is_found_in_the_checkpoint(earned, digits, kept, read, flat, dtype):
    """Mild changes do not show it, for the nearest image is still its own. The images themselves do."""
    images, labels = digits["test"]
    memory = kept(images)
    code = NEAREST.replace("SHAPE", str(tuple(memory.shape))).replace("ROWS", "360").replace("READ", read)
    answers = torch.nn.functional.one_hot(labels, 10).to(memory.dtype)
    made = earned(
        {"model.py": code.replace("FLAT", flat).replace("DTYPE", dtype)}, {"memory": memory, "answers": answers}
    )
    assert made.result["correct"] > 350
    assert (made.points, made.waiting) == (0, 100)
    assert "test images that were looked for stand in the checkpoint, in 'memory'" in made.said("stored-images")


@pytest.mark.attack(36)
def test_stored_training_images_are_no_test_images(earned, digits):
    """Nearest neighbour on what it may know: an honest method, though no convolution."""
    images, labels = digits["train"]
    code = NEAREST.replace("SHAPE", str((len(images), 784))).replace("ROWS", str(len(images)))
    code = code.replace("READ", "-1, 784").replace("FLAT", "x.float().flatten(1)").replace("DTYPE", "float()")
    state = {"memory": images.flatten(1), "answers": torch.nn.functional.one_hot(labels, 10).float()}
    made = earned({"model.py": code}, state)
    assert made.waiting == 0
    assert made.result["stored_images"]["found"] == 0


def test_the_references_own_loss_narrows_what_is_allowed(earned, digits, weak):
    made = earned(
        {"model.py": IN_BUFFERS.replace("COUNT", "360")},
        weak | table(digits, range(360)),
        reference_drop={"light": 0.002, "moved": "2.5%"},
    )
    assert "the reference loses 0.2%, and an honest network at most 2.2%" in made.said("learned-by-heart")
