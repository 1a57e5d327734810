"""What `mlp-jax sweep` writes says where its answers come from, and `predict` how sure they are."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import mlp_jax
from mlp_jax.cli.main import commands
from mlp_jax.models.permutation import importance_in
from tests.cli.tables import csv

SPACE = {"width": [4], "learning_rate": [0.05, 0.1], "batch_size": [16]}


def invoke(*arguments):
    done = CliRunner().invoke(commands, list(map(str, arguments)))
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module", params=["ensemble", "single"])
def written(request, tmp_path_factory):
    """A folder with a table, the model that a sweep of it wrote, and the page."""
    folder = tmp_path_factory.mktemp("explained")
    a, b = np.random.default_rng(0).normal(size=(2, 120))
    table = {"a": a.tolist(), "b": b.tolist(), "area": (100 * a + 1000).tolist()}
    (folder / "t.csv").write_text(csv(table))
    (folder / "space.json").write_text(json.dumps(SPACE))
    options = ["--space", folder / "space.json", "--folds", 2, "--epochs", 12, "--target", "area"]
    options += ["--single"] * (request.param == "single")
    files = ["--output", folder / "m", "--report", folder / "page.html"]
    invoke("sweep", folder / "t.csv", *options, *files)
    return folder


def test_a_sweep_writes_what_intervals_are_made_of(written):
    model = mlp_jax.load_model(written / "m")
    held_out = model.notes["held_out_samples"]
    assert len(model.residuals) == 120 - held_out
    rows = invoke("predict", written / "m", written / "t.csv", "--interval", 0.9, "--json")
    found = [json.loads(line) for line in rows.splitlines()]
    half = model.half_widths(0.9)[0]
    for row in found[:3]:
        assert row["high area"] - row["low area"] == pytest.approx(2 * half)
    assert model.notes["interval"]["half_width"] == half


def test_a_sweep_says_which_column_decides(written):
    found = importance_in(mlp_jax.load_model(written / "m").notes)
    assert found.read()[0][0] == "a"
    assert "importance, by how much the root mean squared error" in invoke("info", written / "m")


def test_the_page_has_both(written):
    page = (written / "page.html").read_text()
    assert "Where the answer comes from" in page
    assert "The band is the interval of 90%" in page
