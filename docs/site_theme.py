# SPDX-License-Identifier: MIT
"""A Sphinx extension that mends the theme furo as Debian packages it.

- On Debian 12, the theme's script is a module that is loaded as a plain script. Every page gets
  _static/site.js instead, on Debian 13 too.
- On Debian 12, its style imports a file that no site has. The import is replaced by the file that
  it means, or removed where Debian does not have that file.
- On both, its style has dark colours only for readers who choose them. The same colours are added
  for readers whose system prefers them."""

import os
import re

THEMES_SCRIPT = "scripts/furo.js"
THEMES_STYLE = os.path.join("_static", "styles", "furo.css")
SHARED = "/usr/share"  # what a web server of Debian shows as /javascript is below this folder
IMPORT = re.compile(r"@import url\((/javascript/[^)]+)\);\n?")
DARK = re.compile(r'body\[data-theme="dark"\] \{([^}]*)\}')
PREFERRED = 'body:not([data-theme="light"])'


def filename(script):
    """The path of a script: Sphinx 5 has strings, later versions have objects."""
    return str(getattr(script, "filename", script))


def without_the_themes_script(_app, _pagename, _templatename, context, _doctree):
    context["script_files"] = [script for script in context["script_files"]
                               if not filename(script).endswith(THEMES_SCRIPT)]


def imported(match):
    path = SHARED + match.group(1)
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as file:
        return file.read()


def mended(style):
    """The text of the theme's style without its faults."""
    style = IMPORT.sub(imported, style)
    dark = DARK.search(style)
    if dark and PREFERRED not in style:
        style += ("\n@media not print {\n @media (prefers-color-scheme: dark) {\n  %s {%s}\n }\n}\n"
                  % (PREFERRED, dark.group(1)))
    return style


def mend_style(app, exception):
    path = os.path.join(app.outdir, THEMES_STYLE)
    if exception is not None or not os.path.exists(path):
        return
    with open(path, encoding="utf-8") as file:
        style = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(mended(style))


def setup(app):
    app.connect("html-page-context", without_the_themes_script)
    app.connect("build-finished", mend_style)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
