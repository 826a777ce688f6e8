"""Files that tools generate from what is installed: the rules, one a row.

A row gives the paths that a tool writes, and what it makes them from: ``inputs`` are the
paths that it reads (None: whatever its ecosystem installs), ``writers`` the packages whose
own move can change what it writes. Sources: each tool's manual page, and the maintainer
scripts of Debian 12 and Alpine 3.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_SYSTEM = frozenset({"deb", "apk"})
_DEB = frozenset({"deb"})


@dataclass(frozen=True, slots=True)
class Generator:
    """A tool's rule.

    A group ``package`` in ``outputs`` names the very package that a path follows from, a
    group ``holds`` the name of a file that its source holds. ``own_layer``: files that people
    edit too follow from a package only in the layer that installs it.
    """

    what: str
    outputs: re.Pattern[str]
    inputs: re.Pattern[str] | None = None
    writers: frozenset[str] = frozenset()
    ecosystems: frozenset[str] = field(default=_SYSTEM)
    own_layer: bool = False


def _paths(text: str) -> re.Pattern[str]:
    """A pattern of whole paths; spaces and line ends in it are for the reader."""
    return re.compile("".join(text.split()), re.DOTALL)


def _row(
    what: str,
    outputs: str,
    inputs: str | None = None,
    *writers: str,
    ecosystems: frozenset[str] = _SYSTEM,
    own_layer: bool = False,
) -> Generator:
    read = _paths(inputs) if inputs else None
    return Generator(what, _paths(outputs), read, frozenset(writers), ecosystems, own_layer)


GENERATORS = (
    _row(
        "dpkg's list of the package",
        r"/var/lib/dpkg/info/(?P<package>[^/]+)\.[a-z0-9]+",
        ecosystems=_DEB,
    ),
    _row(
        "the archive that apt fetched it from",
        r"/var/cache/apt/archives/(partial/)?(?P<package>[^/_]+)_[^/]*\.deb",
        ecosystems=_DEB,
    ),
    _row(
        "update-alternatives' database",
        r"/var/lib/dpkg/alternatives/[^/]+",
        ecosystems=_DEB,
        own_layer=True,
    ),
    _row(
        "dpkg's database", r"/var/lib/dpkg/(?!info/).*|/var/lib/dpkg/info/format", ecosystems=_DEB
    ),
    _row("apt's note of what was installed", r"/var/lib/apt/extended_states", ecosystems=_DEB),
    _row("apk's database", r"(/usr)?/lib/apk/db/.*", ecosystems=frozenset({"apk"})),
    _row(
        "apk's list of what is asked for",
        r"/etc/apk/world",
        ecosystems=frozenset({"apk"}),
        own_layer=True,
    ),
    _row(
        "a log of the package tools",
        r"/var/log/(dpkg|alternatives|apk)\.log|/var/log/apt/(history|term)\.log"
        r"|/var/log/apt/eipp\.log\.xz",
        own_layer=True,
    ),
    _row("debconf's database", r"/var/cache/debconf/.*", ecosystems=_DEB),
    _row("ucf's database", r"/var/lib/ucf/.*", ecosystems=_DEB, own_layer=True),
    _row(
        "users and groups, made by maintainer scripts",
        r"/etc/(passwd|group|shadow|gshadow|subuid|subgid)-?|/etc/\.pwd\.lock",
        own_layer=True,
    ),
    _row(
        "the CA bundle (update-ca-certificates)",
        r"/etc/ssl/certs/.*|/etc/ssl/cert\.pem|/etc/ca-certificates\.conf([.].*)?"
        r"|/etc/ca-certificates/.*",
        r"/usr/(local/)?share/ca-certificates/.*|/etc/ca-certificates/update\.d/.*",
        "ca-certificates",
        "ca-certificates-bundle",
        "ca-certificates-java",
    ),
    _row(
        "the loader's cache of shared libraries (ldconfig)",
        r"/etc/ld\.so\.cache|/var/cache/ldconfig/aux-cache|/etc/ld-musl-[^/]+\.path",
        r".*\.so(\.[^/]+)?|/etc/ld\.so\.conf(\.d/.*)?",
        "libc-bin",
        "libc6",
    ),
    _row("the manual's index (mandb)", r"/var/cache/man/.*", r"/usr/share/man/.*", "man-db"),
    _row(
        "the directory of info documents (install-info)",
        r"/usr/share/info/dir([.]old)?",
        r"/usr/share/info/.*",
        "install-info",
    ),
    _row(
        "the MIME database",
        r"/usr/share/mime/(?!packages/).*|/etc/mailcap",
        r"/usr/share/mime/packages/.*|/usr/lib/mime/packages/.*|/usr/share/applications/.*",
        "shared-mime-info",
        "mailcap",
    ),
    _row(
        "the desktop files' cache",
        r"/usr/share/applications/mimeinfo\.cache",
        r"/usr/share/applications/.*",
        "desktop-file-utils",
    ),
    _row(
        "an icon theme's cache",
        r"/usr/share/icons/[^/]+/icon-theme\.cache",
        r"/usr/share/icons/.*",
        "gtk-update-icon-cache",
        "libgtk-3-bin",
    ),
    _row(
        "the compiled GSettings schemas",
        r"/usr/share/glib-2\.0/schemas/gschemas\.compiled",
        r"/usr/share/glib-2\.0/schemas/.*",
        "libglib2.0-0",
        "libglib2.0-bin",
    ),
    _row(
        "a cache of loadable modules",
        r".*/gio/modules/giomodule\.cache|.*/(gdk-pixbuf|gtk)-[^/]+/.*\.cache",
        r".*/gio/modules/.*\.so|.*/(gdk-pixbuf|gtk)-[^/]+/.*\.so",
        "libglib2.0-0",
    ),
    _row(
        "fontconfig's cache",
        r"/var/cache/fontconfig/.*|/usr/share/fonts/.*\.uuid|.*/fonts\.(dir|scale)",
        r"/usr/(local/)?share/fonts/.*|/etc/fonts/.*|/usr/share/fontconfig/.*",
        "fontconfig",
        "libfontconfig1",
    ),
    _row(
        "an initial RAM disk",
        r"/boot/initr[^/]*|/var/lib/initramfs-tools/.*",
        r"(/usr)?/lib/modules/.*|/usr/share/initramfs-tools/.*|/etc/initramfs-tools/.*",
        "initramfs-tools-core",
        "busybox",
    ),
    _row(
        "the kernel modules' index (depmod)",
        r"(/usr)?/lib/modules/[^/]+/modules\..*",
        r"(/usr)?/lib/modules/.*",
        "kmod",
    ),
    _row(
        "the hardware database",
        r"(/etc|(/usr)?/lib)/udev/hwdb\.bin",
        r"(/usr)?/lib/udev/hwdb\.d/.*",
        "udev",
    ),
    _row(
        "the locales' archive", r"/usr/lib/locale/.*", r"/usr/share/i18n/.*", "locales", "libc-bin"
    ),
    _row(
        "a system's boot link (update-rc.d)",
        r"/etc/rc[0-6S]\.d/[SK][0-9]{2}(?P<holds>.+)",
        ecosystems=_DEB,
    ),
    _row(
        "a note of deb-systemd-helper",
        r"/var/lib/systemd/deb-systemd-(user-)?helper-(enabled|masked)/(.*/)?"
        r"(?P<holds>[^/]+?)(\.dsh-also)?",
        ecosystems=_DEB,
    ),
    _row(
        "python3's runtime notes",
        r"/usr/share/python3/(debpython|runtime\.d)/.*",
        r"/usr/share/python3/.*|/usr/lib/python3/.*",
        "python3",
        "python3-minimal",
        ecosystems=_DEB,
    ),
    _row(
        "the XML and SGML catalogues",
        r"/etc/(xml|sgml)/.*|/var/lib/(xml-core|sgml-base)/.*",
        r"/usr/share/(xml|sgml)/.*",
        "xml-core",
        "sgml-base",
        ecosystems=_DEB,
    ),
)
