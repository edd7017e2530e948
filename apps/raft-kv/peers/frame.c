/* SPDX-License-Identifier: MIT */
#include "frame.h"

#include "limits.h"

size_t frame_begin(struct buf *b) {
    size_t begun = b->len;
    buf_room(b, FRAME_HEAD);
    b->len += FRAME_HEAD;
    return begun;
}

void frame_end(struct buf *b, size_t begun) {
    char *frame = b->data + begun;
    size_t len = b->len - begun - FRAME_HEAD;
    store_le(frame, len, 4);
    store_le(frame + 4, crc32c(0, frame + FRAME_HEAD, len), 4);
}

int frame_length(const char *data, size_t available, size_t *len) {
    *len = 0;
    if (available < FRAME_HEAD) {
        return 0;
    }
    *len = (size_t)load_le(data, 4);
    if (*len == 0 || *len > MAX_FRAME) {
        return -1;
    }
    return available - FRAME_HEAD >= *len;
}

int frame_check(const char *data, size_t available, size_t *len) {
    int whole = frame_length(data, available, len);
    bool wrong = whole == 1 && load_le(data + 4, 4) != crc32c(0, data + FRAME_HEAD, *len);
    return wrong ? -1 : whole;
}
