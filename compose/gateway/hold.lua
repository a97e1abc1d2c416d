-- A request whose engine is being replaced waits for it (stackctl rollout): HAProxy queues for
-- servers that are busy, not for those that are down.
-- held.map: backend -> "all" of its requests, or those that come while it is "down".
local LONGEST = 900 -- seconds
local MOST = 1000 -- requests of one backend
local held = Map.new("/etc/haproxy/stackctl/held.map", Map._str)
local waiting = {}

core.register_action("hold", { "http-req" }, function(txn)
  local backend = txn:get_var("txn.backend")
  local count = waiting[backend] or 0
  if count >= MOST then
    txn:set_var("txn.full", 1)
    return
  end
  waiting[backend] = count + 1
  local last = core.now().sec + LONGEST
  while core.now().sec < last do
    local which = held:lookup(backend)
    if which == nil or (which == "down" and txn.c:nbsrv(backend) > 0) then
      break
    end
    core.msleep(100)
  end
  waiting[backend] = waiting[backend] - 1
end)
