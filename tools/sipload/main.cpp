// sipload: calls and requests for a SIP server, counted and measured.
// SPDX-License-Identifier: Apache-2.0
#include <csignal>
#include <cstdio>
#include <string>

#include "tools/sipload/options.h"
#include "tools/sipload/run.h"

using namespace fairlead::sipload;

namespace {

int complain(const fairlead::Error& error) {
    std::fputs(("sipload: " + error.str() + "\n").c_str(), stderr);
    return 2;
}

}  // namespace

int main(int argc, char** argv) {
    auto options = read_options(argc, argv);
    if (!options && options.error().code == 0) {
        std::fputs(options.error().text.c_str(), stdout);
        return 0;
    }
    if (!options) return complain(options.error());
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to connections that may be closed
    Run run(*options);
    if (const auto opened = run.open(); !opened) return complain(opened.error());
    if (const auto address = run.uas_address()) {
        std::fputs(("answering on " + address->text() + "\n").c_str(), stderr);
    }
    const Report report = run.go();
    std::fputs((options->json ? report.json() : report.text()).c_str(), stdout);
    const bool ordered = options->ignore_violations || report.violations() == 0;
    return report.failed() == 0 && ordered ? 0 : 1;
}
