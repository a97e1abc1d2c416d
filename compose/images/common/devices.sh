# shellcheck shell=bash
# Sourced by the entry points: one ggml RPC server stands for each GPU that this container was given.

RPC_SERVER=/usr/libexec/$(uname -m)-linux-gnu/llama/bin/ggml-rpc-server
RPC_BACKEND=/usr/local/lib/sim/libggml-rpc.so

# Asks the driver, as a real engine does; no driver, a broken one or no device all mean "none".
visible_gpus() { # lines: UUID MIB
  nvidia-smi --query-gpu=uuid,memory.total --format=csv,noheader,nounits 2>/dev/null | sed -n 's/^\(GPU-[^,]*\), *\([0-9]*\)$/\1 \2/p'
}

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# start_devices PROCESS_NAME: sets $endpoints to host:port,… of the servers, or to nothing.
# GPUSIM_GPU makes the simulated driver count a process, and its memory, as a user of that GPU.
start_devices() {
  local uuid port=50052 ports=() tries
  endpoints=''
  while read -r uuid _; do
    GPUSIM_GPU=$uuid GPUSIM_PROCESS_NAME=$1 GGML_BACKEND_PATH=$RPC_BACKEND "$RPC_SERVER" --host 127.0.0.1 --port "$port" >/dev/null 2>&1 </dev/null &
    ports+=("$port")
    port=$((port + 1))
  done < <(visible_gpus)
  for port in "${ports[@]}"; do
    tries=100
    until listens "$port"; do
      ((tries-- > 0)) || { echo "simulated GPU on port $port did not start" >&2; exit 1; }
      sleep 0.05
    done
    endpoints+=${endpoints:+,}127.0.0.1:$port
  done
}
