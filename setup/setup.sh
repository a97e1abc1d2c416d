#!/usr/bin/env bash
# Everything a fresh Debian or Ubuntu box needs to run the stack; where there is no NVIDIA hardware,
# with simulated GPUs. Safe to run again: it does only what is missing.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=setup/lib.sh
source "$here/lib.sh"

repo=$(dirname -- "$here")
python=${STACKCTL_VENV:-$repo/.venv}/bin/python
SETUP_SPOKE=$(mktemp)
export SETUP_SPOKE
trap 'rm -f "$SETUP_SPOKE"' EXIT

# The bus knows, with or without a driver; class 03 are display controllers, 3D ones included.
nvidia_hardware() {
  local device vendor class
  for device in /sys/bus/pci/devices/*; do
    [[ -r $device/vendor && -r $device/class ]] || continue
    read -r vendor <"$device/vendor"
    read -r class <"$device/class"
    if [[ $vendor == 0x10de && $class == 0x03* ]]; then return; fi
  done
  return 1
}

container_toolkit() {
  have nvidia-ctk || have nvidia-container-runtime-hook || compgen -G '/etc/cdi/*nvidia*' >/dev/null \
    || compgen -G '/var/run/cdi/*nvidia*' >/dev/null
}

# Without root only what is there can be looked at; with it, install mends what a reboot took away.
simulated_gpus() {
  local told
  if ((EUID != 0)) && PYTHONPATH="$repo" "$python" -m gpusim status >/dev/null 2>&1; then return; fi
  can_be_root || die "simulated GPUs have to be installed by root" "Ask an administrator to run: sudo $here/setup.sh"
  if ! have gcc || [[ ! -e /usr/include/stdlib.h ]]; then apt_install "the simulated GPUs" gcc libc6-dev; fi
  told=$(as_root env PYTHONPATH="$repo" "$python" -m gpusim install 2>&1) || die "the simulated GPUs could not be installed" "$told"
  [[ $told == 'nothing to do' ]] || say "no NVIDIA hardware here: simulated GPUs are in place"
}

# dockerd looks for the hook once, when it starts; if the hook came later, only a try can tell.
# Containers that run are not stopped for it: stackctl asks for CDI devices, which need no hook.
restart_for_hook() {
  local hook message
  hook=$(command -v nvidia-container-runtime-hook) || return 0
  [[ $hook -nt /var/run/docker.pid ]] || return 0
  message=$(docker run --rm --network none --gpus all debian:forky-slim true 2>&1) && return
  [[ $message == *'could not select device driver'* ]] || return 0
  if [[ -n $(docker ps --quiet) ]]; then
    printf 'set-up: note: "docker run --gpus" works after %s --restart (containers run now)\n' "$here/docker.sh"
  else
    "$here/docker.sh" --restart
  fi
}

# The models' folder of the simulation, whatever env/stack.env says. Without paths that need Docker.
sim_models() {
  MODELS_DIR=../../models/sim STACKCTL_PROFILE=sim STACKCTL_HOME="$repo" PYTHONPATH="$repo" "$python" -m stackctl models "$@"
}

# What was written anew has new hashes by our own word; the rest comes into the lock if it is not there.
rigged_models() {
  local told locked path models=$repo/models/sim
  told=$(PYTHONPATH="$repo" "$python" -m gpusim.rigged "$models" 2>&1) || die "the rigged models could not be written" "$told"
  [[ -z $told ]] || say "wrote tiny models for the simulated GPUs to models/sim"
  for path in llama-cpp/gpt-oss-120b.gguf llama-cpp/gpt-oss-20b.gguf whisper/ggml-tiny-rigged.bin; do
    if [[ $told != *"$models/$path"* ]] && grep -qsF "\"$path\"" "$models/models.lock"; then continue; fi
    locked=$(sim_models adopt "$models/$path" --source "file:$path" 2>&1) || die "the rigged models could not be locked" "$locked"
    say "locked models/sim/$path"
  done
}

"$here/venv.sh"
if nvidia_hardware; then
  "$here/docker.sh"
  container_toolkit || die "NVIDIA hardware, but no NVIDIA Container Toolkit: containers would not see the GPUs" \
    "Add NVIDIA's package repository:" \
    "  https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html" \
    "sudo apt-get install nvidia-container-toolkit" \
    "sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker"
else
  # before Docker, so that a daemon started now finds the hook
  simulated_gpus
  "$here/docker.sh"
  "$here/images.sh"
  restart_for_hook
  rigged_models
fi
[[ -s $SETUP_SPOKE ]] || say "nothing to do"
