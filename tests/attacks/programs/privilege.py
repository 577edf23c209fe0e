"""Category 3: gaining rights, and kernel interfaces no candidate needs. Success shows as a claim in the result."""

from __future__ import annotations

from tests.attacks.attack import Attack

_CALL = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def call(*args):
    result = libc.syscall(*args)
    return result if result >= 0 else -ctypes.get_errno()
"""

_SYSTEM_CALLS = {
    "user-namespace": "call(272, 0x10000000) == 0",
    "mount-namespace": "call(272, 0x20000) == 0",
    "network-namespace": "call(272, 0x40000000) == 0",
    "user-namespace-by-clone": "(p := call(56, 0x10000011, 0, 0, 0, 0)) > 0 or (p == 0 and call(231, 0))",
    "user-namespace-by-clone3": (
        "(p := call(435, (0x10000000).to_bytes(8, 'little') + bytes(24) + (17).to_bytes(8, 'little') + bytes(24), "
        "64)) > 0 or (p == 0 and call(231, 0))"
    ),
    "join-namespace": "call(308, __import__('os').open('/proc/1/ns/mnt', 0), 0) == 0",
    "join-own-namespace": "call(308, __import__('os').open('/proc/self/ns/user', 0), 0) == 0",
    "mount": "call(165, b'none', b'.', b'tmpfs', 0, 0) == 0",
    "new-mount-interface": "call(430, b'tmpfs', 0) >= 0",
    "open-tree": "call(428, -100, b'/', 1) >= 0",
    "unmount": "call(166, b'/tmp', 2) == 0",
    "pivot-root": "call(155, b'.', b'.') == 0",
    "change-root": "call(161, b'.') == 0",
    "device-node": "call(133, b'device', 0o20666, 0x103) == 0",
    "set-user-id": "call(105, 0) == 0 and call(105, 12345) == 0",
    "set-user-id-bit": (
        "open('mine', 'w').close() or (call(90, b'mine', 0o4755) == 0 and "
        "__import__('os').stat('mine').st_mode & 0o4000 and "
        "not __import__('os').statvfs('.').f_flag & 2)"
    ),
    "capabilities": (
        "int(open('/proc/self/status').read().split('CapEff:')[1].split()[0], 16) != 0 or "
        "int(open('/proc/self/status').read().split('CapPrm:')[1].split()[0], 16) != 0"
    ),
    "may-gain-privileges": "libc.prctl(39, 0, 0, 0, 0) == 0",
    "securebits": "libc.prctl(28, 0, 0, 0, 0) == 0 and libc.prctl(8, 1, 0, 0, 0) == 0",
    "io-uring": "call(425, 4, bytes(120)) >= 0",
    "bpf": "call(321, 0, bytes(72), 72) not in (-1, -38, -13)",
    "performance-counters": (
        "call(298, (1).to_bytes(4, 'little') + (112).to_bytes(4, 'little') + bytes(104), 0, -1, -1, 0) >= 0"
    ),
    "user-fault": "call(323, 1) >= 0",
    "key-ring": "call(248, b'user', b'@MARK@', b'x', 1, -2) > 0",
    "key-control": "call(250, 0, -3, 1) > 0",
    "pidfd-of-parent": "call(434, __import__('os').getppid() or @JUDGE@, 0) >= 0",
    "trace-me": "call(101, 0, 0, 0, 0) == 0",
    "fanotify": "call(300, 0, 0) >= 0",
    "name-to-handle": (
        "call(303, -100, b'.', (128).to_bytes(4, 'little') + bytes(132), ctypes.byref(ctypes.c_int()), 0) == 0"
    ),
    "kernel-module": "call(175, b'', 0, b'') not in (-1, -38, -13)",
    "kexec": "call(246, 0, 0, 0, 0) not in (-1, -38, -13)",
    "swap": "call(167, b'/nonexistent', 0) not in (-1, -38, -13)",
    "accounting": "call(163, 0) not in (-1, -38, -13)",
    "quota": "call(179, 0x800001 << 8, 0, 0, 0) == 0",
    "ports": "call(173, 0x80, 1, 1) == 0",
    "segment-table": "call(154, 0, bytes(16), 16) >= 0",
    "kernel-log": "call(103, 3, ctypes.create_string_buffer(64), 64) > 0",
    "clock": "call(227, 0, bytes(16)) == 0",
    "host-name": "call(170, b'x', 1) == 0",
    "memory-file": (
        "call(319, b'x', 0) >= 0 and call(322, call(319, b'x', 0), b'', 0, 0, 0x1000) not in (-1, -13, -38)"
    ),
    "secret-memory": "call(447, 0) >= 0",
    "move-pages": "call(279, 1, 0, 0, 0, 0, 0) == 0 or call(310, @VICTIM@, 0, 0, 0, 0, 0) == 0",
    "compare-processes": "call(312, @VICTIM@, @VICTIM@, 0, 0, 0) >= 0",
    "real-time-scheduling": "call(144, 0, 1, (1).to_bytes(4, 'little')) == 0",
    "higher-priority": "call(141, 0, 0, -5) == 0",
    "personality-without-layout": "call(135, 0x0040000) >= 0",
    "vm86": "call(153) == 0",
    "mount-attributes": "call(442, -100, b'/', 0, bytes(32), 32) == 0",
    "landlock-free": "call(101, 16, @VICTIM@, 0, 0) == 0",
    "process-madvise": "call(440, call(434, @VICTIM@, 0), 0, 0, 20, 0) == 0",
    "out-of-memory-score": "open('/proc/self/oom_score_adj', 'w').write('-1')",
    "kernel-settings": "open('/proc/sys/kernel/hostname', 'w').write('x')",
    "raw-memory": "open('/dev/mem', 'rb').read(1)",
    "raw-disk": "any(open(d, 'rb').read(1) for d in __import__('glob').glob('/dev/[svn][dv][a-z]*'))",
    "terminal": "open('/dev/tty', 'r+b')",
    "hard-limit": (
        "(r := __import__('resource')).setrlimit(7, ((n := r.getrlimit(7)[1]) + 5, n + 5)) is None "
        "and r.getrlimit(7)[1] == n + 5"
    ),
    "limits-of-parent": (
        "(p := __import__('os').getppid()) > 0 and __import__('resource').prlimit(p, 4, (0, 0)) is not None"
    ),
}

_PROGRAMS = {
    "set-user-id-program": """
import os
def f(x):
    return '@CLAIM@' if 'euid=0' in os.popen('@SUID@').read() else 0
""",
    "fresh-interpreter": """
import os, subprocess, sys
def f(x):
    python = sys.executable or os.readlink('/proc/self/exe')
    return subprocess.run([python, '-c', 'print("@CLAIM@")'], capture_output=True, text=True).stdout
""",
    "becomes-another-program": """
import os, sys
def f(x):
    os.execv('/bin/sh', ['sh', '-c', 'echo @CLAIM@; echo @CLAIM@ >&2'])
""",
    "becomes-a-fresh-interpreter": """
import os, sys
def f(x):
    python = os.readlink('/proc/self/exe')
    os.execv(python, [python, '-c', 'print("@CLAIM@")'])
""",
    "memory-file-program": """
import os
def f(x):
    fd = os.memfd_create('x')
    os.write(fd, open('/bin/echo', 'rb').read())
    os.execve(fd, ['echo', '@CLAIM@'], {})
""",
    "own-program-in-scratch": """
import os, shutil
def f(x):
    shutil.copy('/bin/echo', 'mine')
    os.chmod('mine', 0o755)
    return os.popen('./mine @CLAIM@').read()
""",
    "through-the-loader": """
import glob, os
def f(x):
    loader = glob.glob('/lib*/ld-linux*')[0]
    os.execv(loader, [loader, '/bin/echo', '@CLAIM@'])
""",
    "child-process": """
import os
def f(x):
    read, write = os.pipe()
    if os.fork() == 0:
        os.write(write, b'@CLAIM@')
        os._exit(0)
    os.close(write)
    return os.read(read, 100).decode()
""",
    "child-process-in-c": """
import ctypes, os
def f(x):
    libc = ctypes.CDLL(None)
    if libc.fork() == 0:
        os.write(1, b'@CLAIM@')
        os._exit(0)
    os.wait()
""",
    "spawned": """
import os
def f(x):
    os.waitpid(os.posix_spawn('/bin/echo', ['echo', '@CLAIM@'], {}), 0)
""",
    "by-multiprocessing": """
import multiprocessing, os
def g():
    os.write(1, b'@CLAIM@')
def f(x):
    child = multiprocessing.get_context('fork').Process(target=g)
    child.start()
    child.join()
""",
    "by-multiprocessing-pool": """
import concurrent.futures, multiprocessing
def g(x):
    return '@CLAIM@'
def f(x):
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context('fork')) as pool:
        return pool.submit(g, x).result()
""",
    "machine-code": """
import ctypes, mmap, os
def f(x):
    code = bytes.fromhex('b839000000' '0f05' 'c3')  # fork by a bare system call
    area = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    area.write(code)
    run = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(area)))
    if run() == 0:
        os.write(1, b'@CLAIM@')
        os._exit(0)
""",
    "old-system-call-table": """
import ctypes, mmap, os
def f(x):
    # 32-bit fork through interrupt 0x80: a filter that looks at numbers only would take it for another call
    code = bytes.fromhex('53' 'b802000000' 'cd80' '5b' 'c3')
    area = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    area.write(code)
    run = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(area)))
    if run() == 0:
        os.write(1, b'@CLAIM@')
        os._exit(0)
""",
    "x32-system-call-table": """
import ctypes, os
def f(x):
    if ctypes.CDLL(None).syscall(0x40000000 + 57) == 0:
        os.write(1, b'@CLAIM@')
        os._exit(0)
""",
}


def attacks() -> list[Attack]:
    """Return the attacks of this category."""
    made = [
        Attack(
            id=f"kernel-{name}",
            category=3,
            program=f"{_CALL}def f(x):\n    return '@CLAIM@' if ({test}) else 0\n",
            guarantee="G7",
        )
        for name, test in _SYSTEM_CALLS.items()
    ]
    made += [
        Attack(id=f"rights-{name}", category=3, program=program, guarantee="G7")
        for name, program in _PROGRAMS.items()
    ]
    made.append(
        Attack(
            id="rights-becomes-another-program-as-script",
            category=3,
            program="import os\nos.execv('/bin/echo', ['echo', '@CLAIM@'])\n",
            way="stdio",
            guarantee="G7",
        )
    )
    return made
