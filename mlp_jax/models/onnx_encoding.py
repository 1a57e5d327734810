"""How the columns of a table become the inputs of the networks, as nodes of an ONNX graph.

What `encoding.coded` and `encoding.encoded` do in NumPy. It is done in float64 whatever the dtype
of the networks is, since a column may have a large mean.
"""

import numpy as np

from mlp_jax.models.cells import in_one_spelling
from mlp_jax.models.columns import INFINITE, Column
from mlp_jax.models.encoding import (
    FAR,
    FREE,
    MISSING,
    RAMP,
    SMOOTH,
    VALUE,
    WITHIN,
    Encoding,
)
from mlp_jax.models.onnx_graph import OF_ML, Graph

TABLE = "X"  # the one input of a model whose columns are all of numbers
NO_CATEGORY = np.inf  # the code of a cell that a strict column refuses


def check_known(encoding: Encoding) -> None:
    """Raises ValueError for a column or an input that no graph can be made of yet."""
    for column in encoding.used():
        others = {
            name: value
            for name, value in zip(column._fields, column, strict=True)
            if name not in ("name", "categories", "strict", "reading")
            and value != column._field_defaults.get(name)
        }
        if others:
            said = ", ".join(f"{name} {value!r}" for name, value in others.items())
            raise ValueError(
                f"the column {column.name!r} is one that ONNX export does not know ({said}); "
                "export StableHLO instead: type format='stablehlo', or --format stablehlo"
            )
    odd = (encoding.what < MISSING) | ~np.isin(encoding.limit, (FREE, SMOOTH, RAMP))
    if odd.any():
        name = encoding.columns[int(encoding.source[odd.argmax()])].name
        raise ValueError(
            f"an input made of the column {name!r} is one that ONNX export does not know; export "
            "StableHLO instead: type format='stablehlo', or --format stablehlo"
        )
    if not len(encoding.source):
        raise ValueError("the model has no inputs, of which there is no ONNX graph")


def add_inputs(graph: Graph, encoding: Encoding) -> tuple[str, str]:
    """The inputs of the networks, (samples, n[0]), and what makes refused rows NaN, (samples, 1).

    The second is 0, or NaN where a cell is one that `coded` raises an error for. A graph cannot.
    """
    codes, places = _codes(graph, encoding)
    codes = _with_gaps(graph, encoding, codes, places)
    source = np.array([places[place] for place in encoding.source.tolist()], np.int64)
    X = _encoded(graph, encoding, codes, source, len(places))
    zero = graph.node("Mul", codes, graph.constant(0.0))  # NaN where a code is not finite
    needed = [places[place] for place in encoding.without_gaps()]
    if len(needed) < len(places):
        may_be = np.ones((1, len(places)), bool)
        may_be[0, needed] = False
        gap = graph.node("And", graph.node("IsNaN", codes), graph.constant(may_be))
        zero = graph.node("Where", gap, graph.constant(0.0), zero)
    refused = graph.node("ReduceSum", zero, graph.constant([1], np.int64), keepdims=1)
    return graph.cast(X, graph.dtype), graph.cast(refused, graph.dtype)


def _codes(graph: Graph, encoding: Encoding) -> tuple[str, dict[int, int]]:
    """(a number for every cell, (samples, columns used); where there a column of the table is)."""
    if all(column.categories is None for column in encoding.columns):
        table = graph.add_input(TABLE, graph.dtype, len(encoding.columns))
        used = sorted({int(place) for place in encoding.source})
        codes = graph.cast(table, "float64")
        if len(used) < len(encoding.columns):
            codes = graph.node("Gather", codes, graph.constant(used, np.int64), axis=1)
        return codes, {place: number for number, place in enumerate(used)}
    columns: list[str] = []
    places: dict[int, int] = {}
    for place, column in enumerate(encoding.columns):
        if column in encoding.used():
            places[place] = len(columns)
            columns.append(_codes_of(graph, column))
    return graph.node("Concat", *columns, axis=1), places


def _with_gaps(graph: Graph, encoding: Encoding, codes: str, places: dict[int, int]) -> str:
    """The codes, NaN for an infinite number in a column where that is a gap."""
    may_be = np.zeros((1, len(places)), bool)
    for place, at in places.items():
        column = encoding.columns[place]
        may_be[0, at] = column.categories is None and INFINITE in column.reading.gaps
    if not may_be.any():
        return codes
    gap = graph.node("And", graph.node("IsInf", codes), graph.constant(may_be))
    return graph.node("Where", gap, graph.constant(np.nan), codes)


def _codes_of(graph: Graph, column: Column) -> str:
    """The codes of one column, (samples, 1), float64."""
    if column.categories is None:
        return graph.cast(graph.add_input(column.name, graph.dtype, 1), "float64")
    places = spellings(column)
    codes = graph.node(
        "LabelEncoder",
        graph.add_input(column.name, object, 1),
        domain=OF_ML,
        keys_strings=list(places),
        values_floats=list(places.values()),
        default_float=NO_CATEGORY if column.strict else float(len(column.categories)),
    )
    return graph.cast(codes, "float64")


def spellings(column: Column) -> dict[str, float]:
    """The code of every text that a cell of this column may be; see `cells.places_of`.

    An empty text is a gap, and so are the column's words for gaps, unless they are categories. Of a
    whole number the spelling with ".0" is known too, of a truth value those that begin with a
    capital or are all capitals.
    """
    categories = column.categories or ()
    found = {category: float(place) for place, category in enumerate(categories)}
    for category, place in list(found.items()):
        one = in_one_spelling(category)
        also = [one, f"{one}.0", one.capitalize(), one.upper()]
        for other in also:
            if in_one_spelling(other) == one:
                found.setdefault(other, place)
    for word in ("", *column.reading.gaps):
        found.setdefault(word, np.nan)
    return found


def _encoded(graph: Graph, encoding: Encoding, codes: str, source: np.ndarray, columns: int) -> str:
    """What `encoding.encoded` returns, (samples, n[0]), float64."""
    what, fill, mean, scale = (np.asarray(part)[None] for part in encoding[2:6])
    x = codes
    if not np.array_equal(source, np.arange(columns)):
        x = graph.node("Gather", codes, graph.constant(source), axis=1)
    if not np.isnan(fill).all() or (what == MISSING).any():
        is_missing = graph.node("IsNaN", x)
        x = graph.node("Where", is_missing, graph.constant(fill), x)
    if (what != VALUE).any():
        asked = what == MISSING
        category = np.where(what >= 0, what, np.nan)  # NaN is no number's equal
        is_one = graph.node("Equal", x, graph.constant(category, np.float64))
        if asked.any():
            is_gap = graph.node("And", is_missing, graph.constant(asked))
            is_one = graph.node("Or", is_one, is_gap)
        numbers = graph.constant(what == VALUE)
        x = graph.node("Where", numbers, x, graph.cast(is_one, "float64"))
    if mean.any():
        x = graph.node("Sub", x, graph.constant(mean))
    if (scale != 1).any():
        x = graph.node("Div", x, graph.constant(scale))
    return _limited(graph, np.asarray(encoding.limit)[None], x)


def _limited(graph: Graph, limit: np.ndarray, z: str) -> str:
    """The inputs within their limits."""
    if not limit.any():
        return z
    lowest = np.select([limit == SMOOTH, limit == RAMP], [-FAR, 0.0], -np.inf)
    highest = np.select([limit == SMOOTH, limit == RAMP], [FAR, 1.0], np.inf)
    z = graph.node("Max", z, graph.constant(lowest))
    z = graph.node("Min", z, graph.constant(highest))
    if not (limit == SMOOTH).any():
        return z
    share = graph.node("Div", z, graph.constant(WITHIN))
    square = graph.node("Mul", share, share)
    root = graph.node("Sqrt", graph.node("Add", square, graph.constant(1.0)))
    curve = graph.node("Div", z, root)
    return graph.node("Where", graph.constant(limit == SMOOTH), curve, z)
