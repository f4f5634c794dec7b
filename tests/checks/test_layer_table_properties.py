"""What holds for every network: a slip computed through costs one cell, garbage breaks nothing."""

from fractions import Fraction

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from grader.architecture import ShapeError, build
from grader.checks import all_checks, run_check
from grader.model import Answer, Place, Rule, Submission

CHECK = all_checks()["layer-table"]
BATCH = 4
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)


def judged(network, rows, **more):
    rule = Rule("r", "layer-table", Fraction(1), {"network": network, **more}, answer="t", place=Place("r.yaml"))
    answer = Answer(rows, Place("answers.json", "/answers/t"))
    findings = run_check(CHECK, rule, Submission("s", "a", Place, answers={"t": answer}), {})
    assert not [finding for finding in findings if finding.code in ("check-broke", "no-verdict")]
    return findings


def lost(findings):
    return sum(finding.weight * (1 - finding.credit) for finding in findings)


def asked(kind):
    return kind not in ("relu", "flatten", "dropout")


def rows_of(network):
    """The table of a network, without a look at the check: from the architecture package alone."""
    nodes = build(tuple(network["input"]), network["layers"]).nodes
    return [{"output": str(n.output_shape), "parameters": n.parameters} for n in nodes if asked(n.kind)]


convs = st.builds(
    lambda channels, kernel, stride, padding, bias: {
        "kind": "conv2d", "out_channels": channels, "kernel": kernel,
        "stride": stride, "padding": padding, "bias": bias,
    },
    st.integers(1, 40), st.integers(1, 5), st.integers(1, 2), st.integers(0, 2), st.booleans(),
)  # fmt: skip
others = st.sampled_from(
    [
        {"kind": "max_pool2d", "kernel": 2},
        {"kind": "avg_pool2d", "kernel": 3, "stride": 2, "padding": 1},
        {"kind": "max_pool2d", "kernel": 3, "stride": 2, "ceil_mode": True},
        {"kind": "batch_norm2d"},
        {"kind": "relu"},
    ]
)
linears = st.builds(lambda features: {"kind": "linear", "out_features": features}, st.integers(1, 200))


@st.composite
def networks(draw):
    """Convolutions, poolings and norms on an image, then fully connected layers; such that every layer fits."""
    side = draw(st.integers(12, 40))
    layers = draw(st.lists(st.one_of(convs, others), min_size=1, max_size=6))
    if draw(st.booleans()):
        layers = [*layers, {"kind": "flatten"}, *draw(st.lists(linears, min_size=1, max_size=3))]
    network = {"input": [BATCH, draw(st.integers(1, 3)), side, side], "layers": layers}
    assume(any(asked(layer["kind"]) for layer in layers))
    try:
        build(tuple(network["input"]), layers)
    except ShapeError:
        assume(False)
    return network


SLIPS = {
    "conv2d": [("out_channels", st.integers(1, 60)), ("kernel", st.integers(1, 6)), ("padding", st.integers(0, 3)),
               ("stride", st.integers(1, 3))],
    "max_pool2d": [("kernel", st.integers(1, 4)), ("stride", st.integers(1, 4))],
    "linear": [("out_features", st.integers(1, 300))],
}  # fmt: skip


@st.composite
def slipped(draw):
    """(network, the network that a student has in mind, index of the row with the slip)."""
    network = draw(networks())
    spots = [i for i, layer in enumerate(network["layers"]) if layer["kind"] in SLIPS]
    assume(spots)
    spot = draw(st.sampled_from(spots))
    setting, values = draw(st.sampled_from(SLIPS[network["layers"][spot]["kind"]]))
    layers = list(network["layers"])
    layers[spot] = {**layers[spot], setting: draw(values)}
    in_mind = {**network, "layers": layers}
    try:
        build(tuple(network["input"]), layers)
    except ShapeError:
        assume(False)
    return network, in_mind, sum(asked(layer["kind"]) for layer in layers[:spot])


@QUICK
@given(networks())
def test_the_right_table_gets_full_credit(network):
    assert lost(judged(network, rows_of(network))) == 0


@QUICK
@given(slipped())
def test_one_slip_with_all_its_consequences_costs_one_cell(case):
    network, in_mind, row = case
    right, own = rows_of(network), rows_of(in_mind)
    findings = judged(network, own)
    assert lost(findings) == (1 if right[row] != own[row] else 0)
    if right[row] != own[row]:
        assert "is the first that is wrong" in findings[row].said


@QUICK
@given(slipped())
def test_one_slip_without_consequences_costs_one_cell(case):
    network, in_mind, row = case
    rows = rows_of(network)
    own = rows_of(in_mind)[row]
    is_wrong = own != rows[row]
    rows[row] = own
    assert lost(judged(network, rows)) == is_wrong


@QUICK
@given(slipped())
def test_without_follow_through_each_wrong_cell_costs_itself(case):
    network, in_mind, _ = case
    right, own = rows_of(network), rows_of(in_mind)
    wrong = sum(one[key] != other[key] for one, other in zip(right, own, strict=True) for key in one)
    findings = judged(network, own, follow_through=False)
    if not any(finding.code == "row-missing" for finding in findings):  # else another assignment of rows was better
        assert lost(findings) == wrong


@QUICK
@given(networks(), st.data())
def test_a_single_wrong_cell_costs_itself(network, data):
    rows = rows_of(network)
    row = data.draw(st.integers(0, len(rows) - 1))
    number = data.draw(st.integers(0, 10**6))
    assume(number != rows[row]["parameters"])
    rows[row]["parameters"] = number
    assert lost(judged(network, rows)) == 1


@QUICK
@given(networks())
def test_leaving_the_batch_out_everywhere_costs_one_cell(network):
    rows = [{**row, "output": row["output"].replace(f"({BATCH}, ", "(", 1)} for row in rows_of(network)]
    assert lost(judged(network, rows)) == 1


@QUICK
@given(networks(), st.data())
def test_a_table_that_is_not_the_right_one_never_gets_full_credit(network, data):
    right = rows_of(network)
    rows = data.draw(st.permutations(right))
    assert (lost(judged(network, rows)) == 0) == (rows == right)


@QUICK
@given(networks(), st.data())
def test_a_row_left_out_costs_no_more_than_that_row_and_is_noticed(network, data):
    rows = rows_of(network)
    assume(len(rows) > 1)
    del rows[data.draw(st.integers(0, len(rows) - 1))]
    assert lost(judged(network, rows)) == 2


cells = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=30),
    st.text(alphabet="0123456789()[], x*-+=>.%→N", max_size=30),
    st.lists(st.one_of(st.integers(-5, 10**20), st.text(max_size=4), st.none()), max_size=8),
    st.dictionaries(st.sampled_from(["value", "working", "input", "output"]), st.text(max_size=9), max_size=2),
)
tables = st.one_of(
    cells,
    st.lists(
        st.one_of(cells, st.dictionaries(st.sampled_from(["layer", "input", "output", "parameters", "x"]), cells)),
        max_size=9,
    ),
)
COLUMNS = st.lists(st.sampled_from(["input", "output", "parameters"]), min_size=1, unique=True)


@QUICK
@given(networks(), tables, COLUMNS, st.booleans(), st.sampled_from(["any", BATCH]))
def test_garbage_never_breaks_the_check_and_earns_nothing_by_itself(network, answer, columns, is_followed, batch):
    findings = judged(network, answer, columns=columns, follow_through=is_followed, batch=batch)
    assert lost(findings) > 0 or answer_is_right(network, answer, columns)
    for finding in findings:
        assert finding.said.isprintable()


def answer_is_right(network, answer, columns):
    """Garbage can hit a table of one zero; it must then really be that."""
    right = [row["parameters"] for row in rows_of(network)]
    return columns == ["parameters"] and isinstance(answer, list) and len(answer) >= len(right)
