"""The one error boundary: 0 fine, 1 explained failure, 2 usage, 130 interrupted."""

import sys

from gpusim.cli import run
from gpusim.errors import GpusimError, UsageError


def main() -> int:
    try:
        return run(sys.argv[1:])
    except UsageError as error:
        print(f"gpusim: {error}", file=sys.stderr)
        return 2
    except GpusimError as error:
        print(f"gpusim: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
