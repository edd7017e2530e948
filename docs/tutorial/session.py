# SPDX-License-Identifier: MIT
"""Run the commands that a page of the tutorial shows, and compare their output with the page's.

usage: session.py PAGE.rst BUILD_FOLDER
       session.py --self-test PAGE.rst BUILD_FOLDER

The commands are those of all blocks `.. code-block:: console`, in one bash and in their order. A
line that begins with "$ " is a command, and lines with "> " continue it. The rest is output.

Servers are elected by chance, so numbers in some places differ from run to run: see VARIES. A
command that only looks (LOOKS) is repeated until its output is as on the page."""
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PATIENCE = 60 * float(os.environ.get('MINIMAL_TIMEOUT_FACTOR', '1'))
ADDRESS = '127.0.0.1:900'  # and the server's number
LOOKS = ('grep ', 'at ', 'cat ')
VARIES = [  # (what differs, what is compared instead)
    (r'^bash: line \d+: +\d+ Killed(?s:.)*', 'Killed'),
    (r'server \d leads in term \d+', 'server N leads in term N'),
    (r'\b(state|term|leader|commit|applied|last)=\w+', r'\1=X'),
    (r'\b(snapshot|first)=\d{3,}', r'\1=NNN'),
]
END = '--- the output ends here ---'


def commands_of(page):
    """[command, output] of every command in the page."""
    with open(page, encoding='utf-8') as file:
        text = file.read()
    found = []
    for block in re.findall(r'^\.\. code-block:: console\n\n((?:   .*\n|\n)+)', text, re.M):
        for line in (line[3:] for line in block.rstrip('\n').split('\n')):
            if line.startswith('$ '):
                found.append([line[2:], ''])
            elif line.startswith('> '):
                found[-1][0] += '\n' + line[2:]
            else:
                found[-1][1] += line + '\n'
    return found


def free_prefix():
    """Five ports in a row, whose numbers differ in the last digit only, are free."""
    while True:
        prefix = random.randrange(1100, 3200)
        try:
            for digit in range(5):
                with socket.socket() as s:
                    s.bind(('127.0.0.1', 10 * prefix + digit))
            return '127.0.0.1:%d' % prefix
        except OSError:
            pass


def compared(text):
    for pattern, instead in VARIES:
        text = re.sub(pattern, instead, text, flags=re.M)
    return text.rstrip('\n')


class Shell:
    def __init__(self, folder, build, prefix):
        self.ours = prefix
        here = os.path.dirname(os.path.abspath(__file__))
        with open(os.path.join(here, 'cluster.sh'), encoding='utf-8') as file:
            script = self.translated(file.read())
        os.makedirs(os.path.join(folder, 'docs/tutorial'))
        with open(os.path.join(folder, 'docs/tutorial/cluster.sh'), 'w', encoding='utf-8') as file:
            file.write(script)
        self.bash = subprocess.Popen(
            ['bash', '--norc'], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=dict(os.environ, BUILD=build, LC_ALL='C'),
            start_new_session=True)

    def translated(self, command):
        """The command with ports that are free here."""
        return command.replace(ADDRESS, self.ours).replace(
            ADDRESS.replace(':', '/'), self.ours.replace(':', '/'))

    def run(self, command):
        line = '%s\necho "%s"\n' % (self.translated(command), END)
        self.bash.stdin.write(line.encode())
        self.bash.stdin.flush()
        output = ''
        while not output.endswith(END + '\n'):
            line = self.bash.stdout.readline().decode()
            if not line:
                raise AssertionError('bash has ended: ' + command)
            output += line
        return output[:-len(END) - 1].replace(self.ours, ADDRESS)

    def close(self):
        if self.bash.poll() is None:
            os.killpg(self.bash.pid, signal.SIGKILL)
            self.bash.wait()


def run(commands, build):
    """Returns complaints."""
    with tempfile.TemporaryDirectory() as folder:
        shell = Shell(folder, build, free_prefix())
        signal.signal(signal.SIGALRM, lambda *_: shell.close())
        signal.alarm(int(3 * PATIENCE))
        try:
            for command, expected in commands:
                end = time.monotonic() + PATIENCE
                got = shell.run(command)
                while (command.startswith(LOOKS) and compared(got) != compared(expected) and
                       time.monotonic() < end):
                    time.sleep(0.1)
                    got = shell.run(command)
                if compared(got) != compared(expected):
                    return '$ %s\nexpected:\n%sgot:\n%s' % (command, expected, got)
        finally:
            signal.alarm(0)
            shell.close()
    return None


def check_folder():
    """cluster.sh looks for the programs where the first page builds them, and says so if they are
    missing."""
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, 'index.rst'), encoding='utf-8') as file:
        folder = re.search(r'^   meson setup (\S+) ', file.read(), re.M)[1]
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(os.path.join(root, 'docs/tutorial'))
        shutil.copy(os.path.join(here, 'cluster.sh'), os.path.join(root, 'docs/tutorial'))
        env = {name: value for name, value in os.environ.items() if name != 'BUILD'}
        shell = subprocess.run(['bash', '--norc', '-c', '. docs/tutorial/cluster.sh; echo $build'],
                               cwd=root, env=env, capture_output=True, text=True, check=True)
        expected = os.path.join(root, folder)
        assert shell.stdout == expected + '\n', shell.stdout
        assert 'not in %s:' % expected in shell.stderr, shell.stderr


def self_test(commands, build):
    """Every change of the expected output must be reported."""
    global PATIENCE  # pylint: disable=global-statement
    PATIENCE = 1
    check_folder()
    changed = 0
    for i, (command, expected) in enumerate(commands):
        for line in expected.splitlines():
            if compared(line) in ('', compared(line + 'x')):
                continue
            changed += 1
            wrong = commands[:i] + [[command, expected.replace(line, line + 'x')]]
            assert run(wrong, build) is not None, 'not reported: ' + line
    assert changed > 0
    print('%d changes were reported' % changed)


def main():
    arguments = sys.argv[1:]
    mode = arguments.pop(0) if arguments[0] == '--self-test' else None
    commands = commands_of(arguments[0])
    assert commands, 'no commands in ' + arguments[0]
    build = os.path.abspath(arguments[1])
    if mode:
        self_test(commands, build)
        return 0
    complaint = run(commands, build)
    print(complaint or '%d commands' % len(commands))
    return 1 if complaint else 0


if __name__ == '__main__':
    sys.exit(main())
