#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check that libraries have no writable and no thread-local data: all state is in the handles.

globals.py LIBRARY... --with-state LIBRARY

The last library is the negative test: its variable must be found."""
import os
import re
import subprocess
import sys

# Symbols of the start-up files, in every shared library.
STARTUP = {'__dso_handle', 'completed.0', '__TMC_END__', '_edata', '__bss_start', '_end',
           '_GLOBAL_OFFSET_TABLE_', '_DYNAMIC', '__do_global_dtors_aux_fini_array_entry',
           '__frame_dummy_init_array_entry', '__EH_FRAME_BEGIN__', '__FRAME_END__'}
WRITABLE = re.compile(r'\.t?(data|bss)(\..*)?$|COMMON$|\*COM\*$')
CONSTANT = re.compile(r'\.data\.rel\.ro')


def variables(library):
    """Symbols of writable sections, as `objdump -t` lists them."""
    text = subprocess.run(['objdump', '-t', '-w', library], check=True, capture_output=True,
                          text=True, env={**os.environ, 'LC_ALL': 'C'}).stdout
    symbols = 0
    for line in text.splitlines():
        match = re.match(r'[0-9a-f]+ (.{7}) (\S+)\s+([0-9a-f]+)\s+(?:\.hidden )?(.*)$', line)
        if not match:
            continue
        symbols += 1
        flags, section, size, name = match.groups()
        if 'd' in flags[5:6] or 'f' in flags or name in STARTUP:
            continue  # the symbol of a section or a file
        if WRITABLE.match(section) and not CONSTANT.match(section) and int(size, 16) > 0:
            yield name
    if symbols == 0:
        sys.exit(library + ': it has no symbols')


def main():
    split = sys.argv.index('--with-state')
    status = 0
    for library in sys.argv[1:split]:
        names = sorted(variables(library))
        print('%s: %s' % (library, ', '.join(names) or 'no global state'))
        status |= bool(names)
    with_state = sys.argv[split + 1]
    if 'asked' not in ''.join(variables(with_state)):
        print(with_state + ': its variable was not found')
        status = 1
    return status


if __name__ == '__main__':
    sys.exit(main())
