"""How long until a model file has predicted its first row?

Processes of their own, in turn, each timed within from before its first import until a row is
predicted: by a model file of this library, which needs NumPy and safetensors; and by the same
network kept with joblib as an estimator of scikit-learn. Importing NumPy alone is the floor. The
predictions of both on all rows are compared too.

    python experiments/benchmarks/first_prediction.py            # half a minute
    python experiments/benchmarks/first_prediction.py --small    # a process of each: seconds
    python experiments/benchmarks/first_prediction.py --readme   # the table goes into README.md
"""

import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import click
import joblib
import numpy as np
from measuring import figure_of, keep, quartiles, spelled
from sklearn.datasets import load_breast_cancer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mlp_jax

RESULTS = Path(__file__).parent / "results"
ROUNDS = 15
TIMED = """
import sys, time
began = time.perf_counter()
{code}
print(time.perf_counter() - began)
"""
CODE = {
    "NumPy alone": "import numpy",
    "a model file": "import mlp_jax; mlp_jax.load_model('m').predict([[1.0] * 30])",
    "joblib and scikit-learn": "import joblib; joblib.load('m.joblib').predict([[1.0] * 30])",
}


def fitted():
    """(the rows, scikit-learn's pipeline, the same with this library's network)."""
    X, y = load_breast_cancer(return_X_y=True)
    theirs = make_pipeline(StandardScaler(), MLPClassifier((64, 32, 16), max_iter=20)).fit(X, y)
    network = mlp_jax.MLPClassifier((64, 32, 16), max_iter=1, random_state=0)
    ours = make_pipeline(StandardScaler(), network).fit(X, y)
    network.coefs_, network.intercepts_ = theirs[-1].coefs_, theirs[-1].intercepts_
    return X, theirs, ours


def seconds_of(code, folder):
    """What a process of this code says that it took."""
    done = subprocess.run(
        [sys.executable, "-c", TIMED.format(code=code)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return float(done.stdout)


def table(result):
    lines = ["| to the first prediction | milliseconds |", "|---|---|"]
    for name, three in result["milliseconds"].items():
        lines.append(f"| {name} | {spelled(three, '.0f')} |")
    lines.append(f"| largest difference of a probability | {result['difference']:.1e} |")
    return "\n".join(lines) + "\n"


def picture(result):
    figure, [axes] = figure_of(1)
    bars = result["milliseconds"]
    axes.barh(list(bars)[::-1], [three[1] for three in bars.values()][::-1])
    axes.set(xlabel="milliseconds to the first prediction")
    return figure


@click.command()
@click.option("--small", is_flag=True, help="A process of each kind.")
@click.option("--readme", is_flag=True, help="Write the table into README.md here too.")
@click.option("--output", type=Path, default=RESULTS)
def main(small: bool, readme: bool, output: Path) -> None:
    """Prints milliseconds to the first prediction."""
    warnings.simplefilter("ignore")  # both trainings are short
    X, theirs, ours = fitted()
    with tempfile.TemporaryDirectory() as folder:
        mlp_jax.save_model(ours, Path(folder) / "m")
        joblib.dump(theirs, Path(folder) / "m.joblib")
        model = mlp_jax.load_model(Path(folder) / "m")
        difference = np.abs(model.predict_proba(X) - theirs.predict_proba(X)).max()
        found = {name: [] for name in CODE}
        for number in range(1 if small else ROUNDS + 1):
            for name in list(CODE)[:: 1 if number % 2 else -1]:
                found[name].append(1000 * seconds_of(CODE[name], folder))
    # In the first round files are read and byte-compiled.
    milliseconds = {name: quartiles(times[-ROUNDS:]) for name, times in found.items()}
    added = np.subtract(found["a model file"], found["NumPy alone"])[-ROUNDS:]
    milliseconds["a model file: added to NumPy"] = quartiles(added)
    result = {"milliseconds": milliseconds, "difference": float(difference)}
    keep("first_prediction", result, picture(result), table(result), output=output, readme=readme)


if __name__ == "__main__":
    main()
