"""What ``curl`` and ``wget`` fetch, read from their command lines.

A request that is more than a plain GET (a body, a method, headers, credentials) is left out:
asked without them, the address may serve another thing. Specification: the manual pages
curl(1) 8.x and wget(1) 1.21.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from drift.source.dockerfile.addresses import file_name, web_address
from drift.source.dockerfile.options import OPERAND, Syntax, read
from drift.source.shell import Environment, Invocation

# fmt: off
_CURL = Syntax("AbcCdDeEFhHKmoPQrtTuUwxXyYz", frozenset({
    "--user-agent", "--cookie", "--cookie-jar", "--continue-at", "--data", "--data-ascii",
    "--data-binary", "--data-raw", "--data-urlencode", "--dump-header", "--referer", "--cert",
    "--form", "--form-string", "--header", "--config", "--max-time", "--output", "--ftp-port",
    "--quote", "--range", "--telnet-option", "--upload-file", "--user", "--proxy-user",
    "--write-out", "--proxy", "--request", "--speed-time", "--speed-limit", "--time-cond",
    "--output-dir", "--url", "--connect-timeout", "--retry", "--retry-delay", "--retry-max-time",
    "--cacert", "--capath", "--ciphers", "--key", "--key-type", "--cert-type", "--pass",
    "--preproxy", "--socks5", "--socks5-hostname", "--socks4", "--socks4a", "--noproxy", "--json",
    "--resolve", "--connect-to", "--interface", "--limit-rate", "--max-redirs", "--max-filesize",
    "--oauth2-bearer", "--doh-url", "--dns-servers", "--proto", "--proto-default",
    "--proto-redir", "--stderr", "--trace", "--trace-ascii", "--tls-max", "--tls13-ciphers",
    "--unix-socket", "--abstract-unix-socket", "--netrc-file", "--local-port", "--parallel-max",
    "--aws-sigv4", "--keepalive-time", "--etag-save", "--etag-compare", "--rate", "--url-query",
    "--proxy-header", "--expect100-timeout", "--crlfile", "--engine", "--hostpubmd5", "--variable",
    "--happy-eyeballs-timeout-ms", "--pinnedpubkey", "--create-file-mode", "--request-target",
}))
_CURL_OTHER = frozenset({
    "-b", "--cookie", "-d", "--data", "--data-ascii", "--data-binary", "--data-raw", "--json",
    "--data-urlencode", "-E", "--cert", "-F", "--form", "--form-string", "-H", "--header", "-I",
    "--head", "-K", "--config", "-n", "--netrc", "--netrc-file", "--netrc-optional",
    "--oauth2-bearer", "-r", "--range", "-T", "--upload-file", "-u", "--user", "-X", "--request",
    "--aws-sigv4", "--url-query", "--next", "-:", "--unix-socket", "--abstract-unix-socket",
    "--request-target", "-C", "--continue-at", "--variable", "--resolve", "--connect-to",
})
_WGET = Syntax("aABDeiIloOPQRtTUwX", frozenset({
    "--append-output", "--output-file", "--execute", "--input-file", "--base", "--config",
    "--rejected-log", "--bind-address", "--tries", "--output-document", "--backups",
    "--start-pos", "--progress", "--timeout", "--dns-timeout", "--connect-timeout",
    "--read-timeout", "--limit-rate", "--wait", "--waitretry", "--quota", "--user", "--password",
    "--header", "--compression", "--max-redirect", "--proxy-user", "--proxy-password",
    "--referer", "--user-agent", "--post-data", "--post-file", "--method", "--body-data",
    "--body-file", "--directory-prefix", "--cut-dirs", "--default-page", "--http-user",
    "--http-password", "--load-cookies", "--save-cookies", "--secure-protocol", "--certificate",
    "--private-key", "--ca-certificate", "--ca-directory", "--crl-file", "--ciphers", "--level",
    "--accept", "--reject", "--domains", "--retry-on-http-error", "--hsts-file",
}))
_WGET_OTHER = frozenset({
    "-e", "--execute", "-i", "--input-file", "--base", "-B", "--user", "--password", "--header",
    "--post-data", "--post-file", "--method", "--body-data", "--body-file", "--http-user",
    "--http-password", "--load-cookies", "--certificate", "-r", "--recursive", "-m", "--mirror",
    "-p", "--page-requisites", "--spider", "--start-pos", "-c", "--continue",
})
# fmt: on
_EXTRACTING = frozenset({"tar", "bsdtar"})
_TAR = Syntax("CfbLNTXIFgHKV", frozenset({"--directory", "--file", "--use-compress-program"}))
_CHECKED_ONLY = frozenset("{}[]")  # curl expands these by itself


@dataclass(frozen=True, slots=True)
class Fetch:
    """A URL that a command fetches, and the file or directory that it writes it to, if known."""

    url: str
    target: str | None


def fetches(invocation: Invocation) -> Iterator[Fetch]:
    """What an invocation of curl or wget fetches; nothing for any other command."""
    name = posixpath.basename(invocation.words[0] or "") if invocation.words else ""
    if name == "curl":
        yield from _curl(invocation)
    elif name in ("wget", "wget2"):
        yield from _wget(invocation)


def _curl(invocation: Invocation) -> Iterator[Fetch]:
    urls: list[str | None] = []
    outputs: list[str | None] = []  # one for each URL, in order; "" for the URL's own name
    directory: str | None = ""
    everywhere = False
    for option, value in read(invocation.words[1:], _CURL):
        if option in _CURL_OTHER:
            return
        if option in (OPERAND, "--url"):
            urls.append(value)
        elif option in ("-o", "--output"):
            outputs.append(value)
        elif option in ("-O", "--remote-name"):
            outputs.append("")
        elif option in ("-J", "--remote-header-name"):
            directory = None  # the server gives the name
        elif option == "--remote-name-all":
            everywhere = True
        elif option == "--output-dir":
            directory = value if directory == "" else None
    for number, word in enumerate(urls):
        url = web_address(word) if word and not _CHECKED_ONLY & set(word) else None
        if url is None:
            continue
        default = "" if everywhere else "-"
        output = outputs[number] if number < len(outputs) else default
        yield Fetch(url, _target(invocation, output, directory, url))


def _wget(invocation: Invocation) -> Iterator[Fetch]:
    urls: list[str | None] = []
    output: str | None = ""
    directory: str | None = ""
    for option, value in read(invocation.words[1:], _WGET):
        if option in _WGET_OTHER:
            return
        if option == OPERAND:
            urls.append(value)
        elif option in ("-O", "--output-document"):
            output = value
        elif option in ("-P", "--directory-prefix"):
            directory = value
        elif option in ("--content-disposition", "-x", "--force-directories"):
            directory = None
    for word in urls:
        url = web_address(word) if word else None
        if url is not None:
            yield Fetch(url, _target(invocation, output, directory if not output else "", url))


def _target(
    invocation: Invocation, output: str | None, directory: str | None, url: str
) -> str | None:
    """Where a download goes: a file, what a pipe unpacks to or makes, None where unknown."""
    if output == "-":
        return invocation.output or unpacked_to(invocation) or invocation.made
    name = file_name(url) if output == "" else output
    if not name or directory is None or name.startswith("~") or directory.startswith("~"):
        return None
    return _at(invocation, posixpath.join(directory, name))


def _at(invocation: Invocation, path: str) -> str | None:
    return Environment(directory=invocation.directory).path(path)


def unpacked_to(invocation: Invocation) -> str | None:
    """The directory that ``… | tar x`` unpacks to; the file of ``… | tee FILE``."""
    piped: Sequence[str | None] = invocation.piped or ()
    name = posixpath.basename(piped[0] or "") if piped else ""
    if name == "tee":
        files = [word for word in piped[1:] if word is None or not word.startswith("-")]
        return _at(invocation, files[0]) if len(files) == 1 and files[0] else None
    if name not in _EXTRACTING or None in piped:
        return None
    first = piped[1] if len(piped) > 1 else ""
    arguments = [f"-{first}" if first and first[0] != "-" else first, *piped[2:]]
    directory = "."
    for option, value in read(arguments, _TAR):
        if option in ("-C", "--directory"):
            directory = posixpath.join(directory, value or "")
    return _at(invocation, directory)
