"""A course with one assignment that asks for nearly everything, and a perfect hand-in for it, made of nothing but code.

Its network is not trained: what is demanded of accuracies is what digits show.
"""

import json
import random
from pathlib import Path

import pytest

from grader.cli.common import load_rubric
from grader.cli.grade import Doer
from grader.course import load_course
from grader.mutants.trial import try_out
from grader.sandbox import level

ROOT = Path(__file__).parents[2]

RUBRIC = """
assignment: workshop
title: Everything once
networks:
  tiny:
    input: [4, 1, 28, 28]
    layers:
      - {name: conv, kind: conv2d, out_channels: 4, kernel: 3}
      - {kind: flatten}
      - {name: fc, kind: linear, out_features: 10}
models:
  net: {code: model.py, factory: build_model, checkpoint: model.pth, input: [1, 28, 28]}
  other: {code: model.py, factory: build_model, checkpoint: other.pth, input: [1, 28, 28]}  # so that rules name theirs
tasks:
  - id: network
    title: The network
    points: 4
    rules:
      - id: parts
        check: architecture
        model: net
        contains: [{kind: max_pool2d, exactly: 1}, {kind: relu, exactly: 2}]
        after_each: [{every: conv2d, follows: batch_norm2d}]
        dropout: {exactly: 1, p: 0.5}
        points: 2
      - id: order
        check: architecture
        model: net
        sequence:
          - {kind: conv2d, kernel: 3, stride: 1, padding: 1}
          - {kind: batch_norm2d}
          - {kind: max_pool2d, kernel: 2}
          - {kind: linear}
          - {kind: linear}
        exact: true
        points: 1
      - {id: size, check: architecture, model: net, parameters: {exactly: 25498}, output: [10], points: 1}
  - id: report
    title: What is printed and written of it
    points: 5
    rules:
      - {id: print, check: model-summary, report: summary.txt, model: net, points: 1}
      - id: own-count
        check: claim
        answer: count
        about: parameters
        model: net
        recompute: {from: describe, field: parameters}
        points: 1
      - id: agrees
        check: report-agreement
        report: report.md
        answers: {accuracy: {metric: accuracy, split: test}}
        contradictions: fail
        points: 1
      - {id: one-story, check: contradictions, report: report.md, topics: [pooling], contradictions: fail, points: 1}
      - id: figures
        check: figure
        figures:
          - {path: figures/loss.png, title: the loss, content: presence}
          - {path: figures/accuracy.png, title: the accuracy, content: presence}
        points: 1
  - id: training
    title: Trainings
    points: 6
    rules:
      - id: log
        check: training-log
        log: sgd.jsonl
        epochs: 4
        batches: {n: 1437, size: 32}
        every: 45
        learning_rate: 0.01
        prints: [train_loss, test_accuracy]
        of: {test: {n: 360, drop_last: never}}
        classes: 10
        final: {metric: accuracy, split: test, answer: accuracy}
        contradictions: fail
        points: 2
      - id: compared
        check: comparison
        runs:
          SGD: {log: sgd.jsonl, answer: accuracy}
          Adam: {log: adam.csv, answer: adam_accuracy}
        best: better
        contradictions: fail
        points: 2
      - id: falls
        check: schedule
        log: falling.jsonl
        code: train.py
        falls_to: 0.01
        contradictions: fail
        points: 1
      - id: grid
        check: hyperparameters
        over: learning_rate
        values: ["0.1", "0.01"]
        table: by_rate
        best: best_rate
        direction: rate_effect
        log: "lr-{value}.jsonl"
        contradictions: fail
        points: 1
  - id: theory
    title: Theory
    points: 4
    rules:
      - id: table
        check: layer-table
        answer: table
        network: tiny
        columns: [parameters]
        trainable_total: true
        points: 1
      - id: formula
        check: shape-formula
        answer: formula
        expected: "floor((W - K)/2) + 1"
        conditions: ["K <= W"]
        points: 1
      - id: picked
        check: choice
        answer: picked
        options: {a: convolution, b: dropout, c: pooling}
        correct: [a, c]
        multiple: true
        points: 1
      - id: published
        check: claim
        answer: published
        about: accuracy
        at_least: 0.9
        needs_confirmation: false
        points: 1
  - id: files
    title: Files
    points: 2
    rules:
      - id: files
        check: artifacts
        required:
          - {path: sgd.jsonl, kind: jsonl, schema: training-log}
          - {path: figures/loss.png, kind: image}
          - {path: work.ipynb, kind: notebook}
        points: 2
"""

MODEL = """
from torch import nn


def build_model():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(784, 32),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(32, 10),
    )
"""

SUMMARY = """
----------------------------------------------------------------
        Layer (type)               Output Shape         Param #
================================================================
            Conv2d-1            [-1, 4, 28, 28]              40
       BatchNorm2d-2            [-1, 4, 28, 28]               8
              ReLU-3            [-1, 4, 28, 28]               0
         MaxPool2d-4            [-1, 4, 14, 14]               0
           Flatten-5                  [-1, 784]               0
            Linear-6                   [-1, 32]          25,120
              ReLU-7                   [-1, 32]               0
           Dropout-8                   [-1, 32]               0
            Linear-9                   [-1, 10]             330
================================================================
Total params: 25,498
Trainable params: 25,498
Non-trainable params: 0
----------------------------------------------------------------
Input size (MB): 0.00
Forward/backward pass size (MB): 0.08
Params size (MB): 0.10
Estimated Total Size (MB): 0.18
----------------------------------------------------------------
"""

ANSWERS = {
    "count": 25498,
    "accuracy": "95.28%",
    "adam_accuracy": "97.22%",
    "better": "Adam",
    "by_rate": {"0.1": "55.56%", "0.01": "95.28%"},
    "best_rate": "0.01",
    "rate_effect": "falls",
    "table": {"rows": [{"layer": "conv", "parameters": 40}, {"layer": "fc", "parameters": 27050}], "total": 27090},
    "formula": "floor((W - K)/2) + 1",
    "picked": ["a", "c"],
    "published": "99.8%",
}


def log(correct, rate, steps=45):
    """One entry an epoch, of 1,437 images in batches of 32."""
    return [
        {
            "epoch": epoch,
            "step": steps * epoch,
            "train_loss": round(2 / epoch, 4),
            "test_accuracy": right / 360,
            "learning_rate": rate,
        }
        for epoch, right in enumerate(correct, 1)
    ]


def picture(path, seed):
    """A curve on white."""
    from PIL import Image, ImageDraw

    drawn = Image.new("RGB", (320, 240), (255, 255, 255))
    chance = random.Random(seed)  # noqa: S311  a curve, no secret
    ImageDraw.Draw(drawn).line([(x, chance.randint(20, 220)) for x in range(10, 310, 10)], fill=(20, 40, 160), width=3)
    drawn.save(path)


def notebook():
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": "1 + 1", "outputs": [], "execution_count": 1}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}


@pytest.fixture(scope="session")
def workshop(tmp_path_factory):
    """The course."""
    root = tmp_path_factory.mktemp("workshop")
    (root / "grader.toml").write_text('name = "Workshop"\n')
    (root / "rubrics").mkdir()
    (root / "rubrics" / "workshop.yaml").write_text(RUBRIC)
    hand_in = root / "reference_solutions" / "workshop" / "hand_in"
    (hand_in / "figures").mkdir(parents=True)
    (hand_in / "model.py").write_text(MODEL)
    (hand_in / "summary.txt").write_text(SUMMARY)
    (hand_in / "report.md").write_text("# Results\n\nThe test accuracy is 95.28%.\n\nThe network uses max pooling.\n")
    (hand_in / "submission.json").write_text('{"assignment": "workshop", "students": [{"id": "reference"}]}')
    (hand_in / "answers.json").write_text(json.dumps({"answers": ANSWERS}))
    sgd, adam = log([200, 290, 330, 343], 0.01), log([250, 320, 345, 350], 0.001)
    (hand_in / "sgd.jsonl").write_text("".join(json.dumps(row) + "\n" for row in sgd))
    (hand_in / "falling.jsonl").write_text(
        "".join(json.dumps(row | {"learning_rate": 0.1**n}) + "\n" for n, row in enumerate(sgd[:3], 1))
    )
    (hand_in / "train.py").write_text("schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [2, 3], gamma=0.1)\n")
    for rate, correct in (("0.1", [100, 200]), ("0.01", [300, 343])):
        (hand_in / f"lr-{rate}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in log(correct, float(rate))))
    lines = [",".join(adam[0]), *(",".join(map(str, row.values())) for row in adam)]
    (hand_in / "adam.csv").write_text("\n".join(lines) + "\n")
    (hand_in / "work.ipynb").write_text(json.dumps(notebook()))
    for seed, name in enumerate(("loss", "accuracy")):
        picture(hand_in / "figures" / f"{name}.png", seed)
    return load_course(root)


@pytest.fixture(scope="session")
def tried(tmp_path_factory):
    """Try kinds of mutants on an assignment of a course; skipped where no sandbox is."""
    if not level().is_isolated:
        pytest.skip(f"no sandbox: {level().reason}")

    def tried_out(course, assignment, only=(), variant=""):
        rubric = load_rubric(course, assignment, variant=variant)
        with Doer(course, is_own_code=True) as doer:
            return try_out(course, rubric, doer, tmp_path_factory.mktemp("mutants"), only=only)

    return tried_out


@pytest.fixture(scope="session")
def digits(tried):
    """All mutants of digits."""
    return tried(load_course(ROOT), "digits")
