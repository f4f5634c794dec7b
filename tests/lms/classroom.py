"""What does a teacher of GitHub Classroom have on disk? Clones, the roster, and the file of grades.

From lms-formats: `{slug}-submissions/{slug}-{username or team}`, classroom_roster.csv with quoted identifiers, and the
grades of `gh classroom assignment-grades`. A clone holds its `.git`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.lms.made import HandIn, Made, Student, groups, number_text, table, write_files


def slug_of(group: str) -> str:
    """A team's name in an address."""
    return "-".join("".join(char if char.isascii() and char.isalnum() else " " for char in group.lower()).split())


def make_classroom(
    folder: Path,
    students: Sequence[Student],
    *,
    slug: str = "digits",
    has_teams: bool = False,
    has_git: bool = True,
    has_roster: bool = True,
    has_grades: bool = True,
    has_group_column: bool = False,
    is_identifier_a_name: bool = False,
    unlinked: Sequence[str] = (),
    strangers: Sequence[str] = (),
    time_form: str = "%Y-%m-%d %H:%M UTC",
    grades: Mapping[str, float] | None = None,
    bom: bool = False,
    is_zip: bool = False,
    is_roster_inside: bool = False,
    is_plain: bool = False,
) -> Made:
    """The clones of `students`. `unlinked`: ids of the roster without a user name; `strangers`: users of no roster.

    `is_identifier_a_name`: the roster says `Lovelace, Ada` where it says s1001 otherwise; `is_plain`: clones that are
    called by the user's name alone, in a folder of any name.
    """
    top = "clones" if is_plain else f"{slug}-submissions"
    files: dict[str, bytes] = {}
    made: list[HandIn] = []
    rows = []
    for members in groups(students).values() if has_teams else [[one] for one in students]:
        together = [members] if has_teams and members[0].group else [[one] for one in members]
        for people in together:
            giver = next((one for one in people if one.files), None)
            name = slug_of(people[0].group) if has_teams and people[0].group else people[0].login
            repository = name if is_plain else f"{slug}-{name}"
            for one in people:
                at = giver.received_at.strftime(time_form) if giver and giver.received_at else ""
                grade = number_text((grades or {}).get(one.id, 0), digits=0)
                rows.append(
                    [
                        "Digits",
                        f"https://example.org/a/{slug}",
                        "https://example.org/starter",
                        one.login,
                        "" if one.id in unlinked else _identifier(one, is_name=is_identifier_a_name),
                        repository,
                        f"https://example.org/{repository}",
                        at,
                        grade,
                        "100",
                        *([people[0].group] if has_teams else []),
                    ]
                )
            if giver is None:
                continue
            listed = {path: f"{top}/{repository}/{path}" for path in giver.files}
            files |= {listed[path]: content for path, content in giver.files.items()}
            if has_git:
                files |= _git(f"{top}/{repository}")
            everybody = tuple(one.id for one in people)
            is_unknown = any(one.id in unlinked for one in people)
            named = everybody if has_group_column or has_grades or not has_teams else ()
            made.append(
                HandIn(
                    everybody,
                    named,
                    dict(giver.files),
                    listed,
                    repository,
                    giver.received_at if has_grades else None,
                    None,
                    is_ambiguous=is_unknown,
                )
            )
    nobodys = []
    for login in strangers:
        files[f"{top}/{slug}-{login}/model.py"] = b"# whose?\n"
        nobodys.append(f"{top}/{slug}-{login}/model.py")
    roster_rows = [
        ["identifier", "github_username", "github_id", "name", *(["group_name"] if has_group_column else [])]
    ]
    for one in students:
        login = "" if one.id in unlinked else one.login
        known = str(5000000 + one.number) if login else ""
        row = [_identifier(one, is_name=is_identifier_a_name), login, known, one.name if login else ""]
        roster_rows.append([*row, *([one.group] if has_group_column else [])])
    roster_bytes = table(roster_rows, is_all_quoted=True, bom=bom)
    roster = None
    if has_roster and is_roster_inside:
        files[f"{top}/classroom_roster.csv"] = roster_bytes
    if is_zip:
        source = write_files(folder / f"{top}.zip", files, is_zip=True)
    else:
        write_files(folder, files, is_zip=False)
        source = folder / top
        source.mkdir(parents=True, exist_ok=True)
    if has_roster and not is_roster_inside:
        roster = folder / "classroom_roster.csv"
        roster.write_bytes(roster_bytes)
    worksheet = None
    if has_grades:
        header = "assignment_name,assignment_url,starter_code_url,github_username,roster_identifier"
        header += ",student_repository_name,student_repository_url,submission_timestamp,points_awarded"
        header += ",points_available"
        columns = [*header.split(","), *(["group_name"] if has_teams else [])]
        worksheet = folder / f"{slug}-grades.csv"
        worksheet.write_bytes(table([columns, *rows], bom=bom))
    return Made("classroom", source, tuple(students), tuple(made), worksheet, roster, tuple(nobodys))


def _identifier(student: Student, *, is_name: bool) -> str:
    return student.sortable_name if is_name else student.id


def _git(at: str) -> dict[str, bytes]:
    """As much of a clone's own folder as a reader could stumble over: a hook, and a time that anybody can set."""
    return {
        f"{at}/.git/HEAD": b"ref: refs/heads/main\n",
        f"{at}/.git/config": b"[core]\n\trepositoryformatversion = 0\n",
        f"{at}/.git/hooks/post-checkout": b"#!/bin/sh\nexit 1\n",
        f"{at}/.git/logs/HEAD": b"0 1 Forged <f@example.org> 0 +0000\tcommit: in time\n",
    }
