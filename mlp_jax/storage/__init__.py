"""What lies on disks: files of arrays, and folders that a training saves to.

`array_files` writes and reads a file, with a SHA-256 over all of it. `array_codec` puts many small
arrays into few large ones. `checkpoint_folder` is the folder of a checkpoint, and `fingerprints`
tell what training a checkpoint is of.
"""
