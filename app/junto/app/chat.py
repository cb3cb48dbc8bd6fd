"""The command ``junto chat``: one answer, or a conversation."""

from __future__ import annotations

import asyncio

from attrs import evolve

from .console_logging import LEVELS, console_logging
from .failures import failures
from .model_names import DEFAULT, full_name, local_part
from .screen import Screen
from .session import Session, Settings
from .talk import Talk

__all__ = ["Settings", "converse"]


def converse(
    model: str | None, settings: Settings, question: str | None, level: str | None
) -> None:
    """Answer ``question``, or talk until the person leaves.

    Args:
        model: What the person calls it; ``None`` for the default.
        settings: What else the command line said.
        question: ``None`` opens a conversation.
        level: The least level of log lines; ``None`` for warnings.

    Raises:
        SystemExit: With the exit code, unless all went well.
    """
    screen = Screen()
    least = None if level is None else LEVELS[level]
    details = least is not None and least <= LEVELS["info"]
    with failures(screen, details=details), console_logging(screen, least):
        name = full_name(model or DEFAULT)
        local = local_part(name)
        if local is not None:
            from junto.providers.local import require_runtime

            from .fetching import fetch_in_sight

            # Before a model is fetched that nothing here could run.
            require_runtime()
            fetch_in_sight(local or None, screen)
        settings = evolve(settings, model=name)
        if question is None:
            Talk(settings, screen, details=details).run()
        else:
            asyncio.run(_answer(settings, screen, question))


async def _answer(settings: Settings, screen: Screen, question: str) -> None:
    async with Session(settings, screen) as session:
        await session.load()
        await session.turn(question, session.conversation)
