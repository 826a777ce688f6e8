"""Which form a file is in: by its path where only that tells, by its magic, or as text.

Asked for every file of a layer: what has no form is turned away by a few look-ups.
"""

from __future__ import annotations

from drift.snapshot.forms import apt, ar, elf, fontconfig, gzipped, mandb, npm, tarball, zipped
from drift.snapshot.forms.certificates import START as CERTIFICATE
from drift.snapshot.forms.certificates import SelfSignedCertificate
from drift.snapshot.forms.dates import Dates, text
from drift.snapshot.forms.engine_files import ENGINE_FILES
from drift.snapshot.forms.git_index import MAGIC as GIT_INDEX
from drift.snapshot.forms.git_index import GitIndex
from drift.snapshot.forms.identity import PATHS as MACHINE_IDS
from drift.snapshot.forms.identity import MachineId
from drift.snapshot.forms.inside import Container
from drift.snapshot.forms.keys import SSH_PATH, TLS_PATHS, SshHostKey, TlsKey
from drift.snapshot.forms.keystore import JKS_MAGIC, PKCS12_PATHS, JavaKeystore, Pkcs12Keystore
from drift.snapshot.forms.ldconfig import MAGICS as LDCONFIG
from drift.snapshot.forms.ldconfig import LdconfigCache
from drift.snapshot.forms.logs import LOGS, OTHER_LOG
from drift.snapshot.forms.model import Form
from drift.snapshot.forms.python_bytecode import PythonBytecode, is_bytecode
from drift.snapshot.forms.shadow import PATHS as SHADOWS
from drift.snapshot.forms.shadow import Shadow
from drift.snapshot.forms.sqlite import MAGIC as SQLITE
from drift.snapshot.forms.sqlite import SqliteDates

LARGEST = 16 << 20  # bytes; larger files have no form
SMALL = 256 << 10  # bytes; dates are looked for in any file up to this size


def choose(path: str, mode: int, size: int, start: bytes) -> Form | None:
    """The form that a regular file is in, by its path and its first 512 bytes."""
    del mode
    if not 0 < size <= LARGEST:
        return None
    form = by_path(path, start) or by_content(path, start)
    if form is _DATES and path.startswith("/var/log/"):
        return OTHER_LOG
    if form is _ELF and size > elf.LARGEST:
        return None
    return _DATES if form is None and size <= SMALL else form


def by_name(name: str) -> Form:
    """The form of that name. Raises KeyError where there is none."""
    return _NAMES[name]


def by_content(name: str, start: bytes) -> Form | None:
    """The form of content whose name says nothing, as that of an archive's member."""
    del name
    form = _MAGIC.get(start[:4])
    if form is not None:
        return form
    if start[:3] == gzipped.MAGIC:
        return _GZIP
    if start[2:4] == b"\r\n" and is_bytecode(start):
        return _BYTECODE
    if tarball.is_tar(start):
        return _TAR
    if text(start):
        return _CERTIFICATE if start.startswith(CERTIFICATE) else _DATES
    return None


def by_path(path: str, start: bytes) -> Form | None:
    """The form of a file that is known by its path."""
    if path in _PATHS:
        form = _PATHS[path]
        return None if form is _PKCS12 and start.startswith(JKS_MAGIC) else form
    if path.startswith("/etc/ssh/"):
        return _SSH if SSH_PATH.match(path) else None
    if path.startswith("/var/cache/"):
        if fontconfig.PATH.search(path):
            return _FONTCONFIG
        return _MAN if mandb.PATH.match(path) else None
    return _NPM if npm.MARK in path else None


_DATES, _CERTIFICATE, _ELF = Dates(), SelfSignedCertificate(), elf.ElfDates()
_BYTECODE, _LDCONFIG, _FONTCONFIG = PythonBytecode(), LdconfigCache(), fontconfig.FontconfigCache()
_APT, _MAN, _NPM = apt.AptCache(), mandb.ManDatabase(), npm.NpmCacheIndex()
_SSH, _TLS, _MACHINE_ID, _SHADOW = SshHostKey(), TlsKey(), MachineId(), Shadow()
_GIT, _JKS, _PKCS12, _SQLITE = GitIndex(), JavaKeystore(), Pkcs12Keystore(), SqliteDates()
_GZIP = Container("gzip", gzipped.unpack, by_content)
_ZIP = Container("zip", zipped.unpack, by_content)
_TAR = Container("tar", tarball.unpack, by_content)
_AR = Container("ar", ar.unpack, by_content)
_CONTAINERS = (_GZIP, _ZIP, _TAR, _AR)

_MAGIC: dict[bytes, Form] = {
    zipped.MAGIC: _ZIP,
    ar.MAGIC[:4]: _AR,
    elf.MAGIC: _ELF,
    JKS_MAGIC: _JKS,
    SQLITE[:4]: _SQLITE,
    LDCONFIG[0][:4]: _LDCONFIG,
    GIT_INDEX: _GIT,
}
_PATHS: dict[str, Form] = {
    **LOGS,
    **ENGINE_FILES,
    **dict.fromkeys(apt.PATHS, _APT),
    **dict.fromkeys(MACHINE_IDS, _MACHINE_ID),
    **dict.fromkeys(SHADOWS, _SHADOW),
    **dict.fromkeys(TLS_PATHS, _TLS),
    **dict.fromkeys(PKCS12_PATHS, _PKCS12),
}
_FORMS: tuple[Form, ...] = (
    _DATES, OTHER_LOG, _CERTIFICATE, _ELF, _BYTECODE, _LDCONFIG, _FONTCONFIG, _APT, _MAN, _NPM,
    _SSH, _TLS, _MACHINE_ID, _SHADOW, _GIT, _JKS, _PKCS12, _SQLITE,
    *LOGS.values(), *ENGINE_FILES.values(),
    *_CONTAINERS, *(container.undated() for container in _CONTAINERS),
)  # fmt: skip
_NAMES = {form.name: form for form in _FORMS}
