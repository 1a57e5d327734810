"""The rows of a text as they are written: which is wrong, and where numbers may be codes."""

import re
from typing import Any

from mlp_jax.tables.csv_form import HEADER, LINES, SAMPLE, Form, in_words, line_ends, split
from mlp_jax.tables.sources import stream

_CODE = re.compile(rb"0[0-9]+")


def what_is_wrong(source: Any, form: Form) -> str:
    """Which line has fewer or more cells than the header, and what to do about that line."""
    by = f"by its header, {in_words(form.separator)} separates the cells"
    expected, cells = len(form.names), "cell" if len(form.names) == 1 else "cells"
    with stream(source) as file:
        file.seek(form.start)
        rest = file.read(HEADER)
    number = form.first_line
    for line in split(rest, form.separator, 0, whole=len(rest) < HEADER):
        count = len(line.cells)
        if count != expected and rest[line.start : line.end].strip(b"\r\n"):
            said = f"line {number} has {count} and the header, line {form.header}, {expected}"
            said = f"{said} {cells}; {by}: mend the line"
            if number == form.first_line and count > expected:
                said += (
                    f", or, if it is the header, take out what is above it: tail -n +{number} FILE "
                    "| mlp-jax ... -"
                )
            return said
        number += line_ends(rest[line.start : line.end])
    return by


def with_zeros(source: Any, form: Form) -> set[int]:
    """The places of columns in whose first rows is a number with zeros in front, such as 007."""
    with stream(source) as file:
        file.seek(form.start)
        head = file.read(SAMPLE)
    found: set[int] = set()
    for number, line in enumerate(split(head, form.separator, 0, whole=len(head) < SAMPLE)):
        if number == LINES:
            break
        found |= {k for k, cell in enumerate(line.cells) if _CODE.fullmatch(cell.strip(b' "'))}
    return found
