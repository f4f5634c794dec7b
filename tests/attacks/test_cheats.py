"""Model code that wants more points than its network has earned: by search, by patching torch, by forging results.

Each attack is run as a student hands it in: through the box, the job `predict` and the check `accuracy`. The labels are
in no process of theirs, so no attack can win more than its numbers say; where the numbers are not the network's own, a
person is told what was seen. Cheats that look at the batch: test_company.py.
"""

import pytest

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.sandbox]


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
def test_a_search_of_frames_objects_environment_and_files_finds_no_labels(earned, weights, small):
    """It answers how many label-like things it found: class 0 for every image, and what that is worth is chance."""
    made = earned({"model.py": small(more=SEARCH)}, weights)
    assert made.result, made.findings
    column = [sum(row[found] for row in made.result["confusion"]) for found in range(10)]
    assert column == [360, *[0] * 9], "something in the box looks like the labels"
    assert made.points == 0
    assert made.result["correct"] / 360 < 0.15


@pytest.mark.attack(55)
def test_the_search_would_find_labels_if_they_were_there(earned, digits, weights, small):
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
def test_a_patched_function_changes_no_number_and_is_named(earned, weights, honest_share, name, small):
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
def test_a_tensor_that_equals_everything_is_its_numbers_and_is_named(earned, weights, honest_share, small):
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
def test_an_answer_of_its_own_making_is_worth_its_numbers_and_not_believed(earned, weights, act, small):
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
def test_early_writes_and_forged_scores_are_no_answer(earned, weights, act, small):
    pipe = "os.readlink(f'/proc/self/fd/{n}').startswith('pipe')"
    number = f"number = next(n for n in range(3, 99) if os.path.exists(f'/proc/self/fd/{{n}}') and {pipe})"
    made = earned({"model.py": small(more=f"{FORGER}\n{number}\n{act}")}, weights)
    assert (made.points, made.codes[0]) == (0, "no-answer")


@pytest.mark.attack(58)
def test_an_object_with_code_in_it_never_leaves_the_box(earned, weights, tmp_path, small):
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
def test_what_are_no_scores_earns_nothing_with_a_sentence(earned, weights, output, word, small):
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
def test_memory_that_was_not_written_holds_nobodys_answers(earned, weights, small):
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
def test_only_our_count_scores_whatever_the_code_prints_or_writes(earned, weights, small):
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
