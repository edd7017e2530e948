/* SPDX-License-Identifier: MIT */
/* Sequences of steps. Together they take every event, every allocation and every error code. */
#pragma once

namespace memory {

void setting();
void founding();
void following();
void installing();
void restarting();
void campaigning();
void leading();
void sending();
void giving_up();
void sleeping();
void changing_members();
void changing_jointly();

void failing_starts();
void failing_messages();
void failing_requests();
void failing_changes();
void failing_unforced();
void failing_at_limits();

} // namespace memory
