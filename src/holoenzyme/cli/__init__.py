"""The command line: one small module for each command, with `run(argv, root) -> exit code`."""
