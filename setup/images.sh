#!/usr/bin/env bash
# Builds the images of the simulated stack; again only when their inputs changed.
# EXTRA_CA_FILE (from the environment or env/stack.env): certificates of a TLS-inspecting proxy.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=setup/lib.sh
source "$here/lib.sh"

repo=$(dirname -- "$here")
sources=$repo/compose/images
names=(sim-llama-cpp sim-whisper sim-comfyui sim-haproxy tools)
tags=("${names[@]/#/stackctl/}")
tags=("${tags[@]/%/:1}")
LABEL=stackctl.inputs

# What is built from: the image's folder, the shared one, and the base image as it is now.
inputs_of() {
  {
    (cd "$sources" && find "$1" common -type f ! -path '*/.*' ! -path '*/__pycache__/*' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum)
    printf '%s\n' "$base"
  } | sha256sum | cut -d ' ' -f 1
}

build() {
  local tag=stackctl/$1:1 inputs=$2 ca secret=() before
  ca=$(extra_ca)
  [[ -z $ca ]] || secret=(--secret "id=extra_ca,src=$ca")
  before=$(docker image inspect --format '{{.Id}}' "$tag" 2>/dev/null) || true
  say "building $tag"
  # the daemon's own builder: any other one does not see the base image that was made here
  quietly docker buildx build --builder default --load --progress plain --tag "$tag" --label "$LABEL=$inputs" \
    --build-arg BASE=debian:forky-slim "${secret[@]}" --file "$sources/$1/Dockerfile" "$sources" \
    || die "$tag could not be built" \
      "If certificates are refused above, a proxy opens TLS: set EXTRA_CA_FILE in env/stack.env." \
      "If packages are not found, make the base image anew: docker image rm debian:forky-slim && $here/images.sh"
  # fails, and rightly, while a container still runs from it
  [[ -z $before ]] || docker image rm "$before" >/dev/null 2>&1 || true
}

"$here/base_image.sh"
# One question for all of them; an image that does not exist is merely absent from the answer.
state=$(docker image inspect --format '{{json .RepoTags}} {{json .Config.Labels}} {{.Id}}' \
  debian:forky-slim "${tags[@]}" 2>/dev/null) || true
base=$(grep -F '"debian:forky-slim"' <<<"$state" | sed 's/.* //')

for name in "${names[@]}"; do
  inputs=$(inputs_of "$name")
  grep -F "\"stackctl/$name:1\"" <<<"$state" | grep -qF "\"$LABEL\":\"$inputs\"" || build "$name" "$inputs"
done
