"""How much is on a figure: drawn here, as matplotlib draws axes, so that it is known."""

import pytest

np = pytest.importorskip("numpy")
Image = pytest.importorskip("PIL.Image")
ImageDraw = pytest.importorskip("PIL.ImageDraw")

from grader.evidence.figures import averaged, ink, measures, shrink_for  # noqa: E402

LEFT, TOP, RIGHT, BOTTOM = 80, 58, 576, 427


def axes(*, grid=False, ground=(255, 255, 255), spines="all"):
    """Axes of 640 x 480 pixels, with ticks that point outwards, and the means to draw in them."""
    picture = Image.new("RGB", (640, 480), ground)
    draw = ImageDraw.Draw(picture)
    if grid:
        for x in range(LEFT + 60, RIGHT, 90):
            draw.line([(x, TOP), (x, BOTTOM)], fill=(176, 176, 176))
        for y in range(TOP + 40, BOTTOM, 60):
            draw.line([(LEFT, y), (RIGHT, y)], fill=(176, 176, 176))
    if spines == "all":
        draw.rectangle([LEFT, TOP, RIGHT, BOTTOM], outline="black")
    else:
        draw.line([(LEFT, TOP), (LEFT, BOTTOM), (RIGHT, BOTTOM)], fill="black")
    for y in range(TOP + 40, BOTTOM, 60):
        draw.line([(LEFT - 4, y), (LEFT, y)], fill="black")
    return picture, draw


def seen(picture):
    return measures(np.asarray(picture))


@pytest.mark.parametrize("spines", ["all", "left and bottom"])
def test_axes_with_nothing_in_them_are_told_from_a_curve(spines):
    picture, draw = axes(spines=spines)
    assert seen(picture)["plot"] == {"all": 0.0, "without_grid": 0.0}
    draw.line([(100, 80), (200, 300), (550, 400)], fill=(31, 119, 180), width=2)
    assert seen(picture)["plot"]["without_grid"] > 0.002


def test_a_curve_that_hugs_the_axes_is_something_in_them():
    picture, draw = axes()
    draw.line([(LEFT + 4, TOP + 4), (LEFT + 4, BOTTOM - 4), (RIGHT - 4, BOTTOM - 4)], fill=(31, 119, 180), width=2)
    assert seen(picture)["plot"]["all"] > 0


def test_lines_of_a_grid_alone_are_told():
    picture, draw = axes(grid=True)
    plot = seen(picture)["plot"]
    assert plot["all"] > 0
    assert plot["without_grid"] == 0
    draw.line([(100, 200), (560, 200)], fill=(31, 119, 180), width=2)  # a curve that is straight is none of them
    assert seen(picture)["plot"]["without_grid"] > 0


def test_a_figure_without_axes_has_no_plot():
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8))
    assert seen(picture)["plot"] is None
    assert seen(Image.new("RGB", (60, 60), "white"))["plot"] is None


def test_a_blank_page_has_no_ink_and_jpegs_noise_is_none():
    blank = np.full((100, 100, 3), 250, dtype=np.uint8)
    assert ink(blank) == 0
    assert ink(blank - np.random.default_rng(0).integers(0, 4, blank.shape, dtype=np.uint8)) == 0


def test_small_copies_of_one_figure_are_alike_and_those_of_two_are_not():
    one, draw = axes()
    draw.line([(100, 80), (550, 400)], fill=(31, 119, 180), width=2)
    other, draw = axes()
    draw.line([(100, 400), (550, 80)], fill=(31, 119, 180), width=2)
    prints = [bytes.fromhex(seen(picture)["print"]) for picture in (one, one.resize((960, 720), Image.LANCZOS), other)]
    apart = [max(abs(a - b) for a, b in zip(prints[0], print_, strict=True)) for print_ in prints[1:]]
    assert apart[0] < 10 < apart[1]


def test_means_over_parts_keep_the_mean():
    grey = np.random.default_rng(0).random((37, 53))
    assert averaged(grey, (10, 7)).mean() == pytest.approx(grey.mean())
    assert np.allclose(averaged(grey, grey.shape), grey)


@pytest.mark.parametrize("size", [(1, 1), (2000, 1000), (2001, 1000), (7000, 7000), (50_000, 1000)])
def test_a_large_figure_is_shrunk_no_further_than_it_must(size):
    shrink = shrink_for(size)

    def pixels(by):
        return -(-size[0] // by) * -(-size[1] // by)

    assert pixels(shrink) <= 2_000_000
    assert shrink == 1 or pixels(shrink - 1) > 2_000_000
