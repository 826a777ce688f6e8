"""Known changes: what drift.toml's ``[[accept]]`` rules silence, and until when.

A rule names a subject by a glob, and may name the value that it changes to. Up to and with
its day, by the night's date, a cause that it fits flags nothing; the cause stays in the
report, marked. Status and origins are what they are: to be drifted is a fact, to be flagged
a wish.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from fnmatch import fnmatchcase

from drift.attribute.model import Accepted, Attribution, Cause
from drift.config.model import Accept

# Reports show a digest's or a commit's first twelve characters: so may a rule.
_SHORT = re.compile(r"(sha256:)?[0-9a-f]{12,64}")
_LONG = re.compile(r"sha256:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{64}")


def accept_known(attribution: Attribution, rules: Sequence[Accept], night: date) -> Attribution:
    """The same attribution with :attr:`Cause.accepted` set where a rule holds on a night.

    Of several rules the one that holds longest is named.
    """
    causes = tuple(_marked(cause, rules, night) for cause in attribution.causes)
    return replace(attribution, causes=causes)


def ended_rules(causes: Iterable[Cause], rules: Sequence[Accept], night: date) -> Iterator[str]:
    """A sentence for each rule that has ended, and would have silenced one of the causes."""
    open_causes = [cause for cause in causes if cause.accepted is None]
    for rule in rules:
        if rule.until < night and any(_fits(rule, cause) for cause in open_causes):
            yield f"the accept rule for {rule.subject} ended on {rule.until}"


def _marked(cause: Cause, rules: Sequence[Accept], night: date) -> Cause:
    holding = [rule for rule in rules if night <= rule.until and _fits(rule, cause)]
    if not holding:
        return cause
    longest = max(holding, key=lambda rule: rule.until)
    return replace(cause, accepted=Accepted(longest.until, longest.reason))


def _fits(rule: Accept, cause: Cause) -> bool:
    if cause.subject != rule.subject and not fnmatchcase(cause.subject, rule.subject):
        return False
    return rule.after is None or _is(rule.after, cause.after)


def _is(told: str, after: str | None) -> bool:
    if after is None or told == after:
        return told == after
    return bool(_SHORT.fullmatch(told) and _LONG.fullmatch(after) and after.startswith(told))
