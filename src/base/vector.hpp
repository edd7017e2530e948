/* SPDX-License-Identifier: MIT */
/* A growable array that reports failure instead of throwing. Only reserve() allocates, so that
 * push_back() cannot fail. */
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <type_traits>

namespace libraft {

/* N elements live inside the object before anything is allocated. */
template <class T, uint32_t N = 0>
class Vector {
    static_assert(std::is_trivially_copyable_v<T>);

public:
    Vector() = default;
    Vector(const Vector &) = delete;
    Vector &operator=(const Vector &) = delete;
    ~Vector() {
        if (capacity_ > N) {
            free(heap_);
        }
    }

    [[nodiscard]] bool reserve(uint64_t capacity) {
        return capacity <= capacity_ || grow(capacity);
    }

    /* A bit for the owner, which would take a word anywhere else. */
    bool mark() const { return mark_ != 0; }
    void set_mark(bool mark) { mark_ = mark; }

    /* Give memory back, if there is much of it and less than a quarter is used. If that fails,
     * nothing changes. */
    void shrink() {
        constexpr uint64_t kLittle = 4096; /* bytes */
        if (uint64_t{capacity_} * sizeof(T) > kLittle && size_ < capacity_ / 4) {
            (void)move(size_);
        }
    }

    /* Give back all memory that is not used. If that fails, nothing changes. */
    void shrink_to_fit() {
        if (capacity_ > std::max(size_, N)) {
            (void)move(size_);
        }
    }

    void push_back(const T &value) {
        expect(size_ < capacity_);
        data()[size_++] = value;
    }
    void truncate(uint32_t size) {
        expect(size <= size_);
        size_ = size;
    }
    void erase_front(uint32_t n) {
        expect(n <= size_);
        memmove(data(), data() + n, (size_ - n) * sizeof(T));
        size_ -= n;
    }
    void swap(Vector &other) requires(N == 0) {
        T *heap = heap_;
        uint32_t size = size_;
        const uint32_t capacity = capacity_;
        heap_ = other.heap_;
        size_ = other.size_;
        capacity_ = other.capacity_;
        other.heap_ = heap;
        other.size_ = size;
        other.capacity_ = capacity & INT32_MAX;
    }

    T *data() {
        if constexpr (N == 0) {
            return heap_;
        } else {
            return capacity_ > N ? heap_ : reinterpret_cast<T *>(inline_);
        }
    }
    const T *data() const { return const_cast<Vector *>(this)->data(); }
    T &operator[](uint32_t i) {
        expect(i < size_);
        return data()[i];
    }
    const T &operator[](uint32_t i) const { return const_cast<Vector &>(*this)[i]; }
    T &back() { return (*this)[size_ - 1]; }
    const T &back() const { return (*this)[size_ - 1]; }
    uint32_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    T *begin() { return data(); }
    T *end() { return data() + size_; }
    const T *begin() const { return data(); }
    const T *end() const { return data() + size_; }

private:
    /* Bounds are checked in the builds that check invariants. */
    static void expect([[maybe_unused]] bool condition) {
#ifdef RAFT_INVARIANTS
        if (!condition) {
            __builtin_trap();
        }
#endif
    }
    [[nodiscard]] bool grow(uint64_t capacity) {
        uint64_t grown = uint64_t{capacity_} * 2;
        if (grown < capacity) {
            grown = capacity;
        }
        /* unreachable: more than 2^31 elements, or 2^32 bytes where size_t has 32 bits */
        if (grown > INT32_MAX || grown > SIZE_MAX / sizeof(T)) {
            return false;
        }
        return move(static_cast<uint32_t>(grown));
    }
    /* Move the elements to memory for `capacity` of them, inside the object if they fit there. */
    [[nodiscard]] bool move(uint32_t capacity) {
        T *allocated = capacity_ > N ? heap_ : nullptr;
        if (capacity > N) {
            auto *memory = static_cast<T *>(malloc(size_t{capacity} * sizeof(T)));
            if (memory == nullptr) {
                return false;
            }
            /* The object's own memory overlaps the pointer: copy in this order. */
            if (size_ > 0) {
                memcpy(memory, data(), size_ * sizeof(T));
            }
            heap_ = memory;
        } else if (N == 0) {
            heap_ = nullptr;
        } else {
            memcpy(inline_, heap_, size_ * sizeof(T)); /* fewer elements: it is allocated */
        }
        capacity_ = std::max(capacity, N) & INT32_MAX;
        free(allocated);
        return true;
    }

    union {
        T *heap_ = nullptr;
        alignas(T) unsigned char inline_[N > 0 ? N * sizeof(T) : 1];
    };
    uint32_t size_ = 0;
    uint32_t capacity_ : 31 = N;
    uint32_t mark_ : 1 = 0;
};

} // namespace libraft
