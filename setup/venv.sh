#!/usr/bin/env bash
# .venv with this project and its development tools; done again only when pyproject.toml changed.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=setup/lib.sh
source "$here/lib.sh"

repo=$(dirname -- "$here")
venv=${STACKCTL_VENV:-$repo/.venv}
stamp=$venv/.made-from

# The path is part of it: a venv does not survive being moved.
wanted=$( (sha256sum <"$repo/pyproject.toml" && printf '%s\n' "$venv") | sha256sum | cut -d ' ' -f 1)
[[ -x $venv/bin/stackctl && $(cat "$stamp" 2>/dev/null) == "$wanted" ]] && exit

find_python() {
  local name
  for name in python3 python3.14 python3.13 python3.12 python3.11; do
    if have "$name" && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
      printf '%s' "$name"
      return
    fi
  done
  return 1
}

# A small server image has no Python at all; one that is too old is not replaced behind the owner's back.
have python3 || apt_install "the virtual environment" python3 python3-venv
python=$(find_python) || die "Python 3.11 or newer is needed; here is $(python3 --version)" \
  "Debian 12, Ubuntu 24.04 and later have it: sudo apt-get install python3 python3-venv"
"$python" -c 'import ensurepip, venv' 2>/dev/null || apt_install "the virtual environment" python3-venv

say "making ${venv#"$repo"/} with $("$python" --version)"
[[ -x $venv/bin/python ]] || quietly "$python" -m venv "$venv" || die "$python could not make $venv"
ca=$(extra_ca)
[[ -z $ca || -n ${PIP_CERT:-} ]] || export PIP_CERT=$ca
# Not fetched twice by two runs at once, and not stamped unless all of it worked.
quietly "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -e "${repo}[dev]" \
  || die "pip could not install this project into $venv" \
    "Behind a TLS-inspecting proxy: put EXTRA_CA_FILE=/path/to/ca.pem in env/stack.env" \
    "A broken environment is repaired by: rm -r $venv && $here/venv.sh"
printf '%s\n' "$wanted" >"$stamp"
