// The module's counters, under the names of both eras (docs/transactions.md).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/api/shm.h"

namespace fairlead::tm {

struct Counts {
    shm::Counter received_replies, relayed_replies, local_replies, sent_replies, absorbed_replies;
    shm::Counter uas_transactions, uac_transactions;
    shm::Counter class_2xx, class_3xx, class_4xx, class_5xx, class_6xx;
    shm::Counter created, freed, waiting, done_waiting;
    shm::Counter refused, memory_failures, delayed_free, recovered, forgotten;
    shm::Counter stray_replies;
    shm::Counter retransmissions_received, retransmissions_sent;
    shm::Counter uac_lost;
    shm::Counter suspended, unsuspended;
    shm::Counter failovers, udp_returns;

    void final_sent(int code) const noexcept {
        switch (code / 100) {
            case 2: return class_2xx.add();
            case 3: return class_3xx.add();
            case 4: return class_4xx.add();
            case 5: return class_5xx.add();
            case 6: return class_6xx.add();
            default: return;
        }
    }
};

}  // namespace fairlead::tm
