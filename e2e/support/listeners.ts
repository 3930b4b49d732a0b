// Which addresses the processes of a stack listen at, as the kernel tells: proc(5), /proc/net/tcp.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const LISTEN = '0A';

export interface Listener {
  /** In the kernel's hexadecimal words. */
  readonly address: string;
  readonly port: number;
  readonly inode: string;
}

/** Every listening TCP socket of the machine. */
export function readListeners(): Listener[] {
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) =>
    readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((columns) => columns[3] === LISTEN)
      .map((columns) => {
        const [address = '', port = ''] = columns[1]?.split(':') ?? [];
        return { address, port: Number.parseInt(port, 16), inode: columns[9] ?? '' };
      }),
  );
}

/** 127.0.0.0/8, ::1 and ::ffff:127.0.0.0/104, whose groups of four bytes the kernel writes in its own order. */
export const isLoopback = ({ address }: Listener): boolean =>
  /^[0-9A-F]{6}7F$/.test(address) ||
  address === '00000000000000000000000001000000' ||
  /^0{16}FFFF0000[0-9A-F]{6}7F$/.test(address);

/** A process and all that it started. */
export function withDescendants(pid: number): number[] {
  const parents = new Map(
    readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry))
      .flatMap((entry) => {
        try {
          // The name in parentheses may hold anything; the parent is the second word behind it.
          const parent = readFileSync(`/proc/${entry}/stat`, 'utf8')
            .replace(/^.*\) /s, '')
            .split(' ')[1];
          return [[Number(entry), Number(parent)] as const];
        } catch {
          return []; // it has ended meanwhile
        }
      }),
  );
  const found = [pid];
  for (const parent of found) {
    for (const [child, its] of parents) if (its === parent) found.push(child);
  }
  return found;
}

/** The inodes of a process's sockets. */
export function socketsOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${descriptor}`))?.[1];
      return inode === undefined ? [] : [inode];
    } catch {
      return []; // closed meanwhile
    }
  });
}
