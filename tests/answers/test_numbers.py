"""Every way of writing a number is read to its exact value, and two meanings stay two."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.answers.numbers import parse_number
from grader.model import Place

HERE = Place("answers.json", "/answers/q")
quick = settings(max_examples=150, deadline=None)


def values(written):
    return [str(value) for value in parse_number(written, HERE).readings]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        pytest.param(2432, "2432", id="a JSON whole number"),
        pytest.param(0.9892, "2473/2500", id="a JSON decimal is the decimal written, not the float behind it"),
        pytest.param(1e-05, "1/100000", id="a JSON float with an exponent"),
        pytest.param(-0.0, "0", id="minus zero"),
        pytest.param("0", "0", id="zero"),
        pytest.param("  2432\n", "2432", id="white space around"),
        pytest.param("0.892", "223/250", id="three decimals after a leading zero are no thousands"),
        pytest.param("0.9082844034830729", "9082844034830729/10000000000000000", id="sixteen decimals"),
        pytest.param(".5", "1/2", id="no zero before the point"),
        pytest.param("5.", "5", id="no digit after the point"),
        pytest.param("98.92 %", "2473/2500", id="percent sign"),
        pytest.param("98.92%", "2473/2500", id="percent sign without a space"),
        pytest.param(r"98.92\%", "2473/2500", id="LaTeX percent sign"),
        pytest.param("98.92 percent", "2473/2500", id="percent in a word"),
        pytest.param("98,92 %", "2473/2500", id="decimal comma"),
        pytest.param("1,5", "3/2", id="decimal comma with one decimal"),
        pytest.param("~97%", "97/100", id="tilde"),
        pytest.param(r"$\sim 97\%$", "97/100", id="LaTeX similar"),
        pytest.param(r"97~\%", "97/100", id="LaTeX unbreakable space"),
        pytest.param("about 89 %", "89/100", id="about"),
        pytest.param("9892/10000", "2473/2500", id="fraction"),
        pytest.param("9892 of 10000", "2473/2500", id="k of n"),
        pytest.param("9,892 out of 10,000 images", "2473/2500", id="k out of n with separators and a word"),
        pytest.param("9892 of 10000 (98.92 %)", "2473/2500", id="the same number twice"),
        pytest.param("390 410", "390410", id="space between thousands"),
        pytest.param("390'410", "390410", id="Swiss apostrophe"),
        pytest.param("390’410", "390410", id="typographic apostrophe"),
        pytest.param("390\u202f410", "390410", id="narrow unbreakable space"),
        pytest.param("390_410", "390410", id="Python underscore"),
        pytest.param("6,444,170", "6444170", id="two English separators mean one thing"),
        pytest.param("6.444.170", "6444170", id="two Continental separators mean one thing"),
        pytest.param("12,34,567", "1234567", id="Indian grouping"),
        pytest.param("1,234.5", "2469/2", id="English both"),
        pytest.param("1.234,5", "2469/2", id="Continental both"),
        pytest.param("1234.567", "1234567/1000", id="four digits before the mark are no group"),
        pytest.param(r"$2,\!359,\!808$", "2359808", id="LaTeX negative thin spaces"),
        pytest.param(r"2\,359\,808", "2359808", id="LaTeX thin spaces"),
        pytest.param("2{,}432{,}111", "2432111", id="LaTeX braced commas"),
        pytest.param("1.5e-3", "3/2000", id="scientific"),
        pytest.param("5e-2", "1/20", id="scientific without a point"),
        pytest.param("1.5 × 10^-3", "3/2000", id="power of ten"),
        pytest.param(r"$1.5 \cdot 10^{-3}$", "3/2000", id="LaTeX power of ten"),
        pytest.param("1.5·10⁻³", "3/2000", id="superscript power of ten"),
        pytest.param("10^4", "10000", id="a bare power of ten"),
        pytest.param("25k", "25000", id="k"),
        pytest.param("6.4M", "6400000", id="M"),
        pytest.param("6.4 million parameters", "6400000", id="million"),
        pytest.param("−13", "-13", id="Unicode minus"),
        pytest.param("minus 13", "-13", id="minus in a word"),
        pytest.param("test accuracy: 0.5", "1/2", id="label with a colon"),
        pytest.param("X_2 = 252", "252", id="label with an equals sign"),
        pytest.param("**2432**", "2432", id="Markdown emphasis"),
        pytest.param("`2432`", "2432", id="Markdown code"),
        pytest.param("９８．９２", "2473/25", id="full-width digits"),
        pytest.param({"value": "1.15", "unit": "MB"}, "23/20", id="an object with a unit"),
        pytest.param({"value": 98.92, "unit": "%"}, "2473/2500", id="an object in percent"),
    ],
)
def test_one_writing_means_one_number(written, value):
    assert values(written) == [value]


@pytest.mark.parametrize(
    ("written", "readings"),
    [
        pytest.param("390.410", ["39041/100", "390410"], id="a point: decimals or thousands"),
        pytest.param("390,410", ["390410", "39041/100"], id="a comma: thousands or decimals"),
        pytest.param("2{,}432", ["2432", "304/125"], id="a braced comma"),
        pytest.param("12.345 %", ["2469/20000", "2469/20"], id="in percent too"),
    ],
)
def test_two_meanings_are_both_kept(written, readings):
    number = parse_number(written, HERE)
    assert [str(value) for value in number.readings] == readings
    assert number.is_ambiguous


@pytest.mark.parametrize(
    ("written", "code"),
    [
        pytest.param(True, "not-a-number", id="true"),
        pytest.param(False, "not-a-number", id="false"),
        pytest.param(None, "not-a-number", id="null"),
        pytest.param([2432], "not-a-number", id="a list"),
        pytest.param({}, "not-a-number", id="an empty object"),
        pytest.param({"value": {"value": 1}}, "not-a-number", id="an object in an object"),
        pytest.param("", "not-a-number", id="nothing"),
        pytest.param("none", "not-a-number", id="a word"),
        pytest.param("5 or 6", "not-a-number", id="two numbers to choose from"),
        pytest.param("5-6", "not-a-number", id="a range"),
        pytest.param("390410 390411", "not-a-number", id="two numbers in a row"),
        pytest.param("half of 10", "not-a-number", id="a word before that changes the number"),
        pytest.param("5 dozen", "not-a-number", id="a word after that changes the number"),
        pytest.param("5!", "not-a-number", id="a factorial"),
        pytest.param("1,23,4", "bad-separators", id="separators of no writing"),
        pytest.param("1.234,567.8", "bad-separators", id="marks that alternate"),
        pytest.param("9892 of 10000 (98.93 %)", "two-numbers", id="two numbers that differ"),
        pytest.param("98.92 (0.9893)", "two-numbers", id="a percentage without its sign and another share"),
        pytest.param("2400 (24)", "two-numbers", id="a hundredth that is no share"),
        pytest.param("5/0", "divides-by-zero", id="of nothing"),
        pytest.param("nan", "not-finite", id="nan"),
        pytest.param("-Infinity", "not-finite", id="minus infinity"),
        pytest.param(float("nan"), "not-finite", id="a float nan"),
        pytest.param(float("inf"), "not-finite", id="a float infinity"),
        pytest.param("1e999", "too-long", id="an exponent beyond all measure"),
        pytest.param("1 × 10^999", "too-long", id="a power beyond all measure"),
        pytest.param(10**5000, "too-long", id="a whole number of 5,000 digits"),
        pytest.param("9" * 5000, "too-long", id="a text of 5,000 digits"),
        pytest.param("0." + "1" * 399, None, id="the longest text that is read"),
    ],
)
def test_what_is_no_number_is_refused_with_place_and_fix(written, code, refused):
    if code is None:
        assert parse_number(written, HERE)
        return
    problem = refused(parse_number, written)
    assert problem.code == code
    assert problem.where.startswith("answers.json /answers/q")
    assert problem.what
    assert problem.fix


def test_the_problem_quotes_what_was_written_with_control_characters_escaped(refused):
    problem = refused(parse_number, "ab\x1b[31m\u202e\ud800" + "c" * 200)
    assert r"ab\x1b[31m\u202e\ud800" in problem.what
    assert len(problem.what) < 200


@pytest.mark.parametrize(
    ("written", "decimals", "significant", "step"),
    [
        pytest.param("0.90", 2, 2, "1/100", id="an end zero counts"),
        pytest.param("98.92 %", 2, 4, "1/10000", id="the step has the percent sign applied"),
        pytest.param("0.0079", 4, 2, "1/10000", id="leading zeros are not significant"),
        pytest.param("390410", 0, 6, "1", id="a whole number"),
        pytest.param("25k", 0, 2, "1000", id="thousands"),
        pytest.param("1.5e-3", 4, 2, "1/10000", id="an exponent moves the last digit"),
        pytest.param("3/4", 0, 1, "0", id="a fraction is exact"),
    ],
)
def test_the_precision_as_written_is_kept(written, decimals, significant, step):
    number = parse_number(written, HERE)
    assert (number.decimals, number.significant_digits, str(number.step)) == (decimals, significant, step)


@pytest.mark.parametrize(
    ("written", "is_approximate", "bound", "unit"),
    [
        pytest.param("98.92", False, "", "", id="plain"),
        pytest.param("≈ 97 %", True, "", "", id="nearly equal"),
        pytest.param("accuracy ≈ 0.97", True, "", "", id="a label and nearly equal"),
        pytest.param("around 72%", True, "", "", id="around"),
        pytest.param(
            "more than 70% accuracy after the 5th epoch", False, "above", "accuracy after the 5th epoch", id="more than"
        ),
        pytest.param("> 85% accuracy", False, "above", "accuracy", id="greater sign"),
        pytest.param("90%+", False, "above", "", id="a plus behind"),
        pytest.param("under 5 %", False, "below", "", id="under"),
        pytest.param("1.15 MB", False, "", "MB", id="a unit"),
        pytest.param(r"1.15\,\text{MB}", False, "", "MB", id="a unit in LaTeX"),
    ],
)
def test_about_and_bounds_and_units_are_told_apart(written, is_approximate, bound, unit):
    number = parse_number(written, HERE)
    assert (number.is_approximate, number.bound, number.unit) == (is_approximate, bound, unit)


def test_k_of_n_keeps_both():
    number = parse_number("9,892 of 10,000", HERE)
    assert (number.count, number.total) == (9892, 10000)


GROUPINGS = {
    "English": (",", "."), "Continental": (".", ","), "Swiss": ("'", "."), "SI": ("\u202f", ","),
    "Python": ("_", "."), "LaTeX": (r",\!", "."), "thin": (r"\,", "."), "none": ("", "."),
}  # fmt: skip


@quick
@given(
    whole=st.integers(0, 10**12),
    part=st.text("0123456789", max_size=8),
    style=st.sampled_from(sorted(GROUPINGS)),
    is_percent=st.booleans(),
    is_negative=st.booleans(),
)
def test_a_number_in_any_style_reads_back(whole, part, style, is_percent, is_negative):
    group, mark = GROUPINGS[style]
    written = f"{whole:,}".replace(",", group) + (mark + part if part else "")
    written = ("−" if is_negative else "") + written + (" %" if is_percent else "")
    value = Fraction(int(f"{whole}{part}"), 10 ** len(part)) * (-1 if is_negative else 1)
    number = parse_number(written, HERE)
    assert (value / 100 if is_percent else value) in number.readings
    assert number.is_percent == is_percent
    form = next(f for f in number.forms if f.value == (value / 100 if is_percent else value))
    assert form.decimals == len(part)


@quick
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_reads_as_the_decimal_that_python_prints(value):
    assert parse_number(value, HERE).readings == (Fraction(repr(value)),)


@quick
@given(st.integers(-(10**399), 10**399))
def test_a_whole_number_reads_as_itself_from_json_and_from_text(value):
    assert parse_number(value, HERE).readings == parse_number(str(value), HERE).readings == (value,)


@pytest.mark.parametrize(("written", "value"), [("99.17 (0.9917)", "9917/100"), ("0.9917 (99.17)", "9917/10000")])
def test_a_share_behind_its_percentage_is_the_same_number(written, value):
    assert values(written) == [value]
