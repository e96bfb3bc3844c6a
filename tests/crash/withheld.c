/* Withholds flushes, to show that the rig sees what a wrong order loses. WITHHELD=folders: no fsync of a folder
   reaches the disk; WITHHELD=all: none at all does. Every call answers as if it had been done. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int withheld(int file) {
    const char *what = getenv("WITHHELD");
    struct stat about;
    if (what == NULL) return 0;
    if (strcmp(what, "all") == 0) return 1;
    return strcmp(what, "folders") == 0 && fstat(file, &about) == 0 && S_ISDIR(about.st_mode);
}

int fsync(int file) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    return withheld(file) ? 0 : real(file);
}

int fdatasync(int file) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    return withheld(file) ? 0 : real(file);
}
