"""What may happen to a file on a disk."""


def cut(path):
    path.write_bytes(path.read_bytes()[:-9])


def flipped(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def emptied(path):
    path.write_bytes(b"")
