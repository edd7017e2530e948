# SPDX-License-Identifier: MIT
# Written after vcpkg's documentation; not built yet. The archive's place and its SHA512 are the
# release's.
vcpkg_from_github(
  OUT_SOURCE_PATH SOURCE_PATH
  REPO libraft/libraft
  REF "v${VERSION}"
  SHA512 0
  HEAD_REF main)
vcpkg_configure_meson(SOURCE_PATH "${SOURCE_PATH}" OPTIONS -Dman=disabled)
vcpkg_install_meson()
vcpkg_fixup_pkgconfig()
vcpkg_cmake_config_fixup(PACKAGE_NAME raft-core CONFIG_PATH lib/cmake/raft-core)
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
