"""What a RUN fetches from, read from its commands: package archives, or anything.

The shell's own words tell a command from what it is given: ``apt-get install git`` fetches from
an archive alone, and ``pip freeze`` from nowhere. It is a reading: what a script fetches that a
command calls is not known here. Specifications: the tools' manuals.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from drift.snapshot.model import Instruction
from drift.source.shell import Environment, Invocation, invocations

# Commands that fetch, by the ecosystem whose packages they bring; the others bring anything.
_TOOLS = {
    **dict.fromkeys(("apt", "apt-get", "aptitude"), "deb"),
    "apk": "apk",
    **dict.fromkeys(("pip", "pipx", "uv", "poetry"), "pypi"),
    **dict.fromkeys(("npm", "npx", "yarn", "pnpm"), "npm"),
}
_OTHERS = frozenset({
    "curl", "wget", "git", "svn", "hg", "rsync", "scp", "ssh", "sftp", "ftp", "nc", "telnet",
    "conda", "gem", "bundle", "cargo", "rustup", "go", "mvn", "gradle", "composer", "cpan",
    "dnf", "microdnf", "yum", "zypper", "pacman", "docker", "aws", "gsutil", "az",
})  # fmt: skip


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_APT = _set("clean autoclean distclean purge remove autoremove list show search")
_SCRIPTS = _set("run run-script test start ls list pkg prune cache config version")
# Subcommands that look at what is there, run it or take it away.
_STILL = {
    **dict.fromkeys(("apt", "apt-get", "aptitude"), _APT),
    "apk": _set("del info version stats audit"),
    "pip": _set("freeze list show check inspect config cache debug uninstall help"),
    "poetry": _set("run show env version check config"),
    **dict.fromkeys(("npm", "pnpm", "yarn"), _SCRIPTS),
    "git": _set(
        "rev-parse describe log status config diff show init add commit apply tag branch "
        "show-ref ls-files clean reset gc rm mv version"
    ),
    "go": _set("version env fmt clean help"),
    "cargo": _set("version clean fmt"),
    "bundle": _set("exec list show config clean check"),
    "gem": _set("list env contents which specification uninstall"),
    "conda": _set("list info clean remove config"),
    "composer": _set("dump-autoload show validate run-script"),
}
_ASKED_FOR_ITSELF = frozenset({"--version", "-V", "--help"})
_WORDS = re.compile(
    rf"(?<![\w./-])(?:/[\w/.-]*bin/)?({'|'.join(map(re.escape, (*_TOOLS, *sorted(_OTHERS))))})"
    r"[\d.]*(?![\w/-]|\.\w)"
)
_NUMBERED = re.compile(r"(?<=[a-z])[\d.]+\Z")
# What these are given is no command.
_HANDLING = _set(
    ": [ cat cd chmod chown cp echo export grep ln ls mkdir mv printf rm sed set test touch"
)
# These make files of what they are given, and nothing else.
_MAKING = _set(
    "awk base64 basename bunzip2 bzip2 cmp cut date diff dirname env false gunzip gzip head "
    "install jq md5sum mktemp pwd sha1sum sha256sum sha512sum sort split stat tail tar tee tr true "
    "uniq unxz unzip wc xz zcat zip zstd"
)
_DOWNLOADING = frozenset({"curl", "wget"})
RUN = re.compile(
    r"(?:ONBUILD\s+)?RUN\s+(?P<flags>(?:--\S+\s+)*)(?P<script>.*)", re.IGNORECASE | re.DOTALL
)
_HIDDEN = ("--mount", "/dev/tcp/")
_TEXTS = 512  # that are read once: each is asked for every file that it made
ANYTHING = None


def installs_only(instruction: Instruction | None, ecosystem: str | None) -> bool:
    """Whether a RUN fetches by the package tools of one ecosystem alone, as far as it can be read.

    What a script fetches that it calls is not known here: this is a reading, no proof.
    """
    if ecosystem is None or instruction is None or not instruction.is_run:
        return False
    if any(word in instruction.text for word in _HIDDEN):
        return False
    return fetched_by(instruction.text) == {ecosystem}


@lru_cache(maxsize=_TEXTS)
def fetched_by(text: str) -> frozenset[str | None]:
    """The ecosystems that a RUN's commands fetch from; :data:`ANYTHING` among them: from anywhere.

    Where its commands cannot be read, that is so as well.
    """
    commands = _commands(text)
    if not commands:
        return frozenset({ANYTHING})
    return frozenset(what for command in commands for what in _of_command(command.words))


@lru_cache(maxsize=_TEXTS)
def downloads(text: str) -> int | None:
    """How often a RUN runs curl and wget; None where what it runs beside may fetch as well."""
    if any(word in text for word in _HIDDEN):
        return None
    names = [posixpath.basename(c.words[0] or "?") if c.words else "env" for c in _commands(text)]
    if not names or not _HANDLING.union(_MAKING, _DOWNLOADING).issuperset(names):
        return None
    return sum(name in _DOWNLOADING for name in names)


def _commands(text: str) -> Sequence[Invocation]:
    """A RUN's commands; none where they cannot be read."""
    run = RUN.match(text)
    if run is None or "<<" in run["script"]:  # what a here-document holds is no part of the text
        return ()
    return invocations(_as_script(run["script"]), Environment())


def _as_script(script: str) -> str:
    """A script as it is, or the words of the exec form, which no shell reads."""
    try:
        words = json.loads(script) if script.startswith("[") else None
    except ValueError:
        return script
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return script
    return " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)


def _of_command(words: Sequence[str | None]) -> Iterator[str | None]:
    if not words:
        return  # ``env`` alone
    if words[0] is None:
        yield ANYTHING
        return
    name = _NUMBERED.sub("", posixpath.basename(words[0]))
    if name not in _TOOLS and name not in _OTHERS:
        # It may run what it is given: xargs, timeout, ``python -m pip``.
        if name not in _HANDLING:
            yield from _of_given([word for word in words[1:] if word])
    elif not _looks_only(name, words[1:]):
        yield _TOOLS.get(name, ANYTHING)


def _of_given(words: Sequence[str]) -> Iterator[str | None]:
    for at, word in enumerate(words):
        if _WORDS.fullmatch(word):
            yield from _of_command(words[at:])
            return
        yield from (_TOOLS.get(tool, ANYTHING) for tool in _WORDS.findall(word))


def _looks_only(name: str, words: Sequence[str | None]) -> bool:
    subcommand = next((word for word in words if word is None or not word.startswith("-")), "")
    if subcommand == "":
        return bool(words) and _ASKED_FOR_ITSELF.issuperset(words)
    return subcommand in _STILL.get(name, frozenset())
