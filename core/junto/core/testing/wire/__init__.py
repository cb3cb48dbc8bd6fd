"""A server on the loopback, and dialects: answers of a model as bytes of a service.

Standard library only, and no pytest: a stream can be cut at any byte, held, or broken off,
and the server knows when its client has gone.
"""

from .completions import ChatCompletions
from .connection import Asked
from .dashscope import DashScopeNative
from .dialect import Dialect, Sent, SentMessage
from .facts import Blank, CallPiece, Failure, Frame
from .reply import Reply, Stage
from .server import Server

__all__ = [
    "Asked",
    "Blank",
    "CallPiece",
    "ChatCompletions",
    "DashScopeNative",
    "Dialect",
    "Failure",
    "Frame",
    "Reply",
    "Sent",
    "SentMessage",
    "Server",
    "Stage",
]
