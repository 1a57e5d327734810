import signal
import sys
from importlib.machinery import ModuleSpec

import pytest

from mlp_jax.cli.importing_jax import import_jax


class Pressed:
    """Finds a jax amid whose import Ctrl-C is pressed."""

    def find_spec(self, name, path=None, target=None):
        return ModuleSpec(name, self) if name == "jax" else None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        signal.raise_signal(signal.SIGINT)
        module.whole = True


@pytest.mark.usefixtures("_interruptible")
def test_ctrl_c_amid_the_import_of_jax_is_heeded_once_it_is_whole(monkeypatch):
    monkeypatch.delitem(sys.modules, "jax")
    monkeypatch.setattr(sys, "meta_path", [Pressed(), *sys.meta_path])
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        import_jax()
    assert sys.modules["jax"].whole
    assert signal.getsignal(signal.SIGINT) is handler
    import_jax()  # of what is there already nothing is imported
