"""`python -m holoenzyme COMMAND`: what the Nox sessions run."""

import sys

from holoenzyme.cli.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
