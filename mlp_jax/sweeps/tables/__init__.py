"""A sweep of a table: what is searched by default, for how long, and the answer."""
