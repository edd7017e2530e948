/* SPDX-License-Identifier: MIT */
/* Owner<T>: the one owner of an object that came from malloc(). The overload of release(T *)
 * next to T says how it is given back. */
#pragma once

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

} // namespace libraft
