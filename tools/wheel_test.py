"""Build the package as a release would, and use it where nothing else is installed.

The source distribution is built first and the wheel out of it, so a file missing in either is noticed.
The clean environment gets the locked dependencies of the runtime, the wheel, and no path to this folder.
"""

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def _run(*command: str | Path, cwd: Path) -> None:
    subprocess.run(command, cwd=cwd, check=True, stdin=subprocess.DEVNULL)


def main() -> int:
    """Build, install, use; returns the exit code."""
    with tempfile.TemporaryDirectory(prefix="krakenwire-wheel-") as scratch:
        place = Path(scratch)
        try:
            _build_and_use(place)
        except subprocess.CalledProcessError as exc:
            print(f"wheel test failed: {Path(exc.cmd[0]).name} ended with {exc.returncode}", file=sys.stderr)
            return 1
    print("wheel test passed")
    return 0


def _build_and_use(place: Path) -> None:
    dist, environment = place / "dist", place / "venv"
    _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", dist, ROOT, cwd=place)
    (wheel,) = dist.glob("*.whl")
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    pip = (python, "-m", "pip", "--disable-pip-version-check", "--quiet")
    _run(*pip, "install", "--require-hashes", "-r", ROOT / "requirements" / "runtime.txt", cwd=place)
    _run(*pip, "install", "--no-deps", wheel, cwd=place)
    _run(*pip, "check", cwd=place)
    _without_compiler(place / "pure")
    # -I: the script's folder, the working directory and the environment add nothing to the search path.
    _run(python, "-I", "-W", "error", ROOT / "tools" / "wheel_smoke.py", cwd=place)


def _without_compiler(dist: Path) -> None:
    """Where nothing can be compiled, the wheel is one for every platform."""
    os.environ["KRAKENWIRE_BUILD"] = "pure"
    _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", dist, ROOT, cwd=dist.parent)
    (wheel,) = dist.glob("*.whl")
    if not wheel.name.endswith("-py3-none-any.whl"):
        raise subprocess.CalledProcessError(1, [f"the wheel without a compiler is {wheel.name}"])


if __name__ == "__main__":
    sys.exit(main())
