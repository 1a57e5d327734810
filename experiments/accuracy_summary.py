"""What accuracy.py tells of its scores: the tables, the measures in words, a picture."""

import json
from pathlib import Path

import numpy as np
from accuracy_scores import BOOSTING, OURS, Scores, against, mean_and_error, measures, ratios_to
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

PAGE = Path(__file__).parent / "README.md"
MARKS = "<!-- accuracy: begin -->\n", "<!-- accuracy: end -->\n"
TICKS = (0.125, 0.25, 0.5, 0.75, 1, 1.5, 2, 4, 8, 16)


def spelled(values, digits=3):
    """Mean ± standard error, of a single value the value: so many digits, at most four places."""
    mean, error = mean_and_error(values)
    places = max(0, digits - 1 - int(np.floor(np.log10(abs(mean))))) if mean else digits
    places = min(places, 4)
    return f"{mean:.{places}f}" + (f" ± {error:.{places}f}" if len(values) > 1 else "")


def table_of_scores(scores, ways):
    """R² or log loss, mean ± standard error over seeds; the best of a row in bold."""
    lines = ["| table | score | " + " | ".join(ways) + " |", "|---" * (len(ways) + 2) + "|"]
    for table in scores.tables:
        field, name = ("loss", "log loss")
        if scores.tasks[table] == "regression":
            field, name = "score", "R²"
        found = {way: scores.values(table, way, field) for way in ways}
        means = {way: np.mean(list(values.values())) for way, values in found.items() if values}
        best = (max if field == "score" else min)(means, key=means.get)
        cells = [spelled(found[way].values()) if found[way] else "" for way in ways]
        cells = [
            f"**{cell}**" if way == best else cell for way, cell in zip(ways, cells, strict=True)
        ]
        lines.append(f"| {table} | {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def table_of_ranks(scores, shown):
    ways = scores.complete(shown)
    common = scores.common(ways)
    seeds = sum(map(len, common.values()))
    lines = [
        f"Ranked on {len(common)} tables, {seeds} splits of them, which all these ways have:",
        "",
        "| way | mean rank by loss | by accuracy or R² | loss over gradient boosting's "
        "| CPU seconds |",
        "|---|---|---|---|---|",
    ]
    by_loss, by_score = scores.ranks(ways), scores.ranks(ways, "score")
    order = np.argsort(by_loss.mean(axis=0)) if len(by_loss) else []
    for place in order:
        way = ways[place]
        seconds = scores.seconds(way)
        ratios = ratios_to(scores, way, BOOSTING)
        lines.append(
            f"| {way} | {spelled(by_loss[:, place])} | {spelled(by_score[:, place])} "
            f"| {np.exp(np.mean(np.log(ratios))) if len(ratios) else np.nan:.3f} "
            f"| {np.median(seconds):.1f} (to {max(seconds):.0f}) |"
        )
    return "\n".join(lines)


def table_of_changes(scores, changes):
    """Ours with one ingredient taken out, against ours."""
    lines = [
        "| taken out | loss over the default's | tables better without it | worse without it, "
        "beyond a standard error | CPU seconds |",
        "|---|---|---|---|---|",
    ]
    for way in changes:
        ratios, found = ratios_to(scores, way, OURS), against(scores, way, OURS)
        seconds = scores.seconds(way)
        lines.append(
            f"| {way.removeprefix(OURS + ', ')} | {np.exp(np.mean(np.log(ratios))):.3f} "
            f"| {len(found['better'])} of {found['tables']} | {len(found['lost'])} "
            f"| {np.median(seconds):.1f} |"
        )
    return "\n".join(lines)


def said(found):
    """The measures, a line each."""
    if not found:
        return f"{OURS} is not measured yet."
    lines = []
    for way, one in found["against"].items():
        kept = one["tables"] - len(one["lost"])
        lost = f"; lost: {', '.join(one['lost'])}" if one["lost"] else ""
        lines.append(
            f"- Against {way}: better on {len(one['better'])} of {one['tables']} tables, "
            f"not worse beyond a standard error on {kept}{lost}."
        )
    which = "first" if found["first"] else "not first"
    lines.append(f"- Mean rank: {which} among all ways but RealMLP-TD.")
    for way, (mean, error) in found.get("ranks_behind", {}).items():
        lines.append(f"- Ranks behind {way}: {mean:.2f} ± {error:.2f}.")
    below = [better for *_, better in found["below_single"]]
    if below:
        lines.append(
            f"- The ensemble's loss is below the single best network's on {sum(below)} of "
            f"{len(below)} tables and seeds."
        )
    shares = list(found["covered"].values())
    if shares:
        lines.append(
            f"- Intervals of 90 % cover {np.mean(shares):.1%} of the rows held out; of a table "
            f"from {min(shares):.1%} to {max(shares):.1%}."
        )
    return "\n".join(lines)


def picture(scores, shown, changes):
    ways = scores.complete(shown)
    figure = Figure(figsize=(13 if changes else 9, 1.5 + 0.4 * len(ways)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 3 if changes else 2)
    ranks = scores.ranks(ways)
    order = np.argsort(-ranks.mean(axis=0))
    names = [ways[place] for place in order]
    found = [mean_and_error(ranks[:, place]) for place in order]
    colours = ["tab:blue" if name == OURS else "0.4" for name in names]
    for at, ((mean, error), colour) in enumerate(zip(found, colours, strict=True)):
        axes[0].errorbar(mean, at, xerr=error, fmt="o", color=colour, capsize=3)
    axes[0].set_yticks(range(len(names)), names)
    axes[0].set(xlabel=f"mean rank on {len(ranks)} tables, ± its standard error")
    for at, (name, colour) in enumerate(zip(names, colours, strict=True)):
        ratios = ratios_to(scores, name, BOOSTING)
        axes[1].plot(ratios, [at] * len(ratios), "o", color=colour, alpha=0.35)
        if len(ratios):
            axes[1].plot(np.exp(np.mean(np.log(ratios))), at, "|", color=colour, ms=18, mew=2)
    axes[1].set_yticks(range(len(names)), [""] * len(names))
    axes[1].set(xlabel="loss over gradient boosting's, a dot a table", xscale="log")
    if changes:
        for at, name in enumerate(changes):
            ratios = ratios_to(scores, name, OURS)
            axes[2].plot(ratios, [at] * len(ratios), "o", color="0.4", alpha=0.35)
            axes[2].plot(np.exp(np.mean(np.log(ratios))), at, "|", color="k", ms=18, mew=2)
        short = [name.removeprefix(OURS + ", ") for name in changes]
        axes[2].set_yticks(range(len(changes)), short)
        axes[2].set(xlabel="loss over the default's", xscale="log")
    for one in axes[1:]:
        one.axvline(1, color="0.8", zorder=0)
        one.xaxis.set_major_locator(FixedLocator(TICKS))
        one.xaxis.set_major_formatter("{x:g}")
        one.xaxis.set_minor_locator(NullLocator())
    for one in axes:
        one.grid(axis="x", alpha=0.3)
    return figure


def write_between(path, content):
    """Puts `content` between the two marks in the file, in place of what is there."""
    before, rest = path.read_text(encoding="utf-8").split(MARKS[0])
    path.write_text(before + MARKS[0] + content + MARKS[1] + rest.split(MARKS[1])[1], "utf-8")


def pages_tables(scores, ways, changes):
    """What stands on the page between the marks."""
    parts = [
        table_of_ranks(scores, ways),
        said(measures(scores, ways)),
        table_of_scores(scores, ways),
    ]
    if changes:
        parts.append(table_of_changes(scores, changes))
    return "\n\n".join(parts) + "\n"


def told(lines, ways, changes, tables, output, *, readme):
    """Prints the tables and the failures, keeps accuracy.json and accuracy.png."""
    scores = Scores(lines, (*ways, *changes), tables)
    shown = [way for way in ways if way in scores.ways]
    changed = [way for way in changes if way in scores.ways]
    for line in scores.failed:
        print(f"failed: {line['table']}, seed {line['seed']}, {line['way']}: {line['error']}")
    if not shown:
        print("nothing is measured yet")
        return
    print(pages_tables(scores, shown, changed))
    ranked = scores.complete(shown)
    for way in shown:
        lacks = [name for name in scores.tables if not scores.seeds(name, [way])]
        if lacks:
            print(f"{way} is not ranked, since it has no score of {', '.join(lacks)}")
    kept = {
        "ways": shown,
        "tables": scores.tables,
        "mean_ranks": dict(zip(ranked, scores.ranks(ranked).mean(axis=0).tolist(), strict=True)),
        "measures": measures(scores, shown),
        "failed": scores.failed,
    }
    (output / "accuracy.json").write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    picture(scores, shown, changed).savefig(output / "accuracy.png", dpi=110)
    if readme:
        write_between(PAGE, pages_tables(scores, shown, changed))
