# SPDX-License-Identifier: MIT
"""A Sphinx extension for Doxygen 1.9.8 and later, which Debian 13 has: in the XML of a header, the
members of a group are only named. Breathe looks for their declarations there, where Doxygen 1.9.4
wrote them, and does not find them. They are copied from the XML of the group before Breathe reads
it."""

import glob
import os
import xml.etree.ElementTree as xml


def declarations(folder):
    """{id: declaration} of all members of groups."""
    return {member.get("id"): member
            for path in glob.glob(os.path.join(folder, "group__*.xml"))
            for member in xml.parse(path).iter("memberdef")}


def complete(path, found):
    """Replace the names of members in the XML of a file by their declarations."""
    tree = xml.parse(path)
    changed = False
    for section in tree.iter("sectiondef"):
        for place, member in enumerate(list(section)):
            if member.tag == "member" and member.get("refid") in found:
                section[place] = found[member.get("refid")]
                changed = True
    if changed:
        tree.write(path, encoding="UTF-8", xml_declaration=True)


def complete_all(app):
    for folder in app.config.breathe_projects.values():
        found = declarations(folder)
        for path in glob.glob(os.path.join(folder, "*_8h.xml")):
            complete(path, found)


def setup(app):
    app.connect("builder-inited", complete_all, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
