"""Entry point and the one error boundary: expected 1 or 2, bug 3, interrupted 130."""

from __future__ import annotations

import os
import sys


def main(argv: list[str] | None = None) -> int:
    """Run the command line; every outcome becomes an exit code, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        # a model's name or a log line may hold what a cp949 or ASCII terminal cannot show
        if stream is not None:  # closed by who started us
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        from stackctl import cli

        return cli.run(argv)
    except KeyboardInterrupt:
        print("\ninterrupted; what runs keeps running", file=sys.stderr)  # noqa: T201
        sys.stdout.flush()
        # threads may still wait for an engine's answer; nobody wants to wait with them
        os._exit(130)
    except BrokenPipeError:
        # the reader (head, less) has gone; Python must not flush into the closed pipe at exit
        sys.stdout = None
        return 0
    except Exception as error:  # noqa: BLE001 - this is the boundary
        return _failed(error)


def _failed(error: Exception) -> int:
    from stackctl.model import StackError

    if isinstance(error, StackError):
        print(f"error: {error.message}", file=sys.stderr)  # noqa: T201
        if error.fix:
            print(f"  fix: {error.fix}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    from stackctl.system.crash import save

    path = save(error)
    print(  # noqa: T201
        f"error: a bug in stackctl: {type(error).__name__}\n  fix: report it with {path}",
        file=sys.stderr,
    )
    return 3


if __name__ == "__main__":
    sys.exit(main())
