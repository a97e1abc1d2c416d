-- Tokens of streamed answers, as their last events tell them: GATEWAY_COUNT_STREAMS=yes, docs/gateway.md.
-- What arrives is looked at and passed on as it is; a mistake in here costs the figures, never a stream.
local Usage = { id = "usage", flags = filter.FLT_CFG_FL_HTX }
Usage.__index = Usage

-- of st_key's counters the first of a row; HAProxy counts by ones only, so they are decimal digits
local PROMPT, COMPLETION, DIGITS = 5, 12, 7
-- a longer event holds something else
local LONGEST = 65536

function Usage.new()
  return setmetatable({ rest = "", prompt = 0, completion = 0 }, Usage)
end

function Usage:http_headers(txn, msg)
  pcall(function()
    local kind = msg:is_resp() and txn.f:res_hdr("content-type") or ""
    if kind:sub(1, 17) == "text/event-stream" then
      filter.register_data_filter(self, msg.channel)
    end
  end)
end

local function count(txn, first, number)
  for digit = first, first + DIGITS - 1 do
    for _ = 1, number % 10 do txn.f:sc_inc_gpc(digit, 0) end
    number = number // 10
  end
end

local function last(text, name)
  return math.tointeger(text:match('.*"' .. name .. '"%s*:%s*(%d+)'))
end

-- OpenAI's chunks, its responses, and what llama.cpp tells unasked
local function told(text)
  if text:find('"usage"', 1, true) then
    return last(text, "prompt_tokens") or last(text, "input_tokens") or 0,
      last(text, "completion_tokens") or last(text, "output_tokens") or 0
  elseif text:find('"timings"', 1, true) then
    return (last(text, "prompt_n") or 0) + (last(text, "cache_n") or 0), last(text, "predicted_n") or 0
  end
  return 0, 0
end

function Usage:http_payload(txn, msg)
  pcall(function()
    local text = self.rest .. (msg:body() or "")
    local whole = text:match(".*\n") or ""
    self.rest = #text - #whole < LONGEST and text:sub(#whole + 1) or ""
    local prompt, completion = told(whole)
    -- some tell it with every chunk, each time all there was so far
    count(txn, PROMPT, math.max(prompt - self.prompt, 0))
    count(txn, COMPLETION, math.max(completion - self.completion, 0))
    self.prompt = math.max(prompt, self.prompt)
    self.completion = math.max(completion, self.completion)
  end)
end

core.register_filter("usage", Usage, function(flt) return flt end)
