"""Where `table_encoder` lived before it moved to `mlp_jax.tables`: the old name still works."""

from mlp_jax.tables.encoder import table_encoder as table_encoder
