"""What the outside sources serve tonight, asked politely and without credentials.

:func:`probe` is all that the rest of drift needs. A source that does not answer is never an
error of the check: the answer says what the problem was.
"""

from drift.probe.limits import Limits
from drift.probe.probe import probe

__all__ = ["Limits", "probe"]
