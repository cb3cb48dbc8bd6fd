"""PostgreSQL and Redis for tests: those that answer, or private ones.

What tests get is their own in either case: a schema in a database, a prefix of keys.  Private
servers lie in a folder, listen on a free port of this machine, write to the disk with every
commit, and can be crashed and started again with the same data.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import secrets
import shutil
import signal
import socket
import string
import subprocess
import tempfile
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import asyncpg  # type: ignore[import-untyped]  # it has no types
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

__all__ = [
    "NoServerError",
    "PrivatePostgres",
    "PrivateRedis",
    "Servers",
    "postgres_refuses",
    "redis_refuses",
]

T = TypeVar("T")

_HOST = "127.0.0.1"
_PROGRAMS = "/usr/lib/postgresql"
_START_SECONDS = 20.0
_LOOK_SECONDS = 0.05


class NoServerError(Exception):
    """There is no server, and none can be started; the text says why."""


class Private:
    """A server of our own; used as a context it is started, and ended with its folder.

    Attributes:
        folder: Where its data are.
        port: Where it listens; the same after a restart.
        pid: Of its process, while it runs.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="junto-server-"))
        self.port = free_port()
        self._user = unprivileged()
        if self._user is not None:
            os.chown(self.folder, *self._user)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        raise NotImplementedError

    @property
    def pid(self) -> int:
        assert self._process is not None, "it does not run"
        return self._process.pid

    def command(self) -> list[str]:
        raise NotImplementedError

    def answers(self) -> bool:
        raise NotImplementedError

    def start(self) -> None:
        """Start it, and wait until it answers."""
        waiting = threading.Event()
        for _ in range(int(_START_SECONDS / _LOOK_SECONDS)):
            # After a crash its children may be there for a moment, and it refuses.
            if self._process is None or self._process.poll() is not None:
                with (self.folder / "log").open("ab") as log:
                    self._process = self._spawn(self.command(), log)
            if self.answers():
                return
            waiting.wait(_LOOK_SECONDS)
        told = (self.folder / "log").read_text(errors="replace")[-500:]
        self.crash()
        msg = f"{self.command()[0]} does not start: {told}"
        raise NoServerError(msg)

    def crash(self) -> None:
        """End it at once, as if the machine's power had failed (but for the machine's cache)."""
        process, self._process = self._process, None
        if process is not None:
            # The children of a PostgreSQL server that is killed end by themselves.
            process.send_signal(signal.SIGKILL)
            process.wait()

    def stop(self) -> None:
        """End it, and wait for that."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def remove(self) -> None:
        """End it, and delete its data."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Any:
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def _spawn(self, command: list[str], log: Any) -> subprocess.Popen[bytes]:
        user, group = self._user if self._user is not None else (None, None)
        extra: list[int] | None = [] if self._user is not None else None
        return subprocess.Popen(
            command,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            user=user,
            group=group,
            extra_groups=extra,
            # A Ctrl+C of the terminal is for the tests, which end it then.
            start_new_session=True,
        )


class PrivatePostgres(Private):
    """A PostgreSQL of our own, of the newest version that is installed."""

    def __init__(self) -> None:
        found = sorted(Path(_PROGRAMS).glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
        initdb = str(found[-1]) if found else shutil.which("initdb")
        if initdb is None:
            raise NoServerError("initdb is not installed")
        self._programs = Path(initdb).resolve().parent
        super().__init__()
        # fsync of the new cluster alone is left out: there is nothing to lose yet.
        options = ["-A", "trust", "-U", "junto", "-E", "UTF8", "--locale=C", "--no-sync"]
        with (self.folder / "log").open("ab") as log:
            made = self._spawn([initdb, "-D", str(self.folder / "data"), *options], log)
        if made.wait():
            told = (self.folder / "log").read_text(errors="replace")[-500:]
            self.remove()
            msg = f"initdb fails: {told}"
            raise NoServerError(msg)

    @property
    def address(self) -> str:
        return f"postgresql://junto@{_HOST}:{self.port}/postgres"

    def command(self) -> list[str]:
        data, where = str(self.folder / "data"), ["-h", _HOST, "-p", str(self.port), "-k", ""]
        return [str(self._programs / "postgres"), "-D", data, *where, "-c", "fsync=on"]

    def answers(self) -> bool:
        return postgres_refuses(self.address) is None


class PrivateRedis(Private):
    """A Redis of our own; it appends every command to its file, and waits for the disk."""

    def __init__(self) -> None:
        program = shutil.which("redis-server")
        if program is None:
            raise NoServerError("redis-server is not installed")
        self._program = program
        super().__init__()

    @property
    def address(self) -> str:
        return f"redis://{_HOST}:{self.port}/0"

    def command(self) -> list[str]:
        options = {"port": self.port, "bind": _HOST, "dir": self.folder, "save": ""}
        options |= {"appendonly": "yes", "appendfsync": "always"}
        flags = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        return [self._program, *flags]

    def answers(self) -> bool:
        return redis_refuses(self.address) is None


class Servers:
    """The servers of a session of tests, found or started when they are first asked for.

    Attributes:
        missing: Why there is no server, by the kind of it.
    """

    def __init__(self) -> None:
        self.missing: dict[str, str] = {}
        self._found: dict[str, str] = {}
        self._ends: list[Callable[[], object]] = []
        letters = "".join(secrets.choice(string.ascii_lowercase) for _ in range(12))
        self.own = f"junto_test_{letters}"
        """A name that no other session has: of a schema, and of keys."""

    def postgres(self) -> str:
        """The address of an empty schema in PostgreSQL.

        Raises:
            NoServerError: There is none.
        """
        standard = [f"postgresql://postgres@{_HOST}:5432/postgres"]
        standard += ["postgresql:///postgres?host=/var/run/postgresql"]
        return self._once("PostgreSQL", "JUNTO_TEST_POSTGRES", standard, self._schema)

    def redis(self) -> str:
        """The address of a Redis, in which only keys that begin with ``own`` are ours.

        Raises:
            NoServerError: There is none.
        """
        standard = [f"redis://{_HOST}:6379/0"]
        return self._once("Redis", "JUNTO_TEST_REDIS", standard, self._keys)

    def close(self) -> None:
        """Take away what was made, and end what was started."""
        while self._ends:
            self._ends.pop()()

    def _once(
        self, kind: str, variable: str, standard: list[str], prepare: Callable[[str], str]
    ) -> str:
        if kind not in self._found and kind not in self.missing:
            try:
                self._found[kind] = prepare(self._reached(kind, variable, standard))
            except NoServerError as error:
                self.missing[kind] = str(error)
        if kind in self.missing:
            raise NoServerError(self.missing[kind])
        return self._found[kind]

    def _reached(self, kind: str, variable: str, standard: list[str]) -> str:
        refuses = postgres_refuses if kind == "PostgreSQL" else redis_refuses
        named = os.environ.get(variable)
        why = ""
        for address in [named] if named else standard:
            if (why := refuses(address) or "") == "":
                return address
        if named:
            msg = f"{kind} does not answer where {variable} points: {why}"
            raise NoServerError(msg)
        try:
            private = PrivatePostgres() if kind == "PostgreSQL" else PrivateRedis()
            self._ends.append(private.remove)
            private.start()
        except (NoServerError, OSError) as error:
            msg = f"{kind} does not answer ({why}), and none can be started: {error}"
            raise NoServerError(msg) from error
        return private.address

    def _schema(self, address: str) -> str:
        in_thread(lambda: postgres_do(address, f"CREATE SCHEMA {self.own}"))
        end = f"DROP SCHEMA {self.own} CASCADE"
        self._ends.append(lambda: in_thread(lambda: postgres_do(address, end)))
        return f"{address}{'&' if '?' in address else '?'}search_path={self.own}"

    def _keys(self, address: str) -> str:
        def end() -> None:
            with redis.Redis.from_url(address) as client:
                for key in client.scan_iter(match=f"{self.own}*", count=1000):
                    client.unlink(key)

        self._ends.append(end)
        return address


def postgres_refuses(address: str) -> str | None:
    """Why there is nothing to work with at an address; nothing if there is."""
    try:
        in_thread(lambda: postgres_do(address, "SELECT 1"))
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def redis_refuses(address: str) -> str | None:
    """The same for Redis."""
    try:
        with redis.Redis.from_url(address, socket_timeout=5, retry=Retry(NoBackoff(), 0)) as client:
            client.ping()
    except (redis.RedisError, OSError) as error:
        return f"{type(error).__name__}: {error}"
    return None


async def postgres_do(address: str, statement: str) -> None:
    connection = await asyncpg.connect(address, timeout=5)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def in_thread(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine in a loop of its own, wherever this is called."""
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(asyncio.run(main()))
        except BaseException as error:  # noqa: BLE001  it is raised where it was called
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def unprivileged() -> tuple[int, int] | None:
    """Who a server runs as where we are the administrator, whom PostgreSQL refuses."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    return None
