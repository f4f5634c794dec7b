"""How much may a hand-in hold? Limits that no honest one meets, and that keep a hostile one cheap."""

from __future__ import annotations

from grader.frozen import dataclass


@dataclass(frozen=True, slots=True)
class IntakeLimits:
    """The caps on a hand-in, all inclusive. They hold for a folder as for a zip, since one becomes the other."""

    max_entries: int = 2_000  # files and folders, without what is left out: a template has under 20
    max_listed: int = 20_000  # with what is left out: a `.git` or `.venv` in a zip is common, and only listed
    max_total_bytes: int = 2**30
    max_file_bytes: int = 512 * 2**20  # a checkpoint of 130 million float32 parameters
    max_ratio: int = 200  # unpacked to packed; weights stay under 2, text under 20
    ratio_floor_bytes: int = 10 * 2**20  # below, a high ratio does no harm (an empty log of zeros)
    max_part_bytes: int = 255  # what the usual file systems hold
    max_path_bytes: int = 1_000
    max_depth: int = 32
    max_named: int = 20  # problems of entries told one by one; the rest is counted
