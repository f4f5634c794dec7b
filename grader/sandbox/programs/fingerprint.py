"""The program `fingerprint`: what of these files would still be the same in a copy? Weights, code, texts or pictures.

No code of a student is run. What comes out are hashes and short vectors: they tell that two hand-ins are alike, and
little of what stands in one.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from . import passages, picture, weight_marks
from .channel import Fault
from .listed import looked_at, whole

MOST_BYTES = 32 * 2**20  # of a notebook; other texts are far shorter
MOST_TEXT = 2**20  # characters that are read of one file
SIDE = 32  # pixels of a picture that is compared
_BLANK = 1.0  # standard deviation, of 255, below which there is nothing to compare


def prepare() -> None:
    """Import what reads pictures and weights: a failure here is the machine's."""
    import numpy as np

    del np
    picture.prepare()


def main(request: dict[str, Any], box: Any) -> dict[str, Any]:
    """Request: `files` and `of` ("weights", "texts" or "pictures"). Result: grader/sandbox/results.py."""
    looks = {"weights": weight_marks.look, "texts": _texts, "pictures": _picture}
    return looked_at(request, box, looks[request["of"]])


def _texts(path: Path, name: str) -> dict[str, Any]:
    data = whole(path, name, MOST_BYTES)
    text = data.decode("utf-8-sig", "replace")
    code, prose = (text, "") if name.endswith(".py") else ("", text)
    if name.endswith(".ipynb"):
        code, prose = _cells(text, name)
    code, prose = code[:MOST_TEXT], prose[:MOST_TEXT]
    return {
        "tokens": len(passages.code_tokens(code)),
        "code": passages.code_marks(code),
        "seeds": passages.seeds_in(code),
        "words": len(passages.text_tokens(prose)),
        "text": passages.text_marks(prose),
    }


def _cells(text: str, name: str) -> tuple[str, str]:
    """The code and the prose of a notebook, each cell after the other."""
    try:
        book = json.loads(text)
        cells = book["cells"]
        parts: dict[str, list[str]] = {"code": [], "markdown": []}
        for cell in cells:
            source = cell.get("source", "")
            lines = source if isinstance(source, list) else [source]
            parts.get(cell.get("cell_type"), []).append("".join(line for line in lines if isinstance(line, str)))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        what = "is no notebook that can be read"
        raise Fault("not-a-notebook", name, what, "open it in Jupyter and save it") from error
    magic = ("%", "!")
    lines = [line for part in parts["code"] for line in part.split("\n")]
    code = "\n".join("" if line.lstrip().startswith(magic) else line for line in lines)
    return code, "\n".join(parts["markdown"])


def _picture(path: Path, name: str) -> dict[str, Any]:
    from PIL import Image, ImageStat

    with picture._opened(path, name, picture.MOST_PIXELS) as opened:  # noqa: SLF001  one way to open a picture
        layers = opened.convert("RGBA")
    colours = Image.alpha_composite(Image.new("RGBA", layers.size, "white"), layers).convert("RGB")
    seen = hashlib.sha256(repr(colours.size).encode() + colours.tobytes()).hexdigest()[:32]
    small = colours.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
    is_plain = ImageStat.Stat(small).stddev[0] < _BLANK
    return {"digest": seen, "small": "" if is_plain else base64.b64encode(small.tobytes()).decode("ascii")}
