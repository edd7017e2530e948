// SPDX-License-Identifier: MIT
import com.sun.jna.Callback;
import com.sun.jna.CallbackReference;
import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A thin wrapper of libraft for Java. RaftC.java, which is generated, has the declarations of C.
 * Java has no unsigned numbers: those of 64 bits are a long here. All that the library hands out is
 * positive in a long, except IDs from 2^63 on, which the constructor refuses.
 */
final class Raft {
    static final long NEVER = Long.MAX_VALUE;

    record Member(long id, String address, int role) {
        @Override public String toString() { return id + ":" + address + ":" + role; }
    }

    record Entry(long term, int type, byte[] payload) {}

    /**
     * Memory that C sees: the collector moves its own objects. JNA frees a Memory when nothing in
     * Java refers to it, and does not know which memory points to which. So it is kept here, and
     * this must be kept for as long as C may use it.
     */
    static class Keeper {
        private final List<Memory> all = new ArrayList<>();

        /** Zeroed; at least one byte. */
        Memory allocate(long size) {
            Memory memory = new Memory(Math.max(size, 1));
            memory.clear();
            all.add(memory);
            return memory;
        }

        Pointer bytes(byte[] bytes) {
            if (bytes.length == 0) {
                return null;
            }
            Memory memory = allocate(bytes.length);
            memory.write(0, bytes, 0, bytes.length);
            return memory;
        }

        Pointer address(String text) {
            if (text.indexOf('\0') >= 0) {
                throw new IllegalArgumentException("an address with a zero byte");
            }
            return bytes((text + '\0').getBytes(StandardCharsets.UTF_8));
        }

        void set(RaftC.raft_buffer buffer, byte[] bytes) {
            buffer.base(bytes(bytes));
            buffer.len(bytes.length);
        }

        void set(RaftC.raft_configuration conf, List<Member> members) {
            Memory array = allocate((long) RaftC.raft_server.SIZE * members.size());
            for (int i = 0; i < members.size(); i++) {
                RaftC.raft_server server = RaftC.raft_server.at(array, i);
                server.id(members.get(i).id());
                server.address(address(members.get(i).address()));
                server.role(members.get(i).role());
            }
            conf.servers(array);
            conf.n(members.size());
        }

        /** The cookie is the position, from 1. */
        Pointer entries(List<Entry> entries) {
            Memory array = allocate((long) RaftC.raft_entry.SIZE * entries.size());
            for (int i = 0; i < entries.size(); i++) {
                RaftC.raft_entry entry = RaftC.raft_entry.at(array, i);
                entry.term(entries.get(i).term());
                entry.type(entries.get(i).type());
                set(entry.buf(), entries.get(i).payload());
                entry.cookie(i + 1);
            }
            return array;
        }
    }

    /** An event, with the memory that it points to. */
    static final class Event extends Keeper {
        final RaftC.raft_event c = new RaftC.raft_event(allocate(RaftC.raft_event.SIZE));

        Event(int type) { c.type(type); }
    }

    static final class RaftException extends RuntimeException {
        RaftException(String text) { super(text); }
    }

    /** The record is valid during the call only. */
    interface Tracer {
        void trace(int type, RaftC.raft_tracer_info record);
    }

    private interface Emit extends Callback {
        void callback(Pointer tracer, int type, Pointer record);
    }

    private final Keeper keeper = new Keeper();
    private Emit emit; // JNA frees the code that C calls when nothing refers to this
    private Event latest;
    private boolean stepping;

    final Pointer c = keeper.allocate(RaftC.raft.SIZE);
    /** Of the latest step; valid until the next one. */
    final RaftC.raft_update update =
        new RaftC.raft_update(keeper.allocate(RaftC.raft_update.SIZE));
    private final Memory leader = keeper.allocate(16);

    /** The tracer may be null. */
    Raft(long id, String address, Tracer tracer) {
        if (com.sun.jna.Native.POINTER_SIZE != 8) {
            throw new UnsupportedOperationException("the layout is for machines with 64 bits");
        }
        if (id <= 0) {
            throw new IllegalArgumentException("an ID must be 1 to 2^63 - 1");
        }
        check(RaftC.raft_init(c, id, keeper.address(address)));
        if (tracer != null) {
            // An exception would have to cross the frames of C. It is reported instead, and the
            // step goes on: its update has duties.
            emit = (t, type, record) -> {
                try {
                    tracer.trace(type, new RaftC.raft_tracer_info(record));
                } catch (Throwable error) {
                    System.err.println("error in a tracer: " + error);
                }
            };
            Pointer p = keeper.allocate(RaftC.raft_tracer.SIZE);
            RaftC.raft_tracer struct = new RaftC.raft_tracer(p);
            struct.version(1);
            struct.emit(CallbackReference.getFunctionPointer(emit));
            check(RaftC.raft_set_tracer(c, p));
        }
    }

    /** Returns the error code. The event, to which the update may point, is kept for as long. */
    int step(Event event) {
        if (stepping) {
            throw new RaftException("step() called by a tracer");
        }
        latest = event;
        stepping = true;
        try {
            return RaftC.raft_step(c, latest.c.p, update.p);
        } finally {
            stepping = false;
        }
    }

    /** For functions that return an error code. raft_role() does not. */
    void check(int code) {
        if (code != 0) {
            throw new RaftException(errmsg());
        }
    }

    String errmsg() { return text(RaftC.raft_errmsg(c)); }

    /** The ID of the leader, or 0. */
    long leaderId() {
        RaftC.raft_leader(c, leader, null);
        return leader.getLong(0);
    }

    /** The address of the leader, or null. */
    String leaderAddress() {
        RaftC.raft_leader(c, null, leader.share(8));
        return text(leader.getPointer(8));
    }

    void close() { check(RaftC.raft_close(c)); }

    static String text(Pointer text) { return text == null ? null : text.getString(0, "UTF-8"); }

    static byte[] bytes(RaftC.raft_buffer buffer) {
        return buffer.len() == 0 ? new byte[0]
                                 : buffer.base().getByteArray(0, Math.toIntExact(buffer.len()));
    }

    static List<Member> members(RaftC.raft_configuration conf) {
        List<Member> members = new ArrayList<>();
        for (int i = 0; i < conf.n(); i++) {
            RaftC.raft_server server = RaftC.raft_server.at(conf.servers(), i);
            members.add(new Member(server.id(), text(server.address()), server.role()));
        }
        return members;
    }
}
