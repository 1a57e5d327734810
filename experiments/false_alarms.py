"""Does the certificate ever call a right gradient wrong?

The library's own: 0 of 1,000. One in NumPy as a student writes it, with a - y, 1 - a² and a (1 -
a), which cancel where a unit or the output is saturated: 0 of 1,000 in float64, and 0 of 1,000 in
float32. As long as a whole leaf had one size it was 1 in float64, a tanh network of eight layers in
which 1 - a² keeps eight digits. The first run of this script found two of the library's
own, both in a tanh network of eleven layers and large weights, whose cost is so steep at one point
that it rises and is flat again within the step of the differences; since then a difference that
has not settled is left out. A classifier of three classes that was sure of its labels, which are
right, was accused by `jax.grad`, which had lost its digits: since then the cost of a softmax is
written so that autodiff keeps them, and a third of the networks here have one, and every other
network has labels that it is sure of.

Random networks of 1 to 12 layers, widths 1 to 64 and batches 1 to 64, ReLU, tanh and sigmoid, with
sigmoids or a softmax at the end, at scales from nearly linear to saturated; among them features
that are exactly zero, whole examples of zeros and dead units, so that Z has exact zeros, the kink
of ReLU.

    python experiments/false_alarms.py           # 1,000 networks, minutes
    python experiments/false_alarms.py --small   # 8 networks
"""

import argparse
import json
from itertools import pairwise
from pathlib import Path

import jax
import numpy as np

import mlp_jax

RESULTS = Path(__file__).parent / "results"
SHAPES, NETS = 25, 40  # a shape compiles once
ENTRIES = 24  # of each W[l] and b[l], compared with differences
# Of A and Z: f and f'.
HIDDEN = {
    "relu": (lambda Z: np.maximum(Z, 0), lambda Z, A: Z > 0),
    "tanh": (np.tanh, lambda Z, A: 1 - A**2),
    "sigmoid": (lambda Z: sigmoid(Z), lambda Z, A: A * (1 - A)),
}


def sigmoid(Z):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-Z))  # overflows to 1 / inf, which is right


def softmax(Z):
    E = np.exp(Z - Z.max(axis=0))
    return E / E.sum(axis=0)


OUTPUTS = {"binary_cross_entropy": sigmoid, "softmax_cross_entropy": softmax}


def of_a_student(network, activation, dtype=np.float64):
    """A gradient (params, X, Y) -> [(dW, db), ...], by the formulas as they stand in textbooks."""
    (f, f_prime), of_output = HIDDEN[activation], OUTPUTS[network.loss.name]

    def gradient(params, X, Y):
        params = [(W.astype(dtype), b.astype(dtype)) for W, b in params]
        X, Y = X.astype(dtype), Y.astype(dtype)
        A, Z = [X], []
        for W, b in params:
            Z.append(W.T @ A[-1] + b)
            A.append(f(Z[-1]))
        dZ, grads = (of_output(Z[-1]) - Y) / X.shape[1], []
        for layer in reversed(range(len(params))):
            grads.append((A[layer] @ dZ.T, dZ.sum(axis=1, keepdims=True)))
            if layer:
                dZ = params[layer][0] @ dZ * f_prime(Z[layer - 1], A[layer])
        return grads[::-1]

    return gradient


def problem(rng, sizes, m, number, network):
    scale = rng.choice([0.1, 1.0, 1.0, 5.0])
    shift = rng.choice([0.0, 0.1, 1.0])
    params = [
        (scale * np.sqrt(2 / a) * rng.normal(size=(a, b)), shift * rng.normal(size=(b, 1)))
        for a, b in pairwise(sizes)
    ]
    X = rng.normal(size=(sizes[0], m)) * rng.choice([1, 1, 10])
    if number % 3 == 0:
        X *= rng.random(X.shape) < 0.5
    if number % 5 == 0:
        X[:, 0] = 0
    if number % 7 == 0:
        params[0][0][:, 0] = params[0][1][0] = 0
    Y = (rng.random((sizes[-1], m)) < 0.5).astype(float)
    if network.loss.name == "softmax_cross_entropy":
        Y = np.eye(sizes[-1])[rng.integers(0, sizes[-1], m)].T
    if number % 2:  # what the network says
        A = np.asarray(mlp_jax.forward(params, X, network=network))
        Y = np.eye(len(A))[A.argmax(axis=0)].T if network.loss.exclusive else np.round(A)
    return params, X, Y


def measured(shapes, nets):
    rng = np.random.default_rng(0)
    result = {"networks": 0, "exact_zeros_in_Z1": 0, "false_alarms": 0}
    result |= {"false_alarms_on_a_student": 0, "false_alarms_on_a_student_in_float32": 0}
    worst = {"autodiff": 0.0, "differences": 0.0}
    for shape in range(shapes):
        depth = 12 if shape == 0 else int(rng.integers(1, 13))
        sizes = tuple(int(n) for n in rng.choice([1, 2, 3, 5, 8, 13, 64], depth + 1))
        m = int(rng.choice([1, 2, 5, 16, 64]))
        activation = ["relu", "tanh", "sigmoid", "relu"][shape % 4]
        loss = "binary_cross_entropy"
        if shape % 3 == 1:
            sizes, loss = (*sizes[:-1], int(rng.choice([2, 3, 5]))), "softmax_cross_entropy"
        network = mlp_jax.Network(activation, loss)
        students = {
            "false_alarms_on_a_student": of_a_student(network, activation),
            "false_alarms_on_a_student_in_float32": of_a_student(network, activation, np.float32),
        }
        for number in range(nets):
            params, X, Y = problem(rng, sizes, m, number, network)
            certificate = mlp_jax.certify(params, X, Y, network=network, entries=ENTRIES)
            result["networks"] += 1
            result["exact_zeros_in_Z1"] += bool((params[0][0].T @ X + params[0][1] == 0).any())
            result["false_alarms"] += not certificate.passed
            for name, one in students.items():
                theirs = mlp_jax.certify(
                    params, X, Y, network=network, gradient=one, entries=ENTRIES
                )
                result[name] += not theirs.passed
            for leaf in certificate.leaves:
                worst["autodiff"] = max(worst["autodiff"], leaf.error_autodiff)
                worst["differences"] = max(worst["differences"], leaf.error_differences)
    return result | {"largest_relative_error": worst}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--small", action="store_true", help="8 networks of 2 shapes")
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    result = measured(*((2, 4) if arguments.small else (SHAPES, NETS)))
    arguments.output.mkdir(parents=True, exist_ok=True)
    path = arguments.output / "false_alarms.json"
    path.write_text(json.dumps({"jax": jax.__version__} | result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
