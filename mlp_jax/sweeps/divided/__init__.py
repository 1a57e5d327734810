"""A sweep in parts that others train: what a part is, what a worker does, who hands parts out."""
