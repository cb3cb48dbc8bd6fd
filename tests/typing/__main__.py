"""`python -m tests.typing` pins the public names as they are now."""

from .names import PINNED, public_names

PINNED.write_text("\n".join(public_names()) + "\n", encoding="utf-8")
