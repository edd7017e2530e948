-- SPDX-License-Identifier: MIT
-- The scenario of ../../digest/README.md, and the two times.
local ffi = require("ffi")
local M = {}

function M.scenario(raft, world)
  local lib, line, servers, quiet = raft.lib, world.line, world.servers, world.quiet
  local function is_up(s) return s.running and not s.cut end

  local function leader()
    local best
    for _, s in ipairs(servers) do
      if is_up(s) and s.raft:get("state") == lib.RAFT_LEADER and
         (not best or s.raft:get("current_term") > best.raft:get("current_term")) then
        best = s
      end
    end
    return best
  end

  local function committed(s)
    return function() return s.raft:get("commit_index") == s.raft:get("last_index") end
  end

  local function led(by)
    return function()
      local s = leader()
      return s and (not by or s == by) and committed(s)()
    end
  end

  local function level(s)
    return function()
      for _, x in ipairs(servers) do
        if is_up(x) and x.applied ~= s:get("last_index") then return false end
      end
      return true
    end
  end

  local function next_due()
    local best
    for _, s in ipairs(servers) do
      if s.running and (not best or s.raft:get("timeout") < best.raft:get("timeout")) then
        best = s
      end
    end
    return best
  end

  local function asleep() return quiet() and next_due().raft:get("timeout") == raft.NEVER end

  local function pump(condition)
    for _ = 1, 100000 do
      if condition() then return end
      if not world.deliver() then
        local s = next_due()
        assert(s.raft:get("timeout") ~= raft.NEVER, "no server has a deadline")
        world.advance(s.raft:get("timeout"))
        s:expect(raft.event(lib.RAFT_TIMEOUT))
      end
    end
    error("the condition never holds")
  end

  local function submit(s, n, wanted)
    local event, entries = raft.event(lib.RAFT_SUBMIT), {}
    for i = 1, n do
      local c = world.command()
      entries[i] = {term = 0, type = lib.RAFT_COMMAND,
                    payload = c % 500 == 499 and "" or "cmd-" .. c}
    end
    event.c.submit.entries, event.c.submit.n = raft.entries(event.keep, entries), n
    s:expect(event, wanted)
  end

  local function load(s, rounds)
    for _ = 1, rounds do
      submit(s, 10)
      pump(quiet)
    end
    pump(level(s))
  end

  local function change(s, kind, member, members, wanted)
    local event = raft.event(kind)
    raft.set_members(event.keep, event.c[member].conf, members)
    s:expect(event, wanted)
  end

  local function voters(n, last_role)
    local members = {}
    for i = 1, n do
      members[i] = {id = i, address = tostring(i), role = i == n and last_role or lib.RAFT_VOTER}
    end
    return members
  end

  -- An event with the given fields of one member of the union.
  local function simple(s, kind, member, fields, wanted)
    local event = raft.event(kind)
    for field, value in pairs(fields or {}) do event.c[member][field] = value end
    s:expect(event, wanted)
  end

  local function progress(s, id)
    local p = ffi.new("struct raft_peer")
    s.raft:set("progress", id, p)
    line("p", id, p.mode, p.features, p.capacity, p.match, p.next, p.last_contact,
         p.snapshot_index, p.snapshot_offset, p.data_losses)
  end

  line("x start")
  for i = 1, 3 do world.Server.new(i) end
  change(servers[1], lib.RAFT_BOOTSTRAP, "bootstrap", voters(3, lib.RAFT_VOTER))
  pump(led())
  local l = leader()
  local f = servers[l.id == 1 and 2 or 1]
  line("x submit", l.id)
  load(l, 100)
  line("x errors")
  submit(f, 1, lib.RAFT_NOTLEADER)
  submit(l, 0, lib.RAFT_INVALID)
  simple(l, lib.RAFT_TRANSFER, "transfer", {server_id = 9}, lib.RAFT_BADID)
  simple(f, lib.RAFT_CAMPAIGN, nil, nil, lib.RAFT_BUSY)
  line("x add")
  world.Server.new(4)
  change(l, lib.RAFT_RECONFIGURE, "reconfigure", voters(4, lib.RAFT_STANDBY))
  pump(committed(l))
  simple(l, lib.RAFT_CATCH_UP, "catch_up", {server_id = 4})
  local status = ffi.new("int[1]")
  pump(function()
    l.raft:set("catch_up", 4, status)
    return status[0] == lib.RAFT_CATCH_UP_FINISHED
  end)
  change(l, lib.RAFT_RECONFIGURE, "reconfigure", voters(4, lib.RAFT_VOTER))
  pump(committed(l))
  pump(level(l))
  line("x lag", f.id)
  f.cut = true
  load(l, 10)
  for _, s in ipairs(servers) do if s ~= f then s:take_snapshot() end end
  f.cut = false
  pump(level(l))
  line("x installed", f.raft:get("snapshot_index"))
  line("x replace")
  l.cut = true
  simple(l, lib.RAFT_READ, "read", {id = 101})
  submit(l, 3)
  pump(led())
  local n = leader()
  submit(n, 5)
  pump(committed(n))
  l.cut = false
  pump(level(n))
  line("x read", n.id)
  for name = 102, 103 do
    n.reads = {}
    simple(n, lib.RAFT_READ, "read", {id = name, lease = name == 103})
    pump(function() return #n.reads > 0 and n.applied >= n.reads[#n.reads] end)
    line("x", name, #n.state)
  end
  line("x transfer")
  simple(n, lib.RAFT_TRANSFER, "transfer", {server_id = f.id})
  pump(led(f))
  line("x restart", n.id)
  n:stop()
  n:start()
  pump(level(f))
  line("x events")
  simple(f, lib.RAFT_UNREACHABLE, "unreachable", {server_id = 4})
  progress(f, 4)
  simple(f, lib.RAFT_CONFIGURATION, "configuration", {index = 1})
  simple(f, lib.RAFT_PERSISTED_ENTRIES, "persisted_entries", {index = f.raft:get("last_stored")})
  simple(f, lib.RAFT_CATCH_UP, "catch_up", {server_id = 0})
  change(f, lib.RAFT_RECONFIGURE, "reconfigure", {{id = 1, address = "1", role = 99}},
         lib.RAFT_BADROLE)
  pump(level(f))
  line("x sent")
  f.limit = 4
  load(f, 3)
  f.limit = 0
  for i = 1, 4 do progress(f, i) end
  line("x sleep")
  for _, s in ipairs(servers) do s.raft:set("set_idle_timeout", 500) end
  pump(asleep)
  line("x asleep", world.now())
  simple(servers[f.id == 1 and 2 or 1], lib.RAFT_WAKE)
  pump(asleep)
  line("x wake")
  submit(f, 1)
  pump(level(f))
  for _, s in ipairs(servers) do s.raft:set("set_idle_timeout", 0) end
  local last = servers[f.id == 1 and 2 or 1]
  line("x recover", last.id)
  for _, s in ipairs(servers) do if s ~= last then s:stop() end end
  change(last, lib.RAFT_RECOVER, "recover",
         {{id = last.id, address = tostring(last.id), role = lib.RAFT_VOTER}})
  pump(led(last))
  submit(last, 1)
  pump(level(last))
  for _, s in ipairs(servers) do line("z", s.id, s.applied, #s.state) end
  last:stop()
end

function M.bench(raft, steps)
  local lib, r = raft.lib, raft.new(1, "1")
  local function step(event)
    local code, update = r:step(event)
    r:check(code)
    return update
  end
  step(raft.event(lib.RAFT_START))
  local found = raft.event(lib.RAFT_BOOTSTRAP)
  raft.set_members(found.keep, found.c.bootstrap.conf, {{id = 1, address = "1", role = 1}})
  step(found)
  while r:get("state") ~= lib.RAFT_LEADER or r:get("commit_index") ~= r:get("last_index") do
    local event = raft.event(lib.RAFT_TIMEOUT)
    if r:get("last_stored") ~= r:get("last_index") then
      event.c.type = lib.RAFT_PERSISTED_ENTRIES
      event.c.persisted_entries.index = r:get("last_index")
    else
      event.c.time = r:get("timeout")
    end
    step(event)
  end
  local begin, sum = os.clock(), 0ULL
  for _ = 1, steps do
    local event = raft.event(lib.RAFT_UNREACHABLE)
    event.c.time, event.c.unreachable.server_id = 5000, 99
    sum = sum + step(event).flags
  end
  print(("null %.1f"):format((os.clock() - begin) / steps * 1e9))
  begin = os.clock()
  for _ = 1, steps / 2 do
    local event = raft.event(lib.RAFT_SUBMIT)
    event.c.time, event.c.submit.n = 5000, 1
    event.c.submit.entries = raft.entries(event.keep,
      {{term = 0, type = lib.RAFT_COMMAND, payload = "0123456789abcde\0"}})
    local e = step(event).entries
    local stored = raft.event(lib.RAFT_STORED)
    stored.c.time, stored.c.stored.index, stored.c.stored.write = 5000, e.index, e.write
    sum = sum + #raft.bytes(e.batch[0].buf)
    step(stored)
    sum = sum + r:get("commit_index")
  end
  print(("submit %.1f"):format((os.clock() - begin) / steps * 1e9))
  assert(sum > 0)
  r:close()
end

return M
