"""Does the certificate name the layer of a fault where faults are hard to see?

Yes: 81 faults, each in the layer where it was planted, and no right gradient accused.

A gradient in NumPy, as a student writes it, on networks that hide errors: features of 1e-6 beside
1e3, rows and examples of zeros, weights of zero, regressions that have nearly converged or whose
targets are far from 0, ties of losses of one's own, leaves of one entry, gradients in 16 and 32
bits, and the raw features of the breast-cancer data. Each is certified once as it is, and once with
every fault.

    python experiments/planted_faults.py           # a minute or two
    python experiments/planted_faults.py --small   # three networks
"""

import argparse
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
from faults import (
    RELU,
    TANH,
    Setting,
    exchanged,
    gradient_of,
    more,
    net,
    of_classes,
    of_regression,
    times,
    zero,
)
from sklearn.datasets import load_breast_cancer

import mlp_jax

RESULTS = Path(__file__).parent / "results"


def small_features(dtype):
    rng = np.random.default_rng(1)
    scales = np.array([1e-6, 1e-4, 1e-2, 1.0, 30.0, 1e3])[:, None]
    X, params = scales * rng.normal(size=(6, 20)), net(rng, (6, 5, 4, 1))
    params[0] = (params[0][0] / scales, params[0][1])
    Y = (rng.random((1, 20)) < 0.5) * 1.0
    off = 1.01 if dtype is np.float32 else 1.00001
    faults = {
        "smallest row zero": ("dW", 1, zero(0)),
        "smallest row with its sign turned": ("dW", 1, times(-1, 0)),
        f"second row {off} times": ("dW", 1, times(off, 1)),
        "two small rows exchanged": ("dW", 1, exchanged(0, 1)),
        "one entry of the smallest row doubled": ("dW", 1, times(2, (0, 3))),
        "a unit's dZ forgotten": ("dZ", 2, zero(2)),
    }
    return Setting(mlp_jax.Network("tanh"), params, X, Y, TANH, of_classes, faults, dtype)


def zeros_in_X(activation, hidden):
    rng = np.random.default_rng(2)
    X, params = rng.normal(size=(5, 12)), net(rng, (5, 6, 4, 1), 1.5, bias=0)
    X[2], X[:, :3] = 0, 0  # a feature, and three examples
    Y = (rng.random((1, 12)) < 0.5) * 1.0
    faults = {
        "the row of the missing feature filled": ("dW", 1, lambda dW: dW + 1e-9 * (dW == 0)),
        "an example counted twice": ("dZ", 3, times(2, (slice(None), 5))),
        "examples of zeros left out of db": ("dZ", 3, zero((slice(None), slice(0, 3)))),
        "bias 1 % off": ("db", 2, times(1.01)),
    }
    return Setting(mlp_jax.Network(activation), params, X, Y, hidden, of_classes, faults)


def own_slope(zeros):
    """(sin, 2 cos), where it cannot be told from the values at z = 0 alone: the library's own."""
    rng = np.random.default_rng(3)
    X, params = rng.normal(size=(4, 9)), net(rng, (4, 5, 1), bias=0)
    if zeros == "weights":
        params[0] = (0 * params[0][0], params[0][1])
    else:
        X[:, 0] = 0
    sine = (np.sin, np.cos)
    faults = {
        f"f' = 2 cos, {zeros} of zeros": ("dZ", 1, times(2)),
        f"f' = -cos, {zeros} of zeros": ("dZ", 1, times(-1)),
    }
    network = mlp_jax.Network((jnp.sin, jnp.cos), "squared_error")
    Y = rng.normal(size=(1, 9))
    return Setting(network, params, X, Y, sine, of_regression, faults)


def zero_weights():
    rng = np.random.default_rng(4)
    X, params = rng.normal(size=(4, 9)), net(rng, (4, 5, 3, 2))
    params[1] = (0 * params[1][0], params[1][1])  # so that dJ/dW[1] is 0
    faults = {
        "dW[1] filled": ("dW", 1, more(1e-7)),
        "dW[2] without its sign": ("dW", 2, np.abs),
        "db[2] averaged": ("db", 2, times(1 / 9)),
        "dZ[3] of one output lost": ("dZ", 3, zero(1)),
    }
    Y = (rng.random((2, 9)) < 0.5) * 1.0
    return Setting(mlp_jax.Network("tanh"), params, X, Y, TANH, of_classes, faults)


def nearly_converged(steps):
    """The line y = 2x + 1 without noise, after so many steps of descent from 0."""
    x = np.linspace(-1, 1, 10)[None]
    Y, W, b = 2 * x + 1, 0.0, 0.0
    for _ in range(steps):
        dZ = (W * x + b - Y) / 10
        W, b = W - 0.5 * (dZ @ x.T).item(), b - 0.5 * dZ.sum().item()
    params = [(np.full((1, 1), W), np.full((1, 1), b))]
    told = {
        "1/m missing": ("dZ", 1, times(10)),
        "0.1 % off": ("dW", 1, times(1.001)),
        "the sign turned": ("dZ", 1, times(-1)),
    }
    faults = told if steps < 90 else {"something added": ("dW", 1, more(1e-6))}
    network = mlp_jax.Network(loss="squared_error")
    return Setting(network, params, x, Y, RELU, of_regression, faults)


def far_targets(dtype):
    """Targets 2000 ± 10, of which the last bias has learned the mean."""
    rng = np.random.default_rng(5)
    X, params = rng.normal(size=(3, 40)), net(rng, (3, 6, 1))
    Y = 2000 + 10 * rng.normal(size=(1, 40))
    params[-1] = (5 * params[-1][0], params[-1][1] + 2000)
    faults = {
        "dZ[1] doubled": ("dZ", 1, times(2)),
        "a row 1 % off": ("dW", 1, times(1.01, 1)),
        "a - y of the mean": ("dZ", 2, lambda dZ: dZ - dZ.mean() + dZ.dtype.type(0.05)),
        "half of dW[2]": ("dW", 2, times(0.5)),
    }
    network = mlp_jax.Network("tanh", "squared_error")
    return Setting(network, params, X, Y, TANH, of_regression, faults, dtype)


def _distance(Z, Y):
    return jnp.abs(Z - Y)


def _hinge(Z, Y):
    return jnp.maximum(1 - Z * Y, 0)


def _margin(Z, Y):
    return jnp.max(Z + 1 - Y, axis=0) - jnp.sum(Y * Z, axis=0)  # Crammer and Singer's


def _first_of_largest(Z, Y):
    return np.eye(len(Z))[:, np.argmax(Z + 1 - Y, axis=0)] - Y


TIES = {  # the loss, its dL/dZ as a student has it at a tie, Y of (outputs, examples)
    "distance": (_distance, lambda Z, Y: np.sign(Z - Y), 1),
    "hinge": (_hinge, lambda Z, Y: np.where(Z * Y < 1, -Y, 0), 1),
    "margin": (_margin, _first_of_largest, 3),
}


def ties(name):
    """Four examples of zeros and no biases: Z[L] = 0, and the labels make a tie of it."""
    loss, error, outputs = TIES[name]
    rng = np.random.default_rng(6)
    X, params = rng.normal(size=(4, 13)), net(rng, (4, 5, 4, outputs), bias=0)
    X[:, :4] = 0
    if name == "distance":
        Y = rng.normal(size=(1, 13))
        Y[:, :4] = 0
    elif name == "hinge":
        params[-1] = (params[-1][0], np.ones((1, 1)))
        Y = np.where(rng.random((1, 13)) < 0.5, -1.0, 1.0)
        Y[:, :4] = 1
    else:
        Y = np.eye(3)[:, rng.integers(0, 3, 13)]
    faults = {
        "0.1 % in layer 1": ("dW", 1, times(1.001)),
        "0.1 % in one entry of layer 2": ("dW", 2, times(1.001, (1, 2))),
        "db[2] 1 % off": ("db", 2, times(1.01)),
        "dZ doubled in layer 3": ("dZ", 3, times(2)),
    }
    network = mlp_jax.Network("tanh", mlp_jax.own_loss(loss))
    return Setting(network, params, X, Y, TANH, error, faults)


def one_by_one():
    rng = np.random.default_rng(7)
    X, params = rng.normal(size=(1, 8)), net(rng, (1, 1, 1, 1))
    faults = {
        "W[2] and b[2] thrice": ("dZ", 2, times(3)),
        "W[1] 0.7 times": ("dW", 1, times(0.7)),
        "b[3] moved": ("db", 3, more(0.1)),
        "W[3] with its sign turned": ("dW", 3, times(-1)),
    }
    Y = (rng.random((1, 8)) < 0.5) * 1.0
    return Setting(mlp_jax.Network("tanh"), params, X, Y, TANH, of_classes, faults)


def of_dtype(dtype):
    rng = np.random.default_rng(8)
    X, params = rng.normal(size=(4, 16)), net(rng, (4, 5, 5, 2))
    faults = {
        "dW[2] turned about": ("dW", 2, np.transpose),
        "a column of dW[1] zero": ("dW", 1, zero((slice(None), 2))),
        "dZ[3] doubled": ("dZ", 3, times(2)),
        "b[2] with its sign turned": ("db", 2, times(-1)),
    }
    Y = (rng.random((2, 16)) < 0.5) * 1.0
    return Setting(mlp_jax.Network("tanh"), params, X, Y, TANH, of_classes, faults, dtype)


def breast_cancer(dtype):
    rng = np.random.default_rng(9)
    data = load_breast_cancer()
    X, Y = data.data.T[:, :200], data.target[None, :200] * 1.0
    spread = X.std(1, keepdims=True)  # 1e-3 to 1e2
    params = net(rng, (30, 8, 4, 1))
    # The first layer undoes the scales, as training would.
    W = params[0][0] / spread
    params[0] = (W, params[0][1] - W.T @ X.mean(1, keepdims=True))
    small = np.argsort(spread.ravel())[:10]
    faults = {
        "ten of thirty rows zero": ("dW", 1, zero(small)),
        "the smallest row with its sign turned": ("dW", 1, times(-1, small[0])),
        "two small rows exchanged": ("dW", 1, exchanged(*small[:2])),
        "a small row 5 % off": ("dW", 1, times(1.05, small[2])),
        "dZ[2] thrice": ("dZ", 2, times(3)),
    }
    return Setting(mlp_jax.Network("relu"), params, X, Y, RELU, of_classes, faults, dtype)


SETTINGS = {
    "small features, float64": lambda: small_features(np.float64),
    "small features, float32": lambda: small_features(np.float32),
    "zeros in X, relu": lambda: zeros_in_X("relu", RELU),
    "zeros in X, tanh": lambda: zeros_in_X("tanh", TANH),
    "own slope, example": lambda: own_slope("an example"),
    "own slope, weights": lambda: own_slope("weights"),
    "zero weights": zero_weights,
    "60 steps to convergence": lambda: nearly_converged(60),
    "80 steps to convergence": lambda: nearly_converged(80),
    "200 steps to convergence": lambda: nearly_converged(200),
    "targets 2000 ± 10, float64": lambda: far_targets(np.float64),
    "targets 2000 ± 10, float32": lambda: far_targets(np.float32),
    "ties of a distance": lambda: ties("distance"),
    "ties of a hinge": lambda: ties("hinge"),
    "ties of a margin": lambda: ties("margin"),
    "1 x 1": one_by_one,
    "float16": lambda: of_dtype(np.float16),
    "bfloat16": lambda: of_dtype(ml_dtypes.bfloat16),
    "float32": lambda: of_dtype(np.float32),
    "breast cancer, float64": lambda: breast_cancer(np.float64),
    "breast cancer, float32": lambda: breast_cancer(np.float32),
}
SMALL = ("small features, float32", "ties of a distance", "1 x 1")


def measured(names):
    rows = []
    for name in names:
        setting = SETTINGS[name]()
        for fault, (_, layer, _) in {"none": ("", None, None), **setting.faults}.items():
            planted = setting.faults.get(fault)
            certificate = mlp_jax.certify(
                *setting[1:4], network=setting.network, gradient=gradient_of(setting, planted)
            )
            rows.append(
                {"setting": name, "fault": fault, "layer": layer, "named": certificate.layer}
                | {"passed": certificate.passed, "diagnosis": certificate.diagnosis}
            )
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--small", action="store_true", help="three networks")
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    rows = measured(SMALL if arguments.small else SETTINGS)
    arguments.output.mkdir(parents=True, exist_ok=True)
    path = arguments.output / "planted_faults.json"
    path.write_text(json.dumps({"jax": jax.__version__, "rows": rows}, indent=1) + "\n")
    faults = [row for row in rows if row["layer"]]
    missed = [row for row in faults if row["named"] != row["layer"]]
    accused = [row for row in rows if not row["layer"] and not row["passed"]]
    for row in missed + accused:
        print(f"{row['setting']}, {row['fault']}: {row['diagnosis']}")
    print(f"{len(faults)} faults, {len(missed)} not named; {len(accused)} right gradients accused")


if __name__ == "__main__":
    main()
