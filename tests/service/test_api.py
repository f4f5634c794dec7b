"""The REST interface: hand in, wait, read; every refusal says where, what and how to mend it."""

import json

import httpx
import pytest

MODEL_KEYS = {"type", "title", "status", "detail", "code", "where", "what", "fix", "problems"}


def refused(answer, status, code):
    """The three words of a refusal."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert set(told) == MODEL_KEYS
    assert (told["status"], told["code"]) == (status, code)
    assert told["where"]
    assert told["what"]
    assert told["fix"]
    return told


def test_from_the_upload_to_the_result(desk, ada, tools):
    answer = tools.post(ada, tools.hand_in(second=1), **{"X-File-Name": "my%20work.zip"})
    assert answer.status_code == 201
    upload = answer.json()
    assert answer.headers["location"] == f"/api/v1/uploads/{upload['id']}"
    assert (upload["state"], upload["place"], upload["name"]) == ("queued", 0, "my work.zip")
    assert upload["result"] is None
    desk.grade()
    graded = ada.get(answer.headers["location"]).json()
    assert graded["state"] == "graded"
    result = graded["result"]
    assert (result["points"], result["max_points"], result["is_passed"]) == (1.0, 3.0, True)
    assert [event["said"] for event in graded["events"]] == ["received", "grading began", "graded"]
    [row] = desk.book.rows("sums").rows
    assert (row.submission, row.points) == ("ada", 1)


def test_a_form_does_as_well_as_a_body(ada, tools):
    files = {"file": ("work.zip", tools.hand_in(), "application/zip")}
    answer = ada.post("/api/v1/assignments/sums/uploads", files=files)
    assert answer.status_code == 201
    assert answer.json()["name"] == "work.zip"


def test_neither_answers_nor_rules_for_staff_are_in_a_result(desk, ada, tools):
    upload = tools.post(ada, tools.hand_in(first=40, second=9730)).json()
    desk.grade()
    told = ada.get(f"/api/v1/uploads/{upload['id']}").text
    assert "9731" not in told
    assert '"41"' not in told
    assert "secret-rule" not in told
    [first, second] = json.loads(told)["result"]["tasks"][0]["rules"]
    [finding] = first["findings"]
    assert {key: value for key, value in finding.items() if value} == {
        "outcome": "failed",
        "said": "not right",
        "where": "answers.json /answers/first",
    }
    assert second["rule"] == "second"


def test_a_course_may_tell_in_full(make_desk, tools):
    desk = make_desk(toml='[service]\nfeedback = "full"\n')
    desk.add("ada")
    with desk.served() as url, desk.client(url, "ada") as ada:
        upload = tools.post(ada, tools.hand_in(first=40)).json()
        desk.grade()
        told = ada.get(f"/api/v1/uploads/{upload['id']}").text
    assert "41" in told
    assert "secret-rule" not in told


def test_the_queue_place_is_told(desk, ada, bob, tools):
    tools.post(bob, tools.hand_in(first=1))
    mine = tools.post(ada, tools.hand_in(first=2)).json()
    assert mine["place"] == 1
    desk.queue.claim(desk.rubrics.digest)
    assert ada.get(f"/api/v1/uploads/{mine['id']}").json()["place"] == 0


def test_who_and_what_there_is(ada):
    assert ada.get("/api/v1/me").json() == {"id": "ada", "name": "Ada", "team": ""}
    [one] = ada.get("/api/v1/assignments").json()
    assert (one["name"], one["attempts"], one["attempts_left"], one["upload_bytes"]) == ("sums", 4, 4, 2**20)
    assert ada.get("/api/v1/assignments/sums").json() == one
    assert ada.get("/api/v1").json()["assignments"] == ["sums"]
    assert httpx.get(str(ada.base_url) + "/api/v1/health").json() == {"status": "ok"}


def test_the_zip_comes_back_as_it_was(ada, tools):
    data = tools.hand_in()
    upload = tools.post(ada, data).json()
    answer = ada.get(f"/api/v1/uploads/{upload['id']}/file")
    assert answer.content == data
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["content-security-policy"]


# --- repeats and attempts ------------------------------------------------------------------------


def test_the_same_bytes_again_are_the_same_upload(desk, ada, tools):
    first = tools.post(ada, tools.hand_in())
    desk.grade()
    again = tools.post(ada, tools.hand_in())
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["is_repeat"]
    assert again.json()["id"] == first.json()["id"]
    assert ada.get("/api/v1/assignments/sums").json()["attempts_used"] == 1


@pytest.mark.attack(61)
def test_attempts_end_and_nothing_more_is_read(desk, ada, tools):
    for number in range(4):
        assert tools.post(ada, tools.hand_in(first=number)).status_code == 201
        desk.grade()
    told = refused(tools.post(ada, tools.hand_in(first=99)), 409, "no-attempts")
    assert told["what"] == "4 of 4 attempts are used"
    assert len(ada.get("/api/v1/assignments/sums/uploads").json()) == 4


def test_what_cannot_be_read_is_no_attempt(desk, ada, tools):
    refused(tools.post(ada, b"no zip at all"), 422, "not-a-zip")
    assert ada.get("/api/v1/assignments/sums").json()["attempts_used"] == 0
    assert desk.queue.digests() == set()


# --- who is it ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header", [None, "Bearer", "Bearer x", "Basic YTpi", "Bearer " + "a" * 43, "Bearer " + "x" * 5000]
)
def test_who_shows_no_token_of_a_student_gets_nothing(url, header):
    headers = {} if header is None else {"Authorization": header}
    for path in ("", "/me", "/assignments", "/uploads/x", "/assignments/sums/uploads"):
        answer = httpx.get(f"{url}/api/v1{path}", headers=headers)
        if answer.status_code != 429:
            refused(answer, 401, "no-token")
            assert answer.headers["www-authenticate"] == "Bearer"


def test_a_cookie_is_no_token(url):
    with httpx.Client(base_url=url) as client:
        client.get("/")
        assert client.cookies
        refused(client.get("/api/v1/me"), 401, "no-token")


def test_who_tries_many_tokens_waits(url):
    answers = [httpx.get(f"{url}/api/v1/me", headers={"Authorization": f"Bearer {n}"}) for n in range(12)]
    assert [one.status_code for one in answers].count(429) == 2
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_a_token_that_was_renewed_or_taken_back_is_nobodys(desk, url):
    with desk.client(url, "ada") as old:
        desk.tokens["ada"] = desk.people.renew("ada").token
        refused(old.get("/api/v1/me"), 401, "no-token")
    with desk.client(url, "ada") as new:
        assert new.get("/api/v1/me").status_code == 200
        desk.people.close("ada")
        refused(new.get("/api/v1/me"), 401, "no-token")


@pytest.mark.attack(86)
def test_nobody_reaches_another_students_upload_by_any_address(desk, ada, bob, tools):
    upload = tools.post(ada, tools.hand_in()).json()["id"]
    desk.grade()
    for path in (f"/api/v1/uploads/{upload}", f"/api/v1/uploads/{upload}/file"):
        assert ada.get(path).status_code == 200
        mine = refused(bob.get(path), 404, "no-upload")
        other = refused(bob.get(path.replace(upload, "A" * len(upload))), 404, "no-upload")
        assert mine == other  # not even that it is there
    assert bob.get("/api/v1/assignments/sums/uploads").json() == []


def test_a_team_hands_in_as_one(desk, url, tools):
    desk.add("cleo", "dana", team="team-x")
    with desk.client(url, "cleo") as cleo, desk.client(url, "dana") as dana:
        upload = tools.post(cleo, tools.hand_in(student="cleo")).json()
        desk.grade()
        seen = dana.get(f"/api/v1/uploads/{upload['id']}").json()
        assert (seen["received_from"], seen["result"]["points"]) == ("cleo", 3.0)
        assert dana.get("/api/v1/assignments/sums").json()["attempts_used"] == 1
    [row] = desk.book.rows("sums").rows
    assert [one.id for one in row.students] == ["cleo", "dana"]


def test_a_hand_in_counts_for_who_sent_it_whatever_it_says(desk, ada, tools):
    upload = tools.post(ada, tools.hand_in(student="bob")).json()
    desk.grade()
    [row] = desk.book.rows("sums").rows
    assert [one.id for one in row.students] == ["ada"]
    problems = ada.get(f"/api/v1/uploads/{upload['id']}").json()["result"]["problems"]
    assert ["bob" in one["what"] for one in problems] == [True]


# --- the form ------------------------------------------------------------------------------------


def test_the_interface_describes_itself(url):
    document = httpx.get(f"{url}/api/v1/openapi.json").json()
    assert document["openapi"].startswith("3.")
    paths = document["paths"]
    assert {path for path in paths if not path.startswith("/api/v1")} == set()
    upload = paths["/api/v1/assignments/{assignment}/uploads"]["post"]
    assert {"200", "201", "401", "404", "408", "409", "413", "415", "422", "429", "507"} <= set(upload["responses"])
    assert set(upload["requestBody"]["content"]) == {"application/zip", "multipart/form-data"}
    for path, operations in paths.items():
        for operation in operations.values():
            assert operation["summary"], path


def test_every_answer_has_the_type_that_is_described(desk, url, ada, tools):
    jsonschema = pytest.importorskip("jsonschema")
    upload = tools.post(ada, tools.hand_in(first=1)).json()
    desk.grade()
    document = httpx.get(f"{url}/api/v1/openapi.json").json()
    answers = {
        "UploadView": ada.get(f"/api/v1/uploads/{upload['id']}").json(),
        "AssignmentView": ada.get("/api/v1/assignments/sums").json(),
        "PersonView": ada.get("/api/v1/me").json(),
        "ServiceView": ada.get("/api/v1").json(),
        "ProblemDetails": ada.get("/api/v1/uploads/none").json(),
    }
    for name, answer in answers.items():
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        jsonschema.Draft202012Validator(schema).validate(answer)
        assert set(answer) == set(document["components"]["schemas"][name]["properties"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v2/me", 404),
        ("DELETE", "/api/v1/me", 405),
        ("GET", "/api/v1/assignments/none", 404),
        ("GET", "/api/v1/assignments/" + "x" * 100, 422),
        ("GET", "/api/v1/uploads/" + "x" * 100, 422),
    ],
)
def test_what_is_not_there_is_told_in_the_same_form(ada, method, path, status):
    answer = ada.request(method, path)
    assert answer.status_code == status
    assert set(answer.json()) == MODEL_KEYS


def test_another_host_is_not_answered(url):
    assert httpx.get(f"{url}/api/v1/health", headers={"Host": "evil.example.org"}).status_code == 421
