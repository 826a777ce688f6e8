"""A page that leads to another one, without a script."""

from __future__ import annotations

from markupsafe import escape


def render(target: str) -> str:
    """A page that leads to ``target``, a place relative to it."""
    place = escape(target)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">\n'
        f'<meta http-equiv="refresh" content="0; url={place}">\n'
        f'<link rel="canonical" href="{place}">\n<title>drift: the newest run</title>\n</head>\n'
        f'<body><p><a href="{place}">The newest run</a></p></body>\n</html>\n'
    )
