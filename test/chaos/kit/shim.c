/*
 * Stands between a program and its disk and clock (LD_PRELOAD), for power cuts, full disks and clock
 * jumps. A control file of two 64-bit numbers, mapped: [0] ns to add to the wall clock, [1] 1 while
 * the disk is full. CHAOS_LEDGER: each sync of a file below CHAOS_FOLDER adds a line "device:inode
 * size", the size from before the sync, since what is written during it may be lost. CHAOS_IMAGES:
 * each sync makes a copy of the file in that folder, of what a power cut cannot take any more.
 * No dlsym: allocators that ask for the time while they start would never come back.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *control;
static const char *folder, *ledger, *images;

/*
 * A server may write its title over the environment that it was started with. Not by malloc: its
 * first call may be the one that asks for the time.
 */
static const char *told(const char *name, char *copy) {
  const char *value = getenv(name);
  if (value == NULL || strlen(value) >= PATH_MAX) return NULL;
  return strcpy(copy, value);
}

static volatile int has_begun;

/* Called by whatever is called first, too: not each compiler has constructors of a library. */
__attribute__((constructor)) static void begin(void) {
  if (has_begun) return;
  has_begun = 1;
  const char *path = getenv("CHAOS_CONTROL");
  int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    void *page = mmap(NULL, 16, PROT_READ, MAP_SHARED, fd, 0);
    if (page != MAP_FAILED) control = page;
    close(fd);
  }
  static char copies[3][PATH_MAX];
  folder = told("CHAOS_FOLDER", copies[0]);
  ledger = told("CHAOS_LEDGER", copies[1]);
  images = told("CHAOS_IMAGES", copies[2]);
}

/* ---- the clock ---- */

int clock_gettime(clockid_t id, struct timespec *at) {
  begin();
  long failed = syscall(SYS_clock_gettime, id, at);
  if (failed == 0 && control != NULL && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
    int64_t ns = (int64_t)at->tv_sec * 1000000000 + at->tv_nsec + control[0];
    at->tv_sec = ns / 1000000000;
    at->tv_nsec = ns % 1000000000;
  }
  return (int)failed;
}

int gettimeofday(struct timeval *at, void *zone) {
  (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  at->tv_sec = now.tv_sec;
  at->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != NULL) *out = now.tv_sec;
  return now.tv_sec;
}

/* ---- the disk ---- */

/* The path of a regular file below the folder; NULL: something else. */
static const char *ours(int fd, char *path) {
  char link[64];
  if (folder == NULL) return NULL;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length <= 0) return NULL;
  path[length] = 0;
  return strncmp(path, folder, strlen(folder)) == 0 ? path : NULL;
}

static int is_full(int fd) {
  char path[PATH_MAX];
  begin();
  if (control == NULL || control[1] == 0 || ours(fd, path) == NULL) return 0;
  /* A log is not data; without it nobody would know what the server said. */
  size_t length = strlen(path);
  return length < 4 || strcmp(path + length - 4, ".log") != 0;
}

#define PIECE (1 << 16)

#define REFUSE_IF_FULL(fd) \
  if (is_full(fd)) { errno = ENOSPC; return -1; }

ssize_t write(int fd, const void *data, size_t size) {
  REFUSE_IF_FULL(fd)
  return syscall(SYS_write, fd, data, size);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
  REFUSE_IF_FULL(fd)
  return syscall(SYS_pwrite64, fd, data, size, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t at) {
  return pwrite(fd, data, size, at);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  REFUSE_IF_FULL(fd)
  return syscall(SYS_writev, fd, parts, count);
}

static void keep_image(const char *path) {
  char to[PATH_MAX], next[PATH_MAX];
  const char *name = strrchr(path, '/') + 1;
  snprintf(to, sizeof to, "%s/%s", images, name);
  snprintf(next, sizeof next, "%s/.%s.next", images, name);
  int out = open(next, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (out < 0) return;
  /* One at a time, so that an older image never replaces a newer one. */
  flock(out, LOCK_EX);
  /* Not on the stack: threads of a host may have a small one. */
  char *piece = malloc(PIECE);
  int copy = open(path, O_RDONLY | O_CLOEXEC);
  if (copy >= 0 && piece != NULL) {
    int made = open(to, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    off_t at = 0;
    ssize_t got;
    while ((got = pread(copy, piece, PIECE, at)) > 0) {
      syscall(SYS_pwrite64, made, piece, got, at);
      at += got;
    }
    ftruncate(made, at);
    close(made);
  }
  if (copy >= 0) close(copy);
  free(piece);
  flock(out, LOCK_UN);
  close(out);
}

static int sync_noted(int fd, long number) {
  char path[PATH_MAX], line[96];
  struct stat about;
  begin();
  const char *is_ours = ledger == NULL && images == NULL ? NULL : ours(fd, path);
  int known = is_ours != NULL && fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
  long failed = syscall(number, fd);
  if (failed != 0 || !known) return (int)failed;
  if (ledger != NULL) {
    int size = snprintf(line, sizeof line, "%llu:%llu %lld\n", (unsigned long long)about.st_dev,
                        (unsigned long long)about.st_ino, (long long)about.st_size);
    int out = open(ledger, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (out >= 0) {
      syscall(SYS_write, out, line, size);
      close(out);
    }
  }
  if (images != NULL) keep_image(path);
  return 0;
}

int fsync(int fd) { return sync_noted(fd, SYS_fsync); }

int fdatasync(int fd) { return sync_noted(fd, SYS_fdatasync); }
