#!/usr/bin/env bash
# Docker Engine, Compose and Buildx: installs what is missing, starts the daemon, touches nothing else.
#   setup/docker.sh            do that
#   setup/docker.sh --upgrade  also replace a Docker that is too old (restarts the daemon)
#   setup/docker.sh --check    only say whether it is needed (exit 1 if so)
#   setup/docker.sh --restart  restart the daemon, unless containers run
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=setup/lib.sh
source "$here/lib.sh"
# shellcheck source=setup/debian.sh
source "$here/debian.sh"
# shellcheck source=setup/docker_packages.sh
source "$here/docker_packages.sh"
# shellcheck source=setup/docker_daemon.sh
source "$here/docker_daemon.sh"

ENGINE_WANTED=28.2     # CDI is on by default from here on
COMPOSE_WANTED=2.24.4  # the first that knows !override

# One call answers for the daemon and for the plugins: the client's own version proves nothing.
look() {
  local info errors
  errors=$(mktemp)
  info=$(timeout 20 docker info --format \
    '{{.ServerVersion}}{{range .ClientInfo.Plugins}}|{{.Name}}={{.Version}}{{end}}' 2>"$errors") || true
  engine=${info%%|*} compose='' buildx='' complaint=$(head -n 3 "$errors")
  rm -f "$errors"
  [[ $info == *'|compose='* ]] && compose=${info#*|compose=} compose=${compose%%|*}
  [[ $info == *'|buildx='* ]] && buildx=${info#*|buildx=} buildx=${buildx%%|*}
  [[ $engine =~ ^[0-9]+\.[0-9]+ ]] || engine=''
}

stop_if_forbidden() {
  [[ $complaint == *'permission denied'* ]] || return 0
  die "Docker runs, but this user may not use it" \
    "sudo usermod -aG docker $(id -un)   # then log out and in again (the group is as good as root)"
}

plugins_fine() { [[ -n $buildx ]] && at_least "${compose:-0}" "$COMPOSE_WANTED"; }
all_fine() { [[ -n $engine ]] && at_least "$engine" "$ENGINE_WANTED" && plugins_fine; }

main() {
  local mode=${1:-}
  look
  [[ $mode != --restart ]] || restart_daemon
  all_fine && return
  [[ $mode == --check ]] && exit 1

  stop_if_forbidden
  if [[ -n ${DOCKER_HOST:-} && -z $engine ]]; then
    die "DOCKER_HOST is set to $DOCKER_HOST and no daemon answers there" "unset DOCKER_HOST, or start that daemon"
  fi

  # No answer may only mean that it was not started: what is on disk decides what to install.
  local installed=$engine
  if [[ -z $installed ]] && have dockerd; then
    installed=$(dockerd --version | sed -n 's/^Docker version \([^,]*\).*/\1/p')
  fi
  if [[ -n $installed ]] && ! at_least "$installed" "$ENGINE_WANTED" && [[ $mode != --upgrade ]]; then
    die "Docker $installed is too old: $ENGINE_WANTED or newer is needed" \
      "Replacing it restarts the daemon and with it the containers that run now. If that is fine:" \
      "  $here/docker.sh --upgrade"
  fi

  local missing=()
  at_least "${installed:-0}" "$ENGINE_WANTED" || missing+=(engine)
  at_least "${compose:-0}" "$COMPOSE_WANTED" || missing+=(compose)
  [[ -n $buildx ]] || missing+=(buildx)
  ((${#missing[@]} == 0)) || install_docker "${missing[@]}"

  # where no init system does it, the old daemon would run on with the new files
  if [[ -n $installed && " ${missing[*]} " == *' engine '* ]]; then stop_daemon; fi
  look
  stop_if_forbidden
  if [[ -z $engine ]]; then
    start_daemon
    look
    stop_if_forbidden
  fi
  all_fine || die "after all that, Docker is still not usable: engine ${engine:-none}, compose ${compose:-none}, buildx ${buildx:-none}" \
    "${complaint:-no further message}" "A client or plugin earlier on PATH or in ~/.docker/cli-plugins may hide the new one."
  say "Docker Engine $engine, Compose $compose, Buildx $buildx"
}

main "$@"
