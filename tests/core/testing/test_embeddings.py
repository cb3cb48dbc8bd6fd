"""The scripted embeddings: the same for everybody, and useful to look texts up with."""

import asyncio
import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from junto.core import (
    EmbeddingModel,
    Embeddings,
    RateLimitedError,
    RejectedRequestError,
    Usage,
)
from junto.core.testing import Pause, ScriptedEmbeddings


async def nearness(one: str, other: str) -> float:
    first, second = (await ScriptedEmbeddings().embed([one, other])).vectors
    return sum(a * b for a, b in zip(first, second, strict=True))


def test_it_is_an_embedding_model() -> None:
    assert isinstance(ScriptedEmbeddings(), EmbeddingModel)
    assert repr(ScriptedEmbeddings()) == "ScriptedEmbeddings(dimensions=256, model='embeddings')"


@given(texts=st.lists(st.text(min_size=1), max_size=4))
async def test_each_text_has_a_vector_of_length_one_which_is_always_the_same(
    texts: list[str],
) -> None:
    model = ScriptedEmbeddings(dimensions=16)
    first, second = await model.embed(texts), await model.embed(texts, purpose="query")

    assert first.vectors == second.vectors
    assert len(first.vectors) == len(texts)
    for vector in first.vectors:
        assert len(vector) == 16
        assert math.hypot(*vector) == pytest.approx(1)


async def test_vectors_are_the_same_in_another_process() -> None:
    code = (
        "import asyncio; from junto.core.testing import ScriptedEmbeddings;"
        "print(asyncio.run(ScriptedEmbeddings().embed(['风 and rain'])).vectors)"
    )
    command = [sys.executable, "-X", "utf8", "-c", code]
    printed = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, encoding="utf-8", check=True
    )

    here = (await ScriptedEmbeddings().embed(["风 and rain"])).vectors
    assert printed.stdout.strip() == str(here)


@pytest.mark.parametrize(
    ("query", "near", "far"),
    [
        ("Where does the cat sleep?", "The cat sleeps in the kitchen.", "It rains today."),
        ("杭州的天气", "今天杭州下雨", "北京很大"),
        ("GREEN", "green!", "blue!"),
    ],
)
async def test_texts_that_share_words_are_nearer_than_others(
    query: str, near: str, far: str
) -> None:
    assert await nearness(query, near) > await nearness(query, far)


async def test_the_vectors_of_some_texts_can_be_given() -> None:
    model = ScriptedEmbeddings(vectors={"sun": [1, 0], "moon": (0, 1)})
    got = await model.embed(["moon", "sun", "star"])

    assert got.vectors[:2] == ((0.0, 1.0), (1.0, 0.0))
    assert len(got.vectors[2]) == 2


async def test_requests_are_kept_and_counted() -> None:
    model = ScriptedEmbeddings(model="m")
    await model.embed(["a"], purpose="query")
    got = await model.embed(["two words", "b"])

    assert model.requests == [(("a",), "query"), (("two words", "b"), "document")]
    assert got.usage == Usage(input_tokens=3, total_tokens=3)
    assert (got.model, got.request_ids) == ("m", ("m-1",))


async def test_no_texts_make_no_request() -> None:
    model = ScriptedEmbeddings()

    assert await model.embed([]) == Embeddings(vectors=(), model="embeddings")
    assert model.requests == []


async def test_requests_fail_and_wait_as_the_script_says() -> None:
    error = RateLimitedError("too fast")
    pause = Pause()
    called: list[str] = []
    model = ScriptedEmbeddings(error, None, pause, lambda: called.append("plain"))

    with pytest.raises(RateLimitedError) as caught:
        await model.embed(["a"])
    assert caught.value is error
    assert (await model.embed(["a"])).request_ids == ("embeddings-1",)
    task = asyncio.create_task(model.embed(["a"]))
    await pause.reached()
    assert not task.done()
    pause.release()
    assert (await task).vectors == (await model.embed(["a"])).vectors == (await task).vectors
    assert called == ["plain"]
    assert (await model.embed(["a"])).request_ids == ("embeddings-4",)


async def test_what_no_real_model_takes_is_refused() -> None:
    model = ScriptedEmbeddings()
    with pytest.raises(TypeError, match=r"pass \[text\]"):
        await model.embed("a")
    with pytest.raises(RejectedRequestError, match=r"texts\[1\] is empty"):
        await model.embed(["a", ""])
    with pytest.raises(TypeError, match=r"texts\[1\] is a text, not int"):
        await model.embed(["a", 3])  # type: ignore[list-item]
    assert model.requests == []


async def test_closing_is_noted() -> None:
    model = ScriptedEmbeddings()
    assert not model.closed
    await model.aclose()
    await model.aclose()
    assert model.closed


def test_vectors_have_one_length() -> None:
    with pytest.raises(ValueError, match="one length"):
        ScriptedEmbeddings(vectors={"a": [1], "b": [1, 2]})
    with pytest.raises(ValueError, match="one length"):
        ScriptedEmbeddings(vectors={"a": [1]}, dimensions=2)
    with pytest.raises(ValueError, match="at least 1"):
        ScriptedEmbeddings(dimensions=0)
