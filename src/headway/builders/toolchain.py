"""What this machine builds with."""

import platform
import subprocess
import sys
from pathlib import Path

from headway.builders.recipe import Toolchain


def toolchain() -> Toolchain:
    """Find the Python and the Node that builds use."""
    python = Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return Toolchain(
        python=str(python if python.exists() else Path(sys.executable)),
        python_version=platform.python_version(),
        node_version=_said("node", "--version"),
        machine=platform.machine(),
    )


def _said(*words: str) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
