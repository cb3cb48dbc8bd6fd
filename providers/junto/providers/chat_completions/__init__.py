"""The wire of chat completions, OpenAI's protocol, which most servers speak.

Pure functions: messages to JSON, bytes to events.  What is sent around the messages, where,
and what an error means is each provider's own.
"""

from .messages import data_url, encode_call, encode_messages
from .reader import CompletionReader
from .usage import to_usage

__all__ = ["CompletionReader", "data_url", "encode_call", "encode_messages", "to_usage"]
