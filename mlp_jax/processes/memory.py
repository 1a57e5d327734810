"""The memory of this machine."""

from pathlib import Path


def free_memory() -> float:
    """Bytes that this machine could give; of a container, no more than its limit."""
    found = [float("inf")]
    for path, factor in (
        ("/proc/meminfo", 1024),
        ("/sys/fs/cgroup/memory.max", 1),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", 1),
    ):
        try:
            text = Path(path).read_text(encoding="ascii")
        except OSError:  # not Linux, or no container
            continue
        words = text.split()
        word = words[words.index("MemAvailable:") + 1] if "MemAvailable:" in words else words[0]
        if word.isdigit():  # and not "max"
            found.append(float(word) * factor)
    return min(found)
