"""The command line tool: ``python -m widebeam`` is ``widebeam``."""

import sys

from ._widebeam import _tool


def main() -> int:
    """Runs the tool with the arguments of this process."""
    return _tool(["widebeam", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
