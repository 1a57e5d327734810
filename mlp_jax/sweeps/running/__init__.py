"""A sweep as it runs: threads, devices, compiled programs, cohorts of members, checkpoints."""
