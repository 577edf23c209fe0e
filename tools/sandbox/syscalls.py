"""Numbers of the system calls that a filter lets through, or looks at, on the two processors it knows.

From the tables of the Linux kernel: ``asm/unistd_64.h`` of x86_64 and ``asm-generic/unistd.h``, used by aarch64.
Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""How the kernel names a processor to a filter, by its name in `platform.machine`."""

HIGHEST = 462
"""The last number that was in use when the tables were written. Calls above it are newer than this filter."""

# name:x86_64:aarch64, and a dash where the processor has no such call

ALWAYS = """
read:0:63 write:1:64 readv:19:65 writev:20:66 pread64:17:67 pwrite64:18:68 preadv:295:69 pwritev:296:70
pwritev2:328:287 close:3:57 close_range:436:436 lseek:8:62 stat:4:- fstat:5:80 lstat:6:-
newfstatat:262:79 statx:332:291 access:21:- faccessat:269:48 faccessat2:439:439 readlink:89:-
readlinkat:267:78 getdents:78:- getdents64:217:61 getcwd:79:17 chdir:80:49 fchdir:81:50 statfs:137:43
fstatfs:138:44 rename:82:- renameat:264:38 renameat2:316:276 mkdir:83:- mkdirat:258:34 rmdir:84:-
unlink:87:- unlinkat:263:35 link:86:- linkat:265:37 symlink:88:- symlinkat:266:36 mknod:133:-
mknodat:259:33 ftruncate:77:46 fallocate:285:47 fsync:74:82 fdatasync:75:83
copy_file_range:326:285 sendfile:40:71 umask:95:166 dup:32:23 dup2:33:- dup3:292:24 pipe:22:-
pipe2:293:59 poll:7:- ppoll:271:73 select:23:- pselect6:270:72 epoll_create:213:- epoll_create1:291:20
epoll_ctl:233:21 epoll_wait:232:- epoll_pwait:281:22 epoll_pwait2:441:441 eventfd:284:- eventfd2:290:19
signalfd:282:- signalfd4:289:74 timerfd_create:283:85 timerfd_settime:286:86 timerfd_gettime:287:87
mmap:9:222 munmap:11:215 mprotect:10:226 mremap:25:216 brk:12:214 msync:26:227
membarrier:324:283 rt_sigaction:13:134 rt_sigprocmask:14:135 rt_sigreturn:15:139
rt_sigpending:127:136 rt_sigtimedwait:128:137 rt_sigsuspend:130:133 sigaltstack:131:132 pause:34:-
alarm:37:- getitimer:36:102 setitimer:38:103 restart_syscall:219:128 timer_create:222:107
timer_settime:223:110 timer_gettime:224:108 timer_getoverrun:225:109 timer_delete:226:111
nanosleep:35:101 clock_gettime:228:113 clock_getres:229:114 clock_nanosleep:230:115 gettimeofday:96:169
time:201:- times:100:153 futex:202:98 futex_waitv:449:449 set_robust_list:273:99 set_tid_address:218:96
rseq:334:293 sched_yield:24:124 sched_getaffinity:204:123 sched_getparam:143:121
sched_getscheduler:145:120 sched_get_priority_max:146:125 sched_get_priority_min:147:126 exit:60:93
exit_group:231:94 wait4:61:260 waitid:247:95 getpid:39:172 getppid:110:173 gettid:186:178 getuid:102:174
geteuid:107:175 getgid:104:176 getegid:108:177 getresuid:118:148 getresgid:120:150 getgroups:115:158
getpgid:121:155 getpgrp:111:- getsid:124:156 setsid:112:157 setpgid:109:154 getpriority:140:141
getrlimit:97:163 setrlimit:160:164 getrusage:98:165 sysinfo:99:179 uname:63:160 getrandom:318:278
getcpu:309:168 arch_prctl:158:- capget:125:90 recvfrom:45:207 sendto:44:206 recvmsg:47:212 sendmsg:46:211
shutdown:48:210 getsockopt:55:209 getsockname:51:204 getpeername:52:205
"""
"""Calls without harm behind walls of other kinds: files (a view of its own, path rules), one process, memory."""

METADATA = """
chmod:90:- fchmod:91:52 fchmodat:268:53 utime:132:- utimes:235:- utimensat:280:88 futimesat:261:-
"""
"""Calls that change what belongs to the caller's uid, wherever it lies: path rules do not see them."""

ATTRIBUTES = """
setxattr:188:5 lsetxattr:189:6 fsetxattr:190:7 getxattr:191:8 lgetxattr:192:9 fgetxattr:193:10
listxattr:194:11 llistxattr:195:12 flistxattr:196:13 removexattr:197:14 lremovexattr:198:15 fremovexattr:199:16
"""
"""Extended attributes. Programs that copy files know that many file systems have none."""

CHECKED = """
open:2:- openat:257:56 creat:85:- truncate:76:45 clone:56:220 clone3:435:435 fork:57:- vfork:58:-
execve:59:221 execveat:322:281 socketpair:53:199 prctl:157:167 ioctl:16:29 fcntl:72:25 kill:62:129
tgkill:234:131 rt_sigqueueinfo:129:138 prlimit64:302:261 personality:135:92 openat2:437:437
sync:162:81 syncfs:306:267 pivot_root:155:41 seccomp:317:277 flock:73:32 fadvise64:221:223 madvise:28:233
mincore:27:232 preadv2:327:286
"""
"""Calls that depend on their arguments or on what a run may do."""


def numbers(table: str, machine: str) -> dict[str, int]:
    """Return name to number of the calls in a table that a processor has.

    Raises:
        KeyError: for a processor that is not known.
    """
    column = {"x86_64": 1, "aarch64": 2}[machine]
    rows = [entry.split(":") for entry in table.split()]
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"}
