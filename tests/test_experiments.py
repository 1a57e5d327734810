"""Every experiment runs in its small form, and what its page says of the large one is committed."""

import json
import re
import runpy
import shutil
import sys

import numpy as np
import pytest

from tests.scripts import ROOT, run


def test_agreement_finds_both_gradients_as_close_as_their_dtype_allows(tmp_path):
    printed = run(ROOT / "experiments/agreement.py", "--small", "--output", tmp_path)
    rows = json.loads((tmp_path / "agreement.json").read_text())["rows"]
    limits = {"float64": 1e-12, "float32": 1e-4, "bfloat16": 1.0}
    assert {row["dtype"] for row in rows} == set(limits)
    for row in rows:
        assert 0 < row["by_autodiff"] < limits[row["dtype"]]
        assert row["dtype"] != "float64" or 0 < row["by_differences"] < 1e-6
    assert "| float32 | 2 | 4 |" in printed
    assert (tmp_path / "agreement.png").stat().st_size > 10_000


def test_false_alarms_finds_none(tmp_path):
    run(ROOT / "experiments/false_alarms.py", "--small", "--output", tmp_path)
    result = json.loads((tmp_path / "false_alarms.json").read_text())
    assert result["networks"] == 8
    assert result["false_alarms"] == 0
    assert result["false_alarms_on_a_student_in_float32"] == 0
    assert result["largest_relative_error"]["autodiff"] > 0


def test_commands_that_end_early_do_so_with_their_own_exit_codes(tmp_path):
    printed = run(ROOT / "experiments/early_ends.py", "--small", "--output", tmp_path)
    result = json.loads((tmp_path / "early_ends.json").read_text())
    assert result["wrong"] == []
    assert {(row["how"], row["code"]) for row in result["counts"]} == {
        ("a mistake", 2),
        ("gone", 1),
        ("Ctrl-C", 130),
    }
    assert "5 of 5 with their own exit code" in printed


def test_all_commands_ended_early_with_their_own_exit_codes_under_load():
    result = json.loads((ROOT / "experiments/results/early_ends.json").read_text())
    assert result["ends"] == 200
    assert result["wrong"] == []
    commands = {row["command"] for row in result["counts"]}
    assert commands == {"check", "train", "sweep", "predict", "info", "export"}


def test_planted_faults_are_named_in_their_layer(tmp_path):
    printed = run(ROOT / "experiments/planted_faults.py", "--small", "--output", tmp_path)
    rows = json.loads((tmp_path / "planted_faults.json").read_text())["rows"]
    assert all(row["named"] == row["layer"] for row in rows)
    assert printed == "14 faults, 0 not named; 0 right gradients accused\n"


def test_paper_network_learns_the_breast_cancer_table(tmp_path):
    printed = run(ROOT / "experiments/paper_network.py", "--small", "--output", tmp_path)
    [row] = json.loads((tmp_path / "paper_network.json").read_text())["rows"]
    assert row["accuracy"]["mean"] > 0.93
    assert "| breast cancer | 569 x 30 |" in printed


def test_certificates_pass(tmp_path):
    printed = run(ROOT / "experiments/certificates.py", "--small", "--output", tmp_path)
    rows = json.loads((tmp_path / "certificates.json").read_text())["rows"]
    assert [row["way"] for row in rows] == ["smoothing", "all"]
    assert all(row["right"] for row in rows)
    assert "| pinball(0.1, 0.5, 0.9) | 1 | 1 |" in printed


def test_scikit_learn_scores_are_compared(tmp_path):
    run(ROOT / "experiments/scikit_learn_scores.py", "--small", "--output", tmp_path)
    rows = json.loads((tmp_path / "scikit_learn_scores.json").read_text())["rows"]
    assert [row["data"] for row in rows] == ["breast cancer", "diabetes"]
    assert rows[0]["mean"]["ours"] > 0.93


def test_estimators_are_compared_with_those_that_they_replace(tmp_path):
    printed = run(ROOT / "experiments/start.py", "--small", "--output", tmp_path)
    rows = json.loads((tmp_path / "start.json").read_text())["rows"]
    assert [row["table"] for row in rows] == ["diabetes", "breast_cancer"]
    assert all(np.isfinite(row["difference"]["mean"]) for row in rows)
    assert rows[0]["difference"]["mean"] > rows[0]["difference_of_he"]["mean"] + 0.1
    assert "| diabetes | 442 x 10 | R² |" in printed


def test_the_estimators_score_as_those_that_they_replace_on_all_tables():
    rows = json.loads((ROOT / "experiments/results/start.json").read_text())["rows"]
    assert len(rows) == 14
    below = [row["table"] for row in rows if not row["holds"]]
    assert len(below) <= 3  # by chance alone one in six
    assert not {"bikes", "diamonds"} & set(below)
    for row in rows:
        for name, sign in (("difference", 1), ("difference_of_log_loss", -1)):
            if name in row:
                found = row[name]
                assert sign * found["mean"] > -2 * found["standard_error"]
    he = {row["table"]: row["difference_of_he"] for row in rows}
    assert he["bikes"]["mean"] < -5 * he["bikes"]["standard_error"]  # it would be seen


def test_ensembles_are_laid_beside_the_best_network(tmp_path):
    run(ROOT / "experiments/ensembles.py", "--small", "--output", tmp_path)
    [row] = json.loads((tmp_path / "ensembles.json").read_text())["rows"]
    assert set(row["means"]) == {"best", "ensemble", "eight best"}
    assert all(0 < score <= 1 and loss > 0 for score, loss in row["means"].values())


def test_scaling_is_measured_and_worked_out(tmp_path):
    page = tmp_path / "scale.md"
    run(ROOT / "experiments/scale.py", "--small", "--output", tmp_path, "--page", page)
    found = json.loads((tmp_path / "scale.json").read_text())
    assert [row["layout"] for row in found["strong"]] == [row["layout"] for row in found["weak"]]
    assert found["strong"][0]["speed"] == 1
    assert all(row["seconds"] > 0 for row in found["strong"] + found["weak"])
    said = page.read_text()
    assert "## A million networks" in said
    assert "## A billion rows" in said
    assert f"| one core | {found['strong'][0]['seconds']:.2f} | 1.00 |" in said
    where = ("--small", "--output", tmp_path, "--page", page)
    run(ROOT / "experiments/scale.py", "--part", "weak", *where)
    again = json.loads((tmp_path / "scale.json").read_text())
    assert again["weak"] != found["weak"]
    assert (again["strong"], again["checkpoint"]) == (found["strong"], found["checkpoint"])


def test_what_a_killed_worker_changes_is_measured(tmp_path):
    run(ROOT / "experiments/divided.py", "--small", "--output", tmp_path)
    [row] = json.loads((tmp_path / "divided.json").read_text())["rows"]
    assert row["killed_at"] == 1
    assert row["statuses"]
    assert max(row["scores"], row["weights"]) < 1e-10


def test_nothing_differed_where_a_thousand_networks_lost_workers():
    found = json.loads((ROOT / "experiments/results/divided.json").read_text())
    assert found["members"] == 1000
    assert {row["engine"] for row in found["rows"]} == {"processes", "dask"}
    assert {row["killed_at"] for row in found["rows"]} == {None, 1, 3, 6}
    assert all(row["scores"] == row["weights"] == 0 for row in found["rows"])
    assert all(row["statuses"] for row in found["rows"])


def test_the_scores_on_the_page_are_the_committed_ones_and_none_is_worse():
    path = ROOT / "experiments/results/scikit_learn_scores.json"
    rows, page = json.loads(path.read_text())["rows"], (ROOT / "experiments/README.md").read_text()
    assert len(rows) == 6
    for row in rows:
        ours, theirs = (f"{row['mean'][who]:.3f} ± " for who in ("ours", "theirs"))
        assert f"| {row['score']} | {ours}" in page
        assert f"| {theirs}" in page
        assert row["not_worse"]


def test_every_combination_has_its_certificate():
    rows = json.loads((ROOT / "experiments/results/certificates.json").read_text())["rows"]
    assert len(rows) == 8 * 12 * 4 + 2 * 12  # two losses can have their labels smoothed too
    assert all(row["right"] for row in rows)
    assert max(row["autodiff"] for row in rows) <= 1e-10
    assert max(row["differences"] for row in rows) <= 1e-6


def test_what_the_page_says_of_the_experiments_is_committed():
    results, page = ROOT / "experiments/results", (ROOT / "experiments/README.md").read_text()
    rows = json.loads((results / "paper_network.json").read_text())["rows"]
    assert [row["data"] for row in rows] == ["breast cancer", "banana", "fair"]
    for row in rows:
        score = row["accuracy"]
        assert f"| {score['mean']:.3f} ± {score['spread']:.3f} | {score['minimum']:.3f}" in page
    assert rows[0]["accuracy"]["mean"] >= 0.95
    faults = json.loads((results / "planted_faults.json").read_text())["rows"]
    assert all(row["named"] == row["layer"] for row in faults)
    assert all(row["passed"] for row in faults if row["fault"] == "none")
    assert f"names the layer of all {sum(row['layer'] is not None for row in faults)}" in page
    alarms = json.loads((results / "false_alarms.json").read_text())
    assert f"{alarms['false_alarms']} in {alarms['networks']:,} random networks" in page


def test_accuracy_lays_ways_side_by_side_and_goes_on_where_it_was_cut(tmp_path):
    script, kept = ROOT / "experiments/accuracy.py", tmp_path / "accuracy.jsonl"
    printed = run(script, "--small", "--output", tmp_path)
    first, *others = kept.read_text().splitlines()
    assert len(others) == 5
    assert all({"loss", "score", "seconds", "loaded"} < set(json.loads(line)) for line in others)
    ours = [line for line in map(json.loads, others) if line["way"] == "mlp_jax"]
    assert [line["table"] for line in ours] == ["diabetes", "breast_cancer"]
    assert ours[0]["single"]["score"] > 0.2  # R²
    assert ours[1]["score"] > 0.9  # accuracy
    assert "of 2 tables, not worse beyond a standard error on " in printed
    assert (tmp_path / "accuracy.png").stat().st_size > 10_000
    kept.write_text("\n".join(others) + "\n")
    run(script, "--small", "--output", tmp_path)
    assert kept.read_text().splitlines()[:-1] == others
    was, again = json.loads(first), json.loads(kept.read_text().splitlines()[-1])
    assert [was[key] for key in ("table", "way", "loss")] == [
        again[key] for key in ("table", "way", "loss")
    ]


def test_a_way_that_fails_is_told_and_tried_again(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "lightgbm", None)  # as if it were not installed
    script = ROOT / "experiments/accuracy.py"
    arguments = ("--ways", "LightGBM", "--tables", "diabetes", "--seeds", "1", "--output", tmp_path)
    for times in (1, 2):
        with pytest.raises(SystemExit, match="1 could not be measured"):
            run(script, *arguments)
        lines = (tmp_path / "accuracy.jsonl").read_text().splitlines()
        assert len(lines) == times
        assert "lightgbm" in json.loads(lines[-1])["error"]
    assert "failed: diabetes, seed 0, LightGBM" in run(
        script, "--small", "--summary", "--output", tmp_path
    )


def scores_of(losses):
    """The script's Scores of {way: {table: losses, a seed each}}; those of one class of tables."""
    module = runpy.run_path(str(ROOT / "experiments/accuracy_scores.py"))
    lines = {
        (table, seed, way): {
            "table": table,
            "seed": seed,
            "way": way,
            "task": "classification",
            "loss": loss,
            "score": 1 - loss,
            "cpu_seconds": 1.0,
            "single": {"loss": 0.25, "score": 0.75},
            "covered": 0.875,
        }
        for way, tables in losses.items()
        for table, values in tables.items()
        for seed, loss in enumerate(values)
    }
    tables = list(next(iter(losses.values())))
    return module, module["Scores"](lines, list(losses), tables)


def test_a_table_is_lost_where_the_mean_difference_is_beyond_its_standard_error():
    module, scores = scores_of(
        {
            "mlp_jax": {"a": [0.3, 0.3, 0.3], "b": [0.2, 0.3, 0.4], "c": [0.1, 0.1, 0.1]},
            # Differences: a 0.01, 0.02, 0.03; b 0.1, 0.1, -0.17, whose error is 0.09; c below.
            "gradient boosting": {
                "a": [0.29, 0.28, 0.27],
                "b": [0.1, 0.2, 0.57],
                "c": [0.2, 0.2, 0.2],
            },
        }
    )
    found = module["measures"](scores, scores.ways)
    assert found["against"]["gradient boosting"] == {"tables": 3, "better": ["c"], "lost": ["a"]}
    assert found["first"] is False  # ranks 2, 2, 1
    assert scores.ranks(scores.ways).tolist() == [[2, 1], [2, 1], [1, 2]]
    assert found["covered"] == {"a": 0.875, "b": 0.875, "c": 0.875}
    below = [better for *_, better in found["below_single"]]
    assert below == [False] * 3 + [True, False, False] + [True] * 3


def test_ways_are_ranked_on_the_seeds_and_tables_that_all_have():
    module, scores = scores_of(
        {
            "mlp_jax": {"a": [0.1, 0.9], "b": [0.2]},
            "linear": {"a": [0.2], "b": []},
        }
    )
    assert scores.common(scores.ways) == {"a": {0}}
    assert scores.means(scores.ways).tolist() == [[0.1, 0.2]]
    assert scores.complete(scores.ways) == ["mlp_jax"]  # linear has no score of b
    found = module["measures"](scores, scores.ways)
    assert found["against"]["linear"] == {"tables": 1, "better": ["a"], "lost": []}


def test_the_tables_of_accuracy_on_the_page_are_those_of_the_kept_scores(tmp_path):
    results, page = ROOT / "experiments/results", (ROOT / "experiments/README.md").read_text()
    shutil.copy(results / "accuracy.jsonl", tmp_path)
    printed = run(ROOT / "experiments/accuracy.py", "--summary", "--output", tmp_path)
    told = page.split("<!-- accuracy: begin -->\n")[1].split("<!-- accuracy: end -->")[0]
    assert told in printed
    assert json.loads((tmp_path / "accuracy.json").read_text())["failed"] == []


def test_the_answer_by_default_is_better_than_what_people_have():
    kept = json.loads((ROOT / "experiments/results/accuracy.json").read_text())
    found = kept["measures"]
    against, tables = found["against"], found["tables"]
    assert tables >= 14
    assert len(against["gradient boosting"]["better"]) >= 0.6 * tables
    assert len(against["gradient boosting"]["lost"]) <= 0.15 * tables
    # Behind on these alone: a straight line is all there is to find there, to 3 % of the loss, and
    # scikit-learn's MLP is nearer to it on one by 0.0009 ± 0.0008.
    assert set(against["linear"]["lost"]) <= {"diabetes", "default"}
    assert against["scikit-learn's MLP"]["lost"] == []
    assert found["first"]
    behind, error = found["ranks_behind"]["RealMLP-TD"]
    assert behind <= error
    below = [better for *_, better in found["below_single"]]
    assert len(below) == 3 * tables
    assert sum(below) >= 0.9 * len(below)


def test_the_mean_ranks_of_readme_are_the_committed_ones():
    ranks = json.loads((ROOT / "experiments/results/accuracy.json").read_text())["mean_ranks"]
    readme = " ".join((ROOT / "README.md").read_text().split())
    assert f"mean rank by loss is {ranks['mlp_jax']:.1f}; gradient boosting's" in readme
    for way, said in (
        ("gradient boosting", "gradient boosting"),
        ("LightGBM", "LightGBM"),
        ("RealMLP-TD", "RealMLP"),
        ("random forest", "forests"),
        ("scikit-learn's MLP", "scikit-learn's MLP"),
    ):
        assert re.search(rf"{said}'s? {ranks[way]:.1f}[,.]", readme), way


def test_the_page_lists_the_real_tables():
    page = (ROOT / "experiments/README.md").read_text()
    told = page.split("<!-- tables: begin -->\n")[1].split("<!-- tables: end -->")[0]
    recipes = runpy.run_path(str(ROOT / "experiments/tables.py"))["RECIPES"]
    rows = [line.split(" | ") for line in told.splitlines()[2:]]
    assert [row[0].removeprefix("| ") for row in rows] == list(recipes)
    for row, recipe in zip(rows, recipes.values(), strict=True):
        assert row[4].split(",")[0] == recipe.target
        assert [row[5], row[6].removesuffix(" |")] == [recipe.source, recipe.licence]
    assert sum(recipe.task == "regression" for recipe in recipes.values()) >= 6


def test_intervals_have_their_share_of_the_rows_held_out(tmp_path):
    printed = run(ROOT / "experiments/intervals.py", "--small", "--output", tmp_path)
    [row] = json.loads((tmp_path / "intervals.json").read_text())["rows"]
    off = 4 * row["spread_of_counting"]
    assert abs(row["coverage"]["0.9"] - 0.9) < off
    assert "| diabetes | 111 |" in printed


def test_intervals_of_90_percent_have_87_to_93_percent_over_the_tables_of_numbers():
    found = json.loads((ROOT / "experiments/results/intervals.json").read_text())
    assert len(found["rows"]) >= 10
    assert 0.87 <= found["mean"] <= 0.93
    for row in found["rows"]:
        assert 0.87 - row["spread_of_counting"] <= row["coverage"]["0.9"]
        assert row["coverage"]["0.9"] <= 0.93 + row["spread_of_counting"]
