r"""scikit-learn's side of the fence: rows are samples, names and meanings are scikit-learn's.

`MLPClassifier` and `MLPRegressor` have scikit-learn's names, parameters and meanings, and pass its
checks of estimators and its own tests of these two, but for five that read private names; what
scikit-learn has not (`dropout`, `class_weight`, `label_smoothing`, `schedule`, `clip_norm`,
quantiles, `fit(X_val=, y_val=)`, eight more activations) is off until you type it.

`SweepCV` is `RandomizedSearchCV` (`n_iter=None`: `GridSearchCV`) with all candidates of all folds
trained side by side. It takes any splitter, any scorer or several, `refit`, weights of samples, and
a `Pipeline` or a `TransformedTargetRegressor`, one within the other, that ends in the network. Its
space may name parameters of all steps, and steps themselves: each setting of the steps around the
network is fitted once a fold, and the networks behind it train together. Beyond scikit-learn:
`halving=3`, `memory=` bytes, `ensemble=8`, and `cv_results_["status"]`. The search trains in
float32; `best_estimator_` is fitted again in the dtype of your table.

`TableClassifier` and `TableRegressor` take a frame as it is (pandas, polars, pyarrow, a dict, an
array; numbers, texts, dates, truth values, gaps) and search a default space: they are what `mlp-jax
sweep` does with a file, to the same numbers, and predict by the ensemble that it writes.
"""

from typing import TYPE_CHECKING

from mlp_jax import _page_of

if TYPE_CHECKING:
    from mlp_jax.estimators.classifier import MLPClassifier as MLPClassifier
    from mlp_jax.estimators.regressor import MLPRegressor as MLPRegressor
    from mlp_jax.estimators.search import SweepCV as SweepCV
    from mlp_jax.estimators.table_classifier import TableClassifier as TableClassifier
    from mlp_jax.estimators.table_regressor import TableRegressor as TableRegressor
    from mlp_jax.estimators.to_model import model_of as model_of
    from mlp_jax.estimators.to_model import save_model as save_model

__getattr__ = _page_of("estimators")
