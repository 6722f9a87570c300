# SPDX-License-Identifier: Apache-2.0
"""A machine that stands still for a while, as virtual ones do, and what to make of a test with real
processes then: everybody sends again what was not lost, buffers overflow, and agents give up."""
import os
import threading
import time

TICK = 0.02
MOST = 0.25  # half of T1 (RFC 3261 17.1.1.1): behind that messages may be sent again
TRIES = 5


class Watch:
    """Looks at every processor while a `with` block runs; `longest` is the longest time in seconds
    for which one of them ran nobody who wanted to."""

    def __init__(self):
        self.longest, self.ends = 0.0, threading.Event()
        self.threads = [threading.Thread(target=self.look, args=(cpu,), daemon=True)
                        for cpu in os.sched_getaffinity(0)]

    @property
    def went_on(self):
        """The machine did not stand still until now."""
        return self.longest < MOST

    def look(self, cpu):
        os.sched_setaffinity(0, {cpu})  # of this thread only
        before = time.monotonic()
        while not self.ends.wait(TICK):
            now = time.monotonic()
            self.longest = max(self.longest, now - before - TICK)
            before = now

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ends.set()
        for thread in self.threads:
            thread.join()


def patiently(play):
    """Plays it; again when it failed while the machine stood still, TRIES times at most. A failure on a
    machine that did not is one at once."""
    for attempt in range(1, TRIES + 1):
        with Watch() as watch:
            try:
                return play()
            except Exception as failure:  # pylint: disable=broad-exception-caught
                if attempt == TRIES or watch.went_on:
                    raise
                print(f"again: the machine stood still for {watch.longest:.2f} s: {failure}"[:2000])
    return None
