"""The face of junto's core: everything that pipelines, advisors and providers use."""

from __future__ import annotations

from ._logging import Logger, get_logger
from .attempt import Attempt, OutcomeKind
from .chain import AdvisorChain
from .chat import ChatRequest, ChatResponse
from .client import ChatClient
from .collect import collect
from .context import ContextKey, Outcome, RunContext, Save
from .errors import (
    AdvisorContractError,
    AuthenticationError,
    ChainError,
    ChatConnectionError,
    ChatError,
    ChatTimeoutError,
    ConcurrentReadError,
    ContentFilteredError,
    InterruptedStreamError,
    MissingExtraError,
    ModelFileError,
    PluginError,
    ProtocolError,
    ProviderError,
    QuotaError,
    RateLimitedError,
    RejectedRequestError,
    SaveError,
    StreamClosedError,
    StreamConsumedError,
    StreamStateError,
    TransportError,
    UnavailableError,
    clean_text,
)
from .events import (
    CustomEvent,
    Event,
    Finish,
    ModelWarning,
    ReasoningDelta,
    Restart,
    Source,
    TextDelta,
    ToolCallDelta,
    ToolResult,
    UsageUpdate,
)
from .explain import ExplainedAdvisor, Explanation
from .functions import AdvisorLike, advisor
from .hooks import (
    Advisor,
    AroundFunction,
    EventHook,
    EventStream,
    Next,
    Phase,
    Placement,
    place,
)
from .lints import ChainWarning, Lint
from .messages import (
    AssistantMessage,
    AudioPart,
    ImagePart,
    Message,
    Part,
    ReasoningPart,
    SystemMessage,
    TextPart,
    ToolCallPart,
    ToolMessage,
    UserMessage,
    VideoPart,
)
from .model import ChatModel, ModelStream
from .observe import Observation, Observer, Tally
from .options import ChatOptions, Tool
from .plugins import resolve_model
from .prompt import Ask, Prompt
from .secret import Secret
from .stream import ChatStream
from .sync import SyncChatClient, SyncChatStream
from .think import ThinkSplitter
from .trace import Trace
from .usage import FinishReason, Usage

__all__ = [
    "Advisor",
    "AdvisorChain",
    "AdvisorContractError",
    "AdvisorLike",
    "AroundFunction",
    "Ask",
    "AssistantMessage",
    "Attempt",
    "AudioPart",
    "AuthenticationError",
    "ChainError",
    "ChainWarning",
    "ChatClient",
    "ChatConnectionError",
    "ChatError",
    "ChatModel",
    "ChatOptions",
    "ChatRequest",
    "ChatResponse",
    "ChatStream",
    "ChatTimeoutError",
    "ConcurrentReadError",
    "ContentFilteredError",
    "ContextKey",
    "CustomEvent",
    "Event",
    "EventHook",
    "EventStream",
    "ExplainedAdvisor",
    "Explanation",
    "Finish",
    "FinishReason",
    "ImagePart",
    "InterruptedStreamError",
    "Lint",
    "Logger",
    "Message",
    "MissingExtraError",
    "ModelFileError",
    "ModelStream",
    "ModelWarning",
    "Next",
    "Observation",
    "Observer",
    "Outcome",
    "OutcomeKind",
    "Part",
    "Phase",
    "Placement",
    "PluginError",
    "Prompt",
    "ProtocolError",
    "ProviderError",
    "QuotaError",
    "RateLimitedError",
    "ReasoningDelta",
    "ReasoningPart",
    "RejectedRequestError",
    "Restart",
    "RunContext",
    "Save",
    "SaveError",
    "Secret",
    "Source",
    "StreamClosedError",
    "StreamConsumedError",
    "StreamStateError",
    "SyncChatClient",
    "SyncChatStream",
    "SystemMessage",
    "Tally",
    "TextDelta",
    "TextPart",
    "ThinkSplitter",
    "Tool",
    "ToolCallDelta",
    "ToolCallPart",
    "ToolMessage",
    "ToolResult",
    "Trace",
    "TransportError",
    "UnavailableError",
    "Usage",
    "UsageUpdate",
    "UserMessage",
    "VideoPart",
    "advisor",
    "clean_text",
    "collect",
    "get_logger",
    "place",
    "resolve_model",
]
