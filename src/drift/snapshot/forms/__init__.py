"""Normal forms: files without what two builds of the same inputs may differ in.

Pure functions, asked while a layer streams by: :func:`choose` for every file, so it rejects
quickly; :func:`settled` for those that have a form.
"""

from __future__ import annotations

from drift.oci import Digest
from drift.snapshot.forms.apt import AptCache
from drift.snapshot.forms.inside import START, Container
from drift.snapshot.forms.model import Form, Settled, Window
from drift.snapshot.forms.registry import by_name, by_path, choose
from drift.snapshot.model import NormalForm

__all__ = ["START", "Form", "Settled", "Window", "by_name", "choose", "from_start", "settled"]


def settled(form: Form, path: str, content: bytes, window: Window | None) -> Settled | None:
    """The content in normal form, and the form that it turned out to be in.

    That is ``form``, which was chosen, but for compressed files and archives in which no date
    was masked: those are in their exact form, whose equality proves more. None where the
    content is not of this form after all.
    """
    if isinstance(form, Container):
        return form.settled(content, window)
    normal = form.normal(path, content, window)
    return None if normal is None else Settled(form, normal)


def from_start(path: str, start: bytes) -> NormalForm | None:
    """The normal form of a file of any size whose first bytes say all; None for others."""
    form = by_path(path, start)
    normal = form.normal(path, start, None) if isinstance(form, AptCache) else None
    return NormalForm(form.name, Digest.of(normal)) if form and normal is not None else None
