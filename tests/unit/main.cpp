/* SPDX-License-Identifier: MIT */
/* The main program of every Catch2 executable, for both versions. */
#define CATCH_CONFIG_RUNNER
#include "catch.hpp"

int main(int argc, char **argv) { return Catch::Session().run(argc, argv); }
