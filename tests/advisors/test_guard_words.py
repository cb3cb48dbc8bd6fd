"""Which texts hold a blocked word, and which do not."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from junto.advisors import Block, WordCheck

BLOCK = Block("a blocked word")


@pytest.mark.parametrize(
    "text",
    [
        "secret",
        "my Secret!",
        "SECRET",
        "ｓｅｃｒｅｔ",
        "s\u200becret",
        "sec\u00adre\u2060t",
        "\ufeffsecret\u200b",
        "_secret_key",
        "(secret)",
        "我的secret是",
        "x\nsecret\ny",
        "𝐬𝐞𝐜𝐫𝐞𝐭",
    ],
)
def test_a_word_is_found_however_it_is_written(text: str) -> None:
    assert WordCheck(["secret"])(text) == BLOCK


@pytest.mark.parametrize("text", ["", "secretary", "topsecret", "secret1", "secre t", "sécret"])
def test_another_word_is_not_found(text: str) -> None:
    assert WordCheck(["secret"])(text) is None


@pytest.mark.parametrize(
    ("word", "text", "found"),
    [
        ("straße", "STRASSE", True),
        ("café", unicodedata.normalize("NFD", "café"), True),
        ("cafe", unicodedata.normalize("NFD", "café"), False),
        ("bad word", "a bad  \n word", True),
        ("bad word", "a badword", False),
        ("bad word", "bad\u200b\u00a0word", True),
        ("密码", "我的密码是", True),
        ("パスワード", "そのパスワードは", True),
        ("비밀번호", "비밀번호를", True),
        ("c++", "I like C++.", True),
        ("c++", "c+++", True),
        ("ﬁx", "fix", True),
        ("café", "cafe\u034f\u0301", True),
        ("café", "ca\u200bfe\u200b\x00\u0301!", True),
        ("cafe", "cafe\u034f\u0301", False),
        ("falcon", "fal\x00con", True),
        ("falcon", "\x08f\x7fal\x1b\x1fcon\x01", True),
        ("falcon", "fal\ufff9con\ufffb", True),
        ("falcon", "fal\ncon", False),
        ("bad word", "bad\x00\n\x01word", True),
        ("가", "가\u0345\u0301", False),
        ("α", "ᾳ", False),
        ("ᾳ", "ᾼ", True),
        ("ᾳ", "α\u0345", True),
        ("ass", "as\u00adsume", False),
        ("ass", "ass\u00adume", False),
        ("ass", "ass\u00ad\u200b\x00ume", False),
        ("ass", "b\u00ad\u00adass", False),
        ("ass", "\u00adass\u00ad.", True),
        ("कल", "कल", True),
        ("कल", "आज कल।", True),
        ("कल", "कला", False),
        ("कल", "काकल x", False),
        ("कला", "कलाकार", False),
        ("कला", "कला।", True),
        ("รัก", "ฉันรักเธอ", True),
        ("falcon", "ที่falcon", True),
        ("မြန်", "မြန်မာ", True),
    ],
)
def test_forms_scripts_and_phrases(word: str, text: str, found: bool) -> None:
    assert (WordCheck([word])(text) is not None) is found


def test_unseen_characters_change_nothing() -> None:
    unseen = "\x00\x08\x1b\x1f\x7f\x80\x9f\u00ad\u034f\u061c\u200b\u2066\ufe0f\ufeff\ufff9\ufffb"

    for one in unseen:
        assert WordCheck(["café au"])(one.join(f"{one}un cafe\u0301 au{one}")) == BLOCK
        assert WordCheck(["ass"])(one.join("assume ássume b1ass ass\u0301")) is None


def test_inside_other_words_only_when_asked_for() -> None:
    assert WordCheck(["ass"])("assume") is None
    assert WordCheck(["ass"], whole_words=False)("assume") == BLOCK


@pytest.mark.parametrize(
    ("words", "error", "told"),
    [
        ("secret", TypeError, "write .'secret'."),
        ([1], TypeError, "words are texts"),
        ([""], ValueError, "not blank"),
        (["\u200b "], ValueError, "not blank"),
        ([], ValueError, "no word"),
    ],
)
def test_words_that_are_none_are_refused(
    words: list[str], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        WordCheck(words)


def test_the_repr_does_not_say_the_words() -> None:
    assert repr(WordCheck(["secret", "Secret", "other"])) == "WordCheck(2 words)"


def test_a_word_at_the_end_is_not_judged_before_what_follows_is_known() -> None:
    check = WordCheck(["ass", "cafe"])

    assert check.look("an ass", 0, final=False) is None
    assert check.look("an assume", 6, final=False) is None
    assert check.look("an ass.", 6, final=False) == BLOCK
    assert check.look("an ass", 6, final=True) == BLOCK
    assert check.look("cafe", 0, final=False) is check.look("cafe\u0301", 4, final=True) is None
    greek = WordCheck(["α"], whole_words=False)
    assert greek.look("ᾳ", 0, final=False) is greek.look("ᾳ\u0301x", 1, final=True) is None
    assert check.look("an ass\u00ad", 6, final=False) is None
    assert check.look("an ass\u00adume", 7, final=False) is None
    assert check.look("an ass\u00ad.", 7, final=False) == BLOCK


WORDS = ["secret", "ab c", "a", "密码", "é", "e\u0302\u0323", "abcd", "bc", "가", "कल", "ला", "α"]
TOKENS = st.sampled_from(["secret", "sec", "ret", "x" * 30, " " * 30]) | st.sampled_from(
    "abc密码eａßİ𝐚각 \n\u0301\u0302\u0323\u0327\u200b\u00ad\u200d"
)


@given(
    text=st.lists(TOKENS | st.characters(exclude_categories=["Cs"]), max_size=14).map("".join),
    cuts=st.sets(st.integers(0, 90)),
    words=st.sets(st.sampled_from(WORDS), min_size=1),
    whole=st.booleans(),
)
def test_what_grows_is_found_as_what_is_whole(
    text: str, cuts: set[int], words: set[str], whole: bool
) -> None:
    check = WordCheck(words, whole_words=whole)
    found = check(text) is not None

    for places in ({0, *(cut for cut in cuts if cut < len(text))}, set(range(len(text)))):
        steps = list(pairwise(sorted({*places, len(text)})))
        looks = [check.look(text[:after], before, final=False) for before, after in steps]
        looks.append(check.look(text, len(text), final=True))
        assert any(looks) is found
