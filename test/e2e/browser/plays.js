// What the page does: the step that the test asks for, one after the other, and reports how it went.
// SPDX-License-Identifier: Apache-2.0
"use strict";

const given = new URLSearchParams(location.search);
const phone = new Phone(given.get("url"), given.get("user"), given.get("domain"));

const STEPS = {
  connect: async () => ({ protocol: await phone.connect() }),
  refused: () => phone.connect().then(() => ({ connected: true }), () => ({ connected: false })),
  register: () => phone.register(600),
  unregister: () => phone.register(0),
  async call(user) {
    phone.dialog = await phone.call(user);
    return { status: phone.dialog.status, rang: phone.dialog.rang };
  },
  async takeCall() {
    phone.dialog = await phone.takeCall();
    return { status: phone.dialog.status };
  },
  hangUp: async () => ({ status: await phone.hangUp(phone.dialog) }),
  isHungUp: async () => (await phone.isHungUp(), {}),
  async close() {
    phone.socket.close(1000, "done");
    return { code: await phone.closed };
  },
};

async function ask(path, body) {
  const answer = await fetch(path, { method: "POST", body: JSON.stringify(body) });
  return answer.json();
}

(async () => {
  let report = { step: "load", agent: navigator.userAgent };
  for (;;) {
    const { step, argument } = await ask("report", report);
    if (!step) return;
    report = { step, received: [] };
    try {
      Object.assign(report, await STEPS[step](argument));
    } catch (error) {
      report.error = String(error && error.stack || error);
    }
    report.received = phone.received.splice(0);
  }
})();
