# SPDX-License-Identifier: MIT
"""Commands in blocks of shell: the syntax, and that programs, files, options, suites and targets
that they name exist."""
import os
import re
import shlex
import subprocess

# Programs of others. What they are given is not judged, but for meson and ninja; files are.
EXTERNAL = {'apt-get', 'ar', 'base64', 'c++', 'cc', 'cd', 'chmod', 'cmake', 'cp', 'echo', 'find',
            'gdb', 'git', 'head', 'kill', 'ldconfig', 'man', 'meson', 'mkdir', 'nc', 'ninja',
            'node', 'npm', 'pkg-config', 'python3', 'redis-cli', 'rm', 'seq', 'sleep', 'tail',
            'wait'}
BEFORE = {'sudo', 'do', 'then', 'else', '!', 'time', 'exec', 'nice'}  # a command follows
NO_COMMAND = {'for', 'done', 'fi', 'while', 'if', 'case', 'esac'}
SEPARATORS = {';', '&', '&&', '||', '|', '(', ')', ';;'}
SUBSTITUTION = re.compile(r'\$\(([^()]*)\)')
MESON_OPTIONS = {'-C', '--cross-file', '--suite', '--setup', '--reconfigure', '--wipe'}


def commands(text):
    """The commands of a script as lists of words."""
    text = text.replace('\\\n', ' ')
    while SUBSTITUTION.search(text):
        inner = SUBSTITUTION.search(text)
        yield from commands(inner[1])
        text = text[:inner.start()] + 'SUBSTITUTED' + text[inner.end():]
    for line in text.splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = []
        for word in [*lexer, ';']:
            if word not in SEPARATORS:
                words.append(word)
                continue
            while words and (words[0] in BEFORE or re.match(r'\w+=', words[0])):
                words.pop(0)
            if words and words[0] not in NO_COMMAND:
                yield words
            words = []


class Shell:
    """Judges scripts against a tree and its build directory."""

    def __init__(self, built):
        self.built = built
        self.folders = {name for name in os.listdir(built.root)
                        if os.path.isdir(os.path.join(built.root, name))} - {'build'}
        self.names = {os.path.basename(path): path for path in built.programs}

    def complaints(self, text):
        done = subprocess.run(['bash', '-n'], input=text, text=True, stderr=subprocess.PIPE,
                              check=False)
        if done.returncode != 0 or done.stderr:
            return ['not the syntax of a shell: ' + done.stderr.strip()]
        return [complaint for words in commands(text) for complaint in self.judge(words)]

    def judge(self, words):
        program, arguments = words[0], words[1:]
        for word in arguments:
            yield from self.judge_path(word)
        if program in EXTERNAL:
            if program in ('meson', 'ninja'):
                yield from getattr(self, program)(arguments)
            if program != 'python3' or not arguments:
                return
            program, arguments = arguments[0], arguments[1:]
            if not os.path.exists(os.path.join(self.built.root, program)):
                return # judge_path() reports it
        text = self.text_of(program)
        if text is None:
            yield f'`{program}` is no program of the tree, of the build, or of others'
        else:
            yield from self.judge_arguments(program, arguments, text)

    def judge_path(self, word):
        path = word.split('=')[-1]
        full = os.path.join(self.built.root, path)
        if path.split('/')[0] in self.folders and '/' in path and \
                path not in self.built.programs and not os.path.exists(full):
            yield f'there is no `{path}`'

    def text_of(self, program):
        """The text in which a program's options are; None: there is no such program."""
        built = self.built
        path = self.names.get(program.removeprefix('./'))
        if program.startswith('build/'): # a build directory is `build` itself, or a folder in it
            places = [program.split('/', 1)[1], program.split('/', 2)[-1]]
            path = next((place for place in places if place in built.programs), None)
        folders = {os.path.dirname(source) for source in built.programs.get(path, [])}
        if os.path.isdir(os.path.join(built.root, 'apps', program)): # also where it is not built
            folders.add(os.path.join('apps', program))
        if folders:
            return '\n'.join(built.read(os.path.join(folder, name)) for folder in folders
                             for name in sorted(os.listdir(os.path.join(built.root, folder))))
        full = os.path.join(built.root, program)
        if not os.path.isfile(full):
            return None
        # With the scripts that it names.
        text = built.read(program)
        named = set(re.findall(r'[\w./-]+\.(?:py|sh|js)\b', text))
        for name in named:
            for place in (name, name.lstrip('/'), os.path.join(os.path.dirname(program), name)):
                text += built.read(place)
        return text

    @staticmethod
    def judge_arguments(program, arguments, text):
        after_option = False
        for word in arguments:
            option = word.split('=')[0]
            if re.match(r'-', word):
                if not re.search(r'(?<![\w-])' + re.escape(option) + r'(?![\w-])', text):
                    yield f'`{program}` has no option `{option}`'
            elif not after_option and re.fullmatch(r'[a-z]+', word):
                if not re.search(r'\b' + word + r'\b', text):
                    yield f'`{program}` does not know `{word}`'
            after_option = word.startswith('-')

    def meson(self, arguments):
        for place, word in enumerate(arguments):
            option = re.match(r'(?:-D|--)([\w.]+)=', word)
            following = arguments[place + 1] if place + 1 < len(arguments) else ''
            if option and option[1] not in self.built.options:
                yield f'Meson has no option `{option[1]}` here'
            elif word == '--suite' and following not in self.built.suites:
                yield f'no test has the suite `{following}`'
            elif word == '--setup' and \
                    f"add_test_setup('{following}'" not in self.built.read('tests/meson.build'):
                yield f'there is no setup `{following}`'
            elif word.startswith('-') and not option and word not in MESON_OPTIONS:
                yield f'the option `{word}` of Meson is not known to this check'

    def ninja(self, arguments):
        for place, word in enumerate(arguments):
            if not word.startswith('-') and not (place and arguments[place - 1] == '-C') and \
                    word not in self.built.programs and word not in ('docs', 'install', 'test'):
                yield f'there is no target `{word}`'
