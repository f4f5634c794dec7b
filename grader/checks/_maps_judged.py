"""What are maps worth that were handed in: right, proven wrong, or for a person to see?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Final

from grader.checks._maps_numbers import Fit, by_entry, fits, laid_out
from grader.checks._maps_pictured import CLEAR, Match, best_matches
from grader.checks._maps_wanted import NAMED, OTHER, Wanted
from grader.checks._settings import counted
from grader.checks.base import failed, partial, passed, remark, review, shown
from grader.evidence.handed_maps import arrays_of, pixels_of
from grader.model import Finding, Json, Outcome, Place, Rule

# Of the shares that a picture's panels have. Measured (2026-11, a LeNet of 6 and 16 maps on `digits`, drawn by
# matplotlib in nine ways, and as montages): the right maps have 0.96 to 1.00 as their median and 0.95 at least; those
# of another image 0.29 to 0.71, of another checkpoint or an untrained one 0.36 to 0.66.
_MIDDLE: Final = 0.9
_LEAST: Final = 0.8
_APART: Final = 0.15  # by which another image's maps must fit worse
_BLANK: Final = 0.0002
_USUAL_VIEW: Final = "as the rubric says"


def _named(wanted: Sequence[Wanted]) -> str:
    """What is asked for, in words.

    >>> from grader.checks._maps_wanted import Reading
    >>> import numpy as np
    >>> _named([Wanted("layer", "conv1", [0, 1], 2, [Reading("named", "", [np.zeros((28, 28))] * 2)])])
    "2 maps of 'conv1' (28 x 28)"
    """
    words = []
    for one in wanted:
        kind = "map" if one.what == "layer" else "filter"
        words.append(f"{counted(one.count, kind)} of {shown(one.name)!r} ({one.size[0]} x {one.size[1]})")
    return " and ".join(words)


def _how(labels: Sequence[str]) -> str:
    """How maps were drawn, where that is not as the rubric says."""
    told = [label.removesuffix(_USUAL_VIEW).strip() for label in labels]
    told = [label for label in dict.fromkeys(told) if label]
    return f", drawn {' and '.join(told)}" if told else ""


# --- numbers ----------------------------------------------------------------------------------


def by_numbers(rule: Rule, result: Mapping[str, Json], wanted: Sequence[Wanted], place: Place) -> Iterator[Finding]:
    """One finding for all entries: the worst of them decides."""
    arrays = arrays_of(result)
    details: dict[str, Json] = {"expected": _named(wanted), "place": place}
    listed = ", ".join(f"{shown(name)!r} {tuple(array.shape)}" if name else str(tuple(array.shape))
                       for name, array in arrays.items())  # fmt: skip
    parts = by_entry(arrays, wanted)
    if parts is None:
        said = f"{counted(len(arrays), 'array')} cannot be told to belong to {_named(wanted)}; a person looks"
        fix = "save one array for each thing that is asked for, in the order of the sheet"
        yield review(said, **details, observed=listed, fix=fix, code="other-arrays")
        return
    found = [_one_array(rule, array, one, details) for array, one in zip(parts, wanted, strict=True)]
    found.sort(key=lambda finding: (finding.outcome is Outcome.PASSED, finding.outcome is Outcome.REVIEW))
    yield found[0]


def _one_array(rule: Rule, array: Json, wanted: Wanted, details: Mapping[str, Json]) -> Finding:
    name = _named([wanted])
    details = {**details, "expected": f"{name}: the shape {wanted.shape}"}
    laid = laid_out(array, wanted)
    if laid is None:
        return _of_another_shape(array, wanted, details)
    found = fits(laid, wanted, NAMED)
    best = found[0]
    if not best.listed:
        said = f"every one of the {name} is the same everywhere, so that they cannot be told apart; a person looks"
        return review(said, **details, code="flat-maps")
    how = _how([best.label])
    if best.is_same:
        flat = f"; {best.flat} more are the same everywhere" if best.flat else ""
        return passed(f"the numbers are the {name}{how} (smallest r {min(best.listed):.4f}){flat}", **details,
                      code="maps-agree")  # fmt: skip
    if best.is_reordered:
        said = f"the numbers are the {name}{how}, in another order"
        if rule.settings.get("order", "as-listed") == "any":
            return passed(said, **details, code="maps-agree")
        return review(f"{said}; a person looks", **details, fix="save them in the order of the sheet", code="order")
    other = next((fit for fit in fits(laid, wanted, OTHER) if fit.is_same or fit.is_reordered), None)
    if other is not None:
        said = f"the numbers are the {name} for {other.label}, not for the image that the sheet names"
        return failed(said, **details, fix="show the network the image that the sheet names", code="another-image")
    return _unlike(rule, name, wanted, best, details)


def _of_another_shape(array: Json, wanted: Wanted, details: Mapping[str, Json]) -> Finding:
    """Another number of numbers is proven wrong; the right one in another form is not, nor one with axes besides."""
    shape = tuple(array.shape)
    said = f"the array has the shape {shape}, {wanted.shape} is that of the {_named([wanted])}"
    details = {**details, "observed": str(shape)}
    fix = f"save what the layer gives, as an array of the shape {wanted.shape}"
    bare = [side for side in shape if side != 1]
    sides = [side for side in wanted.shape if side != 1]
    if array.size != math.prod(wanted.shape) and len(bare) <= len(sides):
        return failed(said, **details, fix=fix, code="shape")
    return review(f"{said}; a person looks", **details, fix=fix, code="shape-unclear")


def _unlike(rule: Rule, name: str, wanted: Wanted, best: Fit, details: Mapping[str, Json]) -> Finding:
    """Numbers of the right shape that are not the maps."""
    middle = f"median r {best.middle:.2f} in the order of the sheet"
    details = {**details, "observed": middle}
    if best.inverted:
        said = f"the numbers are the {name} with the sign turned; a person looks"
        return review(said, **details, fix="save the numbers as the layer gives them", code="inverted")
    if wanted.filters is not None:  # nothing to prepare: the checkpoint holds these very numbers
        said = f"the numbers are not the {name} in the checkpoint ({middle})"
        fix = "save the weights of the checkpoint that you hand in, after it was loaded"
        return failed(said, **details, fix=fix, code="other-weights")
    said = f"the numbers are not the {name} that the checkpoint gives for that image, in any usual way to prepare it"
    fix = "load the checkpoint that you hand in, call eval(), and save what the layer gives for that image"
    if rule.settings.get("unlike", "review") == "strict":
        return failed(f"{said} ({middle})", **details, fix=fix, code="other-maps")
    return review(f"{said} ({middle}); a person looks", credit=Fraction(0), **details, fix=fix, code="other-maps")


# --- a picture --------------------------------------------------------------------------------


def by_picture(rule: Rule, picture: Mapping[str, Json], wanted: Sequence[Wanted], place: Place) -> Iterator[Finding]:
    """One finding; then what the panels are."""
    count = sum(one.count for one in wanted)
    details: dict[str, Json] = {"expected": _named(wanted), "place": place}
    if picture["ink"] < _BLANK:
        fix = "save the figure after the maps were drawn"
        yield failed("the picture has nothing on it", **details, fix=fix, code="blank")
        return
    named, other = best_matches(picture, pixels_of(picture), wanted)
    details["observed"] = (
        f"{counted(named.panels, 'panel')}; {named.clear} of {count - named.flat} maps clearly seen (median "
        f"{named.middle:.2f}" + (f"; of another image {other.middle_of_layers:.2f})" if other is not None else ")")
    )
    yield _seen(rule, named, other, wanted, details)
    if named.flat:
        said = f"{counted(named.flat, 'map')} of {count} are the same everywhere: those filters give nothing"
        yield remark(Outcome.PASSED, said, place=place, code="flat-maps")


def _seen(
    rule: Rule, named: Match, other: Match | None, wanted: Sequence[Wanted], details: Mapping[str, Json]
) -> Finding:
    count, name = sum(one.count for one in wanted), _named(wanted)
    # A map that is the same everywhere needs a panel too, though none can be told to be its.
    is_whole = named.panels >= count and 2 * len(named.shares) >= count
    is_clear = is_whole and named.middle >= _MIDDLE and named.least >= _LEAST
    ours, theirs = (one.middle_of_layers if one is not None else 0.0 for one in (named, other))
    is_apart = not theirs or theirs <= ours - _APART
    how = _how(named.labels)
    is_theirs = theirs >= _MIDDLE and ours <= theirs - _APART
    if other is not None and is_theirs and min(other.of_layers) >= _LEAST and 2 * len(other.of_layers) >= count:
        whose = next(label for label, one in zip(other.labels, wanted, strict=True) if one.of(OTHER))
        said = f"the picture shows the {name} for {whose}, not for the image that the sheet names"
        return failed(said, **details, fix="show the network the image that the sheet names", code="another-image")
    if is_clear and is_apart:
        if named.in_order or rule.settings.get("order", "as-listed") == "any":
            return passed(f"the picture shows the {name}{how}", **details, code="maps-agree")
        said = f"the picture shows the {name}{how}, in another order; a person looks"
        return review(said, **details, fix="draw them in the order of the sheet", code="order")
    lively = len(named.shares)
    is_all = named.is_bare and lively == count and named.clear == named.panels
    if 0 < named.panels < count and is_all and is_apart_by_map(named):
        said = f"the picture shows {named.clear} of the {count} maps that are asked for ({name})"
        return partial(said, Fraction(named.clear, count), **details, fix="draw all of them", code="fewer-maps")
    said = f"whether the picture shows the {name} could not be told; a person looks"
    fix = "draw the maps side by side in a grid, each as large as the others, or hand in the numbers (.npy)"
    return review(said, **details, fix=fix, code="unclear-picture")


def is_apart_by_map(match: Match) -> bool:
    """Whether each map is either clearly seen or clearly not: what is seen is no accident.

    >>> is_apart_by_map(Match(1, (0.99, 0.0), (0, -1), 0, in_order=True, labels=()))
    True
    """
    return all(share >= CLEAR or place < 0 for share, place in zip(match.shares, match.shown, strict=True))
