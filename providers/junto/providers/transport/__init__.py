"""HTTP for providers: requests out, bytes in, clocks of our own, connections freed at once.

A provider holds one :class:`Transport`.  For each request it makes a :class:`Clock`, posts,
reads the :class:`Exchange` until it is empty, and closes it in a ``finally``.
"""

from .addresses import check_address, is_loopback
from .clock import Clock, Timeouts
from .exchange import Exchange, refusal_of
from .options import ConnectionOptions
from .transport import Transport

__all__ = [
    "Clock",
    "ConnectionOptions",
    "Exchange",
    "Timeouts",
    "Transport",
    "check_address",
    "is_loopback",
    "refusal_of",
]
