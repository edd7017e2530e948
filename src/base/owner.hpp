/* SPDX-License-Identifier: MIT */
/* Owner<T>: the one owner of an object that came from malloc(). The overload of release(T *)
 * next to T says how it is given back. */
#pragma once

#include <cstdint>
#include <cstdlib>

namespace libraft {

inline void release(char *text) { free(text); }

template <class T>
class Owner {
public:
    Owner() = default;
    explicit Owner(T *object) : object_(object) {}
    Owner(const Owner &) = delete;
    Owner &operator=(const Owner &) = delete;
    Owner(Owner &&other) noexcept : object_(other.take()) {}
    Owner &operator=(Owner &&other) noexcept {
        reset(other.take());
        return *this;
    }
    ~Owner() { reset(); }

    /* What a constant owner owns is constant, too. */
    T *get() { return object_; }
    const T *get() const { return object_; }
    T *operator->() { return object_; }
    const T *operator->() const { return object_; }
    T &operator*() { return *object_; }
    const T &operator*() const { return *object_; }
    explicit operator bool() const { return object_ != nullptr; }

    /* Give the object up to the caller. */
    [[nodiscard]] T *take() {
        T *taken = object_;
        object_ = nullptr;
        return taken;
    }
    void reset(T *object = nullptr) {
        T *old = object_;
        object_ = object;
        if (old != nullptr) {
            release(old);
        }
    }

private:
    T *object_ = nullptr;
};

/* A pointer of which the lowest bit is free for a tag. */
class TaggedPointer {
protected:
    uintptr_t bits() const { return bits_; }
    void set(uintptr_t bits) { bits_ = bits; }

private:
    uintptr_t bits_ = 0;
};

/* An owner that shares its pointer with another one, because at most one of the two owns an object
 * at any time. Both are members of one union. The tag, 0 or 1, says whose the pointer is. The
 * struct around the union calls reset() of both when it is destroyed, and checks in its invariants
 * whose the pointer is. (Only the functions of the common base access the pointer: for the compiler
 * both owners access the same object.) */
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
            set(reinterpret_cast<uintptr_t>(object) + kTag);
        }
    }

private:
    T *object() { return reinterpret_cast<T *>(bits() - kTag); }
};

} // namespace libraft
