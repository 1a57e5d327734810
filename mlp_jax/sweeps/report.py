"""The report of a sweep: one page of HTML with its pictures inside, for a screen of any width."""

import base64
import html
import io
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mlp_jax.sweeps.result import SweepResult

ROWS = 20  # of the table
CURVES = 5  # of the best
COLOURS = {"finished": "#4c72b0", "stopped": "#4c72b0", "halved away": "#b0b7c3"}

_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 1rem; max-width: 70rem;
       color: #1c1e21; background: #fff; }
h1 { font-size: 1.6rem; line-height: 1.2; } h2 { font-size: 1.2rem; margin-top: 2rem; }
.pictures { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)); }
figure { margin: 0; } img { width: 100%; height: auto; } figcaption { font-size: .9rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid #e3e5e8;
         white-space: nowrap; } th { background: #f4f5f7; }
.figures { display: flex; flex-wrap: wrap; gap: .5rem 2rem; padding: 0; list-style: none; }
.figures b { display: block; font-size: 1.4rem; }
"""


def html_report(result: SweepResult, *, held_out_score: float | None = None) -> str:
    """The page.

    Args:
      result: of the sweep.
      held_out_score: of the best network on samples that the sweep has not seen.

    Raises:
      ValueError: no configuration finished.
    """
    best, plan = result.best, result.plan
    figures = [
        (f"{best.score:.4f} ± {best.spread:.4f}", f"{result.task.scoring} of the best, by folds"),
        (f"{len(result.ranking):,}", "configurations"),
        (f"{plan.members:,}", "networks trained"),
        (f"{result.seconds:.1f} s", "in all"),
        (f"{plan.compilations}", "compiled programs"),
        (f"{plan.flops_used / plan.flops_issued:.0%}", "of the arithmetic useful"),
    ]
    if held_out_score is not None:
        figures.insert(1, (f"{held_out_score:.4f}", "accuracy on samples held out"))
    counted = "".join(f"<li><b>{html.escape(a)}</b>{html.escape(b)}</li>" for a, b in figures)
    scatter = [
        _figure(_scatter(result, name), f"Each dot is a configuration; its {result.task.scoring}.")
        for name in result.varied()
    ]
    below = [
        _figure(_curves(result), f"Validation loss of the best {CURVES}, on their first fold."),
        _figure(_buckets(result), "Where the time went: each bar is a compiled program."),
    ]
    interrupted = "<p><b>Interrupted:</b> some did not finish.</p>" if result.interrupted else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Sweep: {best.score:.4f}</title><style>{_STYLE}</style></head><body>"
        f"<h1>A sweep over {len(result.ranking):,} networks</h1>{interrupted}"
        f'<ul class="figures">{counted}</ul>'
        f'<h2>The best</h2><div class="wide">{_table(result)}</div>'
        f'<h2>Score by choice</h2><div class="pictures">{"".join(scatter)}</div>'
        f'<h2>Training and time</h2><div class="pictures">{"".join(below)}</div>'
        "</body></html>"
    )


def _table(result: SweepResult) -> str:
    names = result.varied()
    head = ("rank", result.task.scoring, "spread", "best epoch", *names, "status")
    lines = []
    for row in result.ranking[:ROWS]:
        values = [result.task.described(row.configuration, name) for name in names]
        cells = (
            *(str(row.rank), f"{row.score:.4f}", f"{row.spread:.4f}", f"{row.best_epoch:.0f}"),
            *(*values, row.status),
        )
        lines.append("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in cells) + "</tr>")
    header = "".join(f"<th>{html.escape(name)}</th>" for name in head)
    return f"<table><tr>{header}</tr>{''.join(lines)}</table>"


def _figure(picture: bytes, caption: str) -> str:
    data = base64.b64encode(picture).decode()
    said = html.escape(caption)
    return (
        f'<figure><img alt="{said}" src="data:image/png;base64,{data}">'
        f"<figcaption>{said}</figcaption></figure>"
    )


def _axes() -> tuple[Figure, Any]:
    figure = Figure(figsize=(5, 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)
    return figure, axes


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=130)
    return file.getvalue()


def _scatter(result: SweepResult, name: str) -> bytes:
    """Score against one choice: numbers on an axis, anything else in columns."""
    figure, axes = _axes()
    rows = [row for row in result.ranking if np.isfinite(row.score)]
    values = [row.configuration.get(name) for row in rows]
    colours = [COLOURS.get(row.status, "#c44e52") for row in rows]
    scores = np.array([row.score for row in rows])
    numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    if numeric:
        numbers = np.array(values, float)
        if numbers.min() > 0 and numbers.max() > 20 * numbers.min():
            axes.set_xscale("log")
        axes.scatter(numbers, scores, s=12, c=colours, alpha=0.6, linewidths=0)
    else:
        said = [result.task.described(row.configuration, name) for row in rows]
        if name == "hidden":  # too many to be columns: by size
            total = [sum(row.configuration["hidden"]) for row in rows]
            axes.scatter(total, scores, s=12, c=colours, alpha=0.6, linewidths=0)
            name = "hidden units in all"
        else:
            labels = sorted(set(said))
            jitter = np.random.default_rng(0).uniform(-0.25, 0.25, len(said))
            at = np.array([labels.index(s) for s in said]) + jitter
            axes.scatter(at, scores, s=12, c=colours, alpha=0.6, linewidths=0)
            axes.set_xticks(range(len(labels)), labels)
    low = np.quantile(scores, 0.02)  # a few that failed would press the others together
    if low < scores.max():
        axes.set_ylim(low - 0.05 * (scores.max() - low), None)
    axes.set(xlabel=name, ylabel=result.task.scoring)
    return _png(figure)


def _curves(result: SweepResult) -> bytes:
    figure, axes = _axes()
    for row in result.ranking[:CURVES]:
        loss = row.members[0].curves.validation_loss
        axes.plot(np.arange(1, len(loss) + 1), loss, label=f"rank {row.rank}", linewidth=1.5)
    axes.set(xlabel="epoch", ylabel="validation loss")
    axes.legend(fontsize=8)
    return _png(figure)


def _buckets(result: SweepResult) -> bytes:
    figure, axes = _axes()
    buckets = range(len(result.plan.buckets))
    spent = np.array([result.bucket_seconds.get(i, (0.0, 0.0)) for i in buckets])
    at = np.arange(len(spent))
    useful = np.array([b.flops_used / b.flops_issued for b in result.plan.buckets])
    axes.bar(at, spent[:, 0], color="#dd8452", label="compiling")
    running = spent[:, 1]
    axes.bar(at, running * useful, bottom=spent[:, 0], color="#4c72b0", label="training")
    bottom = spent[:, 0] + running * useful
    axes.bar(at, running * (1 - useful), bottom=bottom, color="#c9d3e6", label="padding")
    axes.set(xlabel="program", ylabel="seconds of a core")
    axes.legend(fontsize=8)
    return _png(figure)
