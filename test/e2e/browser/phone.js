// A user agent in a browser: SIP over WebSocket (RFC 7118), as much as a test of a server needs.
// SPDX-License-Identifier: Apache-2.0
"use strict";

const token = () => Math.random().toString(36).slice(2, 12);

/** A SIP message: start line, header fields in order, body. */
class Message {
  constructor(start, fields = [], body = "") {
    this.start = start;
    this.fields = fields;
    this.body = body;
  }

  static parse(text) {
    const end = text.indexOf("\r\n\r\n");
    const [start, ...lines] = text.slice(0, end).split("\r\n");
    const fields = lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
    });
    return new Message(start, fields, text.slice(end + 4));
  }

  all(name) {
    return this.fields.filter(([n]) => n.toLowerCase() === name.toLowerCase()).map(([, v]) => v);
  }

  get(name) {
    return this.all(name)[0] || "";
  }

  get status() {
    return this.start.startsWith("SIP/2.0 ") ? Number(this.start.split(" ")[1]) : 0;
  }

  get method() {
    return this.get("CSeq").split(" ")[1];
  }

  get branch() {
    return /;branch=([^;,\s]+)/.exec(this.get("Via"))[1];
  }

  toString() {
    const type = this.body ? [["Content-Type", "application/sdp"]] : [];
    const length = new TextEncoder().encode(this.body).length;
    const lines = [...this.fields, ...type, ["Content-Length", length]].map((f) => f.join(": "));
    return [this.start, ...lines].join("\r\n") + "\r\n\r\n" + this.body;
  }
}

/** What a browser says of its media. Nothing is gathered or sent: no local description is set. */
async function sessionDescription() {
  const peer = new RTCPeerConnection();
  peer.addTransceiver("audio");
  const offer = await peer.createOffer();
  peer.close();
  return offer.sdp;
}

const uriOf = (contact) => (/<([^>]*)>/.exec(contact) || [null, contact])[1];

/** One connection, one user. All that came is in `received`, as text. */
class Phone {
  constructor(url, user, domain) {
    this.url = url;
    this.protocol = url.startsWith("wss:") ? "WSS" : "WS";
    this.user = user;
    this.domain = domain;
    this.host = token() + ".invalid"; // RFC 7118 5.1: a browser does not know its address
    this.received = [];
    this.unread = [];
    this.wanted = null;
  }

  /** Resolves with the sub-protocol that the server took. */
  connect() {
    return new Promise((resolve, reject) => {
      this.socket = new WebSocket(this.url, "sip");
      this.socket.onopen = () => resolve(this.socket.protocol);
      this.socket.onerror = () => reject(new Error("no connection"));
      this.socket.onmessage = (event) => this.take(event.data);
      this.closed = new Promise((done) => {
        this.socket.onclose = (event) => done(event.code);
      });
    });
  }

  take(text) {
    this.received.push(text);
    this.unread.push(Message.parse(text));
    if (this.wanted) this.wanted();
  }

  /** The next unread message for which `isIt` holds; others are passed over. */
  async expect(isIt) {
    for (;;) {
      while (this.unread.length) {
        const message = this.unread.shift();
        if (isIt(message)) return message;
      }
      await new Promise((resolve) => {
        this.wanted = resolve;
      });
    }
  }

  request(method) {
    return this.expect((m) => m.start.startsWith(method + " "));
  }

  /** The next final reply to a request; provisional ones are put into `passed`. */
  async final(request, passed = []) {
    const isIts = (m) => m.status && m.branch === request.branch && m.method === request.method;
    for (;;) {
      const reply = await this.expect(isIts);
      if (reply.status >= 200) return reply;
      passed.push(reply.status);
    }
  }

  send(message) {
    this.socket.send(message.toString());
    return message;
  }

  get contact() {
    return `<sip:${this.user}@${this.host};transport=ws>`;
  }

  /** A request of a dialog, or outside of any. */
  make(method, dialog, more = [], body = "") {
    const fields = [
      ["Via", `SIP/2.0/${this.protocol} ${this.host};branch=z9hG4bK${token()}`],
      ["Max-Forwards", 70],
      ...dialog.routes.map((route) => ["Route", route]),
      ["From", dialog.from],
      ["To", dialog.to],
      ["Call-ID", dialog.id],
      ["CSeq", `${dialog.number} ${method}`],
      ...more,
    ];
    return this.send(new Message(`${method} ${dialog.uri} SIP/2.0`, fields, body));
  }

  answer(request, status, reason, tag, more = [], body = "") {
    const kept = ["via", "from", "to", "call-id", "cseq", "record-route"];
    const fields = request.fields.filter(([name]) => kept.includes(name.toLowerCase()))
      .map(([name, value]) => [name, name.toLowerCase() === "to" && !value.includes(";tag=")
        ? `${value};tag=${tag}` : value]);
    this.send(new Message(`SIP/2.0 ${status} ${reason}`, [...fields, ...more], body));
  }

  // ---- what a user does

  async register(expires) {
    const me = `<sip:${this.user}@${this.domain}>`;
    this.registration = this.registration || {
      uri: `sip:${this.domain}`, from: `${me};tag=${token()}`, to: me, id: token(), number: 0,
      routes: [],
    };
    this.registration.number += 1;
    const reply = await this.final(this.make("REGISTER", this.registration,
      [["Contact", this.contact], ["Expires", expires]]));
    return { status: reply.status, contacts: reply.all("Contact") };
  }

  /** Calls somebody until the call is answered: the dialog, with what came before the answer. */
  async call(user) {
    const dialog = {
      uri: `sip:${user}@${this.domain}`, from: `<sip:${this.user}@${this.domain}>;tag=${token()}`,
      to: `<sip:${user}@${this.domain}>`, id: token(), number: 1, routes: [], rang: [],
    };
    const invite = this.make("INVITE", dialog, [["Contact", this.contact]],
      await sessionDescription());
    const reply = await this.final(invite, dialog.rang);
    dialog.status = reply.status;
    if (reply.status >= 300) return dialog;
    dialog.to = reply.get("To");
    dialog.uri = uriOf(reply.get("Contact"));
    dialog.routes = reply.all("Record-Route").flatMap((v) => v.split(",")).reverse();
    this.make("ACK", dialog);
    return dialog;
  }

  /** Answers the next call: the dialog, when the caller has confirmed it. */
  async takeCall() {
    const invite = await this.request("INVITE");
    const tag = token();
    this.answer(invite, 180, "Ringing", tag);
    this.answer(invite, 200, "OK", tag, [["Contact", this.contact]], await sessionDescription());
    await this.request("ACK");
    return {
      uri: uriOf(invite.get("Contact")), from: `${invite.get("To")};tag=${tag}`,
      to: invite.get("From"), id: invite.get("Call-ID"), number: 1, status: 200,
      routes: invite.all("Record-Route").flatMap((v) => v.split(",")),
    };
  }

  async hangUp(dialog) {
    dialog.number += 1;
    return (await this.final(this.make("BYE", dialog))).status;
  }

  /** Waits until the other party hangs up. */
  async isHungUp() {
    const bye = await this.request("BYE");
    this.answer(bye, 200, "OK", "");
  }
}
