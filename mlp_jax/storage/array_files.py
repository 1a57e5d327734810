"""Files of arrays: safetensors, with a header in JSON and a SHA-256 of header and arrays. No JAX.

Reading runs no code from the file. Writing replaces an old file once the new file is whole.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Pieces = Iterable[bytes | memoryview]  # of a file, one after the other


class EndToEnd(NamedTuple):
    """An array in one row whose parts are made when they are asked for, twice for a file.

    dtype: of all entries.
    size: how many entries there are.
    parts: () -> arrays of these entries, one after the other.
    """

    dtype: np.dtype
    size: int
    parts: Callable[[], Iterable[np.ndarray]]

    def whole(self) -> np.ndarray:
        """The array, (size,)."""
        return np.concatenate([np.empty(0, self.dtype), *self.parts()])


Arrays = Mapping[str, np.ndarray | EndToEnd]


def packed(format_: str, header: dict[str, Any], arrays: Arrays) -> bytes:
    """The bytes of a file, see `pieces`."""
    return b"".join(pieces(format_, header, arrays))


def pieces(format_: str, header: dict[str, Any], arrays: Arrays) -> Pieces:
    """What a file consists of: the arrays, the header in JSON, and a SHA-256 of both.

    As `safetensors.numpy.save` would write it, but for copies: of a sweep all parameters would be
    copied four times. The pieces show the arrays, which must stay as they are until written.

    Args:
      format_: the name of the format, which the header has too.
      header: what JSON can hold.
      arrays: by name.
    """
    import mlp_jax

    text = json.dumps({"format": format_, "library": mlp_jax.__version__} | header)
    _safetensors()  # without which nobody could read it
    found = {name: _of_file(array) for name, array in arrays.items()}
    dtypes = {name: _name_of(array.dtype) for name, array in found.items()}
    described: dict[str, Any] = {"__metadata__": {"mlp_jax": text, "sha256": _digest(found, text)}}
    at, in_order = 0, sorted(found, key=lambda name: (-found[name].dtype.itemsize, name))
    for name in in_order:
        shape, end = _shape_of(found[name]), at + found[name].size * found[name].dtype.itemsize
        described[name] = {
            "dtype": dtypes[name],
            "shape": list(shape),
            "data_offsets": [at, end],
        }
        at = end
    first = json.dumps(described, separators=(",", ":"), ensure_ascii=False).encode()
    first += b" " * (-len(first) % 8)  # so that numbers of 8 bytes lie at places of such numbers
    content = chain.from_iterable(_bytes_of(found[name]) for name in in_order)
    return chain([len(first).to_bytes(8, "little"), first], content)


def _name_of(dtype: np.dtype) -> str:
    """The name that safetensors has for a dtype."""
    letter = {"f": "F", "i": "I", "u": "U", "b": "BOOL"}.get(dtype.kind)
    if letter is None or not dtype.isnative:
        raise ValueError(f"arrays of dtype {dtype} cannot be written to a file")
    return letter if letter == "BOOL" else f"{letter}{8 * dtype.itemsize}"


def _of_file(array: np.ndarray | EndToEnd) -> np.ndarray | EndToEnd:
    """The array as a file has it: in C order."""
    return array if isinstance(array, EndToEnd) else np.asarray(array, order="C")


def _shape_of(array: np.ndarray | EndToEnd) -> tuple[int, ...]:
    return (array.size,) if isinstance(array, EndToEnd) else array.shape


def _bytes_of(array: np.ndarray | EndToEnd) -> Iterator[memoryview]:
    """The bytes of an array in C order, where they are."""
    for part in array.parts() if isinstance(array, EndToEnd) else [array]:
        yield part.reshape(-1).view(np.uint8).data


def unpacked(
    path: Path, formats: str | Sequence[str], expected: str
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The header and the arrays that `packed` was given.

    Args:
      path: of the file.
      formats: one of which the file was packed as; of several, that of today first.
      expected: what the file should be, for the error.

    Raises:
      ValueError: the file is missing, foreign, cut short or altered.
    """
    safetensors = _safetensors()
    if not path.is_file():
        raise ValueError(f"{path} is not a file; expected {expected}")
    try:
        with safetensors.safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            if (
                "sha256" not in metadata
            ):  # a foreign file's arrays may be of dtypes unknown to NumPy
                raise ValueError(f"{path} was not written by mlp_jax; expected {expected}")
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError) as error:
        raise ValueError(
            f"{path} is no whole safetensors file: {error}; expected {expected}"
        ) from error
    text = metadata.get("mlp_jax", "")
    if metadata["sha256"] != _digest(arrays, text):
        raise ValueError(
            f"{path} was altered or was not written by mlp_jax: its SHA-256 differs; expected "
            f"{expected}"
        )
    header = json.loads(text)
    if not isinstance(header, dict):
        raise ValueError(f"{path} has a header that is no object; expected {expected}")
    known = [formats] if isinstance(formats, str) else formats
    if header.get("format") not in known:
        raise ValueError(
            f"{path} has format {header.get('format')!r}; expected {known[0]!r}, {expected}"
        )
    return header, arrays


def replace(path: Path, content: bytes | Pieces) -> None:
    """Puts `content` at `path` in one step: an old file stays until the new file is whole."""
    replace_all([(path, content)])


def replace_all(contents: Sequence[tuple[Path, bytes | Pieces]]) -> None:
    """Replaces several files. The old files stay until all of the new files are written.

    Raises:
      ValueError: a path is a folder, or the folder of a path is missing.
      OSError: the disk is full, or may not be written to; `filename` is the path.
    """
    import tempfile  # takes ten milliseconds, which programs that only read need not wait

    written: list[tuple[str, Path]] = []
    try:
        for path, content in contents:
            path = Path(os.path.realpath(path))  # a link stays, and its target is replaced
            if path.is_dir() or not path.parent.is_dir():
                raise ValueError(f"{path.parent} is no folder to write {path.name} to")
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
            written.append((name, path))
            with os.fdopen(handle, "wb") as file:
                file.writelines([content] if isinstance(content, bytes) else content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, _permissions(path))
        for name, path in written:
            os.replace(name, path)
    except BaseException as error:
        for name, _ in written:
            Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError):  # an error of an open file has no name
            error.filename = str(path)
        raise


def _permissions(path: Path) -> int:
    """The permissions of the old file, or of any new file; a temporary file's are private."""
    if path.exists():
        return path.stat().st_mode & 0o777
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def _safetensors() -> Any:
    """The package safetensors; a bare install of mlp_jax comes without it."""
    try:
        import safetensors.numpy
    except ModuleNotFoundError:
        raise ValueError(
            "the files of models and sweeps need safetensors: type pip install safetensors"
        ) from None
    return safetensors


def _digest(arrays: Arrays, text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = _of_file(arrays[name])
        digest.update(f"{name} {array.dtype} {_shape_of(array)}".encode())
        for part in _bytes_of(array):
            digest.update(part)
    return digest.hexdigest()
