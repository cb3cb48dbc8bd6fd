"""The wire of chat completions, OpenAI's protocol, which most servers speak.

Pure functions: messages and options to JSON, bytes to events.  Where it is sent, what is
sent beside that, and what an error means is each provider's own.
"""

from .messages import data_url, encode_call, encode_messages
from .reader import CompletionReader
from .request import encode_body, encode_options, encode_tool, number_of_choices
from .usage import to_usage

__all__ = [
    "CompletionReader",
    "data_url",
    "encode_body",
    "encode_call",
    "encode_messages",
    "encode_options",
    "encode_tool",
    "number_of_choices",
    "to_usage",
]
