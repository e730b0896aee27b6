"""Green threads: the only file that names eventlet, and the only one that picks os-ken's hub.

Everything that waits (for a socket, a timer, another green thread) goes through here.  Green threads switch only where
they wait, so code that does not wait reads and changes shared objects without a lock.
"""

from __future__ import annotations

import functools
import heapq
import logging
import os
import signal
import socket
import ssl
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any, TypeAlias, TypeVar, cast

# os-ken's default hub is native threads, under which a peer that hangs up is never reported; ryu reads RYU_HUB_TYPE.
os.environ["OSKEN_HUB_TYPE"] = "eventlet"
os.environ["RYU_HUB_TYPE"] = "eventlet"
# eventlet's resolver would read the machine's DNS settings at import, and Tenet listens on addresses only
os.environ.setdefault("EVENTLET_NO_GREENDNS", "yes")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # eventlet announces its retirement at every import
    import eventlet
    import eventlet.event
    import eventlet.green.socket
    import eventlet.green.ssl
    import eventlet.greenio
    import eventlet.hubs
    import eventlet.patcher
    import eventlet.queue
    import eventlet.semaphore
    import eventlet.timeout
    import eventlet.tpool
    import eventlet.wsgi

if not hasattr(eventlet.wsgi, "ALREADY_HANDLED"):
    eventlet.wsgi.ALREADY_HANDLED = object()  # ryu 4.34 imports the name; eventlet dropped it in 0.30.3

log = logging.getLogger("tenet.hub")

PART = 2_000  # items that are sorted in one go
AGAIN = 1.0  # seconds until a failed loop begins anew

T = TypeVar("T")
GreenThread: TypeAlias = Any  # eventlet has no types
GreenSocket: TypeAlias = Any
Queue = eventlet.queue.LightQueue
QueueEmpty = eventlet.queue.Empty
Semaphore = eventlet.semaphore.Semaphore
Timeout = eventlet.timeout.Timeout
spawn = eventlet.spawn
spawn_after = eventlet.spawn_after
sleep = eventlet.sleep
# eventlet's default, SO_REUSEPORT, lets a second process take the same port unnoticed
listen = functools.partial(eventlet.listen, backlog=1024, reuse_port=False)
connect = eventlet.connect
serve_wsgi = eventlet.wsgi.server
HttpProtocol: Any = eventlet.wsgi.HttpProtocol
HttpBody: Any = eventlet.wsgi.Input  # of a request: reads no further than its length, and asks for it to be sent
in_thread = eventlet.tpool.execute  # runs a blocking call in an OS thread; only the calling green thread waits
original = eventlet.patcher.original
loop = eventlet.hubs.get_hub  # of this OS thread; its `greenlet` is what runs when no green thread does


def patch() -> None:
    """Make the standard library's blocking calls green.  Call once, first, in a process that runs the hub."""
    eventlet.monkey_patch()


def datagrams(peer: tuple[str, int]) -> GreenSocket:
    """Datagram socket to one peer, from a port that the system draws.  Raises OSError."""
    family = socket.AF_INET6 if ":" in peer[0] else socket.AF_INET
    made = eventlet.green.socket.socket(family, socket.SOCK_DGRAM)
    try:
        made.connect(peer)
    except OSError:
        made.close()
        raise
    return made


def stream(peer: tuple[str, int]) -> GreenSocket:
    """Connection to a peer.  Raises OSError."""
    return connect(peer, socket.AF_INET6 if ":" in peer[0] else socket.AF_INET)


def read_whole(sock: GreenSocket, count: int) -> bytes:
    """So many bytes of a stream.  Raises OSError, also where it ends before."""
    found = b""
    while len(found) < count:
        part = sock.recv(count - len(found))
        if not part:
            raise ConnectionResetError("the server has closed the connection")
        found += part
    return found


def serve_tls(sock: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
    """TLS server socket over an accepted green socket, before its `do_handshake`."""
    green = eventlet.green.ssl.GreenSSLSocket
    return cast(ssl.SSLSocket, green(sock, server_side=True, do_handshake_on_connect=False, _context=context))


def send_now(sock: Any, data: bytes) -> int:
    """How many bytes the socket takes without a wait; 0 over TLS, where a write may have to read first."""
    if isinstance(sock, ssl.SSLSocket):
        return 0
    try:
        return int(sock.fd.send(data))
    except BlockingIOError:
        return 0


restarts: Counter[str] = Counter()  # name of a background loop -> how often it raised and was begun anew


def keep(run: Callable[..., None], *arguments: object) -> GreenThread:
    """Supervised background loop: `run` in a green thread; an exception is logged, counted in `restarts`, and `run`
    begins anew after AGAIN seconds.  It ends when `run` returns.
    """
    name = run.__qualname__

    def again() -> None:
        while True:
            try:
                return run(*arguments)
            except Exception:
                restarts[name] += 1
                log.critical("background loop %s failed (%d times so far); it starts again in %g s",
                             name, restarts[name], AGAIN, exc_info=True)  # fmt: skip
                sleep(AGAIN)

    return spawn(again)


class Turns:
    """Turns of other green threads during long work that does not wait: `give` one between any two steps of it."""

    __slots__ = ("_due", "_seconds")

    def __init__(self, seconds: float) -> None:
        """`seconds`: of work between two turns."""
        self._seconds = seconds
        self._due = time.monotonic() + seconds

    def give(self) -> None:
        """Let others run if the last turn is long enough ago; values read before may be outdated afterwards."""
        if time.monotonic() > self._due:
            sleep(0)
            self._due = time.monotonic() + self._seconds


def taking_turns(steps: Iterable[T], seconds: float) -> Iterator[T]:
    """Iterate over steps of long work, with a turn for other green threads after every `seconds` of it."""
    clock = time.monotonic
    due = clock() + seconds
    for step in steps:
        yield step
        if clock() > due:
            sleep(0)
            due = clock() + seconds


def sorted_in_turns(items: Sequence[T], key: Callable[[T], Any], seconds: float, *, reverse: bool = False) -> list[T]:
    """As `sorted`, stable, with turns for others: of many items, parts are sorted and then merged."""
    if len(items) <= PART:
        return sorted(items, key=key, reverse=reverse)
    keyed = [(key(item), item) for item in taking_turns(items, seconds)]  # each read once, as it may change meanwhile
    starts = taking_turns(range(0, len(keyed), PART), seconds)
    parts = [sorted(keyed[start : start + PART], key=itemgetter(0), reverse=reverse) for start in starts]
    merged = heapq.merge(*parts, key=itemgetter(0), reverse=reverse)
    return [item for _, item in taking_turns(merged, seconds)]


def kill(thread: GreenThread) -> None:
    """End a green thread at its next wait; nothing if it has ended."""
    thread.kill()


def wait_for_signal(numbers: Iterable[int]) -> None:
    """Wait until the process is sent one of these signals.  Call once, in the main thread."""
    awaited = frozenset(numbers)
    told, tell = socket.socketpair()
    with told, tell:
        # a handler runs between two instructions, while the hub sleeps on: only input wakes it, and the interpreter
        # writes that itself, where the patched os.write would try to wait inside the hub
        signal.set_wakeup_fd(tell.fileno(), warn_on_full_buffer=False)
        for number in awaited:
            signal.signal(number, lambda *_: None)
        while told.recv(1)[0] not in awaited:  # receives every signal handled in the process
            pass
        signal.set_wakeup_fd(-1)


class Signal:
    """Level-triggered event for any number of waiters, until `clear`.  Costs nothing while nobody waits."""

    __slots__ = ("_event", "_set")

    def __init__(self) -> None:
        self._event: Any = None  # of those that wait
        self._set = False

    def set(self) -> None:
        self._set = True
        self.pulse()

    def clear(self) -> None:
        self._set = False

    def pulse(self) -> None:
        """Wake whoever waits now, and stay as it is."""
        if self._event is not None:
            event, self._event = self._event, None
            event.send(True)

    def is_set(self) -> bool:
        return self._set

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until set, even if cleared meanwhile; False when `timeout` (seconds) passed first."""
        if self._set:
            return True
        if self._event is None:
            self._event = eventlet.event.Event()
        return self._event.wait(timeout) is True


def receive(sock: Any, most: int, *, empty: bool) -> bytes:
    """As `recv`; `empty`: nothing was left when it was last read, so that it is not tried before there is more."""
    if empty and type(sock) is eventlet.greenio.GreenSocket and sock.gettimeout() is None:
        eventlet.hubs.trampoline(sock.fd, read=True)
    return cast(bytes, sock.recv(most))
