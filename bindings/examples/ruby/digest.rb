# SPDX-License-Identifier: MIT
# The digest program in Ruby: see ../../digest/README.md.
#
# usage: ruby digest.rb TRANSCRIPT | --bench STEPS
require_relative "server"

def leader
  $servers.values.select { |s| s.up? && s.get(:state) == V[:LEADER] }
          .max_by { |s| [s.get(:current_term), -s.id] }
end

def led?(by = nil) = (s = leader) && (by.nil? || s == by) && s.committed?
def level?(s) = $servers.values.select(&:up?).all? { |x| x.applied == s.get(:last_index) }
def quiet? = $network.empty?
def next_due = $servers.values.select(&:running).min_by { |s| [s.get(:timeout), s.id] }
def asleep? = quiet? && next_due.get(:timeout) == Raft::NEVER

def pump
  100_000.times do
    return if yield
    if (from, to, event = $network.shift)
      if $servers[to].up? && !$servers[from].cut then $servers[to].expect(event)
      else line("d", from, to)
      end
      next
    end
    s = next_due
    raise "no server has a deadline" if s.get(:timeout) == Raft::NEVER
    $now = [$now, s.get(:timeout)].max
    s.expect(Raft::Event.new(:timeout))
  end
  raise "the condition never holds"
end

def submit(s, n, wanted = 0)
  entries = Array.new(n) do
    c = $command
    $command += 1
    [0, V[:COMMAND], c % 500 == 499 ? "" : "cmd-#{c}"]
  end
  event = Raft::Event.new(:submit)
  event.memory.set_entries(event.body, :n, entries)
  s.expect(event, wanted)
end

def load_commands(s, rounds)
  rounds.times do
    submit(s, 10)
    pump { quiet? }
  end
  pump { level?(s) }
end

def change(s, name, members, wanted = 0)
  event = Raft::Event.new(name)
  event.memory.set_members(event.body[:conf], members)
  s.expect(event, wanted)
end

def voters(n, last) = (1..n).map { |i| [i, i.to_s, i == n ? last : V[:VOTER]] }

def simple(s, name, fields = {}, wanted = 0)
  event = Raft::Event.new(name)
  fields.each { |field, value| event.body[field] = value }
  s.expect(event, wanted)
end

def progress(s, id)
  p = Raft::Memory.new.then { |memory| [memory, memory.struct("raft_peer")] }
  s.raft.call(:progress, id, p[1].pointer)
  line("p", id, *%i[mode features capacity match next last_contact snapshot_index
                    snapshot_offset data_losses].map { |f| p[1][f] })
end

def caught_up?(s)
  status = (memory = Raft::Memory.new).allocate(4)
  s.raft.call(:catch_up, 4, status)
  memory && status[0, 4].unpack1("l") == V[:CATCH_UP_FINISHED]
end

def scenario
  line("x start")
  (1..3).each { |i| Server.new(i) }
  change($servers[1], :bootstrap, voters(3, V[:VOTER]))
  pump { led? }
  l = leader
  f = $servers[l.id == 1 ? 2 : 1]
  line("x submit", l.id)
  load_commands(l, 100)
  line("x errors")
  submit(f, 1, V[:NOTLEADER])
  submit(l, 0, V[:INVALID])
  simple(l, :transfer, {server_id: 9}, V[:BADID])
  simple(f, :campaign, {}, V[:BUSY])
  line("x add")
  Server.new(4)
  change(l, :reconfigure, voters(4, V[:STANDBY]))
  pump { l.committed? }
  simple(l, :catch_up, {server_id: 4})
  pump { caught_up?(l) }
  change(l, :reconfigure, voters(4, V[:VOTER]))
  pump { l.committed? }
  pump { level?(l) }
  line("x lag", f.id)
  f.cut = true
  load_commands(l, 10)
  $servers.each_value { |s| s.take_snapshot if s != f }
  f.cut = false
  pump { level?(l) }
  line("x installed", f.get(:snapshot_index))
  line("x replace")
  l.cut = true
  simple(l, :read, {id: 101})
  submit(l, 3)
  pump { led? }
  n = leader
  submit(n, 5)
  pump { n.committed? }
  l.cut = false
  pump { level?(n) }
  line("x read", n.id)
  [102, 103].each do |name|
    n.reads = []
    simple(n, :read, {id: name, lease: name == 103})
    pump { n.reads.any? && n.applied >= n.reads.last }
    line("x", name, n.state.bytesize)
  end
  line("x transfer")
  simple(n, :transfer, {server_id: f.id})
  pump { led?(f) }
  line("x restart", n.id)
  n.stop
  n.start
  pump { level?(f) }
  second_half(f)
end

def second_half(f)
  line("x events")
  simple(f, :unreachable, {server_id: 4})
  progress(f, 4)
  simple(f, :configuration, {index: 1})
  simple(f, :persisted_entries, {index: f.get(:last_stored)})
  simple(f, :catch_up, {server_id: 0})
  change(f, :reconfigure, [[1, "1", 99]], V[:BADROLE])
  pump { level?(f) }
  line("x sent")
  f.limit = 4
  load_commands(f, 3)
  f.limit = 0
  (1..4).each { |i| progress(f, i) }
  line("x sleep")
  other = $servers[f.id == 1 ? 2 : 1]
  $servers.each_value { |s| s.raft.call(:set_idle_timeout, 500) }
  pump { asleep? }
  line("x asleep", $now)
  simple(other, :wake)
  pump { asleep? }
  line("x wake")
  submit(f, 1)
  pump { level?(f) }
  $servers.each_value { |s| s.raft.call(:set_idle_timeout, 0) }
  line("x recover", other.id)
  $servers.each_value { |s| s.stop if s != other }
  change(other, :recover, [[other.id, other.id.to_s, V[:VOTER]]])
  pump { led?(other) }
  submit(other, 1)
  pump { level?(other) }
  $servers.each_value { |s| line("z", s.id, s.applied, s.state.bytesize) }
  other.stop
end

def cpu = Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID, :float_second) * 1e9

def bench(steps)
  r, sum = Raft::Server.new(1, "1"), 0
  step = lambda do |event, time = 5000|
    event.c[:time] = time
    code, update = r.step(event)
    raise r.errmsg if code != 0
    update
  end
  step[Raft::Event.new(:start), 0]
  event = Raft::Event.new(:bootstrap)
  event.memory.set_members(event.body[:conf], voters(1, V[:VOTER]))
  step[event, 0]
  until r.get(:state) == V[:LEADER] && r.get(:commit_index) == r.get(:last_index)
    if r.get(:last_stored) == r.get(:last_index)
      step[Raft::Event.new(:timeout), r.get(:timeout)]
    else
      event = Raft::Event.new(:persisted_entries)
      event.body[:index] = r.get(:last_index)
      step[event, 0]
    end
  end
  start = cpu
  steps.times do
    event = Raft::Event.new(:unreachable)
    event.body[:server_id] = 99
    sum += step[event][:flags]
  end
  puts format("null %.1f", (cpu - start) / steps)
  start = cpu
  (steps / 2).times do
    event = Raft::Event.new(:submit)
    event.memory.set_entries(event.body, :n, [[0, V[:COMMAND], "0123456789abcde\0"]])
    e = step[event][:entries]
    stored = Raft::Event.new(:stored)
    stored.body[:index], stored.body[:write] = e[:index], e[:write]
    sum += Raft.bytes(e.array(:batch, "raft_entry", 1)[0][:buf]).bytesize
    step[stored]
    sum += r.get(:commit_index)
  end
  puts format("submit %.1f", (cpu - start) / steps)
  raise "nothing happened" if sum == 0
  r.close
end

case ARGV
in ["--bench", steps] then bench(steps.to_i)
in [path]
  scenario
  File.binwrite(path, $lines.join("\n") + "\n")
end
