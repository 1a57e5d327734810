"""The same work as one would do it without this library; a module a benchmark of that name."""
