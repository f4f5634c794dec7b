"""Whatever is sent: it is counted while it comes, refused with a reason, and nothing of it stays."""

import http.client
import json
import socket
import struct
import time
import zipfile
from urllib.parse import urlsplit

import pytest

from grader.service import receiving
from grader.service.uploads import State

OTHER_FIELD = b'--a\r\nContent-Disposition: form-data; name="x"\r\n\r\ny\r\n--a--'
UPLOADS = "/api/v1/assignments/sums/uploads"


@pytest.fixture
def is_clean(desk):
    """is_clean() -> that nothing of a refused upload is left: no row, no file, no file begun."""

    def look():
        files = [path for path in desk.store.folder.rglob("*") if path.is_file()]
        return desk.queue.counts() == {} and files == []

    return look


@pytest.fixture
def raw(desk, url):
    """raw(head, body) -> what the server says to bytes as they are, and the connection closes with them."""
    parts = urlsplit(url)

    def send(lines, body=b"", *, student="ada", wait_s=15.0):
        head = [f"POST {UPLOADS} HTTP/1.1", f"Host: {parts.netloc}", f"Authorization: Bearer {desk.tokens[student]}"]
        with socket.create_connection((parts.hostname, parts.port), timeout=wait_s) as connection:
            connection.sendall("\r\n".join([*head, *lines, "", ""]).encode() + body)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            return answer.status, json.loads(answer.read() or b"{}")

    return send


def chunks(count, size=65_536):
    for _ in range(count):
        yield bytes(size)


@pytest.mark.parametrize("count", [17, 100], ids=["one chunk too many", "much too large"])
def test_what_is_too_large_is_refused_while_it_is_read(desk, ada, is_clean, count):
    """By a body without a length: nothing announces how large it is."""
    written = []
    begin = desk.store.begin

    def watched(most):
        incoming = begin(most)
        write = incoming.write
        incoming.write = lambda data: (write(data), written.append(len(data)))
        return incoming

    desk.store.begin = watched
    answer = ada.post(UPLOADS, content=chunks(count), headers={"Content-Type": "application/zip"})
    assert (answer.status_code, answer.json()["code"]) == (413, "too-big")
    assert sum(written) <= 2**20
    assert is_clean()


def test_what_is_exactly_as_large_as_allowed_is_read(desk, ada):
    answer = ada.post(UPLOADS, content=bytes(2**20), headers={"Content-Type": "application/zip"})
    assert answer.json()["code"] == "not-a-zip"
    answer = ada.post(UPLOADS, content=bytes(2**20 + 1), headers={"Content-Type": "application/zip"})
    assert answer.json()["code"] == "too-big"
    assert desk.queue.counts() == {}


def test_what_announces_too_much_is_refused_before_a_byte_is_read(raw, is_clean):
    status, told = raw(["Content-Type: application/zip", "Content-Length: 99999999999", "Connection: close"], b"x")
    assert (status, told["code"]) == (413, "too-big")
    assert is_clean()


def test_a_body_that_comes_too_slowly_is_refused(raw, is_clean, monkeypatch):
    monkeypatch.setattr(receiving, "IDLE_S", 0.3)
    monkeypatch.setattr(receiving, "_DRAINED_S", 0.1)
    status, told = raw(["Content-Type: application/zip", "Content-Length: 1000"], b"PK\3\4")
    assert (status, told["code"]) == (408, "too-slow")
    assert is_clean()


def within_patience(is_so, seconds=60):
    """Whether it comes to be so."""
    end = time.monotonic() + seconds
    while not is_so() and time.monotonic() < end:
        time.sleep(0.02)
    return is_so()


def test_a_connection_that_ends_early_leaves_nothing(desk, url, is_clean):
    parts = urlsplit(url)
    head = f"POST {UPLOADS} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {desk.tokens['ada']}\r\n"
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.sendall(f"{head}Content-Type: application/zip\r\nContent-Length: 5000\r\n\r\n".encode() + b"PK\3\4")
        assert within_patience(lambda: sum(path.is_file() for path in desk.store.folder.iterdir()) == 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert within_patience(is_clean)


@pytest.mark.parametrize(
    ("kind", "data", "code"),
    [
        ("text/plain", b"x", "media-type"),
        ("application/json", b"{}", "media-type"),
        ("", b"x", "media-type"),
        ("application/zip", b"", "empty"),
        ("application/zip", b"<!doctype html><title>log in</title>", "not-a-zip"),
        ("application/zip", b"Rar!\x1a\7\0" + bytes(600), "archive-kind"),
        ("application/zip", b"\x1f\x8b" + bytes(600), "archive-kind"),
        ("application/zip", b"PK\3\4" + bytes(600), "not-a-zip"),
        ("application/zip", b"%PDF-1.7" + bytes(100), "not-a-zip"),
        ("multipart/form-data", b"x", "no-form"),
        ("multipart/form-data; boundary=a", b"x", "no-form"),
        ("multipart/form-data; boundary=a", b"--a\r\n", "no-form"),
        ("multipart/form-data; boundary=a", OTHER_FIELD, "no-form"),
        ("multipart/form-data; boundary=a", b"--a\r\n" + b"X: " + b"y" * 9000 + b"\r\n\r\n\r\n--a--", "no-form"),
    ],
)  # fmt: skip
def test_what_is_no_zip_is_refused_and_named(ada, is_clean, kind, data, code):
    answer = ada.post(UPLOADS, content=data, headers={"Content-Type": kind} if kind else {})
    assert answer.status_code in (415, 422), answer.text
    assert answer.json()["code"] == code, answer.text
    assert answer.json()["fix"]
    assert is_clean()


def test_two_files_in_one_form_are_refused(ada, is_clean, tools):
    files = [("file", ("a.zip", tools.hand_in())), ("file", ("b.zip", tools.hand_in(first=1)))]
    assert ada.post(UPLOADS, files=files).json()["code"] == "no-form"
    assert is_clean()


def test_a_form_of_other_fields_fills_no_memory(ada, is_clean):
    answer = ada.post(UPLOADS, data={"x": "y" * 200_000}, files={"file": ("a.zip", b"PK")})
    assert answer.json()["code"] == "no-form"
    assert is_clean()


def bomb():
    """64 MiB of zeros in 64 KiB."""
    import io

    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(4):
            archive.writestr(f"zeros-{number}", bytes(2**24))
    return held.getvalue()


def test_a_bomb_is_refused_before_it_is_unpacked(ada, is_clean, tools):
    answer = tools.post(ada, bomb())
    assert answer.status_code == 422
    assert "archive-refused" in answer.text
    assert is_clean()


@pytest.mark.parametrize(
    "name", ["../../up.py", "/etc/cron.d/x", "C:\\x.py", "a\x1b[2J.py", "nul", "x" * 300, "a/" * 40 + "b"]
)
def test_a_name_that_leads_elsewhere_is_refused_and_quoted(ada, is_clean, tools, name):
    answer = tools.post(ada, tools.hand_in(more={name: "x"}))
    assert (answer.status_code, answer.json()["code"]) == (422, "archive-refused")
    assert "\x1b" not in answer.text
    assert answer.json()["problems"]
    assert is_clean()


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "a\x00b.zip", "<script>x</script>.zip", "\x1b[31m", "=1+1.zip", "x" * 2000,
             "\u202egpj"],
)  # fmt: skip
def test_what_a_file_is_called_is_text_and_no_path(desk, ada, tools, name):
    files = {"file": (name.replace("\x00", "%00"), tools.hand_in(), "application/zip")}
    answer = ada.post(UPLOADS, files=files)
    assert answer.status_code == 201, answer.text
    told = answer.json()["name"]
    assert len(told) <= 120
    assert told.isprintable()
    [path] = [path for path in desk.store.folder.rglob("*.zip") if path.is_file()]
    assert path.stem == answer.json()["digest"]
    saved = ada.get(f"/api/v1/uploads/{answer.json()['id']}/file")
    assert "/" not in saved.headers["content-disposition"].partition("filename")[2].replace("''", "")


def test_a_full_disk_is_not_the_students_fault(desk, ada, tools, monkeypatch):
    monkeypatch.setattr("grader.service.store.free_bytes", lambda _: 1000)
    answer = tools.post(ada, tools.hand_in())
    assert (answer.status_code, answer.json()["code"]) == (507, "no-space")
    assert "nothing was counted" in answer.json()["what"]
    assert desk.queue.counts() == {}


# --- many at once ---------------------------------------------------------------------------------


def test_twenty_uploads_at_once_are_all_there_and_each_is_graded_once(desk, url, tools):
    names = [f"s{number:02}" for number in range(20)]
    desk.add(*names)

    def send(name, number):
        with desk.client(url, name) as client:
            return tools.post(client, tools.hand_in(first=number, student=name))

    calls = [lambda name=name, number=number: send(name, number) for number, name in enumerate(names)]
    answers = tools.at_once(calls)
    assert [one.status_code for one in answers] == [201] * 20
    assert len({one.json()["id"] for one in answers}) == 20
    desk.grade()
    assert desk.queue.counts() == {State.GRADED: 20}
    assert {row.submission for row in desk.book.rows("sums").rows} == set(names)
    for name in names:
        [upload] = desk.queue.of_owner(name)
        assert upload.lease == 1


def test_twenty_uploads_of_one_student_at_once_pass_no_cap(make_desk, tools):
    desk = make_desk(toml="[service]\nattempts = 2\nuploads_per_minute = 1000\n")
    desk.add("ada")
    with desk.served() as url:

        def send(number):
            with desk.client(url, "ada") as client:
                return tools.post(client, tools.hand_in(first=number)).status_code

        statuses = tools.at_once([lambda number=number: send(number) for number in range(20)])
        desk.grade()
    assert set(statuses) <= {201, 409, 429}
    assert desk.queue.attempts_used("ada", "sums") <= 2
    assert len([one for one in desk.queue.of_owner("ada") if one.state is State.GRADED]) <= 2


def test_too_many_a_minute_are_told_when_to_come_again(make_desk, tools):
    desk = make_desk(toml="[service]\nuploads_per_minute = 3\nattempts = 99\n")
    desk.add("ada", "bob")
    with desk.served() as url, desk.client(url, "ada") as ada, desk.client(url, "bob") as bob:
        answers = [tools.post(ada, tools.hand_in(first=number)) for number in range(4)]
        assert [one.status_code for one in answers] == [201, 201, 201, 429]
        assert 1 <= int(answers[3].headers["retry-after"]) <= 21
        assert tools.post(bob, tools.hand_in()).status_code == 201  # nobody waits for another


def test_too_many_requests_a_minute_are_refused(make_desk):
    desk = make_desk(toml="[service]\nrequests_per_minute = 10\n")
    desk.add("ada")
    with desk.served() as url, desk.client(url, "ada") as ada:
        statuses = [ada.get("/api/v1/me").status_code for _ in range(12)]
    assert statuses[:10] == [200] * 10
    assert statuses[11] == 429
