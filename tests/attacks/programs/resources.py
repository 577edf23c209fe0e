"""Category 5: taking more than is given. Every bomb here is bounded, so that one that goes off does not take the
machine with it."""

from __future__ import annotations

from tests.attacks.attack import Attack, Way, with_test

_IN_FUNCTION = {
    "loop": "while True: pass",
    "loop-that-swallows": (
        "while True:\n        try:\n            while True: pass\n        except BaseException: pass"
    ),
    "loop-in-c-sum": "return sum(range(10**13))",
    "loop-in-c-power": "return len(str(7 ** (10 ** 8)))",
    "loop-in-c-regular-expression": "import re; return re.match(r'(a+)+$', 'a' * 60 + 'c')",
    "loop-in-c-iterator": "import collections, itertools; collections.deque(itertools.count(), 0)",
    "loop-in-c-contains": "return -1 in iter(int, 1)",
    "loop-in-c-sort": "return sorted([(1,) * 10**6 for _ in range(10**4)])",
    "loop-in-c-integer-text": "import sys; sys.set_int_max_str_digits(0); return int('7' * 10**7)",
    "loop-in-comparison": (
        "class C:\n        def __eq__(self, o):\n            while True: pass\n    return C() == 1"
    ),
    "sleep": "import time; time.sleep(10**6)",
    "sleep-in-c": "import ctypes; ctypes.CDLL(None).sleep(10**6)",
    "select": "import select; select.select([], [], [])",
    "pause": "import signal; signal.pause()",
    "wait-for-signal": "import signal; signal.sigwait(range(1, 64))",
    "wait-for-lock": "import threading; a = threading.Lock(); a.acquire(); a.acquire()",
    "wait-for-thread": (
        "import threading, time; t = threading.Thread(target=time.sleep, args=(10**6,)); t.start(); t.join()"
    ),
    "wait-for-pipe": "import os; r, w = os.pipe(); os.read(r, 1)",
    "wait-for-fifo": "import os; os.mkfifo('p'); open('p')",
    "wait-for-terminal": "open('/dev/tty').read()",
    "wait-for-input": "import sys; sys.stdin.read(); open(0).read(); import time; time.sleep(10**6)",
    "signals-blocked": "import signal; signal.pthread_sigmask(0, range(1, 64))\n    while True: pass",
    "signals-ignored": (
        "import signal\n    for n in range(1, 64):\n        try: signal.signal(n, signal.SIG_IGN)\n"
        "        except OSError: pass\n    while True: pass"
    ),
    "timers-switched-off": (
        "import signal\n    for n in (0, 1, 2): signal.setitimer(n, 0)\n    signal.alarm(0)\n    while True: pass"
    ),
    "timer-from-a-thread": (
        "import signal, threading\n    def off():\n        import ctypes\n        c = ctypes.CDLL(None)\n"
        "        while True: c.alarm(0)\n    threading.Thread(target=off, daemon=True).start()\n"
        "    while True: pass"
    ),
    "handler-that-loops": (
        "import signal\n    def h(*a):\n        while True: pass\n"
        "    for n in (14, 15, 24, 26, 27): signal.signal(n, h)\n    signal.raise_signal(14)"
    ),
    "processor-time-signal-ignored": (
        "import signal\n    signal.signal(signal.SIGXCPU, signal.SIG_IGN)\n    while True: pass"
    ),
    "stops-itself": "import os; os.kill(os.getpid(), 19)",
    "stops-itself-from-a-child": (
        "import os, time\n    p = os.getpid()\n    if os.fork() == 0:\n        while True: os.kill(p, 19)\n"
        "    time.sleep(100)"
    ),
    "asynchronous-loop": (
        "import asyncio\n    async def g():\n        while True: await asyncio.sleep(0)\n    asyncio.run(g())"
    ),
    "generator-that-never-ends": "import itertools; return list(itertools.repeat(0, 10**10))",
    "recursion": "import sys; sys.setrecursionlimit(10**6); g = lambda n: g(n + 1); g(0)",
    "recursion-in-c": (
        "import sys; sys.setrecursionlimit(10**7)\n    class A:\n        def __repr__(self): return repr(self)\n"
        "    repr(A())"
    ),
    "deep-syntax": "eval('(' * 100 + '1' + ')' * 100 + '+1' * 100000)",
    "stack-of-machine": "import ctypes; ctypes.memset(0, 1, 1)",
    "abort": "import os; os.abort()",
    "illegal-instruction": "import os, signal; os.kill(os.getpid(), signal.SIGILL)",
    "kills-itself": "import os; os.kill(os.getpid(), 9)",
    "kills-parent": "import os; os.kill(os.getppid(), 9)",
    "stops-parent": "import os; os.kill(os.getppid(), 19); import time; time.sleep(0.2)",
    "terminates-parent": "import os; os.kill(os.getppid(), 15); import time; time.sleep(0.2)",
    "interrupts-parent": "import os; os.kill(os.getppid(), 2); import time; time.sleep(0.2)",
    "kills-group": "import os; os.kill(0, 9)",
    "kills-everybody": "import os; os.kill(-1, 9)",
    "stops-everybody": "import os; os.kill(-1, 19); import time; time.sleep(0.2)",
    "terminates-everybody": (
        "import os, signal; signal.signal(15, signal.SIG_IGN); os.kill(-1, 15); import time; time.sleep(0.2)"
    ),
    "kills-judge": "import os; os.kill(@JUDGE@, 9)",
    "kills-victim": "import os; os.kill(@VICTIM@, 9)",
    "stops-victim": "import os; os.kill(@VICTIM@, 19)",
    "kills-victim-raw": "import ctypes; ctypes.CDLL(None).syscall(62, @VICTIM@, 9)",
    "kills-victim-thread": "import ctypes; ctypes.CDLL(None).syscall(234, @VICTIM@, @VICTIM@, 9)",
    "kills-victim-queue": (
        "import ctypes; ctypes.CDLL(None).syscall(129, @VICTIM@, 9, (9).to_bytes(8, 'little') + "
        "b'\\xff' * 4 + bytes(116))"
    ),
    "kills-victim-pidfd": (
        "import ctypes; c = ctypes.CDLL(None); c.syscall(424, c.syscall(434, @VICTIM@, 0), 9, None, 0)"
    ),
    "signals-victim-by-descriptor": (
        "import fcntl, os\n    r, w = os.pipe()\n    fcntl.fcntl(r, fcntl.F_SETOWN, @VICTIM@)\n"
        "    fcntl.fcntl(r, 10, 9)\n    fcntl.fcntl(r, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)\n"
        "    os.write(w, b'x')\n    import time; time.sleep(0.1)"
    ),
    "limits-of-victim": (
        "import resource; resource.prlimit(@VICTIM@, resource.RLIMIT_CPU, (0, 0)); import time; time.sleep(0.1)"
    ),
    "message-that-loops": (
        "class E(Exception):\n        def __str__(self):\n            while True: pass\n    raise E"
    ),
    "message-that-exits": (
        "class E(Exception):\n        def __str__(self): __import__('os')._exit(0)\n    raise E"
    ),
    "huge-message": "raise ValueError('x' * 10**8)",
    "huge-exit-code": "raise SystemExit('x' * 10**8)",
    "endless-cause": (
        "e = None\n    for _ in range(10**5):\n        n = ValueError(); n.__cause__ = e; "
        "n.__context__ = e; e = n\n"
        "    raise e"
    ),
    "huge-group": "raise ExceptionGroup('x', [ValueError()] * 10**6)",
    "deep-group": ("e = ValueError()\n    for _ in range(10**5): e = ExceptionGroup('x', [e])\n    raise e"),
    "huge-class-name": "raise type('x' * 10**7, (Exception,), {})",
    "huge-list": "return [0] * 10**7",
    "huge-text": "return 'x' * 10**8",
    "huge-integer": "return 1 << 10**8",
    "shared-list-doubling": "a = []\n    for _ in range(60): a = [a, a]\n    return a",
    "deep-list": "a = []\n    for _ in range(10**6): a = [a]\n    return a",
    "list-in-itself": "a = []; a.append(a); return a",
    "list-that-grows-while-read": (
        "class L(list):\n        def __iter__(self):\n            while True: yield 1\n    return L([1])"
    ),
    "text-that-explodes": "return '%*d' % (10**9, 1)",
    "representation-that-loops": (
        "class R:\n        def __repr__(self):\n            while True: pass\n    return R()"
    ),
    "many-keys": "return {i: i for i in range(10**6)}",
    "endless-generator-returned": "return (i for i in iter(int, 1))",
    "closes-all-descriptors": "import os; os.closerange(0, 1024); return 1",
    "closes-then-waits": "import os, time; os.closerange(0, 1024); time.sleep(100)",
    "garbage-on-all-descriptors": (
        "import os\n    for n in range(3, 200):\n        try: os.write(n, os.urandom(4000))\n"
        "        except OSError: pass"
    ),
    "half-a-record-on-all-descriptors": (
        "import os, time\n    for n in range(3, 200):\n"
        '        try: os.write(n, b\'{"kind": "result", "index": 0, "value": [\')\n'
        "        except OSError: pass\n    time.sleep(100)"
    ),
    "length-without-record": (
        "import os, time\n    for n in range(3, 200):\n"
        "        try: os.write(n, b'\\xff\\xff\\xff\\x7f' * 2)\n        except OSError: pass\n    time.sleep(100)"
    ),
    "flood-on-all-descriptors": (
        "import os\n    while True:\n        for n in range(3, 60):\n"
        "            try: os.set_blocking(n, False); os.write(n, b'x' * 65536)\n            except OSError: pass"
    ),
    "drop-by-drop-on-all-descriptors": (
        "import os, time\n    while True:\n        time.sleep(0.01)\n        for n in range(3, 60):\n"
        "            try: os.set_blocking(n, False); os.write(n, b'x')\n            except OSError: pass"
    ),
    "redirects-all-descriptors": (
        "import os\n    null = os.open('/dev/null', os.O_RDWR)\n"
        "    for n in range(60):\n        if n != null: os.dup2(null, n)\n    return 1"
    ),
    "standard-input-drained-by-children": (
        "import os, sys\n    for _ in range(5):\n        if os.fork() == 0: sys.stdin.read(); "
        "os._exit(0)\n    os.wait()"
    ),
}

_PAST_LIMITS = {
    # right answers, but only by somebody who got more than the limits of the suite
    "memory-heap": "a = bytearray(1 << 30); a[:: 4096] = b'x' * len(a[:: 4096])",
    "memory-list": "a = [bytearray(b'x') * (1 << 20) for _ in range(1100)]",
    "memory-mapped": (
        "import mmap\n    a = mmap.mmap(-1, 1 << 30)\n    for i in range(0, 1 << 30, 4096): a[i] = 1"
    ),
    "memory-mapped-shared": (
        "import mmap\n    a = [mmap.mmap(-1, 1 << 26, mmap.MAP_SHARED | 0x20) for _ in range(16)]\n"
        "    for b in a: b[:] = bytes(1 << 26)"
    ),
    "memory-in-c": (
        "import ctypes\n    c = ctypes.CDLL(None); c.malloc.restype = ctypes.c_void_p\n"
        "    for _ in range(16): ctypes.memset(c.malloc(1 << 26), 1, 1 << 26)"
    ),
    "memory-file": (
        "import os\n    fd = os.memfd_create('x')\n    for _ in range(100): os.write(fd, bytes(10_000_000))"
    ),
    "memory-files": ("import os\n    for _ in range(100): os.write(os.memfd_create('x'), bytes(10_000_000))"),
    "memory-in-shared-memory-folder": (
        "for i in range(100): open(f'/dev/shm/@MARK@{i}', 'wb').write(bytes(10_000_000))"
    ),
    "memory-system-v": (
        "import ctypes\n    c = ctypes.CDLL(None); c.shmat.restype = ctypes.c_void_p\n"
        "    for _ in range(16):\n        i = c.shmget(0, 1 << 26, 0o1600)\n        if i < 0: raise OSError\n"
        "        ctypes.memset(c.shmat(i, None, 0), 1, 1 << 26); c.shmctl(i, 0, None)"
    ),
    "memory-of-several-children": (
        "import os, time\n    r, w = os.pipe()\n    for _ in range(8):\n        if os.fork() == 0:\n"
        "            a = bytearray(150_000_000); a[:: 4096] = b'x' * len(a[:: 4096]); os.write(w, b'x')\n"
        "            time.sleep(5); os._exit(0)\n    n = 0\n    while n < 8: n += len(os.read(r, 8))"
    ),
    "memory-in-pipes": (
        "import fcntl, os\n    p = [os.pipe() for _ in range(1000)]\n    for r, w in p:\n"
        "        fcntl.fcntl(w, 1031, 1 << 20); os.set_blocking(w, False); os.write(w, bytes(1 << 20))"
    ),
    "processes": (
        "import os, time\n    for _ in range(60):\n        if os.fork() == 0: time.sleep(5); os._exit(0)\n"
        "    time.sleep(0.3)"
    ),
    "processes-detached": (
        "import os, time\n    for _ in range(60):\n        if os.fork() == 0:\n            os.setsid()\n"
        "            if os.fork() == 0: time.sleep(5)\n            os._exit(0)\n    time.sleep(0.3)"
    ),
    "processes-chain": (
        "import os, time\n    for _ in range(60):\n        if os.fork() != 0: break\n"
        "    else: time.sleep(5)\n    time.sleep(0.4)"
    ),
    "threads": (
        "import threading, time\n    for _ in range(100):\n"
        "        threading.Thread(target=time.sleep, args=(0.4,), daemon=True).start()\n    time.sleep(0.3)"
    ),
    "threads-in-c": (
        "import _thread, time\n"
        "    for _ in range(100): _thread.start_new_thread(time.sleep, (5,))\n    time.sleep(0.3)"
    ),
    "descriptors": "import os\n    a = [os.open('/dev/null', 0) for _ in range(60_000)]",
    "file-size": "open('big', 'wb').write(bytes(40_000_000))",
    "file-size-by-truncate": "import os; open('big', 'wb').truncate(1 << 30); os.truncate('big', 1 << 31)",
    "file-size-by-allocation": (
        "import os; fd = os.open('big', os.O_RDWR | os.O_CREAT); os.posix_fallocate(fd, 0, 200_000_000)"
    ),
    "disk": "for i in range(60): open(f'{i}', 'wb').write(bytes(10_000_000))",
    "disk-in-tmp": "for i in range(60): open(f'/tmp/@MARK@{i}', 'wb').write(bytes(10_000_000))",
    "disk-beside-the-scratch-folder": (
        "import os, time\n    os.mkdir('../@MARK@')\n"
        "    for i in range(15): open(f'../@MARK@/{i}', 'wb').write(bytes(10_000_000))\n    time.sleep(0.4)"
    ),
    "disk-in-a-folder-that-was-moved": (
        "import os, time\n    here = os.getcwd()\n    os.rename(here, here + '-@MARK@'); os.mkdir(here)\n"
        "    for i in range(15): open(f'{i}', 'wb').write(bytes(10_000_000))\n    time.sleep(0.4)"
    ),
    "disk-in-a-closed-folder": (
        "import os, time\n    os.mkdir('d'); os.chdir('d')\n"
        "    for i in range(15): open(f'{i}', 'wb').write(bytes(10_000_000))\n"
        "    os.chmod('.', 0); time.sleep(0.4)"
    ),
    "disk-unlinked": (
        "import os\n    keep = []\n    for i in range(60):\n        keep.append(open('x', 'wb'))\n"
        "        keep[-1].write(bytes(10_000_000)); keep[-1].flush(); os.unlink('x')"
    ),
    "inodes": "import os\n    for i in range(60_000): os.close(os.open(str(i), 65))",
    "inodes-of-folders": "import os\n    for i in range(40_000): os.mkdir(str(i))",
    "output": "print('x' * 10**6)",
    "output-in-lines": "for _ in range(10**5): print('x' * 20)",
    "output-raw": "import os\n    for _ in range(50): os.write(1, b'x' * 60_000)",
    "output-on-error": "import sys; sys.stderr.write('x' * 10**6)",
    "output-of-children": (
        "import os\n    for _ in range(10):\n        if os.fork() == 0: os.write(1, b'x' * 60_000); os._exit(0)\n"
        "        os.wait()"
    ),
    "sleep-past-test-limit": "import time; time.sleep(1.6)",
    "many-watches": (
        "import ctypes\n    c = ctypes.CDLL(None)\n    for _ in range(2000):\n"
        "        if c.inotify_init() < 0: raise OSError"
    ),
    "many-timers": (
        "import ctypes\n    c = ctypes.CDLL(None); t = ctypes.c_void_p()\n    for _ in range(100_000):\n"
        "        if c.timer_create(1, None, ctypes.byref(t)) < 0: raise OSError"
    ),
}

_PATIENT = ("memory", "inodes", "disk", "descriptors", "output", "many-timers", "processes", "threads")

_LEFT_OVER = {
    "child": "import os, time\n    if os.fork() == 0: time.sleep(30)",
    "child-of-child": (
        "import os, time\n    if os.fork() == 0:\n        os.setsid()\n        if os.fork() == 0:\n"
        "            os.closerange(0, 100); os.chdir('/'); time.sleep(30)\n        os._exit(0)"
    ),
    "child-with-all-signals-ignored": (
        "import os, signal, time\n    if os.fork() == 0:\n        os.setsid(); "
        "signal.pthread_sigmask(0, range(1, 64)); time.sleep(30)"
    ),
    "child-that-holds-the-pipes": "import os, time\n    if os.fork() == 0:\n        os.setsid(); time.sleep(30)",
    "child-that-forks-away": (
        "import os, time\n    if os.fork() == 0:\n        os.setsid()\n        t = time.time()\n"
        "        while time.time() < t + 4:\n            if os.fork(): os._exit(0)\n            os.setsid()\n"
        "        os._exit(0)"
    ),
    "children-that-fork-away": (
        "import os, time\n    for _ in range(4):\n        if os.fork() == 0:\n            t = time.time()\n"
        "            while time.time() < t + 4:\n                if os.fork(): os._exit(0)\n"
        "            os._exit(0)"
    ),
    "shell-in-background": (
        "import subprocess\n    subprocess.Popen(['sh', '-c', 'sleep 30; : @MARK@'], start_new_session=True)"
    ),
    "shell-with-nohup": "import os; os.system('nohup sh -c \"sleep 30; : @MARK@\" >/dev/null 2>&1 &')",
    "stopped-child": "import os\n    if os.fork() == 0: os.kill(os.getpid(), 19)",
    "child-in-own-namespaces": (
        "import ctypes, os, time\n    if os.fork() == 0:\n        ctypes.CDLL(None).unshare(0x30000000)\n"
        "        if os.fork() == 0: os.setsid(); time.sleep(30)\n        os._exit(0)"
    ),
    "child-with-other-parent": (
        "import ctypes, os, time\n    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)\n"
        "    if os.fork() == 0:\n        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)\n"
        "        if os.fork() == 0: time.sleep(30)\n        time.sleep(30)"
    ),
    "thread-that-never-ends": (
        "import threading, time; threading.Thread(target=time.sleep, args=(30,)).start()"
    ),
    "zombies": (
        "import os, time\n    for _ in range(8):\n        if os.fork() == 0: os._exit(0)\n    time.sleep(0.05)"
    ),
    "child-then-kills-parent": (
        "import os, time\n    if os.fork() == 0:\n        os.setsid(); time.sleep(30)\n"
        "    os.kill(os.getppid(), 9)"
    ),
    "finaliser-that-loops": (
        "global keep\n    class D:\n        def __del__(self):\n            while True: pass\n    keep = D()"
    ),
    "exit-hook-that-loops": ("import atexit\n    def g():\n        while True: pass\n    atexit.register(g)"),
    "exit-hook-that-sleeps": "import atexit, time; atexit.register(time.sleep, 100)",
}

_WHOLE = {
    "at-import-loop": "while True: pass",
    "at-import-sleep": "import time; time.sleep(10**6)",
    "at-import-swallowing": "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    "at-import-memory": "a = bytearray(1 << 31)",
    "at-import-input": "import sys; sys.stdin.read(); input()",
    "at-import-stop": "import os; os.kill(os.getpid(), 19)",
    "at-compilation-constant": "a = (((9,) * 999) * 999) * 99999",
    "at-compilation-power": "a = 9 ** 9 ** 9",
    "at-compilation-depth": "a = " + "-" * 20_000 + "1",
    "at-compilation-width": "a = [" + "0," * 200_000 + "]",
    "at-compilation-great-width": "a = [" + "0," * 2_000_000 + "]",
    "at-compilation-attributes": "a = b" + ".b" * 50_000,
    "at-compilation-calls": "a = b" + "()" * 50_000,
    "at-compilation-sum": "a = 1" + "+1" * 100_000,
    "at-compilation-alternatives": "if 0: pass\n" + "elif 0: pass\n" * 20_000,
    "at-compilation-text": "a = '" + "x" * 30_000_000 + "'",
    "at-compilation-number": "a = " + "7" * 3_000_000,
    "at-compilation-brackets": "a = " + "(" * 5_000 + ")" * 5_000,
    "at-compilation-blocks": "\n".join(" " * i + "if 1:" for i in range(99)) + "\n" + " " * 99 + "pass",
    "at-import-output": "while True: print('x' * 1000)",
    "at-import-modules": "import this, antigravity, idlelib, turtle",
    "null-character": "a = 'x\0y'",
    "strange-encoding": "# coding: utf-7\n+AGEAPQAx-",
    "escaped-surrogate": "a = '\\ud800'\ndef f(x): return a * 2\n",
    "lone-surrogate": "a = '\ud800'\ndef f(x): return a * 2\n",
}

_SCRIPTS = {
    "endless-output": "while True: print('x' * 1000)",
    "endless-output-on-error": "import sys\nwhile True: sys.stderr.write('x' * 1000)",
    "one-long-line": "print('x' * 10**8)",
    "waits-for-more-input": "import sys\nsys.stdin.read()\nopen('/dev/stdin').read()\nwhile True: pass",
    "sleeps": "import time; time.sleep(100)",
    "thread-after-end": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(100,)).start()\nprint(18)"
    ),
    "child-holds-output": "import os, time\nif os.fork() == 0: time.sleep(30)\nelse: print(18)",
    "exit-hook-loops": "import atexit\n@atexit.register\ndef g():\n    while True: pass\nprint(18)",
    "closes-output": "import os; os.close(1); os.close(2); print(18)",
    "kills-itself": "print(18, flush=True)\nimport os; os.kill(os.getpid(), 9)",
}


_IN_TESTS = (
    *("loop", "loop-that-swallows", "stops-itself", "shared-list-doubling", "signals-blocked", "deep-list"),
    *(
        "closes-all-descriptors",
        "closes-then-waits",
        "garbage-on-all-descriptors",
        "drop-by-drop-on-all-descriptors",
    ),
    *("half-a-record-on-all-descriptors", "length-without-record", "flood-on-all-descriptors", "huge-text"),
    *("redirects-all-descriptors", "huge-message", "message-that-loops", "kills-itself", "list-in-itself"),
    *(
        "representation-that-loops",
        "endless-cause",
        "deep-group",
        "huge-integer",
        "kills-group",
        "kills-parent",
    ),
)


_COMPUTING_TESTS = {
    # tests that compute with the answer: whoever computes must not be taken down by it
    "power": "assert 2 ** f({x}) == {number}",
    "power-of-answer": "assert f({x}) ** f({x}) == {number}",
    "shift": "assert 1 << f({x}) == {number}",
    "repeated-text": "assert len('ab' * f({x})) == {number}",
    "repeated-answer": "assert f({x}) * 1000000000 == {text}",
    "range": "assert sum(range(f({x}))) == {number}",
    "list-of-range": "assert len(list(range(f({x})))) == {number}",
    "member-of-range": "assert f({x}) in range({number})[::2] and f({x}) == {number}",
    "text": "assert str(f({x})) == {text}",
    "number": "assert int(f({x})) == {number}",
    "float": "assert float(f({x})) == {number} + 0.5",
    "rounded": "assert round(f({x}), 3) == {number} + 0.5",
    "sorted": "assert sorted(f({x})) == [{number}]",
    "set": "assert set(f({x})) == {{{number}}}",
    "format": "assert '%0*d' % (f({x}), 1) == {text}",
    "division": "assert divmod(f({x}), 7)[0] == {number}",
    "product": "assert f({x}) * f({x}) * f({x}) == {number}",
    "in-place": "a = [{x}] * 3\nf(a)\nassert a == [{number}]",
}

_FOR_COMPUTING_TESTS = {
    "large": "def f(x):\n    return 10**9",
    "huge": "def f(x):\n    return 10**15",
    "many-digits": "def f(x):\n    return 10**100_000",
    "long-text": "def f(x):\n    return '1' * 900_000",
    "long-list": "def f(x):\n    return list(range(100_000))",
    "colliding": "def f(x):\n    return [i * (2**61 - 1) for i in range(100_000)]",
    "grown-argument": "def f(x):\n    if isinstance(x, list): x.extend(range(10**6))\n    return x",
}


def attacks() -> list[Attack]:
    """Return the attacks of this category."""
    made: list[Attack] = []
    for name, deed in _IN_FUNCTION.items():
        signals = any(word in name for word in ("parent", "group", "everybody", "judge", "victim"))
        made.append(
            Attack(
                id=f"use-{name}",
                category=5,
                program=f"def f(x):\n    {deed}\n",
                guarantee="G6" if signals else "G8",
            )
        )
    for name, deed in _PAST_LIMITS.items():
        made.append(
            Attack(
                id=f"exceed-{name}",
                category=5,
                program=f"def f(x):\n    {deed}\n    return x + 1\n",
                guarantee="G8",
                wants="successor",
                patient=name.startswith(_PATIENT),
            )
        )
    for name, deed in _LEFT_OVER.items():
        made.append(
            Attack(
                id=f"outlive-{name}",
                category=5,
                program=f"def f(x):\n    {deed}\n    return x + 1\n",
                guarantee="G9",
                wants="successor",
                right=True,
            )
        )
    for name, program in _WHOLE.items():
        made.append(Attack(id=f"use-{name}", category=5, program=program, guarantee="G8"))
    for name, program in _SCRIPTS.items():
        made.append(
            Attack(
                id=f"use-script-{name}",
                category=5,
                program=program,
                way="stdio",
                guarantee="G8",
                wants="successor",
                right=name in ("child-holds-output", "thread-after-end"),
            )
        )
    for test_name, test in _COMPUTING_TESTS.items():
        for name, program in _FOR_COMPUTING_TESTS.items():
            made += with_test(
                Attack(
                    id=f"use-computing-{test_name}-{name}",
                    category=5,
                    program=program + "\n",
                    guarantee="G8",
                    test=test,
                )
            )
    in_tests: tuple[Way, ...] = ("check", "split")
    made += [
        Attack(
            id=f"use-{name}-in-{way}",
            category=5,
            program=f"def f(x):\n    {_IN_FUNCTION[name]}\n",
            way=way,
            guarantee="G8",
        )
        for way in in_tests
        for name in _IN_TESTS
    ]
    return made
