"""Notes of a kind are one line, however many columns they are of."""

from mlp_jax.tables import notes
from mlp_jax.tables.notes import Note, lines, what_is_left_out


def of(what, count, detail=""):
    return [Note(what, detail, f"c{k}") for k in range(count)]


def test_a_line_names_some_columns_and_counts_the_others():
    same = "the same in every row and left out"
    assert lines(of(notes.SAME, 1)) == [f"column 'c0' is {same}"]
    assert lines(of(notes.SAME, 2)) == [f"columns 'c0' and 'c1' are {same}"]
    assert lines(of(notes.SAME, 5)) == [f"columns 'c0', 'c1', 'c2', 'c3' and 'c4' are {same}"]
    said = f"columns 'c0', 'c1', 'c2', 'c3' and 3,996 more are {same}"
    assert lines(of(notes.SAME, 4000)) == [said]


def test_kinds_keep_their_order():
    mixed = [*of(notes.GAPS, 1, "'?' once"), *of(notes.SAME, 1), *of(notes.GAPS, 1, "'-' twice")]
    assert [line[:12] for line in lines(mixed)] == ["read as gaps", "column 'c0' "]
    assert lines(mixed)[0] == "read as gaps: 'c0' ('?' once) and 'c0' ('-' twice)"


def test_what_to_type_is_an_option_or_an_argument():
    names = of(notes.NAMES, 1, "9 different texts in 9 rows")
    said = "left out 'c0': 9 different texts in 9 rows; "
    assert lines(names) == [f"{said}--categorical 'c0' keeps it"]
    assert lines(names, in_python=True) == [f"{said}categorical=['c0'] keeps it"]
    assert what_is_left_out([*of(notes.SAME, 1), *names]) == f"; {lines(names)[0]}"
    assert "; type --drop 'c0' if that is all" in lines(of(notes.COUNTS, 2))[0]


def test_every_kind_has_a_line():
    kinds = [value for name, value in vars(notes).items() if name.isupper() and name != "SHOWN"]
    for what in kinds:
        if isinstance(what, str):
            assert lines([Note(what, "detail", "column")])
