"""DashScope: the models of Alibaba Cloud Model Studio (百炼), in both of its protocols.

The wire functions are pure: ``_request`` (and what it uses) makes JSON of a request,
``_reader`` makes events of bytes, ``_errors`` says what an error means; for embeddings and
rerank ``_embeddings_wire`` and ``_rerank_wire`` do both.  Only ``_service`` sends something,
through the transport that all providers share.
"""

from ..transport import Timeouts
from ._embeddings import DashScopeEmbeddings
from ._model import DashScopeModel
from ._models import Capabilities, capabilities_of
from ._options import DashScopeOptions, SearchOptions, TranslationOptions
from ._reranker import DashScopeReranker
from ._service import ServiceOptions

__all__ = [
    "Capabilities",
    "DashScopeEmbeddings",
    "DashScopeModel",
    "DashScopeOptions",
    "DashScopeReranker",
    "SearchOptions",
    "ServiceOptions",
    "Timeouts",
    "TranslationOptions",
    "capabilities_of",
]
