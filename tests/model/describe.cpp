/* SPDX-License-Identifier: MIT */
/* How a state was reached, in words. */
#include "search.hpp"

#include "../observe/fields.hpp"

namespace model {

std::string Search::describe(const Action &action) const {
    const std::string server = "server " + std::to_string(action.server + 1);
    switch (action.kind) {
        case Kind::kTimeout:
            return server + ": timeout";
        case Kind::kPatience:
            return server + ": an election timeout passes without a message";
        case Kind::kPersist:
            return server + ": a write is durable";
        case Kind::kCrash:
            return server + ": crash and restart, writes kept: " + std::to_string(action.argument);
        case Kind::kSubmit:
            return server + ": submit";
        case Kind::kChange:
            return server + ": change the membership";
        case Kind::kTransfer:
            return server + ": transfer to " + std::to_string(action.argument);
        case Kind::kRead:
            return server + ": read " + std::to_string(action.argument);
        case Kind::kSnapshot:
            return server + ": takes a snapshot";
        case Kind::kSent:
            return server + ": the last entry did not leave for " + std::to_string(action.argument);
        case Kind::kUnreachable:
            return server + ": cannot reach " + std::to_string(action.argument);
        case Kind::kCampaign:
            return server + ": is told to campaign";
        case Kind::kSetting:
            return server + (action.argument == 0   ? ": changes its settings"
                             : action.argument == 1 ? ": may not sleep any more"
                                                    : ": never leads any more");
        case Kind::kWake:
            return server + ": is told to wake up";
        case Kind::kAdvance:
            return server + ": " + std::to_string(action.argument) + " ms pass";
        case Kind::kWipe:
            return server + ": crash, and restart without " +
                   (action.argument != 0 ? "its log" : "its last entry");
        case Kind::kLose:
            return "servers are lost for good: set " + std::to_string(action.argument);
        case Kind::kRecover:
            return server + ": all survivors stopped, writes " + (action.keep ? "kept" : "lost") +
                   "; recovered with voters " + std::to_string(action.argument);
        default:
            break;
    }
    const Packet &packet = nodes_.packet(action.argument);
    const char *fate = action.loss   ? ": message lost: "
                       : action.keep ? ": receives, and will again: "
                                     : ": receives: ";
    return server + fate + "from server " + std::to_string(packet.from) + " " +
           observe::recorded(packet.message, observe::Payloads::kPlaces).text();
}

std::string Search::path() const {
    std::vector<Action> actions;
    for (uint32_t number = static_cast<uint32_t>(reached_.size()) - 1; number != 0;
         number = reached_[number].parent) {
        actions.push_back(reached_[number].action);
    }
    std::string text;
    for (size_t i = actions.size(); i > 0; i--) {
        text += "  " + describe(actions[i - 1]) + "\n";
    }
    return text;
}

} // namespace model
