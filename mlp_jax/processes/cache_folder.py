"""Where this library keeps what the next process can use: the platform's folder for such files."""

import os
import sys
from pathlib import Path

VARIABLE = "MLP_JAX_CACHE_DIR"  # of the environment, that names another folder


def cache_folder() -> Path:
    """The folder, whether or not it is there yet; whoever removes it loses time alone."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    if sys.platform == "win32":
        own = os.environ.get("LOCALAPPDATA")
        above = Path(own) if own else Path.home() / "AppData" / "Local"
        return above / "mlp_jax" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "mlp_jax"
    own = os.environ.get("XDG_CACHE_HOME", "")  # which counts only where it is absolute
    return (Path(own) if os.path.isabs(own) else Path.home() / ".cache") / "mlp_jax"
