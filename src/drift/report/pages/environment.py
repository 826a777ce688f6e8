"""How pages are made: Jinja2 with autoescape, and a Content-Security-Policy by digest.

A page holds its one style sheet and its one script, both drift's own files, and the policy
names their digests: nothing else is applied or run, whatever an image put into a name. Every
value that a template prints is made visible (:mod:`drift.report.escape`) and then escaped.
``strict-dynamic`` lets that one script load the data files beside a page; host sources would
not do from ``file://``.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from drift.report import causes, places, remedies, sentences, verdicts, words
from drift.report.escape import visible
from drift.report.pages import icon

_STYLES = ("report.css", "site.css")
_SCRIPT = "site.js"


def render(template: str, **values: Any) -> str:
    """A page of the site from its template."""
    style, script = _style(), asset(_SCRIPT)
    policy = (
        f"default-src 'none'; style-src '{digest(style)}'; script-src '{digest(script)}' "
        "'strict-dynamic'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    page = environment().get_template(template)
    # drift's own files, not an image's words
    return page.render(style=Markup(style), script=Markup(script), policy=policy, **values)  # noqa: S704


@cache
def environment() -> Environment:
    """The one environment of all templates."""
    made = Environment(
        loader=PackageLoader("drift.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["lower_first"] = lambda text: f"{text[:1].lower()}{text[1:]}"
    made.globals.update(
        words=words,
        sentences=sentences,
        verdicts=verdicts,
        reasons=causes,
        places=places,
        remedies=remedies,
        icon=icon.icon,
    )
    return made


@cache
def asset(name: str) -> str:
    """The text of one of drift's own style sheets or scripts."""
    return files("drift.report").joinpath(f"templates/{name}").read_text("utf-8")


@cache
def digest(text: str) -> str:
    """The source expression by which a policy allows an inline style sheet or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


@cache
def _style() -> str:
    return "".join(map(asset, _STYLES))


def _shown(value: Any) -> Any:
    """Each printed value on its way out; markup comes from drift's own code only."""
    if isinstance(value, Markup):
        return value
    return visible(value) if isinstance(value, str) else value
