/* A disk that fails: loaded before the C library, it counts what a process asks of the files under FAIL_UNDER and
   answers the FAIL_AT-th call with FAIL_ERRNO; with FAIL_ON=1 each call after that as well. FAIL_CALLS names the calls
   that count, as in "write,sync,open,rename,close". When the call came, FAIL_TOLD is made. What SQLite does goes
   through here, too; memory that is mapped does not. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES 65536
enum { UNKNOWN, OURS, OTHER };
static atomic_char kind[FILES];
static atomic_long calls;
static long at;
static int number, on;
static const char *under, *which, *told;
static pthread_once_t once = PTHREAD_ONCE_INIT;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void settings(void) {
    const char *text = getenv("FAIL_AT");
    at = text ? atol(text) : 0;
    text = getenv("FAIL_ERRNO");
    number = text ? atoi(text) : EIO;
    on = getenv("FAIL_ON") != NULL;
    under = getenv("FAIL_UNDER");
    which = getenv("FAIL_CALLS");
    told = getenv("FAIL_TOLD");
}

static int path_counts(const char *path) {
    pthread_once(&once, settings);
    return at > 0 && under && path && strncmp(path, under, strlen(under)) == 0;
}

/* A descriptor's path is asked for once, until it is closed. */
static int file_counts(int file) {
    pthread_once(&once, settings);
    if (at <= 0 || !under || file < 0) return 0;
    char known = file < FILES ? atomic_load(&kind[file]) : UNKNOWN;
    if (known != UNKNOWN) return known == OURS;
    char name[64], path[4096];
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    ssize_t length = readlink(name, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    int ours = path_counts(path);
    if (file < FILES) atomic_store(&kind[file], ours ? OURS : OTHER);
    return ours;
}

static int fails(const char *call) {
    if (!which || !strstr(which, call)) return 0;
    long now = atomic_fetch_add(&calls, 1) + 1;
    if (now != at && !(on && now > at)) return 0;
    if (now == at && told) {
        int made = REAL(open)(told, O_CREAT | O_WRONLY, 0600);
        if (made >= 0) REAL(close)(made);
    }
    errno = number;
    return 1;
}

#define FILE_CALL(call, name, result, parameters, arguments)          \
    result name parameters {                                          \
        if (file_counts(file) && fails(call)) return (result)-1;      \
        return REAL(name) arguments;                                  \
    }
FILE_CALL("write", write, ssize_t, (int file, const void *from, size_t size), (file, from, size))
FILE_CALL("write", writev, ssize_t, (int file, const struct iovec *from, int count), (file, from, count))
FILE_CALL("write", pwrite, ssize_t, (int file, const void *from, size_t size, off_t to), (file, from, size, to))
FILE_CALL("write", pwrite64, ssize_t, (int file, const void *from, size_t size, off64_t to), (file, from, size, to))
FILE_CALL("write", pwritev, ssize_t, (int file, const struct iovec *from, int count, off_t to), (file, from, count, to))
FILE_CALL("write", pwritev64, ssize_t, (int file, const struct iovec *from, int count, off64_t to),
          (file, from, count, to))
FILE_CALL("write", ftruncate, int, (int file, off_t size), (file, size))
FILE_CALL("write", ftruncate64, int, (int file, off64_t size), (file, size))
FILE_CALL("sync", fsync, int, (int file), (file))
FILE_CALL("sync", fdatasync, int, (int file), (file))

/* A close that fails has closed. */
int close(int file) {
    int failed = file_counts(file) && fails("close"), error = errno;
    if (file >= 0 && file < FILES) atomic_store(&kind[file], UNKNOWN);
    int done = REAL(close)(file);
    if (!failed) return done;
    errno = error;
    return -1;
}

#define MODE(flags)                                       \
    mode_t mode = 0;                                      \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                \
        va_list rest;                                     \
        va_start(rest, flags);                            \
        mode = va_arg(rest, mode_t);                      \
        va_end(rest);                                     \
    }
#define OPEN_CALL(name)                                            \
    int name(const char *path, int flags, ...) {                   \
        MODE(flags)                                                \
        if (path_counts(path) && fails("open")) return -1;         \
        return REAL(name)(path, flags, mode);                      \
    }
OPEN_CALL(open)
OPEN_CALL(open64)
#define OPENAT_CALL(name)                                          \
    int name(int folder, const char *path, int flags, ...) {       \
        MODE(flags)                                                \
        if (path_counts(path) && fails("open")) return -1;         \
        return REAL(name)(folder, path, flags, mode);              \
    }
OPENAT_CALL(openat)
OPENAT_CALL(openat64)

int rename(const char *from, const char *to) {
    if (path_counts(to) && fails("rename")) return -1;
    return REAL(rename)(from, to);
}

int unlink(const char *path) {
    if (path_counts(path) && fails("rename")) return -1;
    return REAL(unlink)(path);
}

int mkdir(const char *path, mode_t mode) {
    if (path_counts(path) && fails("open")) return -1;
    return REAL(mkdir)(path, mode);
}
