import type { OmgError } from '../../errors/index.ts';

/** What the service of this machine's service manager is to run. */
export interface ServiceSpec {
  /** Program and arguments, absolute. */
  command: string[];
  /** Home folder of omg; undefined: that of the person, or of the manager for a system service. */
  home: string | undefined;
  /** Further settings, by the name of their variable. Nothing secret: the files can be read by others. */
  environment: Record<string, string>;
  /** Home of the person. */
  userHome: string;
  /** How long the manager waits for a stop; over the daemon's own patience. */
  stopSeconds: number;
}

export type Scope = 'user' | 'system';

/** What a service manager says about ours. */
export interface ServiceState {
  isInstalled: boolean;
  isActive: boolean;
  pid: number | undefined;
}

/** A service of one manager, as data: the file to write and the commands to run. */
export interface Service {
  manager: 'systemd' | 'launchd' | 'Task Scheduler';
  scope: Scope;
  /** The definition lies here. */
  file: string;
  text: string;
  /** Makes it start now and at boot or log-in. */
  enable: string[][];
  /** The file goes after these. */
  disable: string[][];
  restart: string[];
  /** Prints its state. */
  ask: string[];
  read(output: { exitCode: number; stdout: string }): { isActive: boolean; pid: number | undefined };
  /** The command that shows what it prints. */
  logs: string;
  /** Why it cannot be installed. */
  refusal?: OmgError;
  /** What else a person may want to do. */
  note?: string;
}
