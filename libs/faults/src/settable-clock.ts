import { execFile } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A wall clock that can be set, for processes that are started with an environment. */
export interface SettableClock {
  /** Makes a process see this clock, not that of the machine. */
  readonly env: Readonly<Record<string, string>>;
  /** Sets it to so much after the time of the machine; a negative number to so much before. */
  set(offsetMs: number): void;
  close(): void;
}

/** Takes the place of the three functions of the C library that tell the time of day; clocks that only measure stay as they are. */
const source = `
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *offset_ms;

__attribute__((constructor)) static void open_clock() {
  const char *path = getenv("BERTH_CLOCK");
  const int file = path ? open(path, O_RDONLY) : -1;
  if (file < 0) abort();
  void *page = mmap(nullptr, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (page == MAP_FAILED) abort();
  offset_ms = static_cast<const volatile int64_t *>(page);
}

extern "C" int clock_gettime(clockid_t clock, struct timespec *now) noexcept {
  const int failed = syscall(SYS_clock_gettime, clock, now);
  if (failed || !offset_ms || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return failed;
  const int64_t ns = now->tv_sec * INT64_C(1000000000) + now->tv_nsec + *offset_ms * INT64_C(1000000);
  now->tv_sec = ns / INT64_C(1000000000);
  now->tv_nsec = ns % INT64_C(1000000000);
  return 0;
}

extern "C" int gettimeofday(struct timeval *now, void *) noexcept {
  struct timespec precise;
  if (clock_gettime(CLOCK_REALTIME, &precise)) return -1;
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return 0;
}

extern "C" time_t time(time_t *seconds) noexcept {
  struct timespec precise;
  clock_gettime(CLOCK_REALTIME, &precise);
  if (seconds) *seconds = precise.tv_sec;
  return precise.tv_sec;
}
`;

/**
 * Makes such a clock with the C++ compiler of the machine.
 * @param folder - what is made lies there as long as a process uses it
 * @throws what running g++ throws
 */
export async function makeSettableClock(folder: string): Promise<SettableClock> {
  await mkdir(folder, { recursive: true });
  const [code, library, clock] = ['clock.cpp', 'clock.so', 'clock'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  await writeFile(code, source);
  await promisify(execFile)('g++', ['-O1', '-shared', '-fPIC', '-o', library, code]);
  await writeFile(clock, Buffer.alloc(8));
  const file = openSync(clock, 'r+');
  return {
    env: { LD_PRELOAD: library, BERTH_CLOCK: clock },
    set(offsetMs) {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(BigInt(Math.round(offsetMs)));
      writeSync(file, bytes, 0, 8, 0);
    },
    close: () => closeSync(file),
  };
}
