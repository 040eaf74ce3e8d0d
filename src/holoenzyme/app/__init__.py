"""The use cases: one module for each command, with `run(argv, root) -> exit code`."""
