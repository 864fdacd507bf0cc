"""Shows that rendering moves: a bar on a terminal, a few plain lines in a log."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from prompts.rendering import Progress


@contextmanager
def show_progress(title: str = "Prompts") -> Iterator[Progress]:
    """Gives a function to hand to :func:`prompts.rendering.render`. Writes to the standard error."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _every_quarter(title)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _every_quarter(title: str) -> Progress:
    def tell(done: int, total: int) -> None:
        if done * 4 // total > (done - 1) * 4 // total:
            print(f"{title}: {done} of {total}", file=sys.stderr, flush=True)

    return tell
