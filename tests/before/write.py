"""Writes the files beside it; run once, with the version whose files are to be kept.

`python -m tests.before.write` with no more than the public names. What is here was written by the
version before the modules moved into rooms; `test_files_of_before.py` reads it with today's. Since
then only this was added: that initial weights are He's, as they all were.
"""

import threading
import time
from contextlib import suppress
from pathlib import Path
from unittest.mock import patch

import jax
import numpy as np
import pandas
from sklearn.pipeline import make_pipeline

import mlp_jax
from mlp_jax.sweeps import configurations

HERE = Path(__file__).parent
rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3))
Y = X[:, 0] * X[:, 1] > 0
SPACE = [
    {"hidden": hidden, "learning_rate": rate, "activation": activation, "patience": patience}
    for hidden in ((3,), (5,), (4, 2))
    for rate, activation, patience in ((0.01, "relu", None), (0.03, "sigmoid", 9))
]
COLUMNS = {"dose": X[:, 0], "site": np.where(X[:, 1] > 0, "upper", "lower"), "count": X[:, 2]}


def swept(**saves):
    """The sweep of the files; with a checkpoint the rest of it."""
    about = {"folds": 2, "epochs": 100, "chunk": 2, "key": 1, "halving": 2, "progress": False}
    with patch.object(configurations, "DEFAULT_SCHEME", "he"):  # which no version could name
        return mlp_jax.sweep(X, Y, SPACE, **(about | saves))


def fitted(**saves):
    """The training of the files; with a checkpoint the rest of it."""
    params = mlp_jax.init(jax.random.key(0), (3, 4, 1), scheme="he")
    adam = mlp_jax.optimizer("adam", learning_rate=0.01)
    about = {"optimizer": adam, "epochs": 3000, "batch_size": 16, "key": 2}
    return mlp_jax.fit(params, X.T, Y[None].astype(float), **(about | saves))


def fitted_whole(**saves):
    """Likewise a training on all examples at once, in float64, with examples to validate by."""
    params = mlp_jax.init(jax.random.key(0), (3, 4, 1), scheme="he", dtype=np.float64)
    about = {"optimizer": "adam", "epochs": 2000, "validation": 0.25, "l2": 1e-3, "key": 2}
    return mlp_jax.fit(params, X.T, Y[None].astype(float), **(about | saves))


def write_training(fit, name):
    """A whole training, and the checkpoint of one that was stopped."""
    state, info = fit()
    leaves = (leaf for layer in state.params for leaf in layer)
    np.savez(HERE / f"{name}.npz", *map(np.asarray, leaves), cost=np.asarray(info.cost))

    def stop(epoch, *_):
        if epoch >= 100:
            raise KeyboardInterrupt

    with suppress(KeyboardInterrupt):
        fit(checkpoint=HERE / name, checkpoint_seconds=1e-6, progress=stop)


def main():
    """All of the files."""
    table = pandas.DataFrame(COLUMNS)
    encoder = mlp_jax.preprocessing.table_encoder(["dose", "count"], ["site"])
    model = mlp_jax.MLPClassifier((4,), max_iter=300, tol=0.0, random_state=0)
    pipeline = make_pipeline(encoder, model).fit(table, np.where(Y, "yes", "no"))
    mlp_jax.save_model(pipeline, HERE / "model.safetensors", target="answer")
    np.save(HERE / "predicted.npy", pipeline.predict_proba(table))
    mlp_jax.save_sweep(swept(), HERE / "sweep.safetensors")

    stop = threading.Event()

    def stop_sweep(done, *_):
        if done > 0:
            stop.set()
            time.sleep(1)  # until the sweep has looked

    swept(checkpoint=HERE / "sweep", cancel=stop, progress=stop_sweep)
    write_training(fitted, "fit")
    write_training(fitted_whole, "fit_whole")


if __name__ == "__main__":
    with jax.enable_x64(True):
        main()
