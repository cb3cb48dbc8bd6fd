"""What the chat model, the embeddings and the reranker share."""

from __future__ import annotations

from typing import Unpack

from ..client import HTTPClient
from ._service import Service, ServiceOptions

__all__ = ["ServiceClient"]


class ServiceClient(HTTPClient):
    """A model of the service: its name, where it is asked, and when it is closed.

    Args:
        model: Its name.
        **service: Key, region, clocks and connections.

    Raises:
        ValueError: For no name, or a region, workspace or URL that cannot be right.
        TypeError: For a keyword that does not exist.
    """

    provider: str = "dashscope"

    def __init__(self, model: str, **service: Unpack[ServiceOptions]) -> None:
        if not model:
            raise ValueError("a model needs a name, such as 'qwq-plus' or 'text-embedding-v4'")
        self.model = model
        self._service = Service(**service)
        super().__init__(self._service.transport)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.model!r}, host={self._service.host!r})"

    @property
    def base_url(self) -> str:
        """Where the service is."""
        return self._service.base_url

    @property
    def workspace(self) -> str | None:
        """The id of the workspace, where one was given."""
        return self._service.workspace
