r"""One file a model: written by a training, read and asked for predictions without JAX.

A model file is safetensors: the weights, the columns and what was learned of them, the classes, the
scores, a SHA-256 over it all, and no code. It predicts, by NumPy alone, on frames of pandas, polars
or pyarrow, on dicts of columns and on arrays, whose cells it reads as it read those of its table:
`columns` says how, `number_spellings` and `dates` what texts mean:

>>> import mlp_jax
>>> from sklearn.datasets import load_breast_cancer
>>> model = mlp_jax.load_model("experiments/results/breast_cancer.safetensors")
>>> print(*model.classes)
malignant benign
>>> frame = load_breast_cancer(as_frame=True).frame
>>> model.predict(frame[:2])
array(['malignant', 'malignant'], dtype='<U9')
>>> model.predict_proba(frame).shape                  # (samples, classes)
(569, 2)

`mlp_jax.save_model(fitted, path)` writes the same file of an `MLPClassifier`, an `MLPRegressor`, a
`SweepCV`, what `result.refit()` or `result.ensemble()` of a sweep returned, or a `Pipeline` that
ends in one of the first two, after imputers, scalers, one-hot encoders and `mlp_jax.NumberEncoder`,
which keeps numbers within limits and puts them in bins. A model has one network, or all networks of
an ensemble, `model.networks` with `model.weights`: NumPy computes them side by side, and the
outputs are their average. `mlp_jax.table_encoder` is a `ColumnTransformer` that a file can hold; it
learns from a table what the command line learns:

>>> import numpy as np, pandas, tempfile
>>> from sklearn.pipeline import make_pipeline
>>> people = pandas.DataFrame({"age": [31, None, 52, 47] * 9, "town": ["a", "b", "a", None] * 9})
>>> encoder = mlp_jax.table_encoder(numeric=["age"], categorical=["town"])
>>> network = mlp_jax.MLPClassifier((8,), max_iter=5000, n_iter_no_change=50, random_state=0)
>>> pipeline = make_pipeline(encoder, network).fit(people, ["yes", "no", "yes", "no"] * 9)
>>> with tempfile.TemporaryDirectory() as folder:
...     mlp_jax.save_model(pipeline, f"{folder}/people.safetensors", target="member")
...     people_model = mlp_jax.load_model(f"{folder}/people.safetensors")
>>> people_model.predict({"town": ["a", "elsewhere"], "age": [50, None]})
array(['yes', 'no'], dtype='<U3')

`mlp_jax.export_model(model, "model.onnx")`, or `mlp-jax export`, writes it as an ONNX graph, which
takes the table's columns as they are and runs in onnxruntime and other runtimes, without Python
too: encoding, classes and averages of several networks are in the graph. It needs the package onnx
to write (`pip install 'mlp_jax[onnx]'`).

>>> import onnxruntime
>>> with tempfile.TemporaryDirectory() as folder:
...     mlp_jax.export_model(people_model, f"{folder}/people.onnx")
...     session = onnxruntime.InferenceSession(f"{folder}/people.onnx")
>>> age = np.array([[50], [np.nan]], np.float32)             # a column is (samples, 1)
>>> town = np.array([["a"], ["elsewhere"]], object)
>>> label, probabilities = session.run(None, {"age": age, "town": town})
>>> label.tolist()
['yes', 'no']

To a path that does not end with ".onnx" it writes a program of StableHLO, for any number of rows,
which JAX runs on CPU, GPU and TPU without this library. It takes the table's columns as numbers: a
category as its place in the list that `mlp-jax info --json` prints, the place after the last for
any other, a missing cell as NaN. Columns of a large mean and a small spread, such as Unix times,
need `--dtype float64` in both.

>>> import jax
>>> with tempfile.TemporaryDirectory() as folder:
...     mlp_jax.export_model(people_model, f"{folder}/people.stablehlo")
...     with open(f"{folder}/people.stablehlo", "rb") as file:
...         program = jax.export.deserialize(bytearray(file.read()))   # from here on JAX alone
>>> ages_and_towns = np.array([[50, 0], [np.nan, 2]], np.float32)   # in "a", and elsewhere
>>> (program.call(ages_and_towns)[:, 0] > 0.5).tolist()      # of two classes, the second's
[True, False]
"""

from typing import TYPE_CHECKING

from mlp_jax import _page_of

if TYPE_CHECKING:
    from mlp_jax.models.export import export_model as export_model
    from mlp_jax.models.model import Model as Model
    from mlp_jax.models.model_file import load_model as load_model
    from mlp_jax.models.permutation import Importance as Importance
    from mlp_jax.models.permutation import importance as importance

__getattr__ = _page_of("models")
