"""scikit-learn's side of the fence: rows are samples, names and meanings are scikit-learn's."""
