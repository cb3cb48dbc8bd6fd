"""An advisor that asks the model to speak slowly, or fast."""

from junto.core import Advisor, ChatRequest, RunContext, advisor


def rate(words: int = 120) -> Advisor:
    @advisor.before(name="rate")
    def asked(request: ChatRequest, ctx: RunContext) -> ChatRequest:
        return request.with_system(f"{request.system} Speak {words} words a minute.".strip())

    return asked
