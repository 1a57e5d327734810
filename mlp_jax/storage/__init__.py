"""What lies on disks: files of arrays with a SHA-256, and folders that a training saves to."""
