"""Every table of layers in the real reports says what a person read there (layer_tables.json, compared by hand)."""

import json
from pathlib import Path

import pytest

from grader.architecture.readers import handtable
from grader.documents.report_lines import report_lines

FACTS = json.loads((Path(__file__).parent / "layer_tables.json").read_text())


def read(corpus, name):
    return handtable.read(report_lines((corpus.parent / name).read_text()))


def said(row):
    settings = {key: value for key, value in row.settings.items() if key != "kind"}
    count = row.parameters and int(row.parameters.value)
    return [row.line, row.settings.get("kind", ""), [list(shape) for shape in row.outputs], count, settings]


@pytest.mark.seeds
@pytest.mark.parametrize("name", FACTS)
def test_a_real_table_of_layers_says_what_a_person_reads(corpus, name):
    found = read(corpus, name)
    assert [[one.first_line, one.last_line] for one in found] == [fact["lines"] for fact in FACTS[name]]
    for summary, fact in zip(found, FACTS[name], strict=True):
        assert summary.is_whole
        assert [list(shape) for shape in summary.input] == fact["input"]
        assert {key: int(number.value) for key, number in summary.totals.items()} == fact["totals"]
        assert [said(row) for row in summary.rows] == fact["rows"]


@pytest.mark.seeds
@pytest.mark.parametrize("number", ["005", "006", "010", "013", "042"])
def test_the_pdfs_text_and_its_conversion_hold_the_same_layers(corpus, number):
    """Two renderings of one report: cells one a line without the empty ones, and Markdown."""
    plain, converted = (read(corpus, f"corpus/reports/{name}") for name in (f"raw/{number}.txt", f"{number}.md"))
    assert [[said(row)[1:] for row in one.rows] for one in plain] == [
        [said(row)[1:] for row in one.rows] for one in converted
    ]


@pytest.mark.seeds
def test_nothing_else_in_the_corpus_is_taken_for_a_table_of_layers_made_by_hand(corpus):
    for path in sorted((corpus / "reports").glob("*.md")):
        name = f"corpus/reports/{path.name}"
        assert len(read(corpus, name)) == len(FACTS.get(name, [])), name
    for entry in json.loads((corpus / "tables" / "index.json").read_text()):
        if entry["kind"] != "handtable":
            assert read(corpus, f"corpus/{entry['file']}") == (), entry["file"]
