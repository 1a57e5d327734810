"""The order in which an epoch sees the examples: a permutation that is computed, not sorted.

`jax.random.permutation` sorts random numbers. On a CPU the sort takes as long as a quarter of an
epoch of a small network, and the generators and sorts are a third of the program to compile.

A Feistel network is a bijection with any round functions: write i < a b as the pair (l, r) with
l < a and r < b, and in turn add to one of the two a function of the other. Results of m or more, of
which there are less than a, go through again until they are below m. The whole is a bijection of
the numbers below m (Black and Rogaway, Ciphers with Arbitrary Finite Domains, CT-RSA 2002).
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

ROUNDS = 8  # each changes both halves
ROUNDS_OF_FEW = 16  # below FEW, where a half is a few values, and 8 rounds can be told from chance
FEW = 64
GOLDEN = 0x9E3779B9  # 2³² / golden ratio: it sets the keys of the rounds apart


def permutation(key: Any, number: Any, m: int) -> Array:
    """The numbers from 0 to m - 1 in an order that depends on the key and a number, int32 (m,).

    64 bits choose the order, as they do in `jax.random.permutation`: beyond 20 examples not all m!
    orders can come.

    Args:
      key: from `jax.random.key`; the order of one number tells nothing of the order of another.
      number: of the order, such as the number of the epoch; may be traced.
      m: how many numbers, less than 2³¹.

    Example:
      >>> sorted(permutation(jax.random.key(0), 7, 5).tolist())
      [0, 1, 2, 3, 4]
    """
    # Not fold_in(key, number), whose kernels are a seventh of those of a small training.
    given = [*jax.random.key_data(key).ravel()[:2], jnp.asarray(number).astype(jnp.uint32)]
    words = _absorbed(given, 1), _absorbed(given[::-1], 2)
    bits = max(1, m.bit_length() // 2)  # a is a power of 2 near the root of m
    a, b = 1 << bits, -(-m >> bits)

    if a * b == m:
        return _shuffled(jnp.arange(m, dtype=jnp.uint32), words, bits, b).astype(jnp.int32)

    def outside(x: Array) -> Array:
        return jnp.any(x >= m)

    def once_more(x: Array) -> Array:
        return jnp.where(x < m, x, _shuffled(x % (a * b), words, bits, b))

    # Every number starts a b too high: so the loop makes the first pass too, and is all there is to
    # compile.
    begin = jnp.arange(a * b, a * b + m, dtype=jnp.uint32)
    return jax.lax.while_loop(outside, once_more, begin).astype(jnp.int32)


def _shuffled(x: Array, words: tuple[Array, Array], bits: int, b: int) -> Array:
    """A bijection of the numbers below 2^bits b: a Feistel network with two additions a round."""
    l, r = x & ((1 << bits) - 1), x >> bits
    for number in range(ROUNDS_OF_FEW if b << bits < FEW else ROUNDS):
        constant = jnp.uint32((2 * number + 1) * GOLDEN % 2**32)
        # Added to the number, not to the key: XLA would make eight small kernels of eight keys.
        l = (l + _hash((r + constant) ^ words[0])) & ((1 << bits) - 1)
        r = r + ((_hash((l + constant) ^ words[1]) >> 16) * b >> 16)  # a share of b, below b
        r = jnp.minimum(r, r - b)  # modulo b: below 0 is very high
    return (r << bits) + l


def _absorbed(numbers: list[Array], begin: int) -> Array:
    """32 bits that depend on all of the numbers and on their order."""
    state = jnp.uint32(begin)
    for number in numbers:
        state = _hash(state ^ number) + jnp.uint32(GOLDEN)
    return state


def _hash(x: Array) -> Array:
    """A 32-bit hash in which every bit of x moves every bit: Mueller's, of two multiplications."""
    x = (x ^ (x >> 16)) * jnp.uint32(0x45D9F3B)
    x = (x ^ (x >> 16)) * jnp.uint32(0x45D9F3B)
    return x ^ (x >> 16)
