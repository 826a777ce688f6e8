"""Links into the places where repositories live."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SCP = re.compile(r"(?:[^@/:\s]+@)?([A-Za-z0-9.-]+):(?!/)(\S+)")
_HOSTED = r"{0}\.com|{0}\.(?!com\.).+"  # the public one, or a company's own
_HOST = re.compile(r"[A-Za-z0-9.-]+(?::\d+)?")


def compare_link(remote: str | None, before: str | None, after: str | None) -> str | None:
    """Where two commits are compared: on GitHub or GitLab, None for anything else.

    ``remote`` is git's URL, also in scp's form; credentials of it are not in the link.
    """
    place = _place(remote) if remote else None
    if place is None or not before or not after or before == after:
        return None
    if not (_COMMIT.fullmatch(before) and _COMMIT.fullmatch(after)):
        return None
    host, path = place
    name = host.partition(":")[0].lower()
    if re.fullmatch(_HOSTED.format("github"), name):
        return f"https://{host}/{path}/compare/{before}...{after}"
    if re.fullmatch(_HOSTED.format("gitlab"), name):
        return f"https://{host}/{path}/-/compare/{before}...{after}"
    return None


def _place(remote: str) -> tuple[str, str] | None:
    """The web host and the repository's path of a remote."""
    if "://" not in remote:
        scp = _SCP.fullmatch(remote)
        host, path = (scp[1], scp[2]) if scp else ("", "")
    else:
        try:
            url = urlsplit(remote)
            host, path = url.hostname or "", url.path
            if url.scheme in ("http", "https") and url.port:
                host = f"{host}:{url.port}"
        except ValueError:
            return None
        if url.scheme not in ("http", "https", "ssh", "git"):
            return None
    path = path.strip("/").removesuffix(".git")
    if not _HOST.fullmatch(host) or path.count("/") < 1 or ".." in path.split("/"):
        return None
    return host, quote(path, safe="/~")
