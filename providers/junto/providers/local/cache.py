"""Where model files are: the user's cache, and whatever path the user names."""

from __future__ import annotations

import difflib
import os
import sys
from pathlib import Path

from attrs import frozen

from junto.core import ModelFileError

from .catalogue import CATALOGUE, DEFAULT_MODEL

__all__ = [
    "InstalledModel",
    "asked_name",
    "cache_folder",
    "installed",
    "locate",
    "model_name",
    "models_folder",
    "remove",
    "work_folder",
]

_MAGIC = b"GGUF"


def cache_folder() -> Path:
    """Where junto keeps what can be fetched again; the environment's ``JUNTO_CACHE`` moves it."""
    override = os.environ.get("JUNTO_CACHE")
    if override:
        return Path(override).expanduser().absolute()
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "junto" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "junto"
    # The XDG rules: a relative path is not valid and has to be ignored.
    xdg = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (xdg if xdg.is_absolute() else Path.home() / ".cache") / "junto"


def models_folder() -> Path:
    """Where model files lie.  Any GGUF file put here is found by its name."""
    return cache_folder() / "models"


def work_folder(file_name: str) -> Path:
    """Where the parts of a file lie while it is being fetched."""
    return models_folder() / ".parts" / file_name


@frozen
class InstalledModel:
    """A model file in the cache.

    Attributes:
        name: The catalogue's name for it, or the file's name without ``.gguf``.
        path: Where it is.
        size: In bytes.
    """

    name: str
    path: Path
    size: int


def installed() -> list[InstalledModel]:
    """The model files in the cache, sorted by name."""
    names = {model.file_name: model.name for model in CATALOGUE.values()}
    try:
        paths = [path for path in models_folder().iterdir() if path.suffix == ".gguf"]
    except FileNotFoundError:
        return []
    models = [
        InstalledModel(names.get(path.name, path.stem), path, path.stat().st_size)
        for path in paths
        if path.is_file()
    ]
    return sorted(models, key=lambda model: model.name)


def remove(name: str) -> int:
    """Remove a model from the cache, parts of an unfinished download included.

    Returns:
        How many bytes that freed.

    Raises:
        ModelFileError: The cache holds nothing of that name.
    """
    entry = CATALOGUE.get(name)
    targets = [model.path for model in installed() if model.name == name]
    if entry is not None:
        work = work_folder(entry.file_name)
        targets += [path for path in work.rglob("*") if path.is_file()]
    if not targets:
        held = ", ".join(model.name for model in installed()) or "nothing"
        msg = f"the cache {models_folder()} holds no model {name!r}; it holds {held}"
        raise ModelFileError(msg)
    freed = 0
    for path in targets:
        freed += path.stat().st_size
        path.unlink()
    return freed


def model_name(name: str | os.PathLike[str] | None) -> str:
    """What to call the model that ``name`` stands for, without looking at the disk."""
    text = asked_name(name)
    return Path(text).stem if _is_path(text) else text


def locate(name: str | os.PathLike[str] | None = None) -> Path:
    """The file of a model, checked as far as that is cheap.

    Args:
        name: A path, a name in the catalogue, or the name of a file in the cache.
            Without one, the environment's ``JUNTO_LOCAL_MODEL`` (a path or a name)
            counts, and then the default model.

    Raises:
        ModelFileError: There is no such file, or it is no whole GGUF file; the text
            says what to do.
    """
    text = asked_name(name)
    entry = CATALOGUE.get(text)
    if entry is not None:
        path = models_folder() / entry.file_name
        if not path.exists():
            msg = (
                f"the model {text!r} is not on this machine: `junto models fetch {text}` "
                f"downloads it ({entry.size / 1e6:.0f} MB) into {models_folder()}; or name a "
                "GGUF file of your own, by path or in JUNTO_LOCAL_MODEL"
            )
            raise ModelFileError(msg)
        return _checked(path, f"`junto models fetch {text}` downloads it again", entry.size)
    if _is_path(text):
        return _checked(Path(text).expanduser(), "name a GGUF file, or a model of the catalogue")
    return _checked(_in_cache(text), "put a whole GGUF file in its place")


def asked_name(name: str | os.PathLike[str] | None) -> str:
    """The name or path that counts where ``name`` may be missing."""
    text = "" if name is None else os.fspath(name)
    return text or os.environ.get("JUNTO_LOCAL_MODEL") or DEFAULT_MODEL


def _is_path(text: str) -> bool:
    if text in CATALOGUE:
        return False
    return text.startswith("~") or text.endswith(".gguf") or "/" in text or os.sep in text


def _in_cache(name: str) -> Path:
    models = {model.name: model.path for model in installed()}
    models |= {model.path.stem: model.path for model in installed()}
    if name in models:
        return models[name]
    known = list(dict.fromkeys([*CATALOGUE, *models]))
    near = difflib.get_close_matches(name, known, n=2)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"known: {', '.join(known)}"
    msg = f"there is no local model {name!r}; {hint}; any GGUF file can be named by its path"
    raise ModelFileError(msg)


def _checked(path: Path, fix: str, size: int | None = None) -> Path:
    try:
        if path.is_dir():
            reason = "is a folder, not a GGUF file"
        else:
            with path.open("rb") as file:
                magic = file.read(len(_MAGIC))
                actual = os.fstat(file.fileno()).st_size
            if magic != _MAGIC:
                reason = "is not a GGUF file"
            elif size is not None and actual != size:
                reason = f"is damaged: it has {actual:,} bytes instead of {size:,}"
            else:
                return path
    except FileNotFoundError:
        reason = "does not exist"
    except OSError as error:
        reason = f"cannot be read ({error.strerror or error})"
    msg = f"the model file {path} {reason}: {fix}"
    raise ModelFileError(msg)
