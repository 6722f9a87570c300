# SPDX-License-Identifier: Apache-2.0
"""A mail server for tests: takes mails by SMTP and keeps them."""
import contextlib
import socket
import threading

import fairlead


class MailServer(threading.Thread):
    """Takes one mail after the other until stop(). `letters` are whole when stop() is through."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.commands, self.letters = [], []

    def run(self):
        with contextlib.suppress(OSError):  # stop() has closed the socket
            while True:
                peer, _ = self.socket.accept()
                self.serve(peer)

    def serve(self, peer):
        peer.settimeout(fairlead.DEADLINE)
        with peer, peer.makefile("rw", newline="") as talk:
            def say(line):
                talk.write(line + "\r\n")
                talk.flush()
            say("220 mail.test")
            for line in talk:
                self.commands.append(line.strip())
                if line.startswith("DATA"):
                    say("354 go on")
                    self.letters.append("".join(iter(talk.readline, ".\r\n")))
                say("221 bye" if line.startswith("QUIT") else "250 mail.test")

    def stop(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.join(fairlead.DEADLINE)
        self.socket.close()
