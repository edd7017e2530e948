#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make the playground one page that needs nothing else.

bundle.py SCRIPT WASM OUTPUT    SCRIPT: what esbuild made of page/main.js

The page may run this script and nothing else, and may load nothing: its policy says so."""
import base64
import hashlib
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def replace(text, old, new):
    """Every part is in the page exactly once, else the page has changed and this has not."""
    if text.count(old) != 1:
        sys.exit(f'index.html: {text.count(old)} times: {old}')
    return text.replace(old, new)


def digest(text):
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def bundle(script, wasm):
    page, style = read(f'{HERE}/index.html'), read(f'{HERE}/style.css')
    if '</script' in script or '</style' in style:
        sys.exit('a script or style would end early')
    policy = '; '.join(["default-src 'none'", f"script-src {digest(script)} 'wasm-unsafe-eval'",
                        f"style-src {digest(style)}", 'img-src data:', "base-uri 'none'",
                        "form-action 'none'"])
    page = replace(page, '<meta charset="utf-8">', '<meta charset="utf-8">\n'
                   f'<meta http-equiv="Content-Security-Policy" content="{policy}">')
    page = replace(page, '<link rel="stylesheet" href="style.css">', f'<style>{style}</style>')
    return replace(page, '<script type="module" src="page/main.js"></script>',
                   f'<script type="text/plain" id="wasm">{wasm}</script>\n'
                   f'<script type="module">{script}</script>')


def main():
    script, wasm, output = sys.argv[1:]
    with open(wasm, 'rb') as file:
        page = bundle(read(script), base64.b64encode(file.read()).decode())
    with open(output, 'w', encoding='utf-8') as file:
        file.write(page)


if __name__ == '__main__':
    main()
