"""A PostgreSQL to test vectors with: one that answers, and what it has of pgvector."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import uuid4

import asyncpg  # type: ignore[import-untyped]  # it carries no types
import pytest

ADDRESS = os.environ.get("JUNTO_TEST_POSTGRES") or "postgresql://postgres@127.0.0.1/postgres"

# So much of pgvector as the store uses; enough to run its SQL on any server.
STAND_IN = """
    CREATE DOMAIN vector AS real[];
    CREATE FUNCTION negative_product(a vector, b vector) RETURNS double precision
        LANGUAGE sql IMMUTABLE STRICT
        AS 'SELECT -sum(x::float8 * y) FROM unnest(a::real[], b::real[]) AS t(x, y)';
    CREATE OPERATOR <#> (LEFTARG = vector, RIGHTARG = vector, PROCEDURE = negative_product);
"""


async def run(address: str, *statements: str) -> Any:
    """Run statements one after the other; the last one's first value is returned."""
    connection = await asyncpg.connect(address, timeout=5)
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        return await connection.fetchval(statements[-1])
    finally:
        await connection.close()


@contextmanager
def database() -> Iterator[str]:
    """The address of a new database, which is dropped in the end; else the test is skipped."""
    name = f"junto_vectors_{uuid4().hex}"
    try:
        asyncio.run(run(ADDRESS, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"))
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        pytest.skip(
            f"no PostgreSQL to make databases in: {error!r} (JUNTO_TEST_POSTGRES names one)"
        )
    try:
        yield urlunsplit(urlsplit(ADDRESS)._replace(path=f"/{name}"))
    finally:
        asyncio.run(run(ADDRESS, f"DROP DATABASE {name} WITH (FORCE)"))


def with_pgvector(address: str) -> None:
    """Have pgvector in the database; else the test is skipped."""
    found = "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'"
    if not asyncio.run(run(address, found)):
        pytest.skip("this PostgreSQL has no pgvector (on Debian: postgresql-VERSION-pgvector)")
    asyncio.run(run(address, "CREATE EXTENSION vector", "SELECT 1"))


def with_stand_in(address: str) -> None:
    """Have so much of pgvector in the database as the store uses."""
    asyncio.run(run(address, STAND_IN, "SELECT 1"))


def schema(address: str) -> str:
    """The address with a new schema in front, for tables of one test."""
    name = f"s{uuid4().hex}"
    asyncio.run(run(address, f"CREATE SCHEMA {name}", "SELECT 1"))
    mark = "&" if "?" in address else "?"
    return f"{address}{mark}search_path={quote(f'{name},public')}"
