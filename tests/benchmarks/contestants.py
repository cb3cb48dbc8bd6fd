"""Who takes part, and what an import of each is."""

from attrs import frozen

from .processes import Contender

FLOOR = Contender("floor", "floor", "with_nothing", "native", native=True)
FLOOR_OPENAI = Contender("floor", "floor", "with_nothing", "openai")

THREE = Contender("junto, three advisors", "junto", "with_junto", "three", native=True)
JUNTO = Contender("junto, no advisor", "junto", "with_junto", native=True)
FIFTY = Contender("junto, 50 naive `around`", "junto", "with_junto", "around-50", native=True)

PEERS = (
    Contender("dashscope SDK", "dashscope", "with_dashscope", native=True),
    Contender("openai SDK", "openai", "with_openai", slow=True),
    Contender("LangChain, model", "langchain", "with_langchain", "model", slow=True),
    Contender(
        "LangChain, agent + 3 middlewares", "langchain", "with_langchain", "agent", slow=True
    ),
    Contender("Pydantic AI", "pydantic-ai", "with_pydantic_ai", slow=True),
    Contender("Microsoft Agent Framework", "agent-framework", "with_agent_framework", slow=True),
)


def floor_of(contender: Contender) -> Contender:
    """The floor that reads the same bytes."""
    return FLOOR if contender.native else FLOOR_OPENAI


@frozen
class Import:
    """What a program does before its first question: imports, and making a client."""

    name: str
    environment: str
    code: str


STACK = Import(
    "aiohttp, attrs, msgspec, structlog", "junto", "import aiohttp, attrs, msgspec, structlog"
)
CORE = Import("junto.core alone", "junto", "import junto.core")

IMPORTS = (
    Import(
        "junto, three advisors",
        "junto",
        "from junto.advisors import LoggingAdvisor, MemoryAdvisor, ReasoningAdvisor\n"
        "from junto.core import ChatClient\n"
        "from junto.providers.dashscope import DashScopeModel\n"
        "three = [LoggingAdvisor(), MemoryAdvisor(), ReasoningAdvisor()]\n"
        "ChatClient(DashScopeModel(), advisors=three)",
    ),
    Import("dashscope SDK", "dashscope", "from dashscope import AioGeneration"),
    Import(
        "openai SDK",
        "openai",
        "from openai import AsyncOpenAI\nAsyncOpenAI(api_key='sk-benchmark')",
    ),
    Import(
        "LangChain, model",
        "langchain",
        "from langchain_openai import ChatOpenAI\n"
        "ChatOpenAI(model='qwen-plus', api_key='sk-benchmark')",
    ),
    Import(
        "LangChain, agent + 3 middlewares",
        "langchain",
        "from langchain.agents import create_agent\n"
        "from langchain.agents.middleware import AgentMiddleware\n"
        "from langchain_openai import ChatOpenAI\n"
        "create_agent(ChatOpenAI(model='qwen-plus', api_key='sk-benchmark'))",
    ),
    Import(
        "Pydantic AI",
        "pydantic-ai",
        "from pydantic_ai import Agent\n"
        "from pydantic_ai.models.openai import OpenAIChatModel\n"
        "from pydantic_ai.providers.openai import OpenAIProvider\n"
        "Agent(OpenAIChatModel('qwen-plus', provider=OpenAIProvider(api_key='sk-benchmark')))",
    ),
    Import(
        "Microsoft Agent Framework",
        "agent-framework",
        "from agent_framework.openai import OpenAIChatCompletionClient\n"
        "OpenAIChatCompletionClient(model='qwen-plus', api_key='sk-benchmark')",
    ),
)
