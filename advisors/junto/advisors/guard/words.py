"""Words that must not be said, however they are written or cut."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache, cached_property
from typing import Any

from .verdict import Block

__all__ = ["WordCheck"]

# What is not seen, and may stand between any two characters.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)
# The same for ASCII, where it can be done fast.
_CONTROLS = bytes([*range(0x09), *range(0x0E, 0x20), 0x7F])
_LOWER = bytes(range(0x80)).lower() + bytes(range(0x80, 0x100))

_SPACES = re.compile(r"\s+")

# The scripts that put no spaces between words.
_SPACELESS = (
    r"\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fdf\u3040-\u312f"
    r"\u3400-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
)

# At the edge of what is looked at again, letters may have lost what stood before them.
_MARGIN = 8


class WordCheck:
    """Blocks a text in which one of the words stands.

    Upper and lower case are the same (case folding), and so are characters that differ
    in form only, such as full-width letters (NFKC).  Characters that are not seen, such
    as a zero-width space, a soft hyphen or a control character, are looked over: what
    is printed alike is found alike.  A space in a phrase stands for any white space.  A
    combining mark or a vowel sign behind a letter makes it another letter.

    With ``whole_words`` a letter, digit or mark beside a word makes it another word:
    ``ass`` is not in ``assume``.  An underscore and punctuation do not, and neither do
    letters of scripts without spaces (Chinese, Japanese, Korean, Thai, Lao, Khmer,
    Burmese), in which a word is found wherever it stands.

    Args:
        words: The words and phrases.
        whole_words: Whether a word is found only as a word of its own.

    Attributes:
        reach: How many characters a look goes back, in front of what is new.

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
            text = " ".join(_folded(word).split())
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
        self.whole_words = whole_words
        self.reach: int = len(self._words[-1]) + _MARGIN

    def __call__(self, text: str) -> Block | None:
        """Look at a whole text."""
        return self.look(text, 0, final=True)

    def look(self, text: str, seen: int, *, final: bool) -> Block | None:
        """Look at a text that grows.

        What is certain stays certain: a word at the very end is not judged before the
        next character that is seen is known, or that there is none.

        Args:
            text: The text so far.
            seen: How much of it has been looked at before, and passed.
            final: Whether no more follows.
        """
        start, reach = max(0, seen - self.reach), self.reach
        form = self._form(text[start:])
        if start and not (text.isascii() and len(form) == len(text) - start):
            while start and len(self._form(text[start:seen])) < self.reach:
                reach *= 2
                start = max(0, seen - reach)
            form = self._form(text[start:])
        begin = _MARGIN // 2 if start else 0
        if not self._bare.search(form, begin):
            return None
        match = self._pattern.search(form, begin)
        while match is not None and match.end() == len(form) and not final:
            match = self._pattern.search(form, match.start() + 1)
        return None if match is None else Block("a blocked word")

    def _form(self, text: str) -> str:
        form = _folded(text)
        return _SPACES.sub(" ", form) if self._phrases else form

    @cached_property
    def _bare(self) -> re.Pattern[str]:
        """The words alone, to see fast that none is there."""
        return re.compile("|".join(map(re.escape, self._words)))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """The words with their borders."""
        marks = _marks()
        # Letters, digits and marks of the scripts that put spaces between words.
        glue = rf"(?![_{_SPACELESS}])[\w{marks}]"
        is_glue = re.compile(glue).match
        choices: list[str] = []
        for word in self._words:
            before = f"(?<!{glue})" if self.whole_words and is_glue(word[0]) else ""
            after = f"(?!{glue})" if self.whole_words and is_glue(word[-1]) else ""
            choices.append(f"{before}{re.escape(word)}{after}(?![{marks}])")
        return re.compile("|".join(choices))

    def __str__(self) -> str:
        count = len(self._words)
        return f"{count} word{'s' if count > 1 else ''}"

    def __repr__(self) -> str:
        return f"WordCheck({self})"


def _folded(text: str) -> str:
    if text.isascii():
        if text.isprintable():
            return text.lower()
        return text.encode("ascii").translate(_LOWER, _CONTROLS).decode("ascii")
    shown = unicodedata.normalize("NFKD", _UNSEEN.sub("", text))
    # Case folding makes a letter of the Greek iota below, which is a mark: any other will do.
    return unicodedata.normalize("NFKC", shown.replace("\u0345", "\u0358").casefold())


@cache
def _marks() -> str:
    """The combining marks and vowel signs, as ranges."""
    ranges: list[list[int]] = []
    for code in range(0x300, 0x20000):
        if unicodedata.category(chr(code)) not in {"Mn", "Mc"}:
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)
