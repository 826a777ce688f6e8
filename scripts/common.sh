# Sourced by the scripts beside it: where things are, and how they are said and installed.
# shellcheck shell=bash
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
WORK=$ROOT/.work
VENV=$ROOT/.venv
# Of this working tree alone, as others on this machine have theirs; at most 15 letters.
BRIDGE=${DRIFT_BRIDGE:-drift$(printf '%s' "$ROOT" | cksum | cut -d' ' -f1)}
# Where this is set, each of hundreds of processes would compile all of our modules anew.
unset PYTHONDONTWRITEBYTECODE

say() { printf '%s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 2; }

# True for root on Debian, Ubuntu and what is made of them: we may install there.
can_install() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1
}

# install PACKAGE...: from apt, without recommended packages; lists are fetched when needed.
# Fails, with apt's last words, where it cannot. One at a time of those that share the tree.
install() (
  say "installing: $*"
  mkdir -p "$WORK"
  exec 9>"$WORK/apt.lock"
  flock 9
  apt install "$@" >"$WORK/apt.log" 2>&1 && return
  { apt update && apt install "$@"; } >"$WORK/apt.log" 2>&1 && return
  tail -n 15 "$WORK/apt.log" >&2
  return 1
)

# Without the lock's descriptor, which services that a package starts would hold.
apt() {
  DEBIAN_FRONTEND=noninteractive \
    apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 "$@" 9>&-
}

# need PROGRAM PACKAGE: there, or installed, or a message that says what is missing.
need() {
  command -v "$1" >/dev/null 2>&1 && return
  can_install || die "$1 is missing: install it (Debian, Ubuntu: apt-get install $2)"
  install "$2"
  command -v "$1" >/dev/null 2>&1 || die "apt installed $2, but there is no $1"
}

# The keys by which mmdebstrap knows Debian's archive; Ubuntu has them in a package of their own.
need_debian_keys() {
  [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || install debian-archive-keyring
}
