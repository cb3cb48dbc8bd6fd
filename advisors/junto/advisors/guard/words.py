"""Words that must not be said, however they are written or cut."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable
from functools import cache, cached_property
from typing import Any

from .verdict import Block

__all__ = ["WordCheck"]

# What is not seen, and may stand between any two letters.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]+"
)
_HYPHEN = "\u00ad"
_SPACES = re.compile(rf"[\s{_HYPHEN}]*\s[\s{_HYPHEN}]*")

# Letters and digits of the scripts that put spaces between words.
_GLUE = (
    r"[^\W_\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fdf\u3040-\u312f"
    r"\u3400-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_is_glue = re.compile(_GLUE).match

# At the edge of what is looked at again, letters may have lost what stood before them.
_MARGIN = 8


class WordCheck:
    """Blocks a text in which one of the words stands.

    Upper and lower case are the same (case folding), and so are characters that differ
    in form only, such as full-width letters (NFKC).  Characters that are not seen, such
    as a zero-width space or a soft hyphen, may stand inside a word.  A space in a phrase
    stands for any white space.

    With ``whole_words`` a letter or digit beside a word makes it another word: ``ass``
    is not in ``assume``.  An underscore and punctuation do not, and neither do letters
    of scripts without spaces (Chinese, Japanese, Korean, Thai, Lao, Khmer, Burmese), in
    which a word is found wherever it stands.

    Args:
        words: The words and phrases.
        whole_words: Whether a word is found only as a word of its own.

    Raises:
        TypeError: ``words`` is one text, or holds something else than texts.
        ValueError: There are no words, or one of them is blank.
    """

    def __init__(self, words: Iterable[str], *, whole_words: bool = True) -> None:
        given: Any = words
        if isinstance(given, str):
            msg = f"words is a list of words, not one text: write [{given!r}]"
            raise TypeError(msg)
        folded: set[str] = set()
        for word in given:
            if not isinstance(word, str):
                msg = f"words are texts, not {type(word).__name__}"
                raise TypeError(msg)
            text = " ".join(_folded(word).replace(_HYPHEN, "").split())
            if not text:
                msg = f"a blocked word is not blank, as {word!r} is"
                raise ValueError(msg)
            folded.add(text)
        if not folded:
            msg = "there is no word to block"
            raise ValueError(msg)
        # Of two words that begin at one place the shorter is certain first.
        self._words = sorted(folded, key=lambda word: (len(word), word))
        self._phrases = any(" " in word for word in folded)
        self._reach = len(self._words[-1]) + _MARGIN
        self.whole_words = whole_words

    def __call__(self, text: str) -> Block | None:
        """Look at a whole text."""
        return self.look(text, 0, final=True)

    def look(self, text: str, seen: int, *, final: bool) -> Block | None:
        """Look at a text that grows.

        What is certain stays certain: a word at the very end is not judged before the
        next character is known, or that there is none.

        Args:
            text: The text so far.
            seen: How much of it has been looked at before, and passed.
            final: Whether no more follows.
        """
        start, reach = max(0, seen - self._reach), self._reach
        if self._phrases or not text.isascii():
            while start and len(self._form(text[start:seen])) < self._reach:
                reach *= 2
                start = max(0, seen - reach)
        form = self._form(text[start:])
        begin = _MARGIN // 2 if start else 0
        if _HYPHEN in form:
            pattern = self._loose
        elif self._bare.search(form, begin):
            pattern = self._plain
        else:
            return None
        match = pattern.search(form, begin)
        while match is not None and match.end() == len(form) and not final:
            match = pattern.search(form, match.start() + 1)
        return None if match is None else Block("a blocked word")

    def _form(self, text: str) -> str:
        form = _folded(text)
        return _SPACES.sub(" ", form) if self._phrases else form

    @cached_property
    def _bare(self) -> re.Pattern[str]:
        """The words alone, to see fast that none is there."""
        return re.compile("|".join(map(re.escape, self._words)))

    @cached_property
    def _plain(self) -> re.Pattern[str]:
        return self._pattern("")

    @cached_property
    def _loose(self) -> re.Pattern[str]:
        return self._pattern(f"{_HYPHEN}*")

    def _pattern(self, between: str) -> re.Pattern[str]:
        marked = f"(?![{_marks()}])"
        choices: list[str] = []
        for word in self._words:
            before = f"(?<!{_GLUE})" if self.whole_words and _is_glue(word[0]) else ""
            after = f"(?!{_GLUE})" if self.whole_words and _is_glue(word[-1]) else ""
            choices.append(before + between.join(map(re.escape, word)) + after + marked)
        return re.compile("|".join(choices))

    def __str__(self) -> str:
        count = len(self._words)
        return f"{count} word{'s' if count > 1 else ''}"

    def __repr__(self) -> str:
        return f"WordCheck({self})"


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    shown = _UNSEEN.sub(_HYPHEN, text)
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", shown).casefold())


@cache
def _marks() -> str:
    """The combining marks, as ranges: a letter with one is another letter."""
    ranges: list[list[int]] = []
    for code in range(0x300, min(sys.maxunicode, 0x20000)):
        if not unicodedata.combining(chr(code)):
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)
