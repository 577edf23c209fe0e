"""Category 2: writing, and leaving things for later."""

from __future__ import annotations

from tests.attacks.attack import HUNT, Attack

_HARM = {
    "overwrite-notes": "open('@HOME@/notes.txt', 'w').write('@MARK@')",
    "append-to-profile": "open('@HOME@/.bashrc', 'a').write('echo @MARK@')",
    "truncate": "import os; os.truncate('@HOME@/notes.txt', 0)",
    "delete": "import os; os.unlink('@HOME@/notes.txt')",
    "delete-tree": "import shutil; shutil.rmtree('@HOME@/project')",
    "rename": "import os; os.rename('@HOME@/notes.txt', '@HOME@/other.txt')",
    "permissions": "import os; os.chmod('@HOME@/notes.txt', 0o777)",
    "times": "import os; os.utime('@HOME@/notes.txt', (1, 1))",
    "owner": "import os; os.chown('@HOME@/notes.txt', os.getuid(), os.getgid()); os.chmod('@HOME@', 0o777)",
    "extended-attribute": "import os; os.setxattr('@HOME@/notes.txt', 'user.x', b'@MARK@')",
    "permissions-by-descriptor": (
        "import os; fd = os.open('@HOME@/notes.txt', os.O_RDONLY); os.fchmod(fd, 0o777)"
    ),
    "replace-by-link": (
        "import os; os.unlink('@HOME@/notes.txt'); os.symlink('/etc/passwd', '@HOME@/notes.txt')"
    ),
    "new-file-in-home": "open('@HOME@/@MARK@', 'w').close()",
    "autostart": (
        "import os; os.makedirs('@HOME@/.config/autostart'); "
        "open('@HOME@/.config/autostart/@MARK@.desktop', 'w').close()"
    ),
    "interpreter-start-up": (
        "import os, sys; d = '@HOME@/.local/lib/python%d.%d/site-packages' % sys.version_info[:2]; "
        "os.makedirs(d); open(d + '/usercustomize.py', 'w').write('# @MARK@')"
    ),
    "overwrite-hidden-tests": "open('@PROJECT@/hidden_tests.py', 'w').write('EXPECTED = 1')",
    "byte-code-cache": (
        "import os; os.makedirs('@PROJECT@/__pycache__', exist_ok=True); "
        "open('@PROJECT@/__pycache__/@MARK@.pyc', 'wb').write(b'x')"
    ),
    "compiled-for-import": (
        "import py_compile; py_compile.compile('@PROJECT@/hidden_tests.py', cfile='@PROJECT@/@MARK@.pyc')"
    ),
    "start-up-file-beside-tests": "open('@PROJECT@/conftest.py', 'w').write('# @MARK@')",
    "database": (
        "import sqlite3; b = sqlite3.connect('@PROJECT@/base.sqlite'); b.execute('drop table secret'); b.commit()"
    ),
    "mapped-write": (
        "import mmap, os; fd = os.open('@HOME@/notes.txt', os.O_RDWR); mmap.mmap(fd, 0)[:4] = b'evil'"
    ),
    "raw-write": (
        "import ctypes, os; os.write(ctypes.CDLL(None).syscall(2, b'@HOME@/notes.txt', 1), b'evil')"
    ),
    "raw-unlink": "import ctypes; ctypes.CDLL(None).syscall(87, b'@HOME@/notes.txt')",
    "by-shell": "import os; os.system('echo evil > @HOME@/notes.txt; touch /tmp/@MARK@')",
    "by-log-file": "import logging; logging.FileHandler('@HOME@/@MARK@').emit(logging.makeLogRecord({}))",
    "archive-with-dots": (
        "import io, tarfile; raw = io.BytesIO(); t = tarfile.open(fileobj=raw, mode='w'); "
        "t.addfile(tarfile.TarInfo('../' * 30 + '@HOME@/@MARK@'[1:])); t.close(); raw.seek(0); "
        "tarfile.open(fileobj=raw).extractall('.')"
    ),
    "unnamed-file-then-link": (
        "import ctypes, os; fd = os.open('/tmp', os.O_TMPFILE | os.O_WRONLY); "
        "ctypes.CDLL(None).linkat(-100, b'/proc/self/fd/%d' % fd, -100, b'/tmp/@MARK@', 0x400)"
    ),
    "through-link-in-scratch": (
        "import os; os.symlink('@HOME@', 'home'); open('home/notes.txt', 'w').write('evil')"
    ),
    "through-cwd-of-victim": "open('/proc/@VICTIM@/cwd/notes.txt', 'w').write('evil')",
    "through-root-of-victim": "open('/proc/@VICTIM@/root@HOME@/notes.txt', 'w').write('evil')",
    "through-descriptor-of-judge": (
        "import os\n    for n in range(3, 100):\n"
        "        try: os.write(os.open(f'/proc/@JUDGE@/fd/{n}', os.O_WRONLY | os.O_NONBLOCK), b'evil')\n"
        "        except OSError: pass"
    ),
    "inherited-descriptors": (
        "import os\n    for n in range(3, 512):\n"
        "        try: os.pwrite(n, b'evil', 0)\n        except OSError: pass"
    ),
    "memory-of-victim": (
        "m = open('/proc/@VICTIM@/mem', 'r+b', 0); m.seek(@VICTIM_ADDRESS@); m.write(b'evil')"
    ),
    "file-in-tmp": "open('/tmp/@MARK@', 'w').close()",
    "file-in-var-tmp": "open('/var/tmp/@MARK@', 'w').close()",
    "file-in-shared-memory": "open('/dev/shm/@MARK@', 'w').close()",
    "fifo-in-tmp": "import os; os.mkfifo('/tmp/@MARK@')",
    "socket-in-tmp": "import socket; s = socket.socket(socket.AF_UNIX); s.bind('/tmp/@MARK@')",
    "posix-shared-memory": (
        "from multiprocessing import shared_memory; shared_memory.SharedMemory('@MARK@', True, 100)"
    ),
    "posix-shared-memory-in-c": "import ctypes; ctypes.CDLL(None).shm_open(b'/@MARK@', 0o102, 0o600)",
    "posix-semaphore": (
        "import ctypes; ctypes.CDLL(None).sem_open(b'/@MARK@', 0o100, ctypes.c_uint(0o600), ctypes.c_uint(1))"
    ),
    "system-v-shared-memory": "import ctypes; ctypes.CDLL(None).shmget(0x5eed, 4096, 0o1666)",
    "system-v-semaphore": "import ctypes; ctypes.CDLL(None).semget(0x5eed, 1, 0o1666)",
    "system-v-queue": "import ctypes; ctypes.CDLL(None).msgget(0x5eed, 0o1666)",
    "deep-tree": (
        "import os\n    os.mkdir('@MARK@'); os.chdir('@MARK@')\n"
        "    for _ in range(1500): os.mkdir('d' * 200); os.chdir('d' * 200)"
    ),
    "locked-tree": (
        "import os\n    os.makedirs('@MARK@/a/b'); open('@MARK@/a/b/c', 'w').close()\n"
        "    os.chmod('@MARK@/a', 0); os.chmod('@MARK@', 0); os.chmod('.', 0)"
    ),
    "immutable-file": (
        "import fcntl, struct\n    file = open('@MARK@', 'w')\n"
        "    fcntl.ioctl(file, 0x40086602, struct.pack('l', 0x10))"
    ),
    "strange-names": (
        "import os\n    for n in (b'\\xff\\xfe', b'-rf', b'a\\nb', b'@MARK@' + b'x' * 200): os.mkdir(n)"
    ),
    "busy-folder": (
        "import os\n    os.mkdir('@MARK@')\n    os.open('@MARK@', os.O_RDONLY)\n    os.chdir('@MARK@')"
    ),
    "scratch-becomes-link-to-home": (
        "import os\n    here = os.getcwd()\n    os.chdir('/')\n    os.rename(here, here + '-@MARK@')\n"
        "    os.symlink('@HOME@', here)"
    ),
    "folder-becomes-link-during-clean-up": (
        "import os\n    os.mkdir('a')\n"
        "    for i in range(100): os.symlink('@HOME@/project', f'a/{i}')\n"
        "    if os.fork() == 0:\n        os.setsid()\n        while True:\n            try:\n"
        "                os.rename('a', 'b'); os.symlink('@HOME@', 'a'); os.unlink('a'); os.rename('b', 'a')\n"
        "            except OSError: pass"
    ),
    "hard-link-then-permissions": (
        "import os\n    os.link('@HOME@/notes.txt', 'mine')\n    os.chmod('mine', 0o777)\n"
        "    open('mine', 'w').write('evil')"
    ),
    "at-exit": "import atexit; atexit.register(lambda: open('/tmp/@MARK@', 'w').close())",
    "in-a-thread-later": (
        "import threading; threading.Timer(0.3, lambda: open('@HOME@/@MARK@', 'w').close()).start()"
    ),
    "in-a-child-later": (
        "import os, time\n    if os.fork() == 0:\n        os.setsid(); time.sleep(0.3)\n"
        "        open('@HOME@/@MARK@', 'w').close(); os._exit(0)"
    ),
}

_LEFT = {
    # name: (first program's deed, second program's look)
    "built-in-name": ("import builtins; builtins.left = '@LEFT@'", "import builtins; return builtins.left"),
    "library-module": ("import math; math.left = '@LEFT@'", "import math; return math.left"),
    "module-table": ("import sys; sys.modules['left'] = '@LEFT@'", "import sys; return sys.modules['left']"),
    "environment": ("import os; os.environ['left'] = '@LEFT@'", "import os; return os.environ['left']"),
    "file-in-tmp": (
        "open('/tmp/left', 'w').write('@LEFT@')",
        "return open('/tmp/left').read()",
    ),
    "file-in-cwd": ("open('left', 'w').write('@LEFT@')", "return open('left').read()"),
    "file-in-own-home": (
        "import os; open(os.path.expanduser('~/left'), 'w').write('@LEFT@')",
        "import os; return open(os.path.expanduser('~/left')).read()",
    ),
    "file-above-scratch": ("open('../left', 'w').write('@LEFT@')", "return open('../left').read()"),
    "shared-memory": (
        "open('/dev/shm/left', 'w').write('@LEFT@')",
        "return open('/dev/shm/left').read()",
    ),
    "host-name": (
        "import socket; socket.sethostname('@LEFT@')",
        "import socket; return socket.gethostname()",
    ),
    "memory-of-server": (
        "import os\n    left = ('le' 'ft@LEFT@' * 50).encode()\n"
        "    with open(f'/proc/{os.getppid()}/maps') as maps, open(f'/proc/{os.getppid()}/mem', 'r+b', 0) as m:\n"
        "        for line in maps:\n            if '[heap]' in line:\n"
        "                m.seek(int(line.split()[0].split('-')[1], 16) - 2000); m.write(left)",
        "import re\n    with open('/proc/self/maps') as maps, open('/proc/self/mem', 'rb', 0) as m:\n"
        "        for line in maps:\n            if '[heap]' in line:\n"
        "                first, last = (int(n, 16) for n in line.split()[0].split('-'))\n"
        "                m.seek(first); data = m.read(last - first)\n"
        "                return '@LEFT@' if data.count(b'le' b'ft') > 20 else data.count(b'le' b'ft')",
    ),
    "descriptor-in-server": (
        "import array, os, socket\n    open('left', 'w').write('@LEFT@')\n"
        "    for n in range(3, 100):\n        try:\n            s = socket.socket(fileno=os.dup(n))\n"
        "            s.sendmsg([b'{}'], [(1, 1, array.array('i', [os.open('left', 0)]))])\n"
        "        except OSError: pass",
        "import os\n    for n in range(3, 512):\n        try:\n            t = os.pread(n, 100, 0)\n"
        "        except OSError: continue\n        if b'LEFT' in t: return t.decode()",
    ),
    "working-folder-of-server": (
        "import os\n    fd = os.open('.', 0)\n    os.mkdir('@LEFT@'); os.chdir('@LEFT@')",
        "import os; return os.getcwd()",
    ),
    "limits-of-server": (
        "import resource, os; resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (47, 47))",
        "import resource; return '@LEFT@' if resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 47 else 0",
    ),
    "priority-of-server": (
        "import os; os.setpriority(os.PRIO_PROCESS, os.getppid(), 7)",
        "import os; return '@LEFT@' if os.nice(0) == 7 else 0",
    ),
    "processors-of-server": (
        "import os; os.sched_setaffinity(os.getppid(), {max(os.sched_getaffinity(0))})",
        "import os; return '@LEFT@' if len(os.sched_getaffinity(0)) == 1 < os.cpu_count() else 0",
    ),
    "library-file": (
        "import random\n    file = open(random.__file__, 'a')\n    file.write('\\nleft = \"@LEFT@\"\\n')",
        "import random\n    return '@LEFT@' if '@LEFT@' in open(random.__file__).read() else 0",
    ),
    "lock-on-library-file": (
        "import fcntl, os, random\n    file = open(random.__file__)\n    fcntl.flock(file, fcntl.LOCK_EX)\n"
        "    if os.fork() == 0:\n        import time; os.setsid(); time.sleep(30)",
        "import fcntl, random\n    try: fcntl.flock(open(random.__file__), fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        "    except BlockingIOError: return '@LEFT@'",
    ),
    "number-of-runs": (
        "pass",
        "import sys\n    frame = sys._getframe()\n    while frame is not None:\n"
        "        title = frame.f_locals.get('title', {})\n"
        "        if any(1 < number < 100_000 for number in title.values()): return '@LEFT@'\n"
        "        frame = frame.f_back",
    ),
    "pages-of-library-file": (
        "import os, random\n    file = os.open(random.__file__, os.O_RDONLY)\n"
        "    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)",
        "import os, random\n    file = os.open(random.__file__, os.O_RDONLY)\n"
        "    try: os.preadv(file, [bytearray(9)], 0, os.RWF_NOWAIT)\n"
        "    except BlockingIOError: return '@LEFT@'",
    ),
    "pages-of-mapped-library-file": (
        "import ctypes, mmap, os, random\n    file = os.open(random.__file__, os.O_RDONLY)\n"
        "    shown = mmap.mmap(file, 0, access=mmap.ACCESS_COPY)\n    shown[0]\n    shown.madvise(21)",
        "import os, random\n    file = os.open(random.__file__, os.O_RDONLY)\n"
        "    try: os.preadv(file, [bytearray(9)], 0, os.RWF_NOWAIT)\n"
        "    except BlockingIOError: return '@LEFT@'",
    ),
    "system-v-shared-memory": (
        "import ctypes; ctypes.CDLL(None).shmget(0x1ef7, 4096, 0o1666)",
        "import ctypes; return '@LEFT@' if ctypes.CDLL(None).shmget(0x1ef7, 4096, 0o666) >= 0 else 0",
    ),
    "key-ring": (
        "import ctypes; ctypes.CDLL(None).syscall(248, b'user', b'left', b'@LEFT@', 10, -4)",
        "import ctypes; return '@LEFT@' if ctypes.CDLL(None).syscall(249, b'user', b'left', None, -4) > 0 else 0",
    ),
    "abstract-socket": (
        "import os, socket, time\n    s = socket.socket(socket.AF_UNIX); s.bind('\\0left'); s.listen()\n"
        "    if os.fork() == 0: os.setsid(); time.sleep(20)",
        "import socket\n    socket.socket(socket.AF_UNIX).connect('\\0left')\n    return '@LEFT@'",
    ),
    "process-table": (
        "import os, time\n    if os.fork() == 0:\n        os.setsid()\n"
        "        if os.fork() == 0: open('/proc/self/comm', 'w').write('left-alive'); time.sleep(20)\n"
        "        os._exit(0)",
        "import os\n    for p in os.listdir('/proc'):\n"
        "        if p.isdigit() and 'left-alive' in open(f'/proc/{p}/comm').read(): return '@LEFT@'",
    ),
}


_MODE_OF_ANOTHER = """
import ctypes, os, time
c = ctypes.CDLL(None)
def f(x):
    end, turn = time.monotonic() + 1.2, 0
    while time.monotonic() < end:
        turn += 1
        pairs = [(f'd{turn}-{number}'.encode(), f's{turn}-{number}'.encode()) for number in range(60)]
        for one, other in pairs:
            os.mkdir(one, 0)
            os.symlink('@HOME@/project', other)
        for _ in range(30):
            for one, other in pairs:
                c.syscall(316, -100, one, -100, other, 2)
        for one, other in pairs:
            for name in (one, other):
                os.rmdir(name) if not os.path.islink(name) else os.unlink(name)
    return x + 1
"""
"""Folders that nobody may list change places with links while whoever measures the scratch folder comes by."""


def attacks() -> list[Attack]:
    """Return the attacks of this category."""
    made = [
        Attack(
            id=f"write-{name}",
            category=2,
            program=f"def f(x):\n    {deed}\n    return x + 1\n",
            guarantee="G9" if "left" in name or "in-a" in name else "G4",
            wants="successor",
            right=True,
        )
        for name, deed in _HARM.items()
    ]
    made += [
        Attack(
            id=f"leave-{name}",
            category=2,
            program=f"def f(x):\n    {deed}\n    return x + 1\n",
            then=f"def f(x):\n    {look}\n",
            guarantee="G10",
            wants="successor",
            right=True,
        )
        for name, (deed, look) in _LEFT.items()
    ]
    made.append(
        Attack(
            id="write-at-import",
            category=2,
            program="open('@HOME@/@MARK@', 'w').close()\ndef f(x):\n    return x + 1\n",
            guarantee="G4",
            wants="successor",
            right=True,
        )
    )
    made.append(
        Attack(
            id="write-lock-that-others-meet",
            category=2,
            program="import fcntl, random, time\nfile = open(random.__file__)\n"
            "def f(x):\n    fcntl.flock(file, fcntl.LOCK_EX)\n    time.sleep(1)\n    return x + 1\n",
            guarantee="G10",
            wants="successor",
            right=True,
            locks=True,
            patient=True,
        )
    )
    made.append(
        Attack(
            id="write-mode-through-whoever-measures",
            category=2,
            program=_MODE_OF_ANOTHER,
            guarantee="G4",
            wants="successor",
            right=True,
            patient=True,
        )
    )
    for way in ("stdio", "assert", "check"):
        program = "import os\ntry:\n    os.unlink('@HOME@/notes.txt')\nexcept OSError:\n    pass\n"
        program += "print(int(input()) + 1)\n" if way == "stdio" else "def f(x):\n    return x + 1\n"
        made.append(
            Attack(
                id=f"write-delete-in-{way}",
                category=2,
                program=program,
                way=way,
                guarantee="G4",
                wants="successor",
                right=True,
            )
        )
    made.append(
        Attack(
            id="write-read-and-send-on",
            category=2,
            program=HUNT
            + "def f(x):\n    open('/tmp/@MARK@', 'w').write(str(slurp('@HOME@/.ssh/id_rsa')))\n",
            guarantee="G4",
        )
    )
    return made
