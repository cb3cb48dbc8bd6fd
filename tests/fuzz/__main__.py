"""`make fuzz`: look for input that breaks a law of reading, or that costs more than its length.

What is found is written to `.fuzz/`, with the command that reads it again.  New kinds of input
are kept there too, and the next run goes on with them.
"""

import argparse
import hashlib
import logging
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from random import Random

HERE = Path(".fuzz")
CORPUS = HERE / "corpus"


def main() -> int:
    """Do what the command line says; return the exit status."""
    parser = argparse.ArgumentParser("make fuzz ARGS=…", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="how long to look for input")
    parser.add_argument("file", nargs="*", type=Path, help="only read these once more")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    if arguments.file:
        return again(arguments.file)
    # The fuzzer has to be there when a module is imported, so that measuring goes apart.
    growth = subprocess.run([sys.executable, "-m", "tests.fuzz.growth"], check=False)
    return growth.returncode or hunt(arguments.seconds)


def again(files: Iterable[Path]) -> int:
    """Hold the laws for files that were found; one that breaks them ends it with a traceback."""
    from .laws import check

    for file in files:
        check(file.read_bytes())
        print(f"{file}: the laws hold")
    return 0


def hunt(seconds: int) -> int:
    """Let the fuzzer look for that long; it ends the process itself."""
    import atheris  # type: ignore[import-untyped]  # of an environment of its own

    with atheris.instrument_imports(include=["junto"]):
        from . import laws
    from .mutations import JUNK, mutated, seeds_for

    CORPUS.mkdir(parents=True, exist_ok=True)
    names = list(laws.CHECKS)
    for number, law in enumerate(names):
        for name, body in seeds_for(law).items():
            (CORPUS / _digest(f"{law} {name}".encode())).write_bytes(bytes([number, 0]) + body)
    tokens = HERE / "tokens.txt"
    tokens.write_text("".join([f'"{_escaped(junk)}"\n' for junk in JUNK if len(junk) < 60]))

    def once(data: bytes) -> None:
        try:
            laws.check(data)
        except BaseException:
            file = HERE / f"crash-{_digest(data)}"
            file.write_bytes(data)
            law = names[data[0] % len(names)] if len(data) > 1 else names[0]
            print(f"\n{file}: the law {law!r} does not hold for {data[2:]!r}")
            print(f"To read it once more: make fuzz ARGS={file}", flush=True)
            raise

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        chance = Random(seed)
        if chance.random() < 0.3 or len(data) < 3:
            return bytes(atheris.Mutate(data, most))
        return (data[:2] + mutated(data[2:], chance))[:most]

    options = {
        "max_total_time": seconds,
        "artifact_prefix": f"{HERE}/",
        "dict": tokens,
        "max_len": 1 << 14,  # bytes
        "timeout": 20,  # seconds for one input
        "rss_limit_mb": 2048,
        "print_final_stats": 1,
    }
    flags = [f"-{name}={value}" for name, value in options.items()]
    atheris.Setup([sys.argv[0], str(CORPUS), *flags], once, custom_mutator=mutate)
    atheris.Fuzz()
    return 0


def _digest(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()  # as the fuzzer names its files


def _escaped(junk: bytes) -> str:
    return "".join([f"\\x{byte:02x}" for byte in junk])


if __name__ == "__main__":
    sys.exit(main())
