// A shared object that is no module.
// SPDX-License-Identifier: Apache-2.0
extern "C" __attribute__((visibility("default"))) int answer() {
    return 42;
}
