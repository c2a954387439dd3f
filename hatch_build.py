"""Builds the C kernels into the wheel where there is a C compiler. Without one the package is pure Python, and slower on the CPU."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = Path("cxsentiment/encoder/kernels.c")
LIBRARY = Path("cxsentiment/encoder/_kernels.so")
# No contraction of products and sums into one rounding: the same text must give the same bits whatever code the compiler makes.
OPTIONS = ("-O3", "-std=c11", "-ffp-contract=off", "-shared", "-fPIC")


class KernelBuildHook(BuildHookInterface[Any]):
    """Compiles `kernels.c` to a library that is loaded with ctypes, so that one wheel serves all versions of Python."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before the wheel (or the editable install) is put together."""
        root = Path(self.root)
        library = root / LIBRARY
        library.unlink(missing_ok=True)
        compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if sys.platform == "win32" or not compiler:
            self.app.display_warning("no C compiler: cxsentiment will run without its int8 kernels")
            return
        done = subprocess.run(
            [*compiler.split(), *OPTIONS, "-o", str(library), str(root / SOURCE)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            self.app.display_warning(f"the int8 kernels could not be compiled, cxsentiment will run without them: {done.stderr[-500:]}")
            return
        build_data["artifacts"].append(f"/{LIBRARY}")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
