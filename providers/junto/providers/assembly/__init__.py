"""From the frames of an answer to events: what providers of chat models share.

Pure functions and state, no I/O.  :class:`AnswerReader` takes bytes apart,
:class:`Assembly` takes what their frames say, :class:`ToolCalls` puts fragments of calls
together, and the rest reads JSON of which nothing is promised.
"""

from .._values import UNREADABLE, decode_oddly, is_json, list_of, load_json, str_of, table_of
from .choices import RUNNING, Assembly
from .reader import AnswerReader
from .surrogates import mend_value
from .tools import ToolCalls, ToolFragment

__all__ = [
    "RUNNING",
    "UNREADABLE",
    "AnswerReader",
    "Assembly",
    "ToolCalls",
    "ToolFragment",
    "decode_oddly",
    "is_json",
    "list_of",
    "load_json",
    "mend_value",
    "str_of",
    "table_of",
]
