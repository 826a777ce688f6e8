"""What sort of noise a path is: its kind, from its normal form, else from where it lies."""

from __future__ import annotations

import re

from drift.attribute.model import Grade, Kind
from drift.snapshot import forms

_BY_PATH = (
    (re.compile(r"\.py[co]\Z"), Kind.BYTECODE),
    (re.compile(r"\A/var/log/|\.log\Z|/\.npm/_logs/"), Kind.LOG),
    (re.compile(r"/\.?_?caches?/|/_cacache/|\.cache(?:-\d+)?\Z|/\.git/"), Kind.CACHE),
)


def is_known(form: str) -> bool:
    """Whether this version knows a form; another one may have written it."""
    try:
        forms.by_name(form)
    except KeyError:
        return False
    return True


def kind_of_noise(path: str, form: str | None = None) -> Kind:
    """The kind of a path that differs between builds of the same inputs."""
    if form is not None:
        return Kind(forms.by_name(form).kind)
    return next((kind for pattern, kind in _BY_PATH if pattern.search(path)), Kind.RANDOM)


def grade_of_form(form: str) -> Grade:
    """How sure it is that files which are equal in a form differ by noise alone."""
    return Grade.PROVEN if forms.by_name(form).exact else Grade.INFERRED
