#!/usr/bin/env bash
# base_image.sh [SUITE]: makes debian:forky-slim, or that of another suite, available, from a registry
# or, where none answers, from the Debian mirror.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=setup/lib.sh
source "$here/lib.sh"
# shellcheck source=setup/debian.sh
source "$here/debian.sh"

suite=${1:-forky}
IMAGE=debian:$suite-slim
ASK_SECONDS=10
PULL_SECONDS=60

docker image inspect "$IMAGE" >/dev/null 2>&1 && exit

# Where nothing answers at all the pull would take its full retry time; a few bytes tell in a moment.
registry_answers() { timeout "$ASK_SECONDS" docker manifest inspect "$IMAGE" >/dev/null 2>&1; }

if registry_answers && timeout "$PULL_SECONDS" docker pull --quiet "$IMAGE" >/dev/null 2>&1; then
  say "pulled $IMAGE"
  exit
fi

mirror=$(debian_mirror)
from=${mirror:-the mirror that mmdebstrap chooses}
have mmdebstrap || apt_install "building $IMAGE" mmdebstrap
can_be_root || die "no registry answers, and building $IMAGE here needs root" \
  "Run once as an administrator: sudo $here/base_image.sh $suite" "or load it: docker load < image.tar"
say "no registry answers: building $IMAGE from $from (about half a minute)"

tarball=$(mktemp)
trap 'rm -f "$tarball"' EXIT
slim=()
# what the real slim image leaves out too; copyright files have to stay
for path in doc man info locale groff linda lintian; do slim+=("--dpkgopt=path-exclude=/usr/share/$path/*"); done
# without a mirror of this host's own, mmdebstrap takes Debian's
sources=()
[[ -z $mirror ]] || sources=("deb [check-valid-until=no] $mirror $suite main")
# A mirror a week behind has a Release past its Valid-Until; the signature is still checked.
quietly as_root mmdebstrap --mode=root --variant=minbase --format=tar \
  --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Languages "none"' \
  "${slim[@]}" --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  --keyring="$DEBIAN_KEYS" "$suite" "$tarball" "${sources[@]}" \
  || die "mmdebstrap could not build $IMAGE from $from" "Is the mirror reachable? curl -I ${mirror:-MIRROR}/dists/$suite/Release"
docker import --change 'CMD ["bash"]' --message "built by setup/base_image.sh" "$tarball" "$IMAGE" >/dev/null
say "built $IMAGE from $from"
