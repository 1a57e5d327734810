"""The plan of a sweep: who shares a program, how many side by side, and what all of it costs."""
