"""The scores that accuracy.py kept, compared: ranks, differences and the measures of the answer.

"Beyond a standard error": on a table, ours has lost to another way if the mean over seeds of the
difference of their losses, on the same rows held out, is larger than that mean's standard error.
"""

import numpy as np
from scipy.stats import rankdata

OURS, BOOSTING, REAL_MLP = "mlp_jax", "gradient boosting", "RealMLP-TD"
# A way of classes alone: of numbers the other way's results are its own.
SAME_FOR_NUMBERS = {"RealMLP-TD, log loss": REAL_MLP}


class Scores:
    """The kept lines by table and way; tables and ways stand in the order that is given.

    ways: all of which something was measured. failed: the lines that hold an error.
    """

    def __init__(self, lines, ways, tables):
        good = [line for line in lines.values() if "error" not in line]
        self.failed = [line for line in lines.values() if "error" in line]
        self.by = {}
        for line in good:
            self.by.setdefault((line["table"], line["way"]), {})[line["seed"]] = line
        for line in good:
            for way, other in SAME_FOR_NUMBERS.items():
                if line["task"] == "regression" and line["way"] == other:
                    self.by[line["table"], way] = self.by[line["table"], other]
        measured = {line["way"] for line in good}
        self.ways = [way for way in ways if way in measured]
        self.tables = [name for name in tables if any(name == table for table, _ in self.by)]
        self.tasks = {line["table"]: line["task"] for line in good}

    def values(self, table, way, field="loss", seeds=None):
        """{seed: value}, of these seeds or of all that there are."""
        lines = self.by.get((table, way), {})
        return {
            seed: lines[seed][field] for seed in sorted(lines) if seeds is None or seed in seeds
        }

    def seconds(self, way):
        """Of all cores together, in fitting: all that were measured; load hardly changes them."""
        kept = [lines for (_, of), lines in self.by.items() if of == way]
        return [line["cpu_seconds"] for lines in kept for line in lines.values()]

    def seeds(self, table, ways):
        """Those of which each of the ways has a score."""
        return set.intersection(*(set(self.values(table, way)) for way in ways))

    def complete(self, ways):
        """Those of the ways that have a score of every table: what can be ranked."""
        return [way for way in ways if all(self.seeds(table, [way]) for table in self.tables)]

    def common(self, ways):
        """{table: seeds} of the tables on which all ways can be compared."""
        seeds = {table: self.seeds(table, ways) for table in self.tables}
        return {table: found for table, found in seeds.items() if found}

    def means(self, ways, field="loss"):
        """Means over the common seeds, tables x ways, of the tables that they have in common."""
        rows = [
            [np.mean(list(self.values(table, way, field, seeds).values())) for way in ways]
            for table, seeds in self.common(ways).items()
        ]
        return np.array(rows).reshape(-1, len(ways))

    def ranks(self, ways, field="loss"):
        """1 is the best; tables x ways."""
        sign = 1 if field == "loss" else -1
        return np.array([rankdata(sign * row) for row in self.means(ways, field)]).reshape(
            -1, len(ways)
        )

    def differences(self, table, way, other):
        """Mean and standard error over seeds of way's loss less other's; None without a seed."""
        seeds = sorted(self.seeds(table, [way, other]))
        if not seeds:
            return None
        losses = [list(self.values(table, one, "loss", seeds).values()) for one in (way, other)]
        return mean_and_error(np.subtract(*losses))


def mean_and_error(values):
    """The mean, and its standard error (0 of a single value)."""
    values = np.asarray(list(values), float)
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0
    return float(values.mean()), float(error)


def against(scores, way, other):
    """{"better", "not worse", "lost"} of `way` on the tables that both have, by mean loss."""
    found = {name: scores.differences(name, way, other) for name in scores.tables}
    found = {name: difference for name, difference in found.items() if difference is not None}
    return {
        "tables": len(found),
        "better": [name for name, (mean, _) in found.items() if mean < 0],
        "lost": [name for name, (mean, error) in found.items() if mean > error],
    }


def below_single(scores):
    """[(table, seed, whether the ensemble's loss is below the single best network's)]."""
    return [
        (name, seed, scores.by[name, OURS][seed]["loss"] < single["loss"])
        for name in scores.tables
        for seed, single in singles(scores, name).items()
    ]


def singles(scores, name):
    lines = scores.by.get((name, OURS), {})
    return {seed: line["single"] for seed, line in lines.items() if "single" in line}


def covered(scores):
    """{table: the share of rows held out that ours' intervals of 90 % cover, mean over seeds}."""
    found = {}
    for name in scores.tables:
        lines = scores.by.get((name, OURS), {}).values()
        shares = [line["covered"] for line in lines if "covered" in line]
        if shares:
            found[name] = float(np.mean(shares))
    return found


def measures(scores, shown):
    """What is asked of the answer by default, as numbers; {} until it is measured on all tables."""
    ways = scores.complete(shown)
    if OURS not in ways:
        return {}
    ranks = scores.ranks(ways)
    mean_ranks = dict(zip(ways, ranks.mean(axis=0).tolist(), strict=True))
    others = [way for way in ways if not way.startswith((REAL_MLP, OURS)) or way == "RealMLP-TD-S"]
    found = {
        "tables": len(ranks),
        "against": {way: against(scores, OURS, way) for way in shown if way != OURS},
        "first": all(mean_ranks[OURS] < mean_ranks[way] for way in others),
        "below_single": below_single(scores),
        "covered": covered(scores),
    }
    for way in (REAL_MLP, *SAME_FOR_NUMBERS):
        if way in ways:
            columns = [ways.index(OURS), ways.index(way)]
            mean, error = mean_and_error(ranks[:, columns[0]] - ranks[:, columns[1]])
            found.setdefault("ranks_behind", {})[way] = [mean, error]
    return found


def ratios_to(scores, way, other):
    """Mean loss over the other's, a table each."""
    means = scores.means([way, other]) if other in scores.ways else np.ones((0, 2))
    return means[:, 0] / means[:, 1]
