/* SPDX-License-Identifier: MIT */
/* Runs a target on files, without a fuzzer: `replay FILE OR FOLDER...` */
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

namespace {

std::vector<uint8_t> contents(const std::filesystem::path &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

} // namespace

int main(int argc, char **argv) {
    std::vector<std::filesystem::path> files;
    for (int i = 1; i < argc; i++) {
        if (std::filesystem::is_directory(argv[i])) {
            for (const auto &entry : std::filesystem::directory_iterator(argv[i])) {
                files.push_back(entry.path());
            }
        } else {
            files.emplace_back(argv[i]);
        }
    }
    std::sort(files.begin(), files.end());
    for (const auto &path : files) {
        const std::vector<uint8_t> bytes = contents(path);
        printf("%s: %zu bytes\n", path.filename().c_str(), bytes.size());
        fflush(stdout); /* the name is shown before a crash */
        LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    }
    printf("%zu inputs\n", files.size());
    return files.empty(); /* an empty corpus is an error */
}
