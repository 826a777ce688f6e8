"""A certificate authority of a test's own, with one server and one client certificate."""

from __future__ import annotations

import subprocess
from pathlib import Path


def make_certificates(directory: Path) -> None:
    """Write ca.pem, cert.pem and key.pem (the client's), server-cert.pem and server-key.pem."""
    _openssl(directory, "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test-ca "
             "-keyout ca-key.pem -out ca.pem")  # fmt: skip
    (directory / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    for name, prefix in (("127.0.0.1", "server-"), ("client", "")):
        _openssl(directory, f"req -newkey rsa:2048 -nodes -subj /CN={name} "
                 f"-keyout {prefix}key.pem -out {prefix}request.pem")  # fmt: skip
        _openssl(directory, f"x509 -req -days 2 -in {prefix}request.pem -CA ca.pem -CAkey "
                 f"ca-key.pem -CAcreateserial -extfile names -out {prefix}cert.pem")  # fmt: skip


def _openssl(directory: Path, arguments: str) -> None:
    subprocess.run(["openssl", *arguments.split()], cwd=directory, check=True, capture_output=True)
