-- SPDX-License-Identifier: MIT
-- A thin wrapper of libraft for LuaJIT. The declarations are those of abi/raft.ffi.h.
local ffi = require("ffi")
local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") or "."
local file = assert(io.open(os.getenv("RAFT_FFI") or here .. "/../../../abi/raft.ffi.h"))
ffi.cdef(file:read("*a"))
file:close()
local lib = ffi.load(os.getenv("RAFT_LIBRARY") or "libraft-core.so.1")

local M = {lib = lib, NEVER = 0x7fffffffffffffffULL}

-- A decimal number; all of C's integers are exact, IDs above 2^63 too.
function M.decimal(x)
  if type(x) == "boolean" then return x and "1" or "0" end
  if type(x) == "number" then return ("%d"):format(x) end
  return (tostring(ffi.cast("uint64_t", x)):gsub("ULL$", ""))
end

-- Copies of what C points to: an update is overwritten by the next step.
function M.text(pointer) return pointer ~= nil and ffi.string(pointer) or nil end

function M.bytes(buffer)
  return buffer.len == 0 and "" or ffi.string(buffer.base, buffer.len)
end

function M.members(conf)
  local members = {}
  for i = 0, conf.n - 1 do
    local s = conf.servers[i]
    members[i + 1] = {id = s.id, address = M.text(s.address), role = s.role}
  end
  return members
end

-- Fill structs of C. They do not keep what they point to: the table `keep` does.
function M.set_bytes(keep, buffer, text)
  keep[#keep + 1] = text -- strings do not move, but are collected
  buffer.len = #text
  buffer.base = #text > 0 and ffi.cast("void *", ffi.cast("const char *", text)) or nil
end

function M.set_address(keep, struct, field, text)
  assert(not text:find("\0", 1, true), "an address with a zero byte")
  keep[#keep + 1] = text
  struct[field] = text
end

function M.set_members(keep, conf, members)
  local array = ffi.new("struct raft_server[?]", #members)
  keep[#keep + 1] = array
  for i, m in ipairs(members) do
    array[i - 1].id, array[i - 1].role = m.id, m.role
    M.set_address(keep, array[i - 1], "address", m.address)
  end
  conf.servers, conf.n = array, #members
end

-- Entries are tables with `term`, `type` and `payload`. The cookie is the position, from 1.
function M.entries(keep, list)
  local array = ffi.new("struct raft_entry[?]", #list)
  keep[#keep + 1] = array
  for i, e in ipairs(list) do
    array[i - 1].term, array[i - 1].type, array[i - 1].cookie = e.term, e.type, i
    M.set_bytes(keep, array[i - 1].buf, e.payload)
  end
  return array
end

-- An event: `c` is the struct, all zero but its type, and `keep` holds what it points to.
function M.event(kind)
  local event = {c = ffi.new("struct raft_event"), keep = {}}
  event.c.type = kind
  return event
end

local Raft = {}
Raft.__index = Raft

-- Compiled code cannot be called back: LuaJIT would abort with "bad callback". So the step of a
-- raft with a tracer is never compiled.
local function step_traced(handle, event, update) return lib.raft_step(handle, event, update) end
jit.off(step_traced)
local function step_plain(handle, event, update) return lib.raft_step(handle, event, update) end

-- An error that leaves a callback would unwind through C. It is reported instead, and the step
-- goes on: its update has duties.
local function guarded(callback)
  return function(_, kind, record)
    local ok, why = pcall(callback, kind, ffi.cast("const struct raft_tracer_info *", record))
    if not ok then io.stderr:write("error in a tracer: ", tostring(why), "\n") end
  end
end

-- `trace(type, record)` is optional; the record is valid during the call only.
function M.new(id, address, trace)
  assert(not address:find("\0", 1, true), "an address with a zero byte")
  local self = setmetatable({c = ffi.new("struct raft"), update = ffi.new("struct raft_update"),
                             call = step_plain}, Raft)
  self:check(lib.raft_init(self.c, id, address))
  if trace then
    -- The table keeps tracer and callback for as long as the library may use them.
    self.emit = ffi.cast("void (*)(struct raft_tracer *, int, const void *)", guarded(trace))
    self.tracer = ffi.new("struct raft_tracer", {version = 1, emit = self.emit})
    self.call = step_traced
    self:check(lib.raft_set_tracer(self.c, self.tracer))
  end
  return self
end

function Raft:message() return ffi.string(lib.raft_errmsg(self.c)) end

-- For functions that return an error code. raft_role() is none: it returns a role or -1.
function Raft:check(code)
  if code ~= 0 then error(("libraft: %d: %s"):format(code, self:message()), 2) end
end

-- The code and the update, which is valid until the next step. The event is alive until then.
function Raft:step(event)
  assert(not self.stepping, "step() called by a tracer")
  self.stepping = true
  self.event = event
  local code = self.call(self.c, event.c, self.update)
  self.stepping = false
  return code, self.update
end

-- Getters by name, as in r:get("commit_index"). (`raft_state` is also the name of an enum.)
function Raft:get(name) return lib["raft_" .. name](self.c) end

function Raft:set(name, ...) self:check(lib["raft_" .. name](self.c, ...)) end

function Raft:leader()
  local id, address = ffi.new("raft_id[1]"), ffi.new("const char *[1]")
  lib.raft_leader(self.c, id, address)
  return id[0], M.text(address[0])
end

function Raft:close()
  self:check(lib.raft_close(self.c))
  if self.emit then self.emit:free() end -- callbacks are never collected
  self.emit = nil
end

return M
