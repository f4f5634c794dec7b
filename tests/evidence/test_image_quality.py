"""PSNR, SSIM and absolute error, against the numbers of scikit-image and torchmetrics and against what must be so."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

np = pytest.importorskip("numpy")

from grader.evidence.image_quality import SIGMA, WINDOW, psnr_db, scores, structural_similarity  # noqa: E402

ROW, COLUMN = np.meshgrid(np.arange(16), np.arange(20), indexing="ij")
# Fractions of powers of two, so that every machine has the very same pixels.
WANTED = np.stack([
    ((ROW * 17 + COLUMN * 29) % 64) / 64,
    (ROW + COLUMN) / 64,
    ((ROW // 4 + COLUMN // 5) % 2) * 0.75 + 0.125,
])[:, None]  # fmt: skip
MADE = np.stack([
    WANTED[0, 0] * 0.75 + ((ROW * 13 + COLUMN * 7) % 32) / 256,
    WANTED[1, 0] + ((ROW * 5 + COLUMN * 11) % 16 - 8) / 128,
    WANTED[2, 0][::-1],
])[:, None]  # fmt: skip


def test_similarity_without_the_border_is_that_of_scikit_image():
    """scikit-image 0.26.0: structural_similarity(..., data_range=1, gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False)."""
    golden = [0.9461163900064586, 0.7109314318960283, -0.9004505781282189]
    assert structural_similarity(MADE, WANTED)[0] == pytest.approx(golden, abs=1e-12)


def test_similarity_with_mirrored_borders_is_that_of_torchmetrics():
    """torchmetrics 1.9.0: structural_similarity_index_measure(..., data_range=1.0) of each image, in float64."""
    golden = [0.9413814757468743, 0.68727731754121, -0.8131072808538053]
    assert structural_similarity(MADE, WANTED)[1] == pytest.approx(golden, abs=1e-12)


def test_psnr_is_that_of_scikit_image():
    """scikit-image 0.26.0: peak_signal_noise_ratio(..., data_range=1), of each image and of all in one array."""
    each = np.square(MADE - WANTED).mean(axis=(1, 2, 3))
    golden = [19.778826778070425, 28.819814793801314, 2.498774732165999]
    assert [psnr_db(value) for value in each] == pytest.approx(golden, abs=1e-9)
    assert psnr_db(each.mean()) == pytest.approx(7.17956185856894, abs=1e-9)


def test_similarity_is_the_definition_written_out_pixel_by_pixel():
    """Equation 13 of Wang et al. (2004), with loops, at one place within the border."""
    one, other = MADE[0, 0], WANTED[0, 0]
    steps = range(-(WINDOW // 2), WINDOW // 2 + 1)
    weights = {(i, j): math.exp(-(i * i + j * j) / (2 * SIGMA**2)) for i in steps for j in steps}
    total = sum(weights.values())

    def at(row, column):
        w = [
            (weight / total, one[row + i, column + j], other[row + i, column + j]) for (i, j), weight in weights.items()
        ]
        x, y = (sum(pair[0] * pair[which] for pair in w) for which in (1, 2))
        xx, yy = (sum(pair[0] * (pair[which] - mean) ** 2 for pair in w) for which, mean in ((1, x), (2, y)))
        xy = sum(weight * (a - x) * (b - y) for weight, a, b in w)
        return (2 * x * y + 1e-4) * (2 * xy + 9e-4) / ((x * x + y * y + 1e-4) * (xx + yy + 9e-4))

    expected = np.mean([[at(row, column) for column in range(5, 15)] for row in range(5, 11)])
    assert structural_similarity(MADE, WANTED)[0, 0] == pytest.approx(expected, abs=1e-12)


@given(st.floats(0, 1), st.floats(0, 1))
def test_two_grey_images_have_the_similarity_of_their_light(one, other):
    pair = (np.full((1, 1, 12, 13), value) for value in (one, other))
    expected = (2 * one * other + 1e-4) / (one**2 + other**2 + 1e-4)
    assert structural_similarity(*pair).ravel() == pytest.approx([expected] * 2, abs=1e-9)


@given(st.integers(0, 2**32 - 1))
def test_similarity_is_symmetric_at_most_one_and_one_for_the_same(seed):
    one, other = np.random.default_rng(seed).random((2, 2, 1, 14, 11))
    there, back = structural_similarity(one, other), structural_similarity(other, one)
    assert there == pytest.approx(back, abs=1e-12)
    assert (there < 1).all()
    assert structural_similarity(one, one) == pytest.approx(np.ones((2, 2)), abs=1e-9)


@given(st.integers(0, 2**32 - 1), st.sampled_from(["flipud", "fliplr", "rot90"]))
def test_similarity_does_not_care_which_way_up_both_images_are(seed, how):
    one, other = np.random.default_rng(seed).random((2, 1, 1, 13, 13))
    turned = [getattr(np, how)(image[0, 0])[None, None] for image in (one, other)]
    assert structural_similarity(*turned) == pytest.approx(structural_similarity(one, other), abs=1e-12)


@pytest.mark.parametrize(
    ("off", "decibels"), [(0.1, 20.0), (1.0, 0.0), (0.5, 6.020599913279624), (2.0, -6.020599913279624), (0.0, math.inf)]
)
def test_a_constant_error_has_the_psnr_of_its_size(off, decibels):
    wanted = np.zeros((3, 1, 12, 12), np.uint8)
    measured = scores(np.full(wanted.shape, off), wanted)
    assert psnr_db(measured.squared.mean()) == pytest.approx(decibels)
    assert measured.absolute.tolist() == pytest.approx([off] * 3)


def test_bytes_are_read_as_pixels_from_0_to_1_and_nothing_is_cut_off():
    wanted = np.full((1, 1, 12, 12), 255, np.uint8)
    assert scores(np.full(wanted.shape, 1.2, np.float32), wanted).squared[0] == pytest.approx(0.04, rel=1e-6)


def test_the_parts_that_are_computed_at_a_time_do_not_show():
    rng = np.random.default_rng(5)
    made, wanted = rng.random((607, 2, 12, 11), np.float32), rng.integers(0, 256, (607, 2, 12, 11), np.uint8)
    whole = scores(made, wanted)
    for row in (0, 249, 250, 606):
        alone = scores(made[row : row + 1], wanted[row : row + 1])
        for name in ("absolute", "squared", "ssim", "ssim_bordered"):
            assert getattr(alone, name)[0] == pytest.approx(getattr(whole, name)[row], abs=1e-12)


def test_the_mean_over_images_is_never_below_the_psnr_of_all_pixels():
    rng = np.random.default_rng(6)
    made, wanted = rng.random((50, 1, 12, 12)), rng.integers(0, 256, (50, 1, 12, 12), np.uint8)
    told = scores(made, wanted).to_json()
    assert told["psnr_db"]["mean"] >= psnr_db(told["squared"]["mean"])
    assert told["squared"]["error"] == pytest.approx(scores(made, wanted).squared.std(ddof=1) / 50**0.5)


def test_an_image_that_is_met_exactly_leaves_no_mean_of_decibels():
    wanted = np.random.default_rng(7).integers(0, 256, (2, 1, 12, 12), np.uint8)
    told = scores(np.stack([wanted[0] / np.float32(255), np.zeros((1, 12, 12), np.float32)]), wanted).to_json()
    assert told["psnr_db"] is None
    assert told["squared"]["mean"] > 0


@pytest.mark.torch
def test_the_course_measures_its_own_networks_in_the_same_way():
    """`grader.training.evaluation.image_errors` makes the bands that a denoiser is compared with."""
    torch = pytest.importorskip("torch")
    from grader.training.evaluation import image_errors

    rng = np.random.default_rng(8)
    images, wanted = rng.integers(0, 256, (2, 40, 1, 12, 12), np.uint8)
    network = torch.nn.Conv2d(1, 1, 3, padding=1)
    with torch.no_grad():
        made = network(torch.from_numpy(images).float() / 255).numpy()
    own, told = image_errors(network, *map(torch.from_numpy, (images, wanted)), (), ()), scores(made, wanted).to_json()
    assert (own.mse, own.mae) == pytest.approx((told["squared"]["mean"], told["absolute"]["mean"]), rel=1e-6)
    assert own.value == pytest.approx(psnr_db(told["squared"]["mean"]), abs=1e-5)


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        pytest.param((2, 1, 12, 12), (3, 1, 12, 12), id="another number of images"),
        pytest.param((2, 1, 12, 12), (2, 1, 12, 13), id="another size"),
        pytest.param((2, 12, 12), (2, 12, 12), id="no channels"),
        pytest.param((0, 1, 12, 12), (0, 1, 12, 12), id="no images"),
        pytest.param((2, 1, 10, 12), (2, 1, 10, 12), id="smaller than the window"),
    ],
)
def test_what_cannot_be_compared_is_the_callers_mistake(made, wanted):
    with pytest.raises(ValueError, match="images of"):
        scores(np.zeros(made), np.zeros(wanted, np.uint8))
