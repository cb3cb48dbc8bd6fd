"""The commands of ``junto memory`` and their options.  What they do is imported when they run."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["memory"]

_store = click.option(
    "--store",
    envvar="JUNTO_STORE",
    show_envvar=True,
    required=True,
    metavar="ADDRESS",
    help="As sqlite:///chat.db, postgresql://… or redis://…",
)
_tenant = click.option("--tenant", default="", metavar="NAME", help="Whose conversations.")
_json = click.option("--json", "as_json", is_flag=True, help="As JSON.")


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def _age(_context: click.Context, _parameter: click.Parameter, value: str) -> float:
    """Read a time, as 90s, 30m, 12h, 30d or 4w; a bare number is in seconds."""
    number, unit = (value[:-1], value[-1]) if value[-1:] in _UNITS else (value, "s")
    try:
        seconds = float(number) * _UNITS[unit]
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        msg = f"{value!r} is no age: write 90s, 30m, 12h, 30d or 4w"
        raise click.BadParameter(msg)
    return seconds


@click.group()
def memory() -> None:
    """Look into stored conversations, move them, and delete them.

    The exit code is 0 when all went well, 1 for an error, 2 for wrong usage.
    """


@memory.command(name="list")
@_store
@_tenant
@_json
def list_conversations(store: str, tenant: str, as_json: bool) -> None:  # noqa: FBT001  click calls with keywords
    """List the conversations, those with the newest turns first."""
    from .memory import show_list

    show_list(store, tenant, as_json=as_json)


@memory.command()
@click.argument("conversation")
@click.option("--all", "every", is_flag=True, help="Also the turns that an edit left behind.")
@_store
@_tenant
@_json
def show(conversation: str, every: bool, store: str, tenant: str, as_json: bool) -> None:  # noqa: FBT001  as above
    """Show what was said in CONVERSATION."""
    from .memory import show_turns

    show_turns(store, tenant, conversation, every=every, as_json=as_json)


@memory.command()
@click.argument("conversation", required=False)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Into a new file that only you can read; otherwise to standard output.",
)
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@_store
@_tenant
def export(
    conversation: str | None,
    output: Path | None,
    force: bool,  # noqa: FBT001  as above
    store: str,
    tenant: str,
) -> None:
    """Write CONVERSATION, or all of them, as JSON lines: one for each turn."""
    from .memory_files import export_to

    export_to(store, tenant, conversation, output, force=force)


@memory.command(name="import")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True), default="-")
@click.option("--tenant", metavar="NAME", help="Whose they are to be, instead of who is named.")
@_store
def import_file(file: Path, tenant: str | None, store: str) -> None:
    """Store what was exported into FILE, or comes on standard input.

    Turns that are there already change nothing.
    """
    from .memory_files import import_from

    import_from(store, tenant, file)


@memory.command()
@click.argument("conversation")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@_store
@_tenant
def delete(conversation: str, yes: bool, store: str, tenant: str) -> None:  # noqa: FBT001  as above
    """Delete CONVERSATION, and the summaries of it."""
    from .memory import remove

    remove(store, tenant, conversation, ask=not yes)


@memory.command()
@click.option(
    "--older-than", callback=_age, required=True, metavar="AGE", help="As 90s, 30m, 12h, 30d or 4w."
)
@click.option("--tenant", metavar="NAME", help="Whose turns; without it everybody's.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@_store
def prune(older_than: float, tenant: str | None, yes: bool, store: str) -> None:  # noqa: FBT001  as above
    """Delete turns by age."""
    from .memory import prune_turns

    prune_turns(store, tenant, older_than, ask=not yes)


@memory.command()
@click.argument("conversation")
@click.argument("turn")
@click.option("--question", metavar="TEXT", help="What was asked instead.")
@click.option("--answer", metavar="TEXT", help="What was answered instead.")
@click.option("--to", "target", metavar="NAME", help="Into another conversation, which is new.")
@_store
@_tenant
def edit(  # noqa: PLR0917  click calls with keywords
    conversation: str,
    turn: str,
    question: str | None,
    answer: str | None,
    target: str | None,
    store: str,
    tenant: str,
) -> None:
    """Change TURN, and let CONVERSATION go on from there.

    TURN is an id or a number, as `show` prints them. The turn as it was, and all that came
    after it, stay on a branch of their own. With --to, the turns up to it are copied into
    another conversation, and this one stays as it is.
    """
    if question is None and answer is None and target is None:
        msg = "say what changes: --question, --answer, --to, or several of them"
        raise click.UsageError(msg)
    from .memory_editing import edit_turn

    place = (tenant, conversation)
    edit_turn(store, place, turn, question=question, answer=answer, target=target)
