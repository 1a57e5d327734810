"""Tables as people have them: files, columns, and the encoder that makes them numbers.

Tables are CSV or Parquet, compressed or not, as spreadsheet programs write them too: in UTF-16,
with `sep=;`, titles or comments above the header, spaces around names, empty rows and separators at
the ends. They are read as their owner meant them, and a line says each thing that was done:

- words such as ? and n/a are gaps, and so are infinite numbers. The median takes the place of a
  number that is missing, beside an input that says so.
- texts are numbers where all of a column are written in one way, with thousands, a currency, a
  percent sign, a decimal comma or an accountant's minus.
- dates and times are year, month, day of the week and of the year, hour, and days since the first.
- other texts are categories, an input each, and one for all that are rare or unknown. A column of
  hardly any text twice is of names and left out; `--categorical NAME` keeps it, makes categories of
  numbers such as postal codes, and of a target classes as they are written.
- rows without target are left out; the second of two columns named `a` is `a.1`; classes of too few
  rows are held out by chance.

The model file remembers how each column is read, so that new rows are read likewise. What could be
two things is refused, such as dates that could have day or month first; `--strict` refuses all of
the above. Numbers are standardised, or with `--scaling robust` scaled by their quartiles so that no
outlier is beyond 3; `--bins 16` adds the bins of a piecewise-linear encoding. A table larger than
`--memory`, or half of the memory that is free, is refused. The target is of two classes, of
several, or of numbers, as it looks; `--task` overrides it.

Files: `sources` hands on the bytes, of `compressed` files too, and names `other_formats`;
`csv_form` finds separator, header and lines, `csv_rows` looks at these, `names` says what columns
are called, and `files` reads a `raw_table` within a budget of memory; `arrow_cells` are its cells.
`kinds` says what a column is, `columns` what is made of it, `strict` what is refused on demand, and
`notes` what was done; `features` and `targets` are the two sides of a `table`. `encoder` learns
from a table how its rows become inputs, as `input_choices` say, and of numbers by `number_inputs`;
it has the same as a transformer of scikit-learn, and `number_encoder` the part of numbers;
`held_out` draws the rows to test on; `model_of_table` is what a training makes of a table, and
`scores` how good that is; `shipped` is the table for whoever names none. But for the two
transformers nothing here imports pandas or scikit-learn, which take seconds to load.
"""

from typing import TYPE_CHECKING

from mlp_jax import _page_of

if TYPE_CHECKING:
    from mlp_jax.tables.encoder import table_encoder as table_encoder
    from mlp_jax.tables.number_encoder import NumberEncoder as NumberEncoder

__getattr__ = _page_of("tables")
