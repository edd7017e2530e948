-- SPDX-License-Identifier: MIT
-- The digest program in LuaJIT: see ../../digest/README.md.
--
-- usage: luajit digest.lua TRANSCRIPT | --bench STEPS
local ffi, bit = require("ffi"), require("bit")
local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path
local raft = require("raft")
local lib, decimal = raft.lib, raft.decimal
local CHUNK = 1000
local EVERY = tonumber(os.getenv("RAFT_GC") or "0")
-- Packets are network[head] to network[tail]: `#` is not defined for a table that begins with nil.
local lines, network, head, tail, servers = {}, {}, 1, 0, {}
local now, command, taken = 0ULL, 0, 0

-- The transcript
local function line(...)
  local words = {...}
  for i = 1, select("#", ...) do
    if type(words[i]) ~= "string" then words[i] = decimal(words[i]) end
  end
  lines[#lines + 1] = table.concat(words, " ")
end

local function hex(s)
  return s == "" and "-" or (s:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local function show(members)
  local t = {}
  for i, m in ipairs(members) do t[i] = decimal(m.id) .. ":" .. m.address .. ":" .. m.role end
  return #t > 0 and table.concat(t, ",") or "-"
end

local function trace(kind, i)
  line("t", i.server, kind, i.code, i.time, i.peer, i.term, i.index, raft.text(i.text))
end

local MESSAGES = { -- by type: the member of the union, and the fields of the line
  {"append_entries", "version term prev_log_index prev_log_term leader_commit n_entries round " ..
   "sleep"},
  {"append_entries_result", "version term rejected last_log_index features capacity round " ..
   "snapshot_index snapshot_offset"},
  {"request_vote", "version term candidate_id last_log_index last_log_term disrupt_leader " ..
   "pre_vote"},
  {"request_vote_result", "version term vote_granted pre_vote features capacity"},
  {"install_snapshot", "version term last_index last_term conf_index conf offset"},
  {"timeout_now", "version term last_log_index last_log_term"}}

local function line_message(m)
  local name, fields = unpack(MESSAGES[tonumber(m.type)])
  local words = {}
  for field in fields:gmatch("%S+") do
    local value = m[name][field]
    words[#words + 1] = field == "conf" and show(raft.members(value)) or decimal(value)
  end
  line("m", tonumber(m.type), m.server_id, raft.text(m.server_address), unpack(words))
end

-- A server
local Server = {}
Server.__index = Server

function Server:start()
  self.running, self.applied, self.state, self.reads = true, 0, "", {}
  self.raft = raft.new(self.id, tostring(self.id), self.id == 1 and trace or nil)
  self.raft:set("seed", self.id * 1000)
  self.raft:set("set_features", 30)
  self.raft:set("set_max_message_entries", 50)
  local event = raft.event(lib.RAFT_START)
  local s = event.c.start
  s.term, s.voted_for, s.start_index, s.n_entries = self.term, self.vote, self.first, #self.log
  s.entries = raft.entries(event.keep, self.log)
  if self.snapshot then
    local m = ffi.new("struct raft_snapshot_metadata")
    event.keep[#event.keep + 1] = m
    m.index, m.term = self.snapshot.index, self.snapshot.term
    m.configuration_index = self.snapshot.members_index
    raft.set_members(event.keep, m.configuration, self.snapshot.members)
    s.metadata = m
  end
  self:expect(event)
end

function Server.new(id)
  local s = {id = id, cut = false, limit = 0, term = 0ULL, vote = 0ULL, first = 1, log = {}}
  servers[id] = setmetatable(s, Server)
  s:start()
end

function Server:stop()
  self.raft:close()
  self.running = false
end

function Server:expect(event, wanted)
  local code = self:step(event)
  if code ~= (wanted or 0) then error(("status %d, not %d"):format(code, wanted or 0), 2) end
end

function Server:get(name) return tonumber(self.raft:get(name)) end

function Server:step(event)
  local r = self.raft
  taken = taken + 1
  local collect = EVERY > 0 and taken % EVERY == 0
  event.c.time, event.c.capacity = now, self.id * 100
  if collect then collectgarbage() end
  local code, u = r:step(event)
  if collect then collectgarbage() end
  local leader, address = r:leader()
  local words = {"u", self.id, now, tonumber(event.c.type), code, u.flags}
  for _, name in ipairs {"current_term", "voted_for", "state", "commit_index", "timeout",
                         "last_index", "first_index", "last_stored", "snapshot_index", "role"} do
    words[#words + 1] = name == "state" and tonumber(r:get(name)) or r:get(name)
  end
  for _, word in ipairs {leader, address or "-", r:get("transferee")} do
    words[#words + 1] = word
  end
  if code ~= 0 then words[#words + 1] = r:message() end
  line(unpack(words))
  if code == 0 then self:carry_out(event, u) end
  return code
end

function Server:carry_out(event, u)
  local follow, acks = {}, {}
  local function has(flag) return bit.band(u.flags, flag) ~= 0 end
  if has(lib.RAFT_UPDATE_CURRENT_TERM + lib.RAFT_UPDATE_VOTED_FOR) then
    self.term, self.vote = self.raft:get("current_term"), self.raft:get("voted_for")
  end
  if has(lib.RAFT_UPDATE_ENTRIES) then self:write_entries(u.entries, acks) end
  if has(lib.RAFT_UPDATE_SNAPSHOT) then self:write_chunk(u.snapshot, acks) end
  if has(lib.RAFT_UPDATE_MESSAGES) then
    for i = 0, u.messages.n - 1 do self:send(u.messages.batch[i], follow) end
  end
  if has(lib.RAFT_UPDATE_READS) then
    for i = 0, u.reads.n - 1 do
      local read = u.reads.batch[i]
      line("r", read.id, read.index, read.status)
      self.reads[#self.reads + 1] = tonumber(read.index)
    end
  end
  local commits = has(lib.RAFT_UPDATE_COMMIT_INDEX)
  local have = self.snapshot and self.snapshot.index or 0
  if event.c.type == lib.RAFT_PERSISTED_SNAPSHOT and self:get("snapshot_index") ~= have then
    self.snapshot, self.log, self.first = self.incoming, {}, self.incoming.index + 1
  end
  if commits then self:apply() end
  for _, e in ipairs(follow) do self:expect(e) end
  for _, e in ipairs(acks) do self:expect(e) end
end

function Server:write_entries(e, acks)
  local index = tonumber(e.index)
  line("e", index, e.n, e.write)
  if #self.log == 0 then self.first = index end
  for i = #self.log, index - self.first + 1, -1 do self.log[i] = nil end
  for i = 0, e.n - 1 do
    local x = e.batch[i]
    local entry = {term = x.term, type = tonumber(x.type), payload = raft.bytes(x.buf)}
    line("", entry.term, entry.type, x.cookie, hex(entry.payload))
    self.log[#self.log + 1] = entry
  end
  if e.n > 0 then
    local ack = raft.event(lib.RAFT_STORED)
    ack.c.stored.index, ack.c.stored.write = e.index + e.n - 1, e.write
    acks[#acks + 1] = ack
  end
end

function Server:write_chunk(s, acks)
  local m, chunk = s.metadata, raft.bytes(s.chunk)
  local members = raft.members(m.configuration)
  line("s", m.index, m.term, m.configuration_index, show(members), s.offset, s.last, hex(chunk))
  if s.offset == 0 then
    self.incoming = {index = tonumber(m.index), term = m.term, members = members,
                     members_index = m.configuration_index, data = ""}
  end
  assert(#self.incoming.data == tonumber(s.offset), "a chunk is missing")
  self.incoming.data = self.incoming.data .. chunk
  local ack = raft.event(lib.RAFT_PERSISTED_SNAPSHOT)
  local p = ack.c.persisted_snapshot
  p.metadata.index, p.metadata.term, p.offset, p.last = m.index, m.term, s.offset, s.last
  acks[#acks + 1] = ack
end

-- Copy a message, attach what it asks for, and put it into the queue.
function Server:send(m, follow)
  line_message(m)
  local packet = {from = self.id, to = tonumber(m.server_id), keep = {},
                  c = ffi.new("struct raft_message", m)}
  packet.c.server_id = self.id
  raft.set_address(packet.keep, packet.c, "server_address", tostring(self.id))
  if m.type == lib.RAFT_APPEND_ENTRIES then
    local a, entries = packet.c.append_entries, {}
    if self.limit > 0 and a.n_entries > self.limit then
      a.n_entries = self.limit
      local sent = raft.event(lib.RAFT_SENT)
      sent.c.sent.server_id, sent.c.sent.index = m.server_id, a.prev_log_index + self.limit
      follow[#follow + 1] = sent
    end
    local at = tonumber(a.prev_log_index) + 1 - self.first
    for i = 1, a.n_entries do entries[i] = self.log[at + i] end
    a.entries = raft.entries(packet.keep, entries)
  elseif m.type == lib.RAFT_INSTALL_SNAPSHOT then
    local a = packet.c.install_snapshot
    assert(tonumber(a.last_index) == self.snapshot.index, "an old snapshot is asked for")
    raft.set_members(packet.keep, a.conf, raft.members(m.install_snapshot.conf))
    local offset = tonumber(a.offset)
    local data = self.snapshot.data:sub(offset + 1, offset + CHUNK)
    raft.set_bytes(packet.keep, a.data, data)
    a.last = offset + #data == #self.snapshot.data
  end
  tail = tail + 1
  network[tail] = packet
end

function Server:apply()
  while self.applied < self:get("commit_index") do
    local i = self.applied + 1
    local entry = i >= self.first and self.log[i - self.first + 1]
    if not entry then
      assert(self.snapshot and self.snapshot.index >= i, "an entry is missing")
      self.state, self.applied = self.snapshot.data, self.snapshot.index
    else
      if entry.type == lib.RAFT_COMMAND then self.state = self.state .. entry.payload .. "\n" end
      self.applied = i
    end
  end
end

function Server:take_snapshot()
  local conf, index = ffi.new("struct raft_configuration"), ffi.new("raft_index[1]")
  self.raft:set("configuration_at", self.applied, conf, index)
  self.snapshot = {index = self.applied, term = lib.raft_term_of(self.raft.c, self.applied),
                   members = raft.members(conf), members_index = index[0], data = self.state}
  local event = raft.event(lib.RAFT_SNAPSHOT)
  event.c.snapshot.metadata.index, event.c.snapshot.trailing = self.applied, 5
  self:expect(event)
  local first, kept = self:get("first_index"), {}
  for i = first - self.first + 1, #self.log do kept[#kept + 1] = self.log[i] end
  self.log, self.first = kept, first
end

local S = dofile(here .. "/scenario.lua")
if #arg == 2 and arg[1] == "--bench" then
  S.bench(raft, tonumber(arg[2]))
elseif #arg == 1 then
  local world = {Server = Server, servers = servers, line = line}
  function world.deliver()
    local p = network[head]
    if not p then return false end
    network[head] = nil
    head = head + 1
    local to = servers[p.to]
    if not to.running or to.cut or servers[p.from].cut then
      line("d", p.from, p.to)
    else
      local event = raft.event(lib.RAFT_RECEIVE)
      event.keep[1], event.c.receive.message = p, p.c
      to:expect(event)
    end
    return true
  end
  function world.quiet() return network[head] == nil end
  function world.advance(due) if due > now then now = due end end
  function world.now() return now end
  function world.command()
    command = command + 1
    return command - 1
  end
  S.scenario(raft, world)
  local file = assert(io.open(arg[1], "wb"))
  assert(file:write(table.concat(lines, "\n"), "\n"))
  assert(file:close())
else
  error("usage: digest.lua TRANSCRIPT | --bench STEPS")
end
