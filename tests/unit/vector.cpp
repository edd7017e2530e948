/* SPDX-License-Identifier: MIT */
#include "catch.hpp"
#include "base/random.hpp"
#include "base/vector.hpp"

#include <deque>

using libraft::Random;
using libraft::Vector;

namespace {

template <uint32_t N>
void compare_with_model() {
    Random random(N + 1);
    Vector<uint64_t, N> v;
    std::deque<uint64_t> model;
    for (int i = 0; i < 20000; ++i) {
        switch (random.below(8)) {
            case 0:
                if (!model.empty()) {
                    uint32_t n = random.below(static_cast<uint32_t>(model.size()) + 1);
                    v.erase_front(n);
                    model.erase(model.begin(), model.begin() + n);
                }
                break;
            case 1:
                if (!model.empty()) {
                    uint32_t n = random.below(static_cast<uint32_t>(model.size()) + 1);
                    v.truncate(n);
                    model.resize(n);
                }
                break;
            default:
                REQUIRE(v.reserve(v.size() + uint64_t{1} + random.below(3)));
                v.push_back(static_cast<uint64_t>(i));
                model.push_back(static_cast<uint64_t>(i));
        }
        if (v.size() != model.size() || v.empty() != model.empty() ||
            !std::equal(v.begin(), v.end(), model.begin(), model.end())) {
            FAIL("differs after operation " << i);
        }
        if (!model.empty()) {
            REQUIRE(v.back() == model.back());
            REQUIRE(v[0] == model.front());
        }
    }
}

} // namespace

TEST_CASE("vector: behaves as a deque, with and without inline elements") {
    compare_with_model<0>();
    compare_with_model<1>();
    compare_with_model<3>();
    compare_with_model<64>();
}

TEST_CASE("vector: reserved elements are appended without moving") {
    Vector<int, 2> v;
    REQUIRE(v.reserve(100));
    const int *before = v.data();
    for (int i = 0; i < 100; ++i) {
        v.push_back(i);
    }
    REQUIRE(v.data() == before);
    REQUIRE(v[99] == 99);
}

TEST_CASE("vector: a failed reservation keeps the elements") {
    Vector<uint64_t> v;
    REQUIRE(v.reserve(3));
    v.push_back(7);
    REQUIRE_FALSE(v.reserve(uint64_t{1} << 33));
    REQUIRE_FALSE(v.reserve(UINT64_MAX));
    REQUIRE(v.size() == 1);
    REQUIRE(v[0] == 7);
}

TEST_CASE("vector: swap exchanges elements and capacity") {
    Vector<int> a;
    Vector<int> b;
    REQUIRE(a.reserve(2));
    a.push_back(1);
    a.push_back(2);
    a.swap(b);
    REQUIRE(a.empty());
    REQUIRE(b.size() == 2);
    REQUIRE(b[1] == 2);
}

TEST_CASE("vector: memory is given back if there is much of it and little is used") {
    const auto fill = [](auto &v, uint32_t n) {
        REQUIRE(v.reserve(n));
        while (v.size() < n) {
            v.push_back(v.size());
        }
    };
    const auto check = [](const auto &v, uint32_t n) {
        REQUIRE(v.size() == n);
        for (uint32_t i = 0; i < n; i++) {
            REQUIRE(v[i] == i);
        }
    };
    Vector<uint64_t> v;
    Vector<uint64_t, 3> w;
    for (uint32_t left : {0, 1, 3, 4, 249}) {
        fill(v, 1000);
        fill(w, 1000);
        const uint64_t *data = v.data();
        v.truncate(250);
        v.shrink();
        REQUIRE(v.data() == data); /* a quarter is used */
        v.truncate(left);
        w.truncate(left);
        v.shrink();
        w.shrink();
        check(v, left);
        check(w, left);
        REQUIRE((v.data() == nullptr) == (left == 0));
        const auto *inside = reinterpret_cast<const unsigned char *>(w.data());
        const auto *object = reinterpret_cast<const unsigned char *>(&w);
        REQUIRE((inside >= object && inside < object + sizeof w) == (left <= 3));
        fill(v, 1000);
        fill(w, 1000);
        check(v, 1000);
        check(w, 1000);
    }
    Vector<uint64_t> little;
    REQUIRE(little.reserve(512)); /* 4 kB */
    const uint64_t *data = little.data();
    little.shrink();
    REQUIRE(little.data() == data);
}

TEST_CASE("vector: all memory that is not used can be given back") {
    Vector<uint64_t> v;
    Vector<uint64_t, 2> w;
    for (uint32_t left : {0, 1, 2, 3, 10}) {
        REQUIRE(v.reserve(10));
        REQUIRE(w.reserve(10));
        while (v.size() < 10) {
            v.push_back(v.size());
        }
        while (w.size() < 10) {
            w.push_back(w.size());
        }
        v.truncate(left);
        w.truncate(left);
        const uint64_t *data = v.data();
        v.shrink_to_fit();
        w.shrink_to_fit();
        REQUIRE((v.data() == nullptr) == (left == 0));
        REQUIRE((left != 10 || v.data() == data)); /* there is nothing to give back */
        REQUIRE(v.size() == left);
        REQUIRE(w.size() == left);
        for (uint32_t i = 0; i < left; i++) {
            REQUIRE(v[i] == i);
            REQUIRE(w[i] == i);
        }
    }
}
