/* SPDX-License-Identifier: MIT */
/* Everything that can be seen of a raft, as text: two rafts that render alike
 * cannot be told apart through the API. */
#pragma once

#include <string>

#include "raft.h"

namespace story {

/* The answers of all accessors, for every index and every ID that could matter. */
std::string digest(struct raft *r);

std::string render(const raft_message &m);
std::string render(const raft_update &u);
std::string flag_names(unsigned flags);

} // namespace story
