"""Category 1: reading what is not the candidate's."""

from __future__ import annotations

from tests.attacks.attack import HUNT, Attack, Way

_FILES = {
    "home-key": "'@HOME@/.ssh/id_rsa'",
    "home-cloud-credentials": "'@HOME@/.aws/credentials'",
    "home-by-expanduser": "__import__('os').path.expanduser('~' + __import__('pwd').getpwuid("
    "__import__('os').getuid()).pw_name) + '/.ssh/id_rsa'",
    "account-table": "'/etc/passwd'",
    "project-hidden-tests": "'@PROJECT@/hidden_tests.py'",
    "shared-temporary-file": "'/tmp/shared-secret.txt'",
    "var-tmp-file": "'/var/tmp/shared-secret.txt'",
    "shared-memory-file": "'/dev/shm/shared-secret'",
    "through-root-of-victim": "'/proc/@VICTIM@/root@HOME@/.ssh/id_rsa'",
    "through-cwd-of-victim": "'/proc/@VICTIM@/cwd/.ssh/id_rsa'",
    "through-root-of-init": "'/proc/1/root@HOME@/.ssh/id_rsa'",
    "through-cwd-of-parent": "f'/proc/{__import__(\"os\").getppid()}/root@HOME@/.ssh/id_rsa'",
    "through-thread-of-self": "'/proc/thread-self/root@HOME@/.ssh/id_rsa'",
    "through-dots": "'../' * 40 + '@HOME@/.ssh/id_rsa'",
    "through-descriptor-of-victim": "'/proc/@VICTIM@/fd/@VICTIM_FD@'",
    "command-line-of-victim": "'/proc/@VICTIM@/cmdline'",
    "environment-of-victim": "'/proc/@VICTIM@/environ'",
    "environment-of-judge": "'/proc/@JUDGE@/environ'",
    "environment-of-parent": "f'/proc/{__import__(\"os\").getppid()}/environ'",
    "own-initial-environment": "'/proc/self/environ'",
}

_PROGRAMS = {
    "home-walk": """
import os
def f(x):
    for folder, inner, names in os.walk('@HOME@'):
        if '.pyenv' in inner:
            inner.remove('.pyenv')
        for name in names:
            found = slurp(os.path.join(folder, name))
            if found:
                return found
""",
    "everything-under-tmp": """
import os
def f(x):
    for top in ('/tmp', '/var/tmp', '/dev/shm', '/run', '/opt', '/srv'):
        for folder, _, names in os.walk(top):
            if folder.count('/') > 4:
                continue
            for name in names:
                found = name.startswith('shared') and slurp(os.path.join(folder, name))
                if found:
                    return found
""",
    "accounts-by-library": """
def f(x):
    import pwd
    return hunt(pwd.getpwall())
""",
    "environment": """
import os
def f(x):
    return hunt(dict(os.environ))
""",
    "environment-in-c": """
def f(x):
    import ctypes
    get = ctypes.CDLL(None).getenv
    get.restype = ctypes.c_char_p
    return hunt(get(b'DEPLOY_TOKEN') or b'')
""",
    "environments-and-command-lines": """
import os
def f(x):
    for pid in os.listdir('/proc'):
        for name in ('environ', 'cmdline'):
            found = pid.isdigit() and slurp(f'/proc/{pid}/{name}')
            if found:
                return found
""",
    "inherited-descriptors": """
import os
def f(x):
    for number in range(512):
        try:
            found = hunt(os.pread(number, 4096, 0))
        except OSError:
            continue
        if found:
            return found
""",
    "reopened-descriptors": """
import os
def f(x):
    for pid in ['self', str(os.getppid()), '1', '@JUDGE@']:
        for number in range(100):
            found = number > 2 and os.path.isfile(f'/proc/{pid}/fd/{number}') and slurp(f'/proc/{pid}/fd/{number}')
            if found:
                return found
""",
    "memory-of-victim": """
import re
def f(x):
    with open('/proc/@VICTIM@/maps') as maps, open('/proc/@VICTIM@/mem', 'rb') as memory:
        for line in maps:
            first, last = (int(n, 16) for n in line.split()[0].split('-'))
            if 'rw' in line and last - first < 1 << 26:
                memory.seek(first)
                found = hunt(memory.read(last - first))
                if found:
                    return found
""",
    "memory-of-parents": """
import os
def parent(pid):
    return int(open(f'/proc/{pid}/stat').read().rpartition(')')[2].split()[1])
def f(x):
    pid = os.getpid()
    while pid > 1:
        pid = parent(pid)
        try:
            with open(f'/proc/{pid}/maps') as maps, open(f'/proc/{pid}/mem', 'rb') as memory:
                for line in maps:
                    first, last = (int(n, 16) for n in line.split()[0].split('-'))
                    if 'rw' in line and last - first < 1 << 26:
                        memory.seek(first)
                        found = hunt(memory.read(last - first))
                        if found:
                            return found
        except OSError:
            pass
""",
    "process-vm-readv": """
import ctypes
class Part(ctypes.Structure):
    _fields_ = [('base', ctypes.c_void_p), ('length', ctypes.c_size_t)]
def f(x):
    libc = ctypes.CDLL(None)
    buffer = ctypes.create_string_buffer(64)
    local, remote = Part(ctypes.addressof(buffer), 64), Part(@VICTIM_ADDRESS@, 64)
    for pid in (@VICTIM@, @JUDGE@):
        libc.process_vm_readv(pid, ctypes.byref(local), 1, ctypes.byref(remote), 1, 0)
        if hunt(buffer.raw):
            return hunt(buffer.raw)
""",
    "debugger": """
import ctypes, os
def f(x):
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    ptrace.restype = ctypes.c_long
    if ptrace(16, @VICTIM@, None, None) == 0:
        os.waitpid(@VICTIM@, 0x40000000)
        words = b''.join(
            (ptrace(2, @VICTIM@, @VICTIM_ADDRESS@ + i, None) & (2**64 - 1)).to_bytes(8, 'little')
            for i in range(0, 64, 8)
        )
        ptrace(17, @VICTIM@, None, None)
        return hunt(words)
""",
    "pidfd-getfd": """
import ctypes, os
def f(x):
    libc = ctypes.CDLL(None)
    pidfd = libc.syscall(434, @VICTIM@, 0)
    fd = libc.syscall(438, pidfd, @VICTIM_FD@, 0)
    return hunt(os.pread(fd, 4096, 0))
""",
    "symbolic-link": """
import os
def f(x):
    os.symlink('@HOME@/.ssh/id_rsa', 'innocent')
    return slurp('innocent')
""",
    "hard-link": """
import os
def f(x):
    os.link('/tmp/shared-secret.txt', 'innocent')
    return slurp('innocent')
""",
    "link-by-rename-race": """
import os, threading
def f(x):
    open('plain', 'w').close()
    os.symlink('@HOME@/.ssh/id_rsa', 'link')
    for _ in range(200):
        os.replace('link', 'name')
        found = slurp('name')
        if found:
            return found
        os.replace('name', 'link')
""",
    "raw-open": """
import ctypes, os
def f(x):
    fd = ctypes.CDLL(None).syscall(2, b'@HOME@/.ssh/id_rsa', 0)
    return hunt(os.read(fd, 4096))
""",
    "raw-openat2": """
import ctypes, os, struct
def f(x):
    how = struct.pack('QQQ', 0, 0, 0)
    fd = ctypes.CDLL(None).syscall(437, -100, b'@HOME@/.ssh/id_rsa', how, 24)
    return hunt(os.read(fd, 4096))
""",
    "file-handle": """
import ctypes, os
def f(x):
    libc = ctypes.CDLL(None)
    handle = ctypes.create_string_buffer(136)
    handle[0:4] = (128).to_bytes(4, 'little')
    where = ctypes.c_int()
    libc.syscall(303, -100, b'/tmp/shared-secret.txt', handle, ctypes.byref(where), 0)
    top = os.open('/tmp', os.O_RDONLY)
    return hunt(os.read(libc.syscall(304, top, handle, 0), 4096))
""",
    "mapped-file": """
import mmap, os
def f(x):
    fd = os.open('@HOME@/.ssh/id_rsa', os.O_RDONLY)
    return hunt(bytes(mmap.mmap(fd, 0, prot=mmap.PROT_READ)))
""",
    "sent-file": """
import os
def f(x):
    source = os.open('@HOME@/.ssh/id_rsa', os.O_RDONLY)
    target = os.open('copy', os.O_RDWR | os.O_CREAT)
    os.sendfile(target, source, 0, 4096)
    return hunt(os.pread(target, 4096, 0))
""",
    "copied-file": """
def f(x):
    import shutil
    shutil.copy('@HOME@/.ssh/id_rsa', 'copy')
    return slurp('copy')
""",
    "line-cache": """
def f(x):
    import linecache
    return hunt(linecache.getlines('@PROJECT@/hidden_tests.py'))
""",
    "import-hidden-tests": """
def f(x):
    import sys
    sys.path.insert(0, '@PROJECT@')
    import hidden_tests
    return hunt(hidden_tests.EXPECTED)
""",
    "loader-data": """
def f(x):
    from importlib.machinery import SourceFileLoader
    return hunt(SourceFileLoader('x', '/').get_data('@HOME@/.aws/credentials'))
""",
    "database-attach": """
def f(x):
    import sqlite3
    base = sqlite3.connect(':memory:')
    base.execute("attach database '@PROJECT@/base.sqlite' as other")
    return hunt(base.execute('select * from other.secret').fetchall())
""",
    "chroot-and-back": """
import os
def f(x):
    try:
        os.mkdir('jail')
        top = os.open('/', os.O_RDONLY)
        os.chroot('jail')
        os.fchdir(top)
        os.chroot('.')
    except OSError:
        pass
    return slurp('@HOME@/.ssh/id_rsa')
""",
    "old-root-by-directory-descriptor": """
import os
def f(x):
    for number in range(3, 100):
        for up in ('', '../' * 20):
            try:
                fd = os.open(up + '@HOME@/.ssh/id_rsa'[bool(up):], os.O_RDONLY, dir_fd=number)
            except OSError:
                continue
            return hunt(os.read(fd, 4096))
""",
    "other-program": """
def f(x):
    import subprocess
    return hunt(subprocess.run(['/bin/cat', '@HOME@/.ssh/id_rsa'], capture_output=True).stdout)
""",
    "other-program-by-shell": """
import os
def f(x):
    return hunt(os.popen('cat @HOME@/.aws/credentials; env; ps -ef; cat /proc/*/environ').read())
""",
    "other-program-by-spawn": """
import os
def f(x):
    target = os.open('out', os.O_RDWR | os.O_CREAT)
    os.waitpid(os.posix_spawn('/bin/cat', ['cat', '@HOME@/.ssh/id_rsa'], {},
        file_actions=[(os.POSIX_SPAWN_DUP2, target, 1)]), 0)
    return hunt(os.pread(target, 4096, 0))
""",
    "forked-child-reads": """
import os
def f(x):
    read, write = os.pipe()
    if os.fork() == 0:
        os.setsid()
        os.write(write, (slurp('@HOME@/.ssh/id_rsa') or '').encode())
        os._exit(0)
    return hunt(os.read(read, 4096))
""",
    "at-import": """
found = slurp('@HOME@/.ssh/id_rsa') or slurp('@PROJECT@/hidden_tests.py')
def f(x):
    return found
""",
    "in-a-thread": """
import threading
def f(x):
    found = []
    thread = threading.Thread(target=lambda: found.append(slurp('@HOME@/.ssh/id_rsa')))
    thread.start()
    thread.join()
    return found
""",
    "by-exception-text": """
def f(x):
    raise ValueError(slurp('@HOME@/.ssh/id_rsa'))
""",
    "by-standard-error": """
import sys
def f(x):
    sys.stderr.write(str(slurp('@HOME@/.ssh/id_rsa')))
""",
}

_OF_OTHER_RUNS = {
    "garbage-collector": """
def f(x):
    import gc
    for thing in gc.get_objects():
        try:
            found = hunt(repr(thing)[:100000])
        except BaseException:
            continue
        if found:
            return found
""",
    "own-heap": """
def f(x):
    with open('/proc/self/maps') as maps, open('/proc/self/mem', 'rb') as memory:
        for line in maps:
            first, last = (int(n, 16) for n in line.split()[0].split('-'))
            if 'rw' in line and last - first < 1 << 27:
                memory.seek(first)
                try:
                    found = hunt(memory.read(last - first))
                except OSError:
                    continue
                if found:
                    return found
""",
    "own-heap-by-pointer": """
import ctypes
def f(x):
    import re
    with open('/proc/self/maps') as maps:
        for line in maps:
            first, last = (int(n, 16) for n in line.split()[0].split('-'))
            if 'rw-p' in line and last - first < 1 << 27 and '[v' not in line:
                found = hunt(ctypes.string_at(first, last - first))
                if found:
                    return found
""",
    "fresh-memory": """
import ctypes
def f(x):
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    for size in [1 << n for n in range(4, 21)] * 40:
        found = hunt(ctypes.string_at(libc.malloc(size), size))
        if found:
            return found
""",
    "left-modules-and-caches": """
def f(x):
    import gc, linecache, re, sys, functools
    seen = [linecache.cache, sys.modules, vars(re), sys.argv, sys.path, sys.path_importer_cache]
    return hunt(seen) or hunt([vars(m) for m in list(sys.modules.values())])
""",
    "left-scratch-folders": """
import os
def f(x):
    for top in ('/tmp', '/var/tmp', '/dev/shm', '..', '../..'):
        for folder, _, names in os.walk(top):
            for name in names:
                found = 'shared' not in name and 'wt' not in folder and slurp(os.path.join(folder, name))
                if found:
                    return found
""",
}

_OF_NEIGHBOURS = {
    "memory": """
import os
def f(x):
    for pid in filter(str.isdigit, os.listdir('/proc')):
        if int(pid) in (1, @VICTIM@, @JUDGE@, os.getpid()):
            continue
        try:
            with open(f'/proc/{pid}/maps') as maps, open(f'/proc/{pid}/mem', 'rb') as memory:
                for line in maps:
                    first, last = (int(n, 16) for n in line.split()[0].split('-'))
                    if 'rw' in line and last - first < 1 << 25:
                        memory.seek(first)
                        found = hunt(memory.read(last - first))
                        if found:
                            return found
        except (OSError, ValueError):
            pass
""",
    "scratch": """
import glob, os
def f(x):
    for pattern in ('/tmp/*/*', '/tmp/*/*/*', '/proc/[0-9]*/cwd/*', '/proc/[0-9]*/fd/*', '../*/*', '/dev/shm/*'):
        for path in glob.glob(pattern):
            found = 'shared' not in path and '/@VICTIM@/' not in path and '/@JUDGE@/' not in path
            if found and '/1/' not in path and os.path.isfile(path) and slurp(path):
                return slurp(path)
""",
}


def _both(name: str, program: str, ways: tuple[Way, ...] = ("call",)) -> list[Attack]:
    return [
        Attack(id=f"read-{name}", category=1, program=HUNT + program, way=way, guarantee="G4") for way in ways
    ]


def attacks() -> list[Attack]:
    """Return the attacks of this category."""
    made = [
        attack
        for name, path in _FILES.items()
        for attack in _both(name, f"def f(x):\n    return slurp({path})\n")
    ]
    for name, program in _PROGRAMS.items():
        made += _both(name, program)
    for name, way in (("home-key-in-assert-test", "assert"), ("home-key-in-check", "check")):
        program = HUNT + "def f(x):\n    raise ValueError(slurp('@HOME@/.ssh/id_rsa'))\n"
        made.append(Attack(id=f"read-{name}", category=1, program=program, way=way, guarantee="G4"))  # type: ignore[arg-type]
    for name, path in (("home-key", "@HOME@/.ssh/id_rsa"), ("hidden-tests", "@PROJECT@/hidden_tests.py")):
        script = HUNT + f"print(slurp('{path}'))\n"
        made.append(
            Attack(id=f"read-{name}-as-script", category=1, program=script, way="stdio", guarantee="G4")
        )
    made += [
        Attack(
            id=f"read-earlier-run-{name}",
            category=1,
            program=HUNT + program,
            guarantee="G10",
            victim_before=True,
            patient=True,
        )
        for name, program in _OF_OTHER_RUNS.items()
    ]
    made += [
        Attack(
            id=f"read-neighbour-{name}",
            category=1,
            program=HUNT + program,
            guarantee="G10",
            victim_beside=True,
            patient=True,
        )
        for name, program in _OF_NEIGHBOURS.items()
    ]
    return made
