"""`python -m gpusim.rigged DIR`: writes the rigged models and a sound to transcribe."""

import sys
from pathlib import Path

from gpusim.rigged.catalogue import write_all


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python -m gpusim.rigged DIR", file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    try:
        for name in write_all(folder):
            print(f"wrote {folder / name}")
    except OSError as error:
        print(f"cannot write the rigged models: {error}", file=sys.stderr)
        return 1
    except ImportError as error:
        print(
            f"{error}: run this with the project's own environment (setup/venv.sh)", file=sys.stderr
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
