"""Run as a program: doubles its argument."""

import sys

from mixed_src import double


def main() -> None:
    """Print twice the first argument."""
    print(double(int(sys.argv[1]) if len(sys.argv) > 1 else 21))


if __name__ == "__main__":
    main()
