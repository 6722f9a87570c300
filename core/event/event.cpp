// Placeholder until the layer is written.
// SPDX-License-Identifier: Apache-2.0
