"""What the kits of tests share: event loops, and the ways of a class of checks."""

__all__: list[str] = []
