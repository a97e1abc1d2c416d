# shellcheck shell=bash
# Sourced: which Debian mirror this host uses.

# shellcheck disable=SC2034  # read by the scripts that source this
DEBIAN_KEYS=/usr/share/keyrings/debian-archive-keyring.gpg

# The first one already configured, so that a company's own mirror keeps being used; empty where, as on
# Ubuntu, none is.
debian_mirror() {
  local found=''
  if have apt-get; then
    # shellcheck disable=SC2016  # apt's own placeholders
    found=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -m1 -E '/debian/?$') || true
  fi
  printf '%s' "${found%/}"
}
