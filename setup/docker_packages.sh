# shellcheck shell=bash
# Sourced by docker.sh: where Docker's packages come from, and installing them.

DOCKER_REPOSITORY=https://download.docker.com/linux
DOCKER_KEY=/etc/apt/keyrings/docker.asc

OS_RELEASE=${OS_RELEASE:-/etc/os-release}

# shellcheck source=/dev/null
os_field() { (. "$OS_RELEASE" && printf '%s' "${!1:-}"); }

candidate() { apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: \(.*:\)\?\([^+~-]*\).*/\2/p'; }

# The distribution's own packages are good enough only if the engine and Compose both are.
own_packages_fine() {
  at_least "$(candidate docker.io)" "$ENGINE_WANTED" && at_least "$(candidate "$1")" "$COMPOSE_WANTED"
}

fetch() { # fetch URL: to stdout, or fail soon
  if have curl; then curl -fsSL --connect-timeout 5 --max-time 20 "$1"; else wget -qO- --timeout=10 --tries=1 "$1"; fi
}

docker_repository_answers() {
  { have curl || have wget; } && fetch "$DOCKER_REPOSITORY/$1/dists/$2/Release" >/dev/null 2>&1
}

add_docker_repository() {
  local key
  key=$(mktemp)
  fetch "$DOCKER_REPOSITORY/$1/gpg" >"$key"
  as_root install -D -m 0644 "$key" "$DOCKER_KEY"
  rm -f "$key"
  printf 'Types: deb\nURIs: %s/%s\nSuites: %s\nComponents: stable\nSigned-By: %s\n' \
    "$DOCKER_REPOSITORY" "$1" "$2" "$DOCKER_KEY" | as_root tee /etc/apt/sources.list.d/docker.sources >/dev/null
}

# Priority 1 keeps forky out of every upgrade; only the packages named are allowed to come from it.
# Its Release file is replaced every few hours, so a mirror that is a week behind is past Valid-Until.
add_forky() {
  local mirror
  mirror=$(debian_mirror)
  [[ -n $mirror ]] || die "apt has no Debian mirror to take Docker from" \
    "Name one in /etc/apt/sources.list, then run this again."
  as_root tee /etc/apt/sources.list.d/stackctl-forky.list >/dev/null \
    <<<"deb [check-valid-until=no signed-by=$DEBIAN_KEYS] $mirror forky main"
  printf 'Package: *\nPin: release n=forky\nPin-Priority: 1\n\nPackage: %s\nPin: release n=forky\nPin-Priority: 600\n' \
    "docker.io docker-cli docker-compose docker-buildx" | as_root tee /etc/apt/preferences.d/stackctl-forky >/dev/null
}

# An engine that came from Docker's own repository gets its plugins from there too: the two sets conflict.
choose_source() {
  local id codename compose_name=docker-compose
  id=$(os_field ID) codename=$(os_field VERSION_CODENAME)
  [[ $id == ubuntu ]] && compose_name=docker-compose-v2
  case $id in debian | ubuntu) ;; *) return 1 ;; esac
  if dpkg-query -W -f '${Status}' docker-ce 2>/dev/null | grep -q 'ok installed'; then
    source_kind=docker-ce
  elif dpkg-query -W -f '${Status}' docker.io 2>/dev/null | grep -q 'ok installed'; then
    source_kind=own
  elif docker_repository_answers "$id" "$codename"; then
    source_kind=docker-ce
  else
    source_kind=own
  fi
  if [[ $source_kind == own ]] && ! own_packages_fine "$compose_name"; then
    [[ $id == debian ]] || return 1
    source_kind=forky
  fi
  declare -gA package_of=([engine]='docker.io docker-cli' [compose]=$compose_name [buildx]=docker-buildx)
  [[ $id == ubuntu ]] && package_of[engine]='docker.io'
  if [[ $source_kind == docker-ce ]]; then
    package_of=([engine]='docker-ce docker-ce-cli containerd.io' [compose]=docker-compose-plugin [buildx]=docker-buildx-plugin)
  fi
}

install_docker() { # install_docker engine|compose|buildx...
  local id codename part packages=() source_kind
  id=$(os_field ID) codename=$(os_field VERSION_CODENAME)
  local manual=("Install Docker Engine $ENGINE_WANTED, Compose $COMPOSE_WANTED or newer and Buildx by hand:"
    "  https://docs.docker.com/engine/install/" "then run this again.")
  have apt-get || die "Docker is missing ($*), and this system has no apt" "${manual[@]}"
  if ! can_be_root; then
    die "Docker is missing ($*), and this user may not become root" "Ask an administrator to run:" \
      "  sudo $SETUP/docker.sh" "  sudo usermod -aG docker $(id -un)"
  fi
  apt update || die "the package lists could not be refreshed" "Mend apt (sudo apt-get update), then run this again."
  choose_source || die "no package source for Docker is known for ${id:-this system} $codename" "${manual[@]}"
  for part in "$@"; do read -ra names <<<"${package_of[$part]}" && packages+=("${names[@]}"); done
  case $source_kind in
    docker-ce) say "will install ${packages[*]} from Docker's own repository ($DOCKER_REPOSITORY/$id), as root" ;;
    forky) say "will install ${packages[*]} from Debian's suite forky ($(debian_mirror)), pinned so that nothing else follows, as root" ;;
    own) say "will install ${packages[*]} from $id $codename, as root" ;;
  esac
  [[ $source_kind != docker-ce ]] || add_docker_repository "$id" "$codename"
  [[ $source_kind != forky ]] || add_forky
  # iptables is how the daemon makes its networks; git lets Buildx take remote contexts and is left out on purpose
  apt_install "Docker" "${packages[@]}" iptables ca-certificates
}
