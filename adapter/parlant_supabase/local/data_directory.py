"""What a local stack keeps on disk, and where."""

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from parlant_supabase import remedies
from parlant_supabase.local.credentials import Credentials
from parlant_supabase.local.errors import LocalStackError
from parlant_supabase.local.ports import Ports, find_free_ports
from parlant_supabase.local.service_user import ServiceUser, make_directory, require_open_path


@dataclass(frozen=True)
class StackDescription:
    """What has to be remembered of a stack, besides its credentials, to start it again."""

    ports: Ports
    locale: str | None
    schemas: tuple[str, ...]
    bootstrapped: bool = False


class DataDirectory:
    """One stack's directory; every entry that the stack makes in it has its name here."""

    def __init__(self, path: Path) -> None:
        # Absolute, as the programs that get it run in directories of their own.
        self.path = path.absolute()
        self.postgres = self.path / "postgres"
        self.logs = self.path / "logs"
        self.scratch = self.path / "scratch"
        self._services = self.path / "services"
        self._credentials = self.path / "credentials.json"
        self._description = self.path / "stack.json"
        self._ignore_list = self.path / ".gitignore"
        self._supervisor_files = (
            self.path / "supervisor.lock",
            self.path / "supervisor.json",
        )

    def log(self, service: str) -> Path:
        """Return the file that a service's output goes to."""
        return self.logs / f"{service}.log"

    def exists(self) -> bool:
        """Say whether a stack was ever started here."""
        return self._credentials.is_file()

    def prepare(self, service_user: ServiceUser | None) -> None:
        """Make the directory, or raise if it cannot be one."""
        require_open_path(self.path.parent, service_user)
        try:
            if self.path.is_dir() and not self.exists() and self._foreign_entry() is not None:
                raise LocalStackError(
                    f"{self.path} already contains {self._foreign_entry()}; choose a new or an "
                    "empty data directory."
                )
            self.path.mkdir(parents=True, exist_ok=True)
            # Root's data directory is entered by the user that Postgres runs as, but not listed.
            mode = 0o700 if service_user is None else 0o711
            for directory in (self.path, self._services):
                directory.mkdir(exist_ok=True)
                directory.chmod(mode)
            for directory in (self.logs, self.scratch):
                directory.mkdir(mode=0o700, exist_ok=True)
            self._ignore_list.write_text("*\n", "utf-8")
        except OSError as error:
            raise LocalStackError(
                f"Cannot write to {self.path} ({error.strerror}); choose another data directory."
            ) from error

    def make_service_directory(self, service: str, service_user: ServiceUser | None) -> Path:
        """Make the directory that a service runs in."""
        directory = self._services / service
        make_directory(directory, service_user)
        return directory

    def start_from(self, other: "DataDirectory") -> None:
        """Copy the cluster and the credentials of a stack that is not running, for other ports."""
        description = other.load_description()
        assert description is not None
        # Unlike shutil, it keeps the owner, who is not root.
        subprocess.run(["cp", "-a", str(other.postgres), str(self.postgres)], check=True)
        self.save_description(replace(description, ports=Ports(*find_free_ports(3))))
        other.load_credentials().save(self._credentials)

    def delete(self) -> None:
        """Delete the stack's data, but nothing that somebody else put into the directory."""
        for entry in self._entries():
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink(missing_ok=True)
        if not any(self.path.iterdir()):
            self.path.rmdir()

    def load_credentials(self) -> Credentials:
        """Return the credentials of the stack that was made here."""
        try:
            return Credentials.load(self._credentials)
        except (OSError, ValueError, TypeError) as error:
            raise self._unreadable(self._credentials) from error

    def create_credentials(self) -> Credentials:
        """Return this stack's credentials, made at its first start."""
        if self.exists():
            return self.load_credentials()
        credentials = Credentials.generate()
        credentials.save(self._credentials)
        return credentials

    def load_description(self) -> StackDescription | None:
        """Return what the last start noted, if there was one."""
        try:
            content = json.loads(self._description.read_text("utf-8"))
            return StackDescription(
                ports=Ports(**content["ports"]),
                locale=content["locale"],
                schemas=tuple(content["schemas"]),
                bootstrapped=content["bootstrapped"],
            )
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise self._unreadable(self._description) from error

    def save_description(self, description: StackDescription) -> None:
        """Note how the stack is started, for the next start."""
        draft = self._description.with_suffix(".new")
        draft.write_text(json.dumps(asdict(description), indent=2) + "\n", "utf-8")
        draft.replace(self._description)

    def plan(self, locale: str | None, schemas: Sequence[str] | None) -> StackDescription:
        """Describe the stack about to be started, on the ports of last time where they are free."""
        _check_schemas(schemas or ())
        known = self.load_description()
        if known is None:
            ports = Ports(*find_free_ports(3))
            return StackDescription(ports, locale, tuple(schemas or ("public",)))
        if locale is not None and known.bootstrapped and locale != known.locale:
            raise LocalStackError(
                f"The data in {self.path} was made with the locale {known.locale or 'C.UTF-8'}; "
                "leave the locale out, or choose another data directory."
            )
        ports = Ports(*find_free_ports(3, preferred=asdict(known.ports).values()))
        return replace(known, ports=ports, schemas=tuple(schemas or known.schemas))

    def _unreadable(self, path: Path) -> LocalStackError:
        delete = remedies.local("stop --delete-data", self.path)
        return LocalStackError(
            f"{path} cannot be read; delete the stack's data with `{delete}` and start anew."
        )

    def _entries(self) -> list[Path]:
        return [
            self.postgres,
            self.logs,
            self.scratch,
            self._services,
            self._description,
            self._ignore_list,
            *self._supervisor_files,
            # Last, as it is what tells a stack's directory from any other.
            self._credentials,
        ]

    def _foreign_entry(self) -> str | None:
        own = set(self._entries())
        return next((entry.name for entry in self.path.iterdir() if entry not in own), None)


def _check_schemas(schemas: Sequence[str]) -> None:
    for schema in schemas:
        if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", schema):
            raise LocalStackError(
                f"{schema!r} cannot be a schema of the API; name one of ASCII letters, digits and "
                "_, and give the option once for each."
            )
