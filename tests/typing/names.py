"""All public names: what the faces list that may be imported from elsewhere."""

import importlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PINNED = Path(__file__).with_name("names.txt")
PARTS = ("core", "advisors", "providers", "app")


def faces() -> list[str]:
    """Return the packages whose names are public: the parts, and one step below them."""
    found: list[str] = []
    for part in PARTS:
        root = ROOT / part / "junto" / part
        for init in [root / "__init__.py", *sorted(root.glob("*/__init__.py"))]:
            steps = init.parent.relative_to(ROOT / part).parts
            if not any(step.startswith("_") for step in steps):
                found.append(".".join(steps))
    return found


def public_names() -> list[str]:
    """Return every public name, as ``module.name``."""
    return sorted(
        f"{face}.{name}" for face in faces() for name in importlib.import_module(face).__all__
    )
