# SPDX-License-Identifier: MIT
# A server of the digest program, its state machine, and the lines of the transcript.
require_relative "raft"

V = Raft::VALUES
MESSAGES = {1 => :append_entries, 2 => :append_entries_result, 3 => :request_vote,
            4 => :request_vote_result, 5 => :install_snapshot, 6 => :timeout_now}.freeze
Snapshot = Struct.new(:index, :term, :members, :members_index, :data)
EVERY = ENV.fetch("RAFT_GC", "0").to_i
$lines, $network, $servers, $now, $command, $taken = [], [], {}, 0, 0, 0

def line(*words)
  $lines << words.map { |w| w == true ? 1 : w == false ? 0 : w }.join(" ")
end

def hex(bytes) = bytes.empty? ? "-" : bytes.unpack1("H*")
def show(members) = members.empty? ? "-" : members.map { |m| m.join(":") }.join(",")

TRACE = lambda do |type, i|
  line("t", i[:server], type, i[:code], i[:time], i[:peer], i[:term], i[:index],
       Raft.text(i[:text]))
end

class Server
  attr_reader :id, :raft, :state, :applied, :running
  attr_accessor :cut, :limit, :reads

  def initialize(id)
    @id, @cut, @limit, @term, @vote, @first, @log = id, false, 0, 0, 0, 1, []
    $servers[id] = self
    start
  end

  def start
    @running, @applied, @state, @reads = true, 0, "".b, []
    @raft = Raft::Server.new(@id, @id.to_s, &(@id == 1 ? TRACE : nil))
    settings = {seed: @id * 1000, set_features: 30, set_max_message_entries: 50}
    settings.each { |name, value| @raft.call(name, value) }
    event = Raft::Event.new(:start)
    s = event.body
    s[:term], s[:voted_for], s[:start_index] = @term, @vote, @first
    event.memory.set_entries(s, :n_entries, @log)
    if @snapshot
      m = event.memory.struct("raft_snapshot_metadata")
      m[:index], m[:term] = @snapshot.index, @snapshot.term
      m[:configuration_index] = @snapshot.members_index
      event.memory.set_members(m[:configuration], @snapshot.members)
      s[:metadata] = m.pointer
    end
    expect(event)
  end

  def stop
    @raft.close
    @running = false
  end

  def up? = @running && !@cut
  def get(name) = @raft.get(name)
  def committed? = get(:commit_index) == get(:last_index)

  def expect(event, wanted = 0)
    code = step(event)
    raise "status #{code}, not #{wanted}" if code != wanted
  end

  def collect = GC.start

  def step(event)
    forced = EVERY > 0 && (($taken += 1) % EVERY) == 0
    event.c[:time], event.c[:capacity] = $now, @id * 100
    collect if forced
    code, u = @raft.step(event)
    collect if forced
    leader, address = @raft.leader
    values = %i[current_term voted_for state commit_index timeout last_index first_index
                last_stored snapshot_index role].map { |name| get(name) }
    line("u", @id, $now, event.type, code, u[:flags], *values, leader, address || "-",
         get(:transferee), *(code == 0 ? [] : [@raft.errmsg]))
    carry_out(event, u) if code == 0
    code
  end

  def carry_out(event, u)
    flags, follow, acks = u[:flags], [], []
    has = ->(name) { flags & V.fetch(name) != 0 }
    if has[:UPDATE_CURRENT_TERM] || has[:UPDATE_VOTED_FOR]
      @term, @vote = get(:current_term), get(:voted_for)
    end
    write_entries(u[:entries], acks) if has[:UPDATE_ENTRIES]
    write_chunk(u[:snapshot], acks) if has[:UPDATE_SNAPSHOT]
    if has[:UPDATE_MESSAGES]
      m = u[:messages]
      m.array(:batch, "raft_message", m[:n]).each { |x| post(x, follow) }
    end
    if has[:UPDATE_READS]
      u[:reads].array(:batch, "raft_read", u[:reads][:n]).each do |r|
        line("r", r[:id], r[:index], r[:status])
        @reads << r[:index]
      end
    end
    if event.type == V[:PERSISTED_SNAPSHOT] && get(:snapshot_index) != (@snapshot&.index || 0)
      @snapshot, @log, @first = @incoming, [], @incoming.index + 1
    end
    apply if has[:UPDATE_COMMIT_INDEX]
    (follow + acks).each { |e| expect(e) }
  end

  def write_entries(e, acks)
    index, n, write = e[:index], e[:n], e[:write]
    line("e", index, n, write)
    @first = index if @log.empty?
    @log.slice!(index - @first..)
    e.array(:batch, "raft_entry", n).each do |x|
      @log << [x[:term], x[:type], Raft.bytes(x[:buf])]
      line("", x[:term], x[:type], x[:cookie], hex(@log.last[2]))
    end
    return if n == 0
    acks << (ack = Raft::Event.new(:stored))
    ack.body[:index], ack.body[:write] = index + n - 1, write
  end

  def write_chunk(s, acks)
    m = s[:metadata]
    index, term, at = m[:index], m[:term], m[:configuration_index]
    members, chunk = Raft.members(m[:configuration]), Raft.bytes(s[:chunk])
    line("s", index, term, at, show(members), s[:offset], s[:last], hex(chunk))
    @incoming = Snapshot.new(index, term, members, at, "".b) if s[:offset] == 0
    raise "a chunk is missing" if @incoming.data.bytesize != s[:offset]
    @incoming.data << chunk
    acks << (ack = Raft::Event.new(:persisted_snapshot))
    ack.body[:metadata][:index], ack.body[:metadata][:term] = index, term
    ack.body[:offset], ack.body[:last] = s[:offset], s[:last]
  end

  # Copy a message, attach what it asks for, and put it into the queue.
  def post(m, follow)
    name = MESSAGES.fetch(m[:type])
    fields = Raft::FIELDS["raft_#{name}"].keys - %i[entries data last]
    if name == :install_snapshot # the configuration's index is in front of it
      fields = %i[version term last_index last_term conf_index conf offset]
    end
    line("m", m[:type], m[:server_id], Raft.text(m[:server_address]),
         *fields.map { |f| f == :conf ? show(Raft.members(m[name][f])) : m[name][f] })
    event = Raft::Event.new(:receive)
    copy = event.memory.struct("raft_message")
    copy.copy_from(m)
    copy[:server_id], copy[:server_address] = @id, event.memory.address(@id.to_s)
    attach_entries(event, copy[name], m[:server_id], follow) if name == :append_entries
    attach_chunk(event, copy[name]) if name == :install_snapshot
    event.body[:message] = copy.pointer
    $network << [@id, m[:server_id], event]
  end

  def attach_entries(event, a, to, follow)
    n = a[:n_entries]
    if @limit > 0 && n > @limit
      n = @limit
      follow << (sent = Raft::Event.new(:sent))
      sent.body[:server_id], sent.body[:index] = to, a[:prev_log_index] + n
    end
    entries = n == 0 ? [] : @log[a[:prev_log_index] + 1 - @first, n]
    event.memory.set_entries(a, :n_entries, entries)
  end

  def attach_chunk(event, a)
    raise "an old snapshot is asked for" if a[:last_index] != @snapshot.index
    event.memory.set_members(a[:conf], Raft.members(a[:conf]))
    data = @snapshot.data.byteslice(a[:offset], 1000)
    event.memory.set_bytes(a[:data], data)
    a[:last] = a[:offset] + data.bytesize == @snapshot.data.bytesize
  end

  def apply
    while @applied < get(:commit_index)
      i = @applied + 1 - @first
      entry = i >= 0 ? @log[i] : nil
      if entry.nil?
        raise "an entry is missing" if (@snapshot&.index || 0) <= @applied
        @state, @applied = @snapshot.data.dup, @snapshot.index
        next
      end
      @state << entry[2] << "\n" if entry[1] == V[:COMMAND]
      @applied += 1
    end
  end

  def take_snapshot
    memory = Raft::Memory.new
    conf, index = memory.struct("raft_configuration"), memory.allocate(8)
    @raft.call(:configuration_at, @applied, conf.pointer, index)
    @snapshot = Snapshot.new(@applied, @raft.get(:term_of, @applied), Raft.members(conf),
                             index[0, 8].unpack1("Q"), @state.dup)
    event = Raft::Event.new(:snapshot)
    event.body[:metadata][:index], event.body[:trailing] = @applied, 5
    expect(event)
    first = get(:first_index)
    @log.shift(first - @first)
    @first = first
  end
end
