# SPDX-License-Identifier: MIT
"""Sphinx configuration of the libraft documentation; run by tools/docs."""

import logging
import os
import re
import sys
import warnings

from sphinx.util.nodes import make_refnode

HERE = os.path.dirname(os.path.abspath(__file__))


def version_of_the_project():
    """The version in meson.build, so that it is written in one place."""
    with open(os.path.join(HERE, "..", "meson.build"), encoding="utf-8") as file:
        return re.search(r"version: '([^']+)'", file.read()).group(1)


project = "libraft"
copyright = "the libraft authors"  # pylint: disable=redefined-builtin
release = version_of_the_project()
version = ".".join(release.split(".")[:2])

sys.path.insert(0, os.path.join(HERE, "reference"))
extensions = ["breathe", "error_list", "function_pages"]
# Breathe of Debian 13 uses what a later Sphinx will not have.
warnings.filterwarnings("ignore", message="Sphinx 9 will drop support", module="breathe")
breathe_projects = {"raft": os.environ.get("RAFT_DOXYGEN_XML", "")}
breathe_default_project = "raft"
breathe_domain_by_extension = {"h": "c"}

primary_domain = "c"
highlight_language = "c"
nitpicky = True
nitpick_ignore = [("c:identifier", "size_t")]  # the C library's, no page here

html_theme = "furo"
html_title = "libraft " + release
sys.path.append(HERE)
extensions += ["doxygen_groups", "readme_table", "site_theme", "source_map"]
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_search_scorer = os.path.join(HERE, "_static", "scorer.js")
html_copy_source = False
html_show_sphinx = False

# Pictures of runs of the library, which tools/pictures has drawn.
sys.path.append(os.path.join(HERE, "pictures"))
extensions.append("picture")
pictures_folder = os.environ.get("RAFT_PICTURES", "")


class TagsAreNotFunctions(logging.Filter):
    """Silence one false alarm: C keeps tags and functions in separate name
    spaces (`enum raft_state` and `raft_state()`), Sphinx's C domain does not."""

    names = ("raft_state",)

    def filter(self, record):
        message = record.getMessage()
        if "Duplicate C declaration" not in message:
            return True
        declared = [name for name in self.names
                    if re.search(r"c:(function|enum|struct):: .*\b%s\b" % name, message)]
        return not declared


def find_enumerator(app, env, node, contnode):
    """Resolve :c:enumerator:`RAFT_START`, which Sphinx's C domain knows only as
    `raft_event_type.RAFT_START`."""
    if node.get("refdomain") != "c" or node.get("reftype") != "enumerator":
        return None
    suffix = "." + node["reftarget"]
    for name, _, kind, page, anchor, _ in env.get_domain("c").get_objects():
        if kind == "enumerator" and name.endswith(suffix):
            return make_refnode(app.builder, node["refdoc"], page, anchor, contnode)
    return None


def setup(app):
    logging.getLogger("sphinx.sphinx.domains.c").addFilter(TagsAreNotFunctions())
    app.connect("missing-reference", find_enumerator)
