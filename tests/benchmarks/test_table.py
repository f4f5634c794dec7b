"""The published table is that of one whole run, or stays as it was; the words around it always do."""

import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def table(module, monkeypatch, tmp_path):
    made = module("table")
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr(made, "DOCS", tmp_path / "docs")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in made.PAGES:
        page = f"# {name}\n\nbefore\n\n{made.BEGIN}\nold\n{made.END}\n\nbehind\n"
        (tmp_path / "docs" / name).write_text(page)
    return made


def told(name, value=1.0, question="how much", **more):
    common = {"bar": 2.0, "is_at_most": True, "unit": "x", "parts": {"first, s": 3.0}, "n": 4, "note": ""}
    about = {"is_quick": False, "command": "python benchmarks/b.py", "at": "2026-11-21T20:00:00Z", "load": 0.5}
    return {
        "name": name, "question": question, "value": value, **common, **about,
        "machine": "a machine", "versions": {"Python": "3"}, **more,
    }  # fmt: skip


def everything(table):
    return [told(name) for name in (*table.RATIOS, "S1")]


def pages(table):
    return {page.name: page.read_text() for page in table.DOCS.iterdir()}


def test_a_whole_run_is_published_and_the_words_around_stay(table):
    table.publish(everything(table))
    text = pages(table)["performance.md"]
    head, _, rest = text.partition(table.BEGIN)
    made, _, foot = rest.partition(table.END)
    assert (head, foot) == ("# performance.md\n\nbefore\n\n", "\n\nbehind\n")
    assert "old" not in made
    assert [row.split(" |")[0] for row in made.splitlines() if row.startswith("| P")] == [
        f"| {p}" for p in table.RATIOS
    ]
    assert "| P1 | how much | 1 x | at most 2 x | met | first 3 s; n = 4 |" in made
    assert "| S1 |" in pages(table)["scale.md"]


def test_publishing_twice_changes_nothing(table):
    table.publish(everything(table))
    before = pages(table)
    table.publish(everything(table))
    assert pages(table) == before


@pytest.mark.parametrize(
    "figures",
    [
        pytest.param(lambda table: [told(name) for name in table.RATIOS[1:]], id="one is absent"),
        pytest.param(lambda table: [*everything(table)[1:], told("P1", is_quick=True)], id="one is of a quick run"),
    ],
)
def test_what_is_not_a_whole_run_is_not_published(table, figures):
    before = pages(table)
    with pytest.raises(SystemExit, match="not published"):
        table.publish(figures(table))
    assert pages(table) == before


def test_a_page_without_one_place_for_the_table_is_refused_before_any_is_written(table):
    (table.DOCS / "scale.md").write_text("no place\n")
    before = pages(table)
    with pytest.raises(SystemExit, match=r"scale\.md"):
        table.publish(everything(table))
    assert pages(table) == before


def test_of_a_figure_that_was_told_twice_the_last_counts_and_p2_stands_before_p10(table):
    kept = table.latest(
        [told("P10"), told("P2", 1.0), told("P2", 5.0), told("P2", 7.0, question="another"), told("S1")]
    )
    assert [(one["name"], one["value"]) for one in kept] == [("P2", 5.0), ("P2", 7.0), ("P10", 1.0), ("S1", 1.0)]


def test_a_figure_that_was_not_measured_says_so_and_why(table):
    row = table.table([told("P11", None, bar=5.0, note="no GPU | here", parts={})])[-3]
    assert row == "| P11 | how much | - | at most 5 x | not measured | n = 4; no GPU / here |"


def stand_ins(table, tmp_path, monkeypatch, **programs):
    """Benchmarks that are the programs, with the figures whose names they have."""
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    made = []
    for name, program in programs.items():
        (folder / f"{name}.py").write_text(program)
        made.append(table.Benchmark(f"{name}.py", (name,)))
    monkeypatch.setattr(table, "HERE", folder)
    monkeypatch.setattr(table, "BENCHMARKS", tuple(made))
    monkeypatch.setattr(table, "RATIOS", tuple(programs))


def telling(name):
    line = json.dumps(told(name)) + "\n"
    return f"import os\nwith open(os.environ['GRADER_BENCH_FIGURES'], 'a') as file:\n    file.write({line!r})\n"


def main(table, monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["table.py", *words])
    table.main()


def test_a_run_publishes_what_its_benchmarks_told(table, tmp_path, monkeypatch, capfd):
    stand_ins(table, tmp_path, monkeypatch, P1=telling("P1"), P2=telling("P2"))
    main(table, monkeypatch)
    assert "| P2 |" in pages(table)["performance.md"]
    assert "written: docs/performance.md" in capfd.readouterr().out


@pytest.mark.parametrize("words", [["--quick"], ["--only", "P1"]], ids=" ".join)
def test_a_quick_or_partial_run_publishes_nothing_and_says_so(table, tmp_path, monkeypatch, capfd, words):
    stand_ins(table, tmp_path, monkeypatch, P1=telling("P1"))
    before = pages(table)
    main(table, monkeypatch, *words)
    assert pages(table) == before
    assert f"not published: this run has {words[0]}" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("program", "why"),
    [("raise SystemExit(3)", "P2.py ended with 3"), ("", "P2.py told nothing of P2")],
    ids=["it fails", "it says nothing"],
)
def test_where_a_benchmark_fails_the_others_run_and_nothing_is_published(
    table, tmp_path, monkeypatch, capfd, program, why
):
    stand_ins(table, tmp_path, monkeypatch, P1=telling("P1"), P2=program, P3=telling("P3"))
    before = pages(table)
    with pytest.raises(SystemExit, match=re.escape(why)):
        main(table, monkeypatch)
    assert pages(table) == before
    assert "| P3 |" in capfd.readouterr().out
    [kept] = (tmp_path / "cache" / "grader-bench" / "figures").iterdir()
    with kept.open("a") as file:
        print(json.dumps(told("P2")), file=file)
    main(table, monkeypatch, "--from", str(kept))
    assert "| P2 |" in pages(table)["performance.md"]


def test_what_was_measured_of_a_program_that_changed_meanwhile_is_not_published(table, tmp_path, monkeypatch, capfd):
    stand_ins(
        table, tmp_path, monkeypatch, P1=telling("P1") + "from pathlib import Path\nPath('benchmarks/new.py').touch()\n"
    )
    before = pages(table)
    with pytest.raises(SystemExit, match="changed while it was measured"):
        main(table, monkeypatch)
    assert pages(table) == before
    assert "| P1 |" in capfd.readouterr().out


def test_every_ratio_has_a_benchmark_that_tells_it_and_the_pages_have_a_place_for_it(module):
    real = module("table")
    assert {name for one in real.BENCHMARKS for name in one.tells} >= set(real.RATIOS)
    for name in real.PAGES:
        assert real.written((ROOT / "docs" / name).read_text(encoding="utf-8"), [told("P1")])


def test_what_is_published_and_not_met_says_why(module):
    """In its row behind n, or in the words of the page."""
    real = module("table")
    head, _, rest = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8").partition(real.BEGIN)
    made, _, foot = rest.partition(real.END)
    for name, made_of in re.findall(r"^\| (P\d+) \|.*\| not (?:met|measured) \| (.*) \|$", made, re.MULTILINE):
        has_note = not made_of.split("; ")[-1].startswith("n = ")
        assert has_note or re.search(rf"\b{name}\b", head + foot), f"{name} is not met, and nothing says why"
