"""Models: what answers at the inner end of a chain.

Each provider is a package of its own, and imports what it needs only when it is imported
itself: ``junto.providers.dashscope`` brings aiohttp, ``junto.providers.local`` a runtime
for models on this machine.  By name, ``ChatClient("dashscope:qwq-plus")`` finds them.

The other modules are what providers are made of, and public as well: ``transport``,
``asking``, ``sse``, ``assembly``, ``failures``, ``chat_completions``.
"""

__all__: list[str] = []
