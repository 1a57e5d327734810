"""The report of a sweep: one page of HTML with its pictures inside, for a screen of any width."""

import base64
import html
from collections.abc import Mapping, Sequence

from mlp_jax.sweeps.results.answer import Answer
from mlp_jax.sweeps.results.ensemble import Ensemble
from mlp_jax.sweeps.results.report_answer import about_ensemble, members_of, pictures_of_answer
from mlp_jax.sweeps.results.report_pictures import (
    Picture,
    pictures_of_best,
    pictures_of_choices,
    pictures_of_training,
)
from mlp_jax.sweeps.results.result import SweepResult
from mlp_jax.sweeps.scoring import as_read

ROWS = 20  # configurations in the table

_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 1rem; max-width: 70rem;
       color: #1c1e21; background: #fff; }
h1 { font-size: 1.6rem; line-height: 1.2; } h2 { font-size: 1.2rem; margin-top: 2rem; }
.pictures { display: grid; gap: 1rem;
            grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr)); }
figure { margin: 0; min-width: 0; overflow-wrap: anywhere; }
figure.large { grid-column: 1 / -1; overflow-x: auto; }
img { width: 100%; height: auto; }
figure.large img { width: auto; max-width: 100%; min-width: 40rem; }
figcaption { font-size: .9rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid #e3e5e8;
         white-space: nowrap; } th { background: #f4f5f7; }
.figures { display: flex; flex-wrap: wrap; gap: .5rem 2rem; padding: 0; list-style: none; }
.figures b { display: block; font-size: 1.4rem; }
"""


def html_report(
    result: SweepResult,
    *,
    held_out_score: float | None = None,
    classes: Sequence[object] | None = None,
    features: Sequence[object] | None = None,
    mean: float = 0.0,
    scale: float = 1.0,
    about: Mapping[str, object] | None = None,
    answer: Answer | None = None,
) -> str:
    """The page in HTML.

    Args:
      result: of the sweep.
      held_out_score: of the answer on samples that the sweep has not seen; accuracy of classes,
        R² of numbers.
      classes: names of the classes, in their order; by default the values of y.
      features: names of the columns of X; a picture shows them where X has two columns.
      mean: of the numbers to predict, if y has them standardised.
      scale: likewise; a number is drawn as y * scale + mean.
      about: more facts for the reader, by name, such as {"table": "people.csv"}.
      answer: of `mlp_jax.sweeps.results.answer.explained`: the page says which networks it is made
        of, which columns decide, and how far off its numbers may be.

    Raises:
      ValueError: no configuration finished, or there are more or fewer names than what they name.
    """
    best, plan = result.best, result.plan
    known, count = result.task.classes, result.task.X.shape[1]
    named = None if known is None else _names("classes", classes, [*map(str, known)])
    columns = _names("features", features, [f"x[{i}]" for i in range(1, count + 1)])
    score = as_read(result.task.scoring, best.score)
    figures = [
        (f"{score:.4f} ± {best.spread:.4f}", f"{result.task.scoring} of the best, by folds"),
        (f"{len(result.ranking):,}", "configurations"),
        (f"{plan.members:,}", "networks trained"),
        (f"{result.seconds:.1f} s", "in all"),
        (f"{plan.compilations}", "compiled programs"),
        (f"{plan.flops_used / plan.flops_issued:.0%}", "of the arithmetic useful"),
    ]
    if held_out_score is not None:
        scored = "accuracy" if best.members[0].network.loss.classes else "R²"
        figures.insert(1, (f"{held_out_score:.4f}", f"{scored} on samples held out"))
    counted = "".join(f"<li><b>{_escaped(a)}</b>{_escaped(b)}</li>" for a, b in figures)
    told = {
        "networks see": f"{count:,} inputs, {len(result.task.X):,} samples",
        "folds": len(result.task.splits),
        **(about or {}),
    }
    facts = "; ".join(f"{_escaped(name)}: {_escaped(one)}" for name, one in told.items())
    ensemble = None if answer is None else answer.ensemble
    explained = [] if answer is None else pictures_of_answer(answer)
    predictions = pictures_of_best(
        result, named, columns, mean=mean, scale=scale, ensemble=ensemble
    )
    whose = "best" if ensemble is None else "ensemble"
    some = result.interrupted or result.counts()["interrupted"]
    interrupted = "<p><b>Interrupted:</b> some did not finish.</p>" if some else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Sweep: {result.task.scoring} {score:.4f}</title>"
        f"<style>{_STYLE}</style></head><body>"
        f"<h1>A sweep over {len(result.ranking):,} configurations</h1>{interrupted}<p>{facts}</p>"
        f'<ul class="figures">{counted}</ul>'
        + ("" if ensemble is None else _ensemble(result, ensemble, scale))
        + _section("Where the answer comes from", explained)
        + f'<h2>The best</h2><div class="wide">{_ranking(result)}</div>'
        + _section(f"What the {whose} predicts", predictions)
        + _section("Score by choice", pictures_of_choices(result))
        + _section("Training and time", pictures_of_training(result))
        + "</body></html>"
    )


def _escaped(text: object) -> str:
    """The text for HTML; characters that are no UTF-8, as in the name of a file, in ASCII."""
    return html.escape(str(text).encode(errors="backslashreplace").decode())


def _names(argument: str, given: Sequence[object] | None, own: list[str]) -> list[str]:
    if given is None:
        return own
    names = [str(name) for name in given]
    if len(names) != len(own):
        raise ValueError(
            f"{argument} has {len(names)} names and the sweep's table {len(own)} {argument}: type "
            "a name for each"
        )
    return names


def _section(title: str, pictures: Sequence[Picture]) -> str:
    if not pictures:
        return ""
    return f'<h2>{title}</h2><div class="pictures">{"".join(map(_figure, pictures))}</div>'


def _ensemble(result: SweepResult, ensemble: Ensemble, scale: float) -> str:
    said = _escaped(about_ensemble(result, ensemble, scale))
    head, *lines = members_of(result, ensemble)
    return f'<h2>The answer</h2><p>{said}</p><div class="wide">{_table(head, lines)}</div>'


def _ranking(result: SweepResult) -> str:
    names = result.varied()
    head = ("rank", result.task.scoring, "spread", "best epoch", *names, "status")
    lines = []
    for row in result.ranking[:ROWS]:
        values = [row.in_words(name) for name in names]
        score = as_read(result.task.scoring, row.score)
        first = (str(row.rank), f"{score:.4f}", f"{row.spread:.4f}", f"{row.best_epoch:.0f}")
        lines.append((*first, *values, row.status))
    return _table(head, lines)


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    header = "".join(f"<th>{_escaped(name)}</th>" for name in head)
    rows = ["".join(f"<td>{_escaped(cell)}</td>" for cell in line) for line in lines]
    return f"<table><tr>{header}</tr>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _figure(picture: Picture) -> str:
    data = base64.b64encode(picture.png).decode()
    said = _escaped(picture.caption)
    large = ' class="large"' if picture.large else ""
    return (
        f'<figure{large}><img alt="{said}" src="data:image/png;base64,{data}">'
        f"<figcaption>{said}</figcaption></figure>"
    )
