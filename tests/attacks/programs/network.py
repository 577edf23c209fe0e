"""Category 4: talking to anybody."""

from __future__ import annotations

from tests.attacks.attack import Attack

_PROGRAMS = {
    "tcp": "import socket; socket.create_connection(('127.0.0.1', @PORT@)).send(b'x')",
    "tcp-not-blocking": (
        "import socket; s = socket.socket(); s.setblocking(False); s.connect_ex(('127.0.0.1', @PORT@))"
    ),
    "tcp-other-loopback-name": "import socket; socket.create_connection(('127.0.0.2', @PORT@))",
    "tcp-any-address": "import socket; socket.create_connection(('0.0.0.0', @PORT@))",
    "tcp-from-version-6": (
        "import socket; s = socket.socket(socket.AF_INET6); s.connect(('::ffff:127.0.0.1', @PORT@))"
    ),
    "tcp-fast-open": (
        "import socket; s = socket.socket(); s.sendto(b'x', 0x20000000, ('127.0.0.1', @PORT@))"
    ),
    "tcp-in-c": (
        "import ctypes, struct; c = ctypes.CDLL(None); s = c.socket(2, 1, 0); "
        "c.connect(s, struct.pack('<HH4B8x', 2, ((@PORT@ & 255) << 8) | (@PORT@ >> 8), 127, 0, 0, 1), 16)"
    ),
    "tcp-raw-call": (
        "import ctypes, struct; c = ctypes.CDLL(None); s = c.syscall(41, 2, 1, 0); "
        "c.syscall(42, s, struct.pack('<HH4B8x', 2, ((@PORT@ & 255) << 8) | (@PORT@ >> 8), 127, 0, 0, 1), 16)"
    ),
    "multipath-tcp": (
        "import ctypes, struct; c = ctypes.CDLL(None); s = c.socket(2, 1, 262); "
        "c.connect(s, struct.pack('<HH4B8x', 2, ((@PORT@ & 255) << 8) | (@PORT@ >> 8), 127, 0, 0, 1), 16)"
    ),
    "http": "import urllib.request; urllib.request.urlopen('http://127.0.0.1:@PORT@/', timeout=0.2)",
    "asyncio": "import asyncio; asyncio.run(asyncio.open_connection('127.0.0.1', @PORT@))",
    "in-a-thread": (
        "import socket, threading; t = threading.Thread(target=socket.create_connection, "
        "args=(('127.0.0.1', @PORT@),)); t.start(); t.join()"
    ),
    "in-a-child": (
        "import os, socket\n    if os.fork() == 0:\n        socket.create_connection(('127.0.0.1', @PORT@))\n"
        "        os._exit(0)\n    os.wait()"
    ),
    "by-shell": (
        "import subprocess; "
        "subprocess.run(['bash', '-c', 'echo x > /dev/tcp/127.0.0.1/@PORT@'], stderr=subprocess.DEVNULL)"
    ),
    "by-other-python": (
        "import os, subprocess; subprocess.run([os.readlink('/proc/self/exe'), '-c', "
        "'import socket; socket.create_connection((\"127.0.0.1\", @PORT@))'], stderr=subprocess.DEVNULL)"
    ),
    "udp": "import socket; socket.socket(2, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', @UDP@))",
    "udp-broadcast": (
        "import socket; s = socket.socket(2, socket.SOCK_DGRAM); s.setsockopt(1, 6, 1); "
        "s.sendto(b'x', ('127.255.255.255', @UDP@))"
    ),
    "udp-in-c": (
        "import ctypes, struct; c = ctypes.CDLL(None); s = c.socket(2, 2, 0); "
        "c.sendto(s, b'x', 1, 0, struct.pack('<HH4B8x', 2, ((@UDP@ & 255) << 8) | (@UDP@ >> 8), 127, 0, 0, 1), 16)"
    ),
    "log-handler": (
        "import logging, logging.handlers; "
        "logging.handlers.DatagramHandler('127.0.0.1', @UDP@).emit(logging.makeLogRecord({}))"
    ),
    "name-look-up": "import socket; socket.getaddrinfo('127.0.0.1.nip.io', @PORT@)",
    "unix": "import socket; socket.socket(socket.AF_UNIX).connect('@UNIX@')",
    "unix-through-a-link": (
        "import os, socket; os.symlink('@UNIX@', 's'); socket.socket(socket.AF_UNIX).connect('s')"
    ),
    "unix-in-tmp": "import socket; socket.socket(socket.AF_UNIX).connect('/tmp/shared.sock')",
    "unix-datagram": (
        "import socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'x', '@UNIX_DATAGRAM@')"
    ),
    "unix-through-proc": ("import socket; socket.socket(socket.AF_UNIX).connect('/proc/@JUDGE@/root@UNIX@')"),
    "abstract": "import socket; socket.socket(socket.AF_UNIX).connect('\\0@ABSTRACT@')",
    "abstract-datagram": (
        "import socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'x', '\\0@ABSTRACT@-datagram')"
    ),
    "abstract-in-c": (
        "import ctypes; c = ctypes.CDLL(None); s = c.socket(1, 1, 0); "
        "a = b'\\1\\0\\0@ABSTRACT@'; c.connect(s, a, len(a))"
    ),
    "abstract-by-socket-pair": (
        "import socket; a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM); "
        "a.sendto(b'x', '\\0@ABSTRACT@-datagram')"
    ),
    "inherited-sockets": (
        "import socket\n    for n in range(3, 200):\n"
        "        try:\n            s = socket.socket(fileno=n)\n"
        "            s.send(b'x')\n        except (OSError, ValueError): pass"
    ),
    "inherited-sockets-to-others": (
        "import os, socket\n    for n in range(3, 100):\n"
        "        for to in ('\\0@ABSTRACT@-datagram', '@UNIX_DATAGRAM@'):\n"
        "            try: socket.socket(fileno=os.dup(n)).sendto(b'x', to)\n"
        "            except (OSError, ValueError): pass"
    ),
    "multiprocessing-client": (
        "from multiprocessing.connection import Client; Client('@UNIX@', family='AF_UNIX')"
    ),
    "named-pipe": ("import os; os.write(os.open('@FIFO@', os.O_WRONLY | os.O_NONBLOCK), b'x')"),
}

_CLAIMS = {
    "netlink": "socket.socket(16, 3, 0)",
    "packet": "socket.socket(17, 3, 0)",
    "raw-icmp": "socket.socket(2, 3, 1)",
    "ping-socket": "socket.socket(2, 2, 1)",
    "virtual-machine-socket": "socket.socket(40, 1, 0)",
    "kernel-crypto": "socket.socket(38, 5, 0)",
    "bluetooth": "socket.socket(31, 1, 3)",
    "can-bus": "socket.socket(29, 3, 1)",
    "routed-tcp": "(s := socket.socket()).connect_ex(('192.0.2.1', 80)) in (0, 110, 115)",
}

_LISTENERS = {
    "tcp": "s = socket.socket(); s.setsockopt(1, 2, 1); s.bind(('0.0.0.0', @LISTEN@)); s.listen()",
    "tcp-version-6": "s = socket.socket(socket.AF_INET6); s.bind(('::', @LISTEN@)); s.listen()",
    "http-server": (
        "import http.server, threading; s = http.server.HTTPServer(('', @LISTEN@), None); "
        "threading.Thread(target=s.serve_forever, daemon=True).start()"
    ),
    "abstract": "s = socket.socket(socket.AF_UNIX); s.bind('\\0@ABSTRACT@-mine'); s.listen()",
}


def attacks() -> list[Attack]:
    """Return the attacks of this category."""
    made = [
        Attack(
            id=f"send-{name}",
            category=4,
            program=f"def f(x):\n    {deed}\n    return x + 1\n",
            guarantee="G6",
            wants="successor",
            right=True,
        )
        for name, deed in _PROGRAMS.items()
    ]
    made += [
        Attack(
            id=f"socket-{name}",
            category=4,
            program=f"import socket\ndef f(x):\n    return '@CLAIM@' if ({test}) else 0\n",
            guarantee="G6",
        )
        for name, test in _CLAIMS.items()
    ]
    made += [
        Attack(
            id=f"listen-{name}",
            category=4,
            program=f"import socket, time\ndef f(x):\n    {deed}\n    time.sleep(0.3)\n    return x + 1\n",
            guarantee="G6",
            wants="successor",
            right=True,
            listens=True,
        )
        for name, deed in _LISTENERS.items()
    ]
    made.append(
        Attack(
            id="send-tcp-as-script",
            category=4,
            program="import socket\nsocket.create_connection(('127.0.0.1', @PORT@))\nprint(int(input()) + 1)\n",
            way="stdio",
            guarantee="G6",
            wants="successor",
            right=True,
        )
    )
    made.append(
        Attack(
            id="send-tcp-at-import-of-check",
            category=4,
            program=(
                "import socket\nsocket.create_connection(('127.0.0.1', @PORT@))\n"
                "def f(x):\n    return x + 1\n"
            ),
            way="check",
            guarantee="G6",
            wants="successor",
            right=True,
        )
    )
    return made
