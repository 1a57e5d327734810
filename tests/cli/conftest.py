"""Models that the command line has trained."""

import pyarrow
import pyarrow.csv
import pytest

from tests.cli.tables import PLAIN, TARGETS, mixed_columns, run


@pytest.fixture(params=TARGETS, scope="module")
def trained(request, tmp_path_factory):
    """(kind of target, table, folder with table and model, what train printed)."""
    folder = tmp_path_factory.mktemp("trained")
    table, score = mixed_columns()
    table["y"] = TARGETS[request.param](score).tolist()
    pyarrow.csv.write_csv(pyarrow.table(table), folder / "t.csv")
    options = ["--target", "y", "--id", "name", "--epochs", 150, "--hidden", "8", "--json"]
    done = run(folder, "train", folder / "t.csv", *options, *PLAIN)
    assert done.exit_code == 0, done.output
    return request.param, table, folder, done
