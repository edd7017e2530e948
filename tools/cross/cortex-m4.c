/* SPDX-License-Identifier: MIT */
/* What a Cortex-M reads after a reset: the first stack pointer, at the end of the memory of qemu's
 * machine mps2-an386, and the address where the program starts. */
void _start(void);
void *const vectors[] __attribute__((section(".vectors"))) = {(void *)0x20400000, (void *)_start};
