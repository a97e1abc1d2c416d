#!/usr/bin/env bash
# Builds stackctl/cpu-vllm:1 and writes a model for it to models/sim/huggingface; again only when their
# inputs changed. Not a part of setup.sh: 400 MB to download and some minutes, for a few tests only.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=setup/lib.sh
source "$here/lib.sh"

repo=$(dirname -- "$here")
sources=$repo/compose/images
python=${STACKCTL_VENV:-$repo/.venv}/bin/python
wheels=${XDG_CACHE_HOME:-$HOME/.cache}/stackctl/wheels
models=$repo/models/sim/huggingface
IMAGE=stackctl/cpu-vllm:1
BASE=debian:bookworm-slim
LABEL=stackctl.inputs

inputs() {
  {
    (cd "$sources" && find cpu-vllm common/apt-install -type f ! -path '*/.*' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum)
    docker image inspect --format '{{.Id}}' "$BASE"
  } | sha256sum | cut -d ' ' -f 1
}

# PyPI has PyTorch for CUDA only; a company's own index or a folder of wheels may well have it for CPUs.
fetch_pytorch() {
  local want arguments
  want=$(grep '^torch==' "$sources/cpu-vllm/requirements.txt")
  compgen -G "$wheels/torch-${want#torch==}-*.whl" >/dev/null && return
  arguments=(--quiet --disable-pip-version-check --no-deps --only-binary :all: --dest "$wheels"
    --python-version 3.11 --implementation cp --abi cp311 --platform "manylinux_2_28_$(uname -m)" "$want")
  say "downloading $want"
  mkdir -p "$wheels"
  "$python" -m pip download "${arguments[@]}" >/dev/null 2>&1 \
    || quietly "$python" -m pip download --index-url https://download.pytorch.org/whl/cpu "${arguments[@]}" \
    || die "$want is not to be had" "Download it elsewhere and put the wheel (cp311) into $wheels"
}

build() {
  local ca secret=() before
  ca=$(extra_ca)
  [[ -z $ca ]] || secret=(--secret "id=extra_ca,src=$ca")
  before=$(docker image inspect --format '{{.Id}}' "$IMAGE" 2>/dev/null) || true
  fetch_pytorch
  say "building $IMAGE (some minutes)"
  quietly docker buildx build --builder default --load --progress plain --tag "$IMAGE" --label "$LABEL=$1" \
    "${secret[@]}" --build-context "wheels=$wheels" --file "$sources/cpu-vllm/Dockerfile" "$sources" \
    || die "$IMAGE could not be built" \
      "If certificates are refused above, a proxy opens TLS: set EXTRA_CA_FILE in env/stack.env."
  # fails, and rightly, while a container still runs from it
  [[ -z $before ]] || docker image rm "$before" >/dev/null 2>&1 || true
}

write_model() {
  local told
  mkdir -p "$models"
  told=$(docker run --rm --network none --user "$(id -u):$(id -g)" --workdir /repo \
    --volume "$repo/gpusim:/repo/gpusim:ro" --volume "$models:/out" --env PYTHONDONTWRITEBYTECODE=1 \
    --entrypoint python3 "$IMAGE" -m gpusim.rigged.gpt_oss /out 2>&1) \
    || die "the rigged gpt-oss could not be written to $models" "$told"
  [[ -z $told ]] || say "wrote a tiny gpt-oss to models/sim/huggingface"
}

# two tests at once would download and build the same
mkdir -p "$wheels"
exec 9>"$wheels/.lock"
flock 9
"$here/base_image.sh" bookworm
wanted=$(inputs)
built_from=$(docker image inspect --format "{{index .Config.Labels \"$LABEL\"}}" "$IMAGE" 2>/dev/null) || true
[[ $built_from == "$wanted" ]] || build "$wanted"
write_model
