"""The commands and their options.  What they do is imported when they run."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from .memory_group import memory as memory_group

if TYPE_CHECKING:
    from junto.core import ChatOptions

__all__ = ["cli"]

_LEVELS = ("debug", "info", "warning", "error")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="junto", message="junto %(version)s")
def cli() -> None:
    """Talk with a language model through a chain of advisors.

    \b
      junto chat                     a conversation with a model on this machine
      junto chat "Why is it so?"     one answer, on standard output
      junto models                   the models for this machine
      junto memory                   stored conversations
      junto plugins                  the plugins that are installed
      junto new advisor NAME         a package for an advisor of your own
    """  # noqa: D301  a backspace tells click to keep the lines


cli.add_command(memory_group)


@cli.command()
@click.argument("prompt", nargs=-1)
@click.option(
    "-m",
    "--model",
    envvar="JUNTO_MODEL",
    show_envvar=True,
    metavar="PROVIDER:NAME",
    help="As dashscope:qwen-plus; the name or path of a local model is enough. "
    "Without it, the local model is used, and fetched first where it is missing.",
)
@click.option("-s", "--system", default="", metavar="TEXT", help="The system text.")
@click.option(
    "--think/--no-think",
    default=None,
    help="Let the model think first, or not. Without either the model's own way counts; "
    "the local one does not think.",
)
@click.option(
    "-o",
    "--option",
    "pairs",
    multiple=True,
    metavar="KEY=VALUE",
    help="An option for the model, as top_p=0.8 or max_tokens=200; may be repeated.",
)
@click.option(
    "-R",
    "--reasoning",
    type=click.Choice(["show", "hide"]),
    default="show",
    show_default=True,
    help="What becomes of the thinking, which is shown on standard error.",
)
@click.option(
    "--memory",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    metavar="N",
    help="How many earlier messages the model sees; 0 for none.",
)
@click.option(
    "--store",
    default="",
    metavar="ADDRESS",
    help="Keep the conversation there, as sqlite:///chat.db; without it, it ends with the command.",
)
@click.option(
    "--conversation",
    default="",
    metavar="NAME",
    help="Which conversation of the store goes on, or begins; without it, a new one.",
)
@click.option(
    "-v",
    "--verbose",
    count=True,
    help="Log a line a turn on standard error, and show where errors come from; -vv logs more.",
)
@click.option("--log-level", type=click.Choice(_LEVELS), help="The same, by its name.")
def chat(  # noqa: PLR0917  click calls with keywords
    prompt: tuple[str, ...],
    model: str | None,
    system: str,
    think: bool | None,  # noqa: FBT001  click calls with keywords
    pairs: tuple[str, ...],
    reasoning: str,
    memory: int,
    store: str,
    conversation: str,
    verbose: int,
    log_level: str | None,
) -> None:
    """Chat with a model, or answer one PROMPT.

    With a PROMPT, or with one on standard input, it answers once: the answer goes to
    standard output as it comes, and everything else to standard error. A PROMPT of -
    reads standard input. Without any, on a terminal, it opens a conversation.

    The exit code is 0 for an answer, 1 for an error, 2 for wrong usage, 130 after Ctrl-C,
    141 when nobody reads the answer any more.
    """
    question = _question(prompt)
    options = _options(pairs, think)
    if conversation and not store:
        msg = "--conversation names one of a --store: name that too, as sqlite:///chat.db"
        raise click.UsageError(msg)
    level = log_level or (None if not verbose else "info" if verbose == 1 else "debug")

    from .chat import Settings, converse

    settings = Settings(
        system=_text(system),
        options=options,
        show_reasoning=reasoning == "show",
        memory=memory,
        store=store,
        conversation=_text(conversation),
    )
    converse(model or None, settings, question, level)


def _question(prompt: tuple[str, ...]) -> str | None:
    """The question, or ``None`` for a conversation."""
    if prompt and prompt != ("-",):
        question = _text(" ".join(prompt))
    elif not prompt and sys.stdin.isatty():
        return None
    else:
        question = _text(sys.stdin.read().removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}"))
    if not question.strip():
        msg = "there is nothing to ask: give a PROMPT, or pipe one in"
        raise click.UsageError(msg)
    return question


def _text(text: str) -> str:
    """``text`` with the bytes of the command line taken for UTF-8, whatever the locale."""
    if text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text):
        return text
    try:
        return os.fsencode(text).decode("utf-8", "replace")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")


def _options(pairs: tuple[str, ...], think: bool | None) -> ChatOptions:  # noqa: FBT001  as above
    from .option_values import parse_options

    try:
        options = parse_options(pairs)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="-o") from error
    return options if think is None else options.with_(thinking=think)


@cli.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="List them as JSON.")
@click.pass_context
def models(context: click.Context, as_json: bool) -> None:  # noqa: FBT001  click calls with keywords
    """List, fetch and remove the models that run on this machine."""
    if context.invoked_subcommand is None:
        from .models import show

        show(as_json=as_json)


@models.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_models(as_json: bool) -> None:  # noqa: FBT001  click calls with keywords
    """List them; the same as no command at all."""
    from .models import show

    show(as_json=as_json)


@models.command()
@click.argument("name", required=False)
def fetch(name: str | None) -> None:
    """Fetch a model into the cache; without NAME, the default one."""
    from .models import fetch as run

    run(name)


@models.command()
@click.argument("name")
def remove(name: str) -> None:
    """Remove a model from the cache, and what an unfinished download left."""
    from .models import remove as run

    run(name)


@models.command()
@click.argument("name", required=False)
def path(name: str | None) -> None:
    """Print where a model's file is; without NAME, the default one's."""
    from .models import path as run

    run(name)


@cli.command()
@click.option("--check", is_flag=True, help="Import each one, and show what goes wrong.")
@click.option("--json", "as_json", is_flag=True, help="List them as JSON.")
def plugins(check: bool, as_json: bool) -> None:  # noqa: FBT001  click calls with keywords
    """List the providers, advisors and memory stores that are installed.

    Nothing is imported for that, unless --check asks for it: then the exit code is 1 if
    one of them cannot be used. JUNTO_PLUGINS names the distributions whose plugins may be
    used beside junto's own; empty for none.
    """
    from .plugins import show

    show(check=check, as_json=as_json)


@cli.command()
@click.argument("kind", type=click.Choice(["provider", "advisor", "memory"]))
@click.argument("name")
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    default=Path(),
    metavar="FOLDER",
    help="Where the folder junto-NAME is made; by default here.",
)
def new(kind: Literal["provider", "advisor", "memory"], name: str, into: Path) -> None:
    """Write a package for a plugin of your own: two files, a test and a README.

    NAME is what the plugin will be asked for by, in small letters, as in
    `junto new advisor word-count`. The tests of the package pass as they are.
    """
    from .new import write

    write(kind, name, into)
