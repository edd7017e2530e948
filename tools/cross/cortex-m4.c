/* SPDX-License-Identifier: MIT */
/* What the quick start needs besides on a Cortex-M4 without an operating system. */
#include <malloc.h>
#include <raft.h>
#include <stdio.h>

/* What the processor reads after a reset: the first stack pointer, at the end of the memory of
 * qemu's machine mps2-an386, and the address where the program starts. */
void _start(void);
void *const vectors[] __attribute__((section(".vectors"))) = {(void *)0x20400000, (void *)_start};

/* The linker puts this in the place of raft_close(): it tells how much memory a raft had. */
void __real_raft_close(struct raft *r);
void __wrap_raft_close(struct raft *r);
void __wrap_raft_close(struct raft *r) {
    unsigned id = (unsigned)r->id, before = (unsigned)mallinfo().uordblks;
    const char *state = raft_state(r) == RAFT_LEADER ? "leader" : "follower";
    __real_raft_close(r);
    fprintf(stderr, "server %u, %s: %u bytes of the heap\n", id, state,
            before - (unsigned)mallinfo().uordblks);
}
