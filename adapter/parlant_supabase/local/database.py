"""One database of a local stack, with a PostgREST and a gateway of its own."""

import http.client
import string
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from parlant_supabase.local.credentials import Credentials
from parlant_supabase.local.data_directory import DataDirectory
from parlant_supabase.local.db_push import push_migrations
from parlant_supabase.local.errors import LocalStackError
from parlant_supabase.local.packages import Programs
from parlant_supabase.local.ports import LOOPBACK, Ports
from parlant_supabase.local.service_user import ServiceUser, write_private_file
from parlant_supabase.local.supervision import SupervisorConnection

if TYPE_CHECKING:
    import psycopg

ServiceName = Literal["postgres", "postgrest", "gateway"]

MAIN_DATABASE = "postgres"
SUPERUSER = "supabase_admin"
SQL_DIRECTORY = Path(__file__).with_name("sql")

_CONFIGURATION_DIRECTORY = Path(__file__).with_name("configuration")
_START_SECONDS = 60.0
_RELOAD_SECONDS = 2.0
_POLL_SECONDS = 0.02
_SCHEMA_LOADED = b"Schema cache loaded"


class StackDatabase:
    """The addresses and keys of one database of a running stack."""

    def __init__(self, name: str, *, credentials: Credentials, ports: Ports) -> None:
        self.name = name
        self._credentials = credentials
        self._ports = ports

    @property
    def url(self) -> str:
        """What a Supabase client takes as its URL: the gateway."""
        return f"http://{LOOPBACK}:{self._ports.gateway}"

    @property
    def rest_url(self) -> str:
        """PostgREST without the gateway: no API key is asked for."""
        return f"http://{LOOPBACK}:{self._ports.postgrest}"

    @property
    def gateway_port(self) -> int:
        """The port of the gateway alone."""
        return self._ports.gateway

    @property
    def database_address(self) -> str:
        """Postgres's host and port, without any secret."""
        return f"{LOOPBACK}:{self._ports.postgres}"

    @property
    def database_url(self) -> str:
        """The database as the role `postgres`, the owner of a hosted project."""
        return self._database_url("postgres", self._credentials.postgres_password)

    @property
    def admin_url(self) -> str:
        """The database as superuser, for what a hosted project's owner could not do."""
        return self._database_url(SUPERUSER, self._credentials.superuser_password)

    @property
    def anon_key(self) -> str:
        """The JWT of the role `anon`."""
        return self._credentials.anon_key

    @property
    def service_role_key(self) -> str:
        """The JWT of the role `service_role`."""
        return self._credentials.service_role_key

    @property
    def publishable_key(self) -> str:
        """The new style of key for the role `anon`."""
        return self._credentials.publishable_key

    @property
    def secret_key(self) -> str:
        """The new style of key for the role `service_role`."""
        return self._credentials.secret_key

    @property
    def jwt_secret(self) -> str:
        """The secret that JWTs are signed with (HS256)."""
        return self._credentials.jwt_secret

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return a signed-in user's JWT, valid for an hour unless the claims say otherwise."""
        return self._credentials.sign(claims)

    def _database_url(self, role: str, password: str) -> str:
        return f"postgresql://{role}:{password}@{self.database_address}/{self.name}"


class SupervisedDatabase(StackDatabase):
    """A database whose services this process may start, restart and deploy to."""

    def __init__(
        self,
        name: str,
        *,
        credentials: Credentials,
        ports: Ports,
        data: DataDirectory,
        programs: Programs,
        supervisor: SupervisorConnection,
        service_user: ServiceUser | None,
    ) -> None:
        super().__init__(name, credentials=credentials, ports=ports)
        self._data = data
        self._programs = programs
        self._supervisor = supervisor
        self._service_user = service_user

    def deploy(self, project: Path) -> str:
        """Run `supabase db push` for the project's migrations; return what it printed."""
        output = push_migrations(
            self._programs.supabase, project, self.database_url, self._data.scratch
        )
        self.reload_schema()
        return output

    def reload_schema(self) -> None:
        """Return once PostgREST serves the schema as it is now.

        PostgREST follows changes by itself, a tenth of a second later.
        """
        # Twice: the first load to be reported may have begun before the last change.
        for _ in range(2):
            self._reload_schema_once()

    def restart(self, service: ServiceName, *, kill: bool = False) -> None:
        """End a service, with SIGKILL if asked to, start it again, wait until it answers."""
        self._supervisor.restart(self._supervised_name(service), kill=kill)
        if service == "postgres":
            self._wait_for_postgres()
        self._wait_for_api()

    def initialize(self) -> None:
        """Give the new database what a hosted project's has before its first migration."""
        with self._superuser_session() as session:
            session.execute((SQL_DIRECTORY / "database.sql").read_bytes())

    def start_api(self, schemas: Sequence[str]) -> None:
        """Start PostgREST and the gateway and wait until they answer."""
        credentials = self._credentials
        self._start_configured(
            "postgrest",
            "postgrest.conf",
            lambda configuration: [str(self._programs.postgrest), str(configuration)],
            port=self._ports.postgrest,
            uri=self._database_url("authenticator", credentials.authenticator_password),
            schemas=", ".join(schemas),
            jwt_secret=credentials.jwt_secret,
        )
        self._start_configured(
            "gateway",
            "nginx.conf",
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
        self._wait_for_api()

    def stop_api(self) -> None:
        """End PostgREST and the gateway."""
        for service in ("gateway", "postgrest"):
            self._supervisor.stop(self._supervised_name(service))

    def _start_configured(
        self,
        service: Literal["postgrest", "gateway"],
        template_name: str,
        command: Callable[[Path], list[str]],
        **values: object,
    ) -> None:
        name = self._supervised_name(service)
        directory = self._data.make_service_directory(name, self._service_user)
        configuration = directory / template_name
        template = _Configuration((_CONFIGURATION_DIRECTORY / template_name).read_text("utf-8"))
        write_private_file(configuration, template.substitute(values), self._service_user)
        self._supervisor.start(
            name,
            command(configuration),
            directory=directory,
            log=self._data.log(name),
            user=self._service_user,
        )

    def _supervised_name(self, service: str) -> str:
        """Return the supervisor's name for this database's service."""
        if self.name == MAIN_DATABASE or service == "postgres":
            return service
        return f"{service}-{self.name}"

    def _wait_for_postgres(self) -> None:
        import psycopg

        def accepts_connections() -> bool:
            self._require_alive("postgres")
            try:
                with self._superuser_session():
                    return True
            except psycopg.OperationalError:
                return False

        if not _poll(accepts_connections, seconds=_START_SECONDS):
            raise self._failure("postgres", "does not accept connections")

    def _wait_for_api(self) -> None:
        def answers() -> bool:
            self._require_alive("postgrest")
            self._require_alive("gateway")
            return self._answers()

        if not _poll(answers, seconds=_START_SECONDS):
            raise self._failure("postgrest", "does not answer")

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

    def _require_alive(self, service: ServiceName) -> None:
        if self._supervisor.state_of(self._supervised_name(service)) == "failed":
            raise self._failure(service, "ends as soon as it is started")

    def _failure(self, service: ServiceName, problem: str) -> LocalStackError:
        reason = last_complaint(self._data.log(self._supervised_name(service)))
        return LocalStackError(f"{service} {problem}: {reason}")

    def _reload_schema_once(self) -> None:
        log = self._data.log(self._supervised_name("postgrest"))
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
            if _poll(reloaded, seconds=_RELOAD_SECONDS):
                return
        raise self._failure("postgrest", "does not reload its schema")

    def _superuser_session(self) -> "psycopg.Connection":
        """A connection on which each statement is a transaction of its own."""
        import psycopg

        return psycopg.connect(self.admin_url, autocommit=True, connect_timeout=60)


class _Configuration(string.Template):
    """A configuration file with %{placeholders}, as nginx has its own use for `$`."""

    delimiter = "%"


def last_complaint(log: Path) -> str:
    """Return the line of a service's log that says most likely why it failed."""
    try:
        lines = log.read_text("utf-8", errors="replace").strip().splitlines()
    except OSError:
        lines = []
    grave = [line for line in lines if any(word in line for word in ("FATAL", "PANIC", "emerg"))]
    return (grave or lines or ["it wrote nothing to its log"])[-1].strip()


def _poll(condition: Callable[[], bool], *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
