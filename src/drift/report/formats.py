"""The formats of a report by name. Each is imported when it is first used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module

Renderer = Callable[..., str]

_MODULES = {
    "text": "text",
    "json": "as_json",
    "markdown": "markdown",
    "html": "html",
    "github": "github",
    "junit": "junit",
}


class _Formats(Mapping[str, Renderer]):
    """``render(document, **options)`` by format; the options are those of its module."""

    def __getitem__(self, name: str) -> Renderer:
        renderer: Renderer = import_module(f"drift.report.{_MODULES[name]}").render
        return renderer

    def __iter__(self) -> Iterator[str]:
        return iter(_MODULES)

    def __len__(self) -> int:
        return len(_MODULES)


FORMATS: Mapping[str, Renderer] = _Formats()
