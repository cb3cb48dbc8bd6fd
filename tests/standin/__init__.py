"""A stand-in for services on loopback: aiohttp, replaying bytes as a test directs.

Test equipment: it is no part of the wheel.
"""

from .captures import capture, captures
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
    "capture",
    "captures",
    "recording",
    "recordings",
]
