"""How do comments reach students as files? In a zip whose names are those of the LMS's own download.

Moodle gives a file to the person whose number stands in its folder's name, and knows no groups: a group's comment goes
to each member by their own number. Canvas knows a hand-in by the numbers of person and file. Others are unpacked by
people, in a folder a student.
"""

from __future__ import annotations

import codecs
import io
import re
import zipfile
from collections.abc import Mapping, Sequence

from grader.documents.wording import shown
from grader.intake.classes import ClassList, HandInEntry, is_inner
from grader.reports.export.choosing import Line
from grader.reports.export.comments import comment
from grader.reports.export.filling import Filled
from grader.reports.export.moodle import participant

FILE = "feedback.txt"
PAGE = "report.html"
_MOODLE = re.compile(r"(?P<lead>.*_)(?P<number>\d+)(?P<plugin>_assignsubmission_[a-z]+_?)?")
_CANVAS = re.compile(r"(?P<lead>[^/]*?_(?P<user>\d+)_\d+_)[^/]*")
_CANVAS_ANONYMOUS = re.compile(r"(?P<lead>(?:LATE_)?anon_[A-Za-z0-9]+_\d+_)[^/]*")
_DATE = (1980, 1, 1, 0, 0, 0)  # the same grades give the same bytes


def feedback_zip(
    lines: Sequence[Line],
    class_list: ClassList | None,
    kind: str,
    assignment: str,
    pages: Mapping[str, str] | None = None,
) -> Filled:
    """The zip: a text file for every student whose grade goes out, and beside it the page that `pages` has of them."""
    filled = Filled()
    of_student = _hand_ins(class_list)
    buffer = io.BytesIO()
    texts: dict[str, str] = {}
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for line in lines:
            if line.points is None:
                continue
            name, text = _name(line, of_student.get(line.grade.id), class_list, kind, assignment), comment(line)
            if not name or not is_inner(name) or texts.get(name, text) != text:
                what = (
                    f"{shown(name)} cannot be their feedback file" if name else "the LMS's name for them is not known"
                )
                filled.tell("no-feedback-file", line.grade.id, f"{what}: no file is made")
                continue
            filled.written.append(line.grade.id)
            if name in texts:  # of a group that the LMS knows by one name
                continue
            texts[name] = text
            _add(archive, name, codecs.BOM_UTF8 + text.replace("\n", "\r\n").encode("utf-8", "backslashreplace"))
            if pages and line.grade.id in pages:
                page = pages[line.grade.id].encode("utf-8", "backslashreplace")
                _add(archive, name.removesuffix(FILE) + PAGE, page)
    filled.data = buffer.getvalue()
    return filled


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, _DATE)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    archive.writestr(info, data)


def _hand_ins(class_list: ClassList | None) -> Mapping[str, HandInEntry]:
    if class_list is None:
        return {}
    return {one.id: class_list.by_name[one.hand_in] for one in class_list.roster if one.hand_in}


def _name(line: Line, hand_in: HandInEntry | None, class_list: ClassList | None, kind: str, assignment: str) -> str:
    """Where a student's feedback lies in the zip; empty where the LMS would not know whose it is."""
    if kind == "moodle":
        return _moodle(line, hand_in)
    if kind == "canvas":
        return _canvas(hand_in, class_list) if hand_in is not None and class_list is not None else ""
    if kind == "nbgrader":
        return f"feedback/{line.grade.id}/{assignment}/{FILE}"
    return f"{line.grade.id}/{FILE}"


def _canvas(hand_in: HandInEntry, class_list: ClassList) -> str:
    """By the numbers of a member and of a file; Canvas takes the first two in the name, whatever a person is called."""
    members = {class_list.by_id[student].keys.get("canvas_id") for student in hand_in.students}
    for was in hand_in.was:
        found = _CANVAS_ANONYMOUS.fullmatch(was)
        if found is None:
            found = _CANVAS.fullmatch(was)
            if found is not None and (found["user"] not in members or found["user"] != _first_number(was)):
                continue
        if found is not None:
            return f"{found['lead']}{FILE}"
    return ""


def _first_number(name: str) -> str:
    return next((part for part in name.split("_") if part.isdecimal()), "")


def _moodle(line: Line, hand_in: HandInEntry | None) -> str:
    """The download's own folder, where its number is this student's; else a folder of theirs in the same form."""
    own = participant(line)
    folder = line.grade.lms_folder or (hand_in.lms_folder if hand_in else "")
    found = _MOODLE.fullmatch(folder)
    is_shared = hand_in is not None and len(hand_in.students) > 1
    if not own:
        return "" if found is None or is_shared else _in(folder, found, hand_in)
    if found is not None and found["number"] == own and not is_shared:
        return _in(folder, found, hand_in)
    name = re.sub(r"[\x00-\x1f\x7f&<>\"`|':\\/_]|\.\.+", " ", line.grade.name).strip() or "Participant"
    plugin = (found and found["plugin"]) or "_assignsubmission_file_"
    return f"{name}_{own}{plugin}/{FILE}"


def _in(folder: str, found: re.Match[str], hand_in: HandInEntry | None) -> str:
    """As the download has it: a folder, or the beginning of a file's name."""
    plugin = found["plugin"] or "_assignsubmission_file"
    whole = folder if found["plugin"] else folder + plugin
    is_flat = hand_in is not None and hand_in.was != () and not any("/" in one for one in hand_in.was)
    return f"{whole.rstrip('_')}_{FILE}" if is_flat else f"{whole}/{FILE}"
