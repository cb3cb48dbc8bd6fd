"""Rows of figures, as Markdown tables and as JSON."""

import datetime as dt
import json
import os
import platform
import statistics
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from attrs import asdict, evolve, frozen


@frozen
class Figure:
    """Something that is measured for several contenders.

    Attributes:
        title: Of its table.
        unit: Of the values.
        base: What the ratio is to; empty for a figure without one.
    """

    title: str
    unit: str
    base: str = "floor"


@frozen
class Row:
    """One contender's figure.

    Attributes:
        values: One for each round.
        ratios: The same to the floor of the same round; none if the figure has no ratio.
        target: The most that it may be: of the ratio where there is one, else of the value.
        note: What else there is to say, such as why there is no value.
    """

    figure: Figure
    contender: str
    values: Sequence[float] = ()
    ratios: Sequence[float] = ()
    target: float | None = None
    note: str = ""

    @property
    def judged(self) -> Sequence[float]:
        """What the target is about."""
        return self.ratios if self.figure.base else self.values

    @property
    def met(self) -> str:
        """Whether the target is met: by every round, or by the median only."""
        if self.target is None or not self.judged:
            return ""
        if max(self.judged) <= self.target:
            return "yes"
        if min(self.judged) > self.target:
            return "no"
        return (
            "yes, by the median"
            if statistics.median(self.judged) <= self.target
            else ("no, by the median")
        )

    def cells(self) -> list[str]:
        cells = [self.contender, _middle(self.values)]
        if self.figure.base:
            cells += [_middle(self.ratios, " ×")]
        judged = self.judged
        cells += [f"{_short(min(judged))} to {_short(max(judged))}" if len(judged) > 1 else ""]
        cells += ["" if self.target is None else f"≤ {_short(self.target)}", self.met, self.note]
        return cells


@frozen
class Report:
    """A whole run."""

    machine: dict[str, Any]
    rounds: int
    streams: int
    rows: Sequence[Row] = ()

    def markdown(self) -> str:
        """One table a figure, in the order in which they were measured."""
        figures = list(dict.fromkeys(row.figure for row in self.rows))
        parts = [self._about()]
        for figure in figures:
            head = ["", figure.unit, *([f"× {figure.base}"] * bool(figure.base))]
            head += ["min to max", "target", "met", ""]
            rows = [row.cells() for row in self.rows if row.figure == figure]
            parts += [f"**{figure.title}**", table(head, rows)]
        return "\n\n".join(parts) + "\n"

    def write(self, path: Path) -> None:
        rows = [
            {
                **asdict(row, recurse=False),
                "figure": row.figure.title,
                "unit": row.figure.unit,
                "base": row.figure.base,
                "value": statistics.median(row.values) if row.values else None,
                "ratio": statistics.median(row.ratios) if row.ratios else None,
                "met": row.met,
            }
            for row in self.rows
        ]
        whole: dict[str, Any] = {
            "machine": self.machine,
            "rounds": self.rounds,
            "streams": self.streams,
        }
        whole["rows"] = rows
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def ended(self, rows: Sequence[Row]) -> "Report":
        """The report with its rows, and with what the machine was doing at the end."""
        return evolve(self, rows=rows, machine={**self.machine, "load_after": load()})

    def _about(self) -> str:
        values = self.machine
        return (
            f"{values['cpu']}, {values['cores']} cores, {values['system']}, "
            f"Python {values['python']}, {values['date']}; "
            f"load average {values['load']} before and {values.get('load_after')} after. "
            f"Median of {self.rounds} rounds; many streams are {self.streams}."
        )


def machine() -> dict[str, Any]:
    """What the figures were taken on, in neutral words."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "load": load(),
    }


def load() -> float | None:
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table that can be read as it is; columns with nothing in them are left out."""
    columns = [
        column
        for column in zip(head, *rows, strict=True)
        if column[0] or any(column[1:])
        if column[0] not in {"target", "met", "min to max"} or any(column[1:])
    ]
    widths = [max(3, *map(_width, column)) for column in columns]
    lines = [
        "| "
        + " | ".join(c + " " * (w - _width(c)) for c, w in zip(line, widths, strict=True))
        + " |"
        for line in zip(*columns, strict=True)
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def _middle(values: Sequence[float], unit: str = "") -> str:
    return _short(statistics.median(values)) + unit if values else ""


def _short(value: float) -> str:
    """Three digits that mean something; what was counted is a whole number."""
    if isinstance(value, int):
        return f"{value:,}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
