/* SPDX-License-Identifier: MIT */
/* Checks the codec against docs/reference/wire-vectors.txt: each vector decodes to its fields and
 * is encoded as its bytes. Bytes that are cut off, added or changed are refused, or they are the
 * encoding of another message; none is read beyond the end. */
#include "check.h"

#include <string.h>

enum { BYTES_MAX = 256, TYPES = RAFT_TIMEOUT_NOW + 1, CHANGES = 20000 };

static const unsigned char newest[TYPES] = {0, 2, 3, 2, 2, 1, 0};

struct vector {
    char title[BYTES_MAX];
    unsigned char bytes[BYTES_MAX];
    size_t len;
    struct text fields;
    bool decode_only;
    bool malformed;
};

/* --- reading the file ---------------------------------------------------- */

static void add_hex(struct vector *v, const char *hex) {
    for (; *hex != '\0'; hex += hex[0] == ' ' ? 1 : 2) {
        if (*hex != ' ') {
            char digits[3] = {hex[0], hex[1], '\0'};
            char *end;
            CHECK(v->len < BYTES_MAX);
            v->bytes[v->len++] = (unsigned char)strtoul(digits, &end, 16);
            CHECK(end == digits + 2);
        }
    }
}

/* Read up to a blank line. False: the file has ended. */
static bool read_vector(FILE *file, struct vector *v) {
    char line[BYTES_MAX];
    memset(v, 0, sizeof *v);
    while (fgets(line, sizeof line, file) != NULL) {
        size_t len = strcspn(line, "\n");
        CHECK(line[len] == '\n');
        line[len] = '\0';
        if (len == 0 && v->len > 0) {
            return true;
        }
        if (line[0] == '#') {
            memcpy(v->title, line, len + 1);
        } else if (strncmp(line, "bytes ", 6) == 0) {
            add_hex(v, line + 6);
        } else if (strcmp(line, "decode-only") == 0) {
            v->decode_only = true;
        } else if (strcmp(line, "malformed") == 0) {
            v->malformed = true;
        } else if (len > 0) {
            text_add(&v->fields, "%s\n", line);
        }
    }
    return v->len > 0;
}

/* --- bytes that are not the vector's ------------------------------------- */

static bool is_known(const unsigned char *bytes) {
    unsigned type = bytes[5];
    return type > 0 && type < TYPES && bytes[6] <= newest[type];
}

static void check_refused(const unsigned char *bytes, size_t len) {
    struct wire_message m;
    memset(&m, 0xa5, sizeof m);
    CHECK(decode_guarded(bytes, len, &m) == WIRE_MALFORMED);
    CHECK(m.memory == NULL && m.message.server_address == NULL && m.message.type == 0);
    wire_free(&m);
}

/* Any bytes: if they are a message, reading it is safe, and it is encoded as these bytes. */
static bool check_any(const unsigned char *bytes, size_t len) {
    struct wire_message m;
    int rv = decode_guarded(bytes, len, &m);
    CHECK(rv == 0 || rv == WIRE_MALFORMED);
    CHECK((rv == 0) == (m.memory != NULL));
    if (rv == 0) {
        struct text fields = {.len = 0};
        list_fields(&fields, &m.message);
        if (is_known(bytes)) {
            check_encoding(&m.message, bytes, len);
        }
    }
    wire_free(&m);
    return rv == 0;
}

static void check_lengths(const struct vector *v) {
    unsigned char bytes[BYTES_MAX + 1];
    memcpy(bytes, v->bytes, v->len);
    bytes[v->len] = 0;
    for (size_t len = 0; len < v->len; len++) {
        check_refused(bytes, len);
    }
    check_refused(bytes, v->len + 1);
    for (size_t len = 4; len <= v->len + 1 && is_known(v->bytes); len++) {
        store_length(bytes, len);
        if (len != v->len) {
            check_refused(bytes, len);
        }
    }
}

/* Returns how many changed messages were accepted. */
static unsigned check_changes(const struct vector *v) {
    static const unsigned char edges[] = {0, 1, 2, 0x7f, 0x80, 0xfe, 0xff};
    unsigned char bytes[BYTES_MAX];
    unsigned accepted = 0;
    for (size_t i = 0; i < v->len; i++) {
        for (unsigned value = 0; value < 256; value++) {
            memcpy(bytes, v->bytes, v->len);
            bytes[i] = (unsigned char)value;
            accepted += check_any(bytes, v->len);
        }
    }
    for (unsigned n = 0; n < CHANGES; n++) {
        memcpy(bytes, v->bytes, v->len);
        size_t len = random_below(4) > 0 ? v->len : 4 + random_below((unsigned)v->len - 3);
        for (unsigned i = 0; i < 1 + n % 4; i++) {
            unsigned char value = (unsigned char)random_below(256);
            bytes[random_below((unsigned)v->len)] =
                n % 2 == 0 ? edges[value % sizeof edges] : value;
        }
        store_length(bytes, len);
        accepted += check_any(bytes, len);
    }
    return accepted;
}

/* --- the vectors --------------------------------------------------------- */

static void check_vector(const struct vector *v) {
    if (v->malformed) {
        CHECK(v->fields.len == 0);
        check_refused(v->bytes, v->len);
        return;
    }
    struct wire_message m;
    struct text fields = {.len = 0};
    CHECK(wire_length(v->bytes, v->len) == v->len);
    CHECK(decode_guarded(v->bytes, v->len, &m) == 0);
    list_fields(&fields, &m.message);
    if (strcmp(fields.chars, v->fields.chars) != 0) {
        fprintf(stderr, "expected:\n%s\ndecoded:\n%s", v->fields.chars, fields.chars);
        exit(1);
    }
    CHECK(is_known(v->bytes) == !v->decode_only);
    if (!v->decode_only) {
        check_encoding(&m.message, v->bytes, v->len);
    }
    wire_free(&m);
}

int main(int argc, char **argv) {
    static struct vector v;
    bool seen[TYPES][256] = {{false}};
    unsigned n = 0, n_malformed = 0, accepted = 0;
    CHECK(argc == 2);
    FILE *file = fopen(argv[1], "r");
    CHECK(file != NULL);
    while (read_vector(file, &v)) {
        fprintf(stderr, "%s\n", v.title);
        check_vector(&v);
        if (!v.malformed) {
            check_lengths(&v);
        }
        accepted += check_changes(&v);
        n++;
        n_malformed += v.malformed;
        if (!v.malformed && is_known(v.bytes)) {
            seen[v.bytes[5]][v.bytes[6]] = true;
        }
    }
    fclose(file);
    for (unsigned type = 1; type < TYPES; type++) {
        for (unsigned version = 0; version <= newest[type]; version++) {
            CHECK(seen[type][version]);
        }
    }
    CHECK(n_malformed > 0 && accepted > 0);
    printf("%u vectors, %u of them malformed; %u changed messages were accepted\n", n, n_malformed,
           accepted);
    return 0;
}
