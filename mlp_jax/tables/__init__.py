"""Tables as people have them: files, columns, and the encoder that makes them numbers.

Tables are CSV or Parquet, as spreadsheet programs write them too: in UTF-16, with `sep=;`, titles
or comments above the header, spaces around names, empty rows and separators at the ends; a line
says what was left out. Numbers may have gaps: the median takes their place, beside an input that
says so. Texts are categories, an input each, and one for all that are rare or unknown;
`--categorical NAME` makes them of numbers such as postal codes, and of a target classes as they
are written. Numbers are standardised, or with `--scaling robust` scaled by their quartiles so that
no outlier is beyond 3; `--bins 16` adds the bins of a piecewise-linear encoding. Dates, decimal
commas and names of rows are refused with a hint, and so is a table larger than `--memory`, or half
of the memory that is free. The target is of two classes, of several, or of numbers, as it looks;
`--task` overrides it.

Files: `sources` hands on the bytes, `texts` finds separator, header and lines, `files` reads,
within a budget of memory; `columns` says what each column is, and is where a cell becomes a
number; `table` puts features and target together; `encoder` learns from a table how its rows
become inputs, as `input_choices` say, and of numbers by `number_inputs`; it has the same as a
transformer of scikit-learn, and `number_encoder` the part of numbers; `held_out` draws the rows to
test on; `model_of_table` is what a training makes of a table, and `scores` how good that is;
`shipped` is the table for whoever names none. But for the two transformers nothing here imports
pandas or scikit-learn, which take seconds to load.
"""

from typing import TYPE_CHECKING

from mlp_jax import _page_of

if TYPE_CHECKING:
    from mlp_jax.tables.encoder import table_encoder as table_encoder
    from mlp_jax.tables.number_encoder import NumberEncoder as NumberEncoder

__getattr__ = _page_of("tables")
