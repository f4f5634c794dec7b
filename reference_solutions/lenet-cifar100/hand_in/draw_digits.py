"""Draws nine digits by strokes, as a pen would, and writes own_digits/1.png to 9.png: 28x28 pixels, light on dark.

    python draw_digits.py

A stroke is a line through points (x, y), from 0 to 28 to the right and downwards; a pixel is as light as the pen is
near to its middle.
"""

from pathlib import Path

import numpy as np
from PIL import Image

PEN = 1.3  # pixels, half of the pen's width
SOFT = 1.1  # pixels over which the ink fades


def arc(x, y, width, height, begin, end):
    """Points of an ellipse about (x, y), from the angle `begin` to `end` in degrees, 0 to the right, clockwise."""
    angles = np.radians(np.linspace(begin, end, 40))
    return [(x + width * np.cos(a), y + height * np.sin(a)) for a in angles]


STROKES = {
    1: [[(15.5, 5), (12.5, 22.5)]],
    2: [[*arc(13.5, 9.5, 4.8, 4.6, 195, 395), (9, 22)], [(9, 22), (20, 21.5)]],
    3: [arc(13, 9.3, 4.6, 4.2, 200, 440), arc(13.2, 17.6, 5, 4.7, 275, 510)],
    4: [[(10, 5.5), (8, 14.5), (19, 14)], [(17.5, 6), (16, 22.5)]],
    5: [[(19, 5.5), (11, 6), (10.2, 12.2)], [(10.2, 12.2), *arc(12.6, 16.8, 5.2, 5, 250, 500)]],
    6: [[(16.5, 5), (12, 9.5), (9.6, 15)], arc(13.6, 17.2, 4.2, 4.6, 180, 540)],
    7: [[(8.5, 6.5), (19, 6), (13, 22.5)]],
    8: [arc(14, 9.4, 3.9, 4, 0, 360), arc(13.7, 17.7, 4.5, 4.4, 0, 360)],
    9: [arc(13.4, 10, 4.2, 4.2, 0, 360), [(17.6, 10), (17, 16), (15, 22.5)]],
}


def drawn(strokes):
    rows, columns = np.mgrid[0:28, 0:28] + 0.5
    near = np.full((28, 28), np.inf)
    for points in strokes:
        for (ax, ay), (bx, by) in zip(points, points[1:]):
            length = max((bx - ax) ** 2 + (by - ay) ** 2, 1e-9)
            along = np.clip(((columns - ax) * (bx - ax) + (rows - ay) * (by - ay)) / length, 0, 1)
            near = np.minimum(near, np.hypot(columns - ax - along * (bx - ax), rows - ay - along * (by - ay)))
    return (255 * np.clip((PEN + SOFT - near) / SOFT, 0, 1)).astype(np.uint8)


if __name__ == "__main__":
    Path("own_digits").mkdir(exist_ok=True)
    for digit, strokes in STROKES.items():
        Image.fromarray(drawn(strokes)).save(f"own_digits/{digit}.png")
