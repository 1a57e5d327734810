"""What the step of a training is made of in a program that was lowered, also for a GPU or TPU."""

from collections import Counter


def step_of(lowered):
    """How often each operation of StableHLO is in a step: in the loop that no other loop is in.

    Functions that the step calls are counted as often as it calls them. Of equal transpositions of
    one array one counts, for compilers make one of them; none counts where nothing is turned but
    axes of one entry.
    """
    module = lowered.compiler_ir("stablehlo")
    functions = {
        str(op.operation.attributes["sym_name"]).strip('"'): op.operation for op in module.body
    }
    loops = [op for f in functions.values() for op in _inside(f) if op.name == "stablehlo.while"]
    counts = [_counts(loop.regions[1], functions) for loop in loops]
    steps = [c for c in counts if c["stablehlo.dot_general"] and not c["stablehlo.while"]]
    assert len(steps) == 1, "expected one loop over batches"
    return Counter({name.removeprefix("stablehlo."): n for name, n in steps[0].items()})


def _inside(parent):
    """All operations in another, or in a region."""
    for region in getattr(parent, "regions", [parent]):
        for block in region.blocks:
            for op in block.operations:
                yield op.operation
                yield from _inside(op.operation)


def _counts(region, functions):
    counts, turned = Counter(), set()
    for op in _inside(region):
        if op.name == "stablehlo.transpose":
            turn = op.operands[0].get_name(), str(op.attributes["permutation"])
            if turn in turned or not _is_turned(op):
                continue
            turned.add(turn)
        counts[op.name] += 1
        if op.name == "func.call":
            called = str(op.attributes["callee"]).strip('@"')
            counts += _counts(functions[called].regions[0], functions)
    return counts


def _is_turned(op):
    """Whether a transposition moves anything in memory."""
    shape = op.operands[0].type.shape
    axes = [axis for axis in op.attributes["permutation"] if shape[axis] > 1]
    return axes != sorted(axes)
