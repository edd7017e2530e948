/* SPDX-License-Identifier: MIT */
/* Memory that fails in a step, if the input says so. The linker leads allocations through here. */
#pragma once

namespace fuzz::starving {

/* The k-th allocation from now on fails, once. */
void arm(unsigned k);
/* No more. Did it? */
bool disarm();

} // namespace fuzz::starving
