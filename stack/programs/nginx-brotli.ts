// Brotli is a module of its own, which not every nginx has: Debian's is libnginx-mod-http-brotli-filter.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { repository } from '../paths.ts';

const moduleFile = 'ngx_http_brotli_filter_module.so';
const timeoutMs = 5_000;

export interface BrotliOptions {
  /** nginx's executable. */
  nginx: string;
  /** Of the stack's nginx. */
  directory: string;
  environment: Record<string, string>;
  /** Where the modules are, if not where this nginx looks for them. */
  modules?: string | undefined;
}

/**
 * Has nginx compress by brotli where it can. Returns what stands on the command line of nginx for that: nothing where
 * the module is built in, or where there is none.
 */
export function enableBrotli(options: BrotliOptions): string {
  const { nginx, directory, environment } = options;
  const extra = path.join(directory, 'extra');
  const configuration = path.join(extra, 'brotli.conf');
  const modules = options.modules ?? modulesPath(nginx, environment);
  const file = modules && path.join(modules, moduleFile);
  const directives = ['', ...(file && existsSync(file) ? [`load_module "${file}";`] : [])];
  const directive = directives.find((each) => canCompress(options, each));
  if (directive === undefined) {
    rmSync(configuration, { force: true });
    return '';
  }
  mkdirSync(extra, { recursive: true });
  copyFileSync(path.join(repository, 'nginx/brotli.conf'), configuration);
  return directive;
}

function modulesPath(nginx: string, environment: Record<string, string>): string | undefined {
  const { stderr } = spawnSync(nginx, ['-V'], { env: environment, encoding: 'utf8', timeout: timeoutMs });
  return /--modules-path=(\S+)/.exec(stderr)?.[1];
}

/** Asks nginx itself: a module of another version is as good as none. */
function canCompress({ nginx, directory, environment }: BrotliOptions, directive: string): boolean {
  const probe = path.join(directory, 'brotli-probe.conf');
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path "${path.join(directory, 'unused')}";`, // nginx makes them, which it may nowhere else
  );
  writeFileSync(probe, `events {}\nhttp { access_log off; ${folders.join(' ')} brotli on; }\n`);
  const globals = `pid "${path.join(directory, 'brotli-probe.pid')}"; ${directive}`;
  const argv = ['-t', '-q', '-e', 'stderr', '-p', directory, '-c', probe, '-g', globals];
  const { status } = spawnSync(nginx, argv, { env: environment, timeout: timeoutMs, stdio: 'ignore' });
  return status === 0;
}
