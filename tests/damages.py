"""What may happen to a file on a disk, and to the disk."""

import errno
import os
from contextlib import contextmanager

import pytest


def cut(path):
    path.write_bytes(path.read_bytes()[:-9])


def flipped(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def emptied(path):
    path.write_bytes(b"")


@contextmanager
def disk_full_after(files):
    """The disk takes so many files, and no more."""
    fsync, left = os.fsync, iter(range(files))

    def full(descriptor):
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", full)
        yield
