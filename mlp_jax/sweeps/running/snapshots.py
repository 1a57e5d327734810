"""What a checkpoint knew of members that were amid their training when a sweep goes on from it."""

from collections.abc import Collection, Iterable, Sequence

from mlp_jax.sweeps.members import Member, Snapshot


class SavedSnapshots:
    """The snapshots of a checkpoint, by member."""

    def __init__(self, snapshots: Iterable[Snapshot], members: Collection[Member]) -> None:
        """Of these members alone, as the first snapshot has them.

        Args:
          snapshots: the furthest first, for another writer's may be older.
          members: those that the process trains.
        """
        self._of: dict[Member, tuple[Snapshot, int]] = {}
        for snapshot in snapshots:
            for place, member in enumerate(snapshot.members):
                if member in members:
                    self._of.setdefault(member, (snapshot, place))

    def __contains__(self, member: Member) -> bool:
        return member in self._of

    def epochs_done(self, member: Member) -> int:
        """How many epochs the member has behind it; 0 if the checkpoint did not know it."""
        return self._of[member][0].done if member in self else 0

    def of(self, members: Sequence[Member]) -> list[tuple[Snapshot, int]]:
        """(its snapshot, its place there) of each of these members, all of them known."""
        return [self._of[member] for member in members]

    def but_for(self, begun: Iterable[Snapshot], done: Collection[Member]) -> list[Snapshot]:
        """The snapshots of members that are neither in one of `begun` nor done."""
        known = {member for snapshot in begun for member in snapshot.members}
        parts: dict[int, tuple[Snapshot, list[int]]] = {}
        for member, (snapshot, place) in self._of.items():
            if member not in known and member not in done:
                parts.setdefault(id(snapshot), (snapshot, []))[1].append(place)
        return [snapshot.part(places) for snapshot, places in parts.values()]
