"""Draws the figures of the report from the logs: losses against epochs. python plot.py"""

import json
from pathlib import Path

from PIL import Image, ImageDraw

WIDTH, HEIGHT, MARGIN = 640, 420, 50
COLOURS = {"train_loss": ("train", "navy"), "validation_loss": ("validation", "firebrick")}


def curves(path, keys=COLOURS):
    records = [json.loads(line) for line in Path(path).read_text().splitlines()]
    return {key: [(record["epoch"], record[key]) for record in records] for key in keys}


def draw(path, lines, title):
    """`lines` is a list of (name, colour, points)."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), "white")
    pen = ImageDraw.Draw(picture)
    points = [point for _, _, line in lines for point in line]
    last, most = max(x for x, _ in points), max(y for _, y in points) * 1.05

    def place(point):
        x, y = point
        across = MARGIN + (x - 1) / (last - 1) * (WIDTH - 2 * MARGIN)
        return across, HEIGHT - MARGIN - y / most * (HEIGHT - 2 * MARGIN)

    pen.text((MARGIN, 15), f"{title}: cross-entropy against epochs", fill="black")
    for epoch in range(1, last + 1):
        pen.text((place((epoch, 0))[0] - 3, HEIGHT - MARGIN + 8), str(epoch), fill="black")
    for step in range(int(most * 2) + 1):
        y = place((1, step / 2))[1]
        pen.line([(MARGIN, y), (WIDTH - MARGIN, y)], fill="lightgrey")
        pen.text((15, y - 6), f"{step / 2:.1f}", fill="black")
    for number, (name, colour, line) in enumerate(lines):
        pen.line([place(point) for point in line], fill=colour, width=3)
        pen.text((WIDTH - 200, 40 + 18 * number), name, fill=colour)
    Path(path).parent.mkdir(exist_ok=True)
    picture.save(path)


def both(first, second):
    """The curves of two trainings, for one figure."""
    lines = []
    for name, dark, light in ((first, "grey", "silver"), (second, "darkgreen", "limegreen")):
        found = curves(f"logs/{name}.train.jsonl")
        lines += [(f"{name}, validation", dark, found["validation_loss"]), (f"{name}, train", light, found["train_loss"])]
    return lines


def main():
    for name in ("baseline", "best"):
        found = curves(f"logs/{name}.train.jsonl")
        draw(f"figures/{name}.png", [(*COLOURS[key], line) for key, line in found.items()], name)
    draw("figures/networks.png", both("net1", "net2"), "networks 1 and 2")
    draw("figures/trick.png", both("before", "after"), "trick")


if __name__ == "__main__":
    main()
