"""A table with every quirk, and four as their owners wrote them: trained on and predicted."""

import gzip
import json

import numpy as np
import pandas
import polars
import pyarrow
import pytest
from click.testing import CliRunner

import mlp_jax
from mlp_jax import TableRegressor
from mlp_jax.cli.main import commands
from mlp_jax.models.number_spellings import NumberSpelling
from tests.cli.people import NEW_ROWS, TABLES, csv_of, messy

DAYS = ["2024-06-15", None, "2024-03-01", "2024-03-01"]  # those of NEW_ROWS
SPACE = {"hidden": [[4]], "learning_rate": [0.03], "batch_size": [16]}
TINY = ["--folds", 2, "--epochs", 3, "--seed", 3]


def run(*words):
    return CliRunner().invoke(commands, list(map(str, words)))


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """(folder of the messy table, its new rows and the model of a sweep; what was said of it)."""
    folder = tmp_path_factory.mktemp("messy")
    (folder / "space.json").write_text(json.dumps(SPACE))
    (folder / "t.csv").write_text(csv_of(messy()))
    (folder / "new.csv").write_text(csv_of(NEW_ROWS))
    words = [folder / "t.csv", "--target", "sales", "--space", folder / "space.json", *TINY]
    done = run("sweep", *words, "--output", folder / "m", "--report", folder / "m.html")
    assert done.exit_code == 0, done.output
    return folder, done.stderr.replace(f"{folder}/", "").splitlines()


def test_a_line_says_each_thing_that_was_done(swept):
    assert swept[1] == [
        "mlp-jax: t.csv: spaces around ' colour' are taken off",
        "mlp-jax: columns have the same names: the second 'size' is 'size.1'",
        "mlp-jax: left out 4 of 84 rows, which have no 'sales'",
        "mlp-jax: read as numbers: 'sales' ('$1,000.00' is 1000), 'price' ('1.000,5 €' is 1000.5) "
        "and 'discount' ('0%' is 0)",
        "mlp-jax: left out 'name': 80 different texts in 80 rows; --categorical 'name' keeps it",
        "mlp-jax: spaces around the texts of 'colour' are taken off",
        "mlp-jax: read as gaps: 'colour' ('?' 20 times), 'price' ('-' 8 times), 'weight' ('?' 8 "
        "times) and 'far' ('inf' 8 times)",
        "mlp-jax: read as dates, whose year, month, weekday, hour and so on are inputs: 'sold' "
        "('30/01/2024' is 2024-01-30)",
        "mlp-jax: column 'same' is the same in every row and left out",
    ]


def test_the_command_and_the_object_read_a_messy_table_alike(swept):
    folder, _ = swept
    table = mlp_jax.tables.table.read(folder / "t.csv", "sales")
    train = mlp_jax.tables.held_out.parts_of(table.y, None, 0.2, 3).train
    frame = pandas.read_csv(folder / "t.csv", keep_default_na=True)
    there = frame[frame["sales"].notna() & (frame["sales"] != "?")].iloc[train]
    model = mlp_jax.load_model(folder / "m")
    with pytest.warns(UserWarning, match="left out 'name'"):
        fitted = TableRegressor(space=SPACE, cv=2, epochs=3, random_state=3).fit(
            there.drop(columns="sales"), there["sales"]
        )
    X = there.drop(columns="sales")
    np.testing.assert_array_equal(fitted.predict(X), model.predict(X))
    new = pandas.read_csv(folder / "new.csv")
    np.testing.assert_array_equal(fitted.model_.predict(new), model.predict(new))
    with pytest.raises(ValueError, match="seen at fit time, yet now missing"):
        fitted.predict(new)
    assert any("read as gaps" in line for line in fitted.notes_)


@pytest.mark.parametrize("kind", ["pandas", "dates", "polars", "pyarrow", "dict"])
def test_a_model_reads_new_rows_as_it_read_the_table(swept, kind):
    folder, _ = swept
    model = mlp_jax.load_model(folder / "m")
    done = run("predict", folder / "m", folder / "new.csv", "--json")
    assert done.exit_code == 0, done.output
    told = [json.loads(row)["predicted sales"] for row in done.stdout.splitlines()]
    frame = pandas.read_csv(folder / "new.csv")
    rows = {
        "pandas": frame,
        "dates": frame.assign(sold=pandas.to_datetime(DAYS)),
        "polars": polars.read_csv(folder / "new.csv"),
        "pyarrow": pyarrow.table(NEW_ROWS),
        "dict": NEW_ROWS,
    }[kind]
    np.testing.assert_array_equal(model.predict(rows), told)
    assert len(set(told)) == len(told)


def test_what_was_made_of_a_column_is_in_the_file_and_in_info(swept):
    folder, _ = swept
    columns = {column.name: column for column in mlp_jax.load_model(folder / "m").encoding.columns}
    assert columns["price"].reading.spelling == NumberSpelling(",", ".", "€")
    assert columns["sold: month"].of == "sold"
    assert columns["sold: days since 2024-01-30"].reading.dates.first == "2024-01-30"
    done = run("info", folder / "m")
    assert "  price: number, in texts as €1.234,5; inputs price" in done.stdout
    assert "  sold: month: a part of a date or time, in texts with day first; inputs" in done.stdout
    names = mlp_jax.load_model(folder / "m").notes["importance"]["names"]
    assert "sold" in names
    assert "sold: month" not in names


@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        ("price", "$5", "line 2, column 'price': '$5' is not a number"),
        (
            "sold",
            "2024-31-12",
            "line 2, column 'sold': '2024-31-12' is not a date or time with day",
        ),
        ("weight", "heavy", "line 2, column 'weight': 'heavy' is not a number"),
    ],
)
def test_a_cell_that_is_written_otherwise_is_refused(swept, column, cell, said, tmp_path):
    rows = NEW_ROWS | {column: [cell, *NEW_ROWS[column][1:]]}
    (tmp_path / "new.csv").write_text(csv_of(rows))
    done = run("predict", swept[0] / "m", tmp_path / "new.csv", "--output", tmp_path / "p.csv")
    assert done.exit_code == 2
    assert said in done.stderr
    assert not (tmp_path / "p.csv").exists()
    with pytest.raises(ValueError, match=f"row 1, column '{column}': '.*{cell[1:]}' is not a"):
        mlp_jax.load_model(swept[0] / "m").predict(rows)


def test_strict_takes_no_word_for_a_gap_in_new_rows_either(swept):
    folder, _ = swept
    done = run("predict", folder / "m", folder / "new.csv", "--strict")
    assert done.exit_code == 2
    assert "column 'price': '-' is not a number" in done.stderr
    done = run("sweep", folder / "t.csv", "--target", "sales", "--strict")
    assert done.exit_code == 2
    assert "two columns named 'size' in line 1" in done.stderr


def test_new_rows_may_be_compressed_and_without_header(swept, tmp_path):
    folder, _ = swept
    (tmp_path / "new.csv.gz").write_bytes(gzip.compress((folder / "new.csv").read_bytes()))
    plain, packed = (
        run("predict", folder / "m", path) for path in (folder / "new.csv", tmp_path / "new.csv.gz")
    )
    assert packed.exit_code == 0, packed.output
    assert packed.stdout == plain.stdout
    rows = (folder / "new.csv").read_text().partition("\n")[2]
    (tmp_path / "rows.csv").write_text(rows)
    done = run("predict", folder / "m", tmp_path / "rows.csv", "--no-header")
    assert done.exit_code == 2  # its columns have other names
    assert "has no column 'colour', which the model was trained with; it has 0, 1, 2" in done.stderr


def test_classes_of_too_few_rows_are_held_out_by_chance_with_a_line(tmp_path):
    kinds = [f"c{i % 60}" for i in range(199)] + ["once"]
    (tmp_path / "t.csv").write_text(csv_of({"a": [i * i % 97 for i in range(200)], "kind": kinds}))
    words = ["check", tmp_path / "t.csv", "--target", "kind", "--hidden", 2]
    done = run(*words)
    assert done.exit_code == 0, done.output
    assert done.stderr.splitlines() == [
        "mlp-jax: held out 40 of 200 rows by chance, not by class: the class 'once' has 1 sample, "
        "too few to hold out"
    ]
    assert "160 samples to train on, 40 held out; 'kind' is of 61 classes" in done.stdout
    done = run(*words, "--strict")
    assert done.exit_code == 2
    assert "the class 'once' has 1 sample, too few to hold out; expected two" in done.stderr


@pytest.mark.parametrize("name", TABLES)
def test_tables_of_people_need_no_option_but_the_target(name, tmp_path):
    owned = TABLES[name]()
    (tmp_path / "space.json").write_text(json.dumps(SPACE))
    (tmp_path / "t.csv").write_text(csv_of(owned.columns))
    (tmp_path / "new.csv").write_text(csv_of(owned.new_rows))
    model, page = tmp_path / "m", tmp_path / "m.html"
    # What is trained is small, so that it is quick; of the table nothing is said but its target.
    how = {"sweep": ["--space", tmp_path / "space.json", *TINY, "--report", page]}
    how |= {"train": ["--hidden", 4, "--epochs", 3, "--picture", page]}
    command = "train" if name == "genes" else "sweep"  # 4,000 importances take half a minute
    words = ["--target", owned.target, "--output", model, *how[command]]
    done = run(command, tmp_path / "t.csv", *words)
    assert done.exit_code == 0, done.output
    lines = done.stderr.splitlines()
    assert [line.partition(" (")[0].partition(": 8")[0] for line in lines] == owned.said
    assert page.stat().st_size > 10_000
    done = run("predict", model, tmp_path / "new.csv")
    assert done.exit_code == 0, done.output
    assert len(done.stdout.splitlines()) == 1 + len(next(iter(owned.new_rows.values())))
    predicted = mlp_jax.load_model(model).predict(pandas.read_csv(tmp_path / "new.csv"))
    assert [str(one) for one in predicted.tolist()] == [
        row.split(",")[0].strip('"') for row in done.stdout.splitlines()[1:]
    ]
