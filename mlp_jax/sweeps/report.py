"""Where `html_report` lived before it moved to `mlp_jax.sweeps`: the old name still works."""

from mlp_jax.sweeps.results.report import html_report as html_report
