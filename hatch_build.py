"""Compiles the one compiled module of the package, if that can be done here.

Without a C compiler, or without the headers of Python, the package is built all the same, says so, and is slower: everything that is
compiled exists in Python as well (src/krakenwire/state/side.py). `KRAKENWIRE_BUILD=pure` leaves it out, `KRAKENWIRE_BUILD=compiled`
fails where it cannot be built.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import sys_tags

SOURCE = "src/krakenwire/state/_side.c"
MODULE = "krakenwire.state._side"


class CompiledSide(BuildHookInterface):  # type: ignore[type-arg]
    """Called by hatchling for wheels and editable installations."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 (hatchling gives it)
        """Compile into the source folder, and have the wheel named after the platform that it is now for."""
        root = Path(self.root)
        for old in (root / SOURCE).parent.glob("_side.*.so"):
            old.unlink()
        wanted = os.environ.get("KRAKENWIRE_BUILD", "")
        if wanted == "pure":
            return
        built = compile_side(root)
        if built is None:
            if wanted == "compiled":
                raise RuntimeError(f"{SOURCE} could not be compiled; the compiler's words stand above")
            self.app.display_warning(
                "krakenwire: no working C compiler here; installing the slower, pure Python package"
            )
            return
        build_data["artifacts"].append(f"/{built.relative_to(root).as_posix()}")
        build_data["pure_python"] = False
        build_data["tag"] = _tag()


def compile_side(root: Path) -> Path | None:
    """The compiled module beside its source, or None."""
    if sys.implementation.name != "cpython":
        return None
    try:
        from setuptools import (  # type: ignore[import-untyped]  # noqa: PLC0415 (only needed to compile)
            Distribution,
            Extension,
        )
        from setuptools.command.build_ext import (  # type: ignore[import-untyped]  # noqa: PLC0415
            build_ext,
        )
    except ImportError:
        return None
    extension = Extension(MODULE, [str(root / SOURCE)], py_limited_api=True, optional=True)
    command = build_ext(Distribution({"name": "krakenwire", "ext_modules": [extension]}))
    with tempfile.TemporaryDirectory(prefix="krakenwire-build-") as scratch:
        command.build_lib = command.build_temp = scratch
        command.ensure_finalized()
        command.run()
        built = Path(command.get_ext_fullpath(MODULE))
        if not built.is_file():
            return None
        target = root.joinpath(SOURCE).with_name(built.name)
        target.write_bytes(built.read_bytes())
    target.chmod(0o755)
    return target


def _tag() -> str:
    """One build serves every CPython from 3.11 on; the platform is this one."""
    return next(
        str(tag)
        for tag in sys_tags()
        if (tag.interpreter, tag.abi) == ("cp311", "abi3")
        and not tag.platform.startswith(("manylinux", "musllinux"))
    )
