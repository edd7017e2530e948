# SPDX-License-Identifier: MIT
"""What came of a run of tests, and the error that made a command fail.

results.py BUILD [--all MESON]   of the last `meson test` in BUILD, name the tests that failed or
                                 were skipped, with the error of each; the last line is `N passed,
                                 N failed, N skipped`. With --all, a test that is defined but did
                                 not run has failed. Exit 1 if one failed or none passed
results.py --errors LOG          print the error in the output of a command that failed
results.py --self-test           check this program"""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

GROUPS = {'OK': 'passed', 'EXPECTEDFAIL': 'passed', 'SKIP': 'skipped'}
SHOWN = 8  # lines of an error
ALL_SHOWN = 40  # lines of a list of tests that failed

# Where an error begins in an output, the surest sign first. What precedes is rarely needed.
SIGNS = [re.compile(sign) for sign in (
    r'^failed: ',  # as printed by main()
    r'(?<![-\w.])(?:fatal )?error: |undefined reference|multiple definition',  # compiler, linker
    r'ERROR: \w*Sanitizer|WARNING: ThreadSanitizer|runtime error:',
    r'^==\d+== [A-Z]\w.* (?:of size|by)',  # valgrind
    r'^\S+:\d+: FAILED:|^\s*(?:FAILED|failed)\b|\bAssertion .* failed|assertion failed',
    r'^ERROR\b|^E: |^error\b|^not found: |: not reached|: not formatted|\bEXCEEDED$|^\s*stale ',
)]
EXCEPTION = re.compile(r'^(?:[\w.]*(?:Error|Exception|Interrupt|Exit))\b')


def error_in(output):
    """The lines that say why it failed."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    for sign in SIGNS:
        at = [i for i, line in enumerate(lines) if sign.search(line)]
        # Ninja repeats the whole command of what failed; nobody reads that.
        at = [i for i in at if not lines[i].startswith('FAILED: ') or i + 1 == len(lines)]
        if at:
            return lines[at[0]:at[0] + (ALL_SHOWN if sign is SIGNS[0] else SHOWN)]
    for i in range(len(lines) - 1, -1, -1):  # Python's traceback ends with the exception
        if EXCEPTION.match(lines[i]):
            return lines[max(0, i - 2):i + 1]
    return lines[-SHOWN:]


def read_log(build):
    """(name, group, output) of each test in the newest log."""
    logs = glob.glob(os.path.join(build, 'meson-logs', 'testlog*.json'))
    if not logs:
        return
    with open(max(logs, key=os.path.getmtime), encoding='utf-8') as log:
        for line in filter(str.strip, log):
            test = json.loads(line)
            output = test.get('stdout', '') + '\n' + test.get('stderr', '')
            if test['result'] == 'TIMEOUT':
                output += '\nfailed: timed out after %.0f s' % test['duration']
            yield test['name'], GROUPS.get(test['result'], 'failed'), output


def defined_tests(meson, build):
    done = subprocess.run([meson, 'introspect', '--tests', build], check=True, text=True,
                          stdout=subprocess.PIPE)
    return [test['name'] for test in json.loads(done.stdout)]


def report(results, defined):
    """The lines to print, and whether all is well."""
    lines, count = [], {'passed': 0, 'failed': 0, 'skipped': 0}
    for name, group, output in results:
        count[group] += 1
        if group != 'passed':
            lines.append('%s: %s' % (group, name))
            lines += ['    ' + line for line in error_in(output)]
    absent = len(defined) - sum(count.values())
    if absent > 0:
        lines.append('failed: %d tests did not run' % absent)
        count['failed'] += absent
    if not sum(count.values()):
        lines.append('failed: no test ran')
        count['failed'] = 1
    lines.append('%(passed)d passed, %(failed)d failed, %(skipped)d skipped' % count)
    return lines, count['failed'] == 0 and count['passed'] > 0


def self_test():
    ninja = '[3/4] Compiling\nFAILED: x.o\nc++ -Werror -c x.cpp\nx.cpp:3:1: error: no x\n  3 | x;\n'
    assert error_in(ninja)[0] == 'x.cpp:3:1: error: no x'
    catch = 'all of it\n----\nx.cpp:7: FAILED:\n  CHECK( a == b )\nwith expansion:\n  1 == 2\n'
    assert error_in(catch)[:2] == ['x.cpp:7: FAILED:', '  CHECK( a == b )']
    traceback = '1\nTraceback (most recent call last):\n  File "x"\n    f()\nKeyError: 2\n'
    assert error_in(traceback) == ['  File "x"', '    f()', 'KeyError: 2']
    assert error_in('==1==ERROR: AddressSanitizer: heap\n    #0 f\n')[0].endswith('heap')
    assert error_in('budget at most\na 1 2\nb 3 2  EXCEEDED\nc 1 2')[0] == 'b 3 2  EXCEEDED'
    assert error_in('\n'.join(map(str, range(20)))) == [str(n) for n in range(12, 20)]
    assert error_in('no errors here: -Werror=error\nsecond') == ['no errors here: -Werror=error',
                                                               'second']
    assert error_in('') == []

    passed, failed, skipped = ('a', 'passed', ''), ('b', 'failed', 'why'), ('c', 'skipped', 'no x')
    assert report([passed, skipped], []) == (
        ['skipped: c', '    no x', '1 passed, 0 failed, 1 skipped'], True)
    assert report([passed, failed], []) == (
        ['failed: b', '    why', '1 passed, 1 failed, 0 skipped'], False)
    assert report([passed], ['a', 'b'])[0][-1] == '1 passed, 1 failed, 0 skipped'
    assert not report([passed], ['a', 'b'])[1]
    assert report([], [])[0] == ['failed: no test ran', '0 passed, 1 failed, 0 skipped']
    assert not report([skipped], [])[1]

    with tempfile.TemporaryDirectory() as build:
        assert list(read_log(build)) == []
        os.mkdir(os.path.join(build, 'meson-logs'))
        tests = [{'name': 'a', 'result': 'OK', 'duration': 1},
                 {'name': 'b', 'result': 'TIMEOUT', 'duration': 9, 'stdout': 'x'},
                 {'name': 'c', 'result': 'EXPECTEDFAIL', 'duration': 1, 'stderr': 'y'},
                 {'name': 'd', 'result': 'UNEXPECTEDPASS', 'duration': 1}]
        with open(os.path.join(build, 'meson-logs', 'testlog.json'), 'w', encoding='utf-8') as log:
            log.write('\n'.join(map(json.dumps, tests)))
        results = list(read_log(build))
        assert [group for _, group, _ in results] == ['passed', 'failed', 'passed', 'failed']
        assert error_in(results[1][2]) == ['failed: timed out after 9 s']
    print('ok')


def main(arguments):
    if arguments == ['--self-test']:
        self_test()
        return 0
    if arguments[:1] == ['--errors'] and len(arguments) == 2:
        with open(arguments[1], encoding='utf-8', errors='replace') as log:
            print('\n'.join(error_in(log.read())))
        return 0
    if len(arguments) not in (1, 3) or arguments[1:2] not in ([], ['--all']):
        sys.exit(__doc__)
    build = arguments[0]
    defined = defined_tests(arguments[2], build) if len(arguments) == 3 else []
    lines, well = report(read_log(build), defined)
    print('\n'.join(lines))
    return 0 if well else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
