"""The program `predict`, and what its parent makes of the answer: the labels never come near."""

import textwrap

import pytest

from grader import sandbox
from grader.model import Problem
from grader.sandbox import predictions
from grader.sandbox.predictions import Predictions, predict
from grader.sandbox.programs.channel import Fault
from grader.sandbox.programs.kept import Kept
from grader.sandbox.programs.predict import checked

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")
pytestmark = [pytest.mark.torch, pytest.mark.sandbox]

REQUEST = {"code": "model.py", "factory": "build_model", "checkpoint": None}
LINEAR = """
import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = torch.nn.BatchNorm2d(2)
        self.fc = torch.nn.Linear(2 * 3 * 4, 5)
    def forward(self, x):
        return self.fc(torch.flatten(self.norm(x), 1))
def build_model():
    return Net()
"""


def images(rows=700):
    return np.random.default_rng(3).integers(0, 256, (rows, 2, 3, 4), dtype=np.uint8)


@pytest.fixture
def predicted(tmp_path, box):
    def run(code, inputs=None, *, state=None, classes=5, **request):
        (tmp_path / "model.py").write_text(textwrap.dedent(code))
        files = {"model.py": tmp_path / "model.py"}
        if state is not None:
            torch.save(state, tmp_path / "model.pth")
            files["model.pth"] = tmp_path / "model.pth"
            request["checkpoint"] = "model.pth"
        inputs = images() if inputs is None else inputs
        return predict(
            files, {**REQUEST, **request}, inputs, classes=classes, limits=sandbox.Limits(wall_s=60), level=box
        )

    return run


def problem(ended):
    assert isinstance(ended, sandbox.StudentFault), ended
    return ended.problem


def linear():
    scope = {}
    exec(LINEAR, scope)  # noqa: S102  the model of this file
    return scope["build_model"]().eval()


def test_the_logits_are_the_models_in_the_order_of_the_images(predicted):
    """Against the plain loop in this process: same checkpoint, same normalisation, nothing shuffled."""
    model = linear()
    with torch.no_grad():
        model.norm.running_mean += torch.tensor([0.3, -0.1])
        wanted = model(
            (torch.tensor(images()).float() / 255 - torch.tensor([0.5, 0.1]).view(2, 1, 1))
            / torch.tensor([0.5, 2]).view(2, 1, 1)
        )
    state = {f"module.{name}": tensor for name, tensor in model.state_dict().items()}
    ended = predicted(LINEAR, state=state, mean=[0.5, 0.1], std=[0.5, 2.0], batch_size=64)
    assert isinstance(ended, Predictions), ended
    assert ended.logits.shape == (700, 5)
    np.testing.assert_allclose(ended.logits, wanted.numpy(), rtol=1e-5, atol=1e-6)
    assert ended.is_repeatable
    assert (ended.again.compared, ended.again.changed, ended.unanswered) == (64, 0, 0)
    said = {key: ended.notes[key] for key in ("module_prefix", "preprocess", "left_eval")}
    assert said == {"module_prefix": True, "preprocess": False, "left_eval": 0}
    assert (ended.moved, ended.replaced, ended.own_class, ended.parameters) == ((), (), "", 2 + 2 + 24 * 5 + 5)


def test_the_students_own_preprocess_takes_the_place_of_the_normalisation(predicted):
    code = """
        import torch
        def preprocess(images):
            assert images.dtype == torch.float32 and images.max() <= 1
            return 2 * images[:, :1]
        def build_model():
            return torch.nn.Flatten()
    """
    ended = predicted(code, classes=12, mean=[9, 9], std=[9, 9])
    assert isinstance(ended, Predictions), ended
    np.testing.assert_allclose(ended.logits, images()[:, 0].reshape(700, 12) * (2 / 255), rtol=1e-6)
    assert ended.notes["preprocess"]


def test_a_preprocess_method_of_the_network_is_used_as_the_templates_promise(predicted):
    """A lazy layer learns its size from what comes out of it, and the weights come after that."""
    code = """
        import torch
        class Net(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = torch.nn.LazyLinear(5)
            def preprocess(self, images):
                return images[:, :1].flatten(1) - 0.5
            def forward(self, x):
                return self.fc(x)
        def build_model():
            return Net()
    """
    state = {"fc.weight": torch.arange(60.0).reshape(5, 12), "fc.bias": torch.ones(5)}
    ended = predicted(code, state=state, mean=[9, 9], std=[9, 9])
    assert isinstance(ended, Predictions), ended
    wanted = (images()[:, 0].reshape(700, 12) / 255 - 0.5) @ state["fc.weight"].numpy().T + 1
    np.testing.assert_allclose(ended.logits, wanted, rtol=1e-4, atol=1e-4)
    assert ended.notes["preprocess"]


CHEATS = """
import atexit, itertools, os, sys, threading, time
import torch
position = itertools.count()
class Loose(torch.Tensor):
    def __eq__(self, other): return torch.ones(len(self), dtype=torch.bool)
    def argmax(self, *a, **k): return torch.zeros(len(self), dtype=torch.long)
class Net(torch.nn.Module):
    def eval(self): return self
    def train(self, mode=True): return self
    def forward(self, x):
        torch.Tensor.__eq__ = lambda a, b: True
        torch.isfinite = torch.argmax = lambda *a, **k: torch.ones(1, dtype=torch.bool)
        places = [next(position) % 3 for _ in x]
        rows = [[float(place == c) for c in range(3)] for place in places]
        return torch.tensor(rows).as_subclass(Loose)
def build_model():
    atexit.register(time.sleep, 60)
    print("PASS 100/100")
    return Net()
"""


def test_answers_by_position_and_patched_comparisons_give_themselves_away(predicted):
    ended = predicted(CHEATS, classes=3)
    assert isinstance(ended, Predictions), ended
    assert not ended.is_repeatable
    assert ended.again.changed > 20
    assert set(ended.replaced) == {"torch.Tensor.__eq__", "torch.argmax", "torch.isfinite"}
    assert ended.own_class == "Loose"
    assert ended.logits.dtype == np.float32
    assert set(ended.logits.argmax(axis=1)) == {0, 1, 2}  # numbers, and not the argmax that its tensors claim


def test_dropout_that_ignores_eval_mode_is_not_repeatable(predicted):
    code = """
        import torch
        class Net(torch.nn.Module):
            def forward(self, x):
                return torch.nn.functional.dropout(torch.flatten(x, 1), 0.5)
        def build_model(): return Net()
    """
    ended = predicted(code, classes=24)
    assert isinstance(ended, Predictions), ended
    assert not ended.is_repeatable
    assert ended.again.disagreement > 0.1


@pytest.mark.parametrize(
    ("output", "code", "said"),
    [
        pytest.param(torch.zeros(4, 7), "bad-output", "(4, 7) for 4 images, (4, 5)", id="too many classes"),
        pytest.param(torch.zeros(3, 5), "bad-output", "(3, 5) for 4 images, (4, 5)", id="a row too few"),
        pytest.param(torch.zeros(4, 5, 1), "bad-output", "(4, 5, 1) for 4 images", id="three dimensions"),
        pytest.param(torch.zeros(4, 5, dtype=torch.long), "bad-output", "torch.int64", id="whole numbers"),
        pytest.param([0.0] * 5, "bad-output", "list, not a tensor", id="a list"),
        pytest.param(None, "bad-output", "NoneType, not a tensor", id="nothing"),
        pytest.param(torch.tensor([[0.0] * 5] * 3 + [[float("nan")] * 5]), "not-finite", "1 of 4 images", id="NaN"),
        pytest.param(
            torch.full((4, 5), 1e300, dtype=torch.float64), "not-finite", "4 of 4", id="over what float32 holds"
        ),
    ],
)
def test_scores_that_are_none_are_said(output, code, said):
    with pytest.raises(Fault) as caught:
        checked(Kept(), output, 4, 5, "model.py")
    assert caught.value.fields["code"] == code
    assert said in caught.value.fields["what"]


def test_the_logarithm_of_a_probability_of_0_is_a_score():
    scores = torch.log(torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]]))
    made = checked(Kept(), scores, 2, 3, "model.py")
    assert bool(torch.isfinite(made).all())
    assert made.argmax(1).tolist() == [0, 1]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_scores_of_every_float_type_become_float32(dtype):
    assert checked(Kept(), torch.ones(4, 5, dtype=dtype, requires_grad=True), 4, 5, "model.py").dtype == torch.float32


def test_a_checkpoint_of_another_network_is_refused_with_its_keys(predicted):
    state = linear().state_dict()
    state["head.weight"] = state.pop("fc.weight")
    found = problem(predicted(LINEAR, state=state))
    assert (found.code, found.where) == ("keys-differ", "model.pth")
    assert "1 missing (fc.weight); 1 extra (head.weight)" in found.what


# --- the parent's half, without a box ----------------------------------------------------------


class Recorder:
    """In place of the box: answers for the images that it was handed."""

    def __init__(self, answer, again=None):
        self.answers = (answer, again or answer)
        self.calls = []

    def __call__(self, program, *, files, request, inputs, answer_bytes, limits, level):
        del files, limits, level
        data = np.frombuffer(inputs.read_bytes(), dtype=np.uint8).reshape(request["shape"])
        self.calls.append((program, request, data, answer_bytes))
        made = self.answers[request["is_again"]](data)
        if not isinstance(made, np.ndarray):
            return made
        return sandbox.Answered("L3", 1.0, payload=made.astype(np.float32).tobytes())


def first_pixels(data):
    return data.reshape(len(data), -1)[:, :5]


@pytest.mark.parametrize("rows", [1, 2, 63, 64, 65, 700])
def test_rows_come_back_in_order_whatever_the_order_they_went_in(monkeypatch, rows):
    recorder = Recorder(first_pixels)
    monkeypatch.setattr(predictions, "run", recorder)
    given = images(rows)
    made = predict({}, {**REQUEST, "data": "mnist", "split": "test"}, given, classes=5)
    (_, request, seen, answer_bytes), (_, second, again, again_bytes) = recorder.calls
    assert np.array_equal(made.logits, first_pixels(given))
    assert made.again.compared == len(again) == min(rows, 64)
    assert (answer_bytes, again_bytes) == (rows * 5 * 4, len(again) * 5 * 4)
    assert (sum(request["batches"]), sum(second["batches"])) == (rows, len(again))
    assert {row.tobytes() for row in again} <= {row.tobytes() for row in given}
    for said in (request, second):
        assert not {"labels", "data", "split", "secret"} & set(said)
    if rows > 60:
        assert not np.array_equal(seen, given)


def test_the_second_box_gets_small_batches_and_some_images_alone(monkeypatch):
    recorder = Recorder(first_pixels)
    monkeypatch.setattr(predictions, "run", recorder)
    predict({}, REQUEST, images(), classes=5)
    sizes = recorder.calls[1][1]["batches"]
    assert sorted(sizes) == [1] * 16 + [2, 3, 5, 8, 13, 17]
    assert sizes != sorted(sizes)


def test_changed_images_go_to_the_second_box_alone_and_come_back_in_their_order(monkeypatch):
    recorder = Recorder(first_pixels)
    monkeypatch.setattr(predictions, "run", recorder)
    changed = 255 - images(300)
    made = predict({}, REQUEST, images(), classes=5, changed=changed)
    first, second = recorder.calls
    assert np.array_equal(made.changed_logits, first_pixels(changed))
    assert np.array_equal(made.logits, first_pixels(images()))
    assert (len(first[2]), len(second[2])) == (700, 364)
    assert sorted(second[1]["batches"]) == sorted([1] * 16 + [2, 3, 5, 8, 13, 17, 50, 250])
    given = {row.tobytes(): place for place, row in enumerate(changed)}
    places = [given[row.tobytes()] for row in second[2] if row.tobytes() in given]
    assert sorted(places) == list(range(300))
    assert places != sorted(places)


def test_changed_images_without_an_answer_are_nan(monkeypatch):
    ended = sandbox.StudentFault("L3", 1.0, problem=Problem("exit", "model.py", "the code ends the process", ""))
    monkeypatch.setattr(predictions, "run", Recorder(first_pixels, lambda _: ended))
    made = predict({}, REQUEST, images(), classes=5, changed=images(7))
    assert made.changed_logits.shape == (7, 5)
    assert np.isnan(made.changed_logits).all()


def test_the_order_follows_from_the_secret_and_the_images(monkeypatch):
    recorder = Recorder(first_pixels)
    monkeypatch.setattr(predictions, "run", recorder)
    for secret in ("a", "a", "b"):
        predict({}, REQUEST, images(), classes=5, secret=secret)
    for box in (0, 1):
        first, second, third = (call[2] for call in recorder.calls[box::2])
        assert np.array_equal(first, second)
        assert not np.array_equal(first, third)


def test_small_batches_that_are_refused_are_no_fault_of_the_others(monkeypatch):
    def but_not(count):
        def answer(data):
            made = first_pixels(data).astype(np.float32)
            made[:count] = np.nan
            return made

        return answer

    for count, is_repeatable in ((16, True), (33, False)):
        monkeypatch.setattr(predictions, "run", Recorder(first_pixels, but_not(count)))
        made = predict({}, REQUEST, images(), classes=5)
        assert (made.unanswered, made.again.compared) == (count, 64 - count)
        assert made.is_repeatable is is_repeatable


def test_a_second_box_that_breaks_is_ours_and_one_that_the_code_ends_is_not_repeatable(monkeypatch):
    trouble = sandbox.SystemFault("L3", 1.0, problem=Problem("sandbox", "sandbox", "no more memory", ""))
    monkeypatch.setattr(predictions, "run", Recorder(first_pixels, lambda _: trouble))
    assert predict({}, REQUEST, images(), classes=5) is trouble
    ended = sandbox.StudentFault("L3", 1.0, problem=Problem("exit", "model.py", "the code ends the process", ""))
    monkeypatch.setattr(predictions, "run", Recorder(first_pixels, lambda _: ended))
    made = predict({}, REQUEST, images(), classes=5)
    assert (made.unanswered, made.why, made.is_repeatable) == (64, "the code ends the process", False)
    assert np.array_equal(made.logits, first_pixels(images()))


@pytest.mark.parametrize(
    "notes",
    [
        {"moved": "all", "replaced": 3, "own_class": [], "stored": [], "parameters": True, "unanswered": "x"},
        {"moved": [1, None], "stored": {"found": 9, "compared": 3}, "parameters": -1},
        {"stored": {"found": True, "compared": 3, "tensor": 3}, "replaced": ["\x1b[31mtorch\n" * 100] * 100},
    ],
)
def test_what_the_box_says_of_itself_may_be_anything(monkeypatch, notes):
    def run(_program, *, request, **_rest):
        payload = np.zeros((sum(request["batches"]), 5), np.float32).tobytes()
        return sandbox.Answered("L3", 1.0, payload=payload, notes=notes)

    monkeypatch.setattr(predictions, "run", run)
    made = predict({}, REQUEST, images(), classes=5)
    assert (made.moved, made.own_class, made.parameters, made.stored) == ((), "", 0, (0, 0, ""))
    assert all(len(name) <= 500 and name.isprintable() for name in made.replaced)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_no_number_never_gets_through(monkeypatch, bad):
    def answer(data):
        made = first_pixels(data).astype(np.float32)
        made[17, 3] = bad
        return made

    monkeypatch.setattr(predictions, "run", Recorder(answer))
    assert problem(predict({}, REQUEST, images(), classes=5)).code == "not-finite"


def test_the_largest_finite_scores_get_through(monkeypatch):
    monkeypatch.setattr(predictions, "run", Recorder(lambda data: np.full((len(data), 5), np.finfo(np.float32).max)))
    assert predict({}, REQUEST, images(), classes=5).is_repeatable


@pytest.mark.parametrize(
    "bad", [np.zeros((2, 3, 4), np.uint8), np.zeros((2, 1, 3, 4), np.float32), np.zeros((0, 1, 2, 2), np.uint8)]
)
def test_what_are_no_images_is_the_callers_mistake(bad):
    with pytest.raises(ValueError, match="uint8"):
        predict({}, REQUEST, bad, classes=5)


def test_images_that_do_not_stand_in_a_row_are_copied(monkeypatch):
    monkeypatch.setattr(predictions, "run", Recorder(first_pixels))
    turned = images().transpose(0, 1, 3, 2)
    assert np.array_equal(predict({}, REQUEST, turned, classes=5).logits, first_pixels(np.ascontiguousarray(turned)))
