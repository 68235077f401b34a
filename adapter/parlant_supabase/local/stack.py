"""The local stack: one Postgres server, and an API for each of its databases."""

import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from parlant_supabase.local.cluster_cache import copy_cluster
from parlant_supabase.local.data_directory import DataDirectory, StackDescription
from parlant_supabase.local.database import (
    MAIN_DATABASE,
    SQL_DIRECTORY,
    SUPERUSER,
    SupervisedDatabase,
    last_complaint,
)
from parlant_supabase.local.driver import require_driver
from parlant_supabase.local.errors import LocalStackError
from parlant_supabase.local.packages import find_programs, require_supported_platform
from parlant_supabase.local.ports import LOOPBACK, Ports, find_free_ports
from parlant_supabase.local.service_user import (
    choose_service_user,
    make_directory,
    write_private_file,
)
from parlant_supabase.local.supervision import SupervisorConnection

if TYPE_CHECKING:
    from psycopg import sql

_DATABASE_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


class LocalStack(SupervisedDatabase):
    """A whole stack; it is also its main database, the one a Supabase project has."""

    @classmethod
    def temporary(
        cls,
        *,
        durable: bool = False,
        locale: str | None = None,
        schemas: Sequence[str] = ("public",),
    ) -> "LocalStack":
        """Boot a stack that is gone, data and all, when this process closes it or ends.

        `durable` keeps fsync on, for measurements that are to hold elsewhere. `locale` is an ICU
        locale such as `en-US`; without it text sorts by code point. `schemas` are those that
        PostgREST exposes.
        """
        with _temporary_directory() as directory:
            return cls._boot(
                DataDirectory(directory),
                durable=durable,
                locale=locale,
                schemas=schemas,
                remove_directory=True,
            )

    @classmethod
    def temporary_deployed(cls, project: Path) -> "LocalStack":
        """Boot a temporary stack to which the project has been deployed.

        The first time it is deployed with `supabase db push`; while neither the project nor the
        stack changes, later stacks start from a copy of that cluster, in a second.
        """

        def make(data: DataDirectory) -> None:
            with cls._boot(
                data, durable=False, locale=None, schemas=None, remove_directory=False
            ) as stack:
                stack.deploy(project)

        with _temporary_directory() as directory:
            data = DataDirectory(directory)
            service_user = choose_service_user(data.postgres)
            data.prepare(service_user)
            copy_cluster(data, project, find_programs(service_user), make)
            return cls._boot(data, durable=False, locale=None, schemas=None, remove_directory=True)

    @classmethod
    def open(
        cls, data: DataDirectory, *, locale: str | None = None, schemas: Sequence[str] | None = None
    ) -> "LocalStack":
        """Boot the stack whose data is, and stays, in the directory; make a new one if need be.

        Raises SupervisorLockedError when it is running already.
        """
        return cls._boot(data, durable=True, locale=locale, schemas=schemas, remove_directory=False)

    def __enter__(self) -> "LocalStack":
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def directory(self) -> Path:
        """Where the stack keeps its data, keys and logs."""
        return self._data.path

    def close(self) -> None:
        """End every process of the stack and wait until they are gone, unless detached."""
        self._supervisor.end()

    def detach(self) -> None:
        """Let the stack go on in the background after this process has ended."""
        self._supervisor.detach()

    def create_database(
        self, name: str, *, locale: str | None = None, schemas: Sequence[str] = ("public",)
    ) -> SupervisedDatabase:
        """Make a further database with an API of its own, set up like the main one."""
        from psycopg import sql

        if not _DATABASE_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no plain database name: {_DATABASE_NAME.pattern}")
        with self._superuser_session() as session:
            session.execute(
                sql.SQL(
                    "create database {} owner postgres template template0 encoding 'UTF8' {}"
                ).format(sql.Identifier(name), self._locale_clause(locale))
            )
        postgrest_port, gateway_port = find_free_ports(2)
        database = SupervisedDatabase(
            name,
            credentials=self._credentials,
            ports=Ports(self._ports.postgres, postgrest_port, gateway_port),
            data=self._data,
            programs=self._programs,
            supervisor=self._supervisor,
            service_user=self._service_user,
        )
        database.initialize()
        database.start_api(schemas)
        return database

    def drop_database(self, database: SupervisedDatabase) -> None:
        """End a further database's API and drop it."""
        from psycopg import sql

        database.stop_api()
        with self._superuser_session() as session:
            session.execute(
                sql.SQL("drop database {} with (force)").format(sql.Identifier(database.name))
            )

    @classmethod
    def _boot(
        cls,
        data: DataDirectory,
        *,
        durable: bool,
        locale: str | None,
        schemas: Sequence[str] | None,
        remove_directory: bool,
    ) -> "LocalStack":
        require_supported_platform()
        require_driver()
        service_user = choose_service_user(data.postgres)
        programs = find_programs(service_user)
        data.prepare(service_user)
        supervisor = SupervisorConnection(data.path, remove_directory=remove_directory)
        try:
            description = data.plan(locale, schemas)
            stack = cls(
                MAIN_DATABASE,
                credentials=data.create_credentials(),
                ports=description.ports,
                data=data,
                programs=programs,
                supervisor=supervisor,
                service_user=service_user,
            )
            stack._start(description, durable=durable)
        except BaseException:
            supervisor.end()
            raise
        return stack

    def _start(self, description: StackDescription, *, durable: bool) -> None:
        if not description.bootstrapped:
            self._make_cluster(description.locale, durable=durable)
        self._start_postgres(durable=durable)
        if not description.bootstrapped:
            self._make_roles()
            self.initialize()
        self._data.save_description(replace(description, bootstrapped=True))
        self.start_api(description.schemas)

    def _make_cluster(self, locale: str | None, *, durable: bool) -> None:
        # A half-made cluster that an interrupted first start left behind holds nobody's data.
        shutil.rmtree(self._data.postgres, ignore_errors=True)
        make_directory(self._data.postgres, self._service_user)
        password_file = self._data.make_service_directory("initdb", self._service_user) / "password"
        write_private_file(password_file, self._credentials.superuser_password, self._service_user)
        log = self._data.log("initdb")
        try:
            exit_code = self._supervisor.run(
                "initdb",
                [
                    str(self._programs.initdb),
                    f"--pgdata={self._data.postgres}",
                    f"--username={SUPERUSER}",
                    f"--pwfile={password_file}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale=C",
                    *self._locale_options(locale),
                    "--no-instructions",
                    *([] if durable else ["--no-sync"]),
                ],
                directory=self._data.postgres,
                log=log,
                user=self._service_user,
            )
        finally:
            password_file.unlink(missing_ok=True)
        if exit_code != 0:
            raise LocalStackError(f"initdb cannot make a database: {last_complaint(log)}")

    def _start_postgres(self, *, durable: bool) -> None:
        settings = {
            "listen_addresses": LOOPBACK,
            "port": self._ports.postgres,
            "unix_socket_directories": "",
            "max_connections": 200,
            "shared_preload_libraries": "pg_stat_statements",
            # A hosted project's limit for roles that have none of their own.
            "statement_timeout": "2min",
            "log_timezone": "UTC",
            "timezone": "UTC",
        }
        if not durable:
            settings |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
        self._supervisor.start(
            "postgres",
            [
                *(str(self._programs.postgres), "-D", str(self._data.postgres)),
                *(f"--{name}={value}" for name, value in settings.items()),
            ],
            directory=self._data.postgres,
            log=self._data.log("postgres"),
            user=self._service_user,
            # Fast shutdown: SIGTERM would wait for every client to leave.
            stop_signal="SIGINT",
        )
        self._wait_for_postgres()

    def _make_roles(self) -> None:
        from psycopg import sql

        with self._superuser_session() as session:
            session.execute((SQL_DIRECTORY / "roles.sql").read_bytes())
            for role, password in (
                ("postgres", self._credentials.postgres_password),
                ("authenticator", self._credentials.authenticator_password),
            ):
                session.execute(
                    sql.SQL("alter role {} password {}").format(
                        sql.Identifier(role), sql.Literal(password)
                    )
                )
            session.execute(
                sql.SQL("alter database {} owner to postgres").format(sql.Identifier(MAIN_DATABASE))
            )

    def _locale_options(self, locale: str | None) -> list[str]:
        if locale is not None:
            return ["--locale-provider=icu", f"--icu-locale={locale}"]
        if self._has_builtin_locales:
            return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        return []

    def _locale_clause(self, locale: str | None) -> "sql.Composable":
        from psycopg import sql

        if locale is not None:
            return sql.SQL("locale_provider icu icu_locale {} locale 'C'").format(
                sql.Literal(locale)
            )
        if self._has_builtin_locales:
            return sql.SQL("locale_provider builtin builtin_locale 'C.UTF-8' locale 'C'")
        return sql.SQL("locale_provider libc locale 'C'")

    @property
    def _has_builtin_locales(self) -> bool:
        return self._programs.postgres_version >= 17


@contextmanager
def _temporary_directory() -> Iterator[Path]:
    """Make a directory, which goes with its stack's supervisor or, before that, with a failure."""
    directory = Path(tempfile.mkdtemp(prefix="parlant-supabase-"))
    try:
        yield directory
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
