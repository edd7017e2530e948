# SPDX-License-Identifier: MIT
# A thin wrapper of libraft for Ruby's fiddle. Sizes, offsets and enumerators come from
# abi/lp64.txt, the types of fields and functions from abi/raft.ffi.h.
require "fiddle"

module Raft
  ABI = ENV["RAFT_ABI"] || File.expand_path("../../../abi", __dir__)
  LIBRARY = Fiddle.dlopen(ENV["RAFT_LIBRARY"] || "libraft-core.so.1")
  NEVER = 2**63 - 1
  raise "the layout is for machines with 64 bits" if Fiddle::SIZEOF_VOIDP != 8

  SIZES, OFFSETS, VALUES = {}, {}, {}
  struct = nil
  File.foreach("#{ABI}/lp64.txt") do |text|
    name, at, size = text.split
    if text.start_with?("struct ") then OFFSETS[struct = at] = {}; SIZES[at] = size.to_i
    elsif text.start_with?("enum") then struct = nil
    elsif text.start_with?("typedef") then break
    elsif struct then OFFSETS[struct][name.to_sym] = at.to_i
    else VALUES[name.delete_prefix("RAFT_").to_sym] = at.to_i
    end
  end

  # The directive of String#unpack for a type of C, or the name of a struct. Native byte order.
  def self.kind(type)
    case type.delete_prefix("const ").strip
    when /\*/, "size_t", "unsigned long long", /\Araft_(id|term|index|time)\z/ then "Q"
    when "int", /\Aenum / then "l"
    when "unsigned" then "L"
    when "unsigned short" then "S"
    when "unsigned char" then "C"
    when "bool" then "?"
    when /\Astruct (\w+)\z/ then $1
    else raise "unknown type #{type}"
    end
  end

  DECLARATIONS = File.read("#{ABI}/raft.ffi.h")
  # {struct: {field: [offset, kind]}}
  FIELDS = DECLARATIONS.scan(/^struct (\w+) \{(.*?)^\};/m).to_h do |name, body|
    fields = body.scan(/^ +([^;{}]+?) ?(\*?)(\w+);/).to_h do |type, star, field|
      [field.to_sym, [OFFSETS[name].fetch(field.to_sym), kind(type + star)]]
    end
    [name, fields]
  end

  # A struct in C's memory, with its fields as s[:name].
  class Struct
    WIDTHS = {"Q" => 8, "l" => 4, "L" => 4, "S" => 2, "C" => 1, "?" => 1}.freeze
    attr_reader :pointer

    def initialize(type, pointer)
      @type, @pointer, @fields = type, pointer, FIELDS.fetch(type)
    end

    def [](field)
      at, kind = @fields.fetch(field)
      return Struct.new(kind, @pointer + at) unless (width = WIDTHS[kind])
      return @pointer[at, 1] != "\0" if kind == "?"
      @pointer[at, width].unpack1(kind)
    end

    # Ruby's pack() would cut a number that is too large; fiddle does not check it, either.
    def []=(field, value)
      at, kind = @fields.fetch(field)
      width = WIDTHS.fetch(kind)
      if kind == "?"
        @pointer[at, 1] = value ? "\1" : "\0"
      else
        value = value.to_i
        range = kind == "l" ? -2**31...2**31 : 0...2**(8 * width)
        raise RangeError, "#{field}: #{value}" unless range.cover?(value)
        @pointer[at, width] = [value].pack(kind)
      end
    end

    def array(field, type, n)
      base = self[field]
      Array.new(n) { |i| Struct.new(type, Fiddle::Pointer.new(base + i * SIZES[type])) }
    end

    def copy_from(other) = @pointer[0, SIZES[@type]] = other.pointer[0, SIZES[@type]]
  end

  # Memory that C sees. It comes from malloc: a String can be moved by GC.compact. It is freed with
  # the Memory, so that must be kept for as long as C may use it.
  class Memory
    def initialize = @all = []

    def allocate(size)
      @all << (pointer = Fiddle::Pointer.malloc([size, 1].max, Fiddle::RUBY_FREE))
      pointer[0, size] = "\0" * size if size > 0
      pointer
    end

    def struct(type) = Struct.new(type, allocate(SIZES.fetch(type)))

    def bytes(text)
      pointer = allocate(text.bytesize)
      pointer[0, text.bytesize] = text if text.bytesize > 0
      pointer
    end

    def address(text)
      raise ArgumentError, "an address with a zero byte" if text.include?("\0")
      bytes("#{text}\0")
    end

    def set_bytes(buffer, text)
      buffer[:len] = text.bytesize
      buffer[:base] = text.empty? ? 0 : bytes(text)
    end

    # `members` are [ID, address, role].
    def set_members(conf, members)
      conf[:n] = members.size
      conf[:servers] = allocate(SIZES["raft_server"] * members.size)
      conf.array(:servers, "raft_server", members.size).zip(members) do |s, (id, address, role)|
        s[:id], s[:address], s[:role] = id, address(address), role
      end
    end

    # Entries are [term, type, payload]. The cookie is the position, from 1.
    def set_entries(struct, counter, list)
      struct[counter] = list.size
      struct[:entries] = allocate(SIZES["raft_entry"] * list.size)
      struct.array(:entries, "raft_entry", list.size).zip(list).each_with_index do |(e, x), i|
        e[:term], e[:type], e[:cookie] = x[0], x[1], i + 1
        set_bytes(e[:buf], x[2])
      end
    end
  end

  class Event
    attr_reader :c, :memory, :type, :body

    # The member of the union has the name of the type, if it has one.
    def initialize(name)
      @memory, @type = Memory.new, VALUES.fetch(name.to_s.upcase.to_sym)
      @c = @memory.struct("raft_event")
      @c[:type] = @type
      member = FIELDS["raft_event"][name]
      @body = @c[name] if member
    end
  end

  def self.text(address) = address == 0 ? nil : Fiddle::Pointer.new(address).to_s

  def self.bytes(buffer)
    buffer[:len] == 0 ? "".b : Fiddle::Pointer.new(buffer[:base])[0, buffer[:len]]
  end

  def self.members(conf)
    conf.array(:servers, "raft_server", conf[:n]).map { |s| [s[:id], text(s[:address]), s[:role]] }
  end

  # A negative type of fiddle is unsigned.
  TYPES = {"Q" => -Fiddle::TYPE_LONG_LONG, "l" => Fiddle::TYPE_INT, "L" => -Fiddle::TYPE_INT,
           "S" => -Fiddle::TYPE_SHORT}.freeze

  FUNCTIONS = DECLARATIONS.scan(/^([^;{}\n]+?)(\w+)\(([^;{]*)\);/).to_h do |result, name, list|
    parameters = list.split(",").map do |one|
      one.include?("*") ? Fiddle::TYPE_VOIDP : TYPES.fetch(kind(one.strip[/\A(.*?) ?\w+\z/m, 1]))
    end
    returned = result.strip == "void" ? Fiddle::TYPE_VOID : TYPES.fetch(kind(result.strip))
    [name.to_sym, Fiddle::Function.new(LIBRARY[name], parameters, returned)]
  end

  class Error < StandardError; end

  class Server
    # The tracer gets (type, record); the record is valid during the call only.
    def initialize(id, address, &tracer)
      @memory = Memory.new
      @c, @update = @memory.struct("raft"), @memory.struct("raft_update")
      call(:init, id, @memory.address(address))
      trace(tracer) if tracer
    end

    # The code and the update, which is valid until the next step.
    def step(event)
      raise Error, "step() called by a tracer" if @stepping
      @event, @stepping = event, true # the event lives until the next step
      begin
        [FUNCTIONS[:raft_step].call(@c.pointer, event.c.pointer, @update.pointer), @update]
      ensure
        @stepping = false
      end
    end

    # Call a function that returns an error code. raft_role() is none: use get().
    def call(name, *arguments)
      raise Error, errmsg if get(name, *arguments) != 0
    end

    def get(name, *arguments) = FUNCTIONS.fetch(:"raft_#{name}").call(@c.pointer, *arguments)
    def errmsg = Raft.text(get(:errmsg))

    def leader
      out = (@out ||= @memory.allocate(16))
      FUNCTIONS[:raft_leader].call(@c.pointer, out, out + 8)
      id, address = out[0, 16].unpack("QQ")
      [id, Raft.text(address)]
    end

    def close = call(:close)

    private

    # An exception that leaves a closure would jump over the frames of C. It is reported instead,
    # and the step goes on: its update has duties. The Server keeps the closure.
    # GC.compact would move it, but fiddle has given its old place to C: do not use both.
    def trace(tracer)
      types = [Fiddle::TYPE_VOIDP, Fiddle::TYPE_INT, Fiddle::TYPE_VOIDP]
      @closure = Fiddle::Closure::BlockCaller.new(Fiddle::TYPE_VOID, types) do |_, type, record|
        tracer.call(type, Struct.new("raft_tracer_info", record))
      rescue Exception => error
        warn "error in a tracer: #{error.message}"
      end
      struct = @memory.struct("raft_tracer")
      struct[:version] = 1
      at = OFFSETS["raft_tracer"].fetch(:emit)
      struct.pointer[at, 8] = [@closure.to_i].pack("Q")
      call(:set_tracer, struct.pointer)
    end
  end
end
