/* SPDX-License-Identifier: MIT */
/* The one place that knows which Catch2 there is: version 3 or version 2. */
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
