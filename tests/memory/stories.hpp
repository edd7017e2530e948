/* SPDX-License-Identifier: MIT */
/* Together they reach every event, every path that allocates and every error code. */
#pragma once

namespace trial {

void setting();
void founding();
void following();
void installing();
void restarting();
void campaigning();
void leading();
void changing_members();
void changing_jointly();

void refusing_starts();
void refusing_messages();
void refusing_requests();
void refusing_changes();
void refusing_at_limits();

} // namespace trial
