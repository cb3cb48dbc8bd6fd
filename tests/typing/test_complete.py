"""Whoever uses junto from its wheel gets a type for each public name."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ..outside import Outside, environment

pytestmark = pytest.mark.timeout(240)


@pytest.mark.parametrize("package", ["junto.core", "junto.advisors", "junto.providers"])
def test_pyright_knows_the_type_of_every_public_symbol(
    outside: Outside, tmp_path: Path, package: str
) -> None:
    pytest.importorskip("pyright", reason="pyright is not installed")
    # For this report pyright asks the Python that is found first.
    path = os.pathsep.join([str(outside.python.parent), os.environ["PATH"]])
    command = [sys.executable, "-m", "pyright", "--verifytypes", package]
    done = subprocess.run(
        [*command, "--ignoreexternal", "--outputjson"],
        cwd=tmp_path,
        env=environment() | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads(done.stdout)["typeCompleteness"]
    told = {
        symbol["name"]: diagnostic["message"]
        for symbol in report["symbols"]
        for diagnostic in symbol.get("diagnostics", ())
        if not symbol["isTypeKnown"] and "partially unknown" not in diagnostic["message"]
    }

    assert Path(report["pyTypedPath"]).is_relative_to(outside.folder)
    assert told == {}
    assert report["completenessScore"] == 1
    assert report["exportedSymbolCounts"]["withKnownType"] > 200
