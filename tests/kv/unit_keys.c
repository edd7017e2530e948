/* SPDX-License-Identifier: MIT */
/* Unit tests of what SCAN and KEYS use, patterns and positions, and of malformed commands. */
#include "data.h"
#include "glob.h"
#include "limits.h"
#include "position.h"
#include "unit.h"

static bool matches(const char *pattern, const char *text) {
    size_t work = 0;
    bool match = glob_match(pattern, strlen(pattern), text, strlen(text), &work);
    CHECK(work <= (strlen(pattern) + 1) * (strlen(text) + 1));
    return match;
}

static void test_glob_bounds(void) {
    char pattern[400];
    char text[4000];
    size_t work = 0;
    for (size_t i = 0; i < sizeof pattern; i++) { /* "*a*a...*b" matches no run of 'a' */
        pattern[i] = i % 2 == 0 ? '*' : 'a';
    }
    pattern[sizeof pattern - 1] = 'b';
    memset(text, 'a', sizeof text);
    CHECK(!glob_match(pattern, sizeof pattern, text, sizeof text, &work));
    CHECK(work <= sizeof pattern * sizeof text);
    CHECK(glob_match("a\0*", 3, "a\0b", 3, &work) && !glob_match("a\0*", 3, "ab", 2, &work));
}

void test_glob(void) {
    static const char *const yes[][2] = {
        {"", ""},
        {"*", ""},
        {"*", "abc"},
        {"a*c", "abbc"},
        {"a**c", "ac"},
        {"?", "x"},
        {"h?llo", "hello"},
        {"h[ae]llo", "hallo"},
        {"[a-c]", "b"},
        {"[c-a]", "b"},
        {"[^a]", "b"},
        {"\\*", "*"},
        {"[\\]]", "]"},
        {"*ab", "aab"},
        {"*a*b", "xaxb"},
        {"[abc", "c"},
        {"user:*:x", "user:1:2:x"},

        {"a\\", "a\\"},
    };
    static const char *const no[][2] = {
        {"", "a"},
        {"a", ""},
        {"?", ""},
        {"?", "xx"},
        {"a*c", "abcd"},
        {"[a-c]", "d"},
        {"[^a]", "a"},
        {"\\*", "x"},
        {"[]", "a"},
        {"h[^e]llo", "hello"},
        {"*ab", "aba"},
        {"A", "a"},
        {"user:*:x", "user:1:y"},
        {"[a-]", "-"},
    };
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        if (!matches(yes[i][0], yes[i][1])) {
            printf("%s should match %s\n", yes[i][0], yes[i][1]);
            CHECK(false);
        }
    }
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++) {
        if (matches(no[i][0], no[i][1])) {
            printf("%s should not match %s\n", no[i][0], no[i][1]);
            CHECK(false);
        }
    }
    test_glob_bounds();
}

static struct result apply(struct data *d, const struct buf *b) {
    return data_apply(d, d->applied + 1, b->data, b->len);
}

/* Commands of every kind with random numbers and lengths of arguments: entries come from other
 * servers. Those that are malformed change nothing. */
void test_malformed_commands(void) {
    struct store s;
    struct data d;
    unsigned valid = 0;
    unsigned malformed = 0;
    remove_tree(scratch);
    store_open(&s, scratch, "test", 1, 100);
    data_open(&d, &s);
    for (int i = 0; i < 20000; i++) {
        struct buf b = {0};
        unsigned n = (unsigned)rand() % 5;
        buf_put_int(&b, (unsigned)rand() % (OP_END + 2), 1);
        buf_put_int(&b, rand() % 50 == 0 ? 0xffffffff : n, 4);
        for (unsigned k = 0; k < n; k++) {
            static const char *const texts[] = {"k", "5", "NX", "get", ""};
            const char *text = texts[rand() % 5];
            buf_put_int(&b, rand() % 30 == 0 ? (unsigned)rand() : strlen(text), 4);
            buf_put(&b, text, strlen(text));
        }
        size_t before = d.fresh.used;
        size_t bytes = d.fresh.bytes.len;
        struct result r = apply(&d, &b);
        bool bad = r.kind == RESULT_ERROR && strcmp(r.text, "ERR malformed command") == 0;
        CHECK(!bad || (d.fresh.used == before && d.fresh.bytes.len == bytes));
        CHECK(r.kind != RESULT_VALUE || r.len <= MAX_VALUE);
        malformed += bad;
        valid += !bad;
        buf_free(&b);
    }
    CHECK(valid > 2000 && malformed > 2000);
    data_close(&d);
    store_close(&s);
}

/* The positions are part of the format of the database and the same on every server. */
void test_positions(void) {
    uint64_t seen = 0;
    CHECK(position_of("", 0) == 4091505822892386131 && position_of("k", 1) == 8338590661317665100);
    for (unsigned i = 0; i < 1000; i++) {
        char key[16];
        uint64_t position = position_of(key, (size_t)sprintf(key, "key%u", i));
        CHECK(position >= 1 && position <= INT64_MAX);
        seen |= position;
    }
    CHECK(seen == INT64_MAX); /* every bit is used */
}
