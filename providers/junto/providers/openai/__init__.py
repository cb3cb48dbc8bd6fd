"""Servers that speak OpenAI's chat completions: OpenAI, DeepSeek, vLLM, Ollama, llama.cpp.

Written over what all providers share: ``transport`` and ``client`` send, ``chat_completions``
makes JSON of messages and events of bytes, ``failures`` reads errors, ``asking`` streams.
What is left is where the servers are (``_servers``), what their errors mean (``_errors``),
and the options that are OpenAI's own (``_options``).
"""

from ..transport import ConnectionOptions, Timeouts
from ._model import OpenAIModel
from ._options import OpenAIOptions
from ._servers import SERVERS, Server

__all__ = [
    "SERVERS",
    "ConnectionOptions",
    "OpenAIModel",
    "OpenAIOptions",
    "Server",
    "Timeouts",
]
