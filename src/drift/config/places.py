"""Where the paths and URLs of drift.toml lead to."""

from __future__ import annotations

import os.path
import re
from collections.abc import Mapping
from pathlib import Path

_GIT_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|github\.com/|[A-Za-z0-9_.-]+@[A-Za-z0-9_.-]+:")
_SQLITE = re.compile(r"(?P<scheme>sqlite(?:\+[a-z0-9_]+)?:///)(?P<path>[^/?][^?]*)")


def is_git_url(context: str) -> bool:
    """Whether a context is a git URL rather than a directory, as the docker CLI decides.

    A URL of any scheme is one, ``github.com/…``, and ``user@host:path``.
    """
    return _GIT_URL.match(context) is not None


def absolute(text: str, root: Path, environ: Mapping[str, str]) -> Path:
    """A path of drift.toml: ``~`` expanded, relative to the file's directory, ``..`` folded.

    Folding is by name, so a symbolic link that is followed by ``..`` is not looked at.
    """
    if text == "~" or text.startswith("~/"):
        text = (environ.get("HOME") or str(Path.home())) + text[1:]
    return Path(os.path.normpath(root / text))


def absolute_database(url: str, root: Path) -> str:
    """A store's URL with a SQLite path made absolute; a database in memory stays one."""
    match = _SQLITE.match(url)
    if match is None or match["path"].startswith((":memory:", "file:")):
        return url
    path = os.path.normpath(root / match["path"])
    return f"{match['scheme']}{path}{url[match.end() :]}"
