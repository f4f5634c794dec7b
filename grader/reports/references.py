"""What have the course's own networks reached? The rows of `grader reference list`, as a page's tables in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grader.model import Json

_HEAD = (
    "network",
    "parameters",
    "data",
    "demand",
    "mean ± sd",
    "worst",
    "runs",
    "test images",
    "seconds",
    "CPU seconds",
)
_MADE = ("network", "device", "versions", "day", "command")


def value_text(value: float, metric: str) -> str:
    """A number in the unit of its metric.

    >>> value_text(0.98934, "accuracy"), value_text(16.8, "psnr_db")
    ('98.93%', '16.80 dB')
    """
    return f"{value:.2%}" if metric == "accuracy" else f"{value:.2f} dB"


def mean_text(band: Mapping[str, Json], metric: str) -> str:
    """The mean of a band, with the spread between the seeds where there are several.

    >>> mean_text({"mean": 0.98934, "sd": 0.0011}, "accuracy"), mean_text({"mean": 17.2, "sd": None}, "psnr_db")
    ('98.93% ± 0.11%', '17.20 dB')
    """
    return value_text(band["mean"], metric) + ("" if band["sd"] is None else f" ± {value_text(band['sd'], metric)}")


def markdown(rows: Sequence[Mapping[str, Json]]) -> str:
    """Two tables: what was reached, and by what that is made again. `rows` are those of `grader.training.bands.listed`.

    >>> row = {"assignment": "digits", "network": "reference", "parameters": 14538, "data_set": "digits"}
    >>> print(markdown([row | {"metric": "accuracy", "demand": 0.97, "bands": [], "command": "x"}]))
    | network | parameters | data | demand | mean ± sd | worst | runs | test images | seconds | CPU seconds |
    | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
    | digits reference | 14,538 | digits | 97.00% | not measured |  |  |  |  |  |
    """
    reached, made = [_row(_HEAD), _row(["---"] * len(_HEAD))], [_row(_MADE), _row(["---"] * len(_MADE))]
    for row in rows:
        metric, demand = row["metric"], row["demand"]
        name = f"{row['assignment']} {row['network']}"
        demanded = "none" if demand is None else value_text(demand, metric)
        for band in row["bands"]:
            edition = band["data"]["edition"]
            data = f"{row['data_set']} ({edition})" if edition else row["data_set"]
            worst = value_text(band["min"], metric)
            if demand is not None and band["min"] < demand:
                worst += ", **missed**"
            reached.append(
                _row([name, f"{row['parameters']:,}", data, demanded, mean_text(band, metric), worst,
                      str(len(band["runs"])), f"{band['n']:,}", f"{band['seconds']:g}", f"{band['cpu_seconds']:g}"])
            )  # fmt: skip
            versions = ", ".join(f"{package} {version}" for package, version in band["versions"].items())
            threads = f"{band['threads']} thread{'s' * (band['threads'] != 1)}"
            device = f"{band['device']}, {threads}, {band['precision']}"
            made.append(_row([name, device, versions, band["made"], f"`{band['command']}`"]))
        if not row["bands"]:
            reached.append(_row([name, f"{row['parameters']:,}", row["data_set"], demanded, "not measured", *[""] * 5]))
    tables = [reached, made] if len(made) > 2 else [reached]
    return "\n\n".join("\n".join(table) for table in tables)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
