"""RUN instructions that fetch from package archives, and from nothing else that can be read."""

from __future__ import annotations

import re

from drift.snapshot.model import Instruction

# Commands that fetch, by the ecosystem whose packages they bring; the others bring anything.
_TOOLS = {
    **dict.fromkeys(("apt", "apt-get", "aptitude", "dpkg"), "deb"),
    "apk": "apk",
    **dict.fromkeys(("pip", "pipx", "uv", "poetry"), "pypi"),
    **dict.fromkeys(("npm", "npx", "yarn", "pnpm"), "npm"),
}
_OTHERS = (
    "curl", "wget", "git", "svn", "hg", "rsync", "scp", "ssh", "sftp", "ftp", "nc", "telnet",
    "conda", "gem", "bundle", "cargo", "rustup", "go", "mvn", "gradle", "composer", "cpan",
    "dnf", "microdnf", "yum", "zypper", "pacman", "docker", "aws", "gsutil", "az",
)  # fmt: skip
_WORDS = re.compile(rf"(?<![\w./-])(?:/[\w/.-]*/)?({'|'.join((*_TOOLS, *_OTHERS))})[\d.]*(?![\w-])")
_HIDDEN = ("--mount", "/dev/tcp/")


def installs_only(instruction: Instruction | None, ecosystem: str | None) -> bool:
    """Whether a RUN fetches by the package tools of one ecosystem alone, as far as it can be read.

    What a script fetches that it calls is not known here: this is a reading, no proof.
    """
    if ecosystem is None or instruction is None or not instruction.is_run:
        return False
    text = instruction.text
    if any(word in text for word in _HIDDEN):
        return False
    used = {_TOOLS.get(word) for word in _WORDS.findall(text)}
    return used == {ecosystem}
