"""Bringing a local model here, in sight of the person who waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from junto.providers.local import CATALOGUE, FetchProgress, fetch, models_folder

from .screen import Screen, plain

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["FetchView", "fetch_in_sight", "megabytes"]

_STEP = 0.10  # a line for every tenth …
_PAUSE = 15.0  # … or, on a slow connection, for so many seconds


def megabytes(size: int) -> str:
    """A size for people."""
    return f"{size / 1e6:,.0f} MB"


def fetch_in_sight(name: str | None, screen: Screen) -> Path:
    """Make sure that a local model is on this machine, and show how it gets here.

    Raises:
        ChatError: It cannot be had; the text says what to do.
        KeyboardInterrupt: What had come is kept, and the screen says so.
    """
    with FetchView(screen) as view:
        try:
            return fetch(name, view.listen)
        except KeyboardInterrupt:
            view.close()
            if view.began:
                kept = "stopped; what has come is kept, and the same command goes on from there"
                screen.note(kept)
            raise


class FetchView:
    """Shows a download: a bar on a terminal, else a line now and then.

    Says nothing about a model that is here already.
    """

    def __init__(self, screen: Screen, clock: Callable[[], float] = time.monotonic) -> None:
        self._screen = screen
        self._clock = clock
        self._stack = ExitStack()
        self._bar: tuple[Progress, TaskID] | None = None
        self._source = ""
        self._said = (0.0, 0.0)  # when, and at which fraction
        self._most = 0
        self.began = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Take the bar away; nothing where there is none."""
        self._stack.close()
        self._bar = None

    def listen(self, progress: FetchProgress) -> None:
        """Show how it goes."""
        match progress.phase:
            case "waiting":
                self._say_once("another process is fetching the model; waiting for it")
            case "downloading":
                self._downloading(progress)
            case "refused":
                self.close()
                self._source = ""
                self._screen.note(f"{progress.source} cannot give it: {progress.note}")
            case "verifying":
                self._move(progress)
                self.close()
                self._say_once("checking the SHA-256")
            case "done" if self.began:
                self.close()
                self._screen.note(f"{progress.name} is ready")
            case "done":
                pass

    def _downloading(self, progress: FetchProgress) -> None:
        if not self.began:
            self.began = True
            self._announce(progress)
        if self._source != progress.source:
            self.close()
            self._source = progress.source
            self._most = progress.done
            have = f", {megabytes(progress.done)} are here already" if progress.done else ""
            self._screen.note(f"from {progress.source}{have}")
            self._said = (self._clock(), progress.done / progress.total)
            if self._screen.animated:
                self._bar = self._open_bar(progress)
        self._move(progress)

    def _announce(self, progress: FetchProgress) -> None:
        entry = CATALOGUE[progress.name]
        self._screen.note(
            f"fetching the model {entry.name}, {megabytes(entry.size)}, licence {entry.licence}\n"
            f"  {entry.title}\n"
            f"  into {models_folder()}"
        )

    def _move(self, progress: FetchProgress) -> None:
        # What came in an archive is counted again while it is unpacked.
        self._most = max(self._most, progress.done)
        if self._bar is not None:
            bar, task = self._bar
            bar.update(task, completed=self._most)
            return
        now, fraction = self._clock(), self._most / progress.total
        then, before = self._said
        step = 0.0 if fraction == 1 or now - then >= _PAUSE else _STEP
        if not self._screen.animated and fraction > before and fraction - before >= step:
            self._said = (now, fraction)
            done, total = megabytes(self._most), megabytes(progress.total)
            self._screen.note(f"  {fraction:4.0%}  {done} of {total}")

    def _say_once(self, text: str) -> None:
        if self._source != text:
            self._source = text
            self._screen.note(text)

    def _open_bar(self, progress: FetchProgress) -> tuple[Progress, TaskID]:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TaskProgressColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        console = Console(stderr=True)
        columns: list[Any] = [BarColumn(bar_width=None), TaskProgressColumn()]
        # The narrower the terminal, the less there is to see; a line must not wrap.
        if console.width >= 40:
            columns.append(DownloadColumn())
        if console.width >= 70:
            columns += [TransferSpeedColumn(), TimeRemainingColumn()]
        bar = Progress(*columns, console=console, transient=True, expand=True)
        task = bar.add_task(plain(progress.name), total=progress.total, completed=progress.done)
        self._stack.enter_context(bar)
        return bar, task
