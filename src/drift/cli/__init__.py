"""The command line: one file per command. Only this package prints."""


def main() -> None:
    """Entry point of the ``drift`` command."""
