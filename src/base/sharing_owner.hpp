/* SPDX-License-Identifier: MIT */
/* SharingOwner<T, tag>: two owners in the memory of one. */
#pragma once

#include "base/invariant.hpp"
#include "base/owner.hpp"

#include <cstdint>

namespace libraft {

/* A pointer of which the lowest bit is free for a tag. */
class TaggedPointer {
protected:
    uintptr_t bits() const { return bits_; }
    void set(uintptr_t bits) { bits_ = bits; }

private:
    uintptr_t bits_;
};

/* An owner that shares its pointer with another one, because at most one of the two owns an object
 * at any time. Both are members of one union. The tag, 0 or 1, says whose the pointer is. The
 * struct around the union calls reset() of both when it is destroyed. (Only the functions of the
 * common base access the pointer: for the compiler both owners access the same object.) */
template <class T, uintptr_t kTag>
class SharingOwner : TaggedPointer {
public:
    SharingOwner() = default;
    SharingOwner(const SharingOwner &) = delete;
    SharingOwner &operator=(const SharingOwner &) = delete;
    SharingOwner &operator=(Owner<T> &&other) noexcept {
        reset(other.take());
        return *this;
    }

    explicit operator bool() const { return (bits() & 1U) == kTag && (kTag != 0 || bits() != 0); }
    T *get() { return *this ? object() : nullptr; }
    const T *get() const { return const_cast<SharingOwner *>(this)->get(); }
    T *operator->() { return object(); }
    const T *operator->() const { return const_cast<SharingOwner *>(this)->object(); }
    T &operator*() { return *object(); }
    const T &operator*() const { return *const_cast<SharingOwner *>(this)->object(); }

    [[nodiscard]] T *take() {
        T *taken = get();
        if (taken != nullptr) {
            set(0);
        }
        return taken;
    }
    /* The other owner must own nothing if `object` is not NULL. */
    void reset(T *object = nullptr) {
        const Owner<T> old(take());
        if (object != nullptr) {
            INVARIANT(bits() == 0);
            set(reinterpret_cast<uintptr_t>(object) + kTag);
        }
    }

private:
    T *object() {
        INVARIANT(bool{*this});
        return reinterpret_cast<T *>(bits() - kTag);
    }
};

} // namespace libraft
