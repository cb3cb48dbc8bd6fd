"""`-o key=value`: typed, with errors that name the fix."""

import pytest

pytest.importorskip("click")

from junto.app.option_values import parse_options
from junto.core import ChatOptions


@pytest.mark.parametrize(
    ("pairs", "options"),
    [
        ([], ChatOptions()),
        (["temperature=0.5", "max-tokens=7"], ChatOptions(temperature=0.5, max_tokens=7)),
        (["stop=a", "stop=b=c"], ChatOptions(stop=("a", "b=c"))),
        (["thinking=on", "logprobs=FALSE"], ChatOptions(thinking=True, logprobs=False)),
        (["model=other", "tool_choice=none"], ChatOptions(model="other", tool_choice="none")),
        (["response_format=text"], ChatOptions(response_format="text")),
        (['response_format={"type": "x"}'], ChatOptions(response_format={"type": "x"})),
        (['extra={"min_p": 0.1}'], ChatOptions(extra={"min_p": 0.1})),
        (["top_p=0.1", "top_p=0.2"], ChatOptions(top_p=0.2)),
    ],
)
def test_a_value_has_the_type_of_its_option(pairs: list[str], options: ChatOptions) -> None:
    assert parse_options(pairs) == options


@pytest.mark.parametrize(
    ("pair", "hint"),
    [
        ("top_p", "not key=value"),
        ("max_token=7", "did you mean 'max_tokens'"),
        ("zzz=1", "one of: extra, frequency_penalty"),
        ("tools=x", "not an option"),
        ("max_tokens=many", "max_tokens is a whole number, not 'many'"),
        ("max_tokens=0", "at least 1"),
        ("temperature=hot", "temperature is a number"),
        ("temperature=nan", "temperature"),
        ("temperature=9", "between 0 and 2"),
        ("thinking=maybe", "true or false"),
        ("extra=[1]", "a JSON object"),
        ("extra={", "a JSON object"),
    ],
)
def test_a_value_that_does_not_fit_is_an_error_that_says_what_would(pair: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        parse_options([pair])
