"""The walls between the parts: who imports whom, and through which door."""

import ast
import functools
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

ROOT = Path(__file__).resolve().parents[2]

# What each part may import of ours.
MAY_IMPORT = {
    "core": {"core"},
    "advisors": {"core", "advisors"},
    "providers": {"core", "providers"},
    "app": {"core", "advisors", "providers", "app"},
}

# What the ground floor stands on beside the standard library, and the one file that may log.
GROUND = {"attrs"}
NEWER = {"annotationlib"}  # the standard library's from 3.14 on
SHIM = "junto.core._logging"

# What is a fixture or a class of tests needs pytest; nothing else imports these.
FOR_PYTEST = {f"junto.core.testing.{name}" for name in ("fixtures", "kits.classes", "stores")}

# What comes with an extra: modules that need it are left out where it is not installed.
EXTRAS = {"click", "rich", "xllamacpp"}

# Files of more than 300 lines, each with the reason why it is one thing.
LONG: dict[str, str] = {}


@attrs.frozen
class Module:
    """A module of ours, known by its file."""

    part: str
    path: Path

    @property
    def is_package(self) -> bool:
        return self.path.stem == "__init__"

    @property
    def name(self) -> str:
        parts = self.path.relative_to(ROOT / self.part).with_suffix("").parts
        return ".".join(parts[:-1] if self.is_package else parts)

    def __str__(self) -> str:
        return self.name

    @functools.cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text(encoding="utf-8"))

    def imports(self) -> Iterator[tuple[str, str | None, int]]:
        """Yield each import as module, name (of a from-import) and level of relative import."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield alias.name, None, 0
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    yield self.resolved(node), alias.name, node.level

    def resolved(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.name.split(".") if self.is_package else self.name.split(".")[:-1]
        base = package[: len(package) - node.level + 1]
        return ".".join([*base, *(node.module or "").split(".")]).rstrip(".")


MODULES = [
    Module(part, path)
    for part in MAY_IMPORT
    for path in sorted((ROOT / part / "junto").rglob("*.py"))
]
FACES = [module for module in MODULES if module.is_package]

# The first test that asks how modules import waits for all of them, one process each.
pytestmark = pytest.mark.timeout(300)

each_module = pytest.mark.parametrize("module", MODULES, ids=str)
each_face = pytest.mark.parametrize("face", FACES, ids=str)


def is_door(name: str) -> bool:
    """Tell whether a module may be imported from another part: a public package, not too deep."""
    inside = name.split(".")[2:]
    return (
        len(inside) <= 1
        and not any(step.startswith("_") for step in inside)
        and name in {face.name for face in FACES}
    )


def declared_all(face: Module) -> list[str]:
    for node in face.tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            assert isinstance(node, ast.Assign | ast.AnnAssign)
            assert node.value is not None
            return list(ast.literal_eval(node.value))
    pytest.fail(f"{face} has no __all__")


@each_module
def test_a_part_imports_only_the_parts_below_it(module: Module) -> None:
    ours = {name.split(".")[1] for name, _, _ in module.imports() if name.startswith("junto.")}

    assert ours <= MAY_IMPORT[module.part]


@each_module
def test_imports_inside_a_part_are_relative_and_across_parts_are_not(module: Module) -> None:
    inside = f"junto.{module.part}"
    wrong = [
        (name, imported)
        for name, imported, level in module.imports()
        if name.split(".")[0] == "junto" and (f"{name}.".startswith(f"{inside}.")) != bool(level)
    ]

    assert wrong == []


@each_module
def test_across_parts_only_public_names_are_imported(module: Module) -> None:
    faces = {face.name: face for face in FACES}
    wrong = [
        (name, imported)
        for name, imported, level in module.imports()
        if not level
        and name.split(".")[0] == "junto"
        and not (is_door(name) and imported in declared_all(faces[name]))
    ]

    assert wrong == []


@pytest.mark.parametrize("module", [m for m in MODULES if m.part == "core"], ids=str)
def test_core_stands_on_attrs_and_the_standard_library(module: Module) -> None:
    roots = {name.split(".")[0] for name, _, level in module.imports() if not level}
    allowed = (
        GROUND | NEWER | sys.stdlib_module_names | ({"structlog"} if module.name == SHIM else set())
    )
    allowed |= {"pytest"} if module.name in FOR_PYTEST else set()

    assert roots - allowed == set()


def test_junto_is_a_namespace_of_four_parts() -> None:
    for part in MAY_IMPORT:
        assert [path.name for path in (ROOT / part / "junto").iterdir() if path.is_file()] == []
        assert [path.name for path in (ROOT / part / "junto").iterdir()] == [part]
        assert (ROOT / part / "junto" / part / "py.typed").is_file()


@each_face
def test_a_face_lists_all_its_names_once_and_in_order(face: Module) -> None:
    listed = declared_all(face)
    imported = {
        alias.asname or alias.name
        for node in face.tree.body
        if isinstance(node, ast.ImportFrom) and node.level
        for alias in node.names
    }

    # Constants, then classes, then functions, as ruff's RUF022 sorts them.
    assert listed == sorted(set(listed), key=lambda n: (not n.isupper(), n[0].islower(), n))
    assert {name for name in imported if not name.startswith("_")} - set(listed) == set()


@each_face
def test_a_face_has_every_name_that_it_lists(face: Module, alone: dict[str, str]) -> None:
    leave_out_without_extra(alone[face.name])
    namespace = importlib.import_module(face.name)

    assert [name for name in declared_all(face) if not hasattr(namespace, name)] == []


# Forks a process that has only the work of others in it, and imports one module of ours there.
ALONE = """
import importlib, json, os, sys, traceback, warnings

with warnings.catch_warnings(action="ignore"):
    for name in ("attrs", "msgspec", "structlog", "aiohttp", "click", "rich.console", "xllamacpp"):
        try:
            importlib.import_module(name)
        except ImportError:
            pass

errors = {}
for module in sys.argv[1:]:
    read, write = os.pipe()
    if not os.fork():
        with open(write, "w") as pipe:
            try:
                importlib.import_module(module)
            except ModuleNotFoundError as error:
                pipe.write(f"missing {error.name}\\n{traceback.format_exc()}")
            except BaseException:
                pipe.write(traceback.format_exc())
        os._exit(0)
    os.close(write)
    with open(read) as pipe:
        errors[module] = pipe.read()
    os.wait()
print(json.dumps(errors))
"""


@pytest.fixture(scope="session")
def alone() -> dict[str, str]:
    """Return what each module said when it was imported first, warnings being errors."""
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    command = [sys.executable, "-W", "error", "-c", ALONE, *(module.name for module in MODULES)]
    path = os.pathsep.join(str(ROOT / part) for part in MAY_IMPORT)
    answer = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    errors: dict[str, str] = json.loads(answer.stdout)
    return errors


def leave_out_without_extra(error: str) -> None:
    missing = error.partition("\n")[0].removeprefix("missing ").split(".")[0]
    if missing in EXTRAS:
        pytest.skip(f"{missing} is not installed")


@each_module
def test_a_module_can_be_the_first_to_be_imported(module: Module, alone: dict[str, str]) -> None:
    leave_out_without_extra(alone[module.name])

    assert alone[module.name] == ""


def test_the_testing_kits_load_pytest_only_when_it_is_asked_for() -> None:
    code = "import junto.core.testing, sys; print('pytest' in sys.modules)"
    command = [sys.executable, "-c", code]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert answer.strip() == "False"


def test_importing_core_loads_nothing_heavy() -> None:
    code = "import junto.core, sys; print(*{name.split('.')[0] for name in sys.modules})"
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    assert {"aiohttp", "click", "rich", "structlog", "xllamacpp"} & set(loaded) == set()


@each_module
def test_a_file_holds_one_thing(module: Module) -> None:
    path = module.path.relative_to(ROOT).as_posix()
    lines = len(module.path.read_text(encoding="utf-8").splitlines())

    assert lines <= 300 or path in LONG, "move out what belongs elsewhere, or give the reason above"


def test_the_exceptions_for_length_are_still_needed() -> None:
    lines = {path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in LONG}

    assert {path: count for path, count in lines.items() if count <= 300} == {}
