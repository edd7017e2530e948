// SPDX-License-Identifier: MIT
// A thin wrapper of libraft for C#. RaftC.cs, which is generated, has the declarations of C.
using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Text;
using static RaftC;

public sealed class Member {
    public readonly ulong Id;
    public readonly string Address;
    public readonly int Role;

    public Member(ulong id, string address, int role) { Id = id; Address = address; Role = role; }
    public override string ToString() => $"{Id}:{Address}:{Role}";
}

public sealed class Entry {
    public readonly ulong Term;
    public readonly int Type;
    public readonly byte[] Payload;

    public Entry(ulong term, int type, byte[] payload) {
        Term = term; Type = type; Payload = payload;
    }
}

/// Memory that C sees: the collector moves its own objects, so this is taken from C's heap. It is
/// freed with the Memory, which must be kept for as long as C may use it.
public unsafe class Memory {
    readonly List<IntPtr> all = new List<IntPtr>();

    ~Memory() {
        foreach (var pointer in all) {
            Marshal.FreeHGlobal(pointer);
        }
    }

    /// Zeroed; at least one byte.
    public void* Allocate(int size) {
        var pointer = Marshal.AllocHGlobal(Math.Max(size, 1));
        all.Add(pointer);
        for (int i = 0; i < size; i++) {
            ((byte*)pointer)[i] = 0;
        }
        return (void*)pointer;
    }

    public raft_buffer Bytes(byte[] bytes) {
        if (bytes.Length == 0) {
            return new raft_buffer();
        }
        void* pointer = Allocate(bytes.Length);
        Marshal.Copy(bytes, 0, (IntPtr)pointer, bytes.Length);
        return new raft_buffer { @base = pointer, len = (ulong)bytes.Length };
    }

    public byte* Address(string text) {
        if (text.IndexOf('\0') >= 0) {
            throw new ArgumentException("an address with a zero byte");
        }
        return (byte*)Bytes(Encoding.UTF8.GetBytes(text + "\0")).@base;
    }

    public raft_configuration Members(IReadOnlyList<Member> members) {
        var servers = (raft_server*)Allocate(members.Count * sizeof(raft_server));
        for (int i = 0; i < members.Count; i++) {
            servers[i].id = members[i].Id;
            servers[i].address = Address(members[i].Address);
            servers[i].role = members[i].Role;
        }
        return new raft_configuration { servers = servers, n = (uint)members.Count };
    }

    /// The cookie is the position, from 1.
    public raft_entry* Entries(IReadOnlyList<Entry> entries) {
        var first = (raft_entry*)Allocate(entries.Count * sizeof(raft_entry));
        for (int i = 0; i < entries.Count; i++) {
            first[i].term = entries[i].Term;
            first[i].type = entries[i].Type;
            first[i].buf = Bytes(entries[i].Payload);
            first[i].cookie = (ulong)i + 1;
        }
        return first;
    }
}

/// An event, with the memory that it points to.
public sealed unsafe class Event : Memory {
    public readonly raft_event* C;

    public Event(int type) {
        C = (raft_event*)Allocate(sizeof(raft_event));
        C->type = type;
    }
}

public class RaftException : Exception {
    public RaftException(string text) : base(text) {}
}

[UnmanagedFunctionPointer(CallingConvention.Cdecl)]
unsafe delegate void Emit(raft_tracer* tracer, int type, raft_tracer_info* record);

/// The record is valid during the call only.
public unsafe delegate void Tracer(int type, raft_tracer_info* record);

public sealed unsafe class Raft {
    readonly Memory memory = new Memory();
    readonly Emit emit; // the collector frees what only C refers to
    Event latest;
    bool stepping;

    public readonly raft* C;
    public readonly raft_update* Update; // of the latest step, valid until the next one

    public Raft(ulong id, string address, Tracer tracer = null) {
        if (sizeof(IntPtr) != 8) {
            throw new PlatformNotSupportedException("the layout is for machines with 64 bits");
        }
        C = (raft*)memory.Allocate(sizeof(raft));
        Update = (raft_update*)memory.Allocate(sizeof(raft_update));
        Check(raft_init(C, id, memory.Address(address)));
        if (tracer != null) {
            // An exception would have to cross the frames of C. It is reported instead, and the
            // step goes on: its update has duties.
            emit = (self, type, record) => {
                try {
                    tracer(type, record);
                } catch (Exception error) {
                    Console.Error.WriteLine("error in a tracer: " + error);
                }
            };
            var t = (raft_tracer*)memory.Allocate(sizeof(raft_tracer));
            t->version = 1;
            t->emit = Marshal.GetFunctionPointerForDelegate(emit);
            Check(raft_set_tracer(C, t));
        }
    }

    /// Returns the error code. The event, to which the update may point, is kept for as long.
    public int Step(Event e) {
        if (stepping) {
            throw new RaftException("Step() called by a tracer");
        }
        latest = e;
        stepping = true;
        try {
            return raft_step(C, latest.C, Update);
        } finally {
            stepping = false;
        }
    }

    /// For functions that return an error code. raft_role() does not.
    public void Check(int code) {
        if (code != 0) {
            throw new RaftException(Text(raft_errmsg(C)));
        }
    }

    public void Close() {
        Check(raft_close(C));
        GC.KeepAlive(this); // and with it the memory of C
    }

    public static string Text(byte* text) {
        if (text == null) {
            return null;
        }
        int length = 0;
        while (text[length] != 0) {
            length++;
        }
        return Encoding.UTF8.GetString(text, length);
    }

    public static byte[] Bytes(raft_buffer buffer) {
        var bytes = new byte[buffer.len];
        if (bytes.Length > 0) {
            Marshal.Copy((IntPtr)buffer.@base, bytes, 0, bytes.Length);
        }
        return bytes;
    }

    public static List<Member> Members(raft_configuration conf) {
        var members = new List<Member>();
        for (uint i = 0; i < conf.n; i++) {
            var server = conf.servers[i];
            members.Add(new Member(server.id, Text(server.address), server.role));
        }
        return members;
    }
}
