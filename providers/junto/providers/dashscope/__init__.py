"""DashScope: the models of Alibaba Cloud Model Studio (百炼) over their native protocol.

The wire functions are pure (``_request``, ``_stream``, ``_errors`` and what they use); only
``_http`` and ``_sessions`` know aiohttp.
"""

from ._clock import Timeouts
from ._model import DashScopeModel
from ._models import Capabilities

__all__ = ["Capabilities", "DashScopeModel", "Timeouts"]
