# shellcheck shell=bash
# Sourced by docker.sh: starting the daemon, with or without an init system.

DAEMON_LOG=/var/log/dockerd.log

# Kernels without nftables' compatibility layer refuse what iptables-nft asks; the legacy tables may still be there.
mend_iptables() {
  local legacy
  as_root iptables -t nat -S >/dev/null 2>&1 && return
  legacy=$(command -v iptables-legacy || echo /usr/sbin/iptables-legacy)
  if [[ -x $legacy ]] && as_root "$legacy" -t nat -S >/dev/null 2>&1; then
    say "iptables-nft does not work with this kernel: switching to iptables-legacy"
    quietly as_root update-alternatives --set iptables "$legacy"
    [[ ! -x ${legacy/iptables/ip6tables} ]] || quietly as_root update-alternatives --set ip6tables "${legacy/iptables/ip6tables}"
  fi
}

wait_for_daemon() {
  local tries=$1
  while ((tries-- > 0)); do
    as_root timeout 5 docker version --format '{{.Server.Version}}' >/dev/null 2>&1 && return
    sleep 0.3
  done
  return 1
}

# Detached from this terminal and this process group: it has to outlive the set-up.
# /usr/local/bin and /usr/bin on PATH: that is where the GPU runtime hook is looked for, once, at start.
start_detached() {
  local how="PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin exec dockerd >>$DAEMON_LOG 2>&1 </dev/null"
  as_root setsid --fork bash -c "$how"
}

# A daemon that was started by hand is known by its pid file only.
stop_daemon() {
  local pid
  if [[ -d /run/systemd/system ]]; then
    quietly as_root systemctl stop docker docker.socket
    return
  fi
  pid=$(cat /var/run/docker.pid 2>/dev/null) || return 0
  as_root kill "$pid" 2>/dev/null || return 0
  for _ in {1..100}; do
    # it takes its pid file along; the process itself may stay as a zombie where nobody reaps
    [[ -e /var/run/docker.pid && -d /proc/$pid ]] || return 0
    sleep 0.2
  done
  die "the Docker daemon (process $pid) does not stop" "Stop it by hand, then: sudo $SETUP/docker.sh"
}

restart_daemon() {
  local running
  running=$(docker ps --format '{{.Names}}' | paste -sd " ")
  if [[ -n $running ]]; then
    die "the Docker daemon has to be restarted, and containers run: $running" \
      "Stop them (docker stop $running), then: $SETUP/docker.sh --restart"
  fi
  can_be_root || die "the Docker daemon has to be restarted, and this user may not do that" \
    "Ask an administrator to run: sudo $SETUP/docker.sh --restart"
  say "restarting the Docker daemon"
  stop_daemon
  start_daemon
  look
}

start_daemon() {
  local hint=("Look at: journalctl -u docker" "Start it by hand: sudo systemctl start docker")
  can_be_root || die "the Docker daemon does not run, and this user may not start it" \
    "Ask an administrator to run: sudo $SETUP/docker.sh"
  mend_iptables
  if [[ -d /run/systemd/system ]]; then
    say "starting the Docker daemon (systemctl enable --now docker)"
    quietly as_root systemctl enable --now docker || die "systemd could not start Docker" "${hint[@]}"
    wait_for_daemon 100 || die "the Docker daemon was started and does not answer" "${hint[@]}"
    return
  fi
  if [[ -x /etc/init.d/docker ]]; then
    say "starting the Docker daemon (service docker start)"
    # it may refuse for want of a limit or a cgroup mount that the daemon itself can do without
    if as_root service docker start >/dev/null 2>&1 </dev/null && wait_for_daemon 60; then return; fi
  fi
  say "starting the Docker daemon (dockerd, detached; its log: $DAEMON_LOG)"
  start_detached
  wait_for_daemon 100 || die "the Docker daemon was started and does not answer" "Look at: sudo tail -n 30 $DAEMON_LOG"
}
