// `make systemd-unit`: what has systemd start everything at boot.
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import type { Context } from '../context.ts';
import { StackError } from '../errors.ts';
import { repository } from '../paths.ts';

/** The unit's text (systemd.unit(5), systemd.service(5), systemd.exec(5)) for a working copy and the user that it runs as. */
export function systemdUnit({ directory, user }: { directory: string; user: string }): string {
  // % begins a specifier. A working copy in somebody's home has to stay visible.
  const escaped = directory.replaceAll('%', '%%');
  const homes = /^\/(home|root|run\/user)\//.test(`${directory}/`) ? 'read-only' : 'yes';
  return `# Written by \`make systemd-unit\`.
[Unit]
Description=The shop: its servers, services, gateway and nginx
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=10min
StartLimitBurst=5

[Service]
User=${user}
WorkingDirectory=${escaped}
ExecStart=/bin/sh stack/run.sh node stack/main.ts up
# The supervisor stops the rest in order; what has not ended by then is killed.
KillMode=mixed
TimeoutStopSec=120
Restart=on-failure
RestartSec=5
LimitNOFILE=65536

# What it writes is in its own folder alone.
NoNewPrivileges=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectSystem=strict
ReadWritePaths="${escaped}"
ProtectHome=${homes}
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictSUIDSGID=yes
LockPersonality=yes
CapabilityBoundingSet=
SystemCallArchitectures=native

[Install]
WantedBy=multi-user.target
`;
}

/** For the user whom the working copy belongs to. Throws a StackError where that is root, or unknown here. */
export function printSystemdUnit({ output }: Context): number {
  const { uid } = statSync(repository);
  if (uid === 0) {
    throw new StackError(
      `${repository} is root's: make a user that everything runs as, and give it to that one: useradd --system shop; chown -R shop: ${repository}`,
    );
  }
  let user: string;
  try {
    user = execFileSync('id', ['-nu', String(uid)], { encoding: 'utf8', timeout: 10_000 }).trim();
  } catch {
    throw new StackError(`${repository} belongs to uid ${uid}, which has no name here`);
  }
  output.result(systemdUnit({ directory: repository, user }).trimEnd());
  return 0;
}
