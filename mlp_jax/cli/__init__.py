"""The command line: `mlp-jax`, its commands and their options. JAX is imported when one runs.

    mlp-jax train                                          # scikit-learn's breast-cancer table
    mlp-jax train DATA.csv --target NAME --id ROW          # your table
    mlp-jax sweep DATA.parquet --target NAME --report page.html --output best.safetensors
    mlp-jax predict best.safetensors NEW.csv --id ROW --output predictions.csv
    mlp-jax info best.safetensors                          # layers, columns, classes, scores
    mlp-jax check DATA.csv --target NAME --json            # the certificate alone
    cat DATA.csv | mlp-jax train - --target NAME --json    # from standard input, for machines

`train` is the paper's gradient descent on one network, to look at; `sweep` finds one that fits the
table, and takes minutes. Exit codes: 0; 1 if a layer of the gradient is wrong; 2 for a mistake,
which is one line; 130 after Ctrl-C, when a sweep has told and written what is finished.
"""
