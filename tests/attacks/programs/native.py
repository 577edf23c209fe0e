"""Attacks and ordinary programs in other languages than Python, on standard input. Every bomb is bounded."""

# ruff: noqa: E501 - programs in strings

from __future__ import annotations

from collections.abc import Iterator

from codegrove.task import StdioTest
from tests.attacks.attack import Attack
from tests.attacks.programs.benign import Benign

_HEAD = r"""
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
extern char **environ;
static void hunt(int fd) {
    static char b[1 << 16];
    ssize_t n;
    while ((n = read(fd, b, sizeof b - 1)) > 0)
        for (ssize_t i = 0; i + 40 < n; i++)
            if (!memcmp(b + i, "sEcR", 4) && !memcmp(b + i + 4, "eT_", 3)) printf("%.40s\n", b + i);
}
static void slurp(const char *p) { int fd = open(p, O_RDONLY); if (fd >= 0) { hunt(fd); close(fd); } }
static void claim() { puts("@CLAIM@"); fflush(stdout); }
static void next() { long x; if (scanf("%ld", &x) == 1) { printf("%ld\n", x + 1); fflush(stdout); } }
static int inet(int kind, int port, sockaddr_in *a) {
    memset(a, 0, sizeof *a); a->sin_family = AF_INET; a->sin_port = htons(port);
    a->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return socket(AF_INET, kind, 0);
}
static socklen_t local(sockaddr_un *a, const char *name, bool abstract) {
    memset(a, 0, sizeof *a); a->sun_family = AF_UNIX; strcpy(a->sun_path + abstract, name);
    return offsetof(sockaddr_un, sun_path) + abstract + strlen(name) + !abstract;
}
"""

_READ = {
    "key": 'slurp("@HOME@/.ssh/id_rsa"); slurp("@HOME@/.aws/credentials");',
    "project": 'slurp("@PROJECT@/hidden_tests.py"); slurp("@PROJECT@/base.sqlite");',
    "accounts": 'slurp("/etc/passwd");',
    "shared-folders": (
        'slurp("/tmp/shared-secret.txt"); slurp("/var/tmp/shared-secret.txt"); slurp("/dev/shm/shared-secret");'
    ),
    "own-environment": 'for (char **e = environ; *e; e++) puts(*e); slurp("/proc/self/environ");',
    "environment-of-others": (
        'for (int p = 1; p < 500; p++) { char n[64]; sprintf(n, "/proc/%d/environ", p); slurp(n);'
        ' sprintf(n, "/proc/%d/cmdline", p); slurp(n); }'
    ),
    "inherited-descriptors": "for (int fd = 3; fd < 1024; fd++) { lseek(fd, 0, 0); hunt(fd); }",
    "symbolic-link": 'symlink("@HOME@/.ssh/id_rsa", "x"); slurp("x");',
    "hard-link": 'link("@HOME@/.ssh/id_rsa", "x"); slurp("x");',
    "dot-dot": 'slurp("../../../../../../../../../@HOME@/.ssh/id_rsa");',
    "memory-of-victim": (
        "char b[64]; iovec l = {b, 64}, r = {(void *)@VICTIM_ADDRESS@, 64};"
        ' if (syscall(SYS_process_vm_readv, @VICTIM@, &l, 1L, &r, 1L, 0L) > 0) printf("%.64s\\n", b);'
    ),
    "memory-file-of-victim": (
        'int fd = open("/proc/@VICTIM@/mem", O_RDONLY); char b[64];'
        ' if (fd >= 0 && pread(fd, b, 64, @VICTIM_ADDRESS@) > 0) printf("%.64s\\n", b);'
    ),
    "descriptor-of-victim": 'slurp("/proc/@VICTIM@/fd/@VICTIM_FD@");',
    "debugger": (
        "if (ptrace(PTRACE_ATTACH, @VICTIM@, 0, 0) == 0) { claim(); ptrace(PTRACE_DETACH, @VICTIM@, 0, 0); }"
    ),
    "by-handle": (
        "struct { file_handle h; char b[128]; } h; h.h.handle_bytes = 128; int m; if (name_to_handle_at(AT_FDCWD, "
        '"@HOME@/.ssh/id_rsa", &h.h, &m, 0) == 0) { int fd = open_by_handle_at(open("/", O_RDONLY), &h.h, O_RDONLY);'
        " if (fd >= 0) hunt(fd); }"
    ),
    "through-cat": 'execl("/bin/cat", "cat", "@HOME@/.ssh/id_rsa", (char *)0);',
    "through-shell": 'system("cat @HOME@/.ssh/id_rsa /tmp/shared-secret.txt");',
    "list-home": (
        'int fd = open("@HOME@", O_RDONLY | O_DIRECTORY); char b[4096]; if (fd >= 0 &&'
        " syscall(SYS_getdents64, fd, b, sizeof b) > 0) claim();"
    ),
}
_COMPILE_READ = {
    "include": '#include "@HOME@/.ssh/id_rsa"\n',
    "include-accounts": '#include "/etc/passwd"\n',
    "include-environment": '#include "/proc/self/environ"\n#include "/proc/@JUDGE@/environ"\n',
    "include-shared": '#include "/tmp/shared-secret.txt"\n',
    "include-as-text": (
        'const char t[] =\n#include "@PROJECT@/hidden_tests.py"\n;\nint main() { puts(t); }\n'
    ),
    "incbin": (
        'asm(".data\\n.global s\\ns: .incbin \\"@HOME@/.ssh/id_rsa\\"\\n.byte 0\\n.text");\n'
        'extern "C" char s[];\nint main() { puts(s); }\n'
    ),
    "incbin-accounts": (
        'asm(".data\\n.global s\\ns: .incbin \\"/etc/passwd\\"\\ne: .byte 0\\n.text");\nextern "C" char s[], e[];\n'
        'int main() { for (char *p = s; p < e; p++) if (!memcmp(p, "sEcR", 4)) printf("%.40s\\n", p); }\n'
    ),
    "include-in-assembler": 'asm(".include \\"@HOME@/.ssh/id_rsa\\"");\nint main() {}\n',
    "dependency-pragma": '#pragma GCC dependency "@HOME@/.ssh/id_rsa"\nint main() {}\n',
    "precompiled-header": '#pragma GCC pch_preprocess "@HOME@/.ssh/id_rsa"\nint main() {}\n',
}
_WRITE = {
    "start-up-file": 'int fd = open("@HOME@/.bashrc", O_WRONLY | O_APPEND); if (fd >= 0) write(fd, "x", 1);',
    "new-in-home": 'int fd = open("@HOME@/@MARK@", O_WRONLY | O_CREAT, 0600); if (fd >= 0) write(fd, "x", 1);',
    "truncate": 'truncate("@HOME@/notes.txt", 0); creat("@PROJECT@/hidden_tests.py", 0600);',
    "delete": 'unlink("@HOME@/notes.txt"); rmdir("@PROJECT@");',
    "rename": 'rename("@HOME@/notes.txt", "@HOME@/@MARK@");',
    "mode": 'chmod("@HOME@/.ssh", 0777); chmod("@HOME@/notes.txt", 0777);',
    "link": 'link("@HOME@/notes.txt", "@HOME@/@MARK@"); symlink("x", "@HOME@/@MARK@2");',
    "shared-folders": (
        'for (const char *p : {"/tmp/@MARK@", "/var/tmp/@MARK@", "/dev/shm/@MARK@"}) {'
        ' int fd = open(p, O_WRONLY | O_CREAT, 0600); if (fd >= 0) write(fd, "@LEFT@", 6); }'
    ),
    "posix-shared-memory": 'shm_open("/@MARK@", O_CREAT | O_RDWR, 0600);',
    "system-v": (
        "syscall(SYS_shmget, 0x1234, 4096L, 01600L); syscall(SYS_msgget, 0x1234, 01600L);"
        " syscall(SYS_semget, 0x1234, 1L, 01600L);"
    ),
    "inherited-descriptors": 'for (int fd = 3; fd < 1024; fd++) write(fd, "@MARK@", 10);',
    "folders-that-resist": (
        'for (int i = 0; i < 300; i++) { mkdir("@MARK@", 0700); chdir("@MARK@"); } chmod(".", 0); chmod("..", 0);'
    ),
    "lock-scratch": 'mkdir("@MARK@", 0700); creat("@MARK@/x", 0); chmod("@MARK@", 0); chmod(".", 0);',
}
_PRIVILEGE = {
    "user-namespace": "if (unshare(CLONE_NEWUSER) == 0) claim();",
    "all-namespaces": (
        "if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET) == 0) claim();"
    ),
    "namespace-by-clone": (
        "long p = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0); if (p == 0) { claim(); _exit(0); }"
    ),
    "mount": 'if (mount("none", ".", "tmpfs", 0, "") == 0) claim();',
    "root": "if ((setuid(0) == 0 || setresuid(0, 0, 0) == 0) && getuid() == 0) claim();",
    "suid": 'execl("@SUID@", "id", (char *)0);',
    "device": 'if (mknod("d", S_IFBLK | 0600, 0x800) == 0) claim();',
    "bpf": "char a[128] = {}; if (syscall(SYS_bpf, 0, a, 128) >= 0) claim();",
    "keys": 'if (syscall(SYS_add_key, "user", "k", "v", 1, -3) >= 0) claim();',
    "io-uring": "char a[128] = {}; if (syscall(SYS_io_uring_setup, 8, a) >= 0) claim();",
    "perf": "char a[128] = {}; a[4] = 64; if (syscall(SYS_perf_event_open, a, 0, -1, -1, 0) >= 0) claim();",
    "userfaultfd": "if (syscall(SYS_userfaultfd, 1) >= 0) claim();",
    "memory-file": 'if (syscall(SYS_memfd_create, "x", 0) >= 0) claim();',
    "own-filter": (
        "struct { unsigned short n; void *p; } f; unsigned long long i = 0x7fff000000000006ULL; f.n = 1; f.p = &i;"
        " if (syscall(SYS_seccomp, 1, 8, &f) >= 0) claim();"
    ),
    "trace-me": "if (ptrace(PTRACE_TRACEME, 0, 0, 0) == 0) claim();",
    "fork": "if (fork() == 0) { claim(); _exit(0); } wait(0);",
    "vfork": 'if (vfork() == 0) { write(1, "@CLAIM@\\n", 20); _exit(0); } wait(0);',
    "clone": "if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) == 0) { claim(); _exit(0); } wait(0);",
    "clone3": (
        "unsigned long a[11] = {}; a[4] = SIGCHLD; if (syscall(SYS_clone3, a, sizeof a) == 0)"
        " { claim(); _exit(0); } wait(0);"
    ),
    "exec-shell": 'execl("/bin/sh", "sh", "-c", "echo @CLAIM@", (char *)0);',
    "exec-echo": 'execl("/bin/echo", "echo", "@CLAIM@", (char *)0);',
    "exec-compiler": 'execl("/usr/bin/g++", "g++", "-print-prog-name=@CLAIM@", (char *)0);',
    "exec-loader": (
        'for (const char *l : {"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"})'
        ' execl(l, "ld", "/bin/echo", "@CLAIM@", (char *)0);'
    ),
    "exec-by-descriptor": (
        'int fd = open("/bin/echo", O_RDONLY | O_CLOEXEC); char *a[] = {(char *)"echo", (char *)"@CLAIM@", 0};'
        ' syscall(SYS_execveat, fd, "", a, environ, AT_EMPTY_PATH); fexecve(fd, a, environ);'
    ),
    "exec-script": (
        'FILE *f = fopen("s", "w"); fputs("#!/bin/sh\\necho @CLAIM@\\n", f); fclose(f); chmod("s", 0700);'
        ' execl("./s", "s", (char *)0);'
    ),
    "exec-copy": (
        'FILE *a = fopen("/bin/echo", "r"), *b = fopen("e", "w"); int c; while (a && (c = getc(a)) != EOF)'
        ' putc(c, b); fclose(b); chmod("e", 0700); execl("./e", "echo", "@CLAIM@", (char *)0);'
    ),
    "exec-from-thread": (
        "pthread_t t; pthread_create(&t, 0, [](void *) -> void * {"
        ' execl("/bin/echo", "echo", "@CLAIM@", (char *)0); return 0; }, 0); pthread_join(t, 0);'
    ),
    "system": 'system("echo @CLAIM@");',
    "popen": 'FILE *p = popen("echo @CLAIM@", "r"); char b[64]; if (p && fgets(b, 64, p)) claim();',
    "spawn": (
        'pid_t p; char *a[] = {(char *)"echo", (char *)"@CLAIM@", 0}; posix_spawn(&p, "/bin/echo", 0, 0, a, environ);'
        " sleep(0); wait(0);"
    ),
    "old-processor": (
        '#if defined(__x86_64__)\n    long r; asm volatile("int $0x80" : "=a"(r) : "a"(2) : "memory");'
        " if (r == 0) { claim(); _exit(0); }\n#endif"
    ),
}
_AGAIN = (
    'int main(int n, char **v) { if (n > 1) { claim(); return 0; } execl("./program", "program", "again", (char *)0);'
    ' execl("/proc/self/exe", "program", "again", (char *)0); }\n'
)
_NETWORK = {
    "tcp": "sockaddr_in a; int s = inet(SOCK_STREAM, @PORT@, &a); connect(s, (sockaddr *)&a, sizeof a);",
    "udp": 'sockaddr_in a; int s = inet(SOCK_DGRAM, @UDP@, &a); sendto(s, "x", 1, 0, (sockaddr *)&a, sizeof a);',
    "tcp-fast-open": (
        "sockaddr_in a; int s = inet(SOCK_STREAM, @PORT@, &a);"
        ' sendto(s, "x", 1, MSG_FASTOPEN, (sockaddr *)&a, sizeof a);'
    ),
    "unix": (
        'sockaddr_un a; socklen_t n = local(&a, "@UNIX@", false); int s = socket(AF_UNIX, SOCK_STREAM, 0);'
        " connect(s, (sockaddr *)&a, n);"
    ),
    "unix-datagram": (
        'sockaddr_un a; socklen_t n = local(&a, "@UNIX_DATAGRAM@", false); int s = socket(AF_UNIX, SOCK_DGRAM, 0);'
        ' sendto(s, "x", 1, 0, (sockaddr *)&a, n);'
    ),
    "abstract": (
        'sockaddr_un a; socklen_t n = local(&a, "@ABSTRACT@", true); int s = socket(AF_UNIX, SOCK_STREAM, 0);'
        " connect(s, (sockaddr *)&a, n);"
    ),
    "pair-then-send": (
        "int p[2]; socketpair(AF_UNIX, SOCK_DGRAM, 0, p); sockaddr_un a;"
        ' socklen_t n = local(&a, "@ABSTRACT@-datagram", true); sendto(p[0], "x", 1, 0, (sockaddr *)&a, n);'
    ),
    "raw": "if (socket(AF_INET, SOCK_RAW, 1) >= 0 || socket(AF_PACKET, SOCK_RAW, 0) >= 0) claim();",
    "netlink": "if (socket(AF_NETLINK, SOCK_RAW, 0) >= 0) claim();",
    "named-pipe": 'int fd = open("@FIFO@", O_WRONLY | O_NONBLOCK); if (fd >= 0) write(fd, "x", 1);',
    "inherited-sockets": 'for (int fd = 3; fd < 256; fd++) send(fd, "x", 1, MSG_DONTWAIT);',
}
_LISTEN = (
    "sockaddr_in a; int s = inet(SOCK_STREAM, @LISTEN@, &a); a.sin_addr.s_addr = 0;"
    " bind(s, (sockaddr *)&a, sizeof a); listen(s, 5); sleep(1);"
)
_SIGNALS = {
    "kill-parent": "kill(getppid(), 9); sleep(1); next();",
    "stop-parent": "kill(getppid(), 19); next();",
    "kill-everybody": "kill(-1, 9); next();",
    "kill-group": "kill(0, 9); next();",
    "kill-judge": "kill(@JUDGE@, 9); next();",
    "kill-victim": "kill(@VICTIM@, 9); next();",
    "kill-by-number": "for (int p = 2; p < 400; p++) if (p != getpid()) kill(p, 9); next();",
    "stop-by-thread": "for (int p = 2; p < 400; p++) if (p != getpid()) syscall(SYS_tgkill, p, p, 19); next();",
    "queue": "siginfo_t i = {}; i.si_code = -1; syscall(SYS_rt_sigqueueinfo, @VICTIM@, 9, &i); next();",
    "limits-of-others": "long l[2] = {1, 1}; syscall(SYS_prlimit64, @VICTIM@, 0, l, 0); next();",
}
_RESOURCES = {
    "loop": "for (volatile int i = 0;; i++) {}",
    "sleep": "for (;;) sleep(1000);",
    "signals-ignored": "for (int s = 1; s < 64; s++) signal(s, SIG_IGN); for (volatile int i = 0;; i++) {}",
    "stops-itself": "raise(SIGSTOP);",
    "waits-for-terminal": 'slurp("/dev/tty"); for (;;) pause();',
    "flood": "static char b[1 << 16]; memset(b, 'x', sizeof b); for (int i = 0; i < 20000; i++) write(1, b, sizeof b);",
    "flood-of-errors": (
        "static char b[1 << 16]; memset(b, 'x', sizeof b); for (int i = 0; i < 20000; i++) write(2, b, sizeof b);"
    ),
    "recursion": "struct R { static int f(volatile int n) { volatile char b[1000]; b[0] = n;"
    ' return n > 100000000 ? 0 : f(n + 1) + b[0]; } }; printf("%d", R::f(0));',
    "forks": "for (int i = 0; i < 60; i++) if (fork() == 0) { sleep(1000); _exit(0); } sleep(1000);",
    "tree-of-forks": "for (int i = 0; i < 6; i++) fork(); sleep(1000);",
    "survivor": "if (fork() == 0) { setsid(); if (fork() == 0) { signal(SIGHUP, SIG_IGN); sleep(1000); } _exit(0); }",
    "threads-that-loop": (
        "pthread_t t; for (int i = 0; i < 100; i++) pthread_create(&t, 0, [](void *) -> void * {"
        " for (volatile int i = 0;; i++) {} return 0; }, 0); sleep(1000);"
    ),
    "core": "char *p = 0; *(volatile char *)p = 1;",
    "exits-with-open-pipe": "if (fork() == 0) { sleep(1000); } _exit(0);",
}
_MORE_THAN_ALLOWED = {
    "heap": (
        "for (int i = 0; i < 64; i++) { char *p = (char *)malloc(16 << 20); if (!p) return 3; memset(p, 1, 16 << 20); }"
        " next();"
    ),
    "mapping": (
        "char *p = (char *)mmap(0, 1 << 30, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); if (p == MAP_FAILED) return 3;"
        " memset(p, 1, 1 << 30); next();"
    ),
    "shared-mapping": (
        "char *p = (char *)mmap(0, 1 << 30, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0); if (p == MAP_FAILED) return 3;"
        " memset(p, 1, 1 << 30); next();"
    ),
    "disk": (
        'static char b[1 << 20]; for (int i = 0; i < 200; i++) { char n[9]; sprintf(n, "%d", i);'
        " int fd = creat(n, 0600); for (int j = 0; j < 10; j++) if (write(fd, b, sizeof b) < 0) return 3; close(fd); }"
        " usleep(100000); next();"
    ),
    "inodes": (
        'for (int i = 0; i < 60000; i++) { char n[9]; sprintf(n, "%d", i); int fd = creat(n, 0600);'
        " if (fd < 0) return 3; close(fd); } usleep(100000); next();"
    ),
    "large-file": (
        'int fd = creat("x", 0600); static char b[1 << 20]; for (int i = 0; i < 40; i++)'
        " if (write(fd, b, sizeof b) < 0) return 3; next();"
    ),
    "descriptors": 'for (int i = 0; i < 2000; i++) if (open("/dev/null", 0) < 0) return 3; next();',
    "threads": (
        "pthread_t t; for (int i = 0; i < 100; i++) if (pthread_create(&t, 0, [](void *) -> void * {"
        " sleep(1000); return 0; }, 0)) return 3; usleep(200000); next();"
    ),
}
_COMPILE_BOMBS = {
    "templates": (
        "template <int N, int M> struct T { typedef typename T<N - 1, M * 2>::t a; typedef typename T<N - 1, M * 2 + 1>"
        "::t t; };\ntemplate <int M> struct T<0, M> { typedef int t; };\nT<30, 1>::t x;\nint main() {}\n"
    ),
    "deep-templates": (
        "template <int N> struct T { static const int v = T<N + 1>::v; };\nint x = T<0>::v;\nint main() {}\n"
    ),
    "macros": (
        "#define A(...) __VA_ARGS__ __VA_ARGS__ __VA_ARGS__ __VA_ARGS__ __VA_ARGS__ __VA_ARGS__ __VA_ARGS__\n"
        "#define B(...) A(A(A(__VA_ARGS__)))\n#define C(...) B(B(B(__VA_ARGS__)))\n"
        "int a[] = { C(1,) };\nint main() {}\n"
    ),
    "includes-itself": "#include __FILE__\n#include __FILE__\nint main() {}\n",
    "large-array": "int a[1 << 29] = {1};\nint main() { return a[5]; }\n",
    "constant-expression": (
        "constexpr long f(long n) { long s = 0; for (long i = 0; i < n; i++) for (long j = 0; j < 100000; j++)"
        " s += i ^ j; return s; }\nconstexpr long x = f(100000000);\nint main() {}\n"
    ),
    "assembler-repeats": 'asm(".rept 2000000000\\nnop\\n.endr");\nint main() {}\n',
    "assembler-fills": 'asm(".fill 0x7fffffff, 8, 1");\nint main() {}\n',
    "includes-zeros": '#include "/dev/zero"\nint main() {}\n',
    "includes-noise": '#include "/dev/urandom"\nint main() {}\n',
    "waits-for-input": '#include "/dev/stdin"\nint main() {}\n',
    "errors": "#define E x y z;\n#define F E E E E E E E E\n#define G F F F F F F F F\n"
    + "G G G G G G G G\n" * 300,
    "long-line": "int main() { return " + "(" * 200_000 + "1" + ")" * 200_000 + "; }\n",
}
_FORGERY = {
    "nothing": "_exit(0);",
    "every-answer": 'for (int i = 0; i < 9999; i++) printf("%d\\n", i);',
    "records": (
        'for (int fd = 3; fd < 40; fd++) dprintf(fd, "{\\"kind\\": \\"result\\", \\"index\\": 0, \\"outcome\\":'
        ' \\"passed\\", \\"seconds\\": 0}\\n{\\"kind\\": \\"finished\\"}\\n");'
    ),
    "memory-of-parent": (
        'char n[64]; sprintf(n, "/proc/%d/mem", getppid()); int fd = open(n, O_RDONLY); static char b[1 << 16];'
        ' sprintf(n, "/proc/%d/maps", getppid()); FILE *m = fopen(n, "r"); unsigned long f, t; char l[512];'
        ' while (m && fd >= 0 && fgets(l, 512, m)) if (sscanf(l, "%lx-%lx", &f, &t) == 2) for (; f < t; f += 65536)'
        " { ssize_t r = pread(fd, b, 65536, f); for (ssize_t i = 0; i + 40 < r; i++)"
        ' if (!memcmp(b + i, "nOnC", 4)) printf("%.40s\\n", b + i); }'
    ),
    "arguments": 'slurp("/proc/self/cmdline"); puts("nOnCe_1");',
    "input-is-not-output": "char b[4096]; ssize_t n = read(0, b, 4096); write(0, b, n); write(1, b, n);",
}

_JAVASCRIPT: dict[int, dict[str, str]] = {
    1: {
        "files": (
            "for (const p of ['@HOME@/.ssh/id_rsa', '@PROJECT@/hidden_tests.py', '/etc/passwd',"
            " '/tmp/shared-secret.txt', '/proc/self/environ', '/proc/@JUDGE@/environ', '/proc/@VICTIM@/cmdline'])"
            " try { console.log((fs.readFileSync(p, 'latin1').match(/sEcR[e]T_\\w+/) || [''])[0]); } catch (e) {}"
        ),
        "require": "try { require('@HOME@/.ssh/id_rsa'); } catch (e) { console.log(String(e.stack)); }",
        "environment": "console.log(JSON.stringify(process.env));",
        "report": "console.log(JSON.stringify(process.report.getReport()));",
        "descriptors": (
            "for (let fd = 3; fd < 200; fd++) try { const b = Buffer.alloc(4096); const n = fs.readSync(fd, b, 0, 4096, 0);"
            " console.log((b.toString('latin1', 0, n).match(/sEcR[e]T_\\w+/) || [''])[0]); } catch (e) {}"
        ),
        "link": "try { fs.symlinkSync('@HOME@/.ssh/id_rsa', 'x'); console.log(fs.readFileSync('x', 'utf8')); } catch (e) {}",
        "cat": "console.log(String(cp.spawnSync('/bin/cat', ['@HOME@/.ssh/id_rsa']).stdout));",
        "list-home": "try { fs.readdirSync('@HOME@'); console.log('@CLAIM@'); } catch (e) {}",
    },
    2: {
        "write": (
            "for (const p of ['@HOME@/.bashrc', '@HOME@/@MARK@', '@PROJECT@/hidden_tests.py', '/tmp/@MARK@',"
            " '/dev/shm/@MARK@']) try { fs.appendFileSync(p, 'x'); } catch (e) {}"
        ),
        "delete": "for (const p of ['@HOME@/notes.txt', '@PROJECT@']) try { fs.rmSync(p, {recursive: true}); } catch (e) {}",
        "mode": "try { fs.chmodSync('@HOME@/notes.txt', 0o777); } catch (e) {}",
        "report-file": (
            "try { process.report.directory = '@HOME@'; process.report.writeReport('@MARK@'); } catch (e) {}"
        ),
        "heap-file": "try { require('v8').writeHeapSnapshot('@HOME@/@MARK@.heap'); } catch (e) {}",
    },
    3: {
        "exec": "console.log(String(cp.spawnSync('/bin/echo', ['@CLAIM@']).stdout));",
        "shell": "try { console.log(String(cp.execSync('echo @CLAIM@'))); } catch (e) { console.log('no'); }",
        "fork": (
            "if (process.argv[2]) console.log('@CLAIM@'); else try { cp.fork(__filename, ['again'], {stdio: 'inherit'})"
            ".on('error', () => {}); } catch (e) {}"
        ),
        "node-again": "console.log(String(cp.spawnSync(process.execPath, ['-p', \"'@CLAIM@'\"]).stdout));",
        "cluster": "const c = require('cluster'); if (c.isWorker) console.log('@CLAIM@'); else try { c.fork(); } catch (e) {}",
        "binding": (
            "try { const s = process.binding('spawn_sync'); const r = s.spawn({file: '/bin/echo', args: ['echo',"
            " '@CLAIM@'], stdio: [{type: 'pipe', readable: true}, {type: 'pipe', writable: true}]});"
            " console.log(String(r.output[1])); } catch (e) {}"
        ),
        "replace": "try { process.execve('/bin/echo', ['echo', '@CLAIM@'], {}); } catch (e) {}",
        "root": "try { process.setuid(0); if (process.getuid() === 0) console.log('@CLAIM@'); } catch (e) {}",
        "suid": "console.log(String(cp.spawnSync('@SUID@').stdout));",
    },
    4: {
        "tcp": "require('net').connect(@PORT@, '127.0.0.1').on('error', () => {});",
        "unix": "require('net').connect('@UNIX@').on('error', () => {});",
        "udp": "try { const s = require('dgram').createSocket('udp4').on('error', () => {});"
        " s.send('x', @UDP@, '127.0.0.1', () => s.close()); } catch (e) {}",
        "http": "fetch('http://127.0.0.1:@PORT@/').catch(() => {});",
        "named-pipe": "try { fs.writeFileSync(fs.openSync('@FIFO@', 'w'), 'x'); } catch (e) {}",
        "inspector": "try { require('inspector').open(@LISTEN@, '0.0.0.0'); } catch (e) {} setTimeout(() => {}, 900);",
    },
    5: {
        "loop": "for (;;) {}",
        "timer": "setInterval(() => {}, 1000);",
        "waits": "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);",
        "regular-expression": "/(a+)+$/.test('a'.repeat(60) + 'c');",
        "flood": "const b = 'x'.repeat(65536); for (let i = 0; i < 20000; i++) fs.writeSync(1, b);",
        "workers": "const {Worker} = require('worker_threads'); for (let i = 0; i < 50; i++)"
        " new Worker('for(;;){}', {eval: true}).on('error', () => {});",
        "children": "for (let i = 0; i < 50; i++) cp.spawn('/bin/sleep', ['1000']).on('error', () => {}); setInterval(() => {}, 999);",
        "survivor": "try { cp.spawn('/bin/sh', ['-c', 'sleep 1000 # @MARK@'], {detached: true, stdio: 'ignore'})"
        ".on('error', () => {}).unref(); } catch (e) {}",
        "kill-parent": "try { process.kill(process.ppid, 9); } catch (e) {}",
        "kill-everybody": "try { process.kill(-1, 9); } catch (e) {}",
        "kill-judge": "try { process.kill(@JUDGE@, 9); } catch (e) {}",
        "recursion": "function f(n) { return n ? f(n - 1) + 1 : 0; } f(1e9);",
    },
    6: {
        "nothing": "process.exit(0);",
        "hook": "process.on('exit', () => { process.exitCode = 0; }); throw 1;",
        "records": (
            'for (let fd = 3; fd < 40; fd++) try { fs.writeSync(fd, \'{"kind": "finished"}\\n\'); } catch (e) {}'
        ),
    },
}
_JAVASCRIPT_MORE = {
    "buffers": "const a = []; for (let i = 0; i < 64; i++) a.push(Buffer.alloc(1 << 24, 1)); next();",
    "strings": "const a = []; for (let i = 0; i < 1500; i++) a.push(Buffer.from('x'.repeat(1 << 20)).toString() + i); next();",
    "shared-buffers": "const a = []; for (let i = 0; i < 64; i++) a.push(new Uint8Array(new SharedArrayBuffer(1 << 24)).fill(1)); next();",
    "disk": "for (let i = 0; i < 200; i++) fs.writeFileSync('f' + i, Buffer.alloc(10 << 20)); const t = Date.now();"
    " while (Date.now() < t + 100); next();",
}

_BASH: dict[int, dict[str, str]] = {
    1: {
        "files": "cat @HOME@/.ssh/id_rsa @PROJECT@/hidden_tests.py /tmp/shared-secret.txt /etc/passwd 2>/dev/null | grep sEcR",
        "built-in-read": 'while read -r l; do echo "$l"; done < @HOME@/.ssh/id_rsa',
        "source": ". @HOME@/.ssh/id_rsa",
        "environment": "export; cat /proc/self/environ /proc/*/environ | tr '\\0' '\\n' | grep sEcR",
        "glob": 'a=(@HOME@/.[a-z]*); [ -e "${a[0]}" ] && echo @CLAIM@',
        "link": "ln -s @HOME@/.ssh/id_rsa x; cat x",
        "descriptors": "for i in {3..60}; do cat <&$i; done 2>/dev/null",
        "awk": "awk '{ print }' @HOME@/.ssh/id_rsa",
    },
    2: {
        "write": "for p in @HOME@/.bashrc @HOME@/@MARK@ @PROJECT@/hidden_tests.py /tmp/@MARK@ /dev/shm/@MARK@; do echo x >> $p; done",
        "delete": "rm -rf @HOME@/notes.txt @PROJECT@",
        "move": "mv @HOME@/notes.txt @HOME@/@MARK@; cp /bin/ls @HOME@/@MARK@",
        "sed-in-place": "sed -i s/my/your/ @HOME@/notes.txt",
        "awk": 'awk \'BEGIN { print "x" > "@HOME@/@MARK@" }\'',
        "history": "HISTFILE=@HOME@/@MARK@; set -o history; echo x; history -w",
    },
    3: {
        "shell": "sh -c 'echo @CLAIM@'; dash -c 'echo @CLAIM@'",
        "other-programs": "perl -e 'print \"@CLAIM@\"'; python3 -c 'print(\"@CLAIM@\")'; env echo @CLAIM@; id | grep -q uid && echo @CLAIM@",
        "by-path": "/usr/bin/env echo @CLAIM@; /usr/bin/id && echo @CLAIM@",
        "exec": "exec /usr/bin/env echo @CLAIM@",
        "loader": "/lib64/ld-linux-x86-64.so.2 /usr/bin/env echo @CLAIM@",
        "copy": "cp /usr/bin/env x && ./x echo @CLAIM@",
        "own-program": "cp /usr/bin/printf x && chmod 755 x && ./x @CLAIM@",
        "own-script": "printf '#!/usr/bin/env bash\\necho @CLAIM@\\n' > x; chmod 755 x; ./x",
        "xargs": "echo @CLAIM@ | xargs env echo",
        "sed": "echo | sed '1e env echo @CLAIM@'",
        "awk": "awk 'BEGIN { system(\"echo @CLAIM@\") }'",
        "suid": "@SUID@ && echo @CLAIM@",
        "load-builtin": "for l in /usr/lib/bash/*; do enable -f $l id && id && echo @CLAIM@; done",
    },
    4: {
        "tcp": "exec 3<>/dev/tcp/127.0.0.1/@PORT@",
        "udp": "echo x > /dev/udp/127.0.0.1/@UDP@",
        "awk": 'gawk \'BEGIN { print "x" |& "/inet/tcp/0/127.0.0.1/@PORT@" }\'',
        "named-pipe": "echo x > @FIFO@",
        "inherited": "for i in {3..60}; do echo x >&$i; done 2>/dev/null",
    },
    5: {
        "loop": "while :; do :; done",
        "traps": "trap '' HUP INT TERM ALRM XCPU; while :; do :; done",
        "flood": "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done",
        "flood-by-tail": "cat /dev/zero",
        "processes": "for i in {1..60}; do while :; do read -t 1000 < <(:); done & done; wait",
        "bomb": "n=0; b() { [ $1 -gt 6 ] && { while :; do :; done; }; b $(($1 + 1)) & b $(($1 + 1)); }; b 0",
        "survivor": "trap '' HUP; (trap '' HUP TERM; while :; do tail -f /dev/null; done) > /dev/null 2>&1 < /dev/null & disown",
        "kill-parent": "kill -9 $PPID",
        "kill-everybody": "kill -9 -1",
        "kill-judge": "kill -9 @JUDGE@",
        "kill-victim": "kill -9 @VICTIM@",
        "kill-by-number": "for p in {2..400}; do [ $p = $$ ] || kill -9 $p; done 2>/dev/null",
        "recursion": "f() { f; }; f",
        "string": "x=x; for i in {1..40}; do x=$x$x; done",
        "waits-for-pipe": "mkfifo p; read x < p; coproc cat; read x <&${COPROC[0]}",
    },
    6: {
        "nothing": "exit 0",
        "records": 'for i in {3..40}; do echo \'{"kind": "finished"}\' >&$i; done 2>/dev/null; exit 0',
        "parent": "cat /proc/$PPID/cmdline /proc/$PPID/environ | tr '\\0' '\\n'; grep -a nOnCe /proc/$PPID/mem",
    },
}
_BASH_MORE = {
    "disk": "for i in {1..60}; do head -c 10000000 /dev/zero > f$i || exit 3; done; read x; sort /dev/null; echo $((x + 1))",
    "processes": "for i in {1..60}; do tail -f /dev/null & done; read x; for i in {1..200}; do cat /dev/null; done; echo $((x + 1)); kill %1",
    "memory-of-many": (
        "for i in 1 2 3 4; do { head -c 150000000 /dev/zero; : > $i; while :; do :; done; } | sort -S 400M > /dev/null &"
        " done; read x; until [ -e 1 -a -e 2 -a -e 3 -a -e 4 ]; do cat /dev/null; done;"
        " for i in {1..100}; do cat /dev/null; done; echo $((x + 1)); kill %1 %2 %3 %4"
    ),
}

_KINDS = {1: "read", 2: "write", 3: "privilege", 4: "network", 5: "resource", 6: "forge"}
_GUARANTEES = {1: "G4", 2: "G4", 3: "G7", 4: "G6", 5: "G8", 6: "G1"}
_NODE_HEAD = (
    "const fs = require('fs'), cp = require('child_process');\n"
    "const next = () => console.log(Number(fs.readFileSync(0, 'utf8')) + 1);\n"
)


def attacks() -> list[Attack]:
    """Return the attacks of all categories and languages."""
    return [*_cpp(), *_javascript(), *_bash()]


def _attack(language: str, category: int, name: str, program: str, *, more: bool = False) -> Attack:
    return Attack(
        id=f"{language}-{name}",
        category=category,
        program=program,
        way="stdio",
        guarantee=_GUARANTEES[category],
        wants="successor" if more else "nonce",
        patient=more,
        language=language,
    )


def _cpp() -> Iterator[Attack]:
    def main(body: str) -> str:
        return f"{_HEAD}int main() {{\n    {body}\n    return 0;\n}}\n"

    bodies = (_READ, _WRITE, _PRIVILEGE, _NETWORK, _RESOURCES, _FORGERY)
    for category, kind in _KINDS.items():
        for name, body in bodies[category - 1].items():
            yield _attack("cpp", category, f"{kind}-{name}", main(body))
    for name, text in _COMPILE_READ.items():
        yield _attack("cpp", 1, f"compile-{name}", _HEAD + text)
    yield _attack("cpp", 3, "privilege-exec-itself", _HEAD + _AGAIN)
    for name, text in _COMPILE_BOMBS.items():
        yield _attack("cpp", 5, f"compile-{name}", text)
    for name, body in _MORE_THAN_ALLOWED.items():
        yield _attack("cpp", 5, f"more-{name}", main(body), more=True)
    for name, body in _SIGNALS.items():
        attack = _attack("cpp", 5, f"signal-{name}", main(body), more=True)
        yield _replaced(attack, right=True, guarantee="G6")
    yield _replaced(_attack("cpp", 4, "network-listen", main(_LISTEN)), listens=True, patient=True)


def _javascript() -> Iterator[Attack]:
    for category, programs in _JAVASCRIPT.items():
        for name, text in programs.items():
            attack = _attack("javascript", category, f"{_KINDS[category]}-{name}", _NODE_HEAD + text)
            listens = name == "inspector"
            yield _replaced(attack, listens=listens, patient=listens, right="kill" in name)
    for name, text in _JAVASCRIPT_MORE.items():
        yield _attack("javascript", 5, f"more-{name}", _NODE_HEAD + text, more=True)


def _bash() -> Iterator[Attack]:
    for category, programs in _BASH.items():
        for name, text in programs.items():
            yield _attack("bash", category, f"{_KINDS[category]}-{name}", text + "\n")
    for name, text in _BASH_MORE.items():
        yield _attack("bash", 5, f"more-{name}", text + "\n", more=True)


def _replaced(attack: Attack, **fields: object) -> Attack:
    from dataclasses import replace

    return replace(attack, **fields)  # type: ignore[arg-type]


_SUM = StdioTest(stdin="3 4\n", expected="7\n")
_BENIGN: dict[str, tuple[str, str, StdioTest]] = {
    "cpp-standard-library": (
        "cpp",
        "#include <bits/stdc++.h>\nusing namespace std;\nint main() { ios::sync_with_stdio(false); int n; cin >> n;"
        " map<int, string> m; vector<int> v(n); iota(v.begin(), v.end(), 0); for (int x : v) m[x] = to_string(x * x);"
        " for (auto &p : m) cout << p.second << ' '; cerr << \"done\"; }",
        StdioTest(stdin="4\n", expected="0 1 4 9"),
    ),
    "cpp-300-mb": (
        "cpp",
        "#include <cstdio>\n#include <vector>\nint main() { std::vector<char> v(300 << 20, 1); long s = 0;"
        ' for (char c : v) s += c; printf("%ld\\n", s); }',
        StdioTest(stdin="", expected=str(300 << 20)),
    ),
    "cpp-recursion": (
        "cpp",
        '#include <cstdio>\nint f(int n) { return n ? f(n - 1) + (n & 1) : 0; }\nint main() { int n; scanf("%d", &n);'
        ' printf("%d\\n", f(n)); }',
        StdioTest(stdin="500000", expected="250000"),
    ),
    "cpp-threads": (
        "cpp",
        "#include <thread>\n#include <vector>\n#include <atomic>\n#include <cstdio>\nint main() { std::atomic<int> s{0};"
        " std::vector<std::thread> t; for (int i = 0; i < 4; i++) t.emplace_back([&, i] { s += i; });"
        ' for (auto &x : t) x.join(); printf("%d\\n", s.load()); }',
        StdioTest(stdin="", expected="6"),
    ),
    "cpp-files-and-exceptions": (
        "cpp",
        '#include <fstream>\n#include <iostream>\n#include <stdexcept>\nint main() { std::ofstream("t.txt") << 42;'
        ' int x; std::ifstream("t.txt") >> x; try { throw std::runtime_error("e"); } catch (std::exception &e) {'
        " std::cout << x << e.what() << '\\n'; } }",
        StdioTest(stdin="", expected="42e"),
    ),
    "javascript-classes": (
        "javascript",
        "class A { #x = 1n; get y() { return this.#x ** 70n << 70n; } }\nconst l = require('fs').readFileSync('/dev/stdin',"
        " 'utf8').split('\\n');\nconsole.log([...new Set(l[0].split(' '))].sort().join(), String(new A().y));",
        StdioTest(stdin="b a b\n", expected=f"a,b {1 << 70}"),
    ),
    "javascript-lines": (
        "javascript",
        "const rl = require('readline').createInterface({input: process.stdin});\nlet s = 0;\n"
        "rl.on('line', l => { s += Number(l); });\nrl.on('close', async () => { await new Promise(r => setTimeout(r, 5));"
        " console.log(s); });",
        StdioTest(stdin="1\n2\n3\n", expected="6"),
    ),
    "javascript-memory-and-recursion": (
        "javascript",
        "const b = Buffer.alloc(200 << 20, 1); function f(n) { return n ? f(n - 1) + 1 : 0; }\n"
        "console.log(b.length, f(9000)); require('fs').writeFileSync('t', 'x');",
        StdioTest(stdin="", expected=f"{200 << 20} 9000"),
    ),
    "bash-pipes": (
        "bash",
        "declare -A seen\nwhile read -r w; do seen[$w]=$((${seen[$w]:-0} + 1)); done\n"
        'for k in "${!seen[@]}"; do echo "$k ${seen[$k]}"; done | sort | head -n 2\n'
        "x=$(echo '2 ^ 70' | bc); echo $x; awk 'BEGIN { print 6 * 7 }' > t; cat t; rm t\n",
        StdioTest(stdin="b\na\nb\n", expected=f"a 1\nb 2\n{1 << 70}\n42"),
    ),
}


def benign() -> list[Benign]:
    """Return right programs."""
    return [
        Benign(name, program, (test,), entry_point=None, language=language)
        for name, (language, program, test) in _BENIGN.items()
    ]
