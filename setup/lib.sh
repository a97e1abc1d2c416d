# shellcheck shell=bash
# Sourced by every script here: how they speak, fail, become root and install packages.

# shellcheck disable=SC2034  # for the messages of the scripts that source this
SETUP=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)

# SETUP_SPOKE: a file by which setup.sh learns that one of its steps had something to do
say() {
  printf 'set-up: %s\n' "$*"
  if [[ -n ${SETUP_SPOKE:-} ]]; then printf '%s\n' "$*" >>"$SETUP_SPOKE"; fi
}

# die MESSAGE [LINE...]: the lines after the first are the way out, printed as they are
die() {
  printf 'set-up failed: %s\n' "$1" >&2
  shift
  if (($#)); then printf '  %s\n' "$@" >&2; fi
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# at_least HAVE WANT: compares dotted versions; build suffixes such as +dfsg4 or -ce don't count
at_least() {
  local have=${1#v} want=$2
  have=${have%%[!0-9.]*}
  [[ -n $have && $(printf '%s\n%s\n' "$want" "$have" | sort -V | head -n 1) == "$want" ]]
}

# A password prompt is only possible on a terminal; without one sudo has to work silently.
can_be_root() {
  ((EUID == 0)) && return
  have sudo && { sudo -n true 2>/dev/null || [[ -t 0 ]]; }
}

as_root() {
  if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

# Output nobody needs while it works, and everybody when it does not.
quietly() {
  local log status=0
  log=$(mktemp)
  "$@" >"$log" 2>&1 </dev/null || status=$?
  if ((status)); then
    printf 'set-up: failed (exit %s): %s\n' "$status" "$*" >&2
    tail -n 25 "$log" >&2
  fi
  rm -f "$log"
  return "$status"
}

apt() { quietly as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 "$@"; }

# apt_install REASON PACKAGE...
apt_install() {
  local reason=$1
  shift
  local by_hand="sudo apt-get update && sudo apt-get install --no-install-recommends $*"
  have apt-get || die "$reason needs these Debian packages, or what corresponds here: $*"
  can_be_root || die "$reason needs packages, and this user may not become root" \
    "Ask an administrator to run:" "  $by_hand"
  say "installing for $reason: $*"
  apt update || die "the package lists could not be refreshed" "Mend apt, then: $by_hand"
  apt install -y --no-install-recommends "$@" || die "apt could not install: $*" "Try by hand: $by_hand"
}

# The knob EXTRA_CA_FILE, of the environment or env/stack.env: certificates of a TLS-inspecting proxy.
# Whom pip on this host trusts, a build has to trust as well.
extra_ca() {
  local file=${EXTRA_CA_FILE:-}
  if [[ -z $file && -r $SETUP/../env/stack.env ]]; then
    file=$(sed -n 's/^EXTRA_CA_FILE=//p' "$SETUP/../env/stack.env" | tail -n 1 | tr -d "\"'")
  fi
  file=${file:-${PIP_CERT:-${REQUESTS_CA_BUNDLE:-${SSL_CERT_FILE:-}}}}
  [[ -z $file || -r $file ]] || die "EXTRA_CA_FILE is $file, which cannot be read" \
    "Let it name a file of certificates (PEM) in env/stack.env, or take it out there."
  printf '%s' "$file"
}
