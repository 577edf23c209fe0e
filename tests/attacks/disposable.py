"""A disposable host: namespaces with a private, nearly read-only view of this machine, thrown away with its last
process. Whatever a failing sandbox lets happen, happens in here.

    python -P -S tests/attacks/disposable.py PROFILE CHECKOUT -- COMMAND...

The command runs as process 1 of a new pid namespace, without network (a loopback device only), with fresh
``/tmp``, ``/var/tmp``, ``/dev``, ``/home`` and ``/root``, everything else read-only, and as nobody who owns
anything outside: started by root, it gets user ids that no process of the machine has. Started by anybody else it
is that user, with nothing to write to.

Needs Linux 5.12 and the right to make a user namespace, or root. Standard library only, run as a file of its own.
Exit code 77: this machine does not allow it; the reason is on standard error.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import secrets
import signal
import socket
import struct
import subprocess
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

IMPOSSIBLE = 77

Profile = Literal["user", "user-bare", "root", "root-bare", "root-alone"]
PROFILES: tuple[Profile, ...] = ("user", "user-bare", "root", "root-bare", "root-alone")
"""Who the command is: an ordinary user or root, both with the right to make namespaces or (``bare``) without, as
in a default container; there, root keeps the capabilities that container engines leave it. ``root-alone`` is root
in a user namespace without any other id, as after ``unshare --user --map-root-user``."""

SECRET_ENV = "DEPLOY_TOKEN"
SECRET_START = "sEcReT_"

_NEW = {"mount": 0x20000, "uts": 0x4000000, "ipc": 0x8000000, "user": 0x10000000, "pid": 0x20000000}
_NEW_NET = 0x40000000
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 2, 4, 8
_SYS_MOUNT_SETATTR = 442
_AT_RECURSIVE, _ATTR_RDONLY = 0x8000, 1
_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP = 1, 24
_FIRST_ID, _IDS = 700_000_000, 65_536
"""Host ids of the disposable users. No distribution hands them out."""
_USER = 1000
_CONTAINER_CAPABILITIES = {0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31}
"""What docker and podman leave to root by default."""
_FRESH = {"/tmp": "1500m", "/var/tmp": "64m", "/home": "64m", "/root": "64m", "/dev": "1m"}
_DEVICES = ("null", "zero", "full", "random", "urandom")

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Refused(Exception):
    """This machine does not allow a disposable host."""

    reason: str


def run(
    profile: Profile,
    checkout: Path,
    command: Sequence[str],
    *,
    timeout: float,
    python_path: Sequence[str] = (),
) -> subprocess.CompletedProcess[str]:
    """Run a command on a disposable host.

    Raises:
        Refused: if this machine allows none, with the reason.
        subprocess.TimeoutExpired: after `timeout` seconds; everything inside is dead then.
    """
    if sys.platform != "linux":
        raise Refused(f"disposable hosts need Linux, not {sys.platform}")
    done = subprocess.run(
        [sys.executable, "-P", "-S", __file__, profile, str(checkout), "--", *command],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": ":".join(python_path)},
        timeout=timeout,
        check=False,
    )
    if done.returncode == IMPOSSIBLE:
        raise Refused(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "no reason given")
    return done


def main() -> None:
    """Build the host around this process, then become the command."""
    profile, checkout, command = sys.argv[1], sys.argv[2], sys.argv[4:]
    if profile not in PROFILES:
        raise SystemExit(f"profile {profile!r}: expected one of {', '.join(PROFILES)}")
    keep = _kept_paths(checkout)
    inner_id = 0 if profile.startswith("root") else _USER
    is_root = os.getuid() == 0
    try:
        if is_root:
            _unshare(_NEW["mount"])
            _cover(keep, owner=_FIRST_ID + inner_id, root=_FIRST_ID)
            pid = _fork_mapped(f"0 {_FIRST_ID} {1 if profile == 'root-alone' else _IDS}")
        else:
            pid = _fork_mapped(f"{inner_id} {os.getuid()} 1")
    except OSError as error:
        print(f"cannot build a disposable host: {error}", file=sys.stderr)
        raise SystemExit(IMPOSSIBLE) from error
    if pid:
        signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGKILL))
        _, status = os.waitpid(pid, 0)
        raise SystemExit(max(os.waitstatus_to_exitcode(status), 0) or (70 if os.WIFSIGNALED(status) else 0))
    _finish(profile, None if is_root else keep, inner_id, command)


def _kept_paths(checkout: str) -> list[str]:
    """Return what must stay visible though the folder above it is covered."""
    environment = os.path.dirname(os.path.dirname(sys.executable))  # without `site`, the prefix is not it
    wanted = {checkout, environment, sys.prefix, sys.base_prefix, *filter(os.path.isdir, sys.path)}
    wanted |= {os.path.realpath(path) for path in wanted}
    return sorted(path for path in wanted if any(path.startswith(top + "/") for top in _FRESH))


def _unshare(flags: int) -> None:
    if _libc.unshare(flags) != 0:
        raise _os_error("unshare")


def _os_error(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{what}: {os.strerror(number)}")


def _mount(source: str, target: str, kind: str | None, flags: int = 0, data: str = "") -> None:
    arguments = [part.encode() if part is not None else None for part in (source, target, kind)]
    if _libc.mount(*arguments, ctypes.c_ulong(flags), data.encode()) != 0:
        raise _os_error(f"mount on {target}")


def _set_attributes(path: str, flags: int, *, set_bits: int = 0, clear_bits: int = 0) -> None:
    attributes = struct.pack("QQQQ", set_bits, clear_bits, 0, 0)
    if _libc.syscall(_SYS_MOUNT_SETATTR, -100, path.encode(), flags, attributes, len(attributes)) != 0:
        raise _os_error(f"attributes of the mount {path}")


def _fork_mapped(id_map: str) -> int:
    """Fork a process in new namespaces; return 0 in it and its pid in the caller.

    The caller writes the id map, because only a process outside may map more than its own id.
    """
    ready_read, ready_write = os.pipe()
    go_read, go_write = os.pipe()
    middle = os.fork()
    if middle:
        os.close(ready_write)
        os.close(go_read)
        if os.read(ready_read, 1) != b"r":
            os.waitpid(middle, 0)
            raise OSError(1, "new user namespaces are not allowed here")
        if os.getuid() != 0 or id_map.endswith(" 1"):  # else the kernel allows a user no group map
            Path(f"/proc/{middle}/setgroups").write_text("deny")
        Path(f"/proc/{middle}/uid_map").write_text(id_map)
        own_group = id_map if os.getuid() == 0 else f"{id_map.split()[0]} {os.getgid()} 1"
        Path(f"/proc/{middle}/gid_map").write_text(own_group)
        os.write(go_write, b"g")
        return middle
    try:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        _unshare(sum(_NEW.values()) | _NEW_NET)
        os.write(ready_write, b"r")
        if os.read(go_read, 1) != b"g":
            os._exit(1)
        pid = os.fork()
        if pid:
            _, status = os.waitpid(pid, 0)
            os._exit(max(os.waitstatus_to_exitcode(status), 0) or (70 if os.WIFSIGNALED(status) else 0))
    except OSError:
        os._exit(1)
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    return 0


def _cover(keep: list[str], *, owner: int, root: int) -> None:
    """Put fresh folders over the writable ones, bind back what must stay, make the rest read-only."""
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    held = {path: os.open(path, os.O_PATH) for path in keep}
    devices = {name: os.open(f"/dev/{name}", os.O_PATH) for name in _DEVICES}
    _set_attributes("/", _AT_RECURSIVE, set_bits=_ATTR_RDONLY)
    _set_attributes("/proc", 0, clear_bits=_ATTR_RDONLY)  # else the new one may not be writable either
    for top, size in _FRESH.items():
        if os.path.isdir(top) and not os.path.islink(top):
            flags = _MS_NOSUID | (0 if top == "/dev" else _MS_NODEV)
            mode = "1777" if top.endswith("tmp") else "755"
            _mount("tmpfs", top, "tmpfs", flags, f"size={size},mode={mode}")
            if os.getuid() == 0:
                os.chown(top, root, root)
    for path, descriptor in held.items():
        os.makedirs(path, exist_ok=True)
        _mount(f"/proc/self/fd/{descriptor}", path, None, _MS_BIND | _MS_REC)
        os.close(descriptor)
    for name, descriptor in devices.items():
        Path(f"/dev/{name}").touch()
        _mount(f"/proc/self/fd/{descriptor}", f"/dev/{name}", None, _MS_BIND)
        os.close(descriptor)
    os.mkdir("/dev/shm")
    _mount("tmpfs", "/dev/shm", "tmpfs", _MS_NOSUID | _MS_NODEV, "size=512m,mode=1777")
    for name, target in (("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        os.symlink(f"/proc/self/{target}", f"/dev/{name}")
    if os.path.isdir("/home"):
        os.mkdir("/home/tester")
        if os.getuid() == 0:
            os.chown("/home/tester", owner, owner)


def _finish(profile: str, keep: list[str] | None, inner_id: int, command: list[str]) -> None:
    """Inside: mounts that need the new namespaces, rights, environment. Never returns."""
    try:
        if keep is not None:  # root has done it before, with more rights
            _cover(keep, owner=inner_id, root=inner_id)
        _mount("proc", "/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
        secret = SECRET_START + secrets.token_hex(12)
        _plant_account(secret)
        _loopback_up()
        if profile.endswith("bare"):
            for kind in ("user", "mnt", "pid", "ipc", "net", "uts", "cgroup", "time"):
                limit = Path(f"/proc/sys/user/max_{kind}_namespaces")
                if limit.exists():
                    limit.write_text("0")
            for capability in range(64):
                if capability not in _CONTAINER_CAPABILITIES:
                    _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
        if os.getuid() != inner_id:
            os.setresgid(inner_id, inner_id, inner_id)
            os.setresuid(inner_id, inner_id, inner_id)
        elif os.getgid() != inner_id:
            os.setresgid(inner_id, inner_id, inner_id)
        home = "/root" if inner_id == 0 else "/home/tester"
        environment = {
            "HOME": home,
            "USER": "root" if inner_id == 0 else "tester",
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            SECRET_ENV: secret,
        }
        os.chdir(home)
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # a change of user has cleared it
        os.execve(command[0], command, environment)
    except OSError as error:
        traceback.print_exc()
        print(f"cannot build a disposable host: {error}", file=sys.stderr)
        sys.stderr.flush()
        os._exit(IMPOSSIBLE)


def _plant_account(secret: str) -> None:
    """Give the account table a line with the secret: a candidate has no business with account data."""
    try:
        accounts = Path("/etc/passwd").read_text()
        planted = Path("/tmp/.passwd")
        planted.write_text(f"{accounts}planted:x:4242:4242:{secret}:/nonexistent:/bin/false\n")
        planted.chmod(0o644)
        _mount(str(planted), "/etc/passwd", None, _MS_BIND)
        planted.unlink()
    except OSError as error:
        print(f"no planted account: {error}", file=sys.stderr)


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        (flags,) = struct.unpack("16xh14x", fcntl.ioctl(any_socket, 0x8913, request))  # SIOCGIFFLAGS
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", flags | 1))  # SIOCSIFFLAGS, IFF_UP


if __name__ == "__main__":
    main()
