"""Models on this machine: any GGUF file, run by llama.cpp (extra ``local``).

:class:`LocalModel` is the chat model.  It never downloads: :func:`fetch` brings a model
of the catalogue into the user's cache, and :func:`installed` and :func:`remove` look
after what is there.  llama.cpp itself is loaded only when a model is asked.
"""

from __future__ import annotations

from .cache import InstalledModel, cache_folder, installed, locate, models_folder, remove
from .catalogue import (
    CATALOGUE,
    DEFAULT_MODEL,
    Archive,
    ArchiveSource,
    CatalogueModel,
    UrlSource,
)
from .download import (
    DownloadCancelledError,
    DownloadError,
    fetch,
    fetch_async,
    fetch_entry,
)
from .model import LocalModel
from .progress import FetchListener, FetchProgress
from .runtime import require_runtime

__all__ = [
    "CATALOGUE",
    "DEFAULT_MODEL",
    "Archive",
    "ArchiveSource",
    "CatalogueModel",
    "DownloadCancelledError",
    "DownloadError",
    "FetchListener",
    "FetchProgress",
    "InstalledModel",
    "LocalModel",
    "UrlSource",
    "cache_folder",
    "fetch",
    "fetch_async",
    "fetch_entry",
    "installed",
    "locate",
    "models_folder",
    "remove",
    "require_runtime",
]
