"""Reading the store's database itself, where this process may: one query in place of thousands.

MLflow's client makes an object of each point and asks for each metric of each run by itself. Only
reading happens here; whatever changes the store goes through MLflow. SQLite is read without
importing mlflow, which takes seconds; other databases through SQLAlchemy, which mlflow brings.
"""

import logging
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote, urlsplit

from experiments.core.errors import StoreError
from experiments.core.settings import Settings
from experiments.tracking.store import Store, unreachable

T = TypeVar("T")
Row = Sequence[Any]

_DATABASES = ("postgresql", "mysql", "sqlite")
#: What is read of MLflow's tables. `key` is a reserved word in MySQL, but not behind a dot.
_EXPECTED = (
    "SELECT r.run_uuid, r.name, r.status, r.start_time, r.end_time, r.lifecycle_stage,"
    " r.experiment_id FROM runs r WHERE 1 = 0",
    "SELECT m.run_uuid, m.key, m.step, m.value, m.timestamp, m.is_nan FROM metrics m WHERE 1 = 0",
    "SELECT m.run_uuid, m.key, m.step, m.value, m.timestamp, m.is_nan FROM latest_metrics m"
    " WHERE 1 = 0",
    "SELECT p.run_uuid, p.key, p.value FROM params p WHERE 1 = 0",
    "SELECT t.run_uuid, t.key, t.value FROM tags t WHERE 1 = 0",
    "SELECT e.experiment_id, e.name, e.lifecycle_stage FROM experiments e WHERE 1 = 0",
)
_STEP_INDEX = "index_metrics_run_uuid_key_step"
_IDS_A_QUERY = 500  # SQLite takes some 32,000 parameters, other databases fewer


class Database(NamedTuple):
    """A snapshot of the database: every query sees the store as it was at the first one.

    ``step_index`` is what SQLite has to be told, since without ``ANALYZE`` it takes another index
    of the metrics, which is a hundred times slower.
    """

    rows: Callable[[str, Mapping[str, Any]], Iterable[Row]]
    step_index: str = ""


@contextmanager
def open_database(store: Store) -> Iterator[Database | None]:
    """The store's database for reading, or None where only MLflow's client leads to it.

    None as well before an embedded database is made, and where its tables are not those that are
    known here (another version of MLflow). Raises StoreError if it cannot be read.
    """
    settings = store.settings
    if not is_direct(settings):
        yield None
    elif settings.database is not None:
        if not settings.database.exists():
            yield None
            return
        with _sqlite(settings) as database:
            yield database
    else:
        with _sqlalchemy(settings) as database:
            yield database


def is_direct(settings: Settings) -> bool:
    """Whether the address is one of a database that can be read here."""
    return urlsplit(settings.tracking_uri).scheme.split("+")[0] in _DATABASES


def change_stamp(settings: Settings) -> tuple[int, ...] | None:
    """Something that differs after every change of an embedded store; None for other stores."""
    if settings.database is None:
        return None
    stamp: list[int] = []
    for suffix in ("", "-wal"):
        try:
            file = os.stat(f"{settings.database}{suffix}")
            stamp += (file.st_mtime_ns, file.st_size)
        except FileNotFoundError:
            stamp += (0, 0)
    return tuple(stamp)


def chunks(items: Sequence[T], size: int = _IDS_A_QUERY) -> Iterator[Sequence[T]]:
    """The items in portions that fit into one query."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def among(name: str, values: Sequence[object]) -> tuple[str, dict[str, object]]:
    """The right side of an IN with a parameter for each value, and the parameters."""
    parameters = {f"{name}{number}": value for number, value in enumerate(values)}
    return f"({', '.join(f':{key}' for key in parameters)})", parameters


@contextmanager
def _sqlite(settings: Settings) -> Iterator[Database | None]:
    # autocommit: BEGIN is ours, and there is nothing to commit
    address = f"file:{quote(str(settings.database))}?mode=ro"
    try:
        connection = sqlite3.connect(address, uri=True, timeout=20, isolation_level=None)
    except sqlite3.Error as error:
        raise StoreError(unreachable(settings, error)) from error
    try:
        connection.execute("BEGIN")
        if not _is_known(settings, lambda query: connection.execute(query), sqlite3.Error):
            yield None
            return
        named = connection.execute("SELECT name FROM sqlite_master WHERE name = ?", (_STEP_INDEX,))
        yield Database(
            lambda query, parameters: connection.execute(query, parameters),
            f"INDEXED BY {_STEP_INDEX}" if named.fetchone() else "",
        )
    except sqlite3.Error as error:
        raise StoreError(unreachable(settings, error)) from error
    finally:
        connection.close()


@contextmanager
def _sqlalchemy(settings: Settings) -> Iterator[Database | None]:
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with _engine(settings.tracking_uri).connect() as connection:
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
            if not _is_known(settings, lambda query: connection.execute(text(query)), Exception):
                yield None
                return
            yield Database(lambda query, parameters: connection.execute(text(query), parameters))
    except SQLAlchemyError as error:
        raise StoreError(unreachable(settings, error)) from error


@lru_cache(maxsize=4)
def _engine(uri: str) -> Any:
    from sqlalchemy import create_engine

    return create_engine(uri, pool_pre_ping=True, pool_size=2)


#: Addresses whose tables were found to be as expected (or not).
_known: dict[str, bool] = {}


def _is_known(
    settings: Settings, execute: Callable[[str], object], error_type: type[Exception]
) -> bool:
    if settings.tracking_uri not in _known:
        try:
            for query in _EXPECTED:
                execute(query)
        except error_type as error:
            if "locked" in str(error):
                raise
            logging.getLogger(__name__).warning(
                "The tables of %s are not those of a known MLflow (%s); it is read through "
                "MLflow's client.", settings.tracking_uri, error,
            )  # fmt: skip
            _known[settings.tracking_uri] = False
            return False
        _known[settings.tracking_uri] = True
    return _known[settings.tracking_uri]
