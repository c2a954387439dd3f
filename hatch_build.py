"""Builds the C kernels into the wheel where there is a C compiler. Without one the package is pure Python, and slower on the CPU."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import sys_tags

SOURCE = Path("cxsentiment/encoder/kernels.c")
LIBRARY = Path("cxsentiment/encoder/_kernels.so")
# No contraction of products and sums into one rounding: the same text must give the same bits whatever code the compiler makes.
OPTIONS = ("-O3", "-std=c11", "-ffp-contract=off", "-shared", "-fPIC", "-pthread")


class KernelBuildHook(BuildHookInterface[Any]):
    """Compiles `kernels.c` to a library that is loaded with ctypes, so that one wheel serves all versions of Python."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before the wheel (or the editable install) is put together."""
        root = Path(self.root)
        reason = self._compile(root)
        if reason:
            self.app.display_warning(f"cxsentiment will run without its int8 kernels: {reason}")
            return
        build_data["artifacts"].append(f"/{LIBRARY}")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{next(tag.platform for tag in sys_tags() if 'manylinux' not in tag.platform)}"

    def _compile(self, root: Path) -> str:
        """Puts the library in its place; gives the reason why not, or nothing."""
        compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if platform.machine().lower() not in ("x86_64", "amd64") or sys.platform == "win32":
            return "they are for x86-64 on Linux and macOS"
        if not compiler:
            return "there is no C compiler"
        fresh = root / LIBRARY.with_suffix(".new")
        try:
            command = [*compiler.split(), *OPTIONS, "-o", str(fresh), str(root / SOURCE)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                return f"{compiler} failed: {done.stderr[-500:]}"
            fresh.replace(root / LIBRARY)
        except OSError as error:
            return str(error)
        finally:
            fresh.unlink(missing_ok=True)
        return ""
