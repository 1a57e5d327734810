r"""Pictures: every function draws on matplotlib's Axes and returns them; no pyplot, no JAX.

>>> from mlp_jax import pictures
>>> figure, (left, right) = pictures.figure(1, 2)
>>> _ = pictures.learning_curves(left, [0.7, 0.3, 0.1], [0.7, 0.4, 0.3], best_epoch=3)
>>> _ = pictures.confusion(right, [0, 0, 1, 1], [0, 1, 1, 1], ["cat", "dog"])
>>> pictures.png(figure)[:4]
b'\x89PNG'
"""

from mlp_jax.pictures.columns import COLUMNS as COLUMNS
from mlp_jax.pictures.columns import importance as importance
from mlp_jax.pictures.figures import HEIGHT as HEIGHT
from mlp_jax.pictures.figures import WIDTH as WIDTH
from mlp_jax.pictures.figures import figure as figure
from mlp_jax.pictures.figures import picture_of_training as picture_of_training
from mlp_jax.pictures.figures import png as png
from mlp_jax.pictures.figures import size_of_confusion as size_of_confusion
from mlp_jax.pictures.predictions import calibration as calibration
from mlp_jax.pictures.predictions import confusion as confusion
from mlp_jax.pictures.predictions import predicted_and_true as predicted_and_true
from mlp_jax.pictures.regions import decision_regions as decision_regions
from mlp_jax.pictures.training import certificate as certificate
from mlp_jax.pictures.training import learning_curves as learning_curves
from mlp_jax.pictures.training import score_by as score_by
