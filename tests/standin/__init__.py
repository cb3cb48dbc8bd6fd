"""A stand-in for DashScope on loopback: aiohttp, replaying bytes as a test directs.

Test equipment: it is no part of the wheel.
"""

from .recordings import Recording, recording, recordings
from .server import ABORT, GONE, Answering, Asked, Reply, StandIn, Step

__all__ = [
    "ABORT",
    "GONE",
    "Answering",
    "Asked",
    "Recording",
    "Reply",
    "StandIn",
    "Step",
    "recording",
    "recordings",
]
