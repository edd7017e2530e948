/* SPDX-License-Identifier: MIT */
#include "catch.hpp"
#include "base/owner.hpp"

namespace {

struct First {
    int value;
};
struct Second {
    int value;
};
int firsts = 0;
int seconds = 0;

void release(First *first) {
    firsts--;
    delete first;
}
void release(Second *second) {
    seconds--;
    delete second;
}
First *new_first(int value) {
    firsts++;
    return new First{value};
}
Second *new_second(int value) {
    seconds++;
    return new Second{value};
}

struct Pair {
    Pair() {}
    ~Pair() {
        first.reset();
        second.reset();
    }
    union {
        libraft::SharingOwner<First, 0> first{};
        libraft::SharingOwner<Second, 1> second;
    };
};

} // namespace

TEST_CASE("owner: of two owners that share a pointer, one at most owns an object") {
    {
        Pair p;
        static_assert(sizeof p == sizeof(void *));
        REQUIRE_FALSE(p.first);
        REQUIRE_FALSE(p.second);
        REQUIRE(p.first.get() == nullptr);
        REQUIRE(p.second.get() == nullptr);

        p.first.reset(new_first(7));
        REQUIRE(p.first);
        REQUIRE(p.first->value == 7);
        REQUIRE_FALSE(p.second);
        REQUIRE(p.second.get() == nullptr);
        p.second.reset(); /* does not touch the other's object */
        REQUIRE(p.second.take() == nullptr);
        REQUIRE((*p.first).value == 7);
        p.first.reset();
        REQUIRE(firsts == 0);

        p.second = libraft::Owner<Second>(new_second(8));
        REQUIRE(p.second);
        REQUIRE(p.second->value == 8);
        REQUIRE(p.second.get()->value == 8);
        REQUIRE_FALSE(p.first);
        p.first.reset();
        REQUIRE(p.first.take() == nullptr);
        const libraft::Owner<Second> taken(p.second.take());
        REQUIRE(taken->value == 8);
        REQUIRE_FALSE(p.second);

        p.first = libraft::Owner<First>(new_first(9));
        p.first.reset(new_first(10)); /* replaces it */
        REQUIRE(firsts == 1);
        REQUIRE(p.first->value == 10);
    }
    REQUIRE(firsts == 0);
    REQUIRE(seconds == 0);
}
