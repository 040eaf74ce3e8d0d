"""`python -m holoenzyme COMMAND`: what the Nox sessions run."""

import sys

from holoenzyme.app.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
