"""Make .venv with the pinned packages and this project in it, or add the packages for `bench`.

    python3 scripts/set_up.py [bench]

`make` runs it with any `python3`, so it must be readable to Python 3.6: the sentence about the
version is its first duty.
"""

import shutil
import subprocess
import sys
from pathlib import Path

if sys.version_info < (3, 10):  # noqa: UP036
    major, minor = sys.version_info[:2]
    sys.exit(
        f"Error: Python 3.10 or later is needed and {sys.executable} is {major}.{minor}; name "
        "another one, such as `make demo PYTHON=python3.12`."
    )

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
REQUIREMENTS = ROOT / "requirements"
LOG = ENVIRONMENT / "pip.log"


def make_environment() -> None:
    """Make the virtual environment, anew if the one that is there does not run."""
    if works():
        return
    try:
        import ensurepip  # noqa: F401
        import venv
    except ImportError:
        package = "python{}.{}-venv".format(*sys.version_info)
        sys.exit(
            f"Error: {sys.executable} cannot make virtual environments; install its venv module "
            f"(on Debian and Ubuntu: `apt install {package}`)."
        )
    try:
        if ENVIRONMENT.exists():
            shutil.rmtree(ENVIRONMENT)
        venv.create(ENVIRONMENT, with_pip=True)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"Error: cannot make the virtual environment {ENVIRONMENT} ({error}).")


def works() -> bool:
    """Say whether the environment was made by this Python, and to its end."""
    try:
        answer = subprocess.run(
            [str(PYTHON), "-c", "import pip, sys; print(sys.version)"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=False,
        )
    except OSError:
        return False
    return answer.stdout.strip() == sys.version


def install_pinned(pins: Path) -> None:
    """Install what a file pins, which is complete."""
    total = sum(line[0].isalnum() for line in pins.read_text("utf-8").splitlines() if line)
    # Without --no-deps, an older pip looks beyond the pins for extras.
    install(total, "--require-hashes", "--no-deps", "--requirement", str(pins))


def install(total: int, *arguments: str) -> None:
    """Run `pip install`, counting the packages; what it prints goes to a log file."""
    last_error = "it gave no reason"
    seen = 0
    with LOG.open("a", encoding="utf-8") as log:
        pip = subprocess.Popen(
            [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert pip.stdout is not None
        for line in pip.stdout:
            log.write(line)
            if line.startswith("ERROR: "):
                last_error = line[len("ERROR: ") :].strip()
            elif line.startswith("Collecting "):
                seen += 1
                show(f"  fetching package {seen} of at most {total}")
            elif line.startswith("Installing collected packages"):
                show("  installing them")
    show("")
    if pip.wait() != 0:
        sys.exit(
            f"Error: pip could not install the packages ({last_error.rstrip('.:')}); check the "
            f"network and pip's settings and run the command again. All it said is in {LOG}."
        )


def show(progress: str) -> None:
    """Replace the line of progress on a terminal."""
    if sys.stdout.isatty():
        print(f"\r\x1b[K{progress}", end="", flush=True)


def main() -> None:
    """Set everything up; what fails is one sentence."""
    if sys.argv[1:] == ["bench"]:
        print("Adding what the benchmarks need ...", flush=True)
        install_pinned(REQUIREMENTS / "bench.txt")
        return
    print("Making .venv with the pinned Python packages (once, some minutes) ...", flush=True)
    make_environment()
    LOG.unlink(missing_ok=True)
    install_pinned(REQUIREMENTS / "dev.txt")
    install(1, "--no-deps", "--no-build-isolation", "--editable", str(ROOT))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nInterrupted; run the command again to go on.")
