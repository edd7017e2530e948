# SPDX-License-Identifier: MIT
# Written after Conan 2's documentation; not built yet.
import os

from conan import ConanFile
from conan.tools.files import copy
from conan.tools.meson import Meson, MesonToolchain


class LibraftCore(ConanFile):
    name = "libraft-core"
    version = "1.0.0"
    license = "MIT"
    description = "Raft consensus algorithm as a pure state machine"
    settings = "os", "compiler", "build_type", "arch"
    options = {"shared": [True, False], "fPIC": [True, False]}
    default_options = {"shared": False, "fPIC": True}
    languages = "C++"
    exports_sources = ("meson.build", "meson_options.txt", "LICENSE", "include/*", "src/*", "abi/*",
                       "packaging/*", "docs/*", "bench/*", "tests/*", "apps/*", "examples/*")

    def generate(self):
        toolchain = MesonToolchain(self)
        toolchain.project_options["default_library"] = "shared" if self.options.shared else "static"
        toolchain.project_options["man"] = "disabled"
        toolchain.generate()

    def build(self):
        meson = Meson(self)
        meson.configure()
        meson.build()

    def package(self):
        Meson(self).install()
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))

    def package_info(self):
        self.cpp_info.libs = ["raft-core"]
        self.cpp_info.includedirs = [os.path.join("include", "raft-core")]
        self.cpp_info.set_property("cmake_target_name", "raft-core::raft-core")
        self.cpp_info.set_property("pkg_config_name", "raft-core")
