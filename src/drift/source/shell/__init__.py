"""Shell scripts, read as far as they can be read without running them.

:func:`~drift.source.shell.walk.invocations` gives the commands of a script with the values of
their words, where these are literal. Specification: POSIX.1-2017, "Shell Command Language",
with what bash adds to it as far as Dockerfiles use it.
"""

from drift.source.shell.builtins import SHELLS
from drift.source.shell.expand import Environment
from drift.source.shell.walk import Invocation, invocations

__all__ = ["SHELLS", "Environment", "Invocation", "invocations"]
