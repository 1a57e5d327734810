"""Tables as files, and commands on them."""

import numpy as np
from click.testing import CliRunner

from mlp_jax.cli.main import commands

ROWS = 40
# An input a number and a category, standardised, whatever the command does by default.
PLAIN = ["--scaling", "standard", "--bins", 0, "--binary-as-two"]


def columns():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, ROWS))
    kind = np.where(a + b > 0, "yes", "no")
    return {"a": a.tolist(), "b": b.tolist(), "kind": kind.tolist()}


def csv(table):
    lines = [
        ",".join(table),
        *(",".join(map(str, row)) for row in zip(*table.values(), strict=True)),
    ]
    return "\n".join(lines) + "\n"


def run(folder, *arguments):
    outputs = ["--output", folder / "m.safetensors", "--picture", folder / "m.png"]
    if arguments[0] == "check":
        outputs = []
    return CliRunner().invoke(commands, [str(a) for a in (*arguments, *outputs)])


def mixed_columns():
    """Numbers and categories with gaps, flags, a name for every row, a column of one value."""
    rng = np.random.default_rng(1)
    age = [None if rng.random() < 0.1 else round(float(a), 2) for a in rng.normal(40, 9, 120)]
    colour = [None if rng.random() < 0.1 else str(c) for c in rng.choice(["red", "blue"], 120)]
    score = [(a or 40) / 9 + 2 * (c == "red") for a, c in zip(age, colour, strict=True)]
    table = {"name": [f"row-{i}" for i in range(120)], "age": age, "colour": colour}
    return table | {"flag": [i % 2 == 0 for i in range(120)], "one": [7] * 120}, np.array(score)


TARGETS = {
    "two": lambda score: np.where(score > 5, "high", "low"),
    "four": lambda score: np.digitize(score, [4, 5, 6]),
    "number": lambda score: 1e5 + 1e3 * score,
}
