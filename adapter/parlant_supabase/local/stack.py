"""The local stack: Postgres, and for each of its databases a PostgREST and a gateway."""

import http.client
import json
import shutil
import string
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from .credentials import Credentials
from .deployment import push_migrations
from .errors import LocalStackError
from .packages import Programs, find_programs
from .ports import LOOPBACK, Ports, find_free_ports
from .postgres_session import PostgresError, PostgresSession, quote_identifier, quote_literal
from .service_user import (
    ServiceUser,
    choose_service_user,
    make_directory,
    require_open_path,
    write_private_file,
)
from .supervision import SupervisorConnection

ServiceName = Literal["postgres", "postgrest", "gateway"]

MAIN_DATABASE = "postgres"

_SQL_DIRECTORY = Path(__file__).with_name("sql")
_CONFIGURATION_DIRECTORY = Path(__file__).with_name("configuration")
_SUPERUSER = "supabase_admin"
_START_SECONDS = 60.0
_POLL_SECONDS = 0.02
_SCHEMA_LOADED = b"Schema cache loaded"


@dataclass(frozen=True)
class StackLayout:
    """Where things are in a stack's directory."""

    directory: Path

    @property
    def credentials(self) -> Path:
        return self.directory / "credentials.json"

    @property
    def description(self) -> Path:
        return self.directory / "stack.json"

    @property
    def postgres(self) -> Path:
        return self.directory / "postgres"

    @property
    def logs(self) -> Path:
        return self.directory / "logs"

    def log(self, service: str) -> Path:
        return self.logs / f"{service}.log"


@dataclass(frozen=True)
class StackDescription:
    """What has to be remembered of a stack, besides its credentials, to start it again."""

    ports: Ports
    locale: str | None
    schemas: tuple[str, ...]
    bootstrapped: bool

    @classmethod
    def load(cls, path: Path) -> "StackDescription | None":
        try:
            content = json.loads(path.read_text("utf-8"))
            return cls(
                ports=Ports(**content["ports"]),
                locale=content["locale"],
                schemas=tuple(content["schemas"]),
                bootstrapped=content["bootstrapped"],
            )
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise LocalStackError(
                f"{path} cannot be read; delete the stack's data with "
                "`parlant-supabase local stop --delete-data` and start anew."
            ) from error

    def save(self, path: Path) -> None:
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(asdict(self), indent=2) + "\n", "utf-8")
        draft.replace(path)


class StackDatabase:
    """One database of a running stack and the addresses it is reached at."""

    def __init__(
        self,
        name: str,
        *,
        layout: StackLayout,
        credentials: Credentials,
        ports: Ports,
        programs: Programs,
    ) -> None:
        self.name = name
        self._layout = layout
        self._credentials = credentials
        self._ports = ports
        self._programs = programs

    @property
    def url(self) -> str:
        """What a Supabase client takes as its URL: the gateway."""
        return f"http://{LOOPBACK}:{self._ports.gateway}"

    @property
    def rest_url(self) -> str:
        """PostgREST without the gateway: no API key is asked for."""
        return f"http://{LOOPBACK}:{self._ports.postgrest}"

    @property
    def database_url(self) -> str:
        return self._database_url("postgres", self._credentials.postgres_password)

    @property
    def admin_url(self) -> str:
        """The database as superuser, for what a hosted project's owner could not do."""
        return self._database_url(_SUPERUSER, self._credentials.superuser_password)

    @property
    def anon_key(self) -> str:
        return self._credentials.anon_key

    @property
    def service_role_key(self) -> str:
        return self._credentials.service_role_key

    @property
    def publishable_key(self) -> str:
        return self._credentials.publishable_key

    @property
    def secret_key(self) -> str:
        return self._credentials.secret_key

    @property
    def jwt_secret(self) -> str:
        return self._credentials.jwt_secret

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return a signed-in user's JWT, valid for an hour unless the claims say otherwise."""
        return self._credentials.sign(claims)

    def deploy(self, project: Path) -> str:
        """Run `supabase db push` for the project's migrations; return what it printed."""
        output = push_migrations(
            self._programs.supabase, project, self.database_url, self._layout.directory
        )
        self.reload_schema()
        return output

    def reload_schema(self) -> None:
        """Return once PostgREST serves the schema as it is now."""
        # Twice: the first load to be reported may have begun before the last change.
        for _ in range(2):
            self._reload_schema_once()

    def _reload_schema_once(self) -> None:
        log = self._layout.log(self._service("postgrest"))
        seen = log.stat().st_size

        def reloaded() -> bool:
            with log.open("rb") as stream:
                stream.seek(seen)
                return _SCHEMA_LOADED in stream.read()

        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            # Again and again, as nobody hears it while PostgREST is connecting.
            with self._superuser_session() as session:
                session.execute("notify pgrst, 'reload schema'")
            if _poll(reloaded, seconds=2):
                return
        raise LocalStackError(f"PostgREST did not reload its schema; its log is {log}.")

    def _superuser_session(self) -> PostgresSession:
        return PostgresSession(
            self._ports.postgres, _SUPERUSER, self._credentials.superuser_password, self.name
        )

    def _database_url(self, role: str, password: str) -> str:
        return f"postgresql://{role}:{password}@{LOOPBACK}:{self._ports.postgres}/{self.name}"

    def _service(self, service: ServiceName) -> str:
        """Return the supervisor's name for this database's service."""
        if self.name == MAIN_DATABASE or service == "postgres":
            return service
        return f"{service}-{self.name}"

    def _accepts_connections(self) -> bool:
        try:
            with self._superuser_session():
                return True
        except (OSError, PostgresError):
            return False

    def _answers(self) -> bool:
        """Say whether a request through the gateway reaches the database."""
        connection = http.client.HTTPConnection(LOOPBACK, self._ports.gateway, timeout=5)
        try:
            connection.request("GET", "/rest/v1/", headers={"apikey": self.anon_key})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class SupervisedDatabase(StackDatabase):
    """A database whose services this process may start, restart and end."""

    def __init__(
        self,
        name: str,
        *,
        layout: StackLayout,
        credentials: Credentials,
        ports: Ports,
        programs: Programs,
        supervisor: SupervisorConnection,
        service_user: ServiceUser | None,
    ) -> None:
        super().__init__(
            name, layout=layout, credentials=credentials, ports=ports, programs=programs
        )
        self._supervisor = supervisor
        self._service_user = service_user

    def restart(self, service: ServiceName, *, kill: bool = False) -> None:
        """End a service, with SIGKILL if asked to, start it again, wait until it answers."""
        self._supervisor.restart(self._service(service), kill=kill)
        self._wait_for(service)

    def _wait_for(self, service: ServiceName) -> None:
        def ready() -> bool:
            if self._supervisor.state_of(self._service(service)) == "failed":
                raise self._start_error(service, "ended at once")
            return self._accepts_connections() if service == "postgres" else self._answers()

        if not _poll(ready, seconds=_START_SECONDS):
            raise self._start_error(service, f"did not answer within {_START_SECONDS:.0f} seconds")
        if service == "postgres" and not _poll(self._answers, seconds=_START_SECONDS):
            raise self._start_error("postgrest", "did not find the database again")

    def _start_error(self, service: ServiceName, problem: str) -> LocalStackError:
        log = self._layout.log(self._service(service))
        return LocalStackError(f"{service} {problem}: {_last_line(log)} (its log is {log}).")

    def _start_api(self, schemas: Sequence[str]) -> None:
        """Start this database's PostgREST and gateway and wait until they answer."""
        credentials = self._credentials
        uri = self._database_url("authenticator", credentials.authenticator_password)
        self._start_configured(
            "postgrest",
            lambda configuration: [str(self._programs.postgrest), str(configuration)],
            port=self._ports.postgrest,
            uri=uri,
            schemas=", ".join(schemas),
            jwt_secret=credentials.jwt_secret,
        )
        self._start_configured(
            "gateway",
            lambda configuration: [
                *(str(self._programs.nginx), "-e", "stderr"),
                *("-p", str(configuration.parent), "-c", configuration.name),
            ],
            port=self._ports.gateway,
            postgrest_port=self._ports.postgrest,
            anon_key=credentials.anon_key,
            service_role_key=credentials.service_role_key,
            publishable_key=credentials.publishable_key,
            secret_key=credentials.secret_key,
        )
        self._wait_for("gateway")

    def _start_configured(
        self,
        service: Literal["postgrest", "gateway"],
        command: Callable[[Path], list[str]],
        **values: object,
    ) -> None:
        name = self._service(service)
        directory = self._layout.directory / name
        make_directory(directory, self._service_user)
        program = {"postgrest": "postgrest", "gateway": "nginx"}[service]
        template = (_CONFIGURATION_DIRECTORY / f"{program}.conf").read_text("utf-8")
        configuration = directory / f"{program}.conf"
        write_private_file(
            configuration, _Configuration(template).substitute(values), self._service_user
        )
        self._supervisor.start(
            name,
            command(configuration),
            directory=directory,
            log=self._layout.log(name),
            user=self._service_user,
        )

    def _bootstrap(self) -> None:
        """Give this database what a hosted project's has before its first migration."""
        with self._superuser_session() as session:
            session.execute((_SQL_DIRECTORY / "database.sql").read_text("utf-8"))


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

        `durable` keeps fsync on, for measurements that a user could repeat. `locale` is an ICU
        locale such as `en-US`; by default text sorts by code point. `schemas` are those that
        PostgREST exposes.
        """
        directory = Path(tempfile.mkdtemp(prefix="parlant-supabase-"))
        try:
            return cls._boot(
                directory,
                durable=durable,
                locale=locale,
                schemas=schemas,
                remove_directory=True,
            )
        except BaseException:
            # Where there was no supervisor yet to do it.
            shutil.rmtree(directory, ignore_errors=True)
            raise

    @classmethod
    def open(
        cls, directory: Path, *, locale: str | None = None, schemas: Sequence[str] = ("public",)
    ) -> "LocalStack":
        """Boot a stack whose data stays in the directory, after making it there if need be.

        `locale` and `schemas` matter for a new one only. Raises SupervisorLockedError when the stack
        in the directory is running.
        """
        return cls._boot(
            directory, durable=True, locale=locale, schemas=schemas, remove_directory=False
        )

    def __enter__(self) -> "LocalStack":
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every process of the stack and wait until they are gone."""
        self._supervisor.end()

    def detach(self) -> None:
        """Let the stack go on in the background after this process has ended."""
        self._supervisor.detach()

    def create_database(
        self, name: str, *, locale: str | None = None, schemas: Sequence[str] = ("public",)
    ) -> SupervisedDatabase:
        """Make a further database with an API of its own, set up like the main one."""
        with self._superuser_session() as session:
            session.execute(
                f"create database {quote_identifier(name)} owner postgres template template0 "
                f"encoding 'UTF8' {_locale_clause(locale)}"
            )
        _, postgrest_port, gateway_port = find_free_ports(3, preferred=[self._ports.postgres])
        database = SupervisedDatabase(
            name,
            layout=self._layout,
            credentials=self._credentials,
            ports=Ports(self._ports.postgres, postgrest_port, gateway_port),
            programs=self._programs,
            supervisor=self._supervisor,
            service_user=self._service_user,
        )
        database._bootstrap()
        database._start_api(schemas)
        return database

    def drop_database(self, database: SupervisedDatabase) -> None:
        """Drop a further database and end its API."""
        for service in ("gateway", "postgrest"):
            self._supervisor.stop(database._service(service))
        with self._superuser_session() as session:
            session.execute(f"drop database {quote_identifier(database.name)} with (force)")

    @classmethod
    def _boot(
        cls,
        directory: Path,
        *,
        durable: bool,
        locale: str | None,
        schemas: Sequence[str],
        remove_directory: bool,
    ) -> "LocalStack":
        layout = StackLayout(directory)
        service_user = choose_service_user(layout.postgres)
        programs = find_programs(service_user)
        _prepare_directory(layout, service_user)
        supervisor = SupervisorConnection(directory, remove_directory=remove_directory)
        try:
            description = _describe(layout, locale, schemas)
            credentials = _load_credentials(layout)
            stack = cls(
                MAIN_DATABASE,
                layout=layout,
                credentials=credentials,
                ports=description.ports,
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
            self._initialize_cluster(description.locale, durable=durable)
        self._start_postgres(durable=durable)
        if not description.bootstrapped:
            self._bootstrap_cluster()
            description = StackDescription(
                description.ports, description.locale, description.schemas, bootstrapped=True
            )
        description.save(self._layout.description)
        self._start_api(description.schemas)

    def _initialize_cluster(self, locale: str | None, *, durable: bool) -> None:
        # A half-made cluster that an interrupted first start left behind holds nobody's data.
        shutil.rmtree(self._layout.postgres, ignore_errors=True)
        make_directory(self._layout.postgres, self._service_user)
        password_file = self._layout.postgres.with_name("initdb-password")
        write_private_file(password_file, self._credentials.superuser_password, self._service_user)
        log = self._layout.log("initdb")
        provider = ("icu", f"--icu-locale={locale}") if locale else ("builtin", _CODE_POINT_LOCALE)
        try:
            exit_code = self._supervisor.run(
                "initdb",
                [
                    str(self._programs.initdb),
                    f"--pgdata={self._layout.postgres}",
                    f"--username={_SUPERUSER}",
                    f"--pwfile={password_file}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale=C",
                    f"--locale-provider={provider[0]}",
                    provider[1],
                    "--no-instructions",
                    *([] if durable else ["--no-sync"]),
                ],
                directory=self._layout.postgres,
                log=log,
                user=self._service_user,
            )
        finally:
            password_file.unlink(missing_ok=True)
        if exit_code != 0:
            raise LocalStackError(
                f"initdb could not make a database cluster: {_last_line(log)} (its log is {log})."
            )

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
                *(str(self._programs.postgres), "-D", str(self._layout.postgres)),
                *(f"--{name}={value}" for name, value in settings.items()),
            ],
            directory=self._layout.postgres,
            log=self._layout.log("postgres"),
            user=self._service_user,
            # Fast shutdown; what is thrown away need not be written out first.
            stop_signal="SIGINT" if durable else "SIGQUIT",
        )

        def ready() -> bool:
            if self._supervisor.state_of("postgres") != "running":
                raise self._start_error("postgres", "ended at once")
            return self._accepts_connections()

        if not _poll(ready, seconds=_START_SECONDS):
            raise self._start_error("postgres", "did not answer")

    def _bootstrap_cluster(self) -> None:
        with self._superuser_session() as session:
            session.execute((_SQL_DIRECTORY / "roles.sql").read_text("utf-8"))
            for role, password in (
                ("postgres", self._credentials.postgres_password),
                ("authenticator", self._credentials.authenticator_password),
            ):
                session.execute(f"alter role {role} password {quote_literal(password)}")
            session.execute(f"alter database {MAIN_DATABASE} owner to postgres")
        self._bootstrap()


_CODE_POINT_LOCALE = "--builtin-locale=C.UTF-8"


class _Configuration(string.Template):
    """A configuration file with %{placeholders}, as nginx has its own use for `$`."""

    delimiter = "%"


def _prepare_directory(layout: StackLayout, service_user: ServiceUser | None) -> None:
    try:
        layout.directory.mkdir(parents=True, exist_ok=True)
        # Root's data directory is entered by the user that Postgres runs as, but not listed.
        layout.directory.chmod(0o700 if service_user is None else 0o711)
        layout.logs.mkdir(mode=0o700, exist_ok=True)
        (layout.directory / ".gitignore").write_text("*\n", "utf-8")
    except OSError as error:
        raise LocalStackError(
            f"Cannot write to {layout.directory} ({error.strerror}); choose another data directory."
        ) from error
    require_open_path(layout.directory, service_user)


def _describe(layout: StackLayout, locale: str | None, schemas: Sequence[str]) -> StackDescription:
    """Return what is known of an existing stack, or plan a new one, with ports that are free."""
    known = StackDescription.load(layout.description)
    preferred = [] if known is None else list(asdict(known.ports).values())
    ports = Ports(*find_free_ports(3, preferred=preferred))
    if known is None:
        return StackDescription(ports, locale, tuple(schemas), bootstrapped=False)
    return StackDescription(ports, known.locale, known.schemas, known.bootstrapped)


def _load_credentials(layout: StackLayout) -> Credentials:
    if layout.credentials.exists():
        return Credentials.load(layout.credentials)
    credentials = Credentials.generate()
    credentials.save(layout.credentials)
    return credentials


def _locale_clause(locale: str | None) -> str:
    if locale is None:
        return "locale_provider builtin builtin_locale 'C.UTF-8' locale 'C'"
    return f"locale_provider icu icu_locale {quote_literal(locale)} locale 'C'"


def _poll(condition: Callable[[], bool], *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text("utf-8", errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return lines[-1].strip() if lines else "it wrote nothing to its log"
