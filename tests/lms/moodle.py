"""What does Moodle's "Download all submissions" hold, and its grading worksheet?

From mod/assign/classes/downloader.php, gradingtable.php and feedback/offline (see lms-formats). Words of other
languages are those of Moodle's language packs; `uniqueid` is the assignment's own number of a person.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from tests.lms.made import DUE, HandIn, Made, Student, groups, number_text, table, uploaded, write_files

_DAYS = {
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "de": "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
    "es": "lunes martes miércoles jueves viernes sábado domingo",
}
_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
}
# column -> its words; the others are what cells and folders hold
WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "identifier": "Identifier", "name": "Full name", "id_number": "ID number", "email": "Email address",
        "status": "Status", "group": "Group", "marker": "Marker", "grade": "Grade", "maximum": "Maximum Grade",
        "workflow": "Marking workflow state", "changeable": "Grade can be changed",
        "submitted": "Last modified (submission)", "text": "Online text", "graded": "Last modified (grade)",
        "feedback": "Feedback comments", "person": "Participant ", "participant": "Participant",
        "default_group": "Default group", "is_submitted": "Submitted for grading", "is_missing": "No submission",
        "late": "{} hours late", "yes": "Yes",
    },
    "de": {
        "identifier": "ID", "name": "Vollständiger Name", "id_number": "ID-Nummer", "email": "E-Mail-Adresse",
        "status": "Status", "group": "Gruppe", "marker": "Bewerter/in", "grade": "Bewertung", "maximum": "Bestwertung",
        "workflow": "Bewertungsworkflow", "changeable": "Bewertung kann geändert werden",
        "submitted": "Zuletzt geändert (Abgabe)", "text": "Texteingabe online",
        "graded": "Zuletzt geändert (Bewertung)", "feedback": "Feedback als Kommentar", "person": "Teilnehmer/in ",
        "participant": "Teilnehmer/in",
        "default_group": "Standardgruppe", "is_submitted": "Zur Bewertung abgegeben", "is_missing": "Keine Abgabe",
        "late": "{} Stunden verspätet", "yes": "Ja",
    },
    "es": {
        "identifier": "Identificador", "name": "Nombre completo", "id_number": "Número de ID",
        "email": "Dirección de correo", "status": "Estado", "group": "Grupo", "marker": "Evaluador",
        "grade": "Calificación", "maximum": "Calificación máxima", "workflow": "Estado de la evaluación",
        "changeable": "La calificación puede ser cambiada", "submitted": "Última modificación (entrega)",
        "text": "Texto en línea", "graded": "Última modificación (calificación)",
        "feedback": "Comentarios de retroalimentación", "person": "Participante ", "participant": "Participante",
        "default_group": "Grupo por defecto", "is_submitted": "Enviado para calificar", "is_missing": "No entregado",
        "late": "{} horas después", "yes": "Sí",
    },
}  # fmt: skip


def uniqueid(student: Student) -> int:
    return 4000 + student.number


def long_date(at: datetime, words: str = "en") -> str:
    """A date as Moodle writes it for people, in the site's time and without a zone."""
    day = _DAYS[words].split()[at.weekday()]
    month = _MONTHS[words].split()[at.month - 1]
    if words == "en":
        hour = at.hour % 12 or 12
        return f"{day}, {at.day} {month} {at.year}, {hour}:{at.minute:02} {'AM' if at.hour < 12 else 'PM'}"
    if words == "de":
        return f"{day}, {at.day}. {month} {at.year}, {at.hour:02}:{at.minute:02}"
    return f"{day}, {at.day} de {month} de {at.year}, {at.hour:02}:{at.minute:02}"


def clean(name: str) -> str:
    """What Moodle leaves of a name for a file: no marks, no control characters, no two dots."""
    kept = re.sub(r"[\x00-\x1f\x7f&<>\"`|':\\/]", "", name)
    return re.sub(r"\.\.+", "", kept)


def make_moodle(
    folder: Path,
    students: Sequence[Student],
    *,
    is_flat: bool = False,
    is_blind: bool = False,
    has_teams: bool = False,
    words: str = "en",
    has_old_folders: bool = False,
    has_usernames: bool = False,
    bom: bool = False,
    delimiter: str = ",",
    encoding: str = "utf-8",
    line_end: str = "\n",
    is_all_quoted: bool = False,
    decimal: str = ".",
    maximum: float = 100,
    maximum_word: str = "",
    grades: Mapping[str, float] | None = None,
    without: Sequence[str] = (),
    plus: Sequence[str] = (),
    is_zip: bool = True,
    has_worksheet: bool = True,
    name: str = "DL-digits-17",
) -> Made:
    """A download of `students`, and its worksheet. `without` and `plus` name optional columns by their key in WORDS.

    `has_old_folders`: the folder ends with `_`, as before Moodle 4.1; `has_usernames`: a modified copy that puts the
    user's name first; `has_teams`: whoever shares `group` shares one hand-in, and whoever has none shares another.
    """
    say = WORDS[words]
    files: dict[str, bytes] = {}
    made: list[HandIn] = []
    for members in _by_hand_in(students, has_teams=has_teams):
        giver = next((one for one in members if one.has_handed_in), None)
        if giver is None:
            continue
        prefix = _prefix(giver, students, say, is_blind=is_blind, has_teams=has_teams, has_usernames=has_usernames)
        at = f"{prefix}_assignsubmission_file"
        listed = {}
        end = "_" if has_old_folders else ""
        for path, content in uploaded(giver).items():
            short = clean(path.rsplit("/", 1)[-1])
            listed[path] = f"{at}_{short}" if is_flat else f"{at}{end}/{path}"
            files[listed[path]] = content
        if giver.text:
            at_text = f"{prefix}_assignsubmission_onlinetext"
            path = f"{at_text}_onlinetext.html" if is_flat else f"{at_text}{end}/onlinetext.html"
            files[path] = giver.text.encode()
            listed["onlinetext.html"] = path
        everybody = tuple(one.id for one in members)
        content = {**giver.files, **({"onlinetext.html": giver.text.encode()} if giver.text else {})}
        made.append(
            HandIn(
                everybody, everybody, content, listed,
                prefix if is_flat else f"{at}{end}", giver.received_at, giver.is_late, giver.attempt, giver.is_zipped,
            )
        )  # fmt: skip
    source = write_files(folder / (f"{name}.zip" if is_zip else name), files, is_zip=is_zip)
    worksheet = None
    if has_worksheet:
        rows = _worksheet(
            students, say, words=words, is_blind=is_blind, has_teams=has_teams, decimal=decimal, maximum=maximum,
            maximum_word=maximum_word, grades=grades or {}, without=without, plus=plus,
        )  # fmt: skip
        worksheet = folder / f"Grades-{name}.csv"
        worksheet.write_bytes(
            table(rows, delimiter=delimiter, bom=bom, encoding=encoding, line_end=line_end, is_all_quoted=is_all_quoted)
        )
    return Made("moodle", source, tuple(students), tuple(made), worksheet)


def _by_hand_in(students: Sequence[Student], *, has_teams: bool) -> list[list[Student]]:
    return list(groups(students).values()) if has_teams else [[one] for one in students]


def _prefix(
    giver: Student,
    students: Sequence[Student],
    say: Mapping[str, str],
    *,
    is_blind: bool,
    has_teams: bool,
    has_usernames: bool,
) -> str:
    if has_teams:
        if not giver.group:
            return clean(say["default_group"])
        number = 900 + list(groups(students)).index(giver.group)
        return clean(f"{giver.group.replace('_', ' ')}_{number}")
    name = say["participant"] if is_blind else giver.name
    if has_usernames:
        name = f"{giver.login}_{name}"
    return clean(f"{name.replace('_', ' ')}_{uniqueid(giver)}")


def _worksheet(
    students: Sequence[Student],
    say: Mapping[str, str],
    *,
    words: str,
    is_blind: bool,
    has_teams: bool,
    decimal: str,
    maximum: float,
    maximum_word: str,
    grades: Mapping[str, float],
    without: Sequence[str],
    plus: Sequence[str],
) -> list[list[str]]:
    columns = ["identifier", "name", "id_number", "email", "status", "grade", "maximum", "changeable", "submitted"]
    columns += ["graded", "feedback"]
    order = list(WORDS["en"])
    columns += [one for one in plus if one not in columns]
    if has_teams:
        columns.append("group")
    gone = {*without, *(("name", "id_number", "email") if is_blind else ())}
    columns = sorted({one for one in columns if one not in gone}, key=order.index)
    rows = [[maximum_word if one == "maximum" and maximum_word else say[one] for one in columns]]
    of_group = groups(students)
    for student in students:
        members = of_group[student.group] if has_teams else [student]
        giver = next((one for one in members if one.has_handed_in), None)
        late = " - " + say["late"].format(3) if giver and giver.is_late else ""
        cells = {
            "identifier": f"{say['person']}{uniqueid(student)}",
            "name": student.name,
            "id_number": student.id,
            "email": student.email,
            "status": say["is_submitted"] + late if giver else say["is_missing"],
            "group": student.group or (say["default_group"] if has_teams else ""),
            "marker": "",
            "grade": number_text(grades[student.id], decimal) if student.id in grades else "",
            "maximum": number_text(float(maximum), decimal),
            "workflow": "",
            "changeable": say["yes"],
            "submitted": long_date(giver.received_at or DUE, words) if giver else "-",
            "text": giver.text if giver else "",
            "graded": "-",
            "feedback": "",
        }
        rows.append([cells[one] for one in columns])
    return rows
