"""Every kind of download by its name, so that a test runs over all."""

from __future__ import annotations

from collections.abc import Callable

from tests.lms.canvas import make_canvas
from tests.lms.classroom import make_classroom
from tests.lms.gradescope import make_gradescope
from tests.lms.made import Made
from tests.lms.moodle import make_moodle
from tests.lms.nbgrader import make_nbgrader
from tests.lms.zips import make_zips

MAKERS: dict[str, Callable[..., Made]] = {
    "moodle": make_moodle,
    "canvas": make_canvas,
    "gradescope": make_gradescope,
    "classroom": make_classroom,
    "nbgrader": make_nbgrader,
    "folder": make_zips,
}
