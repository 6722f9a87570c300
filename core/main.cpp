// The server's entry point.
// SPDX-License-Identifier: Apache-2.0
#include "core/server/server.h"

int main(int argc, char** argv) {
    return fairlead::server::run(argc, argv);
}
