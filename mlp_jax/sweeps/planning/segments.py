"""How many epochs of a sweep are drawn and trained at a time."""

SEGMENT = 32  # epochs between two looks at who goes on
DRAWN_AHEAD = 1 << 24  # examples in the orders of a segment: 64 MiB
ORDERS_KEPT = 16 << 20  # bytes of batch orders that are kept for the next chunk


def epochs_of_segment(m: int) -> int:
    """How many epochs of m examples are drawn and trained at a time."""
    return min(SEGMENT, max(1, DRAWN_AHEAD // m))


def bytes_of_orders(m: int) -> int:
    """The batch orders of a segment of epochs: an index and a mark for each of m examples."""
    return 5 * m * epochs_of_segment(m)
