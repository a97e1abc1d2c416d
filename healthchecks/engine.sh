#!/bin/sh
# Health check of an engine's container: engine.sh PORT PATH
# Healthy = PATH answers 2xx, and the NVIDIA control device can still be opened.
# Runs in images we do not build: curl, wget, python3 or bash, whichever is there.
port=$1 path=$2 url="http://127.0.0.1:$1$2"

# EPERM on open is the device cgroup: the GPU was taken away while the engine runs on.
# Opening it here costs no process; nvidia-smi would leave children behind when the driver hangs.
if [ -e /dev/nvidiactl ]; then
  message=$( { : </dev/nvidiactl; } 2>&1)
  case $message in
    *"Operation not permitted"* | *"Permission denied"*)
      echo "GPU lost: /dev/nvidiactl: $message"
      exit 1
      ;;
  esac
fi

if command -v curl >/dev/null 2>&1; then
  exec curl -fsS -o /dev/null -m 8 "$url"
elif command -v wget >/dev/null 2>&1; then
  exec wget -q -T 8 -O /dev/null "$url"
elif command -v python3 >/dev/null 2>&1; then
  exec python3 -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=8)' "$url"
elif command -v bash >/dev/null 2>&1; then
  # shellcheck disable=SC2016
  exec bash -c '
    exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
    printf "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n" "$2" >&3
    read -r -t 8 _ status _ <&3
    [[ $status == 2* ]] || { echo "HTTP $status"; exit 1; }' bash "$port" "$path"
fi
echo "no curl, wget, python3 or bash in this image"
exit 1
