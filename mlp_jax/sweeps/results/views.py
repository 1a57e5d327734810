"""Sequences whose entries are made when somebody asks for one of them."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, overload

T = TypeVar("T", covariant=True)


class Views(Sequence[T]):
    """What a function makes of numbers, made when it is asked for; a slice is such a sequence too.

    Example:
      >>> made = []
      >>> squares = Views(range(10**9), lambda i: made.append(i) or i * i)
      >>> squares[3], list(squares[-2:]) == [(10**9 - 2) ** 2, (10**9 - 1) ** 2], len(made)
      (9, True, 3)
    """

    def __init__(self, numbers: Sequence[int], make: Callable[[int], T]) -> None:
        """numbers: of the entries, in order. make: (number) -> the entry."""
        self._numbers, self._make = numbers, make

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> "Views[T]": ...
    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return Views(self._numbers[at], self._make)
        return self._make(int(self._numbers[at]))

    def __eq__(self, other: object) -> bool:
        """Whether the entries are equal, of a list or a tuple too."""
        if not isinstance(other, Views | list | tuple):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    def __repr__(self) -> str:
        return f"<{len(self):,} of {getattr(self._make, '__qualname__', self._make)}>"
